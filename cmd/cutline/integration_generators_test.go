//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/manifest"
)

// TestIntegrationGenerators needs what ".ci/integration generators" prepares: jekyll, hugo and a node that Astro runs on in the PATH, and
// npm's packages in CUTLINE_WORK/generators/node_modules.

// A generator is one whose example site is testdata/generators/NAME.
type generator struct {
	name      string
	out, data string // where prefetch puts files and manifest
	posts     string // the folder of posts
	built     func(slug string) string
	build     func(t *testing.T, site, out, base string) ([]byte, error)
	// change is what has the site's placeholders in a style sheet: by file, what stands there and what is to.
	change map[string][2]string
	// lenient is what has the site built although the manifest lacks a picture, in the same way, after change.
	lenient map[string][2]string
	// also is what else the generator has; it leaves the site as it was but for the words of figs.
	also func(t *testing.T, g generator, site, cache string)
}

// gazette is where the example sites say that they are published.
const gazette = "https://gazette.example"

// slugs are the example posts that show a picture. council-notes is the one without.
var slugs = []string{"a-buoy-in-deep-space", "figs", "ten-years-on", "the-clock-that-stopped"}

var generators = []generator{
	{
		name: "jekyll", out: "assets/cutline", data: "_data/cutline.json", posts: "_posts",
		built: func(slug string) string {
			years := map[string]string{"a-buoy-in-deep-space": "2015/"}
			if year, ok := years[slug]; ok {
				return year + slug + "/index.html"
			}
			return "2025/" + slug + "/index.html"
		},
		build: func(t *testing.T, site, out, base string) ([]byte, error) {
			return offline(t, site, "jekyll", "build", "--disable-disk-cache", "--baseurl", strings.TrimSuffix(base, "/"), "-d", out)
		},
		change:  map[string][2]string{"_config.yml": {"placeholder: style", "placeholder: sheet"}},
		lenient: map[string][2]string{"_config.yml": {"missing: error", "missing: plain"}},
		also:    checkJekyllPlugin,
	},
	{
		name: "hugo", out: "static/cutline", data: "data/cutline.json", posts: "content/posts",
		built: func(slug string) string { return "posts/" + slug + "/index.html" },
		build: func(t *testing.T, site, out, base string) ([]byte, error) {
			return offline(t, site, "hugo", "--baseURL", gazette+base, "-d", out)
		},
		change:  map[string][2]string{"hugo.toml": {`placeholder = "style"`, `placeholder = "sheet"`}},
		lenient: map[string][2]string{"hugo.toml": {`missing = "error"`, `missing = "warning"`}},
	},
	{
		name: "eleventy", out: "assets/cutline", data: "_data/cutline.json", posts: "posts",
		built: func(slug string) string { return "posts/" + slug + "/index.html" },
		build: func(t *testing.T, site, out, base string) ([]byte, error) {
			return offline(t, site, "node", "node_modules/@11ty/eleventy/cmd.cjs", "--output="+out, "--pathprefix="+base)
		},
		change:  map[string][2]string{"eleventy.config.mjs": {"{ site:", `{ placeholder: "sheet", site:`}},
		lenient: map[string][2]string{"eleventy.config.mjs": {"{ placeholder:", `{ missing: "warning", placeholder:`}},
		also:    checkEleventyImg,
	},
	{
		name: "astro", out: "public/cutline", data: "src/data/cutline.json", posts: "src/content/posts",
		built: func(slug string) string { return "posts/" + slug + "/index.html" },
		build: func(t *testing.T, site, out, base string) ([]byte, error) {
			return offline(t, site, "node", "node_modules/astro/bin/astro.mjs", "build", "--outDir", out, "--base", base)
		},
		change: map[string][2]string{
			"src/pages/index.astro":           {"<Cutline ", `<Cutline placeholder="sheet" `},
			"src/pages/posts/[...slug].astro": {"<Cutline ", `<Cutline placeholder="sheet" `},
		},
		lenient: map[string][2]string{
			"src/pages/index.astro":           {"post={post}", `missing="warning" post={post}`},
			"src/pages/posts/[...slug].astro": {"post={post}", `missing="warning" post={post}`},
		},
	},
}

// offline runs a program of a site in a network namespace of its own, which has no network at all.
func offline(t *testing.T, site, name string, args ...string) ([]byte, error) {
	t.Helper()
	return runIn(t, site, "unshare", append([]string{"--map-root-user", "--net", name}, args...)...)
}

// runIn runs a program of a site, and returns all that it says.
func runIn(t *testing.T, site, name string, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = site
	cmd.Env = append(settingsEnv(), "ASTRO_TELEMETRY_DISABLED=1", "LC_ALL=C.UTF-8")
	return cmd.CombinedOutput()
}

