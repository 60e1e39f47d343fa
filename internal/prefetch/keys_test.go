package prefetch

import (
	"context"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

func contextWithCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}

// bundles is a site in which several posts have the same text for different pictures, and for the same with other words.
func bundles(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, map[string]string{
		"hugo.toml":                 "title = 'x'\n",
		"content/posts/a/index.md":  "---\ntitle: A\ncover:\n  image: cover.jpg\n  alt: A\n---\n",
		"content/posts/a/cover.jpg": "a",
		"content/posts/b/index.md":  "---\ntitle: B\ncover:\n  image: cover.jpg\n  alt: B\n---\n",
		"content/posts/b/cover.jpg": "b",
		"content/posts/c.md":        post(owlURL, "Ann"),
		"content/posts/d.md":        post(owlURL, "Bob"),
		"content/posts/e.md":        post(owlURL, "Ann"),
		"content/posts/f.md":        post("http://origin.example:80/x/../owl.jpg", "Ann"),
		"content/posts/g.md":        post("https://origin.example/x/../owl.jpg", "Ann"),
	})
	r.originals["/content/posts/a/cover.jpg"], r.originals["/content/posts/b/cover.jpg"] = "a", "b"
	r.originals[owlURL], r.originals["http://origin.example/owl.jpg"] = "owl", "owl"
	return r
}

func TestKeys(t *testing.T) {
	r := bundles(t)
	r.run()
	m := r.manifest()
	bob := m.Images[m.Pages["content/posts/d.md"].Image]
	want := map[string]manifest.Page{
		"content/posts/a/index.md": {Image: "cover.jpg"},
		"content/posts/b/index.md": {Image: "/content/posts/b/cover.jpg"},
		"content/posts/c.md":       {Image: owlURL},
		"content/posts/d.md":       {Image: owlURL + "#" + bob.ID},
		"content/posts/e.md":       {Image: owlURL},
		"content/posts/f.md":       {Image: "http://origin.example:80/x/../owl.jpg"},
		"content/posts/g.md":       {Image: "https://origin.example/x/../owl.jpg"},
	}
	if diff := cmp.Diff(want, m.Pages); diff != "" {
		t.Fatalf("pages (-want +got):\n%s", diff)
	}
	if *m.Images["cover.jpg"].Alt != "A" || *m.Images["/content/posts/b/cover.jpg"].Alt != "B" || m.Images[owlURL].Credit != "Ann" || bob.Credit != "Bob" {
		t.Error("a page has another's words")
	}
	// Words are in the files from 200 pixels on, so both have their own; below, they share.
	ann := m.Images[owlURL]
	for i, f := range ann.Formats["webp"] {
		if shared := f.Filename == bob.Formats["webp"][i].Filename; shared != (f.Width < 200) {
			t.Errorf("%d pixels: shared %v", f.Width, shared)
		}
	}
	// Another spelling of one source is the same picture under another key.
	if diff := cmp.Diff(ann, m.Images["https://origin.example/x/../owl.jpg"]); diff != "" {
		t.Errorf("another spelling is another picture:\n%s", diff)
	}
	before := r.tree()
	r.run()
	same(t, "the second run", before, r.tree())
}

func TestKeysOfHostileTexts(t *testing.T) {
	r := bundles(t)
	r.run()
	taken := r.manifest().Pages["content/posts/d.md"].Image
	// Somebody writes the very key of another picture, and the path of a bundle's, into earlier posts.
	r.write(map[string]string{
		"content/posts/0.md": post(taken, "Eve"),
		"content/posts/1.md": post("/content/posts/b/cover.jpg", "Eve"),
	})
	without, _, _ := strings.Cut(taken, "#")
	r.originals[taken], r.originals[without] = "other", "owl"
	if res := r.run(); len(res.Failures) > 0 {
		t.Fatalf("got %+v", res.Failures)
	}
	m := r.manifest()
	if bob := m.Images[m.Pages["content/posts/d.md"].Image]; bob.Credit != "Bob" {
		t.Errorf("a post shows another's words: %q", bob.Credit)
	}
	if b := m.Images[m.Pages["content/posts/b/index.md"].Image]; *b.Alt != "B" {
		t.Errorf("a post shows another's alt: %q", *b.Alt)
	}
}

