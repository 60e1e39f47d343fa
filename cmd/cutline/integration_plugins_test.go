//go:build integration

package main

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/manifest"
)

// generatorNamed is one of generators.
func generatorNamed(t *testing.T, name string) generator {
	t.Helper()
	for _, g := range generators {
		if g.name == name {
			return g
		}
	}
	t.Fatalf("no generator %s", name)
	return generator{}
}

// TestIntegrationGeneratorsJekyllPlugin builds Jekyll's example site by "jekyll build" alone: the plugin runs prefetch before Jekyll reads
// the data, and what prefetch cannot do ends the build.
func TestIntegrationGeneratorsJekyllPlugin(t *testing.T) {
	g, origin, cache := generatorNamed(t, "jekyll"), clockOrigin(t), t.TempDir()
	site := g.copySite(t, origin.URL(""))
	edit(t, filepath.Join(site, "_config.yml"), "prefetch: false", "prefetch: true\n  arguments: [--cache, "+cache+", --allow-private, 127.0.0.0/8]\n")
	out := filepath.Join(t.TempDir(), "out")
	build := func() (string, error) {
		said, err := run(t, site, "jekyll", "build", "--disable-disk-cache", "-d", out)
		return string(said), err
	}
	if said, err := build(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	g.checkSite(t, site, &builtSite{dir: out, origin: gazette, base: "/"})
	put(t, filepath.Join(site, "_posts", "2025-06-01-late.md"), []byte("---\ntitle: Late\nfeatured-image: {path: /images/gone.jpg}\n---\n"))
	if said, err := build(); err == nil || !strings.Contains(said, "gone.jpg") || !strings.Contains(said, "prefetch failed") {
		t.Errorf("a post without its file: %v, want an error of prefetch\n%s", err, said)
	}
	edit(t, filepath.Join(site, "_config.yml"), "cutline:\n", "cutline:\n  command: no-such-program\n")
	if said, err := build(); err == nil || !strings.Contains(said, "no-such-program") {
		t.Errorf("without the program: %v, want an error that names it\n%s", err, said)
	}
}

// TestIntegrationGeneratorsEleventyImg has eleventy-img write the markup of every picture of a manifest.
func TestIntegrationGeneratorsEleventyImg(t *testing.T) {
	g, origin := generatorNamed(t, "eleventy"), clockOrigin(t)
	site := g.copySite(t, origin.URL(""))
	g.mustPrefetch(t, site, t.TempDir())
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
		doc, err := html.Parse(bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		page := &builtPage{site: s, path: "index.html", doc: doc}
		if err := page.check(t); err != nil {
			t.Errorf("%s: %v", keys[k], err)
		}
		if !strings.Contains(text, "<picture>") || !strings.Contains(text, fmt.Sprintf(`alt="%s"`, pictures[k].Alt)) && pictures[k].Alt == "" {
			t.Errorf("%s: %s", keys[k], text)
		}
	}
	g.checkFiles(t, m, s)
}
