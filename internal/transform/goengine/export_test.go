package goengine

import (
	"image"
	"testing"
)

// Frames is every frame of an animation, as shown.
func Frames(t testing.TB, src []byte) (frames []*image.NRGBA) {
	t.Helper()
	h, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	f, err := openFilm(src, h)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.parts {
		if err := f.show(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		frame := image.NewNRGBA(f.canvas.Rect)
		copy(frame.Pix, f.canvas.Pix)
		frames = append(frames, frame)
	}
	return frames
}
