package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// leaked is the first trace of an EXIF block in body, "" where there is none.
func leaked(body []byte) string {
	for _, trace := range []string{imagetest.Camera, "Exif", "eXIf", "EXIF"} {
		if bytes.Contains(body, []byte(trace)) {
			return trace
		}
	}
	return ""
}

// shown says for each EXIF orientation which quarter of the stored picture is seen top left, top right, bottom left and
// bottom right (CIPA DC-008 §4.6.4, tag 0x0112).
var shown = [9][4]color.NRGBA{
	1: {imagetest.TopLeft, imagetest.TopRight, imagetest.BottomLeft, imagetest.BottomRight},
	2: {imagetest.TopRight, imagetest.TopLeft, imagetest.BottomRight, imagetest.BottomLeft},
	3: {imagetest.BottomRight, imagetest.BottomLeft, imagetest.TopRight, imagetest.TopLeft},
	4: {imagetest.BottomLeft, imagetest.BottomRight, imagetest.TopLeft, imagetest.TopRight},
	5: {imagetest.TopLeft, imagetest.BottomLeft, imagetest.TopRight, imagetest.BottomRight},
	6: {imagetest.BottomLeft, imagetest.TopLeft, imagetest.BottomRight, imagetest.TopRight},
	7: {imagetest.BottomRight, imagetest.TopRight, imagetest.BottomLeft, imagetest.TopLeft},
	8: {imagetest.TopRight, imagetest.BottomRight, imagetest.TopLeft, imagetest.BottomLeft},
}

// orientation verifies all eight in JPEG, PNG, WebP and AVIF: exact where the file is lossless.
func orientation(t testing.TB, e transform.Engine) error {
	// Large enough that what decoders do to the edges of saturated colours (T.81 leaves it to them) hardly weighs.
	const w, h = 128, 96
	quads := imagetest.Quadrants(w, h)
	for o := 1; o <= 8; o++ {
		want := imagetest.QuadrantsOf(w, h, shown[o])
		if o >= 5 {
			want = imagetest.QuadrantsOf(h, w, shown[o])
		}
		for _, c := range []struct {
			name string
			body []byte
			tol  imagetest.Tolerance
		}{
			{"JPEG", imagetest.EncodeJPEG(t, quads, 100), imagetest.LossyJPG},
			{"PNG", imagetest.EncodePNG(t, quads), exact},
		} {
			src := imagetest.WithEXIF(t, c.body, imagetest.EXIF(uint16(o)))
			if info, err := e.Probe(src); err != nil || info.Orientation != o || info.Width != want.Rect.Dx() {
				return fmt.Errorf("%s, orientation %d: got %+v and error %v", c.name, o, info, err)
			}
			got, err := run(t, e, src, transform.Spec{Format: transform.PNG})
			if err == nil {
				err = imagetest.Differ(got, want, c.tol)
			}
			if err != nil {
				return fmt.Errorf("%s, orientation %d: %w", c.name, o, err)
			}
		}
		if err := webpOrientation(t, e, o); err != nil {
			return fmt.Errorf("WebP, orientation %d: %w", o, err)
		}
		if err := avifOrientation(t, e, o); err != nil {
			return fmt.Errorf("AVIF, orientation %d: %w", o, err)
		}
	}
	return nil
}

// avifOrientation verifies what an AVIF's container says of turning and mirroring: an angle of 90° counter-clockwise, then
// none, or top to bottom.
func avifOrientation(t testing.TB, e transform.Engine, o int) error {
	if !e.Can(transform.AVIF).Decode {
		return nil // case Formats verified that it is ErrFormat
	}
	const w, h = imagetest.FileWidth, imagetest.FileHeight
	src := bytes.Clone(imagetest.File(t, "turned.avif")) // irot, imir
	turn := [9]struct{ angle, axis byte }{1: {0, 9}, 2: {2, 0}, 3: {2, 9}, 4: {0, 0}, 5: {1, 0}, 6: {3, 9}, 7: {3, 0}, 8: {1, 9}}[o]
	src[bytes.Index(src, []byte("irot"))+4] = turn.angle
	mirror := bytes.Index(src, []byte("imir"))
	src[mirror+4] = turn.axis
	if turn.axis == 9 {
		copy(src[mirror:], "irot")
		src[mirror+4] = turn.angle
	}
	want := imagetest.QuadrantsOf(w, h, shown[o])
	if o >= 5 {
		want = imagetest.QuadrantsOf(h, w, shown[o])
	}
	if info, err := e.Probe(src); err != nil || info.Orientation != o || info.Width != want.Rect.Dx() {
		return fmt.Errorf("got %+v and error %w", info, err)
	}
	got, err := run(t, e, src, transform.Spec{Format: transform.PNG})
	if err != nil {
		return err
	}
	return imagetest.Differ(got, want, imagetest.Tolerance{SSIM: 0.95, Mean: smallChroma})
}

