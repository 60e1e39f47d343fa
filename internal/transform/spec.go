package transform

import (
	"fmt"
	"strconv"
	"strings"
)

// Fit says how a picture is put into the box of a Spec. Neither ever enlarges it.
type Fit uint8

// The ways to fit.
const (
	Contain Fit = iota // the whole picture, inside the box
	Cover              // the box filled, what stands out cut off around the centre
)

// A Spec says what to make of an original. Specs are comparable; the zero Spec is the original's own size.
//
// Its text is words joined by "-", in this order, each at most once, and optionally an extension:
//
//	w800       width in pixels, 1…8192
//	h450       height in pixels, 1…8192
//	cover      fill the box (needs w and h); contain is the default and never written
//	q70        quality 1…100, not with png and gif; without it the configured one
//	dpr2       2, 3 or 4: multiplies w and h (needs one of them); dpr1 is the default and never written
//	.webp      one of jpg png webp avif gif
//
//	w800.webp   w640-h360-cover.jpg   w400-q70-dpr2   h300.png   .avif
//
// Numbers are decimal, without sign and leading zeros. Everything else is ErrSpec, with what was expected: one picture
// has one spelling, so that a cache keyed by addresses holds it once. A quality for a lossless format is an error for
// the same reason.
type Spec struct {
	Width   int // pixels; 0 follows from Height and the picture
	Height  int // pixels; 0 follows from Width and the picture
	Fit     Fit
	Quality int    // 1…100; 0 is the configured one
	DPR     int    // 2…4; 0 is 1
	Format  Format // 0 is none yet
}

// maxSide bounds w and h in a text, before dpr: more than any display or printed page needs. It keeps the grammar finite;
// the limit of a rendition is Options.MaxOutput.
const maxSide = 8192

// specOrder is the order of words in a text, for messages.
const specOrder = "w h cover q dpr"

// A specWord is one kind of word; its place in specWords is its place in a text.
type specWord struct {
	prefix   string
	min, max int // of the number; both 0 where there is none
	field    func(*Spec) *int
}

var specWords = []specWord{
	{"w", 1, maxSide, func(s *Spec) *int { return &s.Width }},
	{"h", 1, maxSide, func(s *Spec) *int { return &s.Height }},
	{"cover", 0, 0, nil},
	{"q", 1, 100, func(s *Spec) *int { return &s.Quality }},
	{"dpr", 2, 4, func(s *Spec) *int { return &s.DPR }},
}

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

// parseWords sets the fields that words name.
func (s *Spec) parseWords(words []string) error {
	last := -1
	for i, word := range words {
		kind := kindOf(word)
		switch {
		case kind < 0:
			return unknownWord(word)
		case kind == last:
			return fmt.Errorf("%w: %q repeats %q: each word stands once", ErrSpec, word, words[i-1])
		case kind < last:
			return fmt.Errorf("%w: %q after %q: the order is %s", ErrSpec, word, words[i-1], specOrder)
		}
		last = kind
		k := specWords[kind]
		if k.field == nil {
			s.Fit = Cover
			continue
		}
		n, err := parseNumber(word, k)
		if err != nil {
			return err
		}
		*k.field(s) = n
	}
	return nil
}

// kindOf is the place in specWords of the kind that word is of: its letters up to the first digit or sign decide.
func kindOf(word string) int {
	letters := strings.TrimRight(word, "+0123456789")
	for i, k := range specWords {
		if letters == k.prefix && (k.field == nil) == (letters == word) {
			return i
		}
	}
	return -1
}

// unknownWord is the error for a word of no kind, with what was probably meant.
func unknownWord(word string) error {
	switch {
	case word == "":
		return fmt.Errorf("%w: an empty word: one \"-\" between words, none at the ends", ErrSpec)
	case word == "contain":
		return fmt.Errorf("%w: %q is the default and is not written", ErrSpec, word)
	}
	for _, k := range specWords {
		if k.field != nil && word == k.prefix {
			return fmt.Errorf("%w: %q without its number: expected %s%d to %s%d", ErrSpec, word, k.prefix, k.min, k.prefix, k.max)
		}
	}
	return fmt.Errorf("%w: unknown word %q: expected some of %s, as in w800-h450-cover-q70-dpr2.webp", ErrSpec, word, specOrder)
}

// parseNumber reads the number of word, which is of kind k.
func parseNumber(word string, k specWord) (int, error) {
	digits := word[len(k.prefix):]
	n, err := strconv.Atoi(digits)
	switch {
	case strings.HasPrefix(digits, "0") || strings.Contains(digits, "+"):
		return 0, fmt.Errorf("%w: %q: a number has no sign and no leading zero", ErrSpec, word)
	case word == "dpr1":
		return 0, fmt.Errorf("%w: %q is the default and is not written", ErrSpec, word)
	case err != nil || n < k.min || n > k.max:
		return 0, fmt.Errorf("%w: %q: expected %s%d to %s%d", ErrSpec, word, k.prefix, k.min, k.prefix, k.max)
	}
	return n, nil
}

