package goengine

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"slices"

	"github.com/dd8bf596/cutline/internal/container"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
)

// withProfile says in an encoded file that its colours are Display P3, where pic's are: encoders write pixels, and without
// a word they mean sRGB. body is not changed where there is nothing to say, and may be changed where there is.
func withProfile(body []byte, f transform.Format, pic *picture) ([]byte, error) {
	if !pic.wide {
		return body, nil
	}
	switch f {
	case transform.JPEG:
		return jpegWithProfile(body, colour.DisplayP3ICC())
	case transform.PNG:
		return pngWithProfile(body, colour.DisplayP3ICC())
	case transform.WebP:
		return webpWithProfile(body, colour.DisplayP3ICC(), !pic.opaque())
	case transform.AVIF:
		return body, avifAsP3(body)
	}
	return nil, unsupported("a colour profile in %s", f)
}

// jpegWithProfile puts the profile, which fits one segment, behind the JFIF segment, which has to be the first.
func jpegWithProfile(body, profile []byte) ([]byte, error) {
	at := 2
	if s, err := container.NextSegment(body, at); err != nil {
		return nil, damaged(err)
	} else if s.Marker == container.MarkerAPP0 {
		at = s.End
	}
	segment := container.AppendSegment(nil, container.MarkerAPP0+2, []byte(iccName), []byte{1, 1}, profile)
	return slices.Concat(body[:at], segment, body[at:]), nil
}

// pngWithProfile puts the profile behind the header chunk: it has to stand before palette and pixels.
func pngWithProfile(body, profile []byte) ([]byte, error) {
	const header = 8 + 12 + 13 // signature and IHDR
	if len(body) < header {
		return nil, corrupt("PNG of %d bytes", len(body))
	}
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(profile); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	chunk := container.AppendPNGChunk(nil, "iCCP", []byte("Display P3\x00\x00"), packed.Bytes())
	return slices.Concat(body[:header], chunk, body[header:]), nil
}

// webpWithProfile puts the profile behind the VP8X chunk, which a file without one gets: a simple file has no place for it
// (RFC 9649 §2.7).
func webpWithProfile(body, profile []byte, alpha bool) ([]byte, error) {
	var h header
	if len(body) < 20 {
		return nil, corrupt("WebP of %d bytes", len(body))
	}
	if _, err := h.parseWebP(body); err != nil {
		return nil, err
	}
	chunks := body[12:]
	const extended = 8 + 10 // a VP8X chunk
	var head []byte
	if string(chunks[:4]) == "VP8X" && len(chunks) >= extended {
		head, chunks = slices.Clone(chunks[:extended]), chunks[extended:]
	} else {
		w, ht := h.width-1, h.height-1
		head = container.AppendRIFFChunk(nil, "VP8X", []byte{0, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(ht), byte(ht >> 8), byte(ht >> 16)})
		if alpha {
			head[8] |= webpAlpha
		}
	}
	head[8] |= webpProfile
	return container.AppendRIFFChunk(nil, "RIFF", slices.Concat([]byte("WEBP"), head, container.AppendRIFFChunk(nil, "ICCP", profile), chunks)), nil
}

// avifAsP3 writes Display P3's code points (ITU-T H.273: primaries 12, transfer 13) over those of the colour property that
// the encoder wrote. They are what decoders believe, before those in the AV1 stream (ISO/IEC 23008-12 §6.5.5).
func avifAsP3(body []byte) error {
	found := false
	var walk func(b []byte, path ...string) error
	walk = func(b []byte, path ...string) error {
		return container.EachBox(b, func(box container.Box) error {
			part := box.Body
			switch {
			case len(path) == 0 || box.Kind != path[0]:
			case len(path) > 1:
				if box.Kind == "meta" { // a version and flags come first
					part = part[min(4, len(part)):]
				}
				return walk(part, path[1:]...)
			case len(part) >= 8 && string(part[:4]) == "nclx":
				binary.BigEndian.PutUint16(part[4:], 12)
				binary.BigEndian.PutUint16(part[6:], 13)
				found = true
			}
			return nil
		})
	}
	if err := walk(body, "meta", "iprp", "ipco", "colr"); err != nil {
		return damaged(err)
	}
	if !found {
		return corrupt("no place for code points")
	}
	return nil
}
