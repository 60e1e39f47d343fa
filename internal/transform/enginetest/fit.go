package enginetest

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// The sides of a box that leaves something free above and below pictures that lie, at both sides of those that stand, and an
// odd number of pixels where it can.
var boxes = []image.Point{{X: 90, Y: 91}, {X: 31, Y: 60}, {X: 200, Y: 41}}

// backgrounds are none and a colour that is far from what pictures have at their edges.
var backgrounds = []transform.Color{0, transform.Opaque | 0xd01060}

// pad verifies pictures of every variant, each inside of a box, and of some in every format: each is where Spec.Place says, and
// there what it is without a box around it.
func pad(t testing.TB, e transform.Engine) error {
	for i, in := range fixtures(t) {
		if !e.Can(in.format).Decode {
			continue // case Formats verified that it is ErrFormat
		}
		box := boxes[i%len(boxes)]
		s := transform.Spec{Width: box.X, Height: box.Y, Fit: transform.Pad, Background: backgrounds[i%2], Format: transform.PNG}
		if err := paddedAs(t, e, in.body, s); err != nil {
			return fmt.Errorf("%s as %q: %w", in.name, s, err)
		}
	}
	grey := image.NewGray(image.Rect(0, 0, 120, 80))
	draw.Draw(grey, grey.Rect, imagetest.Photo(120, 80), image.Point{}, draw.Src)
	for name, src := range map[string][]byte{
		"a photograph": imagetest.JPEG(t, 240, 160), "in CMYK": imagetest.File(t, "cmyk.jpg"),
		"grey": imagetest.EncodeJPEG(t, grey, 95), "fading": imagetest.PNG(t, 120, 80, true),
	} {
		for _, f := range written(e) {
			for _, background := range backgrounds {
				s := transform.Spec{Width: 90, Height: 91, Fit: transform.Pad, Background: background, Format: f}
				if err := paddedAs(t, e, src, s); err != nil {
					return fmt.Errorf("%s as %q: %w", name, s, err)
				}
			}
		}
	}
	return nil
}

// paddedAs verifies one padded rendition against that without a box, which the rest of the suite verifies.
func paddedAs(t testing.TB, e transform.Engine, src []byte, s transform.Spec) error {
	resolved, err := resolve(e, src, s)
	if err != nil {
		return err
	}
	info, err := e.Probe(src)
	if err != nil {
		return err
	}
	place := resolved.Place(info.Width, info.Height)
	ground := s.Background
	if ground == 0 && s.Format == transform.JPEG {
		ground = transform.Opaque | 0xffffff
	}
	inside, err := run(t, e, src, transform.Spec{Width: place.Dx(), Height: place.Dy(), Background: ground, Format: transform.PNG})
	if err != nil {
		return err
	}
	want := image.NewNRGBA(image.Rect(0, 0, resolved.Width, resolved.Height))
	if r, g, b := ground.RGB(); ground != 0 {
		draw.Draw(want, want.Rect, image.NewUniform(rgb(r, g, b)), image.Point{}, draw.Src)
	}
	draw.Draw(want, place, inside, image.Point{}, draw.Src)
	got, err := run(t, e, src, s)
	if err != nil {
		return err
	}
	return differInPlace(got, want, place, s.Format)
}

// differInPlace compares what is in a place and what is around it: a large plain ground must not make up for a picture that
// is not what it should be, nor the other way round.
func differInPlace(got, want *image.NRGBA, place image.Rectangle, f transform.Format) error {
	around, inside := tolerance(f), tolerance(f)
	around.SSIM = 0 // of a plain ground, noise is all that it sees
	switch f {
	case transform.PNG:
		around, inside = exact, exact
	case transform.GIF:
		want, inside.SSIM = allOrNothing(want), 0.96 // 0.968 without a box
	}
	if got.Rect != want.Rect {
		return fmt.Errorf("got %v pixels, want %v", got.Rect.Max, want.Rect.Max)
	}
	if err := imagetest.Differ(got.SubImage(place), want.SubImage(place), inside); err != nil {
		return fmt.Errorf("at %v: %w", place, err)
	}
	for _, strip := range []image.Rectangle{
		{Max: image.Pt(want.Rect.Max.X, place.Min.Y)}, {Min: image.Pt(0, place.Max.Y), Max: want.Rect.Max},
		{Max: image.Pt(place.Min.X, want.Rect.Max.Y)}, {Min: image.Pt(place.Max.X, 0), Max: want.Rect.Max},
	} {
		if strip.Empty() {
			continue
		}
		if err := imagetest.Differ(got.SubImage(strip), want.SubImage(strip), around); err != nil {
			return fmt.Errorf("around it, at %v: %w", strip, err)
		}
	}
	return nil
}

// padTurned verifies that what is padded is the picture as shown, exact where the file is lossless.
func padTurned(t testing.TB, e transform.Engine) error {
	const w, h, side = 128, 96, 128
	quads := imagetest.Quadrants(w, h)
	for name, body := range map[string][]byte{"JPEG": imagetest.EncodeJPEG(t, quads, 100), "PNG": imagetest.EncodePNG(t, quads)} {
		for o := 1; o <= 8; o++ {
			place := image.Rect(0, (side-h)/2, w, (side+h)/2)
			if o >= 5 {
				place = image.Rect((side-h)/2, 0, (side+h)/2, w)
			}
			got, err := run(t, e, imagetest.WithEXIF(t, body, imagetest.EXIF(uint16(o))),
				transform.Spec{Width: side, Height: side, Fit: transform.Pad, Format: transform.PNG})
			if err != nil {
				return fmt.Errorf("%s, orientation %d: %w", name, o, err)
			}
			tol := exact
			if name == "JPEG" {
				tol = imagetest.LossyJPG
			}
			want := image.NewNRGBA(image.Rect(0, 0, side, side))
			draw.Draw(want, place, imagetest.QuadrantsOf(place.Dx(), place.Dy(), shown[o]), image.Point{}, draw.Src)
			if err := imagetest.Differ(got, want, tol); err != nil {
				return fmt.Errorf("%s, orientation %d: %w", name, o, err)
			}
		}
	}
	return nil
}

