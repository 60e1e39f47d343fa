package transform

import "image"

// Resolve makes the Spec concrete for an original of w × h pixels, both at least 1: DPR folded, Width and Height the
// rendition's own, within maxOutput on the longer side (0: no bound) and such that nothing is enlarged, Quality the
// given default where a lossy format has none (0: one that is searched), and 0 for lossless ones; what its format cannot
// do (Animate, WideGamut) and what nothing is cut for (Crop, Focus) cleared. Different Specs that mean the same picture
// resolve to equal ones: that is what the cache keys on. A Spec that is resolved resolves to itself.
//
// The side that is not asked for follows from the original's size, never from another rendition's, rounded half up
// (1280 of 6000 × 4000 is 853, of its rendition 2560 × 1707 it would be 854), and no side is below 1. A box that the
// original cannot fill shrinks in its ratio until it can: one to cover or to stretch to until neither side is longer than
// the original's, one to pad until the picture in it has its own size. A box of the original's ratio, as rounded, cuts
// nothing off, leaves nothing over and distorts nothing: it becomes Contain, and so does the fit of a Spec without both sides.
//
//	original     spec                resolved
//	3000 × 2000  w600                w600-h400
//	3000 × 2000  w600-h600           w600-h400
//	 300 × 200   w600-h600           w300-h200
//	3000 × 2000  w600-h600-cover     w600-h600-cover
//	 300 × 200   w600-h600-cover     w200-h200-cover
//	3000 × 2000  w600-h400-cover     w600-h400
//	3000 × 2000  w600-h600-pad       w600-h600-pad       the picture is 600 × 400, 100 from the top
//	 300 × 200   w600-h600-pad       w300-h300-pad       the picture is 300 × 200, 50 from the top
//	 300 × 200   w600-h200-pad       w600-h200-pad       the picture is 300 × 200, 150 from the left
//	 300 × 200   w900-h600-pad       w300-h200
//	3000 × 2000  w600-h600-stretch   w600-h600-stretch
//	 300 × 200   w600-h600-stretch   w200-h200-stretch
//	 300 × 200   w900-h600-stretch   w300-h200
func (s Spec) Resolve(w, h, maxOutput, quality int) Spec {
	s = s.Fold()
	s.Width, s.Height = max(s.Width, 0), max(s.Height, 0)
	p := picture{w: w, h: h, maxW: w, maxH: h, bound: maxOutput}
	if maxOutput > 0 {
		p.maxW, p.maxH = min(w, maxOutput), min(h, maxOutput)
	}
	if s.Width == 0 || s.Height == 0 {
		s.Fit = Contain
	}
	s.Fit, s.Width, s.Height = p.fit(s.Fit, s.Width, s.Height)
	if s.Fit != Cover {
		s.Crop = Smart
	}
	if s.Crop != Focal {
		s.Focus = Point{}
	}
	return s.suit(quality)
}

// Place is where in the rendition of a Spec that is resolved for an original of w × h pixels the picture stands: everywhere,
// except with Pad, where it is in the middle, and half a pixel to the left or above where it cannot be.
func (s Spec) Place(w, h int) image.Rectangle {
	size := image.Pt(s.Width, s.Height)
	if s.Fit != Pad {
		return image.Rectangle{Max: size}
	}
	var inner image.Point
	inner.X, inner.Y = picture{w: w, h: h, maxW: w, maxH: h}.contain(s.Width, s.Height)
	at := size.Sub(inner).Div(2)
	return image.Rectangle{Min: at, Max: at.Add(inner)}
}

// suit clears what s.Format cannot do and gives it the default quality.
func (s Spec) suit(quality int) Spec {
	if s.Format == 0 {
		return s
	}
	switch {
	case !s.Format.Lossy():
		s.Quality = 0
	case s.Quality == 0:
		s.Quality = quality
	}
	s.Animate = s.Animate && s.Format.Animates()
	s.WideGamut = s.WideGamut && s.Format != GIF
	return s
}

// A picture is an original's size, the largest sides that it may have in a rendition, and those that the rendition may have,
// 0 for any.
type picture struct{ w, h, maxW, maxH, bound int }

// fit is the size of the rendition for a box, and how p is put into it. A side that is absent is 0, with Contain alone.
func (p picture) fit(f Fit, w, h int) (Fit, int, int) {
	same := false
	switch f {
	case Cover:
		w, h = p.cover(w, h)
		same = p.whole(w, h) && p.similar(w, h)
	case Pad:
		w, h = p.pad(w, h)
		innerW, innerH := p.contain(w, h)
		same = innerW == w && innerH == h
	case Stretch:
		w, h = p.cover(w, h)
		same = p.whole(w, h)
	default:
		w, h = p.contain(w, h)
		same = true
	}
	if same {
		f = Contain
	}
	return f, w, h
}

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

// cover is the box, shrunk in its ratio until neither of its sides is longer than p may be.
func (p picture) cover(w, h int) (int, int) {
	switch {
	case w <= p.maxW && h <= p.maxH:
		return w, h
	case int64(w)*int64(p.maxH) >= int64(h)*int64(p.maxW):
		return p.maxW, scale(h, p.maxW, w)
	}
	return scale(w, p.maxH, h), p.maxH
}

// pad is the box, shrunk in its ratio until p is not enlarged in it and no side is above the bound.
func (p picture) pad(w, h int) (int, int) {
	toW, toH := w, h
	switch wide := int64(w)*int64(p.h) > int64(h)*int64(p.w); {
	case w <= p.w || h <= p.h: // p reaches one side of the box without being enlarged
	case wide:
		toW, toH = scale(w, p.h, h), p.h
	default:
		toW, toH = p.w, scale(h, p.w, w)
	}
	switch {
	case p.bound <= 0 || max(toW, toH) <= p.bound:
		return toW, toH
	case w >= h:
		return p.bound, scale(h, p.bound, w)
	}
	return scale(w, p.bound, h), p.bound
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
