//go:build integration

package goengine_test

import (
	"bytes"
	"image/png"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// exported makes a picture in another space of a photograph, with libvips, which has profiles of Display P3 and of CMYK.
func exported(t *testing.T, photo, space string) string {
	t.Helper()
	dir := t.TempDir()
	profile, ours := space, map[string]func() []byte{"adobe": imagetest.ICCAdobeRGB, "prophoto": imagetest.ICCProPhoto}
	if make, ok := ours[space]; ok {
		profile = filepath.Join(dir, space+".icc")
		write(t, profile, make())
	}
	tagged, to := filepath.Join(dir, "in.v"), filepath.Join(dir, space+".jpg")
	command(t, "vips", "icc_transform", photo, tagged, profile, "--input-profile", "srgb")
	command(t, "vips", "jpegsave", tagged, to, "--Q", "95", "--no-subsample")
	return to
}

// thumbnail is what vipsthumbnail makes of a file: 400 pixels wide, in sRGB.
func thumbnail(t *testing.T, path string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.png")
	command(t, "vipsthumbnail", path, "--size", "400x", "--export-profile", "srgb", "-o", out)
	return read(t, out)
}

// TestIntegrationColours renders photographs in other spaces to sRGB, and to Display P3 where that is asked for, and has
// vipsthumbnail do the same. Of a rendition in Display P3, it must find the profile and see the same picture.
func TestIntegrationColours(t *testing.T) {
	tr := newTransformer(t)
	photos := files(t, 30, "photos", "*.jpg")
	for _, tt := range []struct {
		space string
		tol   imagetest.Tolerance
	}{
		{"p3", imagetest.Tolerance{SSIM: 0.99, Mean: 1.5}},
		{"adobe", imagetest.Tolerance{SSIM: 0.99, Mean: 1.5}},
		{"prophoto", imagetest.Tolerance{SSIM: 0.99, Mean: 2.5}}, // chroma in eight bits of so wide a space is coarse
		{"cmyk", imagetest.Tolerance{SSIM: 0.98, Mean: 2.5}},
	} {
		t.Run(tt.space, func(t *testing.T) {
			for i := 0; i < len(photos); i += 10 {
				path := exported(t, photos[i], tt.space)
				reference := path
				if tt.space == "cmyk" { // vipsthumbnail does not compensate the black point: shadows come out as grey as ink is
					reference = filepath.Join(t.TempDir(), "reference.png")
					command(t, "vips", "icc_transform", path, reference, "srgb", "--embedded", "--black-point-compensation")
				}
				want, err := png.Decode(bytes.NewReader(thumbnail(t, reference)))
				if err != nil {
					t.Fatal(err)
				}
				var texts []string
				for _, f := range encodes(t, tr) {
					if f == transform.GIF { // has no profiles
						continue
					}
					texts = append(texts, "w400-q100-p3."+f.Ext())
					if !f.Lossy() {
						texts[len(texts)-1] = "w400-p3." + f.Ext()
					}
				}
				for j, out := range render(t, tr, read(t, path), append(texts, "w400.png")...) {
					made := filepath.Join(t.TempDir(), "made."+out.Format.Ext())
					write(t, made, out.Body)
					got := pixels(t, tr, out.Body)
					if j < len(texts) && tt.space != "cmyk" {
						said := command(t, "exiftool", "-a", "-G1", made)
						if !strings.Contains(said, "Display P3") && !strings.Contains(said, "SMPTE EG 432-1") { // code points are named so
							t.Errorf("%s to %s: no profile: %s", path, texts[j], said)
						}
						if out.Format != transform.AVIF { // this vips takes no notice of code points
							got = pixels(t, tr, thumbnail(t, made))
						}
					}
					tol := tt.tol
					if out.Format.Lossy() {
						tol = imagetest.Tolerance{SSIM: tol.SSIM - 0.02, Mean: tol.Mean + 3.5}
					}
					err := imagetest.Differ(got, want, tol)
					if err != nil {
						t.Errorf("%s as %s, rendition %d: %v", filepath.Base(photos[i]), tt.space, j, err)
					}
					t.Logf("%s as %s to %s: SSIM %.4f, mean %.2f", filepath.Base(photos[i]), tt.space, out.Format, imagetest.SSIM(got, want), imagetest.MeanDifference(got, want))
				}
			}
		})
	}
}
