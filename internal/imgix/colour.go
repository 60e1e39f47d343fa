package imgix

import (
	"image/color"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A colour is one that the query names, or none.
type colour struct {
	color transform.Color // the zero Color is transparent
	set   bool
}

// readColour reads 3 or 6 hexadecimal digits (RGB), 4 or 8 (ARGB), or a name of CSS. Of alpha there is all or nothing: half
// transparent grounds would need a format with alpha, and then the page's own ground does it.
func readColour(name, value string, at *colour) error {
	value = strings.ToLower(value)
	if c, ok := named(value); ok {
		*at = colour{c, true}
		return nil
	}
	digits := value
	if len(value) <= 4 { // each stands for two
		var b strings.Builder
		for i := range len(value) {
			b.WriteString(value[i:i+1] + value[i:i+1])
		}
		digits = b.String()
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	const rgb, argb = 6, 8
	switch {
	case err != nil || len(digits) != rgb && len(digits) != argb:
		return expected(name, value, "a colour as RGB, ARGB, RRGGBB or AARRGGBB in hexadecimal digits, or by a name of CSS")
	case len(digits) == rgb || n>>24 == 0xff:
		*at = colour{transform.Opaque | transform.Color(n&0xffffff), true}
	case n>>24 == 0:
		*at = colour{0, true}
	default:
		return expected(name, value, "an alpha of 00 or ff: a ground is opaque here or not there")
	}
	return nil
}

// named is the colour of a CSS name (CSS Color Module Level 4 §6.1).
func named(name string) (transform.Color, bool) {
	c, ok := colornames.Map[name]
	switch {
	case name == "rebeccapurple": // the one that SVG 1.1 does not have
		c, ok = color.RGBA{0x66, 0x33, 0x99, 0xff}, true
	case name == "transparent":
		return 0, true
	}
	return transform.Opaque | transform.Color(c.R)<<16 | transform.Color(c.G)<<8 | transform.Color(c.B), ok
}
