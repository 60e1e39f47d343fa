package enginetest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// The colours of imagetest.Quadrants in other spaces are these in sRGB, and those of Adobe RGB these in Display P3
// (libvips 8.14.1, `vips icc_transform`).
func fromP3() [4]color.NRGBA {
	return [4]color.NRGBA{rgb(251, 0, 0), rgb(0, 204, 0), rgb(27, 40, 229), rgb(244, 219, 0)}
}
func fromAdobe() [4]color.NRGBA {
	return [4]color.NRGBA{rgb(255, 24, 24), rgb(0, 201, 0), rgb(18, 35, 225), rgb(248, 221, 0)}
}
func adobeToP3() [4]color.NRGBA {
	return [4]color.NRGBA{rgb(245, 60, 45), rgb(0, 197, 43), rgb(21, 35, 216), rgb(243, 222, 62)}
}

func plain() [4]color.NRGBA {
	return [4]color.NRGBA{imagetest.TopLeft, imagetest.TopRight, imagetest.BottomLeft, imagetest.BottomRight}
}

func rgb(r, g, b uint8) color.NRGBA { return color.NRGBA{R: r, G: g, B: b, A: 255} }

// profiles verifies that a picture with an ICC profile becomes sRGB; that it stays in a wide gamut where a spec asks for it
// and the picture has one, with a profile that says so; and that a broken profile is none.
func profiles(t testing.TB, e transform.Engine) error {
	p3, adobe := imagetest.ICCDisplayP3(), imagetest.ICCAdobeRGB()
	broken := bytes.Clone(p3)
	copy(broken[128:], "\xff\xff\xff\xff") // so many tags
	for _, c := range []struct {
		name       string
		profile    []byte
		srgb, wide [4]color.NRGBA // what a viewer who honours no profile sees
		kept       bool           // in a wide gamut
	}{
		{"Display P3", p3, fromP3(), plain(), true},
		{"Adobe RGB", adobe, fromAdobe(), adobeToP3(), true},
		{"sRGB", imagetest.ICCSRGB(), plain(), plain(), false},
		{"broken", broken, plain(), plain(), false},
		{"another kind's", imagetest.ICCSwappedCMYK(), plain(), plain(), false},
	} {
		quadrants := imagetest.Quadrants(imagetest.FileWidth, imagetest.FileHeight)
		for in, plain := range map[string][]byte{"JPEG": imagetest.EncodeJPEG(t, quadrants, 95), "PNG": imagetest.EncodePNG(t, quadrants)} {
			src := imagetest.WithICC(t, plain, c.profile)
			for _, f := range written(e) {
				if err := profileTo(t, e, src, transform.Spec{Width: 60, Format: f}, c.srgb, false); err != nil {
					return fmt.Errorf("%s with %s profile to %s: %w", in, c.name, f, err)
				}
				if f == transform.GIF {
					continue
				}
				if err := profileTo(t, e, src, transform.Spec{Width: 60, Format: f, WideGamut: true}, c.wide, c.kept); err != nil {
					return fmt.Errorf("%s with %s profile to p3 %s: %w", in, c.name, f, err)
				}
			}
		}
	}
	if err := webpProfile(t, e); err != nil {
		return fmt.Errorf("WebP: %w", err)
	}
	return greyAndInk(t, e)
}

// profileTo verifies the colours of one rendition, and whether it says that they are Display P3: read by the engine itself,
// it shows what the original does.
func profileTo(t testing.TB, e transform.Engine, src []byte, s transform.Spec, want [4]color.NRGBA, wide bool) error {
	if s.Format.Lossy() {
		s.Quality = 95
	}
	if s.Format == transform.AVIF {
		s.Quality = 100 // at 95 its chroma is four steps off, of which dark channels make eleven on the way from P3 to sRGB
	}
	o, err := output(t, e, src, s)
	if err != nil {
		return err
	}
	got, err := pixels(t.Context(), e, o)
	if err != nil {
		return err
	}
	if s.Format == transform.JPEG || s.Format == transform.PNG { // those are read without looking at profiles
		if err := coloured(got, want); err != nil {
			return err
		}
	}
	if !wide {
		if mentioned := bytes.Contains(o.Body, []byte("ICC")) || bytes.Contains(o.Body, []byte("iCCP")); mentioned {
			return fmt.Errorf("a profile is in it")
		}
		return coloured(got, want)
	}
	seen, err := run(t, e, o.Body, transform.Spec{Format: transform.PNG})
	if err != nil {
		return err
	}
	original, err := run(t, e, src, transform.Spec{Width: s.Width, Format: transform.PNG})
	if err != nil {
		return err
	}
	var colours [4]color.NRGBA
	for i, at := range middles(original.Rect.Size()) {
		colours[i] = original.NRGBAAt(at.X, at.Y)
	}
	if err := coloured(seen, colours); err != nil {
		return fmt.Errorf("read again: %w", err)
	}
	return nil
}

