package colour

import (
	"bytes"

	"github.com/kovidgoyal/imaging/prism/meta/icc"
)

// MaxBytes bounds an ICC profile: the largest that printing standards publish take 2.8 MB, those of displays and cameras
// less than 100 KB.
const MaxBytes = 4 << 20

// Parse reads the ICC profile (ICC.1:2022, and version 2) of a picture of 1, 3 or 4 components: grey, RGB, CMYK. It is nil
// where sRGB is what to show: where the profile is sRGB in effect, within 2/255; where it is for another number of
// components; where it is larger than MaxBytes, broken, or of a kind that no picture has. A picture with a broken profile
// is not a broken picture: browsers show it as if it had none. For CMYK, nil leaves the plain formula.
//
// It takes some ten milliseconds for profiles that are lookup tables, less than one for others, and never more memory
// than ten times MaxBytes.
func Parse(profile []byte, components int) (p *Profile) {
	if !sound(profile, components) {
		return nil
	}
	// The library is handed nothing that makes it allocate without bounds or compute for ever; but it indexes tables by
	// what other tags say, and a panic of it is one more broken profile. It starts no goroutine.
	defer func() {
		if recover() != nil {
			p = nil
		}
	}()
	parsed, err := icc.DecodeProfile(bytes.NewReader(profile))
	if err != nil {
		return nil
	}
	m, ok := profiled(parsed, components)
	if !ok {
		return nil
	}
	additive := !parsed.TagTable.Has(icc.AToB0TagSignature) && !parsed.TagTable.Has(icc.AToB1TagSignature)
	return newProfile(m, components, additive)
}

// profiled is the meaning of a profile by its relative colorimetric intent, or by the perceptual one where it has no other
// (ICC.1:2022 §8.10.2). Black of a CMYK profile, which is no ink's, becomes the target's: black point compensation, as
// print is looked at.
func profiled(p *icc.Profile, components int) (meaning, bool) {
	const intent = icc.RelativeColorimetricRenderingIntent
	pipeline, err := p.CreateTransformerToPCS(intent, components, true)
	if err != nil {
		return nil, false
	}
	lab := p.Header.ProfileConnectionSpace == icc.ColorSpaceLab
	white := d50()
	var black vector
	if components == 4 {
		bp := p.BlackPoint(intent, nil)
		if bp.Y > 0 && bp.Y < 0.2 { // L* = 50, and not NaN
			black = vector{bp.X, bp.Y, bp.Z}
		}
	}
	in, out := make([]float64, 4), make([]float64, 4) // the library's steps go back and forth between them
	m := func(values [4]float64) vector {
		copy(in, values[:])
		pipeline.TransformGeneral(out, in)
		xyz := vector{out[0], out[1], out[2]}
		if lab {
			xyz = fromLab(xyz)
		}
		for i, w := range white {
			xyz[i] = (xyz[i] - black[i]) * w / (w - black[i])
		}
		return xyz
	}
	light := [4]float64{1, 1, 1}
	if components == 4 {
		light = [4]float64{} // no ink
	}
	y := m(light)[1]
	return m, y > 0.2 && y < 2 // white that is dark, or no number, is a broken profile
}

// fromLab is CIE L*a*b* (L of 0…100) as XYZ relative to D50.
func fromLab(lab vector) vector {
	y := (lab[0] + 16) / 116
	xyz := d50()
	for i, f := range (vector{y + lab[1]/500, y, y - lab[2]/200}) {
		if f > 6./29 {
			xyz[i] *= f * f * f
		} else {
			xyz[i] *= 3 * (6. / 29) * (6. / 29) * (f - 4./29)
		}
	}
	return xyz
}
