//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// A builtSite is a folder that a generator has written, published at origin + base, as "https://gazette.example" and "/news/".
type builtSite struct {
	dir, origin, base string
	words             map[string]caption.Words // of the posts' pictures, by ID
	transparent       map[string]bool          // of them
	sheet             bool                     // placeholders are in a style sheet, not in attributes
	tr                *transform.Transformer

	probed map[string]transform.Info // files that were decoded, by path
	shown  map[string]bool           // files that a page asks for, by path
}

// A builtPage is one page of a builtSite.
type builtPage struct {
	site *builtSite
	path string // under dir
	doc  *html.Node
	ids  []string // of its figures
}

// pages reads all pages of the site, by path.
func (s *builtSite) pages(t *testing.T) map[string]*builtPage {
	t.Helper()
	s.tr = transform.New(goengine.New(), transform.Options{Timeout: time.Minute})
	t.Cleanup(func() {
		if err := s.tr.Close(); err != nil {
			t.Error(err)
		}
	})
	s.probed, s.shown = map[string]transform.Info{}, map[string]bool{}
	pages := map[string]*builtPage{}
	err := fs.WalkDir(os.DirFS(s.dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".html" {
			return err
		}
		body, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			return err
		}
		doc, err := html.Parse(bytes.NewReader(body))
		pages[name] = &builtPage{site: s, path: name, doc: doc}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// check reports the first thing on the page that is not as its manifest and its posts say.
func (p *builtPage) check(t *testing.T) error {
	heroes := 0
	for n := range p.doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		var err error
		switch n.Data {
		case "a", "link":
			err = p.checkLink(attributeOf(n, "href"))
		case "meta":
			if slices.Contains([]string{"og:image", "twitter:image"}, attributeOf(n, "property")+attributeOf(n, "name")) {
				_, err = p.absolute(t, attributeOf(n, "content"))
			}
		case "script":
			err = p.checkJSONLD(t, n)
		case "figure":
			p.ids = append(p.ids, attributeOf(n, "data-cutline"))
			err = p.checkFigure(n)
		case "picture":
			err = p.checkPicture(t, n)
		case "img":
			if attributeOf(n, "fetchpriority") == "high" {
				heroes++
			} else if strings.HasPrefix(attributeOf(n, "src"), "/") && attributeOf(n, "loading") != "lazy" {
				err = fmt.Errorf("a picture is neither the hero nor lazy")
			}
			if err == nil && n.Parent.Data != "picture" {
				err = p.checkImage(t, n)
			}
		}
		if err != nil {
			var out bytes.Buffer
			_ = html.Render(&out, n) // a Buffer takes all
			return fmt.Errorf("%s: %w\nin %s", p.path, err, &out)
		}
	}
	if heroes > 1 {
		return fmt.Errorf("%s: %d pictures with a high priority, want one", p.path, heroes)
	}
	return nil
}

// attributes are those of that name of all elements of that name.
func (p *builtPage) attributes(element, name string) (list []string) {
	for n := range p.doc.Descendants() {
		if n.Data == element {
			list = append(list, attributeOf(n, name))
		}
	}
	return list
}

// file is the file under the site's folder that a URL of the page leads to; "" is one of another site.
func (p *builtPage) file(ref string) (string, error) {
	s := p.site
	u, err := url.Parse(ref)
	if err != nil {
		return "", err
	}
	if u.IsAbs() && !strings.HasPrefix(ref, s.origin+"/") {
		return "", nil
	}
	page := &url.URL{Path: s.base + strings.TrimSuffix(p.path, "index.html")}
	name, ok := strings.CutPrefix(page.ResolveReference(&url.URL{Path: u.Path}).Path, s.base)
	if !ok {
		return "", fmt.Errorf("%s is outside of %s", ref, s.base)
	}
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	_, err = os.Stat(filepath.Join(s.dir, name))
	return name, err
}

// checkLink follows a link within the site, and knows the others: those that the posts' words and the sites' heads have.
func (p *builtPage) checkLink(ref string) error {
	name, err := p.file(ref)
	if err != nil || name != "" || strings.HasPrefix(ref, "data:") {
		return err
	}
	for _, known := range []string{"https://example.org/", "https://creativecommons.org/"} {
		if strings.HasPrefix(ref, known) {
			return nil
		}
	}
	return fmt.Errorf("a link to %s, which no post has", ref)
}

// picture decodes the picture at a URL of the page.
func (p *builtPage) picture(t *testing.T, ref string) (transform.Info, error) {
	name, err := p.file(ref)
	if err != nil || name == "" {
		return transform.Info{}, fmt.Errorf("%s is no file of the site: %w", ref, err)
	}
	p.site.shown[name] = true
	if info, done := p.site.probed[name]; done {
		return info, nil
	}
	body, err := os.ReadFile(filepath.Join(p.site.dir, name))
	if err != nil {
		return transform.Info{}, err
	}
	info, err := p.site.tr.Probe(body)
	if err != nil {
		return info, fmt.Errorf("%s: %w", ref, err)
	}
	if ext := "." + info.Format.Ext(); path.Ext(name) != ext {
		return info, fmt.Errorf("%s is %s", ref, info.Format)
	}
	small := transform.Spec{Width: 24, Format: transform.PNG}.Resolve(info.Width, info.Height, 0, 0)
	if _, err := p.site.tr.Transform(t.Context(), body, []transform.Spec{small}); err != nil {
		return info, fmt.Errorf("decode %s: %w", ref, err)
	}
	p.site.probed[name] = info
	return info, nil
}

// absolute is the picture at a URL that crawlers get.
func (p *builtPage) absolute(t *testing.T, ref string) (transform.Info, error) {
	if !strings.HasPrefix(ref, p.site.origin+p.site.base) {
		return transform.Info{}, fmt.Errorf("%s: want an absolute URL of the site", ref)
	}
	return p.picture(t, ref)
}

// checkCandidates holds each picture of a srcset against the width and the type that it is promised to have, and reports the largest.
func (p *builtPage) checkCandidates(t *testing.T, srcset, mime string) (largest transform.Info, err error) {
	for entry := range strings.SplitSeq(srcset, ", ") {
		ref, descriptor, described := strings.Cut(entry, " ")
		info, err := p.picture(t, ref)
		if err != nil {
			return info, err
		}
		if mime != "" && info.Format.MIME() != mime {
			return info, fmt.Errorf("%s is %s, want %s", ref, info.Format.MIME(), mime)
		}
		if described && descriptor != strconv.Itoa(info.Width)+"w" {
			return info, fmt.Errorf("%s is %d pixels wide, want %s", ref, info.Width, descriptor)
		}
		if info.Width <= largest.Width {
			return info, fmt.Errorf("srcset %s does not ascend", srcset)
		}
		largest = info
	}
	return largest, nil
}

// checkPicture: all sources of a picture element have one shape and different types.
func (p *builtPage) checkPicture(t *testing.T, n *html.Node) error {
	types := map[string]bool{}
	var last transform.Info
	for c := range n.ChildNodes() {
		if c.Type != html.ElementNode || c.Data != "source" {
			continue
		}
		mime := attributeOf(c, "type")
		if types[mime] || mime == "" {
			return fmt.Errorf("source of type %q", mime)
		}
		types[mime] = true
		largest, err := p.checkCandidates(t, attributeOf(c, "srcset"), mime)
		if err != nil {
			return err
		}
		if strings.Contains(attributeOf(c, "srcset"), " ") && attributeOf(c, "sizes") == "" {
			return fmt.Errorf("source of type %s has widths and no sizes", mime)
		}
		last = largest
	}
	if !types["image/avif"] || !types["image/webp"] || len(types) != 2 {
		return fmt.Errorf("sources of types %v, want AVIF and WebP", types)
	}
	img := n.LastChild
	for img != nil && img.Type != html.ElementNode {
		img = img.PrevSibling
	}
	if img == nil || img.Data != "img" {
		return fmt.Errorf("no img at the end of the picture")
	}
	if w := attributeOf(img, "width"); w != strconv.Itoa(last.Width) {
		return fmt.Errorf("width %s, and sources of %d pixels", w, last.Width)
	}
	return p.checkImage(t, img)
}

// checkImage holds an img against its files. One of a data: URI has none.
func (p *builtPage) checkImage(t *testing.T, n *html.Node) error {
	src, srcset := attributeOf(n, "src"), attributeOf(n, "srcset")
	if !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "alt" }) {
		return fmt.Errorf("no alternative text")
	}
	if strings.HasPrefix(src, "data:") {
		return nil
	}
	largest, err := p.picture(t, src)
	if err != nil {
		return err
	}
	if largest.Format != transform.JPEG && largest.Format != transform.PNG {
		return fmt.Errorf("src is %s, which not every browser reads", largest.Format)
	}
	if srcset != "" {
		if largest, err = p.checkCandidates(t, srcset, largest.Format.MIME()); err != nil {
			return err
		}
		if attributeOf(n, "sizes") == "" {
			return fmt.Errorf("widths and no sizes")
		}
	}
	if w, h := attributeOf(n, "width"), attributeOf(n, "height"); w != strconv.Itoa(largest.Width) || h != strconv.Itoa(largest.Height) {
		return fmt.Errorf("%s × %s, and the largest file has %d × %d", w, h, largest.Width, largest.Height)
	}
	return nil
}

