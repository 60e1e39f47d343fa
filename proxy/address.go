package proxy

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/transform"
)

// An address is what follows "/i/" or "/p/":
//
//	{subject}/{spec}.{ext}     a rendition; spec is a preset or words (transform.ParseSpec), ext a format or "auto"
//	{subject}/meta.json        the words, sizes and URLs of the picture
//
//	3k9v0c2m8q1d7f5e/hero.webp     3k9v0c2m8q1d7f5e/w800.auto     _posts/2023-09-18-kim/card.jpg
//
// The subject is an entry's ID or a post, percent-decoded once; the leaf must be spelled without percent signs.
type address struct {
	subject string
	leaf    string
}

func parseAddress(escaped string) (address, error) {
	escaped = strings.TrimPrefix(escaped, "/")
	i := strings.LastIndexByte(escaped, '/')
	if i < 0 {
		return address{}, usageError("expected a picture's ID or a post, then /{spec}.{ext} or /meta.json, such as /hero.webp")
	}
	subject, err := url.PathUnescape(escaped[:i])
	if err != nil {
		return address{}, usageError("expected percent signs only before two hexadecimal digits")
	}
	if slices.Contains(strings.Split(subject, "/"), "") || needless(escaped[:i]) {
		return address{}, usageError("expected the plain spelling: no empty path segments, nothing percent-encoded that need not be")
	}
	return address{subject: subject, leaf: escaped[i+1:]}, nil
}

