// Package jpegscale decodes JPEG at full size, a half, a quarter or an eighth, straight to planes of luma and chroma.
//
// Leaving out what a smaller picture cannot show, before anything is computed from it, is what makes thumbnails fast: at
// an eighth only one of 64 coefficients of a block is used. No library in Go offers it. Where the standard library's
// image/jpeg decodes a file of the kinds that are read here, so does this package, to the same picture within rounding,
// and where it refuses, so does this package: tests compare them on thousands of damaged files.
//
// Read are baseline, extended and progressive files (ITU-T T.81, processes with Huffman coding and 8 bits), grey or YCbCr
// in every sampling that image/jpeg reads. Everything else is ErrUnsupported.
package jpegscale

import (
	"context"
	"errors"
	"fmt"
)

// Errors of Decode, wrapped with what was met.
var (
	ErrCorrupt     = errors.New("damaged JPEG")
	ErrUnsupported = errors.New("a kind of JPEG that is not decoded here") // image/jpeg may: CMYK, RGB
	ErrScans       = errors.New("JPEG of too many scans")
)

// Options says how to decode. The zero value decodes at full size.
type Options struct {
	Shrink   int // 1, 2, 4 or 8: the picture comes out at 1/Shrink of its size; 0 means 1
	MaxScans int // more are ErrScans: each is a pass over the whole picture; 0 means 100
}

// A Plane is Width × Height samples of eight bits, Stride bytes from row to row.
type Plane struct {
	Pix    []byte
	Stride int
	Width  int
	Height int
}

// A Picture is what was decoded: one plane for grey; Y, Cb and Cr else, full range (JFIF). A plane that is sampled at 1/n
// of the picture has its width divided by n and by Shrink, each rounded up; each sample is the mean of the square of
// n × Shrink pixels it stands for, as far as 8 × 8 DCT coefficients tell it.
type Picture struct {
	Planes []Plane
	Means  []Plane // the same at 1/8, whatever Shrink is
	Width  int     // of the file, in pixels
	Height int
	Shrink int
}

