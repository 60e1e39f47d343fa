package imgix

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dd8bf596/cutline/internal/transform"
)

// Parse reads a raw query, without "?". Names and values are taken in any order and case; names have the aliases of
// Parameters, and one that ends in "64" has its value in base64url without padding (RFC 4648 §5).
//
// It is ErrParams for a parameter that is unknown, is read and stands twice (but auto, which imgix adds up), is not supported,
// or has a value that it does not know; ErrSigned for a signature or an expiry. Nothing is guessed, and nothing that would change the
// picture is left out: what is ignored is said to be in Parameters.
func Parse(rawQuery string) (Params, error) {
	d := draft{seen: make(map[string]bool)}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" { // templates leave an "&" at an end, and where a part of theirs is empty
			continue
		}
		if err := d.read(pair); err != nil {
			return Params{}, err
		}
	}
	return d.params(), nil
}

// A draft is what has been read of a query.
type draft struct {
	p        Params
	dpr      float64
	min      bool // fit=min, which has neither ar nor max-w
	chain    []string
	bg, fill colour
	seen     map[string]bool
	fpX, fpY float64 // where hasX and hasY
	hasX     bool
	hasY     bool
}

// expected is the error for a value.
func expected(name, value, what string) error {
	return fmt.Errorf("%w: %s %s: expected %s", ErrParams, name, quote(value), what)
}

// quote shortens what a client sent for a message.
func quote(text string) string {
	const most = 60
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strconv.Quote(text)
}

// read reads "name=value".
func (d *draft) read(pair string) error {
	rawName, rawValue, ok := strings.Cut(pair, "=")
	name, err := url.QueryUnescape(rawName)
	if !ok || err != nil || name == "" {
		return fmt.Errorf("%w: %s: expected name=value, such as w=800", ErrParams, quote(pair))
	}
	value, err := url.QueryUnescape(rawValue)
	if err != nil || !utf8.ValidString(value) {
		return fmt.Errorf("%w: %s: expected UTF-8, percent-encoded", ErrParams, quote(pair))
	}
	at, encoded := find(strings.ToLower(name))
	if at < 0 {
		return fmt.Errorf("%w: %s is unknown: expected some of %s", ErrParams, quote(name), implementedNames)
	}
	k := parameters[at]
	switch {
	case k.Status == Refused:
		return fmt.Errorf("%w: %s is not supported: %s", ErrParams, k.Name, k.Note)
	case k.Status == Signed:
		return fmt.Errorf("%w: %s", ErrSigned, k.Name)
	case d.seen[k.Name] && k.Status == Implemented && k.Name != "auto":
		return fmt.Errorf("%w: %s is repeated", ErrParams, k.Name)
	}
	d.seen[k.Name] = true
	if encoded {
		if value, err = decode64(value); err != nil {
			return expected(name, rawValue, "UTF-8 in base64url without padding (RFC 4648 §5)")
		}
	}
	if k.Status == Ignored {
		return nil
	}
	return readers[k.Name](d, value)
}

// find returns the place in parameters of the one that name, in lower case, means, or -1, and whether its value is in base64.
func find(name string) (at int, encoded bool) {
	if at, ok := places[name]; ok {
		return at, false
	}
	stem, ok := strings.CutSuffix(name, "64")
	at, known := places[stem]
	if !ok || !known || parameters[at].Name == "auto" || parameters[at].Name == "ch" {
		return -1, false
	}
	return at, true
}

func decode64(text string) (string, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", ErrParams
	}
	return string(b), nil
}

