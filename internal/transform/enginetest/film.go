package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// animation verifies that animations are kept where a spec asks for it: every frame as shown, its time, how often they
// run, at the original's size and resized; and that other specs of the call get the first frame.
func animation(t testing.TB, e transform.Engine) error {
	boxed := []transform.Spec{
		{Width: 70, Height: 71, Fit: transform.Stretch}, {Width: 70, Height: 71, Fit: transform.Pad, Background: backgrounds[1]},
		{Width: imagetest.FilmWidth + 11, Height: imagetest.FilmHeight, Fit: transform.Pad},
	}
	for i, film := range imagetest.Films(t) {
		for _, f := range []transform.Format{transform.GIF, transform.WebP} {
			if !e.Can(f).Encode {
				continue // case Formats verified that it is ErrFormat
			}
			for _, s := range []transform.Spec{{}, {Width: 71}, boxed[i%len(boxed)]} {
				s.Format, s.Animate = f, true
				if err := animated(t, e, film, s); err != nil {
					return fmt.Errorf("%s to %s as %q: %w", film.Name, f, s, err)
				}
			}
		}
	}
	return nil
}

// animated verifies one animation in one format, beside a still picture of it.
func animated(t testing.TB, e transform.Engine, film imagetest.Film, s transform.Spec) error {
	s, err := resolve(e, film.Body, s)
	if err != nil {
		return err
	}
	still := s
	still.Animate, still.Format, still.Quality = false, transform.PNG, 0
	outputs, err := e.Transform(t.Context(), film.Body, []transform.Spec{still, s})
	if err != nil {
		return err
	}
	if outputs[0].Frames != 1 || outputs[1].Frames != len(film.Frames) {
		return fmt.Errorf("got %d frames still and %d moving, want 1 and %d", outputs[0].Frames, outputs[1].Frames, len(film.Frames))
	}
	got, err := readFilm(t.Context(), e, outputs[1])
	if err != nil {
		return err
	}
	near := func(a, b int) bool { return a == b || s.Format == transform.GIF && max(a-b, b-a) < 10 } // it counts hundredths
	if !slices.EqualFunc(got.Delays, film.Delays, near) || got.Plays != film.Plays {
		return fmt.Errorf("got delays %v and %d plays, want %v and %d", got.Delays, got.Plays, film.Delays, film.Plays)
	}
	for i, frame := range film.Frames {
		want := frame
		if s.Width != frame.Rect.Dx() {
			if want, err = run(t, e, imagetest.EncodePNG(t, frame), still); err != nil {
				return err
			}
		}
		if s.Format == transform.GIF {
			want = allOrNothing(want)
		}
		if err := imagetest.Differ(got.Frames[i], want, filmTolerance(film, s)); err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
	}
	first, err := pixels(t.Context(), e, outputs[0])
	if err != nil {
		return err
	}
	if s.Format == transform.GIF {
		first = allOrNothing(first)
	}
	return imagetest.Differ(got.Frames[0], first, filmTolerance(film, s))
}

// filmTolerance is how far a frame may be from what it shows: not at all where a GIF of few colours is not resized.
func filmTolerance(film imagetest.Film, s transform.Spec) imagetest.Tolerance {
	switch {
	case s.Format == transform.GIF && !film.Lossy && s.Width == imagetest.FilmWidth:
		return exact
	case s.Format == transform.GIF && !film.Lossy:
		return imagetest.Tolerance{SSIM: 0.97, Mean: 3}
	}
	return imagetest.Tolerance{SSIM: 0.9, Mean: smallChroma}
}

// readFilm reads an animation as a browser does.
func readFilm(ctx context.Context, e transform.Engine, o transform.Output) (imagetest.Film, error) {
	if o.Format == transform.GIF {
		return readGIF(o)
	}
	return readWebP(ctx, e, o)
}

