package prefetch

import (
	"cmp"
	"slices"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// keysOf gives every post of every entry the key in the manifest under which its picture stands, in the order of the entries and of
// their posts.
//
// A key is what the post's front matter has. The first post, by path, of all that have the same there owns it, with its picture
// and its words. One of another source ("cover.jpg" in every page bundle) stands under its source, a path under the site root or
// a URL; one of the same source with other words under the same text, "#" and the entry's ID.
func keysOf(entries []*catalog.Entry) [][]string {
	type use struct{ entry, post int }
	var uses []use
	keys := make([][]string, len(entries))
	for i, e := range entries {
		keys[i] = make([]string, len(e.Posts))
		for p := range e.Posts {
			uses = append(uses, use{i, p})
		}
	}
	slices.SortFunc(uses, func(a, b use) int {
		return cmp.Compare(entries[a.entry].Posts[a.post].Path, entries[b.entry].Posts[b.post].Path)
	})
	owner := map[string]*catalog.Entry{}
	for _, u := range uses {
		raw := entries[u.entry].Posts[u.post].Raw
		if owner[raw] == nil {
			owner[raw] = entries[u.entry]
		}
	}
	for _, u := range uses {
		e := entries[u.entry]
		raw := e.Posts[u.post].Raw
		wishes := []string{raw, e.Source.String(), e.Source.String() + "#" + e.ID}
		if owner[raw].Source == e.Source {
			wishes = []string{raw, raw + "#" + e.ID}
		}
		for {
			key := wishes[0]
			if owner[key] == nil || owner[key] == e {
				owner[key], keys[u.entry][u.post] = e, key
				break
			}
			if wishes = wishes[1:]; len(wishes) == 0 {
				wishes = []string{key + "#" + e.ID} // somebody wrote that very text into another post
			}
		}
	}
	return keys
}
