package imagetest

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"testing"
)

// A Film is an animation of which everything that a viewer sees is known.
type Film struct {
	Name   string
	Body   []byte
	Frames []*image.NRGBA // the whole canvas, once the frame is drawn
	Delays []int          // milliseconds, as browsers keep them
	Plays  int            // how often it runs; 0 is for ever
	Last   []byte         // of a GIF: its last image descriptor without flags
	Lossy  bool           // Frames are what was encoded, not what comes out exactly
}

// The canvas of Films, in pixels.
const (
	FilmWidth  = 160
	FilmHeight = 112
)

// Films are small animations that use everything that their formats have: offsets, transparency, each disposal, tables of
// colours of each frame's own, interlacing; blending or not; delays that browsers do not believe; each way to say how
// often they run.
func Films(t testing.TB) []Film {
	t.Helper()
	return []Film{gifFilm(t), gifForever(t), webpFilm(t)}
}

// gifFilm draws four squares over a ground, one with each disposal.
func gifFilm(t testing.TB) Film {
	ground := image.NewPaletted(image.Rect(0, 0, FilmWidth, FilmHeight), color.Palette{color.NRGBA{}, TopLeft, TopRight, BottomLeft, BottomRight})
	for y := range FilmHeight {
		for x := range FilmWidth {
			ground.SetColorIndex(x, y, uint8(1+(x/40+y/32)%4))
		}
	}
	draw.Draw(ground, image.Rect(0, 96, FilmWidth, FilmHeight), image.Transparent, image.Point{}, draw.Src) // a clear strip
	disc := func(at image.Point, side int, c color.NRGBA) *image.Paletted {
		img := image.NewPaletted(image.Rectangle{Max: image.Pt(side, side)}.Add(at), color.Palette{c, color.NRGBA{}, color.White})
		for y := range side {
			for x := range side {
				if dx, dy := 2*x-side+1, 2*y-side+1; dx*dx+dy*dy > side*side {
					img.SetColorIndex(at.X+x, at.Y+y, 1)
				} else if x > side/2 {
					img.SetColorIndex(at.X+x, at.Y+y, 2)
				}
			}
		}
		return img
	}
	parts := []*image.Paletted{
		ground,
		disc(image.Pt(10, 10), 41, color.NRGBA{R: 10, G: 10, B: 10, A: 255}),
		disc(image.Pt(31, 33), 60, color.NRGBA{R: 200, B: 200, A: 255}),
		disc(image.Pt(90, 7), 50, color.NRGBA{G: 200, B: 200, A: 255}),
		disc(image.Pt(64, 63), 49, color.NRGBA{R: 90, G: 60, B: 30, A: 255}),
		disc(image.Pt(1, 1), 20, color.NRGBA{R: 250, G: 250, A: 255}),
	}
	disposals := []byte{gif.DisposalNone, 0, gif.DisposalPrevious, gif.DisposalBackground, gif.DisposalNone, gif.DisposalPrevious}
	anim := gif.GIF{Image: parts, Disposal: disposals, Delay: []int{0, 1, 2, 10, 300, 7}, LoopCount: 2}
	f := Film{Name: "GIF of every disposal", Delays: []int{100, 100, 20, 100, 3000, 70}, Plays: 3}
	canvas := image.NewNRGBA(ground.Rect)
	for i, p := range parts {
		before := Clone(canvas)
		draw.Draw(canvas, p.Rect, p, p.Rect.Min, draw.Over)
		f.Frames = append(f.Frames, Clone(canvas))
		switch disposals[i] {
		case gif.DisposalBackground:
			draw.Draw(canvas, p.Rect, image.Transparent, image.Point{}, draw.Src)
		case gif.DisposalPrevious:
			canvas = before
		}
	}
	f.Body, f.Last = encodeFilm(t, anim), []byte{0x2c, 1, 0, 1, 0, 20, 0, 20, 0}
	return f
}

// gifForever is three frames of which the first covers a part of the canvas, and the second is interlaced.
func gifForever(t testing.TB) Film {
	var colours color.Palette
	for i := range 200 {
		colours = append(colours, color.NRGBA{R: uint8(i), G: uint8(255 - i), B: uint8(i * 7), A: 255})
	}
	first := image.NewPaletted(image.Rect(20, 10, 120, 90), colours)
	second := image.NewPaletted(image.Rect(0, 0, FilmWidth, FilmHeight), colours[40:])
	for i := range first.Pix {
		first.Pix[i] = uint8(i % 100)
	}
	for i := range second.Pix {
		second.Pix[i] = uint8(i / FilmWidth)
	}
	third := image.NewPaletted(image.Rect(150, 100, 160, 112), colours[:3])
	f := Film{Name: "GIF for ever, interlaced", Delays: []int{50, 60, 70}}
	canvas := image.NewNRGBA(second.Rect)
	for _, p := range []*image.Paletted{first, second, third} {
		draw.Draw(canvas, p.Rect, p, p.Rect.Min, draw.Over)
		f.Frames = append(f.Frames, Clone(canvas))
	}
	// The rows of an interlaced picture: every eighth, every eighth from the fourth, and so on (GIF89a, appendix E).
	rows := image.NewPaletted(second.Rect, second.Palette)
	to := 0
	for _, pass := range [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass[0]; y < FilmHeight; y += pass[1] {
			copy(rows.Pix[to*rows.Stride:][:FilmWidth], second.Pix[y*second.Stride:])
			to++
		}
	}
	body := encodeFilm(t, gif.GIF{
		Image: []*image.Paletted{first, rows, third}, Delay: []int{5, 6, 7},
		Config: image.Config{Width: FilmWidth, Height: FilmHeight},
	})
	descriptor := bytes.Index(body, []byte{0x2c, 0, 0, 0, 0, FilmWidth, 0, FilmHeight, 0})
	body[descriptor+9] |= 0x40
	f.Body, f.Last = body, []byte{0x2c, 150, 0, 100, 0, 10, 0, 12, 0}
	return f
}

