package jpegscale

// unzig is the natural place, 8*row + column, of each place in zigzag order (T.81 figure A.6).
var unzig = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// Constants in 13 binary places: of a butterfly with angle a·π/16, √2·cos and √2·sin.
const (
	places = 13
	extra  = 2 // binary places that are kept between columns and rows

	sqrt2cos1 = 11363 // 1.387040
	sqrt2sin1 = 2260  // 0.275899
	sqrt2cos2 = 10703 // 1.306563
	sqrt2sin2 = 4433  // 0.541196
	sqrt2cos3 = 9633  // 1.175876
	sqrt2sin3 = 6436  // 0.785695
)

// store transforms a block of dequantized coefficients in natural order, of which most is the last in zigzag order that
// is not 0, to side × side samples in c's plane, and keeps its mean.
//
// A side of n takes the n × n lowest frequencies to an inverse DCT of n points, with the same factor: the samples are the
// means of what the whole block would show, but for the frequencies left out.
func (d *decoder) store(c *component, block *[64]int32, most, bx, by int) {
	stride := c.across * d.side
	dst := c.pix[d.side*(by*stride+bx):]
	v := clamp((block[0]+4)>>3 + 128)
	c.means[by*c.across+bx] = v
	if most == 0 || d.side == 1 {
		for y := range d.side {
			row := dst[y*stride:][:d.side]
			for x := range row {
				row[x] = v
			}
		}
		return
	}
	switch d.side {
	case 8:
		idct8(dst, stride, block)
	case 4:
		idct4(dst, stride, block)
	case 2:
		a, b := block[0]+block[1], block[0]-block[1]
		e, f := block[8]+block[9], block[8]-block[9]
		dst[0], dst[1] = clamp((a+e+4)>>3+128), clamp((b+f+4)>>3+128)
		dst[stride], dst[stride+1] = clamp((a-e+4)>>3+128), clamp((b-f+4)>>3+128)
	}
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31))
	}
	return byte(v)
}

// idct4 makes 4 × 4 samples.
func idct4(dst []byte, stride int, block *[64]int32) {
	const (
		down = places - extra
		half = 1 << (down - 1)
		last = places + extra + 3
	)
	var w [16]int32
	for x := range 4 {
		f0, f1, f2, f3 := block[x], block[8+x], block[16+x], block[24+x]
		e0, e1 := (f0+f2)<<places+half, (f0-f2)<<places+half
		o0, o1 := f1*sqrt2cos2+f3*sqrt2sin2, f1*sqrt2sin2-f3*sqrt2cos2
		w[x], w[12+x] = (e0+o0)>>down, (e0-o0)>>down
		w[4+x], w[8+x] = (e1+o1)>>down, (e1-o1)>>down
	}
	for y := range 4 {
		r := w[4*y : 4*y+4 : 4*y+4]
		e0, e1 := (r[0]+r[2])<<places, (r[0]-r[2])<<places
		o0, o1 := r[1]*sqrt2cos2+r[3]*sqrt2sin2, r[1]*sqrt2sin2-r[3]*sqrt2cos2
		const bias = 1<<(last-1) + 128<<last
		e0, e1 = e0+bias, e1+bias
		row := dst[y*stride:][:4:4]
		row[0], row[3] = clamp((e0+o0)>>last), clamp((e0-o0)>>last)
		row[1], row[2] = clamp((e1+o1)>>last), clamp((e1-o1)>>last)
	}
}

// idct8 makes 8 × 8 samples, columns before rows.
func idct8(dst []byte, stride int, block *[64]int32) {
	const (
		down = places - extra
		last = places + extra + 3
	)
	var w [64]int32
	for x := range 8 {
		if block[8+x]|block[16+x]|block[24+x]|block[32+x]|block[40+x]|block[48+x]|block[56+x] == 0 {
			v := block[x] << extra
			for y := range 8 {
				w[8*y+x] = v
			}
			continue
		}
		f := [8]int32{block[x], block[8+x], block[16+x], block[24+x], block[32+x], block[40+x], block[48+x], block[56+x]}
		butterfly(&f, 1<<(down-1))
		for y, v := range f {
			w[8*y+x] = v >> down
		}
	}
	for y := range 8 {
		f := [8]int32(w[8*y : 8*y+8])
		butterfly(&f, 1<<(last-1)+128<<last)
		row := dst[y*stride:][:8:8]
		for x, v := range f {
			row[x] = clamp(v >> last)
		}
	}
}

// butterfly is the inverse DCT of eight points, times √8·2^places, plus bias.
//
// The even half is a DCT of four points; the odd half is written out, which costs sixteen multiplications and no carrying
// of intermediate results.
func butterfly(f *[8]int32, bias int32) {
	e0, e1 := (f[0]+f[4])<<places+bias, (f[0]-f[4])<<places+bias
	o0, o1 := f[2]*sqrt2cos2+f[6]*sqrt2sin2, f[2]*sqrt2sin2-f[6]*sqrt2cos2
	a, b, c, d := e0+o0, e1+o1, e1-o1, e0-o0
	p := f[1]*sqrt2cos1 + f[3]*sqrt2cos3 + f[5]*sqrt2sin3 + f[7]*sqrt2sin1
	q := f[1]*sqrt2cos3 - f[3]*sqrt2sin1 - f[5]*sqrt2cos1 - f[7]*sqrt2sin3
	r := f[1]*sqrt2sin3 - f[3]*sqrt2cos1 + f[5]*sqrt2sin1 + f[7]*sqrt2cos3
	s := f[1]*sqrt2sin1 - f[3]*sqrt2sin3 + f[5]*sqrt2cos3 - f[7]*sqrt2cos1
	f[0], f[7] = a+p, a-p
	f[1], f[6] = b+q, b-q
	f[2], f[5] = c+r, c-r
	f[3], f[4] = d+s, d-s
}
