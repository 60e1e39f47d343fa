//go:build integration

package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/manifest"
)

// checkJekyllPlugin: "jekyll build" alone shows changed words, because the plugin runs prefetch before Jekyll reads the data; what prefetch
// cannot do ends the build.
func checkJekyllPlugin(t *testing.T, g generator, site, cache string) {
	const config = "_config.yml"
	edit(t, filepath.Join(site, config), "prefetch: false", "prefetch: true\n  arguments: [--cache, "+cache+", --allow-private, 127.0.0.0/8]")
	edit(t, filepath.Join(site, g.post(t, site, "figs")), "Drawing by", "Watercolour by")
	out := filepath.Join(t.TempDir(), "out")
	build := func() (string, error) {
		said, err := runIn(t, site, "jekyll", "build", "--disable-disk-cache", "-d", out)
		return string(said), err
	}
	if said, err := build(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	g.checkSite(t, site, &builtSite{dir: out, origin: gazette, base: "/"})
	page, err := os.ReadFile(filepath.Join(out, g.built("figs")))
	if err != nil || !bytes.Contains(page, []byte("Watercolour by")) {
		t.Errorf("changed words are not on the page: %v\n%s", err, page)
	}
	late := filepath.Join(site, "_posts", "2025-06-01-late.md")
	put(t, late, []byte("---\ntitle: Late\nfeatured-image: {path: /images/gone.jpg}\n---\n"))
	if said, err := build(); err == nil || !strings.Contains(said, "gone.jpg") || !strings.Contains(said, "prefetch failed") {
		t.Errorf("a post without its file: %v, want an error of prefetch\n%s", err, said)
	}
	edit(t, filepath.Join(site, config), "cutline:\n", "cutline:\n  command: no-such-program\n")
	if said, err := build(); err == nil || !strings.Contains(said, "no-such-program") {
		t.Errorf("without the program: %v, want an error that names it\n%s", err, said)
	}
	if err := os.Remove(late); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(site, config), "prefetch: true", "prefetch: false")
}

// checkEleventyImg has eleventy-img write the markup of every picture of the manifest.
func checkEleventyImg(t *testing.T, g generator, site, _ string) {
	m := g.manifest(t, site)
	type picture struct {
		Alt     string                     `json:"alt"`
		Formats map[string][]manifest.File `json:"formats"`
	}
	var pictures []picture
	keys := slices.Sorted(maps.Keys(m.Images))
	for _, key := range keys {
		pictures = append(pictures, picture{*m.Images[key].Alt, m.Images[key].Formats})
	}
	var markup []string
	nodeScript(t, "eleventyimg.mjs", pictures, &markup)
	if len(markup) != len(pictures) || len(markup) != len(slugs) {
		t.Fatalf("%d pieces of markup for %d pictures, want %d", len(markup), len(pictures), len(slugs))
	}
	s := &builtSite{dir: site, origin: gazette, base: "/"}
	s.pages(t)
	for k, text := range markup {
		doc, err := html.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		page := &builtPage{site: s, path: "index.html", doc: doc}
		if err := page.check(t); err != nil {
			t.Errorf("%s: %v", keys[k], err)
		}
		if alts := page.attributes("img", "alt"); !slices.Equal(alts, []string{pictures[k].Alt}) {
			t.Errorf("%s: alternative texts %q, want %q", keys[k], alts, pictures[k].Alt)
		}
	}
	g.checkFiles(t, m, s)
}
