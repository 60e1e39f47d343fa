package colour

import "math"

// A vector is a colour: XYZ, or linear red, green and blue.
type vector [3]float64

// A matrix maps vectors; its columns are where red, green and blue, or X, Y and Z, go.
type matrix [3]vector

func (m matrix) times(v vector) vector {
	var to vector
	for r := range to {
		to[r] = m[r][0]*v[0] + m[r][1]*v[1] + m[r][2]*v[2]
	}
	return to
}

func (m matrix) mul(n matrix) matrix {
	var to matrix
	for r := range to {
		for c := range to[r] {
			to[r][c] = m[r][0]*n[0][c] + m[r][1]*n[1][c] + m[r][2]*n[2][c]
		}
	}
	return to
}

// inverse is the matrix that undoes m; of one that nothing undoes its elements are infinite or NaN.
func (m matrix) inverse() matrix {
	minor := func(r, c int) float64 {
		r1, r2, c1, c2 := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[r1][c1]*m[r2][c2] - m[r1][c2]*m[r2][c1]
	}
	det := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	var to matrix
	for r := range to {
		for c := range to[r] {
			to[r][c] = minor(c, r) / det
		}
	}
	return to
}

// A point is a chromaticity, CIE 1931 x and y.
type point struct{ x, y float64 }

func (p point) xyz() vector { return vector{p.x / p.y, 1, (1 - p.x - p.y) / p.y} }

// A primaries is the chromaticities of a space's red, green, blue and white.
type primaries struct{ red, green, blue, white point }

func d65() point { return point{0.3127, 0.3290} }

// The primaries of sRGB (IEC 61966-2-1, and ITU-R BT.709), Display P3 (SMPTE EG 432-1), ITU-R BT.2020 and Adobe RGB (1998).
func srgbPrimaries() primaries {
	return primaries{point{0.64, 0.33}, point{0.30, 0.60}, point{0.15, 0.06}, d65()}
}

func p3Primaries() primaries {
	return primaries{point{0.680, 0.320}, point{0.265, 0.690}, point{0.150, 0.060}, d65()}
}

func rec2020Primaries() primaries {
	return primaries{point{0.708, 0.292}, point{0.170, 0.797}, point{0.131, 0.046}, d65()}
}

func adobePrimaries() primaries {
	return primaries{point{0.64, 0.33}, point{0.21, 0.71}, point{0.15, 0.06}, d65()}
}

// d50 is the white of the profile connection space (ICC.1:2022 §7.2.16).
func d50() vector { return vector{0.9642, 1, 0.8249} }

// toXYZ maps linear light in p to XYZ relative to D50: p's own white is adapted to it by Bradford's method (ICC.1:2022
// Annex E), as profiles have it.
func (p primaries) toXYZ() matrix {
	var m matrix
	for c, at := range []point{p.red, p.green, p.blue} {
		for r, v := range at.xyz() {
			m[r][c] = v
		}
	}
	white := p.white.xyz()
	scale := m.inverse().times(white)
	for r := range m {
		for c := range m[r] {
			m[r][c] *= scale[c]
		}
	}
	return adaptation(white).mul(m)
}

// adaptation maps XYZ seen under white to what looks the same under D50.
func adaptation(white vector) matrix {
	bradford := matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := bradford.times(white), bradford.times(d50())
	scale := matrix{{to[0] / from[0]}, {0, to[1] / from[1]}, {0, 0, to[2] / from[2]}}
	return bradford.inverse().mul(scale).mul(bradford)
}

// fromXYZ maps XYZ relative to D50 to linear light in s.
func fromXYZ(s Space) matrix {
	if s == DisplayP3 {
		return p3Primaries().toXYZ().inverse()
	}
	return srgbPrimaries().toXYZ().inverse()
}