// checkFigure holds a figure's words against its picture's.
func (p *builtPage) checkFigure(n *html.Node) error {
	id := attributeOf(n, "data-cutline")
	w, known := p.site.words[id]
	if !known {
		return fmt.Errorf("no post's picture has the ID %q", id)
	}
	var img, figcaption *html.Node
	for c := range n.Descendants() {
		switch c.Data {
		case "img":
			img = c
		case "figcaption":
			figcaption = c
		}
	}
	if img == nil {
		return fmt.Errorf("a figure without a picture")
	}
	if alt := attributeOf(img, "alt"); alt != w.Alt && alt != "The pad at dusk" { // which Markdown says
		return fmt.Errorf("alt %q, want %q", alt, w.Alt)
	}
	if style := attributeOf(img, "style"); (style == "") != (p.site.sheet || p.site.transparent[id]) {
		return fmt.Errorf("style %q of a picture that is transparent: %v, in a style sheet: %v", style, p.site.transparent[id], p.site.sheet)
	}
	if figcaption == nil {
		return nil // a template may leave it away; the pages of posts are looked at for it
	}
	if _, err := captionParts(figcaption); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := html.Render(&out, n); err != nil {
		return err
	}
	w.Alt = attributeOf(img, "alt")
	return shows(out.Bytes(), w)
}

// checkJSONLD: the ImageObject of a page is at an address that the page shows.
func (p *builtPage) checkJSONLD(t *testing.T, n *html.Node) error {
	if attributeOf(n, "type") != "application/ld+json" {
		return fmt.Errorf("a script")
	}
	var ld struct {
		Context    string `json:"@context"`
		Type       string `json:"@type"`
		ContentURL string `json:"contentUrl"`
	}
	if err := json.Unmarshal([]byte(n.FirstChild.Data), &ld); err != nil {
		return err
	}
	if ld.Context != "https://schema.org/" || ld.Type != "ImageObject" {
		return fmt.Errorf("%s of %s, want an ImageObject", ld.Type, ld.Context)
	}
	_, err := p.absolute(t, ld.ContentURL)
	return err
}
