package goengine

import (
	"encoding/binary"
	"image"
)

// parseGIF visits every block (GIF89a §§17–26). A missing trailer is tolerated at the end of a block, as decoders do.
func (h *header) parseGIF(src []byte) error {
	if len(src) < 13 {
		return corrupt("ends within its screen descriptor")
	}
	h.width, h.height = int(binary.LittleEndian.Uint16(src[6:])), int(binary.LittleEndian.Uint16(src[8:]))
	h.frames = 0
	at := 13 + colourTable(src[10])
	for at < len(src) && src[at] != 0x3b {
		var err error
		switch src[at] {
		case 0x21:
			at, err = h.gifExtension(src, at)
		case 0x2c:
			at, err = h.gifImage(src, at)
		default:
			return corrupt("block %#x at %d", src[at], at)
		}
		if err != nil {
			return err
		}
	}
	if h.frames == 0 {
		return corrupt("no frame")
	}
	return nil
}

// colourTable is the length in bytes of the colour table that a descriptor's flags announce.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// gifExtension reads the extension block at at and returns where it ends.
func (h *header) gifExtension(src []byte, at int) (int, error) {
	if at+2 > len(src) {
		return 0, corrupt("ends within an extension")
	}
	end, err := subBlocks(src, at+2)
	if err != nil {
		return 0, err
	}
	const graphicControl = 0xf9
	if src[at+1] != graphicControl {
		h.metadata += int64(end - at)
	} else if h.frames == 0 && end-at >= 8 && src[at+3]&1 != 0 {
		h.alpha = true
	}
	return end, nil
}

// gifImage reads the image block at at and returns where it ends. The first decides what decoding takes: one byte per
// pixel for the frame, and four per pixel of the screen where the frame leaves some of it free.
func (h *header) gifImage(src []byte, at int) (int, error) {
	if at+10 > len(src) {
		return 0, corrupt("ends within an image descriptor")
	}
	u16 := func(i int) int { return int(binary.LittleEndian.Uint16(src[at+i:])) }
	frame := image.Rect(u16(1), u16(3), u16(1)+u16(5), u16(3)+u16(7))
	h.largest = max(h.largest, 2*int64(frame.Dx())*int64(frame.Dy())) // two, for one that is interlaced
	if h.frames == 0 {
		screen := image.Rect(0, 0, h.width, h.height)
		if frame.Empty() || !frame.In(screen) {
			return 0, corrupt("frame %v outside the screen %v", frame, screen)
		}
		h.frame = frame
		h.decodeBytes = int64(frame.Dx())*int64(frame.Dy()) + bandBytes(h.width, h.height)
		if src[at+9]&0x40 != 0 { // interlaced: image/gif puts the rows in order in a copy
			h.decodeBytes += int64(frame.Dx()) * int64(frame.Dy())
		}
		if frame != screen {
			h.alpha = true
			h.decodeBytes += 4 * int64(h.width) * int64(h.height)
		}
	}
	h.frames++
	return subBlocks(src, at+11+colourTable(src[at+9])) // 11: the descriptor, and the code size that precedes the data
}

// subBlocks is where the chain of data sub-blocks that begins at at ends (GIF89a §15).
func subBlocks(src []byte, at int) (int, error) {
	for at < len(src) {
		if src[at] == 0 {
			return at + 1, nil
		}
		at += 1 + int(src[at])
	}
	return 0, corrupt("ends within a block")
}