// stretch verifies pictures that are distorted to lying and standing boxes: turned as they are shown, in every format, and
// with their transparency.
func stretch(t testing.TB, e transform.Engine) error {
	const w, h = 480, 320
	quads := imagetest.Quadrants(w, h)
	for name, body := range map[string][]byte{"JPEG": imagetest.EncodeJPEG(t, quads, 100), "PNG": imagetest.EncodePNG(t, quads)} {
		for _, box := range []image.Point{{X: 160, Y: 300}, {X: 300, Y: 120}} {
			for o := 1; o <= 8; o++ {
				got, err := run(t, e, imagetest.WithEXIF(t, body, imagetest.EXIF(uint16(o))),
					transform.Spec{Width: box.X, Height: box.Y, Fit: transform.Stretch, Format: transform.PNG})
				if err == nil {
					err = imagetest.Differ(got, imagetest.QuadrantsOf(box.X, box.Y, shown[o]), imagetest.Tolerance{SSIM: 0.95, Mean: 3})
				}
				if err != nil {
					return fmt.Errorf("%s, orientation %d, stretched to %v: %w", name, o, box, err)
				}
			}
		}
	}
	for _, f := range written(e) {
		s := transform.Spec{Width: 80, Height: 200, Fit: transform.Stretch, Format: f}
		for name, c := range map[string]struct {
			src  []byte
			want *image.NRGBA
		}{
			"a gradient": {imagetest.EncodeJPEG(t, imagetest.Gradient(w, h), 95), imagetest.Gradient(80, 200)},
			"a fade":     {imagetest.EncodePNG(t, fading(w, h)), fading(80, 200)},
		} {
			if f == transform.JPEG && name == "a fade" {
				continue // case Alpha verified that it is over white
			}
			got, err := run(t, e, c.src, s)
			if err == nil {
				err = stretched(got, c.want, f)
			}
			if err != nil {
				return fmt.Errorf("%s as %q: %w", name, s, err)
			}
		}
	}
	return nil
}

// stretched compares smooth pictures.
func stretched(got, want *image.NRGBA, f transform.Format) error {
	if f == transform.GIF {
		want = allOrNothing(want)
	}
	return imagetest.Differ(got, want, imagetest.Tolerance{SSIM: 0.85, Mean: 6}) // the worst of 256 colours
}

// fading is Gradient with the alpha of Fade.
func fading(w, h int) *image.NRGBA {
	img, fade := imagetest.Gradient(w, h), imagetest.Fade(w, h)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = fade.Pix[i]
	}
	return img
}

// focal verifies where a crop around a focal point is: the point in its middle, as far as the picture reaches, so that points
// at edges and corners have it end there; of lying and standing pictures, turned or not, decoded to planes or to pixels.
func focal(t testing.TB, e transform.Engine) error {
	const long, side = 150, 50
	for _, size := range []image.Point{{X: long, Y: side}, {X: side, Y: long}} {
		img := imagetest.Photo(size.X, size.Y)
		for name, body := range map[string][]byte{"JPEG": imagetest.EncodeJPEG(t, img, 95), "PNG": imagetest.EncodePNG(t, img)} {
			for o := 1; o <= 8; o++ {
				src := imagetest.WithEXIF(t, bytes.Clone(body), imagetest.EXIF(uint16(o)))
				whole, err := run(t, e, src, transform.Spec{Format: transform.PNG})
				if err != nil {
					return err
				}
				tol := exact
				if name == "JPEG" { // chroma may be interpolated elsewhere
					tol = imagetest.Tolerance{SSIM: 0.99, Mean: 1}
				}
				if err := focalCrops(t, e, src, whole, tol); err != nil {
					return fmt.Errorf("%s of %v, orientation %d: %w", name, size, o, err)
				}
			}
		}
	}
	return nil
}

// focalCrops verifies the squares that are cut out of one picture, as high as it lies or as wide as it stands.
func focalCrops(t testing.TB, e transform.Engine, src []byte, whole *image.NRGBA, tol imagetest.Tolerance) error {
	size := whole.Rect.Max
	side, free := min(size.X, size.Y), max(size.X, size.Y)-min(size.X, size.Y)
	for _, point := range []transform.Point{
		{X: 0, Y: 0}, {X: 100, Y: 0}, {X: 0, Y: 100}, {X: 100, Y: 100}, {X: 50, Y: 50}, {X: 0, Y: 50}, {X: 50, Y: 100}, {X: 30, Y: 70},
	} {
		along := int(point.X)
		if size.Y > size.X {
			along = int(point.Y)
		}
		at := image.Pt(min(max(along*max(size.X, size.Y)/100-side/2, 0), free), 0)
		if size.Y > size.X {
			at = image.Pt(0, at.X)
		}
		s := transform.Spec{Width: side, Height: side, Fit: transform.Cover, Crop: transform.Focal, Focus: point, Format: transform.PNG}
		got, err := run(t, e, src, s)
		if err == nil {
			err = imagetest.Differ(got, whole.SubImage(image.Rect(0, 0, side, side).Add(at)), tol)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", s, err)
		}
	}
	return nil
}
