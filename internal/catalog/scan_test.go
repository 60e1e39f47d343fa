package catalog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeSite makes a site of files: text by slash path; "→ x" makes a link to x.
func writeSite(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			tb.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(text, "→ "); ok {
			err = os.Symlink(to, at)
		} else {
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func scanSite(tb testing.TB, files map[string]string, o Options) *Catalog {
	tb.Helper()
	c, err := Scan(tb.Context(), openRoot(tb, writeSite(tb, files)), o)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// rows lists a catalog's posts as "path → source".
func rows(c *Catalog) []string {
	got := []string{}
	for _, e := range c.Entries {
		for _, p := range e.Posts {
			got = append(got, p.Path+" → "+e.Source.String())
		}
	}
	slices.Sort(got)
	return got
}

// findings lists problems as "file:line code".
func findings(problems []Problem) []string {
	got := []string{}
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Code))
	}
	return got
}

const remotePost = "---\nimage: https://example.org/a.jpg\n---\n"

func TestLayouts(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		files      map[string]string
		posts      []string
	}{
		{
			"plain", "plain",
			map[string]string{"a.md": remotePost, "sub/b.html": remotePost, "node_modules/c.md": remotePost, ".git/d.md": remotePost, "archetypes/default.md": remotePost, "authors/x.md": remotePost, "readme.md": "# Hello\n", "e.astro": remotePost},
			[]string{"a.md", "sub/b.html"},
		},
		{
			"jekyll", "jekyll",
			map[string]string{"_config.yml": "title: x\n", "_posts/2023-01-02-a.md": remotePost, "blog/_posts/2023-01-02-b.markdown": remotePost, "_drafts/c.md": remotePost, "_layouts/d.html": remotePost, "_site/e.html": remotePost, "_recipes/f.md": remotePost, "_people/g.md": remotePost, "vendor/h.md": remotePost},
			[]string{"_posts/2023-01-02-a.md", "_recipes/f.md", "blog/_posts/2023-01-02-b.markdown"},
		},
		{
			"jekyll, hidden and editors' files", "jekyll",
			map[string]string{"_config.yml": "", "_posts/2023-01-02-a.md": remotePost, "_posts/.2023-01-03-secret.md": remotePost, "_posts/#2023-01-02-a.md": remotePost, "_posts/.#2023-01-02-a.md": "→ ana@desk.4711", "_posts/2023-01-02-b.md~": remotePost, "_posts/~c.md": remotePost},
			[]string{"_posts/2023-01-02-a.md", "_posts/~c.md"},
		},
		{
			"hugo", "hugo",
			map[string]string{"hugo.toml": "", "content/a.md": "\n\n" + remotePost, "content/b/index.md": remotePost, "archetypes/default.md": remotePost, "themes/x/content/c.md": remotePost},
			[]string{"content/a.md", "content/b/index.md"},
		},
		{"hugo, older", "hugo", map[string]string{"config.toml": "baseURL = \"x\"\n", "content/a.md": remotePost}, []string{"content/a.md"}},
		{"zola", "zola", map[string]string{"config.toml": "base_url = \"x\"\n", "content/a.md": "+++\n[extra]\nimage = \"https://example.org/a.jpg\"\n+++\n"}, []string{"content/a.md"}},
		{
			"eleventy", "eleventy",
			map[string]string{"eleventy.config.js": "", "posts/a.njk": remotePost, "_includes/b.njk": remotePost, "public/index.html": "", "public/c.html": remotePost},
			[]string{"posts/a.njk"},
		},
		{
			"astro", "astro",
			map[string]string{"astro.config.mjs": "", "src/content/blog/a.mdx": remotePost, "src/pages/b.astro": remotePost, "README.md": remotePost},
			[]string{"src/content/blog/a.mdx"},
		},
		{
			"hexo", "hexo",
			map[string]string{"_config.yml": "", "scaffolds/post.md": remotePost, "source/_posts/a.md": "image: https://example.org/a.jpg\n---\nx", "source/_posts/b.md": remotePost},
			[]string{"source/_posts/a.md", "source/_posts/b.md"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scanSite(t, tt.files, Options{})
			if c.Layout != tt.want {
				t.Errorf("got layout %q, want %q", c.Layout, tt.want)
			}
			var want []string
			for _, p := range tt.posts {
				want = append(want, p+" → https://example.org/a.jpg")
			}
			if diff := cmp.Diff(want, rows(c)); diff != "" {
				t.Errorf("posts (-want +got):\n%s", diff)
			}
			if len(c.Problems) > 0 {
				t.Errorf("problems %v, want none", c.Problems)
			}
			if c.Posts != len(want) || c.PostsWithImage != len(want) {
				t.Errorf("got %d posts, %d with an image, want %d", c.Posts, c.PostsWithImage, len(want))
			}
		})
	}
}

