package goengine

import (
	"context"
	"image"

	"github.com/dd8bf596/cutline/internal/transform"
)

// encode writes pic as s says and returns the quality it was written at, 0 where the format is lossless. Transparency is
// kept where the format has it and s has no background. No metadata is written: pixels are all that came out of the
// original.
func encode(ctx context.Context, pic *picture, s transform.Spec) (body []byte, quality int, err error) {
	pic = pic.over(s)
	if c, ok := codecFor(s.Format); ok {
		return c.fit(ctx, newPlate(pic).padded(s, pic.ground(s)), s)
	}
	pic = pic.padded(s)
	if s.Format == transform.PNG || s.Format == transform.GIF {
		body, err = encodeLossless(ctx, pic, s)
		return body, 0, err
	}
	return nil, 0, unsupported("%s", s.Format)
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
