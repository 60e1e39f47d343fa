package docs

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxTestdata bounds the example site and all fixtures, in bytes: every clone carries them for ever.
const maxTestdata = 10_000_000

// maxKeys bounds the configuration: what has more keys has no defaults that can be trusted (ADR 0003).
const maxKeys = 30

func TestTopLevel(t *testing.T) {
	allowed := []string{
		"cmd", "proxy", "cache", "internal", "testdata", "Dockerfile", "go.mod", "go.sum", "README.md", "LICENSE", "SECURITY.md", "CHANGELOG.md", "Makefile",
		"cutline", "dist", // built, and ignored by git
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		built := slices.Contains([]string{".out", ".prof", ".test"}, path.Ext(name))
		if !strings.HasPrefix(name, ".") && !built && !slices.Contains(allowed, name) {
			t.Errorf("%s: not expected at the top level", name)
		}
	}
}

func TestDecisions(t *testing.T) {
	entries, err := os.ReadDir("adr")
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		if want := fmt.Sprintf("%04d-", i+1); !strings.HasPrefix(e.Name(), want) {
			t.Errorf("adr/%s: expected number %s", e.Name(), want)
		}
		text, err := os.ReadFile(filepath.Join("adr", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"\nDate: ", "\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Alternatives\n", "\n## Consequences\n"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("adr/%s: no %q", e.Name(), strings.TrimSpace(part))
			}
		}
	}
}

// TestLinks follows every relative link of every document to a file or folder that exists.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)
	docs := []string{"README.md", "CHANGELOG.md", "testdata/PROVENANCE.md"}
	for _, folder := range []string{".", "jekyll", "hugo", "eleventy", "astro"} {
		docs = append(docs, path.Join("testdata/generators", folder, "README.md"))
	}
	own, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob("adr/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(own, decisions) {
		docs = append(docs, path.Join("internal/docs", filepath.ToSlash(name)))
	}
	for _, doc := range docs {
		text, err := os.ReadFile(filepath.Join(root, doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, path.Dir(doc), m[1])); err != nil {
				t.Errorf("%s: link to %s: %v", doc, m[1], err)
			}
		}
	}
}

// TestKeys holds the README's table of configuration keys against the program's.
func TestKeys(t *testing.T) {
	code, err := os.ReadFile(filepath.Join(root, "cmd", "cutline", "settings.go"))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\s+\{"([a-z_.]+)", "`).FindAllStringSubmatch(string(code), -1)
	if len(rows) < 10 {
		t.Fatalf("found %d keys in settings.go: this test no longer reads its table", len(rows))
	}
	if len(rows) > maxKeys {
		t.Errorf("%d keys: expected at most %d", len(rows), maxKeys)
	}
	for _, row := range rows {
		if !strings.Contains(string(readme), "`"+row[1]+"`") {
			t.Errorf("README.md: no row for the key %s", row[1])
		}
	}
}

// TestTemplatesShareFiles: what one folder of testdata/generators has from another is the same file, so that each can be copied alone.
func TestTemplatesShareFiles(t *testing.T) {
	for _, same := range [][]string{
		{"testdata/generators/eleventy/cutline/cutline.mjs", "testdata/generators/astro/src/cutline/cutline.mjs"},
		{
			"testdata/generators/jekyll/site.css", "testdata/generators/hugo/static/site.css",
			"testdata/generators/eleventy/site.css", "testdata/generators/astro/public/site.css",
		},
		{
			"testdata/site/assets/images/falcon-9-dscovr.jpg", "testdata/generators/jekyll/images/launch.jpg", "testdata/generators/hugo/static/images/launch.jpg",
			"testdata/generators/eleventy/images/launch.jpg", "testdata/generators/astro/public/images/launch.jpg",
		},
		{
			"testdata/golden/goengine/alpha.png", "testdata/generators/jekyll/images/fig/fig.png", "testdata/generators/hugo/content/posts/figs/fig.png",
			"testdata/generators/eleventy/posts/figs/fig.png", "testdata/generators/astro/src/content/posts/figs/fig.png",
		},
	} {
		want, err := os.ReadFile(filepath.Join(root, same[0]))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range same[1:] {
			if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not %s: %v", name, same[0], err)
			}
		}
	}
}

// TestProvenance holds every picture of the example site against PROVENANCE.md, and all of testdata against its bound.
func TestProvenance(t *testing.T) {
	listed, err := os.ReadFile(filepath.Join(root, "testdata", "PROVENANCE.md"))
	if err != nil {
		t.Fatal(err)
	}
	pictures := []string{".jpg", ".png", ".webp", ".gif", ".avif"}
	var total int64
	seen := 0
	err = fs.WalkDir(os.DirFS(filepath.Join(root, "testdata")), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		rel, inSite := strings.CutPrefix(name, "site/")
		if !inSite || !slices.Contains(pictures, path.Ext(name)) {
			return nil
		}
		seen++
		if !strings.Contains(string(listed), "`"+rel+"`") {
			t.Errorf("testdata/%s: not in PROVENANCE.md: who took it, and under which licence?", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no picture under testdata/site")
	}
	if total > maxTestdata {
		t.Errorf("testdata holds %d bytes: expected at most %d", total, maxTestdata)
	}
}
