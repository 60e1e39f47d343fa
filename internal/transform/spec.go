package transform

import (
	"fmt"
	"strings"
)

// Fit says how a picture is put into the box of a Spec. None ever enlarges it: where it would have to, the box shrinks.
type Fit uint8

// The ways to fit.
const (
	Contain Fit = iota // the whole picture, inside the box
	Cover              // the box filled, what stands over cut off
	Pad                // the whole picture in the middle of the box, what is left of it in Background, transparent without one
	Stretch            // the whole picture, distorted to the box
)

// String is the fit's word in a Spec's text; of Contain, which has none there, "contain".
func (f Fit) String() string {
	names := [...]string{Contain: "contain", Cover: "cover", Pad: "pad", Stretch: "stretch"}
	if int(f) >= len(names) {
		return fmt.Sprintf("Fit(%d)", f)
	}
	return names[f]
}

// Crop says around what a Cover cuts.
type Crop uint8

// The ways to cut.
const (
	Smart  Crop = iota // what stands out by edges, saturation and skin tones
	Center             // the middle
	Focal              // the focal point of the Spec
)

// A Spec says what to make of an original. Specs are comparable; the zero Spec is the original's own size.
//
// Its text is words joined by "-", in this order, each at most once, and optionally an extension:
//
//	w800       width in pixels, 1…8192
//	h450       height in pixels, 1…8192
//	cover      fill the box and cut off what stands over; contain is the default and never written
//	pad        the whole picture in the middle of the box, around it the colour of bg, or transparency
//	stretch    distort the picture to the box; of cover, pad and stretch at most one, each needs w and h
//	center     cut around the middle (needs cover); around what stands out is the default and never written
//	fp30x70    cut around the focal point, here 30 % from the left and 70 % from the top (needs cover, not with center)
//	q70        quality 1…100, not with png and gif; without it the configured one, or one that is searched
//	kb60       at most 60,000 bytes: the quality, or the number of colours, follows; 1…20000
//	bgffffff   put this colour under transparency, six lower-case hexadecimal digits; without it JPEG gets white
//	p3         keep a gamut wider than sRGB, as Display P3; not with gif
//	sharpen    sharpen mildly after resizing
//	anim       keep an animation moving; with webp and gif
//	dpr2       2, 3 or 4: multiplies w and h (needs one of them); dpr1 is the default and never written
//	.webp      one of jpg png webp avif gif
//
//	w800.webp   w640-h360-cover.jpg   w1200-h630-cover-fp30x70.jpg   w400-q70-dpr2   h300.png   .avif
//	w600-h600-pad-bg000000.jpg
//
// Numbers are decimal, without sign and leading zeros. Everything else is ErrSpec, with what was expected: one picture
// has one spelling, so that a cache keyed by addresses holds it once. A quality for a lossless format is an error for
// the same reason.
type Spec struct {
	Width      int // pixels; 0 follows from Height and the picture
	Height     int // pixels; 0 follows from Width and the picture
	Fit        Fit
	Crop       Crop  // with Cover
	Focus      Point // with Focal
	Quality    int   // 1…100; 0 is the configured one, and in a resolved Spec one that is searched
	MaxKB      int   // thousands of bytes that the file may have; 0 is any number
	Background Color // what is under transparency, Pad's included; the zero Color keeps it, except in JPEG, which gets white
	WideGamut  bool  // keep a gamut wider than sRGB
	Sharpen    bool
	Animate    bool   // keep an animation, within the engine's limits
	DPR        int    // 2…4; 0 is 1
	Format     Format // 0 is none yet
}

// A Point is a place in a picture as shown, in per cent of its width from the left and of its height from the top, 0…100.
type Point struct{ X, Y uint8 }

// A Color is 0 for none, or Opaque | red<<16 | green<<8 | blue, each eight bits of sRGB.
type Color uint32

// Opaque is set in every Color that is one.
const Opaque Color = 1 << 24

// RGB is the colour's parts; those of the zero Color are 0.
func (c Color) RGB() (r, g, b uint8) { return uint8(c >> 16), uint8(c >> 8), uint8(c) } //nolint:gosec // its lowest bits

// maxSide bounds w and h in a text, before dpr: more than any display or printed page needs. It keeps the grammar finite;
// the limit of a rendition is Options.MaxOutput.
const maxSide = 8192

// specOrder is the order of words in a text, for messages.
const specOrder = "w h cover pad stretch center fp q kb bg p3 sharpen anim dpr"

// ParseSpec reads the text form. It accepts exactly the texts that String writes; everything else is ErrSpec.
func ParseSpec(text string) (Spec, error) {
	var s Spec
	words, ext, hasExt := strings.Cut(text, ".")
	if hasExt {
		f, err := ParseFormat(ext)
		if err == nil && f.Ext() != ext {
			err = fmt.Errorf("%w: extension %q: write %q", ErrSpec, ext, f.Ext())
		}
		if err != nil {
			return Spec{}, err
		}
		s.Format = f
	}
	if words != "" {
		if err := s.parseWords(strings.Split(words, "-")); err != nil {
			return Spec{}, err
		}
	}
	if err := s.check(); err != nil {
		return Spec{}, err
	}
	return s, nil
}

// check reports words that have no meaning beside the others.
func (s Spec) check() error {
	lossless := s.Format != 0 && !s.Format.Lossy()
	switch {
	case s.Fit != Contain && (s.Width == 0 || s.Height == 0):
		return fmt.Errorf("%w: %s needs both w and h", ErrSpec, s.Fit)
	case s.Fit != Cover && s.Crop == Center:
		return fmt.Errorf("%w: center needs cover", ErrSpec)
	case s.Fit != Cover && s.Crop == Focal:
		return fmt.Errorf("%w: fp needs cover", ErrSpec)
	case s.DPR != 0 && s.Width == 0 && s.Height == 0:
		return fmt.Errorf("%w: dpr needs w or h to multiply", ErrSpec)
	case s.Quality != 0 && lossless:
		return fmt.Errorf("%w: q%d has no meaning in %s, which is lossless", ErrSpec, s.Quality, s.Format)
	case s.WideGamut && s.Format == GIF:
		return fmt.Errorf("%w: p3 has no meaning in GIF, which has no colour profiles", ErrSpec)
	case s.Animate && s.Format != 0 && !s.Format.Animates():
		return fmt.Errorf("%w: anim has no meaning in %s: expected webp or gif", ErrSpec, s.Format)
	}
	return nil
}

// String is the text form; ParseSpec is its inverse for every Spec in the grammar. The zero Spec is "".
func (s Spec) String() string {
	var words []string
	for _, k := range specWords {
		if word := k.text(&s); word != "" {
			words = append(words, word)
		}
	}
	text := strings.Join(words, "-")
	if s.Format.valid() {
		text += "." + s.Format.Ext()
	}
	return text
}

// Fold multiplies Width and Height by DPR and clears it.
func (s Spec) Fold() Spec {
	if s.DPR > 1 {
		s.Width *= s.DPR
		s.Height *= s.DPR
	}
	s.DPR = 0
	return s
}
