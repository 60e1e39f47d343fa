package catalog

import (
	"cmp"
	"fmt"
	"math/bits"
	"path"
	"slices"
	"strings"

	"github.com/dd8bf596/cutline/internal/source"
)

// An index answers the look-ups. Posts are numbered in the order of Catalog.Entries; a name that several posts have leads
// to a list of them.
type index struct {
	byID     map[string]*Entry
	bySource map[source.Source][]*Entry
	uses     []use
	tiers    [3]names // by path, by file name, by slug
	marks    []uint64 // per use: which pairs of letters its names hold, for near
}

type use struct {
	entry *Entry
	post  int32
}

// names maps a name to a post, or, as ^i, to the i-th list of several.
type names struct {
	one  map[string]int32
	many [][]int32
}

func (n *names) add(name string, at int32) {
	if name == "" {
		return
	}
	if n.one == nil {
		n.one = map[string]int32{}
	}
	old, ok := n.one[name]
	switch {
	case !ok:
		n.one[name] = at
	case old >= 0 && old != at:
		n.many = append(n.many, []int32{old, at})
		n.one[name] = ^int32(len(n.many) - 1) //nolint:gosec // fewer than posts
	case old < 0 && !slices.Contains(n.many[^old], at):
		n.many[^old] = append(n.many[^old], at)
	}
}

func (n *names) get(name string) []int32 {
	at, ok := n.one[name]
	switch {
	case !ok:
		return nil
	case at < 0:
		return n.many[^at]
	}
	return []int32{at}
}

// index makes the index once, so that a Catalog written out by hand answers as well as a scanned one.
func (c *Catalog) index() *index {
	c.once.Do(func() {
		x := &index{byID: make(map[string]*Entry, len(c.Entries)), bySource: make(map[source.Source][]*Entry, len(c.Entries))}
		for _, e := range c.Entries {
			x.byID[e.ID] = e
			x.bySource[e.Source] = append(x.bySource[e.Source], e)
			for i := range e.Posts {
				x.add(e, i)
			}
		}
		c.names = x
	})
	return c.names
}

func (x *index) add(e *Entry, i int) {
	p, at := &e.Posts[i], int32(len(x.uses))  //nolint:gosec // fewer than files on a disk
	x.uses = append(x.uses, use{e, int32(i)}) //nolint:gosec // as above
	whole, file := p.Path, p.Slug             // of a post in an export, which no file's name is like
	if p.Export == "" {
		whole, file = strings.TrimSuffix(p.Path, path.Ext(p.Path)), fileName(p.Path)
		if isIndex(path.Base(p.Path)) {
			x.tiers[0].add(strings.TrimPrefix(path.Dir(p.Path), "."), at)
		}
	}
	x.tiers[0].add(whole, at)
	x.tiers[1].add(file, at)
	x.tiers[2].add(p.Slug, at)
	x.tiers[2].add(withoutDate(file), at)
	x.marks = append(x.marks, marks(whole)|marks(p.Slug))
}

// ByID returns the entry with that ID.
func (c *Catalog) ByID(id string) (*Entry, bool) {
	e, ok := c.index().byID[id]
	return e, ok
}

// BySource returns the entries that show src; usually one. Nobody may modify the slice.
func (c *Catalog) BySource(src source.Source) []*Entry { return c.index().bySource[src] }

// ByPath returns the entries whose picture is the file at a path under the site root, or at one under a folder that the site's
// generator publishes there: "/images/fox.jpg" is Hugo's static/images/fox.jpg. Nobody may modify the slice.
func (c *Catalog) ByPath(name string) []*Entry {
	for _, folder := range append([]string{""}, c.public...) {
		src, err := source.Local(folder + "/" + name)
		if err != nil {
			return nil
		}
		if found := c.BySource(src); found != nil {
			return found
		}
	}
	return nil
}

