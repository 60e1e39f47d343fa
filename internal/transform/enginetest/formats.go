package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// formats verifies every variant in against every format out, at the original's size, and that what the engine does not
// read or write is ErrFormat.
func formats(t testing.TB, e transform.Engine) error {
	for _, in := range fixtures(t) {
		for _, out := range transform.Formats() {
			if err := pair(t, e, in, out); err != nil {
				return fmt.Errorf("%s to %s: %w", in.name, out, err)
			}
		}
	}
	avif := []byte("\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif")
	want := transform.ErrCorrupt
	if !e.Can(transform.AVIF).Decode {
		want = transform.ErrFormat
	}
	if _, err := e.Probe(avif); !errors.Is(err, want) {
		return fmt.Errorf("an AVIF without pictures: got error %v, want %v", err, want)
	}
	return nil
}

// pair verifies one variant in and one format out.
func pair(t testing.TB, e transform.Engine, in fixture, out transform.Format) error {
	if !e.Can(in.format).Decode {
		if _, err := e.Probe(in.body); !errors.Is(err, transform.ErrFormat) {
			return fmt.Errorf("probe: got error %v, want %v", err, transform.ErrFormat)
		}
		return nil
	}
	if !e.Can(out).Encode {
		s := transform.Spec{Width: imagetest.FileWidth, Height: imagetest.FileHeight, Format: out}
		if _, err := e.Transform(t.Context(), in.body, []transform.Spec{s}); !errors.Is(err, transform.ErrFormat) {
			return fmt.Errorf("got error %v, want %v", err, transform.ErrFormat)
		}
		return nil
	}
	if !e.Can(out).Decode {
		_, err := output(t, e, in.body, transform.Spec{Format: out})
		return err
	}
	got, err := run(t, e, in.body, transform.Spec{Format: out})
	if err != nil {
		return err
	}
	want := in.want
	switch out {
	case transform.JPEG:
		want = overWhite(want)
	case transform.GIF:
		want = allOrNothing(want)
	}
	tol := tolerance(out)
	return imagetest.Differ(got, want, imagetest.Tolerance{
		SSIM: in.tol.SSIM + tol.SSIM - 1, // losses add up
		Mean: in.tol.Mean + tol.Mean,
	})
}

// overWhite is img laid over white.
func overWhite(img *image.NRGBA) *image.NRGBA {
	dst := image.NewNRGBA(img.Rect)
	draw.Draw(dst, dst.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(dst, dst.Rect, img, image.Point{}, draw.Over)
	return dst
}

// allOrNothing is img with every alpha 0 or 255, whichever is nearer: GIF has no other.
func allOrNothing(img *image.NRGBA) *image.NRGBA {
	dst := image.NewNRGBA(img.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i+3] >= 128 {
			copy(dst.Pix[i:], []byte{img.Pix[i], img.Pix[i+1], img.Pix[i+2], 0xff})
		}
	}
	return dst
}

