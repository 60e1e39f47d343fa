package goengine

import (
	"bytes"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// adobeRGB says of a JPEG, by an APP14 segment, that its components are red, green and blue.
func adobeRGB(src []byte) []byte {
	app14 := []byte{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}
	return append(append(append([]byte{}, src[:2]...), app14...), src[2:]...)
}

// partGIF is a GIF whose only frame leaves the last row of its screen free.
func partGIF(t testing.TB, w, h int, interlaced bool) []byte {
	t.Helper()
	frame := image.NewPaletted(image.Rect(0, 0, w, h-1), palette.WebSafe)
	draw.Draw(frame, frame.Rect, imagetest.Photo(w, h), image.Point{}, draw.Src)
	var b bytes.Buffer
	err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: w, Height: h}})
	if err != nil {
		t.Fatal(err)
	}
	src := b.Bytes()
	if interlaced {
		descriptor := 13 + bytes.Index(src[13:], []byte{0x2c, 0, 0, 0, 0})
		src[descriptor+9] |= 0x40
	}
	return src
}
