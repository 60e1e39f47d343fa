package proxy

import (
	"fmt"
	"slices"

	"github.com/dd8bf596/cutline/internal/imgix"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A lattice is the sizes, places, colours and qualities that unsigned requests of the imgix dialect are taken to, so that one
// source cannot fill the cache: internal/docs/imgix.md has the rules, and how many pictures they leave.
type lattice struct {
	ratios  [][2]int          // of boxes, width by height without common divisor, beside those of the grid
	colours []transform.Color // that may stand under a picture, beside none
}

const (
	// The grid of ratios: the shorter side is a whole number of gridUnits of the longer, at least gridLeast of them. 48 is the
	// least that has 16:9, 3:2 and 4:3.
	gridUnits = 48
	gridLeast = 6
	// maxHeight is what h can be, in pixels (imgix.Params).
	maxHeight = 8192
	// placeStep is what focal points are apart, in per cent.
	placeStep = 25
)

// openQualities are what unsigned qualities snap up to: those that clients of imgix ask for at 3, 2 and 1 pixels per CSS pixel
// (js-core: 75, 50, 35, 23, 20 for 1 to 5), and a better one. They are read-only.
var openQualities = [...]int{20, 35, 50, 75, 90}

// commonRatios are in wide use and not on the grid. They are read-only.
var commonRatios = [...][2]int{{5, 4}, {4, 5}, {7, 3}, {3, 7}}

func newLattice(presets map[string]transform.Spec) lattice {
	l := lattice{ratios: slices.Clone(commonRatios[:]), colours: []transform.Color{transform.Opaque | 0xffffff}}
	for _, spec := range presets {
		if c := spec.Background; c != 0 && !slices.Contains(l.colours, c) {
			l.colours = append(l.colours, c)
		}
		if spec.Width == 0 || spec.Height == 0 {
			continue
		}
		by := divisor(spec.Width, spec.Height)
		r := [2]int{spec.Width / by, spec.Height / by}
		if long := max(r[0], r[1]); gridUnits%long != 0 && !slices.Contains(l.ratios, r) {
			l.ratios = append(l.ratios, r)
		}
	}
	slices.SortFunc(l.ratios, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	return l
}

// divisor is the greatest common one (Euclid).
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// open is what a spec without DPR of the dialect is answered with where nobody signed it, for the original that info is of. It
// needs info only where sides depend on each other or the picture may be transparent: needsInfo. Its error is an
// *unsignedErr.
func (g grammar) open(spec transform.Spec, info transform.Info) (transform.Spec, error) {
	if g.isPresetIn(spec) {
		return spec, nil
	}
	if spec.Crop == transform.Focal && spec.Focus == middle() {
		spec.Crop, spec.Focus = transform.Center, transform.Point{}
		if g.isPresetIn(spec) {
			return spec, nil
		}
	}
	if err := g.refuseColour(spec.Background); err != nil {
		return transform.Spec{}, err
	}
	if spec.Fit != transform.Pad && info.Width > 0 && !info.Alpha {
		spec.Background = 0 // nothing of it would be seen
	}
	if spec.Quality > 0 {
		spec.Quality = openQuality(spec.Quality)
	}
	if spec.Fit == transform.Contain {
		return g.openWhole(spec, info), nil
	}
	return g.openBox(spec, info)
}

// refuse returns what open would, where that can be told without the original.
func (g grammar) refuse(p imgix.Params) error {
	if err := g.refuseColour(p.Background); err != nil {
		return err
	}
	if p.Fit == transform.Contain || p.NeedsSize() {
		return nil
	}
	spec := p.Resolve(1, 1)
	for _, preset := range g.presets {
		if preset.Width == spec.Width && preset.Height == spec.Height {
			return nil
		}
	}
	if _, _, ok := g.lattice.ratio(spec.Width, spec.Height); !ok && spec.Fit != transform.Contain {
		return errRatio()
	}
	return nil
}

func (g grammar) refuseColour(c transform.Color) error {
	if c != 0 && !slices.Contains(g.lattice.colours, c) {
		return &unsignedErr{"Without a signature bg can be white, transparent, or a colour that a preset has."}
	}
	return nil
}

func errRatio() error {
	return &unsignedErr{fmt.Sprintf("Without a signature one side of a box can be at most %d times the other.", gridUnits/gridLeast)}
}

// isPresetIn reports whether spec is a preset, in whatever format.
func (g grammar) isPresetIn(spec transform.Spec) bool {
	spec.Format = 0
	return g.isPreset(spec)
}

// middle is the focal point that means transform.Center.
func middle() transform.Point { return transform.Point{X: 50, Y: 50} }

// needsInfo reports whether open has to know the original.
func needsInfo(spec transform.Spec) bool { return spec.Height > 0 || spec.Background != 0 }

func openQuality(q int) int {
	for _, level := range openQualities {
		if q <= level {
			return level
		}
	}
	return openQualities[len(openQualities)-1]
}

// openWhole takes a picture that nothing is cut off to a rung of the ladder; the whole original to the top one.
func (g grammar) openWhole(spec transform.Spec, info transform.Info) transform.Spec {
	if spec.Height > 0 {
		spec.Width = spec.Resolve(info.Width, info.Height, 0, 0).Width
		spec.Height = 0
	}
	if spec.Width == 0 {
		spec.Width = g.widths[len(g.widths)-1]
	}
	spec.Width = g.snap(spec.Width)
	return spec
}

// openBox takes a box to a rung of the ladder by its width, and its ratio to one of the lattice. Where that is higher than an
// address can say, it is the highest that is not.
func (g grammar) openBox(spec transform.Spec, info transform.Info) (transform.Spec, error) {
	num, den, ok := g.lattice.ratio(spec.Width, spec.Height)
	if !ok {
		return transform.Spec{}, errRatio()
	}
	at, _ := slices.BinarySearch(g.widths, g.snap(spec.Width))
	for spec.Width = g.widths[at]; ; spec.Width = g.widths[at] {
		spec.Height = g.lattice.height(spec.Width, num, den)
		if spec.Height <= maxHeight || at == 0 {
			break
		}
		at--
	}
	if spec.Crop == transform.Focal {
		spec.Crop, spec.Focus = openPlace(spec, info)
	}
	return spec, nil
}

// height is that of a box of the ratio num:den.
func (l lattice) height(width, num, den int) int {
	h := 0
	// Twice, because a small box may be as near to another ratio: what is open stays what it is.
	for range 2 {
		h = max((2*width*den+num)/(2*num), 1)
		var ok bool
		if num, den, ok = l.ratio(width, h); !ok {
			break // an extreme one of a preset, rounded
		}
	}
	return h
}

// ratio is what a box's ratio is taken to, as num:den.
func (l lattice) ratio(w, h int) (num, den int, ok bool) {
	short, long := min(w, h), max(w, h)
	units := (2*gridUnits*short + long) / (2 * long)
	if units*long != gridUnits*short { // not on the grid
		for _, r := range l.ratios {
			// As near as rounding either side leaves it.
			if d := w*r[1] - h*r[0]; 2*max(d, -d) <= max(r[0], r[1]) {
				return r[0], r[1], true
			}
		}
	}
	switch {
	case units < gridLeast:
		return 0, 0, false
	case w < h:
		return units, gridUnits, true
	}
	return gridUnits, units, true
}

// openPlace moves a focal point to the nearest of the lattice, along the side of which the box cuts something off; the other
// coordinate has no effect.
func openPlace(spec transform.Spec, info transform.Info) (transform.Crop, transform.Point) {
	step := func(perCent uint8) uint8 { return (perCent + placeStep/2) / placeStep * placeStep }
	p := middle()
	if int64(spec.Width)*int64(info.Height) > int64(spec.Height)*int64(info.Width) {
		p.Y = step(spec.Focus.Y)
	} else {
		p.X = step(spec.Focus.X)
	}
	if p == middle() {
		return transform.Center, transform.Point{}
	}
	return transform.Focal, p
}

// canonical reports whether /i/{id}/… answers spec to everybody.
func (g grammar) canonical(spec transform.Spec) bool {
	if spec.Animate && !spec.Format.Animates() {
		return false
	}
	spec.Format = 0
	if g.isPreset(spec) {
		return true
	}
	spec.Animate = false
	_, rung := slices.BinarySearch(g.widths, spec.Width)
	return g.isPreset(spec) || rung && spec == transform.Spec{Width: spec.Width}
}