func TestContent(t *testing.T) {
	files := map[string]string{"a/x.md": remotePost, "a/b/y.md": remotePost, "c/z.md": remotePost, "team/t.md": remotePost}
	for _, tt := range []struct{ content, want []string }{
		{[]string{"a/b"}, []string{"a/b/y.md"}},
		{[]string{"/c/", "a", "a/b"}, []string{"a/b/y.md", "a/x.md", "c/z.md"}},
		{[]string{"team"}, []string{"team/t.md"}},
		{[]string{"."}, []string{"a/b/y.md", "a/x.md", "c/z.md"}},
	} {
		var got []string
		for _, r := range rows(scanSite(t, files, Options{Content: tt.content})) {
			got = append(got, strings.TrimSuffix(r, " → https://example.org/a.jpg"))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.content, diff)
		}
	}
}

func TestScanErrors(t *testing.T) {
	dir := writeSite(t, map[string]string{"posts/a.md": remotePost, "news/b.md": remotePost})
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"no such folder", Options{Content: []string{"blog"}}, `content folder "blog": expected a folder or an export file under the site root, which has news, posts`},
		{"folder above the root", Options{Content: []string{"../x"}}, `content folder "../x"`},
		{"image base without path", Options{ImageBase: "https://img.example/"}, `image base "https://img.example/": expected a URL with {path} in it`},
		{"image base no URL", Options{ImageBase: "img/{path}"}, `image base "img/{path}": not a usable image source`},
		{"unknown slot", Options{Fields: map[string][]string{"caption": {"a"}}}, `field "caption": expected image, alt, copyright, creator, credit, credit-url, cutline, focus, license, licensor, licensor-url, source-type`},
		{"bad path", Options{Fields: map[string][]string{"alt": {"a..b"}}}, `field alt: path "a..b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Scan(t.Context(), openRoot(t, dir), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
	root := openRoot(t, dir)
	root.Close()
	if _, err := Scan(t.Context(), root, Options{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed root: got %v", err)
	}
}

func TestScanCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Scan(ctx, openRoot(t, writeSite(t, map[string]string{"a.md": remotePost})), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// TestBadPosts puts everything that can go wrong with a file beside one good post.
func TestBadPosts(t *testing.T) {
	outside := writeSite(t, map[string]string{"secret.md": remotePost})
	dir := writeSite(t, map[string]string{
		"good.md":          remotePost,
		"broken.md":        "---\nimage: [\n---\n",
		"open.md":          "---\nimage: /a.jpg\n",
		"latin1.md":        "---\nimage: \xe9.jpg\n---\n",
		"out.md":           "→ " + filepath.Join(outside, "secret.md"),
		"up.md":            "→ ../../../../etc/hostname",
		"loop.md":          "→ loop.md",
		"dangling.md":      "→ nowhere.md",
		"inside.md":        "→ good.md",
		"sub/over.md":      "→ ../good.md",
		"folder.md/b.md":   remotePost,
		"linked":           "→ .",
		"unreadable/c.md":  remotePost,
		"locked.md":        remotePost,
		"notes.txt":        "---\nprose\n---\n",
		"binary.html":      "\x00\x01\x02",
		"empty.md":         "",
		"twice.md":         "---\nimage: x\nimage: https://example.org/b.jpg\n---\n",
		"draft.md":         "---\ndraft: true\nimage: https://example.org/a.jpg\n---\n",
		"quoted-draft.md":  "---\nDraft: \"True\"\nimage: https://example.org/a.jpg\n---\n",
		"unpublished.md":   "---\npublished: false\nimage: https://example.org/a.jpg\n---\n",
		"bom-and-crlf.md":  "\ufeff---\r\nimage: https://example.org/a.jpg\r\n---\r\n",
		"late.md":          "\n---\nimage: https://example.org/a.jpg\n---\n",
		"big/long-line.md": "---\na: " + strings.Repeat("x", 200_000) + "\nimage: https://example.org/a.jpg\n---\n",
		"big/long-head.md": "---\n" + strings.Repeat("# comment\n", 20_000) + "image: https://example.org/a.jpg\n---\n",
	})
	l, err := net.Listen("unix", filepath.Join(dir, "socket.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Scan(t.Context(), openRoot(t, dir), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantRows := []string{
		"big/long-head.md → https://example.org/a.jpg", "big/long-line.md → https://example.org/a.jpg",
		"bom-and-crlf.md → https://example.org/a.jpg", "folder.md/b.md → https://example.org/a.jpg",
		"good.md → https://example.org/a.jpg", "inside.md → https://example.org/a.jpg", "locked.md → https://example.org/a.jpg",
		"sub/over.md → https://example.org/a.jpg", "twice.md → https://example.org/b.jpg", "unreadable/c.md → https://example.org/a.jpg",
	}
	if diff := cmp.Diff(wantRows, rows(c)); diff != "" {
		t.Errorf("posts (-want +got):\n%s", diff)
	}
	wantProblems := []string{
		"broken.md:2 bad-front-matter", "dangling.md:0 bad-front-matter", "latin1.md:2 bad-front-matter", "loop.md:0 bad-front-matter",
		"notes.txt:2 bad-front-matter", "open.md:1 bad-front-matter", "out.md:0 bad-front-matter", "socket.md:0 bad-front-matter",
		"twice.md:3 duplicate-key", "up.md:0 bad-front-matter",
	}
	if diff := cmp.Diff(wantProblems, findings(c.Problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got := len(scanSite(t, map[string]string{"draft.md": "---\ndraft: true\nimage: https://example.org/a.jpg\n---\n", "_drafts/x.md": remotePost}, Options{Drafts: true}).Entries); got != 1 {
		t.Errorf("with drafts: got %d entries, want 1 of two posts", got)
	}
}

func TestEntries(t *testing.T) {
	same := "---\nimage: {path: https://example.org/a.jpg, alt: A}\n---\n"
	c := scanSite(t, map[string]string{
		"b.md": same, "a.md": same, "sub/c.md": strings.Replace(same, "alt: A", "alt: B", 1), "0.md": "---\nimage: https://example.org/z.jpg\n---\n",
	}, Options{Workers: 3})
	var got [][]string
	for _, e := range c.Entries {
		row := []string{e.Source.String(), e.Words.Alt}
		for _, p := range e.Posts {
			row = append(row, p.Path)
		}
		got = append(got, row)
		if !regexp.MustCompile(`^[a-z2-7]{16}$`).MatchString(e.ID) {
			t.Errorf("ID %q: want 16 characters of base32", e.ID)
		}
	}
	want := [][]string{
		{"https://example.org/z.jpg", "", "0.md"},
		{"https://example.org/a.jpg", "A", "a.md", "b.md"},
		{"https://example.org/a.jpg", "B", "sub/c.md"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if c.Entries[1].ID == c.Entries[2].ID {
		t.Error("other words, the same ID")
	}
}

// TestWorkers expects the same catalog whoever reads which post first.
func TestWorkers(t *testing.T) {
	root := openRoot(t, writePosts(t, 600))
	var want []string
	for _, workers := range []int{1, 2, 7, 32} {
		c, err := Scan(t.Context(), root, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range c.Entries {
			got = append(got, e.ID+" "+e.Posts[0].Path)
		}
		got = append(got, findings(c.Lint())...)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d workers (-1 +%[1]d):\n%s", workers, diff)
		}
	}
	if len(want) != 1200 {
		t.Errorf("got %d rows, want 600 entries and 600 findings", len(want))
	}
}

// TestEntryID pins IDs: they stand in URLs that are cached for a year.
func TestEntryID(t *testing.T) {
	c := scanSite(t, map[string]string{"a.md": "---\nimage: {path: https://example.org/a.jpg, alt: A, credit: B}\n---\n"}, Options{})
	if got, want := c.Entries[0].ID, "mzjw4njvvybqa3ni"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestGolden scans a small site of several conventions and compares all that Scan promises.
func TestGolden(t *testing.T) {
	c, err := Scan(t.Context(), openRoot(t, filepath.Join("testdata", "site")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "layout %s, posts %d, with image %d\n", c.Layout, c.Posts, c.PostsWithImage)
	for _, e := range c.Entries {
		fmt.Fprintf(&b, "\n%s\n  %+v\n", e.Source, e.Words)
		for _, p := range e.Posts {
			fmt.Fprintf(&b, "  %s:%d %s = %q slug %q title %q lines %v\n", p.Path, p.Line, p.Field, p.Raw, p.Slug, p.Title, p.Lines)
		}
	}
	b.WriteString("\n")
	for _, p := range c.Lint() {
		fmt.Fprintf(&b, "%s:%d: %s %s\n", p.File, p.Line, p.Severity, p.Code)
	}
	golden := filepath.Join("testdata", "site.golden")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s\nwhole:\n%s", golden, diff, b.String())
	}
}
