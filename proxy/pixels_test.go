package proxy

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/webp"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// quarters is a picture of four colours.
func quarters(w, h int, c [4]color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i, at := range []image.Rectangle{
		image.Rect(0, 0, w/2, h/2), image.Rect(w/2, 0, w, h/2), image.Rect(0, h/2, w/2, h), image.Rect(w/2, h/2, w, h),
	} {
		draw.Draw(img, at, image.NewUniform(c[i]), image.Point{}, draw.Src)
	}
	return img
}

var (
	red, green  = color.NRGBA{200, 20, 20, 255}, color.NRGBA{20, 160, 20, 255}
	blue, black = color.NRGBA{20, 20, 200, 255}, color.NRGBA{0, 0, 0, 255}
	paper, none = color.NRGBA{255, 255, 255, 255}, color.NRGBA{}
)

// newPixelDesk serves two pictures of 300 × 200 by the real renderer and engine: /four.png of four colours, and /hole.png, of
// which the right half is not there.
func newPixelDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	for name, body := range map[string][]byte{
		"four.png": imagetest.EncodePNG(t, quarters(300, 200, [4]color.NRGBA{red, green, blue, black})),
		"hole.png": imagetest.EncodePNG(t, quarters(300, 200, [4]color.NRGBA{red, none, red, none})),
		"four.md":  []byte("---\nimage: four.png\n---\n"),
		"hole.md":  []byte("---\nimage: hole.png\n---\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	c, err := catalog.Scan(t.Context(), root, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	memory, err := cache.NewMemory(cache.MemoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() })
	transformer := transform.New(goengine.New(), transform.Options{})
	t.Cleanup(func() { _ = transformer.Close() })
	r := render.New(render.Options{Store: memory, Fetch: fetch.New(fetch.Options{Site: root}), Transform: transformer})
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	s, err := New(Options{Catalog: c, Renderer: r, Widths: []int{50, 100, 150, 200, 300, 400},
		Formats: []transform.Format{transform.WebP, transform.JPEG, transform.PNG, transform.GIF}})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, Server: s}
	d.serve()
	return d
}

// picture fetches a path and decodes what it answers.
func (d *desk) picture(path string) (image.Image, string) {
	d.t.Helper()
	resp, body := d.get(path)
	if resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
	}
	kind := resp.Header.Get("Content-Type")
	read := map[string]func() (image.Image, error){
		"image/png":  func() (image.Image, error) { return png.Decode(bytes.NewReader([]byte(body))) },
		"image/jpeg": func() (image.Image, error) { return jpeg.Decode(bytes.NewReader([]byte(body))) },
		"image/gif":  func() (image.Image, error) { return gif.Decode(bytes.NewReader([]byte(body))) },
		"image/webp": func() (image.Image, error) { return webp.Decode(bytes.NewReader([]byte(body))) },
	}[kind]
	if read == nil {
		d.t.Fatalf("%s: %s", path, kind)
	}
	img, err := read()
	if err != nil {
		d.t.Fatalf("%s: %v", path, err)
	}
	return img, kind
}

