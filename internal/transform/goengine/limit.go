package goengine

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/dd8bf596/cutline/internal/transform"
)

// within reports whether body keeps to a limit in thousands of bytes; 0 is none.
func within(maxKB int, body []byte) bool { return maxKB == 0 || len(body) <= maxKB*1000 }

// overLimit is the error of a picture of which the smallest file that can be made does not keep to the limit.
func overLimit(maxKB, smallest int) error {
	return fmt.Errorf("%w: the smallest file is %d bytes, of at most %d", transform.ErrTooLarge, smallest, maxKB*1000)
}

// encodeLossless writes pic as the PNG or GIF of s: without loss as far as the format can, and where that is more bytes
// than s allows, with the most colours of 256, 128, 64 … 2 that keep to it. Those are halved like an interval, so that
// there are at most five encodes; fewer colours make a larger file only now and then, and what is returned was measured.
func encodeLossless(ctx context.Context, pic *picture, s transform.Spec) ([]byte, error) {
	write := func(colours int) ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.Format == transform.GIF {
			return encodeGIF(pic.nrgba(), colours)
		}
		return encodePNG(pic, colours)
	}
	most := 256
	first := 0 // colours: all of them
	if s.Format == transform.GIF {
		first, most = 256, 128
	}
	body, err := write(first)
	if err != nil || within(s.MaxKB, body) {
		return body, err
	}
	smallest := len(body)
	var best []byte
	for low, high := 1, bits.Len(uint(most))-1; low <= high; {
		middle := (low + high + 1) / 2
		body, err := write(1 << middle)
		if err != nil {
			return nil, err
		}
		smallest = min(smallest, len(body))
		if within(s.MaxKB, body) {
			best, low = body, middle+1
		} else {
			high = middle - 1
		}
	}
	if best == nil {
		return nil, overLimit(s.MaxKB, smallest)
	}
	return best, nil
}
