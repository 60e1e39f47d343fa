package goengine

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"

	"github.com/dd8bf596/cutline/internal/container"
)

// webp finds the frames of an animated WebP that parseWebP has walked through.
func (f *film) webp(src []byte) error {
	f.plays = 0
	chunks, err := container.WebPChunks(src)
	if err != nil {
		return damaged(err)
	}
	return webpChunks(chunks, func(kind string, body []byte) error {
		switch {
		case kind == "ANIM" && len(body) >= 6:
			f.plays = int(binary.LittleEndian.Uint16(body[4:]))
		case kind == "ANMF":
			p, err := webpPart(body)
			if err != nil {
				return err
			}
			f.parts = append(f.parts, p)
		}
		return nil
	})
}

// The flags of an ANMF chunk (RFC 9649 §2.7.1.1).
const (
	webpDispose = 1 << 0
	webpNoBlend = 1 << 1
)

// webpPart is the frame of one ANMF chunk.
func webpPart(body []byte) (part, error) {
	frame, r, err := webpFrameOf(body)
	if err != nil {
		return part{}, err
	}
	w, h, _, err := frame.size()
	if err != nil {
		return part{}, err
	}
	if r.Size() != image.Pt(w, h) {
		return part{}, corrupt("frame of %d × %d pixels, where its chunk says %v", w, h, r.Size())
	}
	p := part{rect: r, delay: delayed(u24(body[12:])), after: disposeKeep, covers: body[15]&webpNoBlend != 0}
	if body[15]&webpDispose != 0 {
		p.after = disposeClear
	}
	p.file = func(ctx context.Context) (image.Image, error) { return decodeWebP(until(ctx, frame.file(w, h))) }
	return p, nil
}

// webpFrameOf is what an ANMF chunk holds, and its place on the canvas.
func webpFrameOf(body []byte) (frame webpFrame, place image.Rectangle, err error) {
	if len(body) < 16 {
		return frame, place, corrupt("ANMF chunk of %d bytes", len(body))
	}
	corner := image.Pt(2*u24(body), 2*u24(body[3:]))
	place = image.Rectangle{Min: corner, Max: corner.Add(image.Pt(u24(body[6:])+1, u24(body[9:])+1))}
	err = webpChunks(body[16:], func(kind string, body []byte) error {
		frame.take(kind, body, false)
		return nil
	})
	return frame, place, err
}

// A webpReel writes an animation as WebP (RFC 9649 §2.7.1): gen2brain/webp encodes pictures, and this takes their
// bitstreams out of its files. A frame is only where it differs from the one before, and replaces what is there, so that
// no frame has to be taken away for pixels that become transparent.
type webpReel struct {
	quality int
	size    image.Point
	plays   int
	frames  bytes.Buffer // ANMF chunks
	alpha   bool
	shown   *image.NRGBA
}

func (m *webpReel) add(img *image.NRGBA, delay int) error {
	r := img.Rect
	if m.shown != nil {
		r = differing(r, func(x, y int) bool { return !same(at(m.shown, x, y), at(img, x, y)) })
	}
	if r.Empty() {
		r = image.Rect(0, 0, 1, 1) // nothing changes for a while
	}
	r.Min.X, r.Min.Y = r.Min.X&^1, r.Min.Y&^1 // offsets are stored in units of two pixels
	m.shown = img
	file, err := writeWebP(&plate{pixels: packed(zeroed(img.Pix, img.Stride, img.Rect, r))}, m.quality, false)
	if err != nil {
		return err
	}
	var frame webpFrame
	err = webpChunks(file[12:], func(kind string, body []byte) error {
		frame.take(kind, body, false)
		return nil
	})
	if err != nil {
		return err
	}
	_, _, alpha, err := frame.size()
	if err != nil {
		return err
	}
	m.alpha = m.alpha || alpha
	m.frame(frame, r, delay)
	return nil
}

// frame writes one ANMF chunk.
func (m *webpReel) frame(f webpFrame, r image.Rectangle, delay int) {
	var body bytes.Buffer
	for _, v := range []int{r.Min.X / 2, r.Min.Y / 2, r.Dx() - 1, r.Dy() - 1, min(delay, 1<<24-1)} {
		body.Write(le24(v))
	}
	body.WriteByte(webpNoBlend)
	if f.alpha != nil {
		writeChunk(&body, "ALPH", f.alpha)
	}
	writeChunk(&body, f.kind, f.pixels)
	writeChunk(&m.frames, "ANMF", body.Bytes())
}

func (m *webpReel) bytes() int { return m.frames.Len() }

func (m *webpReel) end() ([]byte, error) {
	flags := byte(webpAnimation)
	if m.alpha {
		flags |= webpAlpha
	}
	var file bytes.Buffer
	file.Grow(44 + m.frames.Len())
	file.WriteString("RIFF")
	file.Write(binary.LittleEndian.AppendUint32(nil, uint32(36+m.frames.Len())))
	file.WriteString("WEBP")
	canvas := append([]byte{flags, 0, 0, 0}, append(le24(m.size.X-1), le24(m.size.Y-1)...)...)
	writeChunk(&file, "VP8X", canvas)
	plays := min(m.plays, 1<<16-1)
	writeChunk(&file, "ANIM", append(make([]byte, 4), byte(plays), byte(plays>>8))) // the ground is transparent
	file.Write(m.frames.Bytes())
	return file.Bytes(), nil
}

func le24(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }

// writeChunk writes a chunk behind others.
func writeChunk(to *bytes.Buffer, kind string, body []byte) {
	to.Write(container.AppendRIFFChunk(nil, kind, body))
}
