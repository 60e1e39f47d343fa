package goengine

import (
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"

	"github.com/gen2brain/webp"

	"github.com/dd8bf596/cutline/internal/transform"
)

// webpMethod is libwebp's trade of time for bytes, 0…6: for a photograph of 800 × 533 pixels, 2 takes 98 ms where its
// default of 4 takes 254, and costs 1.2 % more bytes.
const webpMethod = 2

// webpRev names what writes WebP: gen2brain/webp's translation of libwebp, or the library that its loader found.
func webpRev() string {
	rev := fmt.Sprintf("webp0.6.0-m%d", webpMethod)
	if webp.Dynamic() == nil {
		rev += "-native"
	}
	return rev
}

// encode writes pic as s says. Transparency is kept where the format has it and s has no background. No metadata is
// written: pixels are all that came out of the original.
func encode(ctx context.Context, w io.Writer, pic *picture, s transform.Spec) error {
	pic = pic.over(s)
	switch s.Format {
	case transform.JPEG:
		return jpeg.Encode(w, pic.forJPEG(), &jpeg.Options{Quality: s.Quality})
	case transform.PNG, transform.GIF:
		body, err := encodeLossless(ctx, pic, s)
		if err == nil {
			_, err = w.Write(body)
		}
		return err
	case transform.WebP:
		return encodeWebP(w, pic.nrgba(), s)
	}
	return unsupported("%s", s.Format)
}

// encodeWebP writes img, whose rows lie one behind the other.
func encodeWebP(w io.Writer, img *image.NRGBA, s transform.Spec) error {
	return webp.Encode(w, img, webp.Options{Quality: s.Quality, Method: webpMethod})
}

// packed is img with its rows one behind the other, which gen2brain/webp takes for granted.
func packed(img *image.NRGBA) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if img.Stride == 4*w {
		return img
	}
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		copy(dst.Pix[y*dst.Stride:(y+1)*dst.Stride], img.Pix[y*img.Stride:])
	}
	return dst
}
