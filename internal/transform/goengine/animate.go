package goengine

import (
	"context"
	"fmt"
	"image"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
)

// animates reports whether s keeps an animation with h's header moving. PNG can move too (APNG), but image/png reads its
// first picture only.
func (h header) animates(s transform.Spec) bool {
	return s.Animate && h.frames > 1 && s.Format.Animates() && (h.format == transform.GIF || h.format == transform.WebP)
}

// animate is Transform for specs of which some keep the animation. Those are made one after the other, with all frames
// decoded again for each: decoding is a small part of the time, and that way one spec's pictures are in memory.
func (e *Engine) animate(ctx context.Context, src []byte, h header, specs []transform.Spec) ([]transform.Output, error) {
	outputs := make([]transform.Output, len(specs))
	var still []transform.Spec
	var places []int
	for i, s := range specs {
		if !h.animates(s) {
			still, places = append(still, s), append(places, i)
			continue
		}
		var err error
		if outputs[i], err = moving(ctx, src, h, s); err != nil {
			return nil, err
		}
	}
	if len(still) > 0 {
		made, err := e.Transform(ctx, src, still)
		if err != nil {
			return nil, err
		}
		for i, at := range places {
			outputs[at] = made[i]
		}
	}
	return outputs, nil
}

// animateQuality is the quality of an animated WebP without one of its own, libwebp's default: a search would cost a pass
// over all frames for every step.
const animateQuality = 75

// levels is the qualities, or the numbers of colours, that are tried in turn for s: one, or up to
// transform.AnimateAttempts where it has a limit of bytes.
func levels(s transform.Spec) []int {
	first, then := 256, []int{64, 16, 4}
	if s.Format == transform.WebP {
		first, then = s.Quality, []int{50, 25, 5}
		if first == 0 {
			first = animateQuality
		}
	}
	list := []int{first}
	for _, level := range then {
		if s.MaxKB > 0 && level < first {
			list = append(list, level)
		}
	}
	return list
}

// moving makes one animated output.
func moving(ctx context.Context, src []byte, h header, s transform.Spec) (transform.Output, error) {
	out := transform.Output{Format: s.Format, Width: s.Width, Height: s.Height}
	f, err := openFilm(src, h)
	if err != nil {
		return out, decodeError(ctx, h, err)
	}
	out.Frames = len(f.parts)
	profile := h.profile()
	s.WideGamut = false // animations in a wide gamut are not made, and not met either
	smallest := 0
	for _, level := range levels(s) {
		var to reel
		if s.Format == transform.WebP {
			out.Quality = level
			to = &webpReel{quality: level, size: image.Pt(s.Width, s.Height), plays: f.plays}
		} else {
			to = &gifReel{colours: level, gifWriter: gifWriter{size: image.Pt(s.Width, s.Height), plays: f.plays}}
		}
		p := &projector{film: f, header: h, spec: s, profile: profile, took: &out.Took}
		if err := p.run(ctx, to); err != nil {
			return out, err
		}
		start := time.Now()
		if out.Body, err = to.end(); err != nil {
			return out, fmt.Errorf("encode %s: %w", s.Format, err)
		}
		out.Took.Encode += time.Since(start)
		if within(s.MaxKB, out.Body) {
			return out, nil
		}
		smallest = len(out.Body)
	}
	return out, fmt.Errorf("encode %s: %w", s.Format, overLimit(s.MaxKB, smallest))
}

// A reel takes an animation's frames, all of one size, and makes a file of them. It keeps and may change what it is given.
type reel interface {
	add(img *image.NRGBA, delay int) error // delay in milliseconds
	bytes() int                            // of the frames that are written
	end() ([]byte, error)
}

// A projector runs a film into a reel, every frame cut and resized as a still picture would be.
type projector struct {
	film    *film
	header  header
	spec    transform.Spec
	profile *colour.Profile // nil where the frames are sRGB
	took    *transform.Timing
	window  *resized // the part that is shown, the first frame's choice
}

// run stops early where the reel is larger than the spec allows already.
func (p *projector) run(ctx context.Context, to reel) error {
	p.film.rewind()
	for i, part := range p.film.parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := decodeError(ctx, p.header, p.film.show(ctx, i)); err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
		shown := time.Now()
		img, err := p.frame(ctx)
		if err != nil {
			return err
		}
		made := time.Now()
		if err := to.add(img, part.delay); err != nil {
			return fmt.Errorf("encode %s: %w", p.spec.Format, err)
		}
		if i == 0 {
			p.took.Began = transform.Began{Decode: start, Resize: shown, Encode: made}
		}
		p.took.Decode += shown.Sub(start)
		p.took.Resize += made.Sub(shown)
		p.took.Encode += time.Since(made)
		if s := p.spec; s.MaxKB > 0 && to.bytes() > s.MaxKB*1000 {
			return nil
		}
	}
	return nil
}

// frame is what is on the canvas as the spec wants it, in pixels of its own.
func (p *projector) frame(ctx context.Context) (*image.NRGBA, error) {
	canvas := p.film.canvas
	o := &original{size: canvas.Rect.Max, orientation: p.header.orientation, img: canvas, linear: p.film.linear}
	r := &resizer{original: o}
	var pic *picture
	if p.window == nil {
		var err error
		if pic, _, err = r.picture(ctx, p.spec); err != nil {
			return nil, err
		}
		p.window = &resized{crop: r.made[0].crop, w: r.made[0].w, h: r.made[0].h}
	} else {
		want := *p.window
		if err := r.fromPixels(ctx, &want, nil); err != nil {
			return nil, err
		}
		pic = want.shown
	}
	img := (&finisher{profile: p.profile}).picture(pic, p.spec).over(p.spec).padded(p.spec).nrgba()
	if &img.Pix[0] == &canvas.Pix[0] {
		img = &image.NRGBA{Pix: append([]byte(nil), img.Pix...), Stride: img.Stride, Rect: img.Rect}
	}
	return img, nil
}
