package catalog

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
	"github.com/dd8bf596/cutline/internal/source"
)

// A finder looks for the featured image of one post.
type finder struct {
	s     *scanner
	root  *frontmatter.Node
	dir   string   // the post's folder
	index bool     // the post is a page bundle's index file, and the layout has bundles
	art   []string // what may be the bundle's image
	work  int      // spent, of maxWork
}

// maxWork bounds the search in one post: YAML's aliases can make a small block a large tree. What counts is what looking
// costs, in keys, values and lines of text: maps and texts can be long and stand there many times. It is enough for 2,000
// pictures of 20 keys each and at most some milliseconds; a post that needs more has no image.
const maxWork = 100_000

// textUnit is how many bytes of text cost as much as a key.
const textUnit = 64

// spend notes the cost of looking at n, and reports whether that may be done.
func (f *finder) spend(n *frontmatter.Node) bool {
	if f.work <= maxWork {
		f.work += 1 + len(n.Pairs) + len(n.Text)/textUnit
	}
	return f.work <= maxWork
}

// A hit is the featured image as it stands in the front matter, with the places in which its words may stand.
type hit struct {
	raw     string // trimmed
	line    int    // 0 for a file of the page bundle
	field   string
	node    *frontmatter.Node   // that raw is the text of; nil where it is a key or a file's name
	inside  []*frontmatter.Node // the maps around the value, innermost first
	beside  []*frontmatter.Node // the maps around the image's key
	keys    []string            // the image's key, normalised; for a bundle's file the names that its words go by
	caption *frontmatter.Pair   // of {URL: caption}
	entry   bool                // of resources[]
	file    string              // the file in the post's folder, of a page bundle or where raw is a pattern; else ""
}

// find climbs the ladder: the site's own fields, the usual keys, the same keys inside params and its like, and last the
// page bundle.
func (f *finder) find() (hit, bool) {
	if h, ok := f.override(); ok {
		return h, true
	}
	if h, ok := f.ladder(f.root); ok {
		h.beside = []*frontmatter.Node{f.root}
		return h, true
	}
	for _, name := range nestedKeys {
		pair := lookup(f.root, name)
		if pair == nil || pair.Value.Kind != frontmatter.Map {
			continue
		}
		if h, ok := f.ladder(pair.Value); ok {
			h.field = pair.Key + "." + h.field
			h.beside = []*frontmatter.Node{pair.Value, f.root}
			return h, true
		}
	}
	return f.bundle()
}

// override tries the paths that the site configured for "image".
func (f *finder) override() (hit, bool) {
	for _, p := range f.s.fields.image {
		chain, value := p.walk(f.root)
		if value == nil {
			continue
		}
		h, ok := f.value(value, false, 0)
		if !ok {
			continue
		}
		h.field = p.text + h.field
		h.keys = append(h.keys, normal(p.last()))
		parent := chain[len(chain)-1]
		if parent != f.root {
			h.inside = append(h.inside, parent)
		}
		h.beside = []*frontmatter.Node{f.root}
		return h, true
	}
	return hit{}, false
}

// ladder tries the image keys of one map in order.
func (f *finder) ladder(n *frontmatter.Node) (hit, bool) {
	var found [8]rung
	for _, r := range rungs(found[:0], n, imageRank) {
		pair, key := &n.Pairs[r.pair], imageKeys[r.rank]
		var h hit
		var ok bool
		switch key {
		case "resources":
			h, ok = f.resources(pair.Value)
		case "header":
			h, ok = f.fromMap(pair.Value, headerRank, 0)
		default:
			h, ok = f.value(pair.Value, wordyKeys[key], 0)
		}
		if ok {
			h.field = pair.Key + h.field
			if len(h.keys) == 0 {
				h.keys = []string{key}
			}
			return h, true
		}
	}
	return hit{}, false
}

// A rung is a pair of a map whose key has a rank.
type rung struct{ rank, pair int }

// rungs appends the pairs of n whose keys have a rank, best first.
func rungs(to []rung, n *frontmatter.Node, ranks map[string]int) []rung {
	for i := range n.Pairs {
		if rank, ok := rankOf(n.Pairs[i].Key, ranks); ok {
			to = append(to, rung{rank, i})
		}
	}
	slices.SortStableFunc(to, func(a, b rung) int { return a.rank - b.rank })
	return to
}

// rankOf is the rank of the normalised key.
func rankOf(key string, ranks map[string]int) (int, bool) {
	if len(key) > maxKey {
		return 0, false
	}
	var buf [32]byte
	b := buf[:0]
	for i := range len(key) {
		c, ok := normalByte(key[i])
		if !ok {
			continue
		}
		if len(b) == len(buf) {
			return 0, false
		}
		b = append(b, c)
	}
	rank, ok := ranks[string(b)]
	return rank, ok
}

// value reads an image from a value: text, a map, or the first element of a list that yields one. wordy says that text
// must look like an image.
func (f *finder) value(n *frontmatter.Node, wordy bool, depth int) (hit, bool) {
	if depth > 4 || !f.spend(n) {
		return hit{}, false
	}
	switch n.Kind {
	case frontmatter.String:
		return f.scalar(n, wordy)
	case frontmatter.List:
		for i, each := range n.List {
			if h, ok := f.value(each, wordy, depth+1); ok {
				h.field = "[" + strconv.Itoa(i) + "]" + h.field
				return h, true
			}
		}
	case frontmatter.Map:
		if h, ok := f.fromMap(n, urlRank, depth); ok {
			return h, true
		}
		if len(n.Pairs) == 1 && len(n.Pairs[0].Key) <= source.MaxLen && looksLikeImage(n.Pairs[0].Key) {
			pair := &n.Pairs[0]
			return hit{raw: strings.TrimSpace(pair.Key), line: pair.Line, caption: pair}, true
		}
	}
	return hit{}, false
}