// needless reports whether escaped percent-encodes a slash or a character that needs no encoding (RFC 3986 §2.3): further
// spellings of one address, each of which would be a copy in every cache on the way.
func needless(escaped string) bool {
	for rest := escaped; ; {
		_, after, ok := strings.Cut(rest, "%")
		if !ok {
			return false
		}
		c, err := strconv.ParseUint(after[:2], 16, 8) // PathUnescape has seen two digits
		if err != nil || c == '/' || strings.IndexByte(unreserved, byte(c)) >= 0 {
			return true
		}
		rest = after[2:]
	}
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// A grammar knows which leaves mean which pictures, and which of them may be asked for without a signature.
type grammar struct {
	presets map[string]transform.Spec // folded, without Format
	widths  []int                     // ascending, > 0
	formats []transform.Format
	lattice lattice // of the imgix dialect
}

// auto is the extension that stands for the best format that the client accepts.
const auto = "auto"

func newGrammar(presets map[string]transform.Spec, widths []int, formats []transform.Format) (grammar, error) {
	g := grammar{presets: make(map[string]transform.Spec, len(presets)), widths: slices.Sorted(slices.Values(widths)), formats: formats}
	for _, name := range slices.Sorted(maps.Keys(presets)) {
		if !validPresetName(name) {
			return grammar{}, fmt.Errorf("preset %q: expected a name of lower-case letters, digits and underscores that is not a spec", name)
		}
		spec := presets[name]
		if _, err := transform.ParseSpec(spec.String()); err != nil || spec.Format != 0 {
			return grammar{}, fmt.Errorf("preset %s: expected spec words without extension, such as w640-h360-cover", name)
		}
		g.presets[name] = spec.Fold()
	}
	if len(g.widths) == 0 || g.widths[0] < 1 {
		return grammar{}, errors.New("widths: expected at least one width, each above 0")
	}
	if len(formats) == 0 {
		return grammar{}, errors.New("formats: expected at least one")
	}
	g.lattice = newLattice(g.presets)
	return g, nil
}

// validPresetName reports whether name can stand in a URL without being taken for spec words.
func validPresetName(name string) bool {
	if name == "" || len(name) > 32 || name == "meta" || name == "figure" {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	_, err := transform.ParseSpec(name)
	return err != nil
}

// An order is a leaf that was understood: the Spec to render, its Format zero when it is to be negotiated.
type order struct {
	spec transform.Spec
	auto bool
}

// parse reads a rendition's leaf; signed has every spec as it is. Its errors are *usageErr (400) for what is not in the grammar
// and *unsignedErr (403) for what is, but may not be asked for without a signature.
func (g grammar) parse(leaf string, signed bool) (order, error) {
	words, ext, ok := strings.Cut(leaf, ".")
	if !ok || strings.Contains(ext, ".") {
		return order{}, usageError("%s: expected {spec}.{ext}, such as hero.webp or w800.auto", strconv.Quote(leaf))
	}
	var o order
	switch f, err := transform.ParseFormat(ext); {
	case ext == auto:
		o.auto = true
	case err != nil || f.Ext() != ext || !slices.Contains(g.formats, f):
		return order{}, usageError("extension %s: expected one of %s", strconv.Quote(ext), g.extensions())
	default:
		o.spec.Format = f
	}
	spec, err := g.spec(words, o.spec.Format, signed)
	if err != nil {
		return order{}, err
	}
	spec.Format = o.spec.Format
	o.spec = spec
	return o, nil
}

// spec returns the folded Spec that words or a preset name mean in format f, without Format; f is 0 where it is to be
// negotiated. Unless the address is signed, widths snap up to the ladder, so that one source cannot fill the cache with
// variants.
func (g grammar) spec(words string, f transform.Format, signed bool) (transform.Spec, error) {
	if spec, ok := g.preset(words, f); ok {
		return spec, nil
	}
	spec, err := transform.ParseSpec(words)
	if err != nil || words == "" {
		return transform.Spec{}, usageError("%s is neither a preset (%s) nor a spec such as w800 or w640-h360-cover%s",
			strconv.Quote(words), g.presetList(), reason(words, err))
	}
	spec = spec.Fold()
	if g.isPreset(spec) { // also a width between two rungs
		return spec, nil
	}
	still := spec
	still.Animate = false
	width := transform.Spec{Width: spec.Width}
	switch open := signed || g.isPreset(still) || still == width && spec.Width > 0; {
	case open && spec.Animate && f != 0 && !f.Animates():
		return transform.Spec{}, usageError("%s: anim has no meaning in %s: expected webp, gif or auto", strconv.Quote(words), f)
	case signed:
		return spec, nil
	case open && still == width && !g.isPreset(still):
		return transform.Spec{Width: g.snap(spec.Width), Animate: spec.Animate}, nil
	case open:
		return spec, nil
	}
	return transform.Spec{}, &unsignedErr{fmt.Sprintf("Without a signature only presets (%s) and widths (w%d … w%d) can be asked for, "+
		"either with -anim behind it where an animation is to keep moving.", g.presetList(), g.widths[0], g.widths[len(g.widths)-1])}
}

func (g grammar) isPreset(spec transform.Spec) bool {
	for _, preset := range g.presets {
		if spec == preset {
			return true
		}
	}
	return false
}

// written is spec as an address in its Format says it: without anim, where that has no meaning and no preset has it.
func (g grammar) written(spec transform.Spec) transform.Spec {
	words := spec
	words.Format = 0
	if !spec.Format.Animates() && !g.isPreset(words) {
		spec.Animate = false
	}
	return spec
}

// preset returns the Spec of a preset's name, or of one with "-anim" behind it, as in "card-anim".
func (g grammar) preset(words string, f transform.Format) (transform.Spec, bool) {
	if spec, ok := g.presets[words]; ok {
		return spec, true
	}
	name, ok := strings.CutSuffix(words, "-anim")
	spec, known := g.presets[name]
	if !ok || !known || spec.Animate || f != 0 && !f.Animates() {
		return transform.Spec{}, false
	}
	spec.Animate = true
	return spec, true
}

// snap returns the lowest rung that is at least w pixels, else the top one.
func (g grammar) snap(w int) int {
	i, _ := slices.BinarySearch(g.widths, w)
	return g.widths[min(i, len(g.widths)-1)]
}

func (g grammar) presetNames() []string { return slices.Sorted(maps.Keys(g.presets)) }

func (g grammar) presetList() string { return strings.Join(g.presetNames(), ", ") }

func (g grammar) extensions() string { return auto + ", " + g.fileExtensions() }

func (g grammar) fileExtensions() string {
	exts := make([]string, len(g.formats))
	for i, f := range g.formats {
		exts[i] = f.Ext()
	}
	return strings.Join(exts, ", ")
}

// reason is the part of a parse error that says what was wrong, for the end of a message; "" for words that were not meant
// to be a spec.
func reason(words string, err error) string {
	if err == nil || !strings.ContainsAny(words, "0123456789") {
		return ""
	}
	return ": " + strings.TrimPrefix(err.Error(), transform.ErrSpec.Error()+": ")
}

// checkQuery allows the named parameters, each at most once. Whatever else a client appends is refused rather than
// ignored: it would make one picture many URLs in every cache on the way.
func checkQuery(raw string, names ...string) (url.Values, error) {
	if raw == "" {
		return nil, nil
	}
	q, err := url.ParseQuery(raw)
	if err != nil || strings.HasPrefix(raw, "&") || strings.HasSuffix(raw, "&") || strings.Contains(raw, "&&") {
		return nil, usageError("the query cannot be parsed")
	}
	for name, values := range q {
		switch {
		case len(names) == 0:
			return nil, usageError("unexpected query: this address takes none")
		case !slices.Contains(names, name):
			return nil, usageError("query parameter %s: expected only %s", strconv.Quote(name), strings.Join(names, ", "))
		case len(values) > 1:
			return nil, usageError("query parameter %s is repeated", name)
		}
	}
	return q, nil
}