func TestSplitRuns(t *testing.T) {
	r := bundles(t)
	split := func(o *Options) { o.Split, o.Data = true, filepath.Join(r.site, "data/parts.yaml") }
	r.run(split)
	tree := r.tree()
	for _, name := range []string{"data/parts/content/posts/a/index.yaml", "data/parts/content/posts/d.yaml"} {
		m, err := manifest.Decode([]byte(body(tree, name)), manifest.YAML)
		if err != nil || len(m.Pages) != 1 {
			t.Errorf("%s: %v, error %v", name, m, err)
		}
	}
	r.old()
	before := r.tree()
	r.run(split)
	same(t, "the second run", before, r.tree())
	r.write(map[string]string{"content/posts/d.md": "", "data/parts/note.txt": "not ours", "data/parts/content/posts/a/index.yaml.temp": "left by a kill"})
	if res := r.run(func(o *Options) { split(o); o.DryRun = true }); !contains(res.Changes, "content/posts/d.md: the page is gone") {
		t.Errorf("got %q", res.Changes)
	}
	res := r.run(split)
	after := r.tree()
	if _, ok := after["data/parts/content/posts/d.yaml"]; ok || res.Documents != 1 || body(after, "data/parts/note.txt") == "" {
		t.Errorf("a page that is gone: there %v, %+v", ok, res)
	}
	if _, ok := after["data/parts/content/posts/a/index.yaml.temp"]; ok {
		t.Error("what was being written when a run was killed is still there")
	}
}

func TestYAMLSaysWhatJSONSays(t *testing.T) {
	r := bundles(t)
	r.run()
	want := r.manifest()
	at := filepath.Join(r.site, "data/cutline.yml")
	r.run(func(o *Options) { o.Data = at })
	got, err := manifest.Decode([]byte(body(r.tree(), "data/cutline.yml")), manifest.YAML)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("YAML differs:\n%s", diff)
	}
}

func TestTransparentPicturesHavePNG(t *testing.T) {
	r := twoPosts(t)
	r.info.Alpha = true
	r.run()
	i := r.manifest().Images[owlURL]
	if i.Figcaption == "" || !strings.Contains(strings.Join(strings.Fields(i.HTML), " "), "<figcaption> "+i.Figcaption+" </figcaption>") {
		t.Errorf("figcaption %q of %s", i.Figcaption, i.HTML)
	}
	if len(i.Formats["png"]) == 0 || i.Formats["jpeg"] != nil || !strings.Contains(i.HTML, `type="image/webp"`) {
		t.Errorf("formats %v", i.Formats)
	}
}

func TestTemplates(t *testing.T) {
	of := title{name: "fox", id: "5va5i664hstyqywj", preset: "hero", ext: "webp", width: 640, height: 320, hash: strings.Repeat("0123456789abcdef", 4)}
	for _, tt := range []struct{ text, want string }{ // want "" is an error
		{DefaultTemplate, "fox-640-01234567.webp"},
		{"{hash}.{ext}", of.hash + ".webp"},
		{"{id}/{preset}_{width}x{height}.{hash8}.{ext}", "5va5i664hstyqywj/hero_640x320.01234567.webp"},
		{"{name}-{width}.{ext}", ""},
		{"{name}-{hash8}", ""},
		{"{name}-{hash8}-{hash}.{ext}", ""},
		{"{title}-{hash8}.{ext}", ""},
		{"{name}-{hash8}-{name}.{ext}", ""},
		{"{name}{hash8}{width}.{ext}", ""},
		{"{name}{hash8}-{width}.{ext}", "fox01234567-640.webp"},
		{"../{hash8}.{ext}", ""},
		{"/{hash8}.{ext}", ""},
		{"a//{hash8}.{ext}", ""},
		{"a/../{hash8}.{ext}", ""},
		{".{hash8}.{ext}", ""},
		{"a/.{hash8}.{ext}", ""},
		{"a b{hash8}.{ext}", ""},
		{`a\{hash8}.{ext}`, ""},
		{"{hash8}.{ext}.{ext", ""},
		{"", ""},
	} {
		parsed, err := ParseTemplate(tt.text)
		if (err != nil) != (tt.want == "") {
			t.Errorf("%q: error %v", tt.text, err)
		}
		if err != nil {
			continue
		}
		got := parsed.name(of)
		if hash, ok := parsed.hash(got); got != tt.want || !ok || !strings.HasPrefix(of.hash, hash) {
			t.Errorf("%q: got %q, of which the hash is %q, %v; want %q", tt.text, got, hash, ok, tt.want)
		}
	}
}

