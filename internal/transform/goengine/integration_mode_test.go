//go:build integration

package goengine_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// TestIntegrationMode makes sure that the other tests test the mode that they say.
func TestIntegrationMode(t *testing.T) {
	tr := newTransformer(t)
	meant := mode(t)
	for _, f := range encodes(t, tr) {
		rev := tr.Rev(f)
		t.Logf("%s: %s", f, rev)
		found := strings.Contains(rev, "-native")
		if found && meant == static {
			t.Errorf("%s: revision %q names a shared library in mode %s", f, rev, meant)
		}
		if f == transform.WebP && !found && meant == native {
			t.Errorf("%s: revision %q names no shared library in mode %s", f, rev, meant)
		}
	}
}

// modeTolerance is how far the renditions of the two modes may be apart: both encode the same pixels at quality 80, and
// differ by what two releases of one codec library decide differently.
var modeTolerance = imagetest.Tolerance{SSIM: 0.98, Mean: 2}

// TestIntegrationModes renders every photograph in every format. The static mode, which runs first, keeps the renditions;
// the native one compares its own with them.
func TestIntegrationModes(t *testing.T) {
	tr := newTransformer(t)
	meant := mode(t)
	var texts []string
	for _, f := range encodes(t, tr) {
		texts = append(texts, "w400."+f.Ext())
	}
	for _, name := range files(t, 30, "photos", "*.jpg") {
		base := strings.TrimSuffix(filepath.Base(name), ".jpg")
		for _, o := range render(t, tr, read(t, name), texts...) {
			write(t, work(t, "renditions", meant, base+"."+o.Format.Ext()), o.Body)
			if meant == static {
				continue
			}
			want := read(t, work(t, "renditions", static, base+"."+o.Format.Ext()))
			if err := imagetest.Differ(pixels(t, tr, o.Body), pixels(t, tr, want), modeTolerance); err != nil {
				t.Errorf("%s as %s: %s against %s: %v", base, o.Format, meant, static, err)
			}
		}
	}
}

// TestIntegrationReaders has every rendition read by a program that is not ours, of the codec's own authors where they
// have one, and wants the pixels that Go sees.
func TestIntegrationReaders(t *testing.T) {
	tr := newTransformer(t)
	src := read(t, files(t, 1, "photos", "aizkorri*.jpg")[0])
	dir := t.TempDir()
	for _, f := range encodes(t, tr) {
		t.Run(f.Ext(), func(t *testing.T) {
			body := render(t, tr, src, "w400."+f.Ext())[0].Body
			in, out := filepath.Join(dir, "x."+f.Ext()), filepath.Join(dir, f.Ext()+"-out.png")
			write(t, in, body)
			switch f {
			case transform.JPEG:
				command(t, "djpeg", "-strict", "-outfile", out+".ppm", in)
				command(t, "convert", out+".ppm", out)
			case transform.PNG:
				command(t, "pngcheck", "-q", in)
				out = in
			case transform.GIF:
				command(t, "convert", in, out)
			case transform.WebP:
				command(t, "webpinfo", "-quiet", in)
				command(t, "dwebp", "-quiet", in, "-o", out)
			case transform.AVIF:
				command(t, "avifdec", in, out)
			}
			// Readers enlarge chroma in different ways.
			tol := imagetest.Tolerance{SSIM: 0.99, Mean: 3}
			if err := imagetest.Differ(pixels(t, tr, read(t, out)), pixels(t, tr, body), tol); err != nil {
				t.Error(err)
			}
		})
	}
}
