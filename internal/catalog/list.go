package catalog

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// A listing is what one folder holds for the scan.
type listing struct {
	folders []string
	posts   []string
	odd     []string // pipes, devices and sockets named like posts: never opened, because opening one can block
	art     []string // images named like a bundle's
	links   []string // posts that are symbolic links
}

func (s *scanner) list(dir string) (listing, error) {
	var l listing
	f, err := s.root.Open(dir)
	if err != nil {
		return l, err
	}
	defer f.Close()
	bundle := false
	for {
		entries, err := f.ReadDir(512)
		for _, e := range entries {
			name := e.Name()
			switch {
			case e.IsDir():
				if !s.skips(dir, name) {
					l.folders = append(l.folders, name)
				}
			case editors(name):
			case hasExtension(name, postExtensions):
				if t := e.Type(); t != 0 && t != fs.ModeSymlink {
					l.odd = append(l.odd, name)
					continue
				}
				l.posts = append(l.posts, name)
				if e.Type() != 0 {
					l.links = append(l.links, name)
				}
				bundle = bundle || isIndex(name)
			case s.layout.bundles && isBundleArt(name):
				l.art = append(l.art, name)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return l, err
		}
	}
	slices.SortFunc(l.folders, func(a, b string) int { return strings.Compare(b, a) }) // a stack turns it round
	slices.Sort(l.art)
	if !bundle {
		l.art = nil
	}
	return l, nil
}

// editors reports whether a file is hidden or an editor's own: its lock (".#post.md"), autosave ("#post.md#") or copy
// ("post.md~"). Generators pass those over.
func editors(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~")
}

// isIndex reports whether name is the post of a page bundle: index.md, _index.md, index.de.md.
func isIndex(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	return stem == "index" || stem == "_index"
}
