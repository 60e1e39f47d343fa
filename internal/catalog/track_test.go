package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/source"
)

// later is a clock by which every file that a test wrote has settled.
func later() time.Time { return time.Now().Add(time.Hour) }

// tracked scans dir, trusting last, by a clock that is late enough for that.
func tracked(tb testing.TB, dir string, last *Catalog, o Options) *Catalog {
	tb.Helper()
	o.Track, o.Trust, o.Last = true, true, last
	if o.Now == nil {
		o.Now = later
	}
	c, err := Scan(tb.Context(), openRoot(tb, dir), o)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// content is what of a catalog people see.
func content(c *Catalog) any {
	var entries []Entry
	for _, e := range c.Entries {
		entries = append(entries, *e)
	}
	return []any{c.Layout, entries, c.Problems, c.Lint(), c.Posts, c.PostsWithImage, c.Kept}
}

func (e editor) mkdir(name string) {
	if err := os.Mkdir(filepath.Join(e.dir, name), 0o750); err != nil {
		e.t.Fatal(err)
	}
}

// TestTrust verifies that a scan that reads only what changed finds what one that reads everything finds, one change to the site a
// row, and after it none.
func TestTrust(t *testing.T) {
	const picture = "---\nimage: /img/a.jpg\n---\n"
	tests := []struct {
		name   string
		change func(editor)
	}{
		{"nothing", func(editor) {}},
		{"a post", func(e editor) { e.write("posts/a.md", strings.Replace(foxPost, "fox.jpg", "owl.jpg", 1)) }},
		{"as many bytes", func(e editor) { e.write("posts/a.md", strings.Replace(foxPost, "A fox", "A cat", 1)) }},
		{"a new post", func(e editor) { e.write("posts/z.md", foxPost) }},
		{"no post any more", func(e editor) { e.write("posts/a.md", "text") }},
		{"a post removed", func(e editor) { e.remove("posts/a.md") }},
		{"half written", func(e editor) { e.write("posts/a.md", foxPost[:20]) }},
		{"emptied", func(e editor) { e.write("posts/a.md", "") }},
		{"two posts of one entry, one changed", func(e editor) { e.write("posts/b.md", "---\ntitle: T\n---\n") }},
		{"page with front matter", func(e editor) { e.write("posts/none.md", foxPost) }},
		{"a picture removed", func(e editor) { e.remove("img/a.jpg") }},
		{"a picture replaced", func(e editor) { e.write("img/a.jpg", "another") }},
		{"a picture where one is looked for first", func(e editor) {
			e.mkdir("posts/img")
			e.write("posts/img/b.jpg", "b")
		}},
		{"a picture that was missing", func(e editor) {
			e.mkdir("img/new")
			e.write("img/new/c.jpg", "c")
		}},
		{"a picture of a bundle", func(e editor) { e.write("posts/bundle/cover.jpg", "cover") }},
		{"half written, of one that switches a code off", func(e editor) { e.write("posts/quiet.md", "---\nimage: [\n---\n") }},
		{"a link instead of a post", func(e editor) { e.link("posts/a.md", "../other.md") }},
	}
	site := map[string]string{
		"posts/a.md": foxPost, "posts/b.md": foxPost, "posts/local.md": picture, "posts/first.md": "---\nimage: img/b.jpg\n---\n",
		"posts/missing.md": "---\nimage: /img/new/c.jpg\n---\n", "posts/none.md": "text", "posts/bundle/index.md": "---\ntitle: B\n---\n",
		"posts/bad.md": "---\ntitle: [\n---\n", "posts/twice.md": "---\ntitle: a\ntitle: b\nimage: https://o.example/twice.jpg\n---\n",
		"posts/draft.md": "---\ndraft: true\n---\n", "other.md": "---\nimage: https://o.example/other.jpg\n---\n",
		"posts/quiet.md":  "---\nimage: https://o.example/quiet.jpg\ncutline-lint: {off: [missing-credit]}\n---\n",
		"posts/silent.md": "---\nimage: ftp://o.example/a.jpg\ncutline-lint: {off: [bad-url]}\n---\n",
		"img/a.jpg":       "a", "img/b.jpg": "b",
	}
	contents := cmp.Options{cmp.AllowUnexported(Post{}), cmp.Comparer(func(a, b source.Source) bool { return a == b })}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeSite(t, site)
			first := tracked(t, dir, tracked(t, dir, nil, Options{}), Options{})
			tt.change(editor{t, dir})
			quick := tracked(t, dir, first, Options{})
			whole, err := Scan(t.Context(), openRoot(t, dir), Options{Last: first, Now: later})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(content(whole), content(quick), contents); diff != "" {
				t.Errorf("who reads everything (-) and only what changed (+):\n%s", diff)
			}
			if diff := cmp.Diff(content(quick), content(tracked(t, dir, quick, Options{})), contents); diff != "" {
				t.Errorf("once more:\n%s", diff)
			}
		})
	}
}

