package goengine

import (
	"github.com/disintegration/imaging"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A finisher makes of resized pictures what is encoded. It is for one call.
type finisher struct {
	made map[*picture]*picture
}

// sharpenSigma is the radius of the unsharp mask, in pixels: sharp's and libvips' for a mild sharpening.
const sharpenSigma = 0.5

// picture is pic as s wants it. Specs that want the same share it.
func (f *finisher) picture(pic *picture, s transform.Spec) *picture {
	if !s.Sharpen {
		return pic
	}
	if done, ok := f.made[pic]; ok {
		return done
	}
	done := &picture{pixels: imaging.Sharpen(pic.nrgba(), sharpenSigma)}
	if f.made == nil {
		f.made = make(map[*picture]*picture)
	}
	f.made[pic] = done
	return done
}
