// Package colour makes sRGB, or Display P3, of the pixels of pictures whose files say that they are something else: by an
// ICC profile, by code points (ITU-T H.273), by a gamma and chromaticities.
//
// Everything is computed when a profile is read, into tables; pixels only meet the tables. The library that reads ICC
// profiles sees them bounded and checked, and never a pixel. Colours outside of the target's gamut are clipped, channel by
// channel, as browsers do; the intent is the relative colorimetric one. What a file holds, and where its profile lies in
// it, is not this package's job.
package colour

import "math"

// A Space is what pixels become.
type Space uint8

// The spaces. Both have one transfer curve (IEC 61966-2-1), so that white, greys and black are the same in both.
const (
	SRGB Space = iota
	DisplayP3
	spaces
)

// A Profile is what the pixels of a file mean. It is read-only after it was made, and safe for concurrent use.
type Profile struct {
	wide bool
	to   [spaces]table // nil where pixels are in the space already
}

// A table converts pixels to one space. dst and src have the same number of pixels and may be the same slice.
type table interface {
	convert(dst, src []byte)
}

// same is how far a channel may be moved, in steps of 255, by a profile that is taken for the space itself: the curves of
// the small sRGB profiles that cameras and web services write are approximations, up to 2 off.
const same = 2.0

// wideBy is how far outside of 0…1 in linear sRGB the colours of a profile must reach for its gamut to be a wider one:
// more than profiles for sRGB do by rounding (0.002), less than any display's that is sold as wide.
const wideBy = 0.02

// A meaning is the colour of a value in 0…1 per channel, in XYZ relative to D50, where white has Y = 1. values has four
// places, whatever the number of channels.
type meaning func(values [4]float64) vector

// Target is the space to convert to: Display P3 where a wide gamut is asked for and the profile's colours reach out of
// sRGB, so that it makes a difference; else sRGB. It is SRGB for nil.
func (p *Profile) Target(wide bool) Space {
	if p != nil && wide && p.wide {
		return DisplayP3
	}
	return SRGB
}

// Is reports whether pixels are in s, a Target, as they are, within 2/255. Those of nil are in sRGB.
func (p *Profile) Is(s Space) bool { return p == nil || p.to[s] == nil }

// Convert makes s, a Target, of pixels as image.NRGBA has them; alpha is copied. It is for profiles of grey and RGB
// pictures: of a grey one's pixels the red is taken, so that grey stays grey.
func (p *Profile) Convert(s Space, dst, src []byte) {
	if p.to[s] == nil {
		copy(dst, src)
		return
	}
	p.to[s].convert(dst, src)
}

// Grey makes sRGB's greys, which are Display P3's too, of a plane of samples. It reports false, having done nothing, where
// the profile is not that of a grey picture.
func (p *Profile) Grey(dst, src []byte) bool {
	curve, ok := p.to[SRGB].(*greys)
	if !ok {
		return false
	}
	for i, v := range src {
		dst[i] = curve[v]
	}
	return true
}

// CMYK makes opaque sRGB, as image.NRGBA has it, of pixels as image.CMYK has them, by the profile of a CMYK picture.
func (p *Profile) CMYK(dst, src []byte) { p.to[SRGB].convert(dst, src) }

// newProfile computes the tables for m; nil where m is sRGB in effect. additive says that the light of a colour is the sum
// of that of its channels, each alone.
func newProfile(m meaning, components int, additive bool) *Profile {
	switch components {
	case 1:
		t := newGreys(m)
		if t.near() {
			return nil
		}
		return &Profile{to: [spaces]table{t, t}}
	case 4:
		// Pixels become sRGB at once, in bands, before anything is resized, so that there is no second space to choose:
		// what print reaches beyond sRGB is little, and saturated cyans at that.
		return &Profile{to: [spaces]table{newCube(m, 4, SRGB), nil}}
	}
	p := &Profile{wide: reaches(m)}
	toSRGB, toP3 := moves(m, SRGB), moves(m, DisplayP3)
	if !toSRGB {
		return nil
	}
	for s, needed := range []bool{toSRGB, toP3 && p.wide} {
		switch {
		case !needed:
		case additive:
			p.to[s] = newSum(m, Space(s))
		default:
			p.to[s] = newCube(m, 3, Space(s))
		}
	}
	return p
}

// reaches reports whether a corner of m's cube lies outside of sRGB.
func reaches(m meaning) bool {
	from := fromXYZ(SRGB)
	for corner := range 8 {
		light := from.times(m([4]float64{float64(corner & 1), float64(corner >> 1 & 1), float64(corner >> 2)}))
		for _, v := range light {
			if v < -wideBy || v > 1+wideBy {
				return true
			}
		}
	}
	return false
}

// moves reports whether m is another space than s: colours on a grid, and greys in small steps, are moved by it.
func moves(m meaning, s Space) bool {
	from := fromXYZ(s)
	moved := func(r, g, b float64) bool {
		in := vector{r, g, b}
		for c, v := range from.times(m([4]float64{r, g, b})) {
			if !(math.Abs(255*clip(encode(v))-255*in[c]) <= same) { // NaN is moved
				return true
			}
		}
		return false
	}
	const steps, greySteps = 5, 51
	for i := range steps * steps * steps {
		if moved(float64(i%steps)/(steps-1), float64(i/steps%steps)/(steps-1), float64(i/steps/steps)/(steps-1)) {
			return true
		}
	}
	for i := range greySteps + 1 {
		if v := float64(i) / greySteps; moved(v, v, v) {
			return true
		}
	}
	return false
}
