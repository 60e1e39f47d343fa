package main

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A place is where prefetch puts things in the sites of one generator, under the site root.
type place struct {
	layout string
	out    string   // the folder of files
	data   string   // the manifest
	public []string // folders whose content the generator publishes at the site's root
}

// places has every layout of catalog. All of them have the manifest where the generator reads data, and the files where it copies them
// from; Eleventy has to be told to (addPassthroughCopy).
var places = [...]place{
	{"jekyll", "assets/cutline", "_data/cutline.json", nil},
	{"hugo", "static/cutline", "data/cutline.json", []string{"static"}},
	{"eleventy", "assets/cutline", "_data/cutline.json", []string{"public", "static"}},
	{"astro", "public/cutline", "src/data/cutline.json", []string{"public"}},
	{"zola", "static/cutline", "data/cutline.json", []string{"static"}},
	{"hexo", "source/cutline", "source/_data/cutline.json", []string{"source"}},
	{"plain", "cutline", "cutline.json", []string{"static", "public"}},
}

// placesTable is places for --help.
func placesTable() string {
	var b strings.Builder
	for _, p := range places {
		fmt.Fprintf(&b, "  %-10s%-18s%s\n", p.layout, p.out, p.data)
	}
	return b.String()
}

// A target is where one run puts things.
type target struct {
	out, data string // paths of this machine
	under     string // out under the site root, a slash path with "/" at its end; "" where it is elsewhere
	url       string // what stands before a file's name, with "/" at its end
}

// places are the target of a run: what the flags name, relative to the current folder, else the layout's, in the site in dir.
func (o *prefetchOptions) places(dir, layout string) (target, error) {
	i := slices.IndexFunc(places[:], func(p place) bool { return p.layout == layout })
	p := places[max(i, 0)]
	t := target{out: o.out, data: o.data}
	if t.out == "" {
		t.out = filepath.Join(dir, filepath.FromSlash(p.out))
	}
	if t.data == "" {
		t.data = filepath.Join(dir, filepath.FromSlash(p.data))
	}
	t.under = placeUnder(dir, t.out)
	var err error
	if t.url, err = o.urlOf(p, t.under); err != nil {
		return target{}, fmt.Errorf("--url: %w", err)
	}
	return t, nil
}

// placeUnder is folder under dir as a slash path with "/" at its end; "" where it is elsewhere, or dir itself.
func placeUnder(dir, folder string) string {
	base, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	abs, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	if under, ok := below(base, abs); ok && under != "" {
		return under + "/"
	}
	return ""
}

// urlOf is --url, or where the generator publishes what is in the folder under; "/cutline/" where that is not in the site.
func (o *prefetchOptions) urlOf(p place, under string) (string, error) {
	prefix := o.url
	switch {
	case prefix != "":
	case under == "":
		prefix = "/cutline/"
	default:
		for _, public := range p.public {
			if rest, ok := strings.CutPrefix(under, public+"/"); ok {
				under = rest
				break
			}
		}
		prefix = (&url.URL{Path: "/" + under}).EscapedPath()
	}
	return checkPrefix(prefix)
}

// checkPrefix reads what stands before file names: a path from the root, or an http(s) URL.
func checkPrefix(text string) (string, error) {
	wrong := fmt.Errorf("expected a path such as /cutline/ or an http(s) URL, in ASCII, without query (got %q)", maskPasswords(text))
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>\^{|}`+"`,", r) }) {
		return "", wrong
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		return "", wrong
	case u.Scheme == "" && u.Host == "" && path.IsAbs(u.Path), isHTTP(u):
	default:
		return "", wrong
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return "", errors.New("expected a plain path, without dots for folders")
		}
	}
	return strings.TrimSuffix(text, "/") + "/", nil
}