func TestNamesTellFilesApart(t *testing.T) {
	f, err := openFolder(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	f.template, _ = ParseTemplate(DefaultTemplate)
	f.write = func(string, []byte) error { return nil }
	if err := f.put("a-1-00000000.webp", "00000000aa", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := f.put("a-1-00000000.webp", "00000000bb", []byte("y")); err == nil || !strings.Contains(err.Error(), "{hash}") {
		t.Errorf("two files of one name: %v", err)
	}
}

func TestPlainName(t *testing.T) {
	for text, want := range map[string]string{
		"https://a.example/M%C3%BCller%20%26%20S%C3%B6hne.JPG?x=1": "muller-sohne",
		"https://a.example/":                                     "image",
		"https://a.example/%E6%97%A5%E6%9C%AC.png":               "image",
		"https://a.example/..hidden..jpg":                        "hidden",
		"/img/a_b.c.jpg":                                         "a-b-c",
		"https://a.example/" + strings.Repeat("a", 300) + ".jpg": strings.Repeat("a", 60),
	} {
		src, err := source.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := plainName(src); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestRecipesDiffer(t *testing.T) {
	r := twoPosts(t)
	seen := map[string]string{}
	record := func(name string, change func(*Options)) {
		r.run(func(o *Options) {
			change(o)
			for _, e := range o.Entries {
				id := newRecipe(o).of(e)
				if other, ok := seen[id]; ok {
					t.Errorf("%s of %s has the recipe of %s", name, e.Source, other)
				}
				seen[id] = name
			}
			o.DryRun = true
		})
	}
	record("as it is", func(*Options) {})
	record("widths", func(o *Options) { o.Choice.Widths = []int{24, 320} })
	record("a preset", func(o *Options) {
		o.Choice.Presets = maps.Clone(o.Choice.Presets)
		o.Choice.Presets["card"] = transform.Spec{Width: 99}
	})
	record("formats", func(o *Options) { o.Choice.Formats = o.Choice.Formats[:2] })
	record("quality", func(o *Options) { o.Quality = map[transform.Format]int{transform.WebP: 1} })
	record("URL", func(o *Options) { o.URL = "/x/" })
	record("path", func(o *Options) { o.OutputPath = "" })
	record("names", func(o *Options) { o.Template, _ = ParseTemplate("{hash8}.{ext}") })
	record("largest", func(o *Options) { o.Choice.MaxOutput = 1000 })
}

// FuzzTemplate has every template that is taken make names that stay in the folder, that it knows again, and that differ with the bytes.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{DefaultTemplate, "{id}/{preset}_{width}x{height}.{hash}.{ext}", "../{hash8}.{ext}", "{hash8}{hash8}.{ext}", "a.{hash8}/.{ext}", "{name}-{hash8}-{width}.{ext}"} {
		f.Add(text, "fox", 640)
		f.Add(text, "deadbeef-deadbeef", 12345678)
	}
	f.Fuzz(func(t *testing.T, text, name string, width int) {
		parsed, err := ParseTemplate(text)
		if err != nil {
			return
		}
		src, err := source.Local("/img/" + name)
		if err != nil || width < 1 {
			return
		}
		of := title{name: plainName(src), id: "5va5i664hstyqywj", preset: "hero", ext: "webp", width: width, height: 320, hash: strings.Repeat("0123456789abcdef", 4)}
		made := parsed.name(of)
		hash, ok := parsed.hash(made)
		if !fs.ValidPath(made) || !ok || !strings.HasPrefix(of.hash, hash) || !strings.HasSuffix(made, ".webp") {
			t.Fatalf("%q makes %q of %q, whose hash is %q, %v", text, made, of.name, hash, ok)
		}
		of.hash = strings.Repeat("fedcba9876543210", 4)
		if parsed.name(of) == made {
			t.Fatalf("%q makes %q of other bytes too", text, made)
		}
	})
}
