package jpegscale

import "fmt"

// A part is one component of a scan.
type part struct {
	comp   *component
	dc, ac *huffman
	pred   int32
}

// A scan is what its header says (T.81 §B.2.3).
type scan struct {
	parts      []part
	start, end int // zigzag places
	high, low  uint
}

// scanHeader reads a scan's header.
func (d *decoder) scanHeader(body []byte) (*scan, error) {
	if d.comps == nil {
		return nil, corrupt("a scan before the frame header")
	}
	if len(body) < 6 || len(body) > 4+2*len(d.comps) || len(body) != 4+2*int(body[0]) {
		return nil, corrupt("scan header of %d bytes", len(body))
	}
	s := &scan{end: 63}
	total := 0
	for i := range int(body[0]) {
		id, tables := body[1+2*i], body[2+2*i]
		var c *component
		for j := range d.comps {
			if d.comps[j].id == id {
				c = &d.comps[j]
			}
		}
		for _, other := range s.parts {
			if other.comp == c {
				return nil, corrupt("component %d twice in a scan", id)
			}
		}
		dc, ac := tables>>4, tables&15
		if c == nil || dc > 3 || ac > 3 || d.baseline && (dc > 1 || ac > 1) {
			return nil, corrupt("component %d with tables %d and %d", id, dc, ac)
		}
		total += c.h * c.v
		s.parts = append(s.parts, part{comp: c, dc: &d.huff[0][dc], ac: &d.huff[1][ac]})
	}
	if len(d.comps) > 1 && total > 10 {
		return nil, corrupt("%d blocks in an MCU", total)
	}
	if d.progressive {
		tail := body[len(body)-3:]
		s.start, s.end, s.high, s.low = int(tail[0]), int(tail[1]), uint(tail[2]>>4), uint(tail[2]&15)
		switch {
		case s.start == 0 && s.end != 0, s.start > s.end, s.end > 63:
			return nil, corrupt("coefficients %d to %d", s.start, s.end)
		case s.start != 0 && len(s.parts) != 1:
			return nil, corrupt("AC coefficients of %d components", len(s.parts))
		case s.high != 0 && s.high != s.low+1:
			return nil, corrupt("bits %d after %d", s.low, s.high)
		}
	}
	return s, nil
}

// scan decodes one scan.
func (d *decoder) scan(body []byte) error {
	s, err := d.scanHeader(body)
	if err != nil {
		return err
	}
	if d.isRGB() { // before memory is spent; markers behind this scan may still say so
		return fmt.Errorf("%w: RGB", ErrUnsupported)
	}
	for i := range s.parts {
		d.prepare(s.parts[i].comp)
	}
	d.bits = bits{src: d.src, at: d.at}
	mcu, last, restart := 0, d.mcusX*d.mcusY, byte(0xd0)
	for my := range d.mcusY {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		for mx := range d.mcusX {
			if err := d.mcu(s, mx, my); err != nil {
				return err
			}
			if mcu++; d.interval == 0 || mcu%d.interval != 0 || mcu == last {
				continue
			}
			if err := d.restart(restart); err != nil {
				return err
			}
			restart = 0xd0 | (restart+1)&7
			for i := range s.parts {
				s.parts[i].pred = 0
			}
		}
	}
	d.at = d.bits.position()
	return nil
}

// prepare allocates what c is decoded into.
func (d *decoder) prepare(c *component) {
	if c.pix == nil {
		c.pix = make([]byte, c.across*c.down*d.side*d.side)
		c.means = make([]byte, c.across*c.down)
	}
	if d.progressive && c.coeffs == nil {
		c.coeffs = make([]int16, c.across*c.down*64)
	}
}

// mcu decodes one minimum coded unit. In a scan of one component it is as many blocks as the component has there, counted
// off row by row over the whole plane, without those that lie outside of the picture (T.81 §A.2.2).
func (d *decoder) mcu(s *scan, mx, my int) error {
	for i := range s.parts {
		p := &s.parts[i]
		c := p.comp
		n := c.h * c.v
		for j := range n {
			bx, by := c.h*mx+j%c.h, c.v*my+j/c.h
			if len(s.parts) == 1 {
				at := (my*d.mcusX+mx)*n + j
				if bx, by = at%c.across, at/c.across; bx*8 >= d.width || by*8 >= d.height {
					continue
				}
			}
			if err := d.block(s, p, bx, by); err != nil {
				return err
			}
		}
	}
	return nil
}

// restart finds the restart marker that has to follow, past damage, and begins anew behind it (T.81 §F.2.1.3.1).
func (d *decoder) restart(want byte) error {
	at := d.bits.position()
	for {
		if at+2 > len(d.src) {
			return corrupt("ends before a restart marker")
		}
		if d.src[at] != 0xff {
			at++
			continue
		}
		switch d.src[at+1] {
		case want:
			d.bits, d.eobRun = bits{src: d.src, at: at + 2}, 0
			return nil
		case 0xff:
			at++
		case 0:
			at += 2
		default:
			return corrupt("marker %#x, where a restart is due", d.src[at+1])
		}
	}
}

