// Package imgix reads the query dialect of imgix, which many clients speak, and says in words of transform.Spec what is asked
// for. Its facts are those of imgix-url-params 11.36.0 and docs.imgix.com, looked at in November 2026.
//
// It knows nothing of who may ask for what, nor of where originals are: that is proxy's. It makes no picture.
package imgix

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/transform"
)

// Errors of Parse, wrapped with the parameter and with what was expected.
var (
	ErrParams = errors.New("imgix parameters") // unknown, repeated, not supported, or without a meaning
	ErrSigned = errors.New("signed query")     // it has s or expires, which need a token to be judged by
)

// Form is what kind of answer is asked for.
type Form uint8

// The forms.
const (
	Picture  Form = iota
	JSON          // what is known of the picture (fm=json)
	BlurHash      // its BlurHash as text (fm=blurhash)
)

// Params is what a query asks for. Params are comparable: two queries that differ in order, aliases, case or spelling, or in
// what has no effect, give equal ones. The zero Params is the original's own size and format.
//
// It is as imgix has it, but for sizes: dpr is multiplied in, fit=max stands for clip and fit=crop for min, because nothing
// is ever enlarged.
type Params struct {
	Form Form
	// W and H are the box: above 0 to 1 is a share of the original's side, from 2 to 8192 are pixels, 0 is not given.
	W, H float64
	// Fit is Contain for fit=clip and max, Cover for crop and min, Pad for fill, Stretch for scale.
	Fit transform.Fit
	// Ratio is the box's, where not both sides are given; with Cover.
	Ratio Ratio
	// MaxW and MaxH cut the box, in pixels; 0 is no bound; with Cover.
	MaxW, MaxH int
	// Crop is Center where the query names no place; with Cover. The middle that it does name is Focal, at 50 and 50 per cent:
	// whoever knows the picture's own focal point puts that before the one, not before the other.
	Crop  transform.Crop
	Focus transform.Point // with Focal
	// Background is what stands under transparency and around a padded picture; the zero Color is transparent.
	Background transform.Color
	Quality    int              // 1…100; 0 is cutline's own
	Format     transform.Format // 0 is the original's; with Auto the one for clients that take no better
	Auto       bool             // the best format that the client accepts (auto=format)
	Download   bool             // to be saved, not shown (dl)
	FileName   string           // under which; "" is cutline's own. As the client wrote it: not fit for a header
}

// A Ratio is a width by a height without common divisor; the zero Ratio is none.
type Ratio struct{ W, H int }

// Canonical is the one query, without "?", that means p: Parse returns p for it. The zero Params is "".
func (p Params) Canonical() string {
	var b strings.Builder
	add := func(name, value string) {
		if value == "" && name != "dl" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + url.QueryEscape(value))
	}
	add("w", side(p.W))
	add("h", side(p.H))
	add("fit", fitName(p.Fit))
	if p.Fit == transform.Cover {
		add("crop", cropName(p.Crop))
		if p.Crop == transform.Focal {
			add("fp-x", share(p.Focus.X))
			add("fp-y", share(p.Focus.Y))
		}
	}
	if p.Ratio != (Ratio{}) {
		add("ar", strconv.Itoa(p.Ratio.W)+":"+strconv.Itoa(p.Ratio.H))
	}
	add("max-w", positive(p.MaxW))
	add("max-h", positive(p.MaxH))
	add("bg", p.background())
	add("q", positive(p.Quality))
	add("fm", p.format())
	if p.Auto {
		add("auto", "format")
	}
	if p.Download {
		add("dl", p.FileName)
	}
	return strings.ReplaceAll(b.String(), "%3A", ":") // which a query may have, and people can read
}

