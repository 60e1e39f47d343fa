package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/png"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// drawing is a picture of 200 colours and a clear corner, with the plain surfaces that drawings have.
func drawing(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			i := uint8((x*x/40 + y*y/30*7) % 200)
			img.SetNRGBA(x, y, color.NRGBA{R: i, G: 255 - i, B: i * 11, A: 255})
		}
	}
	for y := range h / 4 {
		clear(img.Pix[y*img.Stride:][:w])
	}
	return img
}

// fewColours verifies that pictures of at most 256 colours are written without loss by the formats that have palettes, and
// that PNG uses one where it is smaller, one channel for what is grey, and no alpha for what is opaque.
func fewColours(t testing.TB, e transform.Engine) error {
	img := drawing(210, 150)
	src := imagetest.EncodePNG(t, img)
	if e.Can(transform.GIF).Encode {
		o, err := output(t, e, src, transform.Spec{Format: transform.GIF})
		if err != nil {
			return err
		}
		got, err := gif.Decode(bytes.NewReader(o.Body))
		if err == nil {
			err = imagetest.Differ(got, img, exact)
		}
		if err != nil {
			return fmt.Errorf("GIF: %w", err)
		}
	}
	if !e.Can(transform.PNG).Encode {
		return nil
	}
	photo := imagetest.Photo(210, 150)
	grey := image.NewGray(photo.Rect)
	draw.Draw(grey, grey.Rect, photo, image.Point{}, draw.Src)
	for name, c := range map[string]struct {
		src  image.Image
		kind func(image.Image) bool
	}{
		"200 colours": {img, func(i image.Image) bool { _, ok := i.(*image.Paletted); return ok }},
		"grey":        {grey, func(i image.Image) bool { _, ok := i.(*image.Gray); return ok }},
		"photograph":  {photo, func(i image.Image) bool { _, ok := i.(*image.RGBA); return ok }}, // opaque
	} {
		plain := imagetest.EncodePNG(t, imagetest.NRGBA(c.src))
		o, err := output(t, e, plain, transform.Spec{Format: transform.PNG})
		if err != nil {
			return fmt.Errorf("PNG of %s: %w", name, err)
		}
		got, err := png.Decode(bytes.NewReader(o.Body))
		if err == nil {
			err = imagetest.Differ(got, c.src, exact)
		}
		if err != nil {
			return fmt.Errorf("PNG of %s: %w", name, err)
		}
		if !c.kind(got) || len(o.Body) > len(plain) {
			return fmt.Errorf("PNG of %s: got a %T in %d bytes, of %d", name, got, len(o.Body), len(plain))
		}
	}
	return nil
}

// byteLimits verifies that PNG and GIF, still and moving, and moving WebP keep to a limit by having fewer colours or less quality, that a
// limit which does not bind changes nothing, and that one which cannot be kept is ErrTooLarge.
func byteLimits(t testing.TB, e transform.Engine) error {
	src := imagetest.PNG(t, 180, 120, false)
	for _, f := range []transform.Format{transform.PNG, transform.GIF} {
		if !e.Can(f).Encode {
			continue
		}
		free, err := output(t, e, src, transform.Spec{Format: f})
		if err != nil {
			return err
		}
		loose, err := output(t, e, src, transform.Spec{Format: f, MaxKB: len(free.Body)/1000 + 1})
		if err != nil || !bytes.Equal(free.Body, loose.Body) {
			return fmt.Errorf("%s with a limit that does not bind: got %d bytes and error %v, want the same %d", f, len(loose.Body), err, len(free.Body))
		}
		const limit = 6
		o, err := output(t, e, src, transform.Spec{Format: f, MaxKB: limit})
		if err != nil || len(o.Body) > limit*1000 {
			return fmt.Errorf("%s: got %d bytes and error %v, want at most %d", f, len(o.Body), err, limit*1000)
		}
		got, err := pixels(t.Context(), e, o)
		if err == nil {
			err = imagetest.Differ(got, imagetest.Photo(180, 120), imagetest.Tolerance{SSIM: 0.5, Mean: 30})
		}
		if err != nil {
			return fmt.Errorf("%s of %d bytes: %w", f, len(o.Body), err)
		}
		noise := imagetest.EncodePNG(t, imagetest.Noise(200, 200))
		if _, err := output(t, e, noise, transform.Spec{Format: f, MaxKB: 1}); !errors.Is(err, transform.ErrTooLarge) {
			return fmt.Errorf("%s of noise: got error %v, want %v", f, err, transform.ErrTooLarge)
		}
	}
	return movingLimits(t, e)
}

// movingLimits is byteLimits for animations.
func movingLimits(t testing.TB, e transform.Engine) error {
	film := imagetest.Films(t)[2]
	for _, f := range []transform.Format{transform.GIF, transform.WebP} {
		if !e.Can(f).Encode {
			continue
		}
		free, err := output(t, e, film.Body, transform.Spec{Format: f, Animate: true})
		if err != nil {
			return err
		}
		limit := len(free.Body) * 3 / 4 / 1000
		o, err := output(t, e, film.Body, transform.Spec{Format: f, Animate: true, MaxKB: limit})
		if err != nil || len(o.Body) > limit*1000 || o.Frames != len(film.Frames) {
			return fmt.Errorf("moving %s: got %d frames in %d bytes and error %v, want %d in at most %d",
				f, o.Frames, len(o.Body), err, len(film.Frames), limit*1000)
		}
		if _, err := readFilm(t.Context(), e, o); err != nil {
			return err
		}
		if _, err := output(t, e, film.Body, transform.Spec{Format: f, Animate: true, MaxKB: 1}); !errors.Is(err, transform.ErrTooLarge) {
			return fmt.Errorf("moving %s: got error %v, want %v", f, err, transform.ErrTooLarge)
		}
	}
	return nil
}

// brokenFilms verifies that an animation with a defect is ErrCorrupt where all of it is wanted: cut at every tenth, or with a
// frame outside its canvas.
func brokenFilms(t testing.TB, e transform.Engine) error {
	for _, film := range imagetest.Films(t) {
		if !e.Can(transform.WebP).Encode {
			continue
		}
		s, err := resolve(e, film.Body, transform.Spec{Format: transform.WebP, Animate: true})
		if err != nil {
			return err
		}
		for tenth := 1; tenth < 10; tenth++ {
			cut := film.Body[:len(film.Body)*tenth/10]
			if out, err := e.Transform(t.Context(), cut, []transform.Spec{s}); !errors.Is(err, transform.ErrCorrupt) || out != nil {
				return fmt.Errorf("%s cut at %d0 %%: got error %v, want %v", film.Name, tenth, err, transform.ErrCorrupt)
			}
		}
		moved := bytes.Clone(film.Body)
		if at := bytes.LastIndex(moved, []byte("ANMF")); at > 0 {
			moved[at+8] = 200
		} else {
			moved[bytes.LastIndex(moved, film.Last)+1] = 155 // from the left
		}
		if out, err := e.Transform(t.Context(), moved, []transform.Spec{s}); !errors.Is(err, transform.ErrCorrupt) || out != nil {
			return fmt.Errorf("%s with its last frame outside the canvas: got error %v, want %v", film.Name, err, transform.ErrCorrupt)
		}
	}
	return nil
}
