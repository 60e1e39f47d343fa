// Package enginetest is the suite that every transform.Engine passes, whatever decodes and encodes inside it.
//
// A format that an engine does not read or write is not skipped: the case checks that the engine says so. Each case
// returns an error instead of failing a test itself, so that the suite can be run against engines that are broken on
// purpose, and must find them.
package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A check verifies one property of e. It uses t for fixtures only; what is wrong with e is its error.
type check func(t testing.TB, e transform.Engine) error

// checks are the suite.
var checks = []struct {
	name string
	check
}{
	{"Formats", formats},                 // every variant in, every format out, the same picture
	{"ColourModels", colourModels},       // grey, palette, 16 bits, CMYK keep their colours
	{"BlackAndWhite", blackAndWhite},     // stay what they are: no range is mistaken for another
	{"Profiles", profiles},               // are honoured, and a wide gamut is kept where that is asked for
	{"Orientation", orientation},         // the eight of EXIF, exact
	{"OrientationCover", coverTurned},    // a crop is cut out of what is shown, not of what is stored
	{"MalformedEXIF", malformedEXIF},     // is orientation 1, never an error
	{"Cover", cover},                     // cuts around the centre
	{"SmartCrop", smartCrop},             // cuts around what stands out
	{"SmartPlain", smartPlain},           // and around the centre where nothing does
	{"SmartFamily", smartFamily},         // the same in every size and company
	{"Focal", focal},                     // and around a focal point, to the edges
	{"Pad", pad},                         // puts the picture in the middle of a ground
	{"PadTurned", padTurned},             // as shown
	{"Stretch", stretch},                 // distorts it
	{"SameSize", sameSize},               // not resized: not touched
	{"LinearLight", linearLight},         // of drawings, and no rings
	{"Quality", quality},                 // given or searched, and told
	{"LossyLimits", lossyLimits},         // of bytes are kept to, or the picture is ErrTooLarge
	{"Alpha", alpha},                     // kept where there is a place for it, over white elsewhere
	{"Family", family},                   // many specs in one call are what they are one by one
	{"Metadata", metadata},               // nothing of the original's is in the output
	{"FirstFrame", firstFrame},           // of animations
	{"Animation", animation},             // all frames, where a spec asks
	{"BrokenFilms", brokenFilms},         // are ErrCorrupt where all frames are wanted
	{"FewColours", fewColours},           // are kept, and PNG is small by them
	{"ByteLimits", byteLimits},           // are kept to, or the picture is ErrTooLarge
	{"Extremes", extremes},               // one pixel wide, one pixel high
	{"Truncation", truncation},           // is ErrCorrupt at fifty places
	{"Bombs", bombs},                     // cost no memory
	{"Foreign", foreign},                 // other file types are ErrFormat
	{"Cancelled", cancelled},             // is ctx's error
	{"Parallel", parallel},               // 32 at once write what one writes, the same bytes every time
	{"Revisions", revisions},             // one for each format that is written
	{"SourceUntouched", sourceUntouched}, // nobody writes into the original
}

// long are the cases that are left out in short runs: most of their time is an encoder's alone.
var long = []string{"Formats", "Profiles", "Quality", "LossyLimits", "ByteLimits", "Extremes", "SmartFamily", "BlackAndWhite", "ColourModels",
	"Alpha", "Pad", "Bombs"}

// Run runs the suite against engines that newEngine makes, one per case.
func Run(t *testing.T, newEngine func(t testing.TB) transform.Engine) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if slices.Contains(long, c.name) {
				imagetest.Long(t)
			}
			e := newEngine(t)
			if err := c.check(t, e); err != nil {
				t.Error(err)
			}
			if err := e.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// resolve makes s concrete for src as a Transformer's caller would, without a bound on the output.
func resolve(e transform.Engine, src []byte, s transform.Spec) (transform.Spec, error) {
	info, err := e.Probe(src)
	if err != nil {
		return s, fmt.Errorf("probe: %w", err)
	}
	return s.Resolve(info.Width, info.Height, 0, 95), nil
}

// run makes one rendition of src and decodes it again.
func run(t testing.TB, e transform.Engine, src []byte, s transform.Spec) (*image.NRGBA, error) {
	out, err := output(t, e, src, s)
	if err != nil {
		return nil, err
	}
	return pixels(t.Context(), e, out)
}

// output makes one rendition of src.
func output(t testing.TB, e transform.Engine, src []byte, s transform.Spec) (transform.Output, error) {
	s, err := resolve(e, src, s)
	if err != nil {
		return transform.Output{}, err
	}
	outputs, err := e.Transform(t.Context(), src, []transform.Spec{s})
	if err != nil {
		return transform.Output{}, fmt.Errorf("transform to %s: %w", s, err)
	}
	if len(outputs) != 1 {
		return transform.Output{}, fmt.Errorf("transform to %s: got %d outputs, want 1", s, len(outputs))
	}
	o := outputs[0]
	if o.Format != s.Format || o.Width != s.Width || o.Height != s.Height {
		return o, fmt.Errorf("transform to %s: got %s of %d × %d pixels", s, o.Format, o.Width, o.Height)
	}
	return o, nil
}