// readers has one for each parameter that is implemented. It is read-only.
var readers = map[string]func(d *draft, value string) error{
	"w":    func(d *draft, v string) error { return readSide("w", v, &d.p.W) },
	"h":    func(d *draft, v string) error { return readSide("h", v, &d.p.H) },
	"fit":  (*draft).readFit,
	"crop": (*draft).readCrop,
	"fp-x": func(d *draft, v string) error { d.hasX = true; return readUnit("fp-x", v, &d.fpX) },
	"fp-y": func(d *draft, v string) error { d.hasY = true; return readUnit("fp-y", v, &d.fpY) },
	"ar":   (*draft).readRatio,
	"max-w": func(d *draft, v string) error {
		return readWhole("max-w", v, 1, maxSide, &d.p.MaxW)
	},
	"max-h": func(d *draft, v string) error {
		return readWhole("max-h", v, 1, maxSide, &d.p.MaxH)
	},
	"dpr": (*draft).readDPR,
	"q": func(d *draft, v string) error {
		err := readWhole("q", v, 0, 100, &d.p.Quality)
		d.p.Quality = max(d.p.Quality, 1) // the lowest that encoders have
		return err
	},
	"fm":         (*draft).readFormat,
	"auto":       (*draft).readAuto,
	"bg":         func(d *draft, v string) error { return readColour("bg", v, &d.bg) },
	"fill":       (*draft).readFill,
	"fill-color": func(d *draft, v string) error { return readColour("fill-color", v, &d.fill) },
	"dl": func(d *draft, v string) error {
		if len(v) > maxName {
			return expected("dl", v, fmt.Sprintf("a file name of at most %d bytes", maxName))
		}
		d.p.Download, d.p.FileName = true, v
		return nil
	},
}

// maxName bounds a file name in bytes, as file systems do.
const maxName = 255

// params is what the draft comes to.
func (d *draft) params() Params {
	p := d.p
	if d.min {
		p.Ratio, p.MaxW, p.MaxH = Ratio{}, 0, 0
	}
	if d.dpr > 0 {
		p.W, p.H = dense(p.W, p.H, d.dpr)
	}
	p.Crop, p.Focus = d.cropped()
	p.Background = d.bg.color
	p = p.normal()
	if p.Fit == transform.Pad {
		switch {
		case d.fill.set:
			p.Background = d.fill.color
		case !d.bg.set:
			p.Background = white
		}
	}
	return p
}

// dense multiplies a box by dpr. A share is at most the whole, pixels are from 2 to maxSide; the box keeps its ratio.
func dense(w, h, dpr float64) (float64, float64) {
	for _, s := range [...]float64{w, h} {
		if s > 1 {
			dpr = min(dpr, maxSide/s)
		}
	}
	one := func(s float64) float64 {
		switch {
		case s == 0:
			return 0
		case s <= 1:
			return rounded(min(s*dpr, 1))
		}
		return max(math.Round(s*dpr), 2)
	}
	return one(w), one(h)
}

// cropped is where a crop is to be: the first of the chain that can be had. There is no detector of faces, but what stands out
// goes by tones of skin too; a focal point can be had where the query names one.
func (d *draft) cropped() (transform.Crop, transform.Point) {
	for _, word := range d.chain {
		switch word {
		case "faces", "edges", "entropy", "auto":
			return transform.Smart, transform.Point{}
		case "focalpoint":
			if d.hasX || d.hasY {
				return transform.Focal, transform.Point{X: perCent(d.hasX, d.fpX), Y: perCent(d.hasY, d.fpY)}
			}
		case "center":
			return transform.Focal, transform.Point{X: 50, Y: 50}
		default:
			return transform.Focal, d.edge()
		}
	}
	return transform.Center, transform.Point{}
}

// perCent is a part of a focal point; the middle where the query has none.
func perCent(has bool, x float64) uint8 {
	if !has {
		return 50
	}
	return uint8(math.Round(100 * x))
}

// edge is the point that top, bottom, left and right in the chain come to.
func (d *draft) edge() transform.Point {
	p := transform.Point{X: 50, Y: 50}
	for _, word := range d.chain {
		switch word {
		case "top":
			p.Y = 0
		case "bottom":
			p.Y = 100
		case "left":
			p.X = 0
		case "right":
			p.X = 100
		}
	}
	return p
}
