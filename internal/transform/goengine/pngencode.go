package goengine

import (
	"bytes"
	"image"
	"image/png"
)

// pngLevel is zlib's: the best one costs two to eight times the time for 0.1 to 2.4 % of the bytes of photographs at 800
// pixels (2.4 s where the default takes 0.5, for one with a plain ground), and 1 to 7 % of drawings.
const pngLevel = png.DefaultCompression

// encodePNG writes pic without loss where colours is 0, else in at most that many colours, 2…256.
//
// Without loss, it writes what is smallest: a palette of 1, 2, 4 or 8 bits where there are at most 256 colours, one
// channel where all is grey and opaque, three where all is opaque. A palette is tried beside the channels and not taken
// for granted: image/png filters the rows of channels only, which gradients gain more from, and a table of 256 colours is
// more than many a small picture.
func encodePNG(pic *picture, colours int) ([]byte, error) {
	if len(pic.planes) == 1 && colours == 0 {
		return writePNG(pic.grey())
	}
	img := pic.nrgba()
	if colours > 0 {
		return writePNG(paletted(img, colours, isFlat(img)))
	}
	var full image.Image = img
	if g := onlyGrey(img); g != nil {
		full = g
	}
	body, err := writePNG(full)
	if err != nil {
		return nil, err
	}
	if few := exactly(img, 256); few != nil {
		small, err := writePNG(few)
		if err != nil {
			return nil, err
		}
		if len(small) < len(body) {
			return small, nil
		}
	}
	return body, nil
}

func writePNG(img image.Image) ([]byte, error) {
	var buf bytes.Buffer
	err := (&png.Encoder{CompressionLevel: pngLevel}).Encode(&buf, img)
	return buf.Bytes(), err
}

// grey is the picture's only plane.
func (p *picture) grey() *image.Gray {
	y := p.planes[0]
	return &image.Gray{Pix: y.Pix, Stride: y.Stride, Rect: image.Rect(0, 0, y.Width, y.Height)}
}

// onlyGrey is img in one channel, nil where it has a colour or transparency.
func onlyGrey(img *image.NRGBA) *image.Gray {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	var dst *image.Gray
	for y := range h {
		row := img.Pix[y*img.Stride:][:4*w]
		for i := 0; i < len(row); i += 4 {
			if row[i] != row[i+1] || row[i] != row[i+2] || row[i+3] != 0xff {
				return nil
			}
		}
		if dst == nil { // not before a row was grey: of most pictures the first pixel is not
			dst = image.NewGray(image.Rect(0, 0, w, h))
		}
		for x := range w {
			dst.Pix[y*dst.Stride+x] = row[4*x]
		}
	}
	return dst
}
