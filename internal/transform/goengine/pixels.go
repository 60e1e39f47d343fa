package goengine

import (
	"image"
	"image/color"
	"image/draw"
)

// nrgba is the part r of img as NRGBA with its origin at (0, 0), sharing img's pixels where they are NRGBA already: it is
// for reading. Only NRGBA is handed to imaging: its workers run in goroutines of their own, where a panic ends the
// process, and for NRGBA they do nothing but copy in bounds. Here, a panic ends in the Transformer's recover.
//
// Sixteen-bit channels keep their high bytes. CMYK becomes sRGB by its profile, or by the plain formula where it has none.
func nrgba(img image.Image, r image.Rectangle) *image.NRGBA {
	switch img := img.(type) {
	case *image.NRGBA:
		return zeroed(img.Pix, img.Stride, img.Rect, r)
	}
	dst := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	switch img := img.(type) {
	case *image.YCbCr, *image.Gray, *image.CMYK:
		// These are opaque, and RGBA is what image/draw has its fast paths for.
		draw.Draw(asRGBA(dst), dst.Rect, img, r.Min, draw.Src)
	case *inked:
		img.nrgba(dst, r.Min)
	case *image.NYCbCrA:
		draw.Draw(asRGBA(dst), dst.Rect, &img.YCbCr, r.Min, draw.Src)
		for y := range r.Dy() {
			a := img.A[img.AOffset(r.Min.X, r.Min.Y+y):]
			row := dst.Pix[y*dst.Stride:]
			for x := range r.Dx() {
				row[4*x+3] = a[x]
			}
		}
	case *image.Paletted:
		fromPalette(dst, img, r)
	case *image.Gray16:
		for y := range r.Dy() {
			src, row := img.Pix[img.PixOffset(r.Min.X, r.Min.Y+y):], dst.Pix[y*dst.Stride:]
			for x := range r.Dx() {
				v := src[2*x]
				row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = v, v, v, 0xff
			}
		}
	case *image.NRGBA64:
		highBytes(dst, img.Pix[img.PixOffset(r.Min.X, r.Min.Y):], img.Stride)
	default:
		draw.Draw(dst, dst.Rect, img, r.Min, draw.Src)
	}
	return dst
}

// unpremultiplied is img under the type for colours that are not multiplied by alpha, where that makes no difference
// because it is opaque: most PNG files decode to such a picture. It is asked once per original, because it looks at every
// pixel. The result shares img's pixels.
func unpremultiplied(img image.Image) image.Image {
	switch img := img.(type) {
	case *image.RGBA:
		if img.Opaque() {
			return &image.NRGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
		}
	case *image.RGBA64:
		if img.Opaque() {
			return &image.NRGBA64{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
		}
	}
	return img
}

// zeroed is the part r of an NRGBA picture over rect, moved to (0, 0), without copying.
func zeroed(pix []byte, stride int, rect, r image.Rectangle) *image.NRGBA {
	from := (r.Min.Y-rect.Min.Y)*stride + (r.Min.X-rect.Min.X)*4
	to := (r.Max.Y-1-rect.Min.Y)*stride + (r.Max.X-rect.Min.X)*4
	return &image.NRGBA{Pix: pix[from:to], Stride: stride, Rect: image.Rect(0, 0, r.Dx(), r.Dy())}
}

// asRGBA is img under the type that image/draw and image/jpeg have fast paths for. It is only the same picture where
// img is opaque: image/jpeg takes 12 ms for 800 × 533 pixels of RGBA and 19 ms for the same as NRGBA.
func asRGBA(img *image.NRGBA) *image.RGBA {
	return &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
}

// fromPalette fills dst with the part r of img. An index outside the palette, which image/gif and image/png refuse and
// only a defect could let through, is transparent: imaging would index without looking.
func fromPalette(dst *image.NRGBA, img *image.Paletted, r image.Rectangle) {
	var table [256][4]byte
	for i, c := range img.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		table[i&0xff] = [4]byte{n.R, n.G, n.B, n.A}
	}
	for y := range r.Dy() {
		src, row := img.Pix[img.PixOffset(r.Min.X, r.Min.Y+y):], dst.Pix[y*dst.Stride:]
		for x := range r.Dx() {
			copy(row[4*x:4*x+4], table[src[x]][:])
		}
	}
}

// highBytes fills dst from big-endian channels of sixteen bits that begin at pix.
func highBytes(dst *image.NRGBA, pix []byte, stride int) {
	n := 4 * dst.Rect.Dx()
	for y := range dst.Rect.Dy() {
		src, row := pix[y*stride:], dst.Pix[y*dst.Stride:y*dst.Stride+n]
		for i := range row {
			row[i] = src[2*i]
		}
	}
}

// flatten lays img over a colour.
func flatten(img *image.NRGBA, ground [3]uint8) *image.NRGBA {
	dst := image.NewNRGBA(img.Rect)
	for i := 0; i < len(dst.Pix); i += 4 {
		y, x := i/dst.Stride, i%dst.Stride
		s, d := img.Pix[y*img.Stride+x:][:4:4], dst.Pix[i:][:4:4]
		a := uint32(s[3])
		for c := range 3 {
			d[c] = uint8((uint32(s[c])*a + uint32(ground[c])*(255-a) + 127) / 255)
		}
		d[3] = 0xff
	}
	return dst
}

// padded is img, which is not larger, in the middle of a ground of the given size (Spec.Place).
func padded(img *image.NRGBA, size image.Point, ground rgba) *image.NRGBA {
	dst := image.NewNRGBA(image.Rectangle{Max: size})
	if ground != (rgba{}) {
		for i := 0; i < len(dst.Pix); i += 4 {
			copy(dst.Pix[i:], ground[:])
		}
	}
	copyRect(dst, size.Sub(img.Rect.Size()).Div(2), img, img.Rect)
	return dst
}