// fromMap reads the image that the best of the ranked keys names inside a map.
func (f *finder) fromMap(n *frontmatter.Node, ranks map[string]int, depth int) (hit, bool) {
	var found [8]rung
	for _, r := range rungs(found[:0], n, ranks) {
		pair := &n.Pairs[r.pair]
		if h, ok := f.value(pair.Value, false, depth+1); ok {
			h.field = "." + pair.Key + h.field
			h.inside = append(h.inside, n)
			return h, true
		}
	}
	return hit{}, false
}

// scalar reads an image from text. A line break makes it prose; yes, no, on and off are booleans to Jekyll's YAML.
func (f *finder) scalar(n *frontmatter.Node, wordy bool) (hit, bool) {
	text := strings.TrimSpace(n.Text)
	switch strings.ToLower(text[:min(len(text), 6)]) {
	case "", "yes", "no", "on", "off", "true", "false", "none", "null":
		return hit{}, false
	}
	if strings.ContainsAny(text, "\n\r") || wordy && !looksLikeImage(text) || slices.Contains(f.s.o.Placeholders, text) {
		return hit{}, false
	}
	return hit{raw: text, line: n.Line, node: n}, true
}

// looksLikeImage reports whether text could name an image: a URL, a rooted or relative path, a known extension.
func looksLikeImage(text string) bool {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || strings.HasPrefix(text, "data:image/") {
		return true
	}
	if scheme, _, ok := strings.Cut(text, "://"); ok && isScheme(scheme) {
		return true
	}
	return hasExtension(cutQuery(text), imageExtensions)
}

// isScheme reports whether text is a URL's scheme (RFC 3986 §3.1).
func isScheme(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return text != ""
}

// cutQuery cuts "?…" and "#…" from a value.
func cutQuery(text string) string {
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSpace(text)
}

// resources reads Hugo's page resources: the first entry whose name is that of a featured image.
func (f *finder) resources(n *frontmatter.Node) (hit, bool) {
	for _, entry := range n.List {
		if !f.spend(entry) {
			break
		}
		name, src := lookup(entry, "name"), lookup(entry, "src")
		if name == nil || src == nil || src.Value.Kind != frontmatter.String || len(name.Value.Text) > maxKey || !isResourceName(name.Value.Text) || !f.spend(src.Value) {
			continue
		}
		h, ok := f.scalar(src.Value, false)
		if !ok {
			continue
		}
		if strings.ContainsAny(h.raw, globMarks) {
			if h.file, ok = f.match(h.raw); !ok && strings.ContainsAny(h.raw, "*[") {
				continue
			}
		}
		h.field = "[name=" + name.Value.Text + "]." + src.Key
		h.inside = []*frontmatter.Node{entry}
		if params := lookup(entry, "params"); params != nil && params.Value.Kind == frontmatter.Map {
			h.inside = append(h.inside, params.Value)
		}
		h.keys = []string{normal(name.Value.Text)}
		h.entry = true
		return h, true
	}
	return hit{}, false
}

func isResourceName(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return slices.ContainsFunc(resourceNames, func(pattern string) bool {
		ok, _ := path.Match(pattern, name) // the patterns are constants and well-formed
		return ok
	})
}

// A bundleName is a part of file names, with the keys that such a file's words begin with.
type bundleName struct {
	part string
	keys []string
}

// bundleNames are what the image of a page bundle is called, best first.
var bundleNames = []bundleName{
	{"feature", []string{"feature", "featured", "featureimage", "featuredimage"}},
	{"cover", []string{"cover", "coverimage"}},
	{"thumbnail", []string{"thumbnail"}},
}

// isBundleArt reports whether a file name is that of a bundle's image.
func isBundleArt(name string) bool {
	return hasExtension(name, imageExtensions) && slices.ContainsFunc(bundleNames, func(b bundleName) bool {
		return strings.Contains(strings.ToLower(name), b.part)
	})
}

// bundle takes the image from the files beside index.md. Hugo's themes match names without regard to case; a key "feature"
// is such a name or pattern of the author's own (Congo, Blowfish).
func (f *finder) bundle() (hit, bool) {
	if !f.index {
		return hit{}, false
	}
	if own := lookup(f.root, "feature"); own != nil && own.Value.Kind == frontmatter.String {
		if h, ok := f.scalar(own.Value, false); ok {
			if h.file, ok = f.match(h.raw); ok {
				h.field = own.Key
				return f.bundleHit(h, bundleNames[0].part), true
			}
		}
	}
	for _, b := range bundleNames {
		for _, name := range f.art {
			if strings.Contains(strings.ToLower(name), b.part) {
				return f.bundleHit(hit{raw: name, file: name, field: "*" + b.part + "*"}, b.part), true
			}
		}
	}
	return hit{}, false
}

// bundleHit says where the words of a bundle's image stand: beside the names that such files go by, its own first, and in an
// "image" map that names no file (Hugo Blox).
func (f *finder) bundleHit(h hit, part string) hit {
	for _, own := range [...]bool{true, false} {
		for _, b := range bundleNames {
			if (b.part == part) == own {
				h.keys = append(h.keys, b.keys...)
			}
		}
	}
	h.beside = []*frontmatter.Node{f.root}
	if params := valueOf(lookup(f.root, "params")); params != nil {
		h.beside = append(h.beside, params)
	}
	for _, at := range h.beside {
		if pair := lookup(at, "image"); pair != nil && pair.Value.Kind == frontmatter.Map {
			h.inside = append(h.inside, pair.Value)
		}
	}
	return h
}

func valueOf(p *frontmatter.Pair) *frontmatter.Node {
	if p == nil {
		return nil
	}
	return p.Value
}