// What each fit of imgix shows of 300 × 200 pixels, in its pixels.
func TestDialectPixels(t *testing.T) {
	d := newPixelDesk(t)
	type spot struct {
		x, y int
		want color.NRGBA
	}
	for _, tt := range []struct {
		path, kind string
		w, h       int
		spots      []spot
	}{
		{"/four.png", "image/png", 300, 200, []spot{{10, 10, red}, {290, 10, green}, {10, 190, blue}, {290, 190, black}}},
		{"/four.png?w=100&h=100", "image/png", 100, 67, []spot{{5, 5, red}, {95, 60, black}}},
		{"/four.png?w=100&h=100&fit=max&fm=webp", "image/webp", 100, 67, []spot{{5, 5, red}, {95, 60, black}}},
		{"/four.png?w=400&h=400&fit=clip&fm=jpg", "image/jpeg", 300, 200, []spot{{10, 10, red}, {290, 190, black}}},
		{"/four.png?w=100&h=100&fit=crop", "image/png", 100, 100, []spot{{5, 5, red}, {95, 5, green}, {5, 95, blue}, {95, 95, black}}},
		{"/four.png?w=400&h=400&fit=min", "image/png", 200, 200, []spot{{10, 10, red}, {190, 10, green}, {10, 190, blue}, {190, 190, black}}},
		{"/four.png?w=100&h=200&fit=crop&crop=left", "image/png", 100, 200, []spot{{5, 5, red}, {95, 5, red}, {5, 195, blue}, {95, 195, blue}}},
		{"/four.png?w=100&h=200&fit=crop&crop=right,top", "image/png", 100, 200, []spot{{5, 5, green}, {95, 5, green}, {95, 195, black}}},
		{"/four.png?w=200&ar=3:1&fit=crop&crop=bottom", "image/png", 200, 67, []spot{{5, 40, blue}, {195, 40, black}}},
		{"/four.png?w=100&h=200&fit=crop&crop=focalpoint&fp-x=0.9", "image/png", 100, 200, []spot{{5, 5, green}, {95, 195, black}}},
		{"/four.png?h=200&fit=crop&max-w=100", "image/png", 100, 200, []spot{{5, 5, red}, {95, 5, green}}},
		{"/four.png?w=100&h=100&fit=fill", "image/png", 100, 100, []spot{{5, 5, paper}, {95, 95, paper}, {5, 25, red}, {95, 75, black}}},
		{"/four.png?w=100&h=100&fit=fill&bg=transparent", "image/png", 100, 100, []spot{{5, 5, none}, {95, 95, none}, {5, 25, red}}},
		{"/four.png?w=100&h=100&fit=fill&bg=transparent&fm=jpg", "image/jpeg", 100, 100, []spot{{5, 5, paper}, {5, 25, red}}},
		{"/four.png?w=400&h=400&fit=fill", "image/png", 300, 300, []spot{{5, 5, paper}, {10, 60, red}, {290, 240, black}}},
		{"/four.png?w=100&h=100&fit=scale", "image/png", 100, 100, []spot{{5, 5, red}, {95, 5, green}, {5, 95, blue}, {95, 95, black}}},
		{"/four.png?w=50&dpr=2", "image/png", 100, 67, nil},
		{"/four.png?w=0.5", "image/png", 150, 100, nil},
		{"/four.png?w=100&fm=gif", "image/gif", 100, 67, []spot{{5, 5, red}}},
		{"/four.png?w=100&fm=pjpg&q=90", "image/jpeg", 100, 67, []spot{{5, 5, red}}},
		{"/hole.png?w=100", "image/png", 100, 67, []spot{{5, 5, red}, {95, 60, none}}},
		{"/hole.png?w=100&bg=fff", "image/png", 100, 67, []spot{{5, 5, red}, {95, 60, paper}}},
		{"/hole.png?w=100&fm=jpg", "image/jpeg", 100, 67, []spot{{5, 5, red}, {95, 60, paper}}},
		{"/hole.png?w=100&h=100&fit=fill&bg=transparent", "image/png", 100, 100, []spot{{5, 5, none}, {95, 50, none}, {5, 50, red}}},
		{"/hole.png?w=100&h=100&fit=fill", "image/png", 100, 100, []spot{{5, 5, paper}, {95, 50, paper}, {5, 50, red}}},
	} {
		img, kind := d.picture(tt.path)
		if b := img.Bounds(); kind != tt.kind || b.Dx() != tt.w || b.Dy() != tt.h {
			t.Errorf("%s: %s of %d × %d, want %s of %d × %d", tt.path, kind, b.Dx(), b.Dy(), tt.kind, tt.w, tt.h)
			continue
		}
		for _, s := range tt.spots {
			got := color.NRGBAModel.Convert(img.At(s.x, s.y)).(color.NRGBA)
			if !alike(got, s.want) {
				t.Errorf("%s: %v at %d, %d, want %v", tt.path, got, s.x, s.y, s.want)
			}
		}
	}
}

// alike reports whether two colours look the same: what is not there has none.
func alike(a, b color.NRGBA) bool {
	const most = 20 // what encoders with loss change of an even ground
	near := func(x, y uint8) bool { return max(x, y)-min(x, y) <= most }
	return near(a.A, b.A) && (b.A == 0 || near(a.R, b.R) && near(a.G, b.G) && near(a.B, b.B))
}