// MovingGIF is an animation of w × h pixels of which every pixel changes in every frame: Photo, moved.
func MovingGIF(t testing.TB, w, h, frames int) []byte {
	t.Helper()
	photo := image.NewPaletted(image.Rect(0, 0, w+frames, h), palette.WebSafe)
	draw.FloydSteinberg.Draw(photo, photo.Rect, Photo(w+frames, h), image.Point{})
	var anim gif.GIF
	for i := range frames {
		frame := image.NewPaletted(image.Rect(0, 0, w, h), photo.Palette)
		for y := range h {
			copy(frame.Pix[y*w:][:w], photo.Pix[y*photo.Stride+i:])
		}
		anim.Image, anim.Delay = append(anim.Image, frame), append(anim.Delay, 4)
	}
	return encodeFilm(t, anim)
}

func encodeFilm(t testing.TB, anim gif.GIF) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := gif.EncodeAll(&buf, &anim); err != nil {
		t.Fatalf("encode GIF: %v", err)
	}
	return buf.Bytes()
}

// webpFilm is frames cut out of still files, on a canvas that is larger than they are.
func webpFilm(t testing.TB) Film {
	photo, fade := Photo(FileWidth, FileHeight), Fade(FileWidth, FileHeight)
	f := Film{Name: "WebP of every kind", Plays: 2, Lossy: true}
	canvas := image.NewNRGBA(image.Rect(0, 0, FilmWidth, FilmHeight))
	var frames []byte
	for _, p := range []struct {
		file           string
		img            *image.NRGBA
		x, y, delay    int
		covers, clears bool
	}{
		{"lossless.webp", photo, 0, 0, 5, true, false},
		{"alpha-lossless.webp", fade, 40, 32, 120, false, true},
		{"alpha-lossless.webp", fade, 20, 10, 33, true, false},
		{"alpha.webp", fade, 8, 30, 1234, false, false},
		{"lossy.webp", photo, 2, 2, 11, true, false},
	} {
		op := draw.Over
		if p.covers {
			op = draw.Src
		}
		r := p.img.Rect.Add(image.Pt(p.x, p.y))
		draw.Draw(canvas, r, p.img, image.Point{}, op)
		f.Frames, f.Delays = append(f.Frames, Clone(canvas)), append(f.Delays, p.delay)
		if p.clears {
			draw.Draw(canvas, r, image.Transparent, image.Point{}, draw.Src)
		}
		body := le24(le24(le24(le24(le24(nil, p.x/2), p.y/2), FileWidth-1), FileHeight-1), p.delay)
		body = append(body, byte(b2i(p.clears)|b2i(p.covers)<<1))
		frames = append(frames, WebPChunk("ANMF", append(body, bitstream(File(t, p.file))...))...)
	}
	f.Delays[0] = 100
	head := le24(le24([]byte{0x12, 0, 0, 0}, FilmWidth-1), FilmHeight-1)
	body := append([]byte("WEBP"), WebPChunk("VP8X", head)...)
	body = append(append(body, WebPChunk("ANIM", []byte{0, 0, 0, 0, byte(f.Plays), 0})...), frames...)
	f.Body = WebPChunk("RIFF", body)
	return f
}

// bitstream is the chunks of a still WebP that are its picture.
func bitstream(file []byte) (chunks []byte) {
	for at := 12; at+8 <= len(file); {
		size := int(binary.LittleEndian.Uint32(file[at+4:]))
		end := min(at+8+size+size%2, len(file))
		if kind := string(file[at : at+4]); kind == "VP8 " || kind == "VP8L" || kind == "ALPH" {
			chunks = append(chunks, file[at:end]...)
		}
		at = end
	}
	return chunks
}

// WebPChunk is a RIFF chunk: kind, length, body, and a byte that makes its length even.
func WebPChunk(kind string, body []byte) []byte {
	chunk := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	chunk = append(chunk, body...)
	if len(body)%2 == 1 {
		chunk = append(chunk, 0)
	}
	return chunk
}

func le24(to []byte, v int) []byte { return append(to, byte(v), byte(v>>8), byte(v>>16)) }

// Clone is a copy of img.
func Clone(img *image.NRGBA) *image.NRGBA {
	return &image.NRGBA{Pix: bytes.Clone(img.Pix), Stride: img.Stride, Rect: img.Rect}
}
