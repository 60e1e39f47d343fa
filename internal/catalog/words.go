package catalog

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// fieldImage and fieldSlots are the names of Options.Fields.
const fieldImage = "image"

var fieldSlots = map[string]slot{
	"alt": slotAlt, "cutline": slotCutline, "credit": slotCredit, "credit-url": slotCreditURL,
	"creator": slotCreator, "copyright": slotCopyright, "license": slotLicense,
	"licensor": slotLicensor, "licensor-url": slotLicensorURL, "source-type": slotSourceType, "focus": slotFocus,
}

// overrides are Options.Fields, parsed.
type overrides struct {
	image []dottedPath
	words [slots][]dottedPath
}

// A dottedPath leads from the front matter's root to a value.
type dottedPath struct {
	text  string
	steps []string
}

func parseOverrides(fields map[string][]string) (overrides, error) {
	var o overrides
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		sl, known := fieldSlots[name]
		if !known && name != fieldImage {
			names := slices.Sorted(maps.Keys(fieldSlots))
			return o, fmt.Errorf("field %q: expected image, %s", name, strings.Join(names, ", "))
		}
		for _, text := range fields[name] {
			p := dottedPath{text: text, steps: strings.Split(text, ".")}
			if slices.Contains(p.steps, "") {
				return o, fmt.Errorf("field %s: path %q: expected names joined by dots", name, text)
			}
			if known {
				o.words[sl] = append(o.words[sl], p)
			} else {
				o.image = append(o.image, p)
			}
		}
	}
	return o, nil
}

func (p dottedPath) last() string { return p.steps[len(p.steps)-1] }

// walk returns the value at the path and the nodes on the way to it, the root first; nil where the path leads nowhere. A
// key that is spelled exactly so goes before one that only normalises to the same.
func (p dottedPath) walk(n *frontmatter.Node) (chain []*frontmatter.Node, value *frontmatter.Node) {
	for _, step := range p.steps {
		chain = append(chain, n)
		switch {
		case n.Kind == frontmatter.List:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(n.List) {
				return nil, nil
			}
			n = n.List[i]
		case n.Get(step) != nil:
			n = n.Get(step)
		default:
			pair := lookup(n, normal(step))
			if pair == nil {
				return nil, nil
			}
			n = pair.Value
		}
	}
	return chain, n
}

// A said is what was found for one slot.
type said struct {
	text    string
	line    int
	present bool // a key stands there, though perhaps blank
	key     string
}

// words collects the words of a hit. unread is the digital source type where it names none of the vocabulary.
func (f *finder) words(h hit) (w caption.Words, lines WordLines, unread said) {
	alt, cutline, credit := f.slot(h, slotAlt), f.slot(h, slotCutline), f.slot(h, slotCredit)
	w = caption.Words{
		Cutline: cutline.text, Credit: credit.text, Alt: alt.text,
		CreditURL:   absoluteURL(f.slot(h, slotCreditURL).text),
		License:     f.slot(h, slotLicense).text,
		Licensor:    f.slot(h, slotLicensor).text,
		LicensorURL: absoluteURL(f.slot(h, slotLicensorURL).text),
		Decorative:  alt.present && alt.text == "",
	}
	lines = WordLines{Cutline: cutline.line, Credit: credit.line, Alt: alt.line}
	// A photographer or a copyright notice alone is the credit; beside a credit of its own it keeps its meaning.
	if creator := f.slot(h, slotCreator); creator.key != credit.key || creator.line != credit.line {
		w.Creator, lines.Creator = creator.text, creator.line
	}
	if credit.text != "" {
		if c := f.slot(h, slotCopyright); c.key != credit.key || c.line != credit.line {
			w.Copyright, lines.Copyright = c.text, c.line
		}
	}
	kind := f.slot(h, slotSourceType)
	var ok bool
	if w.SourceType, ok = sourceType(kind.text); !ok && kind.text != "" {
		unread = kind
	}
	return w, lines, unread
}

// slot looks a slot up: the site's own fields, the image's map, then beside the image's key. The first text that is not
// blank wins; a blank one is remembered, because an alternative text that is present and empty has a meaning.
func (f *finder) slot(h hit, sl slot) said {
	var blank said
	try := func(key string, line int, n *frontmatter.Node) (said, bool) {
		text, present := wordsOf(n)
		if present && !blank.present {
			blank = said{line: line, present: true, key: key}
		}
		return said{text: text, line: line, present: true, key: key}, text != ""
	}
	for _, p := range f.s.fields.words[sl] {
		if _, n := p.walk(f.root); n != nil {
			if got, ok := try(p.text, n.Line, n); ok {
				return got
			}
		}
	}
	if h.caption != nil && sl == slotCutline {
		if got, ok := try(h.caption.Key, h.caption.Value.Line, h.caption.Value); ok {
			return got
		}
	}
	for pair := range h.candidates(sl) {
		if got, ok := try(pair.Key, pair.Line, pair.Value); ok {
			return got
		}
	}
	return blank
}

// candidates yields the pairs in which a slot's words may stand, best first.
func (h *hit) candidates(sl slot) func(yield func(*frontmatter.Pair) bool) {
	return func(yield func(*frontmatter.Pair) bool) {
		in := func(maps []*frontmatter.Node, name string) bool {
			for _, n := range maps {
				if pair := lookup(n, name); pair != nil && !yield(pair) {
					return false
				}
			}
			return true
		}
		keys := &wordKeys[sl]
		for _, name := range keys.inside {
			if !in(h.inside, name) {
				return
			}
		}
		if h.entry && sl == slotAlt {
			for _, name := range resourceAltKeys {
				if !in(h.inside, name) {
					return
				}
			}
		}
		for _, key := range h.keys {
			short := stem(key)
			for _, suffix := range keys.suffixes {
				if !(pageStems[key] && pageSuffixes[suffix]) && !in(h.beside, key+suffix) {
					return
				}
				if short == "" || short == key || pageStems[short] && pageSuffixes[suffix] {
					continue
				}
				if !in(h.beside, short+suffix) {
					return
				}
			}
		}
		for _, name := range keys.beside {
			if !in(h.beside, name) {
				return
			}
		}
	}
}

// absoluteURL returns text where it is an http(s) URL, completed where it begins with "//", and "" otherwise: a link is
// printed into pages and headers, so nothing else may come out.
func absoluteURL(text string) string {
	if strings.HasPrefix(text, "//") {
		text = "https:" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return text
}
