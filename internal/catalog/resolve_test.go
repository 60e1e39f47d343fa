package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/source"
)

func TestResolve(t *testing.T) {
	files := map[string]string{
		".env": "x", "img/e\u0301.jpg": "x", "posts/here.jpg": "x", "posts/a b.jpg": "x", "posts/c#.png": "x", "img/top.jpg": "x", "static/s.jpg": "x", "public/p/q.jpg": "x",
		"assets/100%.jpg": "x", "src/assets/x.png": "x", "posts/static/near.jpg": "x", "media/2026/m.jpg": "x", "Case/File.JPG": "x",
		"out.jpg": "→ /etc/hostname", "folder.jpg/x": "x",
	}
	for _, tt := range []struct {
		name, value   string
		source        string // "" means none
		code, message string
	}{
		{"beside the post", "here.jpg", "/posts/here.jpg", "", ""},
		{"beside the post, dot", "./here.jpg", "/posts/here.jpg", "", ""},
		{"above the post", "../img/top.jpg", "/img/top.jpg", "", ""},
		{"under the root", "img/top.jpg", "/img/top.jpg", "", ""},
		{"rooted", "/img/top.jpg", "/img/top.jpg", "", ""},
		{"static", "/s.jpg", "/static/s.jpg", "", ""},
		{"public", "p/q.jpg", "/public/p/q.jpg", "", ""},
		{"static above the post", "/near.jpg", "/posts/static/near.jpg", "", ""},
		{"img", "top.jpg", "/img/top.jpg", "", ""},
		{"alias", "~/assets/x.png", "/src/assets/x.png", "", ""},
		{"other alias", "@/assets/x.png", "/src/assets/x.png", "", ""},
		{"percent", "a%20b.jpg", "/posts/a b.jpg", "", ""},
		{"blank", "a b.jpg", "/posts/a b.jpg", "", ""},
		{"percent as written", "100%.jpg", "/assets/100%.jpg", "", ""},
		{"query", "here.jpg?v=2#top", "/posts/here.jpg", "", ""},
		{"hash in the name", "c#.png", "/posts/c#.png", "", ""},
		{"slashes and dots", "/img//./top.jpg", "/img/top.jpg", "", ""},
		{"url", "HTTPS://Example.org/a b.jpg", "https://example.org/a%20b.jpg", "", ""},
		{"protocol-relative", "//example.org/a.jpg", "https://example.org/a.jpg", "", ""},
		{"fragment", "https://example.org/a.jpg#x", "https://example.org/a.jpg", "", ""},
		{"entity", "https://example.org/a?x=1&amp;y=2", "https://example.org/a?x=1&y=2", codeBadURL, "HTML entity"},
		{"case", "/case/file.jpg", "/case/file.jpg", codeMissingFile, `but "Case/File.JPG": only the case differs`},
		{"missing", "gone.jpg", "/gone.jpg", codeMissingFile, "content.image_base"},
		{"missing, rooted", "/x/gone.jpg", "/x/gone.jpg", codeMissingFile, "no file"},
		{"missing beside", "./gone.jpg", "/posts/gone.jpg", codeMissingFile, "beside the post"},
		{"asset id", "unsplash/photo-1", "/unsplash/photo-1", codeMissingFile, "key of an image service"},
		{"stray bracket", "/img/top.jpg)", "/img/top.jpg)", codeMissingFile, "no file"},
		{"link out of the site", "/out.jpg", "/out.jpg", codeMissingFile, "no file"},
		{"a folder", "/folder.jpg", "/folder.jpg", codeMissingFile, "no file"},
		{"above the root", "../../../etc/hostname", "/etc/hostname", codeMissingFile, "leaves the site root"},
		{"above the root, rooted", "/../etc/hostname", "", codeBadURL, "expected a file under the site root"},
		{"data", "data:image/png;base64,AAAA", "", codeBadURL, "save it as a file"},
		{"windows", `C:\a\b.jpg`, "", codeBadURL, "forward slashes"},
		{"windows share", `\\server\b.jpg`, "", codeBadURL, "forward slashes"},
		{"windows, relative", `img\top.jpg`, "", codeBadURL, "forward slashes"},
		{"file scheme", "file:///etc/passwd", "", codeBadURL, "expected http or https"},
		{"ftp", "ftp://example.org/a.jpg", "", codeBadURL, "expected http or https"},
		{"user name", "https://me:pw@example.org/a.jpg", "", codeBadURL, "cannot be fetched"},
		{"template", "{{ site.url }}/a.jpg", "", codeBadURL, "template"},
		{"long", "/a.jpg?" + strings.Repeat("x", 5000), "", codeBadURL, "longer than 4096 bytes"},
		{"accents of a Mac", "/img/é.jpg", "/img/é.jpg", codeMissingFile, `another Unicode form ("img/e\u0301.jpg")`},
		{"bracket behind a URL", "https://example.org/a.jpg)", "https://example.org/a.jpg)", codeBadURL, "bracket"},
		{"brackets in a URL", "https://example.org/a_(b)", "https://example.org/a_(b)", "", ""},
		{"hidden", "/.env", "", codeBadURL, "never served: hidden file"},
		{"a post", "/posts/p.md", "", codeBadURL, "never served: .md is no picture's extension"},
		{"a post beside", "p.md", "", codeBadURL, "never served"},
		{"hidden and missing", "/.git/config", "", codeBadURL, "never served: hidden file"},
		{"a missing text", "gone.txt", "", codeBadURL, "never served: .txt"},
		{"only a query", "?x.jpg", "", codeBadURL, "names no file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			site := map[string]string{"posts/p.md": "---\nimage: '" + tt.value + "'\n---\n"}
			maps.Copy(site, files)
			c := scanSite(t, site, Options{})
			var got string
			if len(c.Entries) == 1 {
				got = c.Entries[0].Source.String()
			}
			if got != tt.source {
				t.Errorf("got source %q, want %q", got, tt.source)
			}
			var code, message string
			if len(c.Problems) > 0 {
				code, message = c.Problems[0].Code, c.Problems[0].Message
			}
			if code != tt.code || !strings.Contains(message, tt.message) || len(c.Problems) > 1 {
				t.Errorf("got problems %v, want %s: …%s…", c.Problems, tt.code, tt.message)
			}
		})
	}
}