// middles are the middles of a picture's quarters.
func middles(size image.Point) [4]image.Point {
	left, right, top, bottom := size.X/4, size.X*3/4, size.Y/4, size.Y*3/4
	return [4]image.Point{{left, top}, {right, top}, {left, bottom}, {right, bottom}}
}

// coloured verifies the colours in the middles of the quarters. A lossy format of quality 95 may be six steps off, where a
// profile that is not honoured moves a channel by 20 and more.
func coloured(img *image.NRGBA, want [4]color.NRGBA) error {
	for i, at := range middles(img.Rect.Size()) {
		got := img.NRGBAAt(at.X, at.Y)
		for _, d := range []int{int(got.R) - int(want[i].R), int(got.G) - int(want[i].G), int(got.B) - int(want[i].B)} {
			if d < -6 || d > 6 {
				return fmt.Errorf("got %v in quarter %d, want %v", got, i, want[i])
			}
		}
	}
	return nil
}

// webpProfile verifies that the profile of a WebP is honoured, and that its transparency is still there.
func webpProfile(t testing.TB, e transform.Engine) error {
	if !e.Can(transform.WebP).Decode {
		return nil // case Formats verifies that the engine says so
	}
	for _, name := range []string{"lossy.webp", "lossless.webp", "alpha.webp", "alpha-lossless.webp"} {
		plain := imagetest.File(t, name)
		want, err := run(t, e, plain, transform.Spec{Format: transform.PNG})
		if err != nil {
			return err
		}
		// The same pixels by way of PNG, whose profile is verified above.
		if want, err = run(t, e, imagetest.WithICC(t, imagetest.EncodePNG(t, want), imagetest.ICCAdobeRGB()), transform.Spec{Format: transform.PNG}); err != nil {
			return err
		}
		got, err := run(t, e, imagetest.WithICC(t, plain, imagetest.ICCAdobeRGB()), transform.Spec{Format: transform.PNG})
		if err == nil {
			err = imagetest.Differ(got, want, imagetest.Lossless)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// greyAndInk verifies that the profiles of grey and CMYK pictures are honoured: a grey of 128 under an exponent of 1.8 is
// sRGB's 146 (libvips), and a CMYK picture whose profile exchanges inks comes out with red and blue exchanged.
func greyAndInk(t testing.TB, e transform.Engine) error {
	grey := image.NewGray(image.Rect(0, 0, 40, 40))
	for i := range grey.Pix {
		grey.Pix[i] = 128
	}
	for _, src := range [][]byte{imagetest.EncodeJPEG(t, grey, 95), imagetest.EncodePNG(t, grey)} {
		for _, width := range []int{0, 20} {
			got, err := run(t, e, imagetest.WithICC(t, src, imagetest.ICCGrey(1.8)), transform.Spec{Width: width, Format: transform.PNG})
			if err != nil {
				return fmt.Errorf("grey: %w", err)
			}
			if c := got.NRGBAAt(10, 10); c.R < 145 || c.R > 147 || c.G != c.R || c.B != c.R {
				return fmt.Errorf("grey with a profile: got %v, want 146", c)
			}
		}
	}
	got, err := run(t, e, imagetest.WithICC(t, imagetest.File(t, "cmyk.jpg"), imagetest.ICCSwappedCMYK()), transform.Spec{Format: transform.PNG})
	if err == nil {
		photo := imagetest.Photo(imagetest.FileWidth, imagetest.FileHeight)
		err = imagetest.Differ(got, imagetest.Swapped(photo), imagetest.Tolerance{SSIM: 0.93, Mean: smallChroma})
	}
	if err != nil {
		return fmt.Errorf("CMYK with a profile: %w", err)
	}
	return nil
}
