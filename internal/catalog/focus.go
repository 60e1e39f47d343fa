package catalog

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// A Focus is the point of a picture that a crop must keep, as the post's author marked it. The zero Focus is none.
type Focus struct {
	X, Y uint8 // per cent of the width from the left and of the height from the top, 0…100
	Set  bool  // the author marked one
}

// wantFocus says what a focal point looks like.
const wantFocus = `two numbers from the left and the top, 0 to 1 or per cent ("0.3 0.7", "30% 70%", {x: 0.3, y: 0.7}), or words such as "top left"`

// focus finds the focal point of a hit. bad is the pair whose value is none, where there is no other.
func (f *finder) focus(h hit) (focus Focus, bad *frontmatter.Pair) {
	try := func(pair *frontmatter.Pair) bool {
		p, ok := readFocus(pair.Value)
		if !ok && bad == nil {
			bad = pair
		}
		focus = p
		return ok
	}
	for _, p := range f.s.fields.words[slotFocus] {
		if _, n := p.walk(f.root); n != nil && try(&frontmatter.Pair{Key: p.text, Line: n.Line, Value: n}) {
			return focus, nil
		}
	}
	for pair := range h.candidates(slotFocus) {
		if try(pair) {
			return focus, nil
		}
	}
	for _, n := range append(slices.Clip(h.inside), h.beside...) {
		for _, names := range axisKeys {
			if x, y := lookup(n, names[0]), lookup(n, names[1]); x != nil && y != nil {
				if p, ok := fromAxes(x.Value, y.Value); ok {
					return p, nil
				}
				bad = x
			}
		}
	}
	return Focus{}, bad
}

// axisKeys are pairs of keys that hold one coordinate each. Plain x and y are asked for inside a focal point only.
var axisKeys = [][2]string{{"fpx", "fpy"}, {"focalx", "focaly"}, {"focalpointx", "focalpointy"}, {"focusx", "focusy"}}

// readFocus reads a focal point. "smart" and nothing at all are none, and no mistake.
func readFocus(n *frontmatter.Node) (Focus, bool) {
	switch n.Kind {
	case frontmatter.String, frontmatter.Number:
		return parseFocus(n.Text)
	case frontmatter.Null:
		return Focus{}, true
	case frontmatter.List:
		if len(n.List) == 2 {
			return fromAxes(n.List[0], n.List[1])
		}
	case frontmatter.Map:
		for _, names := range append([][2]string{{"x", "y"}, {"left", "top"}}, axisKeys...) {
			if x, y := lookup(n, names[0]), lookup(n, names[1]); x != nil && y != nil {
				return fromAxes(x.Value, y.Value)
			}
		}
	}
	return Focus{}, false
}

// fromAxes reads a focal point of two numbers.
func fromAxes(x, y *frontmatter.Node) (Focus, bool) {
	for _, n := range [...]*frontmatter.Node{x, y} {
		if n.Kind != frontmatter.Number && n.Kind != frontmatter.String {
			return Focus{}, false
		}
	}
	return axes(x.Text, y.Text)
}

// maxFocus is the longest text that is looked at, in bytes.
const maxFocus = 64

// parseFocus reads "0.3 0.7", "30%, 70%", "top-left", "TopLeft", "center".
func parseFocus(text string) (Focus, bool) {
	if len(text) > maxFocus {
		return Focus{}, false
	}
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" ,;/|()[]\t", r) })
	switch {
	case len(fields) == 0:
		return Focus{}, true
	case len(fields) == 2 && strings.ContainsAny(fields[0], "0123456789"):
		return axes(fields[0], fields[1])
	}
	return parseSides(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}, strings.Join(fields, "")))
}

// sides are the words of CSS's object-position and Hugo's anchors; -1 leaves a coordinate as it is.
var sides = []struct {
	word string
	x, y int
}{
	{"top", -1, 0}, {"upper", -1, 0}, {"bottom", -1, 100}, {"lower", -1, 100}, {"left", 0, -1}, {"right", 100, -1},
	{"center", -1, -1}, {"centre", -1, -1}, {"middle", -1, -1},
}

// parseSides reads words that follow each other without separators, one or two of them: "topleft".
func parseSides(text string) (Focus, bool) {
	if text == "smart" || text == "auto" {
		return Focus{}, true
	}
	x, y := -1, -1
	for words := 0; text != ""; words++ {
		found := false
		for _, side := range sides {
			rest, ok := strings.CutPrefix(text, side.word)
			if !ok {
				continue
			}
			if words == 2 || side.x >= 0 && x >= 0 || side.y >= 0 && y >= 0 {
				return Focus{}, false // "top bottom", or a third
			}
			x, y, text, found = max(x, side.x), max(y, side.y), rest, true
			break
		}
		if !found {
			return Focus{}, false
		}
	}
	at := func(v int) uint8 {
		if v < 0 {
			return 50
		}
		return uint8(v) //nolint:gosec // at most 100
	}
	return Focus{X: at(x), Y: at(y), Set: true}, true
}

// axes reads two coordinates: both per cent where one has the sign or is above 1, else both fractions.
func axes(x, y string) (Focus, bool) {
	x, y = strings.TrimSpace(x), strings.TrimSpace(y)
	left, signX := strings.CutSuffix(x, "%")
	top, signY := strings.CutSuffix(y, "%")
	fx, errX := strconv.ParseFloat(strings.TrimSpace(left), 64)
	fy, errY := strconv.ParseFloat(strings.TrimSpace(top), 64)
	if errX != nil || errY != nil {
		return Focus{}, false
	}
	if !signX && !signY && fx <= 1 && fy <= 1 {
		fx, fy = 100*fx, 100*fy
	}
	if !(fx >= 0 && fx <= 100 && fy >= 0 && fy <= 100) { // false for NaN
		return Focus{}, false
	}
	return Focus{X: uint8(math.Round(fx)), Y: uint8(math.Round(fy)), Set: true}, true
}
