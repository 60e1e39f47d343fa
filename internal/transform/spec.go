package transform

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
//	q70        quality 1…100, for lossy formats; without it the configured one
//	dpr2       2, 3 or 4: multiplies w and h; dpr1 is the default and never written
//	.webp      one of jpg png webp avif gif
//
//	w800.webp   w640-h360-cover.jpg   w400-q70-dpr2   h300.png
//
// Numbers are decimal, without sign and leading zeros. Everything else is ErrSpec, with what was expected.
type Spec struct {
	Width   int // pixels; 0 follows from Height and the picture
	Height  int // pixels; 0 follows from Width and the picture
	Fit     Fit
	Quality int    // 1…100; 0 is the configured one
	DPR     int    // 2…4; 0 is 1
	Format  Format // 0 is none yet
}

// ParseSpec reads the text form. It accepts exactly the texts that String writes.
func ParseSpec(text string) (Spec, error) { return Spec{}, ErrSpec }

// String is the text form; ParseSpec is its inverse. The zero Spec is "".
func (s Spec) String() string { return "" }

// Fold multiplies Width and Height by DPR and clears it.
func (s Spec) Fold() Spec { return s }

// Resolve makes the Spec concrete for an original of w × h pixels: DPR folded, Width and Height the rendition's own,
// within maxOutput on the longer side (0: no bound) and never larger than the original, Quality at least the given
// default for lossy formats and 0 for others. Different Specs that mean the same picture resolve to equal ones: that is
// what the cache keys on. A cover box larger than the original shrinks to the largest box of its ratio. No side is below 1.
func (s Spec) Resolve(w, h, maxOutput, quality int) Spec { return s }