var errData = corrupt("bad or missing entropy-coded data")

// block decodes what the scan tells of one block.
func (d *decoder) block(s *scan, p *part, bx, by int) error {
	if !d.progressive {
		return d.sequential(p, bx, by)
	}
	at := 64 * (by*p.comp.across + bx)
	coeffs := (*[64]int16)(p.comp.coeffs[at : at+64])
	switch {
	case s.start == 0 && s.high == 0:
		v, ok := d.dc(p)
		if !ok {
			return errData
		}
		coeffs[0] = saturated(v << s.low)
	case s.start == 0:
		bit, ok := d.bits.take(1)
		if !ok {
			return errData
		}
		coeffs[0] = saturated(int32(coeffs[0]) | bit<<s.low)
	case s.high == 0:
		return d.first(s, p, coeffs)
	default:
		return d.refine(s, p, coeffs)
	}
	return nil
}

// dc decodes a block's DC coefficient.
func (d *decoder) dc(p *part) (int32, bool) {
	if p.dc.codes == 0 {
		return 0, false
	}
	size, ok := p.dc.symbol(&d.bits)
	if !ok || size > 16 {
		return 0, false
	}
	v, ok := d.bits.take(uint(size))
	p.pred += extend(v, uint(size))
	return p.pred, ok
}

// sequential decodes a whole block and transforms it.
func (d *decoder) sequential(p *part, bx, by int) error {
	q := &d.quant[p.comp.quant]
	dc, ok := d.dc(p)
	if !ok {
		return errData
	}
	var block [64]int32
	block[0] = dc * q[0]
	most := 0
	if d.eobRun > 0 {
		d.eobRun--
	} else if most, ok = d.ac(p.ac, &block, q); !ok {
		return errData
	}
	d.store(p.comp, &block, most, bx, by)
	return nil
}

// ac decodes the AC coefficients of a sequential block into natural order, and tells the last place that has one.
func (d *decoder) ac(h *huffman, block, q *[64]int32) (most int, ok bool) {
	if h.codes == 0 {
		return 0, false
	}
	b := &d.bits
	acc, n := b.acc, b.n // in registers, for most coefficients are in a table
	for zig := 1; zig < 64; zig++ {
		if n < 32 {
			b.acc, b.n = acc, n
			b.fill()
			acc, n = b.acc, b.n
		}
		if n >= lookBits {
			next := acc >> ((n - lookBits) & 63) & (1<<lookBits - 1)
			if w := h.whole[next]; w != 0 {
				if zig += int(w>>8) & 15; zig > 63 {
					n -= uint(h.symbols[next] & 0xff)
					break
				}
				n -= uint(w & 0xff)
				block[unzig[zig&63]], most = w>>16*q[zig&63], zig
				continue
			}
		}
		b.acc, b.n = acc, n
		symbol, ok := h.symbol(b)
		if !ok {
			return 0, false
		}
		run, size := int(symbol>>4), uint(symbol&15)
		if size == 0 && run != 15 {
			return most, d.endOfBand(uint(run))
		}
		acc, n = b.acc, b.n
		if zig += run; size == 0 {
			continue
		}
		if zig > 63 {
			break
		}
		value, ok := b.take(size)
		if !ok {
			return 0, false
		}
		acc, n = b.acc, b.n
		block[unzig[zig&63]], most = extend(value, size)*q[zig&63], zig
	}
	b.acc, b.n = acc, n
	return most, true
}

// endOfBand reads how many blocks have no more coefficients in this scan, the current one among them (T.81 §G.1.2.2).
func (d *decoder) endOfBand(size uint) bool {
	v, ok := d.bits.take(size)
	d.eobRun = (1<<size | int(v)) & 0xffff
	if ok {
		d.eobRun = (d.eobRun - 1) & 0xffff
	}
	return ok
}

// finish transforms the blocks of a progressive file, and makes planes of components that no scan told of.
func (d *decoder) finish() error {
	for i := range d.comps {
		c := &d.comps[i]
		told := c.coeffs != nil
		d.prepare(c)
		if !told || !d.progressive {
			continue
		}
		q := &d.quant[c.quant]
		for by := range (c.height + 7) / 8 {
			if err := d.ctx.Err(); err != nil {
				return err
			}
			for bx := range (c.width + 7) / 8 {
				var block [64]int32
				most := 0
				for zig, v := range c.coeffs[64*(by*c.across+bx):][:64] {
					if v != 0 {
						block[unzig[zig]], most = int32(v)*q[zig], zig
					}
				}
				d.store(c, &block, most, bx, by)
			}
		}
	}
	return nil
}