// check reports words that have no meaning beside the others.
func (s Spec) check() error {
	switch {
	case s.Fit == Cover && (s.Width == 0 || s.Height == 0):
		return fmt.Errorf("%w: cover needs both w and h", ErrSpec)
	case s.DPR != 0 && s.Width == 0 && s.Height == 0:
		return fmt.Errorf("%w: dpr needs w or h to multiply", ErrSpec)
	case s.Quality != 0 && s.Format != 0 && !s.Format.Lossy():
		return fmt.Errorf("%w: q%d has no meaning in %s, which is lossless", ErrSpec, s.Quality, s.Format)
	}
	return nil
}

// String is the text form; ParseSpec is its inverse for every Spec in the grammar. The zero Spec is "".
func (s Spec) String() string {
	var words []string
	for _, k := range specWords {
		switch {
		case k.field == nil && s.Fit == Cover:
			words = append(words, k.prefix)
		case k.field != nil && *k.field(&s) != 0:
			words = append(words, k.prefix+strconv.Itoa(*k.field(&s)))
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

// Resolve makes the Spec concrete for an original of w × h pixels, both at least 1: DPR folded, Width and Height the
// rendition's own, within maxOutput on the longer side (0: no bound) and never larger than the original, Quality the
// given default where a lossy format has none, and 0 for lossless ones. Different Specs that mean the same picture
// resolve to equal ones: that is what the cache keys on. A Spec that is resolved resolves to itself.
//
// The side that is not asked for follows from the original's size, never from another rendition's, rounded half up
// (1280 of 6000 × 4000 is 853, of its rendition 2560 × 1707 it would be 854), and no side is below 1. A cover box larger
// than the original shrinks to the largest box of its ratio; one of the original's ratio cuts nothing off and becomes
// Contain. Where the fit of a Spec without both sides says Cover, it means Contain.
func (s Spec) Resolve(w, h, maxOutput, quality int) Spec {
	s = s.Fold()
	s.Width, s.Height = max(s.Width, 0), max(s.Height, 0)
	p := picture{w: w, h: h, maxW: w, maxH: h}
	if maxOutput > 0 {
		p.maxW, p.maxH = min(w, maxOutput), min(h, maxOutput)
	}
	both := s.Width > 0 && s.Height > 0
	if s.Fit == Cover && both {
		s.Width, s.Height = p.cover(s.Width, s.Height)
		if p.whole(s.Width, s.Height) && p.similar(s.Width, s.Height) {
			s.Fit = Contain
		}
	} else {
		s.Fit = Contain
		s.Width, s.Height = p.contain(s.Width, s.Height)
	}
	switch {
	case s.Format != 0 && !s.Format.Lossy():
		s.Quality = 0
	case s.Format != 0 && s.Quality == 0:
		s.Quality = quality
	}
	return s
}

// A picture is an original's size, and the largest sides that a rendition of it may have.
type picture struct{ w, h, maxW, maxH int }

// contain is the largest size of p's own ratio inside a box whose absent sides are 0.
func (p picture) contain(w, h int) (int, int) {
	both := w > 0 && h > 0
	if w == 0 {
		w = p.maxW
	}
	if h == 0 {
		h = p.maxH
	}
	w, h = min(w, p.maxW), min(h, p.maxH)
	// A size that an earlier Resolve rounded is kept: fitting it again would round a second time.
	if both && p.whole(w, h) {
		return w, h
	}
	if follow := scale(p.h, w, p.w); follow <= h {
		return w, follow
	}
	return scale(p.w, h, p.h), h
}

// cover is the box, shrunk in its ratio until p can fill it.
func (p picture) cover(w, h int) (int, int) {
	switch {
	case w <= p.maxW && h <= p.maxH:
		return w, h
	case int64(w)*int64(p.maxH) >= int64(h)*int64(p.maxW):
		return p.maxW, scale(h, p.maxW, w)
	}
	return scale(w, p.maxH, h), p.maxH
}

// whole reports whether w × h is p's own ratio, as rounded from either side.
func (p picture) whole(w, h int) bool {
	return h == scale(p.h, w, p.w) || w == scale(p.w, h, p.h)
}

// similar reports whether w × h differs from p's ratio by rounding alone, and not because a side cannot be below 1: a
// square cut out of a line is not the line.
func (p picture) similar(w, h int) bool {
	d := int64(w)*int64(p.h) - int64(h)*int64(p.w)
	return 2*max(d, -d) <= int64(max(p.w, p.h))
}

// scale is a × num ÷ den, rounded half up, at least 1. All are positive.
func scale(a, num, den int) int {
	return int(max((2*int64(a)*int64(num)+int64(den))/(2*int64(den)), 1))
}
