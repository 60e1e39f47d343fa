package goengine

import (
	"image"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// A finisher makes of resized pictures what is encoded. It is for one call.
//
// Colours are converted here, after resizing, on as few pixels as there are; a picture in planes leaves them only now.
// What is made is kept for one picture at a time: specs of one size follow each other.
type finisher struct {
	profile *colour.Profile // of the original; nil where it is sRGB
	of      *picture
	made    map[finish]*picture
}

// A finish is what is done to a resized picture.
type finish struct {
	space   colour.Space
	sharpen bool
}

// sharpenSigma is the radius of the unsharp mask, in pixels: sharp's and libvips' for a mild sharpening.
const sharpenSigma = 0.5

// picture is pic as s wants it. Specs that want the same share it.
func (f *finisher) picture(pic *picture, s transform.Spec) *picture {
	want := finish{space: f.profile.Target(s.WideGamut), sharpen: s.Sharpen}
	if f.of != pic {
		f.of, f.made = pic, make(map[finish]*picture)
	}
	if done, ok := f.made[want]; ok {
		return done
	}
	done := converted(pic, f.profile, want.space)
	if s.Sharpen {
		done = &picture{pixels: imaging.Sharpen(done.nrgba(), sharpenSigma), wide: done.wide}
	}
	f.made[want] = done
	return done
}

// converted is pic, whose colours p describes, in space s. It shares pic's pixels where they are in s already.
func converted(pic *picture, p *colour.Profile, s colour.Space) *picture {
	wide := s == colour.DisplayP3
	if p.Is(s) {
		if wide == pic.wide {
			return pic
		}
		return &picture{planes: pic.planes, pixels: pic.pixels, wide: wide}
	}
	if len(pic.planes) == 1 {
		from := pic.planes[0]
		to := resample.Plane{Pix: slices.Clone(from.Pix), Stride: from.Stride, Width: from.Width, Height: from.Height}
		if p.Grey(to.Pix, to.Pix) {
			return &picture{planes: []resample.Plane{to}}
		}
	}
	from := pic.nrgba()
	to := from
	if pic.pixels != nil { // else they were made for this
		to = image.NewNRGBA(image.Rectangle{Max: from.Rect.Size()})
	}
	p.Convert(s, to.Pix, from.Pix[:len(to.Pix)])
	return &picture{pixels: to, wide: wide}
}