func side(x float64) string {
	if x == 0 {
		return ""
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func share(perCent uint8) string { return strconv.FormatFloat(float64(perCent)/100, 'f', -1, 64) }

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// fitName and cropName are "" for what is imgix's default.
func fitName(f transform.Fit) string {
	switch f {
	case transform.Cover:
		return "crop"
	case transform.Pad:
		return "fill"
	case transform.Stretch:
		return "scale"
	}
	return ""
}

func cropName(c transform.Crop) string {
	switch c {
	case transform.Smart:
		return "entropy"
	case transform.Focal:
		return "focalpoint"
	}
	return ""
}

func (p Params) background() string {
	switch {
	case p.Background != 0 && (p.Fit != transform.Pad || p.Background != white):
		r, g, b := p.Background.RGB()
		return strconv.FormatUint(1<<24|uint64(r)<<16|uint64(g)<<8|uint64(b), 16)[1:]
	case p.Background == 0 && p.Fit == transform.Pad:
		return "0fff"
	}
	return ""
}

func (p Params) format() string {
	switch p.Form {
	case JSON:
		return "json"
	case BlurHash:
		return "blurhash"
	}
	return p.Format.Ext()
}

// FromSpec returns the Params that Resolve to s for every original, and whether there are any: the dialect has no word for a
// limit of bytes, a wide gamut, sharpening and animations, nor for a side of one pixel.
func FromSpec(s transform.Spec) (Params, bool) {
	s = s.Fold()
	if s.MaxKB != 0 || s.WideGamut || s.Sharpen || s.Animate || s.Width == 1 || s.Height == 1 || max(s.Width, s.Height) > maxSide {
		return Params{}, false
	}
	p := Params{
		W: float64(s.Width), H: float64(s.Height), Fit: s.Fit, Crop: s.Crop, Focus: s.Focus,
		Background: s.Background, Quality: s.Quality, Format: s.Format,
	}
	p = p.normal()
	return p, p.Resolve(1, 1) == s
}

// normal clears what has no effect, so that equal meanings are equal Params.
func (p Params) normal() Params {
	if p.Form != Picture {
		return Params{Form: p.Form}
	}
	sides := 0
	for _, s := range [...]float64{p.W, p.H} {
		if s > 0 {
			sides++
		}
	}
	if p.Fit != transform.Cover || sides == 2 {
		p.Ratio = Ratio{}
	}
	if p.Fit != transform.Cover {
		p.MaxW, p.MaxH = 0, 0
	}
	if sides < 2 && p.Ratio == (Ratio{}) && p.MaxW == 0 && p.MaxH == 0 {
		p.Fit = transform.Contain
	}
	if p.Fit != transform.Cover {
		p.Crop = transform.Smart
	}
	if p.Crop != transform.Focal {
		p.Focus = transform.Point{}
	}
	if p.Format != 0 && !p.Format.Lossy() && !p.Auto {
		p.Quality = 0
	}
	return p
}

// maxSide bounds a side in pixels, as imgix does.
const maxSide = 8192

const white = transform.Opaque | 0xffffff

// NeedsSize reports whether what p means depends on the original's size.
func (p Params) NeedsSize() bool {
	relative := p.W > 0 && p.W <= 1 || p.H > 0 && p.H <= 1
	cut := (p.MaxW > 0 || p.MaxH > 0) && p.Ratio == (Ratio{}) && (p.W == 0 || p.H == 0)
	return relative || cut
}

// Resolve says what p means for an original of w × h pixels, both at least 1; they may be anything where p does not
// NeedsSize. The Spec has no DPR, its sides are at most 8192; p's Form, Auto and Download are not in it.
func (p Params) Resolve(w, h int) transform.Spec {
	s := transform.Spec{
		Width: pixels(p.W, w), Height: pixels(p.H, h), Fit: p.Fit, Crop: p.Crop, Focus: p.Focus,
		Background: p.Background, Quality: p.Quality, Format: p.Format,
	}
	if p.Fit == transform.Cover {
		s.Width, s.Height = p.box(s.Width, s.Height, w, h)
	}
	s.Width, s.Height = clamp(s.Width, s.Height)
	if s.Width == 0 || s.Height == 0 {
		s.Fit = transform.Contain
	}
	if s.Fit != transform.Cover {
		s.Crop, s.Focus = transform.Smart, transform.Point{}
	}
	return s
}

// pixels is a side in pixels, of is the original's.
func pixels(side float64, of int) int {
	if side > 0 && side <= 1 {
		return max(int(math.Round(side*float64(of))), 1)
	}
	return int(side)
}

// box is what a Cover fills, from the sides that are given, the ratio and the bounds. A side that nothing gives stays 0.
func (p Params) box(width, height, w, h int) (int, int) {
	switch r := p.Ratio; {
	case r != (Ratio{}) && width == 0 && height == 0:
		width, height = within(maxSide, maxSide, r.W, r.H) // the original shrinks it
	case r != (Ratio{}) && width == 0:
		width = scale(height, r.W, r.H)
	case r != (Ratio{}) && height == 0:
		height = scale(width, r.H, r.W)
	case p.MaxW == 0 && p.MaxH == 0, width > 0 && height > 0:
	default: // the whole original, by the sides that are given, and then the bounds cut
		full := transform.Spec{Width: width, Height: height}.Resolve(w, h, 0, 0)
		if (p.MaxW == 0 || full.Width <= p.MaxW) && (p.MaxH == 0 || full.Height <= p.MaxH) {
			return width, height
		}
		width, height = full.Width, full.Height
	}
	if p.MaxW > 0 {
		width = min(width, p.MaxW)
	}
	if p.MaxH > 0 {
		height = min(height, p.MaxH)
	}
	return width, height
}

// clamp shrinks a box in its ratio until no side is above maxSide.
func clamp(w, h int) (int, int) {
	switch {
	case max(w, h) <= maxSide:
		return w, h
	case w >= h:
		return maxSide, sameOrScale(h, maxSide, w)
	}
	return sameOrScale(w, maxSide, h), maxSide
}

// within is the largest box of the ratio num:den inside w × h.
func within(w, h, num, den int) (int, int) {
	if follow := scale(w, den, num); follow <= h {
		return w, follow
	}
	return scale(h, num, den), h
}

func sameOrScale(side, num, den int) int {
	if side == 0 {
		return 0
	}
	return scale(side, num, den)
}

// scale is a × num ÷ den, rounded half up, at least 1.
func scale(a, num, den int) int {
	return int(max((2*int64(a)*int64(num)+int64(den))/(2*int64(den)), 1))
}