// TestTrustReadsLittle verifies that what looks as it did is not opened, and is where a scan may not trust it.
func TestTrustReadsLittle(t *testing.T) {
	dir := writeSite(t, map[string]string{"a.md": foxPost, "b.md": foxPost, "img/c.jpg": "c", "c.md": "---\nimage: /img/c.jpg\n---\n"})
	for _, tt := range []struct {
		name string
		o    Options
		now  func() time.Time
		want int
	}{
		{"settled", Options{}, later, 3},
		{"just written", Options{}, time.Now, 0},
		{"other options", Options{ImageBase: "https://img.example/{path}"}, later, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := tracked(t, dir, nil, Options{Now: tt.now})
			s, err := newScanner(openRoot(t, dir), Options{Last: first, Trust: true, ImageBase: tt.o.ImageBase, Now: tt.now})
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for _, name := range []string{"a.md", "b.md", "c.md"} {
				if _, _, ok := s.again(s.root, name, name, job{}); ok {
					got++
				}
			}
			if got != tt.want {
				t.Errorf("%d files are taken for unchanged, want %d", got, tt.want)
			}
		})
	}
}

// TestTrail verifies what a scan says that it rests on.
func TestTrail(t *testing.T) {
	dir := writeSite(t, map[string]string{
		"hugo.toml": "", "content/news/a.md": "---\nimage: /img/2026/a.jpg\n---\n", "static/img/2026/a.jpg": "a", "static/css/main.css": "",
		"content/b.md": "---\nimage: /art/b.jpg\n---\n", "content/.git/x": "", "content/linked/c.md": "→ ../../other/d.md", "other/d.md": foxPost,
		"content/soon.md":  "---\ndate: 2030-02-01\n---\n",
		"content/later.md": "---\ndate: 2031-01-01\n---\n",
		"content/ends.md":  "---\nexpiryDate: 2030-01-01\n---\n",
	})
	now := func() time.Time { return time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC) }
	c := tracked(t, dir, nil, Options{Now: now})
	want := &Trail{
		Folders: []string{".", "content", "content/linked", "content/news", "static", "static/img/2026"},
		Links:   []string{"content/linked/c.md"},
		Next:    time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, c.Trail); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again := tracked(t, dir, c, Options{Now: now})
	if diff := cmp.Diff(want, again.Trail); diff != "" {
		t.Errorf("of a scan that reads nothing (-want +got):\n%s", diff)
	}
	for at, posts := range map[string]int{"2030-01-02": 3, "2030-02-02": 4, "2031-02-02": 5} {
		day, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		if c := tracked(t, dir, again, Options{Now: func() time.Time { return day }}); c.Posts != posts {
			t.Errorf("at %s there are %d posts, want %d", at, c.Posts, posts)
		}
	}
}

// TestFresh verifies which entries are new to who saw the catalog before.
func TestFresh(t *testing.T) {
	dir := writeSite(t, map[string]string{
		"a.md": foxPost, "b.md": "---\nimage: /b.jpg\n---\n", "b.jpg": "b", "c.md": "---\nimage: /c.jpg\n---\n", "c.jpg": "c",
	})
	first := tracked(t, dir, nil, Options{})
	e := editor{t, dir}
	e.write("b.jpg", "another")
	e.write("d.md", strings.Replace(foxPost, "fox.jpg", "owl.jpg", 1))
	e.write("a.md", strings.Replace(foxPost, "A fox", "Foxes", 1))
	var got []string
	for _, entry := range tracked(t, dir, first, Options{}).Since(first).Fresh {
		got = append(got, entry.Posts[0].Path)
	}
	if want := []string{"a.md", "b.md", "d.md"}; !slices.Equal(got, want) {
		t.Errorf("fresh %q, want %q", got, want)
	}
}

func BenchmarkRescan10k(b *testing.B)  { benchmarkRescan(b, 10_000) }
func BenchmarkRescan100k(b *testing.B) { benchmarkRescan(b, 100_000) }

// benchmarkRescan reads a site again of which one post changed.
func benchmarkRescan(b *testing.B, posts int) {
	dir := writePosts(b, posts)
	c, n := tracked(b, dir, nil, Options{}), 0
	for b.Loop() {
		n++
		name := filepath.Join(dir, "_posts", fmt.Sprintf("2023-01-01-bridge-repairs-%d.md", 0))
		if err := os.WriteFile(name, []byte(seedPost(posts+n)), 0o600); err != nil {
			b.Fatal(err)
		}
		next := tracked(b, dir, c, Options{})
		if d := next.Since(c); len(d.Fresh) != 1 {
			b.Fatalf("%d entries are fresh, want 1", len(d.Fresh))
		}
		c = next
	}
}
