package jpegscale

// first decodes the first bits of a band of AC coefficients (T.81 §G.1.2.2).
func (d *decoder) first(s *scan, p *part, coeffs *[64]int16) error {
	if d.eobRun > 0 {
		d.eobRun--
		return nil
	}
	if p.ac.codes == 0 {
		return errData
	}
	b := &d.bits
	for zig := s.start; zig <= s.end; zig++ {
		symbol, ok := p.ac.symbol(b)
		if !ok {
			return errData
		}
		run, size := int(symbol>>4), uint(symbol&15)
		if size == 0 && run != 15 {
			if !d.endOfBand(uint(run)) {
				return errData
			}
			return nil
		}
		if zig += run; size == 0 {
			continue
		}
		if zig > s.end {
			return nil
		}
		value, ok := b.take(size)
		if !ok {
			return errData
		}
		coeffs[zig] = saturated(extend(value, size) << s.low)
	}
	return nil
}

// saturated keeps what is beyond sixteen bits different from 0, with its sign: no encoder writes such values.
func saturated(v int32) int16 { return int16(min(max(v, -1<<15), 1<<15-1)) }

// refine decodes one more bit of a band of AC coefficients (T.81 §G.1.2.3).
func (d *decoder) refine(s *scan, p *part, coeffs *[64]int16) error {
	zig, delta := s.start, int32(1)<<s.low
	if d.eobRun == 0 && p.ac.codes == 0 {
		return errData
	}
	for d.eobRun == 0 && zig <= s.end {
		symbol, ok := p.ac.symbol(&d.bits)
		if !ok {
			return errData
		}
		run, size := int(symbol>>4), symbol&15
		value := int32(0)
		switch {
		case size > 1:
			return corrupt("a new coefficient of %d bits", size)
		case size == 1:
			bit, ok := d.bits.take(1)
			if !ok {
				return errData
			}
			value = 2*delta*bit - delta
		case run != 15:
			if v, ok := d.bits.take(uint(run)); ok {
				d.eobRun = (1<<run | int(v)) & 0xffff
			} else {
				return errData
			}
			continue // the loop ends: what is left of the band is refined below
		}
		if zig, ok = d.refineKnown(coeffs, zig, s.end, run, delta); !ok {
			return errData
		}
		if zig > s.end {
			return corrupt("too many coefficients")
		}
		if value != 0 {
			coeffs[zig] = saturated(value)
		}
		zig++
	}
	if d.eobRun > 0 {
		d.eobRun--
		if _, ok := d.refineKnown(coeffs, zig, s.end, -1, delta); !ok {
			return errData
		}
	}
	return nil
}

// refineKnown reads a bit for each coefficient that is not 0, from zig to end, past as many zeroes as are told; all, where
// that is negative. It returns the place of the zero that it stopped at.
func (d *decoder) refineKnown(coeffs *[64]int16, zig, end, zeroes int, delta int32) (int, bool) {
	for ; zig <= end; zig++ {
		v := int32(coeffs[zig&63])
		if v == 0 {
			if zeroes == 0 {
				break
			}
			zeroes--
			continue
		}
		bit, ok := d.bits.take(1)
		if !ok {
			return 0, false
		}
		switch {
		case bit == 0:
		case v >= 0:
			coeffs[zig&63] = saturated(v + delta)
		default:
			coeffs[zig&63] = saturated(v - delta)
		}
	}
	return zig, true
}
