package manifest

import (
	"path"
	"reflect"
	"slices"
	"strings"
)

// Split is m as one document per page, by the slash path of the file in a folder: the post's own, with the syntax's extension in place
// of its own, or behind it where two posts differ in that alone.
func Split(m *Manifest, s Syntax) map[string]*Manifest {
	stems := map[string]int{}
	for post := range m.Pages {
		stems[stem(post)]++
	}
	parts := make(map[string]*Manifest, len(m.Pages))
	for post, page := range m.Pages {
		name := stem(post)
		if stems[name] > 1 {
			name = post
		}
		parts[name+s.Ext()] = &Manifest{
			Images: map[string]*Image{page.Image: m.Images[page.Image]},
			Pages:  map[string]Page{post: page},
		}
	}
	return parts
}

func stem(post string) string { return strings.TrimSuffix(post, path.Ext(post)) }

// Join is what parts say together. Of two that say different things of one key or page, as they do where their writing was broken off,
// the earlier is believed.
func Join(parts ...*Manifest) *Manifest {
	all := &Manifest{Images: map[string]*Image{}, Pages: map[string]Page{}}
	for _, part := range parts {
		for key, i := range part.Images {
			if all.Images[key] == nil {
				all.Images[key] = i
			}
		}
		for post, page := range part.Pages {
			if _, known := all.Pages[post]; !known {
				all.Pages[post] = page
			}
		}
	}
	return all
}

// A Change is one difference between two manifests.
type Change struct {
	Image, Page string // the key of the one that differs; the other is ""
	What        string // "is new", "is gone", "has other words"
}

// Diff says, sorted, how after differs from before.
func Diff(before, after *Manifest) []Change {
	var out []Change
	for _, key := range union(before.Images, after.Images) {
		a, b := before.Images[key], after.Images[key]
		switch {
		case a == nil:
			out = append(out, Change{Image: key, What: "is new"})
		case b == nil:
			out = append(out, Change{Image: key, What: "is gone"})
		case a.Recipe != b.Recipe:
			out = append(out, Change{Image: key, What: difference(a, b)})
		}
	}
	for _, post := range union(before.Pages, after.Pages) {
		a, had := before.Pages[post]
		b, has := after.Pages[post]
		switch {
		case !had:
			out = append(out, Change{Page: post, What: "is new"})
		case !has:
			out = append(out, Change{Page: post, What: "is gone"})
		case a != b:
			out = append(out, Change{Page: post, What: "shows another picture"})
		}
	}
	return out
}

// difference is the first thing that a person would name.
func difference(a, b *Image) string {
	switch {
	case a.Source != b.Source:
		return "is another source"
	case a.Original != b.Original:
		return "is another picture"
	case !reflect.DeepEqual(a.Words, b.Words):
		return "has other words"
	}
	return "is made otherwise"
}

func union[V any](a, b map[string]V) []string {
	keys := make([]string, 0, len(a)+len(b))
	for key := range a {
		keys = append(keys, key)
	}
	for key := range b {
		if _, known := a[key]; !known {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
