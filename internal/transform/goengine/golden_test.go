package goengine_test

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// TestGolden compares renditions with references that people have looked at: a filter or a crop that changes shows here.
func TestGolden(t *testing.T) {
	e := goengine.New()
	turned := imagetest.WithEXIF(t, imagetest.JPEG(t, 600, 400), imagetest.EXIF(6))
	for _, tt := range []struct {
		name, spec string
		src        []byte
		tol        imagetest.Tolerance
	}{
		{"contain", "w240.png", imagetest.PNG(t, 900, 600, false), imagetest.Lossless},
		{"cover", "w160-h160-cover.png", imagetest.PNG(t, 900, 600, false), imagetest.Lossless},
		{"alpha", "w200.png", imagetest.PNG(t, 600, 400, true), imagetest.Lossless},
		{"white", "w200-q90.jpg", imagetest.PNG(t, 600, 400, true), imagetest.LossyJPG},
		{"turned", "h240-q90.jpg", turned, imagetest.LossyJPG},
		{"webp", "w240-q90.webp", imagetest.PNG(t, 900, 600, false), imagetest.LossyWeb},
		{"gif", "w240.gif", imagetest.PNG(t, 900, 600, false), imagetest.Tolerance{SSIM: 0.97, Mean: 3}},
		{"avif", "w240-q90.avif", imagetest.PNG(t, 900, 600, false), imagetest.LossyWeb},
		{"cmyk", "w100.png", imagetest.File(t, "cmyk.jpg"), imagetest.Lossless},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "avif" && !e.Can(transform.AVIF).Decode {
				if _, err := e.Probe(imagetest.File(t, "lossy.avif")); !errors.Is(err, transform.ErrFormat) {
					t.Errorf("a shared libavif is in use: got error %v for an AVIF, want %v", err, transform.ErrFormat)
				}
				return
			}
			imagetest.Golden(t, "goengine/"+tt.name, rendition(t, e, tt.src, tt.spec), tt.tol)
		})
	}
}

// TestGoldenAnimation compares the frames of an animated WebP, beside one another, with a reference: decoded by the film that
// reads originals, which the suite holds against image/gif.
func TestGoldenAnimation(t *testing.T) {
	src := imagetest.Films(t)[0]
	s := transform.Spec{Width: 42, Height: 29, Quality: 90, Format: transform.WebP, Animate: true}
	out, err := goengine.New().Transform(t.Context(), src.Body, []transform.Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	frames := goengine.Frames(t, out[0].Body)
	strip := image.NewNRGBA(image.Rect(0, 0, 42*len(frames), 29))
	for i, f := range frames {
		draw.Draw(strip, image.Rect(42*i, 0, 42*i+42, 29), f, image.Point{}, draw.Src)
	}
	imagetest.Golden(t, "goengine/animated", strip, imagetest.LossyWeb)
}

// rendition is the picture of one spec in text form.
func rendition(t *testing.T, e *goengine.Engine, src []byte, text string) image.Image {
	t.Helper()
	s, err := transform.ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	info, err := e.Probe(src)
	if err != nil {
		t.Fatal(err)
	}
	s = s.Resolve(info.Width, info.Height, 2560, 80)
	out, err := e.Transform(t.Context(), src, []transform.Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	var img image.Image
	switch s.Format {
	case transform.JPEG:
		img, err = jpeg.Decode(bytes.NewReader(out[0].Body))
	case transform.GIF:
		img, err = gif.Decode(bytes.NewReader(out[0].Body))
	case transform.PNG:
		img, err = png.Decode(bytes.NewReader(out[0].Body))
	default:
		return rendition(t, e, out[0].Body, ".png")
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}