// webpOrientation verifies that a lossless WebP is turned as a PNG of the same picture is.
func webpOrientation(t testing.TB, e transform.Engine, o int) error {
	tiff := imagetest.EXIF(uint16(o))
	spec := transform.Spec{Format: transform.PNG}
	want, err := run(t, e, imagetest.WithEXIF(t, imagetest.PNG(t, imagetest.FileWidth, imagetest.FileHeight, false), tiff), spec)
	if err != nil {
		return err
	}
	got, err := run(t, e, imagetest.WithEXIF(t, imagetest.File(t, "lossless.webp"), tiff), spec)
	if err != nil {
		return err
	}
	return imagetest.Differ(got, want, exact)
}

// malformedEXIF verifies that a broken block changes nothing.
func malformedEXIF(t testing.TB, e transform.Engine) error {
	good := imagetest.EXIF(6)
	for name, tiff := range map[string][]byte{
		"orientation 0": imagetest.EXIF(0), "orientation 9": imagetest.EXIF(9), "orientation 65535": imagetest.EXIF(65535),
		"cut": good[:12], "empty": {}, "no TIFF": []byte("hello, world"),
		"a directory far outside": []byte("MM\x00\x2a\xff\xff\xff\xf0"),
		"endless directory":       append([]byte("MM\x00\x2a\x00\x00\x00\x08\xff\xff"), imagetest.EXIF(1)[10:]...)[:40],
	} {
		src := imagetest.WithEXIF(t, imagetest.PNG(t, 32, 24, false), tiff)
		info, err := e.Probe(src)
		if err != nil || info.Width != 32 || info.Height != 24 {
			return fmt.Errorf("%s: got %+v and error %v, want 32 × 24", name, info, err)
		}
	}
	return nil
}

// sameSize verifies that a rendition of the original's size is its pixels, and that a larger spec resolves to it.
func sameSize(t testing.TB, e transform.Engine) error {
	noise := imagetest.Noise(50, 40)
	got, err := run(t, e, imagetest.EncodePNG(t, noise), transform.Spec{Width: 2000, Format: transform.PNG})
	if err != nil {
		return err
	}
	return imagetest.Differ(got, noise, exact)
}

// firstFrame verifies animations: frame count, the first picture, and a first frame that covers a part of its screen.
func firstFrame(t testing.TB, e transform.Engine) error {
	moving := map[string][]byte{"GIF": imagetest.GIF(t, 40, 30, 2), "WebP": imagetest.File(t, "animated.webp")}
	if e.Can(transform.AVIF).Decode {
		moving["AVIF"] = imagetest.File(t, "animated.avif")
	}
	for name, src := range moving {
		if info, err := e.Probe(src); err != nil || info.Frames != 2 {
			return fmt.Errorf("%s: got %d frames and error %v, want 2", name, info.Frames, err)
		}
	}
	red := color.NRGBA{R: 0xff, A: 0xff}
	frame := image.NewPaletted(image.Rect(10, 5, 20, 15), append(color.Palette{red}, palette.WebSafe[:3]...))
	anim := gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 40, Height: 30}}
	var buf bytes.Buffer
	if err := gif.EncodeAll(&buf, &anim); err != nil {
		return err
	}
	if !e.Can(transform.GIF).Decode {
		if _, err := e.Probe(buf.Bytes()); !errors.Is(err, transform.ErrFormat) {
			return fmt.Errorf("got error %v, want %v", err, transform.ErrFormat)
		}
		return nil
	}
	got, err := run(t, e, buf.Bytes(), transform.Spec{Format: transform.PNG})
	if err != nil {
		return err
	}
	if size := got.Rect.Max; size != image.Pt(40, 30) || got.NRGBAAt(15, 10) != red || got.NRGBAAt(0, 0).A != 0 {
		return fmt.Errorf("a GIF frame on a larger screen: got %v pixels, %v inside and %v outside the frame, want 40 × 30, red, clear",
			size, got.NRGBAAt(15, 10), got.NRGBAAt(0, 0))
	}
	return nil
}
