package enginetest

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// quality verifies that lossy formats say which quality they have: the one asked for, or one that was searched and does
// what it is for; and that lossless ones have none.
func quality(t testing.TB, e transform.Engine) error {
	photo := imagetest.Photo(180, 120)
	src := imagetest.EncodePNG(t, photo)
	for _, f := range written(e) {
		given, err := outputAt(t, e, src, transform.Spec{Format: f, Quality: 60})
		if err != nil {
			return err
		}
		want := 60
		if !f.Lossy() {
			want = 0
		}
		if given.Quality != want {
			return fmt.Errorf("%s: got quality %d, want %d", f, given.Quality, want)
		}
		if !f.Lossy() {
			continue
		}
		searched, err := outputAt(t, e, src, transform.Spec{Format: f})
		if err != nil {
			return err
		}
		if searched.Quality < 1 || searched.Quality > 100 {
			return fmt.Errorf("%s: got a searched quality of %d", f, searched.Quality)
		}
		got, err := pixels(t.Context(), e, searched)
		if err != nil {
			return err
		}
		if ssim := imagetest.SSIM(got, photo); ssim < 0.93 {
			return fmt.Errorf("%s: got SSIM %.4f at the searched quality %d, want at least 0.93", f, ssim, searched.Quality)
		}
		least, err := outputAt(t, e, src, transform.Spec{Format: f, Quality: 97})
		if err != nil {
			return err
		}
		if len(searched.Body) >= len(least.Body) {
			return fmt.Errorf("%s: got %d bytes at the searched quality %d, want fewer than %d at 97", f, len(searched.Body), searched.Quality, len(least.Body))
		}
	}
	return nil
}

// outputAt is output with the quality of s left as it is.
func outputAt(t testing.TB, e transform.Engine, src []byte, s transform.Spec) (transform.Output, error) {
	info, err := e.Probe(src)
	if err != nil {
		return transform.Output{}, err
	}
	outputs, err := e.Transform(t.Context(), src, []transform.Spec{s.Resolve(info.Width, info.Height, 0, 0)})
	if err != nil {
		return transform.Output{}, fmt.Errorf("transform to %s: %w", s, err)
	}
	return outputs[0], nil
}

// lossyLimits is byteLimits for the lossy formats, of which the quality follows.
func lossyLimits(t testing.TB, e transform.Engine) error {
	photo := imagetest.Photo(180, 120)
	src := imagetest.EncodePNG(t, photo)
	for _, f := range written(e) {
		if !f.Lossy() {
			continue
		}
		free, err := outputAt(t, e, src, transform.Spec{Format: f})
		if err != nil {
			return err
		}
		limit := max(len(free.Body)*2/3/1000, 1)
		small, err := outputAt(t, e, src, transform.Spec{Format: f, MaxKB: limit})
		if err != nil {
			return fmt.Errorf("%s of at most %d kB, from %d bytes: %w", f, limit, len(free.Body), err)
		}
		if len(small.Body) > 1000*limit {
			return fmt.Errorf("%s: got %d bytes, want at most %d", f, len(small.Body), 1000*limit)
		}
		got, err := pixels(t.Context(), e, small)
		if err != nil {
			return err
		}
		if ssim := imagetest.SSIM(got, photo); ssim < 0.6 {
			return fmt.Errorf("%s: got SSIM %.4f within %d kB, want the picture", f, ssim, limit)
		}
	}
	small, large := imagetest.EncodePNG(t, imagetest.Noise(320, 240)), imagetest.EncodePNG(t, imagetest.Noise(640, 480))
	for _, f := range written(e) {
		if !f.Lossy() {
			continue
		}
		noise := small
		if f == transform.AVIF { // makes less than 1,000 bytes of the small one
			noise = large
		}
		if _, err := outputAt(t, e, noise, transform.Spec{Format: f, MaxKB: 1}); !errors.Is(err, transform.ErrTooLarge) {
			return fmt.Errorf("%s of noise in 1 kB: got error %v, want %v", f, err, transform.ErrTooLarge)
		}
	}
	return nil
}

// linearLight verifies that drawings are resized in linear light and without rings: a board of single black and white
// pixels comes out as the half of the light, which is 188 in sRGB, and between two greys nothing is darker or brighter
// than they are.
func linearLight(t testing.TB, e transform.Engine) error {
	board := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		v := uint8(255 * ((i + i/64) & 1))
		board.SetNRGBA(i%64, i/64, color.NRGBA{R: v, G: v, B: v, A: 255})
	}
	got, err := run(t, e, imagetest.EncodePNG(t, board), transform.Spec{Width: 16, Format: transform.PNG})
	if err != nil {
		return err
	}
	if c := got.NRGBAAt(8, 8); c.R < 184 || c.R > 192 {
		return fmt.Errorf("a board of black and white pixels: got %v, want 188 or so", c)
	}
	edge := image.NewNRGBA(image.Rect(0, 0, 90, 60))
	for i := range 90 * 60 {
		v := uint8(60)
		if x, y := i%90, i/90; x > 31 && y > 17 && x+y < 110 {
			v = 190
		}
		edge.SetNRGBA(i%90, i/90, color.NRGBA{R: v, G: v, B: v, A: 255})
	}
	if got, err = run(t, e, imagetest.EncodePNG(t, edge), transform.Spec{Width: 40, Format: transform.PNG}); err != nil {
		return err
	}
	for i := 0; i < len(got.Pix); i += 4 {
		if v := got.Pix[i]; v < 59 || v > 191 {
			return fmt.Errorf("an edge between 60 and 190: got %d beside it", v)
		}
	}
	return nil
}