// colourModels verifies PNGs of every colour model that image/png writes, and a grey JPEG.
func colourModels(t testing.TB, e transform.Engine) error {
	photo := imagetest.Photo(96, 64)
	paletted := image.NewPaletted(photo.Rect, append(palette.WebSafe[:200:200], color.NRGBA{}))
	grey, grey16 := image.NewGray(photo.Rect), image.NewGray16(photo.Rect)
	deep, clear16 := image.NewRGBA64(photo.Rect), image.NewNRGBA64(photo.Rect)
	for _, dst := range []draw.Image{paletted, grey, grey16, deep, clear16} {
		draw.Draw(dst, dst.Bounds(), photo, image.Point{}, draw.Src)
	}
	paletted.SetColorIndex(0, 0, 200) // transparent
	clear16.SetNRGBA64(0, 0, color.NRGBA64{R: 0xffff, A: 0x8000})
	one := image.NewPaletted(photo.Rect, color.Palette{color.White, color.Black})
	draw.Draw(one, image.Rect(0, 0, 48, 64), image.Black, image.Point{}, draw.Src)
	for _, c := range []struct {
		name string
		img  image.Image
	}{
		{"grey", grey}, {"16-bit grey", grey16}, {"16-bit RGB", deep}, {"16-bit RGBA", clear16},
		{"palette with a transparent colour", paletted}, {"1 bit", one},
	} {
		got, err := run(t, e, imagetest.EncodePNG(t, c.img), transform.Spec{Format: transform.PNG})
		if err == nil {
			err = imagetest.Differ(got, imagetest.NRGBA(c.img), exact)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	got, err := run(t, e, imagetest.EncodeJPEG(t, grey, 95), transform.Spec{Format: transform.PNG})
	if err != nil {
		return fmt.Errorf("grey JPEG: %w", err)
	}
	return imagetest.Differ(got, grey, imagetest.LossyJPG)
}

// blackAndWhite verifies that plain black and white survive every format there and back. VP8 and AV1 keep them as 16 and
// 235, JPEG as 0 and 255: a decoder that mixes them up makes every picture grey.
func blackAndWhite(t testing.TB, e transform.Engine) error {
	white, black := color.NRGBA{R: 255, G: 255, B: 255, A: 255}, color.NRGBA{A: 255}
	src := imagetest.EncodePNG(t, imagetest.QuadrantsOf(64, 64, [4]color.NRGBA{white, white, black, black}))
	for _, f := range written(e) {
		got, err := run(t, e, src, transform.Spec{Format: f})
		if err != nil {
			return err
		}
		if w, b := got.NRGBAAt(32, 10), got.NRGBAAt(32, 54); w.R < 252 || w.G < 252 || w.B < 252 || b.R > 3 || b.G > 3 || b.B > 3 {
			return fmt.Errorf("%s: got %v and %v, want white and black", f, w, b)
		}
	}
	return nil
}

// alpha verifies that transparency survives a resize into PNG and WebP, and that JPEG gets white behind it.
func alpha(t testing.TB, e transform.Engine) error {
	src := imagetest.PNG(t, 120, 80, true)
	info, err := e.Probe(src)
	if err != nil || !info.Alpha {
		return fmt.Errorf("probe: got alpha %t and error %v, want true", info.Alpha, err)
	}
	for _, f := range written(e) {
		got, err := run(t, e, src, transform.Spec{Width: 60, Format: f})
		if err != nil {
			return err
		}
		left, right := got.NRGBAAt(0, 20), got.NRGBAAt(59, 20)
		if f == transform.JPEG {
			if left.R < 240 || left.G < 240 || left.B < 240 {
				return fmt.Errorf("JPEG: got %v where the picture is transparent, want white", left)
			}
			continue
		}
		if left.A > 8 || right.A < 247 {
			return fmt.Errorf("%s: got alpha %d at the left and %d at the right, want 0 and 255", f, left.A, right.A)
		}
	}
	return nil
}

// metadata verifies that nothing of an original's EXIF is in a rendition: no camera, no position.
func metadata(t testing.TB, e transform.Engine) error {
	sources := [][]byte{
		imagetest.JPEG(t, 64, 48), imagetest.PNG(t, 64, 48, false),
		imagetest.File(t, "lossy.webp"), imagetest.File(t, "alpha-lossless.webp"),
		imagetest.WithICC(t, imagetest.JPEG(t, 64, 48), imagetest.ICCDisplayP3()),
	}
	for _, plain := range sources {
		src := imagetest.WithEXIF(t, plain, imagetest.EXIF(1))
		info, err := e.Probe(src)
		if err != nil || info.Metadata < int64(len(imagetest.Camera)) {
			return fmt.Errorf("probe of a %s with EXIF: got %d bytes of metadata and error %v", info.Format, info.Metadata, err)
		}
		for _, f := range written(e) {
			for _, width := range []int{0, 20} {
				o, err := output(t, e, src, transform.Spec{Width: width, Format: f})
				if err != nil {
					return err
				}
				if leak := leaked(o.Body); leak != "" {
					return fmt.Errorf("%s from %s holds %q", f, info.Format, leak)
				}
				if bytes.Contains(o.Body, []byte("ICC_PROFILE")) || bytes.Contains(o.Body, []byte("iCCP")) || bytes.Contains(o.Body, []byte("ICCP")) {
					return fmt.Errorf("%s from %s holds a profile, which sRGB needs not", f, info.Format)
				}
			}
		}
	}
	return nil
}
