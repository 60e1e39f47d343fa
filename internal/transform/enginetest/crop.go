package enginetest

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// coverTurned verifies that a crop of a turned picture is the crop of what is seen: bands of the picture as shown.
func coverTurned(t testing.TB, e transform.Engine) error {
	for o := 1; o <= 8; o++ {
		src := imagetest.WithEXIF(t, imagetest.EncodePNG(t, imagetest.Quadrants(60, 60)), imagetest.EXIF(uint16(o)))
		got, err := run(t, e, src, transform.Spec{Width: 60, Height: 20, Fit: transform.Cover, Crop: transform.Center, Format: transform.PNG})
		if err == nil {
			err = imagetest.Differ(got, imagetest.QuadrantsOf(60, 20, shown[o]), exact)
		}
		if err != nil {
			return fmt.Errorf("orientation %d: %w", o, err)
		}
	}
	return nil
}

// cover verifies the crop of lying and standing pictures: three bands, of which only the middle one may be left.
func cover(t testing.TB, e transform.Engine) error {
	middle := color.NRGBA{G: 200, A: 255}
	lying := image.NewNRGBA(image.Rect(0, 0, 90, 30))
	standing := image.NewNRGBA(image.Rect(0, 0, 30, 90))
	for i := range 90 {
		for j := range 30 {
			c := [3]color.NRGBA{{R: 200, A: 255}, middle, {B: 200, A: 255}}[i/30]
			lying.SetNRGBA(i, j, c)
			standing.SetNRGBA(j, i, c)
		}
	}
	want := imagetest.QuadrantsOf(30, 30, [4]color.NRGBA{middle, middle, middle, middle})
	for _, img := range []*image.NRGBA{lying, standing} {
		spec := transform.Spec{Width: 30, Height: 30, Fit: transform.Cover, Crop: transform.Center, Format: transform.PNG}
		got, err := run(t, e, imagetest.EncodePNG(t, img), spec)
		if err == nil {
			err = imagetest.Differ(got, want, exact)
		}
		if err != nil {
			return fmt.Errorf("%v: %w", img.Rect.Max, err)
		}
	}
	return nil
}

// object is the side of what stands out in pictures of withObject.
const object = 24

// withObject is a grey picture with a square of red checks whose middle is at a place.
func withObject(size, middle image.Point) *image.NRGBA {
	grey := color.NRGBA{R: 128, G: 132, B: 138, A: 255}
	img := imagetest.QuadrantsOf(size.X, size.Y, [4]color.NRGBA{grey, grey, grey, grey})
	for y := range object {
		for x := range object {
			c := color.NRGBA{R: 220, G: 60, B: 30, A: 255}
			if (x/4+y/4)%2 == 0 {
				c = color.NRGBA{R: 150, G: 20, B: 20, A: 255}
			}
			img.SetNRGBA(middle.X-object/2+x, middle.Y-object/2+y, c)
		}
	}
	return img
}

// seen is the share of the object that is in img, whose pixels are as large as the original's.
func seen(img *image.NRGBA) float64 {
	n := 0
	for i := 0; i < len(img.Pix); i += 4 {
		if int(img.Pix[i]) > int(img.Pix[i+2])+60 {
			n++
		}
	}
	return float64(n) / (object * object)
}

// smartCrop verifies that a crop keeps what stands out at either end of lying and standing pictures, turned or not,
// decoded to planes or to pixels, and that a focal point or the centre is obeyed instead.
func smartCrop(t testing.TB, e transform.Engine) error {
	spec := transform.Spec{Width: 60, Height: 60, Fit: transform.Cover, Format: transform.PNG}
	for _, size := range []image.Point{{160, 60}, {60, 160}} {
		for _, middle := range []image.Point{{20, 20}, size.Sub(image.Pt(20, 20))} {
			img := withObject(size, middle)
			for name, body := range map[string][]byte{"JPEG": imagetest.EncodeJPEG(t, img, 95), "PNG": imagetest.EncodePNG(t, img)} {
				for o := 1; o <= 8; o++ {
					got, err := run(t, e, imagetest.WithEXIF(t, body, imagetest.EXIF(uint16(o))), spec)
					if err != nil {
						return err
					}
					if share := seen(got); share < 0.95 || share > 1.05 {
						return fmt.Errorf("%s of %v, orientation %d, object at %v: %.0f %% of it are left, want all", name, size, o, middle, 100*share)
					}
				}
			}
		}
	}
	src := imagetest.EncodePNG(t, withObject(image.Pt(160, 60), image.Pt(20, 30)))
	for _, s := range []transform.Spec{{Crop: transform.Focal, Focus: transform.Point{X: 90, Y: 50}}, {Crop: transform.Center}} {
		s.Width, s.Height, s.Fit, s.Format = 60, 60, transform.Cover, transform.PNG
		got, err := run(t, e, src, s)
		if err != nil {
			return err
		}
		if share := seen(got); share > 0 {
			return fmt.Errorf("%s: %.0f %% of what stands out elsewhere are in it, want nothing", s, 100*share)
		}
	}
	return nil
}

// smartPlain verifies that a picture in which nothing stands out is cut around the centre: one that gets lighter evenly
// tells where it was cut.
func smartPlain(t testing.TB, e transform.Engine) error {
	lying, standing := image.NewNRGBA(image.Rect(0, 0, 256, 64)), image.NewNRGBA(image.Rect(0, 0, 64, 256))
	for i := range 256 {
		for j := range 64 {
			c := color.NRGBA{R: uint8(i), G: uint8(i), B: uint8(i), A: 255}
			lying.SetNRGBA(i, j, c)
			standing.SetNRGBA(j, i, c)
		}
	}
	spec := transform.Spec{Width: 64, Height: 64, Fit: transform.Cover, Format: transform.PNG}
	for _, img := range []*image.NRGBA{lying, standing} {
		got, err := run(t, e, imagetest.EncodePNG(t, img), spec)
		if err != nil {
			return err
		}
		if first := got.Pix[0]; first != 96 {
			return fmt.Errorf("%v: it begins at %d, want the centre's 96", img.Rect.Max, first)
		}
	}
	return nil
}

// smartFamily verifies that renditions of one ratio show one part, whatever their sizes and whatever else is in the call:
// an engine may decode a large original at a fraction of its size, but not where that moves the crop.
func smartFamily(t testing.TB, e transform.Engine) error {
	const w, h = 1400, 600
	src := imagetest.JPEG(t, w, h)
	large := transform.Spec{Width: h, Height: h, Fit: transform.Cover, Format: transform.PNG}.Resolve(w, h, 0, 0)
	small := transform.Spec{Width: 60, Height: 60, Fit: transform.Cover, Format: transform.PNG}.Resolve(w, h, 0, 0)
	together, err := e.Transform(t.Context(), src, []transform.Spec{large, small, {Width: w, Height: h, Format: transform.PNG}})
	if err != nil {
		return err
	}
	want, err := pixels(t.Context(), e, together[1])
	if err != nil {
		return err
	}
	alone, err := run(t, e, src, small)
	if err != nil {
		return err
	}
	if err := imagetest.Differ(alone, want, imagetest.Tolerance{SSIM: 0.97, Mean: 2}); err != nil {
		return fmt.Errorf("alone and beside others: %w", err)
	}
	again, err := run(t, e, together[0].Body, small) // the large one, made small
	if err != nil {
		return err
	}
	if err := imagetest.Differ(again, want, imagetest.Tolerance{SSIM: 0.97, Mean: 2}); err != nil {
		return fmt.Errorf("small and large: %w", err)
	}
	return nil
}
