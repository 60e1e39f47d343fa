package catalog

import (
	"path"
	"slices"
	"strings"
)

// globMarks are the characters that make a page resource's src a pattern to Hugo.
const globMarks = "*?[{"

// maxPattern bounds a pattern in bytes, and maxAlternatives what its braces may spell out: a pattern is compared with every
// name of a folder.
const (
	maxPattern      = 256
	maxAlternatives = 16
)

// match returns the first image in the post's folder that a page resource's pattern matches, as Hugo matches it: without
// regard to case, "**" for anything, "{a,b}" for either.
func (f *finder) match(pattern string) (string, bool) {
	if len(pattern) > maxPattern || strings.Contains(pattern, "//") {
		return "", false // an address
	}
	sub, base := path.Split(pattern)
	if strings.ContainsAny(sub, globMarks) {
		sub = ""
	}
	bases := alternatives(strings.ToLower(strings.ReplaceAll(base, "**", "*")))
	f.volatile = true
	names := f.s.folders.folder(f.s.root, path.Join(f.dir, sub)).names
	if f.work > maxWork {
		return "", false
	}
	f.work += len(names) * len(bases)
	for _, name := range names {
		matches := func(base string) bool {
			ok, err := path.Match(base, strings.ToLower(name))
			return err == nil && ok
		}
		if hasExtension(name, imageExtensions) && slices.ContainsFunc(bases, matches) {
			return path.Join(sub, name), true
		}
	}
	return "", false
}

// alternatives spells the braces of a pattern out, innermost first: "a.{jpg,png}" is "a.jpg" and "a.png". Braces that are
// not closed, or that stand for too much, are themselves.
func alternatives(pattern string) []string {
	done, open := []string{}, []string{pattern}
	for len(open) > 0 {
		each := open[0]
		open = open[1:]
		end := strings.IndexByte(each, '}')
		begin := strings.LastIndexByte(each[:max(end, 0)], '{')
		if begin < 0 {
			done = append(done, each)
			continue
		}
		words := strings.Split(each[begin+1:end], ",")
		if len(done)+len(open)+len(words) > maxAlternatives {
			return []string{pattern}
		}
		for _, word := range words {
			open = append(open, each[:begin]+word+each[end+1:])
		}
	}
	return done
}