// ByPost returns the entry that a post shows. name is one of, in this order,
//
//	_posts/2023-09-18-kim   the path under the site root, without extension or with it
//	2023-09-18-kim          the file name without extension; of an index file, its folder's
//	kim                     the slug
//
// where it names one post. It returns ErrUnknownPost with the nearest names, or ErrAmbiguousPost with the paths to choose
// from.
func (c *Catalog) ByPost(name string) (*Entry, *Post, error) {
	x := c.index()
	name = strings.Trim(name, "/")
	for i := range x.tiers {
		found := x.tiers[i].get(name)
		switch len(found) {
		case 0:
		case 1:
			u := x.uses[found[0]]
			return u.entry, &u.entry.Posts[u.post], nil
		default:
			return nil, nil, fmt.Errorf("post %q: %w: %s", name, ErrAmbiguousPost, x.paths(found))
		}
	}
	if hasExtension(name, postExtensions) {
		for _, at := range x.tiers[0].get(strings.TrimSuffix(name, path.Ext(name))) {
			u := x.uses[at]
			if p := &u.entry.Posts[u.post]; p.Path == name {
				return u.entry, p, nil
			}
		}
	}
	if near := x.near(name); near != "" {
		return nil, nil, fmt.Errorf("post %q: %w; near it: %s", name, ErrUnknownPost, near)
	}
	return nil, nil, fmt.Errorf("post %q: %w", name, ErrUnknownPost)
}

// maxNames bounds the names in one message.
const maxNames = 5

// paths lists posts by what names each of them alone.
func (x *index) paths(found []int32) string {
	var names []string
	for _, at := range found {
		u := x.uses[at]
		p := u.entry.Posts[u.post].Path
		if without := strings.TrimSuffix(p, path.Ext(p)); len(x.tiers[0].get(without)) == 1 {
			p = without
		}
		names = append(names, p)
	}
	slices.Sort(names)
	if len(names) > maxNames {
		names = append(names[:maxNames], fmt.Sprintf("and %d more", len(names)-maxNames))
	}
	return strings.Join(names, ", ")
}

// near lists up to five slugs like name. Anybody may ask for unknown posts as often as they like, so the answer must be
// cheap: one pass over a word of marks per post picks 32 candidates, and only these are compared letter by letter.
func (x *index) near(name string) string {
	const candidates = 32
	if len(name) > 200 {
		name = name[:200]
	}
	want := marks(name)
	type candidate struct{ at, score int }
	var best []candidate
	for at, have := range x.marks {
		score := 2*bits.OnesCount64(want&have) - bits.OnesCount64(want^have)/2
		if score <= 0 || len(best) == candidates && score <= best[len(best)-1].score {
			continue
		}
		if len(best) == candidates {
			best = best[:len(best)-1]
		}
		i, _ := slices.BinarySearchFunc(best, score, func(c candidate, s int) int {
			if c.score >= s {
				return -1
			}
			return 1
		})
		best = slices.Insert(best, i, candidate{at, score})
	}
	type named struct {
		slug     string
		distance int
	}
	var close []named
	for _, c := range best {
		u := x.uses[c.at]
		p := u.entry.Posts[u.post]
		d := min(distance(name, p.Slug), distance(name, fileName(p.Path)))
		if strings.Contains(p.Slug, name) || d <= max(len(name), len(p.Slug))/2 {
			close = append(close, named{p.Slug, d})
		}
	}
	slices.SortFunc(close, func(a, b named) int { return cmp.Or(a.distance-b.distance, strings.Compare(a.slug, b.slug)) })
	close = slices.CompactFunc(close, func(a, b named) bool { return a.slug == b.slug })
	var slugs []string
	for _, c := range close[:min(len(close), maxNames)] {
		slugs = append(slugs, c.slug)
	}
	return strings.Join(slugs, ", ")
}

// marks has a bit for each pair of neighbouring letters in text, folded into 64.
func marks(text string) (m uint64) {
	for i := 0; i+1 < len(text); i++ {
		m |= 1 << ((uint(text[i]|0x20)*31 + uint(text[i+1]|0x20)) & 63)
	}
	return m
}

// distance is the number of bytes to insert, delete or change that turns a into b (Levenshtein); texts are cut at 200.
func distance(a, b string) int {
	a, b = a[:min(len(a), 200)], b[:min(len(b), 200)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