func TestGeneratorPaths(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"hugo: bundle, assets, static", map[string]string{
			"hugo.toml": "", "assets/a.jpg": "x", "static/a.jpg": "x", "static/b.jpg": "x", "content/p/c.jpg": "x",
			"content/p/index.md": "---\nimage: a.jpg\n---\n", "content/q.md": "---\nimage: b.jpg\n---\n", "content/p/other.md": "---\nimage: c.jpg\n---\n",
		}, []string{"content/p/index.md → /assets/a.jpg", "content/p/other.md → /content/p/c.jpg", "content/q.md → /static/b.jpg"}},
		{"chirpy: media_subpath", map[string]string{
			"_config.yml": "", "assets/p/a.jpg": "x", "_posts/2026-01-02-p.md": "---\nmedia_subpath: /assets/p\nimage: {path: a.jpg}\n---\n",
		}, []string{"_posts/2026-01-02-p.md → /assets/p/a.jpg"}},
		{"hexo: source", map[string]string{
			"_config.yml": "", "scaffolds/x": "", "source/img/a.jpg": "x", "source/_posts/p.md": "cover: /img/a.jpg\n---\n",
		}, []string{"source/_posts/p.md → /source/img/a.jpg"}},
		{"astro: public", map[string]string{
			"astro.config.mjs": "", "public/a.jpg": "x", "src/content/b/p.md": "---\nimage: /a.jpg\n---\n",
		}, []string{"src/content/b/p.md → /public/a.jpg"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scanSite(t, tt.files, Options{})
			if diff := cmp.Diff(tt.want, rows(c)); diff != "" || len(c.Problems) > 0 {
				t.Errorf("(-want +got):\n%s\nproblems %v", diff, c.Problems)
			}
		})
	}
}