// Decode decodes src. It returns ErrCorrupt, ErrUnsupported or ErrScans, or ctx's error when ctx ends first. Memory is in
// proportion to the size that the header claims, which is for the caller to limit.
func Decode(ctx context.Context, src []byte, o Options) (*Picture, error) {
	if o.Shrink == 0 {
		o.Shrink = 1
	}
	if o.MaxScans == 0 {
		o.MaxScans = 100
	}
	if o.Shrink != 1 && o.Shrink != 2 && o.Shrink != 4 && o.Shrink != 8 {
		return nil, fmt.Errorf("decode JPEG at 1/%d: expected 1, 2, 4 or 8", o.Shrink)
	}
	d := &decoder{ctx: ctx, src: src, side: 8 / o.Shrink, maxScans: o.MaxScans}
	if err := d.segments(); err != nil {
		return nil, err
	}
	if d.scans == 0 {
		return nil, corrupt("no scan")
	}
	if d.isRGB() {
		return nil, fmt.Errorf("%w: RGB", ErrUnsupported)
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return d.picture(o.Shrink), nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// A component is one plane of the file.
type component struct {
	id     byte
	h, v   int // sampling factors
	quant  byte
	across int // blocks in a row, whole MCUs
	down   int
	width  int // samples at full size, without padding
	height int
	pix    []byte  // across*side bytes a row
	means  []byte  // one for each block
	coeffs []int16 // of a progressive file: 64 per block, in zigzag order
}

type decoder struct {
	ctx      context.Context
	src      []byte
	at       int
	side     int // samples of a block in each direction, after shrinking
	maxScans int

	width, height int
	baseline      bool
	progressive   bool
	comps         []component
	mcusX, mcusY  int
	quant         [4][64]int32 // zigzag order
	huff          [2][4]huffman
	interval      int // MCUs between restart markers; 0 for none
	scans         int
	jfif          bool
	adobe         int // the colour transform that Adobe's marker names; -1 without one
	bits          bits
	eobRun        int
}

// segments reads all markers up to the end of the image.
func (d *decoder) segments() error {
	if len(d.src) < 2 || d.src[0] != 0xff || d.src[1] != 0xd8 {
		return corrupt("no SOI marker")
	}
	d.at, d.adobe = 2, -1
	for {
		marker, err := d.marker()
		if err != nil {
			return err
		}
		if marker == 0xd9 {
			return nil
		}
		if marker >= 0xd0 && marker <= 0xd7 {
			continue // a restart marker behind the last scan: harmless
		}
		body, err := d.body()
		if err != nil {
			return err
		}
		if err := d.segment(marker, body); err != nil {
			return err
		}
	}
}

// marker finds the next two bytes that begin with 0xff and not with a stuffed one, past what belongs to nothing and past
// fill bytes (T.81 §B.1.1.2).
func (d *decoder) marker() (byte, error) {
	for d.at+2 <= len(d.src) && (d.src[d.at] != 0xff || d.src[d.at+1] == 0) {
		if d.src[d.at] == 0xff {
			d.at++
		}
		d.at++
	}
	if d.at+2 > len(d.src) {
		return 0, corrupt("ends without an end marker")
	}
	marker := d.src[d.at+1]
	d.at += 2
	for marker == 0xff {
		if d.at == len(d.src) {
			return 0, corrupt("ends within a marker")
		}
		marker = d.src[d.at]
		d.at++
	}
	return marker, nil
}

// body is what follows a marker, without its length. A body that the file cuts short is an error.
func (d *decoder) body() ([]byte, error) {
	if d.at+2 > len(d.src) {
		return nil, corrupt("ends within a segment")
	}
	n := int(d.src[d.at])<<8 | int(d.src[d.at+1])
	if n < 2 {
		return nil, corrupt("segment of %d bytes", n)
	}
	if n > len(d.src)-d.at {
		return nil, corrupt("segment of %d bytes, where %d are left", n, len(d.src)-d.at)
	}
	body := d.src[d.at+2 : d.at+n]
	d.at += n
	return body, nil
}

func (d *decoder) segment(marker byte, body []byte) error {
	switch {
	case marker >= 0xc0 && marker <= 0xc2:
		d.baseline, d.progressive = marker == 0xc0, marker == 0xc2
		return d.frame(body)
	case marker == 0xc4:
		return d.tables(body)
	case marker == 0xdb:
		return d.quantizers(body)
	case marker == 0xdd:
		if len(body) != 2 {
			return corrupt("restart interval of %d bytes", len(body))
		}
		d.interval = int(body[0])<<8 | int(body[1])
	case marker == 0xda:
		if d.scans++; d.scans > d.maxScans {
			return fmt.Errorf("%w: more than %d", ErrScans, d.maxScans)
		}
		return d.scan(body)
	case marker == 0xe0 && len(body) >= 5:
		d.jfif = string(body[:5]) == "JFIF\x00"
	case marker == 0xee && len(body) >= 12:
		if string(body[:5]) == "Adobe" {
			d.adobe = int(body[11])
		}
	case marker >= 0xe0 && marker <= 0xef, marker == 0xfe: // application data, comments
	case marker < 0xc0:
		return corrupt("unknown marker %#x", marker)
	default:
		return fmt.Errorf("%w: marker %#x", ErrUnsupported, marker)
	}
	return nil
}

// frame reads a frame header (T.81 §B.2.2).
func (d *decoder) frame(body []byte) error {
	if d.comps != nil {
		return corrupt("two frame headers")
	}
	switch {
	case len(body) != 6+3*1 && len(body) != 6+3*3 && len(body) != 6+3*4:
		return fmt.Errorf("%w: a frame header of %d bytes", ErrUnsupported, len(body))
	case body[0] != 8:
		return fmt.Errorf("%w: %d bits", ErrUnsupported, body[0])
	case len(body) != 6+3*int(body[5]):
		return corrupt("frame header of %d bytes for %d components", len(body), body[5])
	case body[5] == 4:
		return fmt.Errorf("%w: four components", ErrUnsupported)
	}
	d.height, d.width = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
	if d.width == 0 || d.height == 0 {
		return fmt.Errorf("%w: %d × %d pixels", ErrUnsupported, d.width, d.height)
	}
	comps := make([]component, body[5])
	for i := range comps {
		if err := comps[i].read(body[6+3*i:], comps[:i], len(comps) == 1); err != nil {
			return err
		}
	}
	d.comps = comps
	h, v := comps[0].h, comps[0].v
	d.mcusX, d.mcusY = (d.width+8*h-1)/(8*h), (d.height+8*v-1)/(8*v)
	for i := range comps {
		c := &comps[i]
		c.across, c.down = d.mcusX*c.h, d.mcusY*c.v
		c.width, c.height = (d.width*c.h+h-1)/h, (d.height*c.v+v-1)/v
	}
	return nil
}

// read reads a component's part of a frame header. Luma has the most samples, both chroma planes have the same.
func (c *component) read(b []byte, before []component, alone bool) error {
	c.id, c.h, c.v, c.quant = b[0], int(b[1]>>4), int(b[1]&15), b[2]
	for _, other := range before {
		if other.id == c.id {
			return corrupt("two components %d", c.id)
		}
	}
	if c.quant > 3 {
		return corrupt("quantizer %d", c.quant)
	}
	if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
		return corrupt("sampling factors %d × %d", c.h, c.v)
	}
	odd := c.h == 3 || c.v == 3
	switch {
	case odd:
	case alone:
		c.h, c.v = 1, 1 // of one component nothing is a ratio (T.81 §A.2)
	case len(before) == 0:
		odd = c.v == 4
	case len(before) == 1:
		odd = before[0].h%c.h != 0 || before[0].v%c.v != 0
	default:
		odd = before[1].h != c.h || before[1].v != c.v
	}
	if odd {
		return fmt.Errorf("%w: sampling factors %d × %d", ErrUnsupported, c.h, c.v)
	}
	return nil
}

// quantizers reads quantization tables (T.81 §B.2.4.1).
func (d *decoder) quantizers(body []byte) error {
	for len(body) > 0 {
		wide, t := int(body[0]>>4), body[0]&15
		body = body[1:]
		if t > 3 || wide > 1 {
			return corrupt("quantizer %d of kind %d", t, wide)
		}
		if len(body) < 64*(wide+1) {
			return corrupt("quantizer of %d bytes", len(body))
		}
		for i := range d.quant[t] {
			if wide == 0 {
				d.quant[t][i] = int32(body[i])
			} else {
				d.quant[t][i] = int32(body[2*i])<<8 | int32(body[2*i+1])
			}
		}
		body = body[64*(wide+1):]
	}
	return nil
}

// isRGB reports whether the three planes are red, green and blue: Adobe's marker says so, or their names.
func (d *decoder) isRGB() bool {
	if len(d.comps) != 3 || d.jfif {
		return false
	}
	return d.adobe == 0 || d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B'
}

// picture is the planes without their padding.
func (d *decoder) picture(shrink int) *Picture {
	p := &Picture{Width: d.width, Height: d.height, Shrink: shrink}
	for i := range d.comps {
		c := &d.comps[i]
		p.Planes = append(p.Planes, Plane{
			Pix: c.pix, Stride: c.across * d.side,
			Width: (c.width + shrink - 1) / shrink, Height: (c.height + shrink - 1) / shrink,
		})
		p.Means = append(p.Means, Plane{Pix: c.means, Stride: c.across, Width: (c.width + 7) / 8, Height: (c.height + 7) / 8})
	}
	return p
}

// Bytes is what Decode allocates at most for a picture of width × height pixels whose components have the sampling
// factors hv (of one component they count for nothing): planes, means, and two bytes per coefficient in a progressive file.
func Bytes(width, height int, hv [][2]int, progressive bool, shrink int) int64 {
	h, v := 1, 1
	if len(hv) > 1 {
		h, v = hv[0][0], hv[0][1]
	}
	mcus := int64((width+8*h-1)/(8*h)) * int64((height+8*v-1)/(8*v))
	blocks := mcus
	if len(hv) > 1 {
		blocks = 0
		for _, f := range hv {
			blocks += mcus * int64(f[0]) * int64(f[1])
		}
	}
	side := int64(8 / max(shrink, 1))
	need := blocks*side*side + blocks
	if progressive {
		need += blocks * 64 * 2
	}
	return need
}
