package caption

import (
	"bytes"
	"compress/zlib"
	"io"
	"slices"

	"github.com/dd8bf596/cutline/internal/container"
)

// xmpKeyword is the keyword of the text chunk that holds XMP (XMP Specification Part 3 §1.1.5). Embed writes it uncompressed, as
// that demands, without a language or a translation.
const xmpKeyword = "XML:com.adobe.xmp\x00"

// eachPNGChunk visits the chunks of a PNG up to its end.
func eachPNGChunk(file []byte, visit func(container.Chunk)) error {
	for at := len(container.PNGSignature); ; {
		c, err := container.NextPNGChunk(file, at)
		if err != nil {
			return err
		}
		visit(c)
		if at = c.End; c.Kind == "IEND" {
			return nil
		}
	}
}

// isXMPChunk reports whether a chunk holds XMP, also where a program has put it into a chunk of another kind, compressed.
func isXMPChunk(c container.Chunk) bool {
	switch c.Kind {
	case "iTXt", "zTXt", "tEXt":
		return bytes.HasPrefix(c.Body, []byte(xmpKeyword))
	}
	return false
}

// embedPNG puts the chunk before the pixels: a reader that stops at them has seen it.
func embedPNG(file []byte, b blocks) ([]byte, error) {
	out := make([]byte, 0, len(file)+len(b.xmp)+64)
	from, pixels := 0, false
	err := eachPNGChunk(file, func(c container.Chunk) {
		switch {
		case isXMPChunk(c):
			out = append(out, file[from:c.Start]...)
			from = c.End
		case c.Kind == "IDAT" && !pixels:
			pixels = true
			out = append(out, file[from:c.Start]...)
			from = c.Start
			if b.xmp != nil {
				out = container.AppendPNGChunk(out, "iTXt", []byte(xmpKeyword), []byte{0, 0, 0, 0}, b.xmp)
			}
		}
	})
	if err == nil && !pixels {
		err = corrupt("no IDAT chunk")
	}
	if err != nil {
		return nil, err
	}
	return append(out, file[from:]...), nil
}

func findPNG(file []byte) (b blocks, err error) {
	err = eachPNGChunk(file, func(c container.Chunk) {
		switch {
		case isXMPChunk(c) && b.xmp == nil:
			b.xmp = xmpText(c)
		case c.Kind == "eXIf" && b.exif == nil:
			b.exif = c.Body
		}
	})
	return b, err
}

// xmpText is the packet in a text chunk (W3C PNG, third edition, §11.3.3), empty where the chunk is damaged.
func xmpText(c container.Chunk) []byte {
	text, packed := c.Body[len(xmpKeyword):], false
	switch c.Kind {
	case "zTXt":
		packed = true
		text = text[min(1, len(text)):]
	case "iTXt":
		if len(text) < 2 {
			return []byte{}
		}
		packed = text[0] == 1
		parts := bytes.SplitN(text[2:], []byte{0}, 3)
		text = parts[len(parts)-1]
	}
	if !packed {
		return slices.Clip(text)
	}
	r, err := zlib.NewReader(bytes.NewReader(text))
	if err != nil {
		return []byte{}
	}
	out, _ := io.ReadAll(io.LimitReader(r, maxPacket)) // as far as it is sound
	return out
}