func TestImageBase(t *testing.T) {
	o := Options{ImageBase: "https://img.example/v1/{path}?auto=format"}
	for _, tt := range []struct{ value, source, code string }{
		{"unsplash/photo-1", "https://img.example/v1/unsplash/photo-1?auto=format", ""},
		{"/meal plans/a%20b.jpg", "https://img.example/v1/meal%20plans/a%20b.jpg?auto=format", ""},
		{"here.jpg", "/here.jpg", ""},
		{"./gone.jpg", "/gone.jpg", codeMissingFile},
		{"https://example.org/a.jpg", "https://example.org/a.jpg", ""},
	} {
		c := scanSite(t, map[string]string{"p.md": "---\nimage: '" + tt.value + "'\n---\n", "here.jpg": "x"}, o)
		if got := c.Entries[0].Source.String(); got != tt.source {
			t.Errorf("%s: got %s, want %s", tt.value, got, tt.source)
		}
		if got := len(c.Problems) > 0; got != (tt.code != "") {
			t.Errorf("%s: got problems %v, want %q", tt.value, c.Problems, tt.code)
		}
	}
}

// TestImageBaseForms has templates and posts of more than a path: Chirpy's CDN before its subpath, and a service that takes
// the key as a parameter, to which no key can add another.
func TestImageBaseForms(t *testing.T) {
	for _, tt := range []struct{ base, front, source string }{
		{"https://cdn.example/{path}", "media_subpath: /posts/x/\nimage: {path: a.jpg}", "https://cdn.example/posts/x/a.jpg"},
		{"https://cdn.example/{path}", "img_path: y\nimage: b/a.jpg", "https://cdn.example/y/b/a.jpg"},
		{"https://cdn.example/{path}", "media_subpath: /posts/x/\nimage: /a.jpg", "https://cdn.example/a.jpg"},
		{"https://img.example/?u={path}&w=2", "image: 'a&w=9.jpg'", "https://img.example/?u=a%26w%3D9.jpg&w=2"},
		{"https://img.example/?u={path}&w=2", "image: b/a b.jpg", "https://img.example/?u=b%2Fa+b.jpg&w=2"},
	} {
		c := scanSite(t, map[string]string{"p.md": "---\n" + tt.front + "\n---\n"}, Options{ImageBase: tt.base})
		if len(c.Entries) != 1 || c.Entries[0].Source.String() != tt.source || len(c.Problems) > 0 {
			t.Errorf("%s with %s: got %v, problems %v, want %s", tt.base, tt.front, rows(c), c.Problems, tt.source)
		}
	}
}

func TestResourcePatterns(t *testing.T) {
	files := map[string]string{"p/photo.jpg": "x", "p/Cover.PNG": "x", "p/notes.txt": "x", "q/photo.jpg": "x"}
	for src, want := range map[string]string{
		"phot?.jpg": "/p/photo.jpg", "ph*": "/p/photo.jpg", "{cover,photo}.{png,gif}": "/p/Cover.PNG", "**.jp[ge]*": "/p/photo.jpg",
		"../q/phot?.jpg": "/q/photo.jpg", "https://example.org/a.jpg?w=1": "https://example.org/a.jpg?w=1", "photo.jpg?v=2": "/p/photo.jpg",
		"note?.txt": "", "{a,b}*": "", strings.Repeat("{a,b}", 40) + "*": "",
	} {
		site := map[string]string{"p/p.md": "---\nresources:\n- {name: hero, src: '" + src + "'}\n---\n"}
		maps.Copy(site, files)
		c := scanSite(t, site, Options{})
		var got string
		if len(c.Entries) == 1 && len(c.Problems) == 0 {
			got = c.Entries[0].Source.String()
		}
		if got != want {
			t.Errorf("%.40s: got %v, problems %v, want %q", src, rows(c), c.Problems, want)
		}
	}
}

func TestAlternatives(t *testing.T) {
	for pattern, want := range map[string][]string{
		"a": {"a"}, "{a,b}c": {"ac", "bc"}, "x{a,{b,c}}": {"xa", "xb", "xc"}, "{a": {"{a"}, "a}": {"a}"}, "{}": {""}, "}{": {"}{"},
		"{a,b}{a,b}{a,b}{a,b}{a,b}": {"{a,b}{a,b}{a,b}{a,b}{a,b}"},
	} {
		got := alternatives(pattern)
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", pattern, diff)
		}
	}
}

// TestPostsAreWithheld keeps two lists together: what the scanner takes for posts may not be served as a picture.
func TestPostsAreWithheld(t *testing.T) {
	for _, ext := range postExtensions {
		if _, ok := source.Withheld("post" + ext); !ok {
			t.Errorf("%s files are posts and would be served", ext)
		}
	}
}