func readGIF(o transform.Output) (imagetest.Film, error) {
	var film imagetest.Film
	anim, err := gif.DecodeAll(bytes.NewReader(o.Body))
	if err != nil {
		return film, err
	}
	if anim.Config.Width != o.Width || anim.Config.Height != o.Height || len(anim.Image) != o.Frames {
		return film, fmt.Errorf("a GIF of %d frames of %d × %d pixels, where its Output says %d of %d × %d",
			len(anim.Image), anim.Config.Width, anim.Config.Height, o.Frames, o.Width, o.Height)
	}
	film.Plays = max(anim.LoopCount+1, 0)
	if anim.LoopCount == 0 {
		film.Plays = 0
	}
	if anim.LoopCount == -1 {
		film.Plays = 1
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, o.Width, o.Height))
	for i, p := range anim.Image {
		before := imagetest.Clone(canvas)
		draw.Draw(canvas, p.Rect, p, p.Rect.Min, draw.Over)
		film.Frames, film.Delays = append(film.Frames, imagetest.Clone(canvas)), append(film.Delays, 10*anim.Delay[i])
		switch anim.Disposal[i] {
		case gif.DisposalBackground:
			draw.Draw(canvas, p.Rect, image.Transparent, image.Point{}, draw.Src)
		case gif.DisposalPrevious:
			canvas = before
		}
	}
	return film, nil
}

// readWebP has each frame read by the engine, as a still file: case Formats proves that it can.
func readWebP(ctx context.Context, e transform.Engine, o transform.Output) (imagetest.Film, error) {
	var film imagetest.Film
	if len(o.Body) < 12 || int(binary.LittleEndian.Uint32(o.Body[4:])) != len(o.Body)-8 {
		return film, errors.New("a RIFF header of another length")
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, o.Width, o.Height))
	clears := image.Rectangle{}
	for rest := o.Body[12:]; len(rest) >= 8; {
		size := int(binary.LittleEndian.Uint32(rest[4:]))
		if size+size%2 > len(rest)-8 {
			return film, fmt.Errorf("a chunk of %d bytes, where %d are left", size, len(rest)-8)
		}
		kind, body := string(rest[:4]), rest[8:8+size]
		rest = rest[8+size+size%2:]
		u24 := func(i int) int { return int(body[i]) | int(body[i+1])<<8 | int(body[i+2])<<16 }
		switch kind {
		case "VP8X":
			if w, h := u24(4)+1, u24(7)+1; w != o.Width || h != o.Height || body[0]&2 == 0 {
				return film, fmt.Errorf("a canvas of %d × %d pixels with flags %#x", w, h, body[0])
			}
		case "ANIM":
			film.Plays = int(binary.LittleEndian.Uint16(body[4:]))
		case "ANMF":
			draw.Draw(canvas, clears, image.Transparent, image.Point{}, draw.Src)
			w, h := u24(6)+1, u24(9)+1
			file := []byte("WEBP")
			if string(body[16:20]) == "ALPH" {
				file = append(file, imagetest.WebPChunk("VP8X", append([]byte{0x10, 0, 0, 0}, body[6:12]...))...)
			}
			file = imagetest.WebPChunk("RIFF", append(file, body[16:]...))
			still := transform.Output{Format: transform.WebP, Body: file, Width: w, Height: h}
			img, err := pixels(ctx, e, still)
			if err != nil {
				return film, fmt.Errorf("frame %d: %w", len(film.Frames)+1, err)
			}
			op := draw.Over
			if body[15]&2 != 0 {
				op = draw.Src
			}
			r := image.Rect(0, 0, w, h).Add(image.Pt(2*u24(0), 2*u24(3)))
			draw.Draw(canvas, r, img, image.Point{}, op)
			if clears = (image.Rectangle{}); body[15]&1 != 0 {
				clears = r
			}
			film.Frames, film.Delays = append(film.Frames, imagetest.Clone(canvas)), append(film.Delays, u24(12))
		}
	}
	if len(film.Frames) != o.Frames {
		return film, fmt.Errorf("a WebP of %d frames, where its Output says %d", len(film.Frames), o.Frames)
	}
	return film, nil
}
