package goengine

import (
	"context"
	"image"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
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

// Window is the part of src, as shown, that the engine cuts for s, and the size of it all.
func Window(ctx context.Context, src []byte, s transform.Spec) (window image.Rectangle, visible image.Point, err error) {
	h, err := parse(src)
	if err != nil {
		return window, visible, err
	}
	o, err := decode(ctx, src, h, shrinkFor(h, []transform.Spec{s}))
	if err != nil {
		return window, visible, err
	}
	window, err = (&resizer{original: o}).window(ctx, s)
	return window, o.visible(), err
}
