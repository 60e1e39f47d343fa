package goengine_test

import (
	"bytes"
	"image/png"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// TestAnimationColours verifies that an animation's profile is honoured as a still picture's is.
func TestAnimationColours(t *testing.T) {
	plain := imagetest.File(t, "animated.webp")
	src := imagetest.WithICC(t, plain, imagetest.ICCProPhoto())
	e := goengine.New()
	still := transform.Spec{Width: imagetest.FileWidth, Height: imagetest.FileHeight, Format: transform.PNG}
	moving := still
	moving.Format, moving.Quality, moving.Animate, moving.WideGamut = transform.WebP, 95, true, true
	first := func(src []byte) (picture, frame []byte) {
		outs, err := e.Transform(t.Context(), src, []transform.Spec{still, moving})
		if err != nil {
			t.Fatal(err)
		}
		if outs[1].Frames < 2 {
			t.Fatalf("got %d frames, want them all", outs[1].Frames)
		}
		return outs[0].Body, outs[1].Body
	}
	picture, film := first(src)
	want, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	tol := imagetest.Tolerance{SSIM: 0.9, Mean: 8}
	if err := imagetest.Differ(goengine.Frames(t, film)[0], want, tol); err != nil {
		t.Errorf("the first frame against the still picture: %v", err)
	}
	_, ignorant := first(plain)
	if imagetest.Differ(goengine.Frames(t, ignorant)[0], want, tol) == nil {
		t.Error("without its profile the film shows the same: this test proves nothing")
	}
}