// copySite is a copy of g's example site, whose picture of another site is at origin.
func (g generator) copySite(t *testing.T, origin string) string {
	t.Helper()
	site := t.TempDir()
	from := os.DirFS(filepath.Join("..", "..", "testdata", "generators", g.name))
	err := fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == "node_modules" || name == g.data || name == g.out { // what somebody has made there
			return errors.Join(err, skipOf(e))
		}
		if e.IsDir() {
			return nil
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		switch {
		case path.Ext(name) == ".md":
			body = bytes.ReplaceAll(body, []byte("https://images.example.org"), []byte(origin))
		case name == configName: // a machine that does other things too takes longer
			body = append(body, "limits: {timeout: 1m}\n"...)
		}
		put(t, filepath.Join(site, name), body)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(work(t, "generators", "node_modules"), filepath.Join(site, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return site
}

// skipOf leaves a folder out; a file is left out by itself.
func skipOf(e fs.DirEntry) error {
	if e != nil && e.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// prefetch runs the built program on a site.
func (g generator) prefetch(t *testing.T, site, cache string, args ...string) (code int, said string) {
	t.Helper()
	args = append([]string{"prefetch", site, "--cache", cache, "--allow-private", "127.0.0.0/8"}, args...)
	cmd := exec.CommandContext(t.Context(), "cutline", args...)
	cmd.Env = settingsEnv()
	out, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("cutline: %v", err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// mustPrefetch is prefetch where nothing may fail.
func (g generator) mustPrefetch(t *testing.T, site, cache string) {
	t.Helper()
	if code, said := g.prefetch(t, site, cache); code != 0 {
		t.Fatalf("prefetch: exit code %d\n%s", code, said)
	}
}

// mustBuild builds a site at base.
func (g generator) mustBuild(t *testing.T, site, base string) (out string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "out")
	if said, err := g.build(t, site, out, base); err != nil {
		t.Fatalf("build: %v\n%s", err, said)
	}
	return out
}

// manifest is what prefetch has written.
func (g generator) manifest(t *testing.T, site string) *manifest.Manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(site, g.data))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Decode(text, manifest.JSON)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// post is the path of a post in the site.
func (g generator) post(t *testing.T, site, slug string) string {
	t.Helper()
	for _, pattern := range []string{slug + ".md", slug + "/index.md", "????-??-??-" + slug + ".md"} {
		if found, err := filepath.Glob(filepath.Join(site, g.posts, pattern)); err == nil && len(found) == 1 {
			name, err := filepath.Rel(site, found[0])
			if err != nil {
				t.Fatal(err)
			}
			return filepath.ToSlash(name)
		}
	}
	t.Fatalf("%s has no post %s", g.name, slug)
	return ""
}

// edit replaces text in a file of the site.
func edit(t *testing.T, file, old, text string) {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte(old)) {
		t.Fatalf("%s has no %q", file, old)
	}
	put(t, file, bytes.ReplaceAll(body, []byte(old), []byte(text)))
}

// stateOf is every file of a folder with its time and its bytes.
func stateOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		body, err := os.ReadFile(name)
		files[name] = info.ModTime().String() + string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// townClock is the picture of another site.
const townClock = "/Town Clock.jpg"

// clockOrigin is the other site.
func clockOrigin(t *testing.T) *imagetest.Origin {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "testdata", "site", "assets", "images", "wall-clock.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	origin := imagetest.NewOrigin(t)
	origin.Serve(townClock, body)
	return origin
}

// TestIntegrationGenerators builds the example site of each generator from what prefetch has made, without a network, and holds all pages
// against the posts and the files.
func TestIntegrationGenerators(t *testing.T) {
	origin, cache := clockOrigin(t), t.TempDir()
	images := map[string]string{}
	for _, g := range generators {
		t.Run(g.name, func(t *testing.T) {
			site := g.copySite(t, origin.URL(""))
			g.mustPrefetch(t, site, cache)
			fetched := origin.Total()
			before := stateOf(t, site)
			g.mustPrefetch(t, site, cache)
			if after := stateOf(t, site); !maps.Equal(before, after) {
				t.Error("a second prefetch changed a file")
			}
			if n := origin.Total() - fetched; n != 0 {
				t.Errorf("a second prefetch asked for %d pictures", n)
			}
			images[g.name] = inCommon(t, g.manifest(t, site))

			out := g.mustBuild(t, site, "/")
			g.checkSite(t, site, &builtSite{dir: out, origin: gazette, base: "/"})

			if g.also != nil {
				g.also(t, g, site, cache)
			}

			// At another place, with other words and without style attributes.
			edit(t, filepath.Join(site, g.post(t, site, "ten-years-on")), "Ten years on, the", "Eleven & a half years on, the")
			g.mustPrefetch(t, site, cache)
			for file, text := range g.change {
				edit(t, filepath.Join(site, file), text[0], text[1])
			}
			out = g.mustBuild(t, site, "/news/")
			g.checkSite(t, site, &builtSite{dir: out, origin: gazette, base: "/news/", sheet: true})
			page, err := os.ReadFile(filepath.Join(out, g.built("ten-years-on")))
			if err != nil || !bytes.Contains(page, []byte("Eleven &amp; a half years on")) || bytes.Contains(page, []byte("Ten years on, the")) {
				t.Errorf("changed words are not on the page: %v\n%s", err, page)
			}
			g.checkMissing(t, site)
		})
	}
	first := slices.Min(slices.Collect(maps.Keys(images)))
	for name, got := range images {
		if want := images[first]; got != want {
			t.Errorf("the pictures of %s's manifest are not those of %s's:\n%s\nwant\n%s", name, first, got, want)
		}
	}
}

// inCommon is what the manifests of all example sites have in common: the pictures by their words, without what their places in the
// sites decide.
func inCommon(t *testing.T, m *manifest.Manifest) string {
	t.Helper()
	var all []string
	for _, i := range m.Images {
		i.ID, i.Source, i.Recipe, i.HTML, i.Picture = "", "", "", "", ""
		for _, files := range i.Formats {
			for k := range files {
				files[k].OutputPath = ""
			}
		}
		for _, files := range i.Presets {
			for format, f := range files {
				f.OutputPath = ""
				files[format] = f
			}
		}
		text, err := json.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	slices.Sort(all)
	return strings.ReplaceAll(strings.Join(all, "\n"), "/assets/cutline/", "/cutline/")
}

// checkSite holds all pages of a built site against the posts.
func (g generator) checkSite(t *testing.T, site string, s *builtSite) {
	t.Helper()
	m, byPost := g.manifest(t, site), scanned(t, site)
	s.words, s.transparent = map[string]caption.Words{}, map[string]bool{}
	own := map[string]string{} // ID by slug
	for _, slug := range slugs {
		post := g.post(t, site, slug)
		page, listed := m.Pages[post]
		if !listed {
			t.Fatalf("the manifest has no page %s: %v", post, m.Pages)
		}
		own[slug] = m.Images[page.Image].ID
		s.words[own[slug]], s.transparent[own[slug]] = byPost[post], m.Images[page.Image].Transparent
	}
	if len(m.Pages) != len(slugs) || len(s.words) != len(slugs) {
		t.Fatalf("%d pages with %d pictures in the manifest, want %d", len(m.Pages), len(s.words), len(slugs))
	}
	pages := s.pages(t)
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if err := pages[name].check(t); err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		return
	}
	all := slices.Sorted(maps.Keys(s.words))
	if got := slices.Sorted(slices.Values(pages["index.html"].ids)); !slices.Equal(got, all) {
		t.Errorf("the front page shows %q, want %q", got, all)
	}
	if notes := pages[g.built("council-notes")]; notes == nil || len(notes.ids) > 0 {
		t.Errorf("the post without a picture shows one, or is not there")
	}
	for _, slug := range slugs {
		page := pages[g.built(slug)]
		if page == nil || len(page.ids) == 0 || page.ids[0] != own[slug] {
			t.Errorf("%s: no page that shows its picture first", slug)
			continue
		}
		checkArticle(t, page, s.words[own[slug]])
	}
	g.checkFiles(t, m, s)
	sheet, err := os.ReadFile(filepath.Join(s.dir, "cutline.css"))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range m.Images {
		if has := bytes.Contains(sheet, []byte(`[data-cutline="`+i.ID+`"] img { background:`)); has == i.Transparent {
			t.Errorf("%s: in the style sheet: %v, transparent: %v", i.Source, has, i.Transparent)
		}
	}
}

// checkArticle: a post's page has its picture as the hero, cutline and credit under it with their links, and says the same in its head and
// in structured data.
func checkArticle(t *testing.T, p *builtPage, w caption.Words) {
	t.Helper()
	var hero, figcaption *html.Node
	links, metas, scripts := map[string]bool{}, map[string]string{}, 0
	for n := range p.doc.Descendants() {
		switch {
		case n.Data == "img" && hero == nil:
			hero = n
		case n.Data == "figcaption" && figcaption == nil:
			figcaption = n
		case n.Data == "a":
			links[attributeOf(n, "href")] = true
		case n.Data == "meta":
			metas[attributeOf(n, "property")+attributeOf(n, "name")] = attributeOf(n, "content")
		case n.Data == "script":
			scripts++
		}
	}
	if hero == nil || attributeOf(hero, "fetchpriority") != "high" || attributeOf(hero, "loading") != "" || strings.HasPrefix(attributeOf(hero, "sizes"), "auto") {
		t.Errorf("%s: the first picture is not the hero: %+v", p.path, hero)
	}
	if figcaption == nil {
		t.Errorf("%s: no figcaption", p.path)
	}
	wanted := []string{w.CreditURL, w.License}
	if strings.Contains(w.Cutline, "DSCOVR") {
		wanted = append(wanted, "https://example.org/dscovr?a=1&b=2")
	}
	for _, link := range wanted {
		if link != "" && !links[link] {
			t.Errorf("%s: no link to %s", p.path, link)
		}
	}
	if metas["og:image:alt"] != w.Alt || metas["twitter:image:alt"] != w.Alt || metas["og:image"] == "" || metas["og:image"] != metas["twitter:image"] {
		t.Errorf("%s: head %q, want alt %q", p.path, metas, w.Alt)
	}
	if info, err := p.picture(t, metas["og:image"]); err != nil || metas["og:image:width"] != fmt.Sprint(info.Width) || metas["og:image:height"] != fmt.Sprint(info.Height) || metas["og:image:type"] != info.Format.MIME() {
		t.Errorf("%s: head %q of a picture of %+v, %v", p.path, metas, info, err)
	}
	if scripts != 1 {
		t.Errorf("%s: %d scripts, want that of the ImageObject", p.path, scripts)
	}
}

// checkFiles: every file of the manifest is published, and all widths are shown.
func (g generator) checkFiles(t *testing.T, m *manifest.Manifest, s *builtSite) {
	t.Helper()
	for _, i := range m.Images {
		for _, f := range i.Files() {
			u, err := url.Parse(f.URL)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(s.dir, u.Path)); err != nil {
				t.Errorf("%s: %v", i.Source, err)
			}
		}
		for format, files := range i.Formats {
			for _, f := range files {
				u, err := url.Parse(f.URL)
				if err != nil {
					t.Fatal(err)
				}
				info, shown := s.probed[strings.TrimPrefix(u.Path, "/")]
				if !shown || info.Width != f.Width || info.Height != f.Height || info.Format.MIME() != f.SourceType {
					t.Errorf("%s: %s %s is shown: %v, %+v, want %d × %d", i.Source, format, f.URL, shown, info, f.Width, f.Height)
				}
			}
		}
	}
}

// checkMissing: a post whose picture the manifest lacks ends the build with what to do, and the post's name, or shows the original.
func (g generator) checkMissing(t *testing.T, site string) {
	t.Helper()
	data := filepath.Join(site, g.data)
	if err := os.Rename(data, data+".away"); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	said, err := g.build(t, site, out, "/")
	if err == nil || !saysWhatToRun(said) {
		t.Errorf("a build without a manifest: %v, want an error that says what to run\n%s", err, said)
	}
	if err := os.Rename(data+".away", data); err != nil {
		t.Fatal(err)
	}

	post := g.post(t, site, "the-clock-that-stopped")
	late := strings.Replace(post, "the-clock-that-stopped", "late-news", 1)
	text, err := os.ReadFile(filepath.Join(site, post))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(site, late), bytes.ReplaceAll(text, []byte("Clock.jpg"), []byte("Hall.jpg")))
	said, err = g.build(t, site, out, "/")
	if err == nil || !strings.Contains(string(said), late) || !saysWhatToRun(said) {
		t.Errorf("a build without a post's picture: %v, want an error that names %s and says what to run\n%s", err, late, said)
	}

	for file, text := range g.lenient {
		edit(t, filepath.Join(site, file), text[0], text[1])
	}
	out = g.mustBuild(t, site, "/")
	page := (&builtSite{dir: out, origin: gazette, base: "/"}).pages(t)[g.built("late-news")]
	if page == nil {
		t.Fatal("a lenient build has no page of a post whose picture is missing")
	}
	if shown := page.attributes("img", "src"); len(shown) != 1 || !strings.HasSuffix(strings.ReplaceAll(shown[0], "%20", " "), "/Town Hall.jpg?v=2&size=full") {
		t.Errorf("a lenient build shows %q, want the original", shown)
	}
}

// saysWhatToRun reports whether a build says what to do. Jekyll's include says it in the name of a file.
func saysWhatToRun(said []byte) bool {
	return strings.Contains(strings.ReplaceAll(string(said), "--", " "), "cutline prefetch")
}
