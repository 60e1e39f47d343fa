package goengine

import (
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/gen2brain/webp"

	"github.com/dd8bf596/cutline/internal/transform"
)

// webpMethod is libwebp's trade of time for bytes, 0…6: for a photograph of 800 × 533 pixels, 2 takes 98 ms where its
// default of 4 takes 254, and costs 1.2 % more bytes.
const webpMethod = 2

// encode writes pic as s says. Transparency is kept where the format has it and s has no background. No metadata is
// written: pixels are all that came out of the original.
func encode(w io.Writer, pic *picture, s transform.Spec) error {
	pic = pic.over(s)
	switch s.Format {
	case transform.JPEG:
		return jpeg.Encode(w, pic.forJPEG(), &jpeg.Options{Quality: s.Quality})
	case transform.PNG:
		return png.Encode(w, pic.nrgba())
	case transform.WebP:
		return webp.Encode(w, pic.nrgba(), webp.Options{Quality: s.Quality, Method: webpMethod})
	case transform.AVIF:
		body, err := encodeAVIF(pic.nrgba(), s.Quality)
		if err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	}
	return unsupported("%s", s.Format)
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