// pixels decodes an output. JPEG and PNG are read by the standard library; what it cannot read, the engine makes a PNG
// of, whose decoders the fixtures of case Formats prove.
func pixels(ctx context.Context, e transform.Engine, o transform.Output) (*image.NRGBA, error) {
	var img image.Image
	var err error
	switch o.Format {
	case transform.JPEG:
		img, err = jpeg.Decode(bytes.NewReader(o.Body))
	case transform.PNG:
		img, err = png.Decode(bytes.NewReader(o.Body))
	default:
		s := transform.Spec{Width: o.Width, Height: o.Height, Format: transform.PNG}
		var again []transform.Output
		if again, err = e.Transform(ctx, o.Body, []transform.Spec{s}); err == nil {
			return pixels(ctx, e, again[0])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the %s again: %w", o.Format, err)
	}
	if got := img.Bounds().Size(); got != image.Pt(o.Width, o.Height) {
		return nil, fmt.Errorf("%s holds %v pixels, where its Output says %d × %d", o.Format, got, o.Width, o.Height)
	}
	return imagetest.NRGBA(img), nil
}

// written lists the formats that e writes and reads: what it writes only, nothing here can look at, and case Formats
// verifies that it is there.
func written(e transform.Engine) []transform.Format {
	var list []transform.Format
	for _, f := range transform.Formats() {
		if can := e.Can(f); can.Encode && can.Decode {
			list = append(list, f)
		}
	}
	return list
}

// tolerance is how far a rendition in f of quality 95 may be from its picture.
func tolerance(f transform.Format) imagetest.Tolerance {
	switch f {
	case transform.PNG:
		return imagetest.Lossless
	case transform.GIF:
		return imagetest.Tolerance{SSIM: 0.97, Mean: 3} // 256 colours of a photograph, dithered
	case transform.JPEG:
		return imagetest.Tolerance{SSIM: imagetest.LossyJPG.SSIM, Mean: smallChroma}
	}
	return imagetest.Tolerance{SSIM: imagetest.LossyWeb.SSIM, Mean: smallChroma}
}

// smallChroma is the mean difference that chroma at half the resolution may cost, in the worst channel, of pictures as
// small as the fixtures, which are all texture: 9.7 of 255 measured for a palette's hard steps, 6.3 for the photograph,
// where exchanged channels make 60.
const smallChroma = 12

// exact admits no difference at all.
var exact = imagetest.Tolerance{SSIM: 1}

// A fixture is an original of which the picture is known.
type fixture struct {
	name   string
	format transform.Format
	body   []byte
	want   *image.NRGBA
	tol    imagetest.Tolerance // of the file itself
}

// fixtures are originals in every variant, each showing Photo or Fade.
func fixtures(t testing.TB) []fixture {
	const w, h = imagetest.FileWidth, imagetest.FileHeight
	photo, fade := imagetest.Photo(w, h), imagetest.Fade(w, h)
	lossy := imagetest.Tolerance{SSIM: 0.93, Mean: smallChroma}
	reduced := image.NewPaletted(photo.Rect, palette.WebSafe)
	draw.Draw(reduced, reduced.Rect, photo, image.Point{}, draw.Src)
	file := func(name string, f transform.Format, want *image.NRGBA, tol imagetest.Tolerance) fixture {
		return fixture{name, f, imagetest.File(t, name), want, tol}
	}
	return []fixture{
		{"baseline.jpg", transform.JPEG, imagetest.JPEG(t, w, h), photo, lossy},
		file("progressive.jpg", transform.JPEG, photo, lossy),
		file("444.jpg", transform.JPEG, photo, lossy),
		file("cmyk.jpg", transform.JPEG, photo, lossy),
		{"opaque.png", transform.PNG, imagetest.PNG(t, w, h, false), photo, exact},
		{"alpha.png", transform.PNG, imagetest.PNG(t, w, h, true), fade, exact},
		file("interlaced.png", transform.PNG, photo, exact),
		{"animated.gif", transform.GIF, imagetest.GIF(t, w, h, 3), imagetest.NRGBA(reduced), exact},
		file("lossy.webp", transform.WebP, photo, lossy),
		file("lossless.webp", transform.WebP, photo, exact),
		file("alpha.webp", transform.WebP, fade, lossy),
		file("alpha-lossless.webp", transform.WebP, fade, exact),
		file("animated.webp", transform.WebP, photo, lossy),
		file("lossy.avif", transform.AVIF, photo, lossy),
		file("deep-444.avif", transform.AVIF, photo, lossy),
		file("alpha.avif", transform.AVIF, fade, lossy),
		file("alpha-premultiplied.avif", transform.AVIF, fade, lossy),
		file("animated.avif", transform.AVIF, photo, lossy),
	}
}