// encode is the transfer curve of both spaces (IEC 61966-2-1), continued below 0 by its mirror image.
func encode(v float64) float64 {
	switch {
	case v < 0:
		return -encode(-v)
	case v <= 0.0031308:
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// decode is encode's inverse.
func decode(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func clip(v float64) float64 { return bound(v, 0, 1) }

// bound is the value in low…high that is next to v, and low for what is not a number.
func bound(v, low, high float64) float64 {
	if !(v > low) {
		return low
	}
	return min(v, high)
}

// named is the meaning of RGB with primaries p and a transfer curve.
func named(p primaries, curve func(float64) float64) meaning {
	m := p.toXYZ()
	return func(v [4]float64) vector { return m.times(vector{curve(v[0]), curve(v[1]), curve(v[2])}) }
}

// P3 is a colour of sRGB in Display P3.
func P3(r, g, b uint8) (uint8, uint8, uint8) {
	light := vector{decode(float64(r) / 255), decode(float64(g) / 255), decode(float64(b) / 255)}
	to := fromXYZ(DisplayP3).times(srgbPrimaries().toXYZ().times(light))
	step := func(v float64) uint8 { return uint8(math.Round(255 * clip(encode(v)))) }
	return step(to[0]), step(to[1]), step(to[2])
}

// AdobeRGB is Adobe RGB (1998), which cameras name without a profile (DCF 2.0 §4.5).
func AdobeRGB() *Profile {
	return newProfile(named(adobePrimaries(), power(563./256)), 3, true)
}

func power(exponent float64) func(float64) float64 {
	return func(v float64) float64 { return math.Pow(v, exponent) }
}

// CodePoints is the profile of ITU-T H.273's colour primaries and transfer characteristics, as PNG's cICP chunk and AVIF's
// colr box have them. It is nil for sRGB, and for what has no meaning without a display's brightness (PQ, HLG) or is not
// known here: such pictures are shown as if they were sRGB.
func CodePoints(colourPrimaries, transfer uint16) *Profile {
	var p primaries
	switch colourPrimaries {
	case 1:
		p = srgbPrimaries()
	case 9:
		p = rec2020Primaries()
	case 12:
		p = p3Primaries()
	default:
		return nil
	}
	switch transfer {
	case 1, 6, 14, 15: // one curve: BT.709, BT.601, BT.2020
		return newProfile(named(p, rec709), 3, true)
	case 4:
		return newProfile(named(p, power(2.2)), 3, true)
	case 5:
		return newProfile(named(p, power(2.8)), 3, true)
	case 8:
		return newProfile(named(p, power(1)), 3, true)
	case 13:
		return newProfile(named(p, decode), 3, true)
	}
	return nil
}

// rec709 is the inverse of the transfer function of ITU-R BT.709 §1.2.
func rec709(v float64) float64 {
	if v < 0.081 {
		return v / 4.5
	}
	return math.Pow((v+0.099)/1.099, 1/0.45)
}

// Chromaticities are PNG's gAMA and cHRM chunks (W3C PNG, third edition, §11.3.2), in their units of 1/100,000; 0 is absent.
type Chromaticities struct {
	Gamma uint32
	// XY are x and y of white, red, green and blue, as cHRM has them.
	XY [8]uint32
}

// unit of Chromaticities.
const unit = 100_000

// clear is how far a chromaticity or an exponent must be from sRGB's for a file to mean something else: programs write
// sRGB's own figures beside sRGB pictures, rounded in many ways.
const clear = 0.005

// Profile is nil where c is absent, impossible, or what programs write beside sRGB pictures: a gamma of 1/2.2, which is not
// sRGB's curve but stands for it, with sRGB's chromaticities or none.
func (c Chromaticities) Profile(components int) *Profile {
	p, curve := srgbPrimaries(), decode
	theirs := primaries{red: c.at(2), green: c.at(4), blue: c.at(6), white: c.at(0)}
	other := theirs.differ(p)
	if other {
		p = theirs
	}
	if gamma := float64(c.Gamma) / unit; gamma > 0.1 && gamma < 10 && (other || math.Abs(gamma-1/2.2) > clear) {
		curve = power(1 / gamma)
	}
	if !p.sane() {
		return nil
	}
	if components == 1 {
		return newProfile(func(v [4]float64) vector { return vector{1: curve(v[0])} }, 1, true)
	}
	return newProfile(named(p, curve), 3, true)
}

func (c Chromaticities) at(i int) point {
	return point{float64(c.XY[i]) / unit, float64(c.XY[i+1]) / unit}
}

// differ reports whether p is there at all and another space than q.
func (p primaries) differ(q primaries) bool {
	far := func(a, b point) bool { return math.Abs(a.x-b.x) > clear || math.Abs(a.y-b.y) > clear }
	return p != primaries{} && (far(p.red, q.red) || far(p.green, q.green) || far(p.blue, q.blue) || far(p.white, q.white))
}

// sane reports whether p spans a space in which white is the sum of positive lights.
func (p primaries) sane() bool {
	for _, v := range p.toXYZ() {
		for _, x := range v {
			if !(math.Abs(x) < 10) { // NaN is not
				return false
			}
		}
	}
	return p.white.y > 0.1
}
