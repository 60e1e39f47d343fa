package catalog

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

// exportFile is one of package export's files.
func exportFile(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("export", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// An exportRow is one post of an export with its picture.
type exportRow struct {
	Source string
	Words  caption.Words
	Post   Post
}

// TestExports reads an export of each format as a site of its own, and compares all that comes of it with testdata/exports.
func TestExports(t *testing.T) {
	files := map[string]string{
		"content/images/2026/03/herons.jpg":    "x",
		"wp-content/uploads/2026/02/ferry.jpg": "x",
		"uploads/2026/03/market.jpg":           "x",
		"posts/not-read.md":                    remotePost,
	}
	names := []string{"ghost.json", "wordpress.xml", "feed.rss", "feed.atom", "feed.json"}
	for _, name := range names {
		files[name] = exportFile(t, name)
	}
	dir := writeSite(t, files)
	root := openRoot(t, dir)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			written := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC) // stands in for what an export does not say
			if err := os.Chtimes(filepath.Join(dir, name), written, written); err != nil {
				t.Fatal(err)
			}
			c, err := Scan(t.Context(), root, Options{Content: []string{name}})
			if err != nil {
				t.Fatal(err)
			}
			got := struct {
				Layout   string
				Exports  []string
				Posts    int
				Rows     []exportRow
				Findings []Problem
			}{Layout: c.Layout, Exports: c.Exports, Posts: c.Posts, Findings: c.Lint()}
			for _, e := range c.Entries {
				for _, p := range e.Posts {
					p.Modified = p.Modified.UTC()
					got.Rows = append(got.Rows, exportRow{e.Source.String(), e.Words, p})
				}
			}
			var text bytes.Buffer
			enc := json.NewEncoder(&text)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			if err := enc.Encode(got); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join("testdata", "exports", name+".want"))
			if err != nil {
				t.Fatalf("%v; got\n%s", err, &text)
			}
			if diff := cmp.Diff(string(want), text.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// ghostPosts is an export of Ghost of posts without words, "slug" or "slug:columns".
func ghostPosts(posts ...string) string {
	var rows []string
	for i, p := range posts {
		slug, columns, _ := strings.Cut(p, ":")
		if columns != "" {
			columns = "," + columns
		}
		rows = append(rows, `{"id":"`+string(rune('a'+i))+`","slug":"`+slug+`","feature_image":"https://o.example/`+slug+`.jpg"`+columns+`}`)
	}
	return `{"db":[{"meta":{"exported_on":1},"data":{"posts":[` + strings.Join(rows, ",\n") + `]}}]}`
}

func TestExportPlaces(t *testing.T) {
	wordpress, ghost := exportFile(t, "wordpress.xml"), ghostPosts("fox")
	for _, tt := range []struct {
		name   string
		files  map[string]string
		o      Options
		layout string
		want   []string
	}{
		{"found", map[string]string{"export-2026.json": ghost, "readme.md": "# Hello\n"}, Options{}, "ghost", []string{"export-2026.json/fox → https://o.example/fox.jpg"}},
		{"found, in parts", map[string]string{"a.xml": wordpress, "b.xml": strings.ReplaceAll(wordpress, "ferry-vote", "other")}, Options{}, "wordpress", []string{
			"a.xml/ferry-vote → https://courier.example/wp-content/uploads/2026/02/ferry.jpg",
			"a.xml/market-day → https://i0.wp.com/courier.example/wp-content/uploads/2026/03/market.jpg?ssl=1",
			"b.xml/market-day → https://i0.wp.com/courier.example/wp-content/uploads/2026/03/market.jpg?ssl=1",
			"b.xml/other → https://courier.example/wp-content/uploads/2026/02/ferry.jpg",
		}},
		{"two that may be meant", map[string]string{"a.json": ghost, "b.json": ghost}, Options{}, "plain", nil},
		{"two kinds", map[string]string{"a.json": ghost, "b.xml": wordpress}, Options{}, "plain", nil},
		{"a feed is no site", map[string]string{"feed.xml": exportFile(t, "feed.rss")}, Options{}, "plain", nil},
		{"posts beside it", map[string]string{"a.json": ghost, "a.md": remotePost}, Options{}, "plain", []string{"a.md → https://example.org/a.jpg"}},
		{"drafts beside it", map[string]string{"a.json": ghost, "a.md": "---\ndraft: true\n---\n"}, Options{}, "plain", nil},
		{"a generator's site", map[string]string{"a.json": ghost, "_config.yml": ""}, Options{}, "jekyll", nil},
		{"below the root", map[string]string{"old/a.json": ghost}, Options{}, "plain", nil},
		{"below the root, named", map[string]string{"old/a.json": ghost}, Options{Content: []string{"/old/a.json", "old/a.json"}}, "ghost", []string{"old/a.json/fox → https://o.example/fox.jpg"}},
		{"with folders", map[string]string{"a.json": ghost, "posts/a.md": remotePost, "b.md": remotePost}, Options{Content: []string{"posts", "a.json"}}, "plain", []string{"a.json/fox → https://o.example/fox.jpg", "posts/a.md → https://example.org/a.jpg"}},
		{"of a generator's site", map[string]string{"a.json": ghost, "_config.yml": "", "_posts/a.md": remotePost}, Options{Content: []string{"_posts", "a.json"}}, "jekyll", []string{"_posts/a.md → https://example.org/a.jpg", "a.json/fox → https://o.example/fox.jpg"}},
		{"drafts", map[string]string{"a.json": ghostPosts("fox", `owl:"status":"draft"`, `elk:"visibility":"paid"`, `hen:"status":"sent"`)}, Options{}, "ghost", []string{"a.json/fox → https://o.example/fox.jpg"}},
		{"drafts, wanted", map[string]string{"a.json": ghostPosts("fox", `owl:"status":"draft"`)}, Options{Drafts: true}, "ghost", []string{"a.json/fox → https://o.example/fox.jpg", "a.json/owl → https://o.example/owl.jpg"}},
		{"one slug twice", map[string]string{"a.json": ghostPosts("fox", "fox", "v1.2")}, Options{}, "ghost", []string{"a.json/fox → https://o.example/fox.jpg", "a.json/fox-b → https://o.example/fox.jpg", "a.json/v1-2 → https://o.example/v1.2.jpg"}},
		{"a placeholder", map[string]string{"a.json": ghostPosts("fox", "owl")}, Options{Placeholders: []string{"https://o.example/owl.jpg"}}, "ghost", []string{"a.json/fox → https://o.example/fox.jpg"}},
		{"an image base", map[string]string{"ghost.json": exportFile(t, "ghost.json")}, Options{ImageBase: "https://blog.example/{path}"}, "ghost", []string{
			"ghost.json/two-herons → https://blog.example/content/images/2026/03/herons.jpg",
			"ghost.json/what-the-baker-counts → https://images.unsplash.com/photo-1111111111111-aaaaaaaaaaaa?crop=entropy&cs=tinysrgb&fit=max&fm=jpg&ixid=abc&ixlib=rb-4.1.0&q=80&w=2000",
		}},
		{"files beside it", map[string]string{"old/ghost.json": exportFile(t, "ghost.json"), "old/content/images/2026/03/herons.jpg": "x"}, Options{Content: []string{"old/ghost.json"}}, "ghost", []string{
			"old/ghost.json/two-herons → /old/content/images/2026/03/herons.jpg",
			"old/ghost.json/what-the-baker-counts → https://images.unsplash.com/photo-1111111111111-aaaaaaaaaaaa?crop=entropy&cs=tinysrgb&fit=max&fm=jpg&ixid=abc&ixlib=rb-4.1.0&q=80&w=2000",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scanSite(t, tt.files, tt.o)
			if diff := cmp.Diff(tt.want, append([]string(nil), rows(c)...)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c.Layout != tt.layout {
				t.Errorf("layout %q, want %q", c.Layout, tt.layout)
			}
		})
	}
}

// TestExportLast verifies what becomes of an export's posts when it cannot be read again.
func TestExportLast(t *testing.T) {
	whole := ghostPosts("fox", "owl")
	for _, tt := range []struct {
		name   string
		change func(editor)
		want   []string
		kept   []string
	}{
		{"nothing", func(editor) {}, []string{"a.json/fox", "a.json/owl"}, nil},
		{"a post less", func(e editor) { e.write("a.json", ghostPosts("fox")) }, []string{"a.json/fox"}, nil},
		{"half written", func(e editor) { e.write("a.json", ghostPosts("hen", "fox", "owl")[:200]) }, []string{"a.json/fox", "a.json/hen", "a.json/owl"}, []string{"a.json/fox", "a.json/owl"}},
		{"emptied", func(e editor) { e.write("a.json", "") }, []string{"a.json/fox", "a.json/owl"}, []string{"a.json/fox", "a.json/owl"}},
		{"no export any more", func(e editor) { e.write("a.json", "{}") }, []string{"a.json/fox", "a.json/owl"}, []string{"a.json/fox", "a.json/owl"}},
		{"broken at once", func(e editor) { e.write("a.json", `{"db":[{"meta":{"exported_on":1},"data":{"posts":[nil`) }, []string{"a.json/fox", "a.json/owl"}, []string{"a.json/fox", "a.json/owl"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeSite(t, map[string]string{"a.json": whole})
			o := Options{Content: []string{"a.json"}}
			root := openRoot(t, dir)
			last, err := Scan(t.Context(), root, o)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(editor{t, dir})
			o.Last = last
			c, err := Scan(t.Context(), root, o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows(c) {
				name, _, _ := strings.Cut(r, " ")
				got = append(got, name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.kept, c.Kept); diff != "" {
				t.Errorf("kept, -want +got:\n%s", diff)
			}
			said := len(c.Problems) > 0 && strings.HasSuffix(c.Problems[0].Message, "; what was read of it before is still shown") && c.Problems[0].Code == "bad-export"
			if said != (tt.kept != nil) {
				t.Errorf("problems %v", c.Problems)
			}
		})
	}
}

// TestExportLastFound verifies that an export that was found is found again, and that a site of posts does not become one.
func TestExportLastFound(t *testing.T) {
	const fox = "a.json/fox → https://o.example/fox.jpg"
	for _, tt := range []struct {
		name, post string
		change     func(editor)
		want       string
		kept       []string
	}{
		{"an export", "", func(editor) {}, fox, nil},
		{"posts that went away", remotePost, func(e editor) { e.remove("a.md") }, "", nil},
		{"emptied", "", func(e editor) { e.write("a.json", "") }, fox, []string{"a.json/fox"}},
		{"no export any more", "", func(e editor) { e.write("a.json", "[") }, fox, []string{"a.json/fox"}},
		{"a second one", "", func(e editor) { e.write("b.json", ghostPosts("hen")) }, fox, nil},
		{"another name", "", func(e editor) {
			e.remove("a.json")
			e.write("b.json", ghostPosts("hen"))
		}, "b.json/hen → https://o.example/hen.jpg", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"a.json": ghostPosts("fox")}
			if tt.post != "" {
				files["a.md"] = tt.post
			}
			dir := writeSite(t, files)
			root := openRoot(t, dir)
			last, err := Scan(t.Context(), root, Options{})
			if err != nil {
				t.Fatal(err)
			}
			tt.change(editor{t, dir})
			c, err := Scan(t.Context(), root, Options{Last: last})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(rows(c), " "); got != tt.want || !slices.Equal(c.Kept, tt.kept) {
				t.Errorf("got %q, kept %q, want %q, %q", got, c.Kept, tt.want, tt.kept)
			}
		})
	}
}

// TestExportErrors verifies what is said of a file that is named and is no export.
func TestExportErrors(t *testing.T) {
	root := openRoot(t, writeSite(t, map[string]string{"a.md": remotePost, "empty.xml": "", "sitemap.xml": "<urlset/>", "dangling": "→ nowhere"}))
	for _, name := range []string{"a.md", "empty.xml", "sitemap.xml", "dangling", "none.json"} {
		_, err := Scan(t.Context(), root, Options{Content: []string{name}})
		if err == nil || !strings.Contains(err.Error(), "export") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestExportLookup finds posts of an export by all their names.
func TestExportLookup(t *testing.T) {
	c := scanSite(t, map[string]string{"a.json": ghostPosts("fox", "v1.2", "index")}, Options{})
	for name, want := range map[string]string{
		"a.json/fox": "a.json/fox", "fox": "a.json/fox", "a.json/v1-2": "a.json/v1-2", "v1.2": "a.json/v1-2", "index": "a.json/index", "a.json/index": "a.json/index",
	} {
		_, p, err := c.ByPost(name)
		if err != nil || p.Path != want || p.Export != "a.json" {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
	for _, name := range []string{"a.json", "a", "a/fox", "v1"} {
		if _, p, err := c.ByPost(name); err == nil {
			t.Errorf("%s: got %v", name, p)
		}
	}
}

// TestExportOriginals verifies that what is said of one post of an export silences nothing about another.
func TestExportOriginals(t *testing.T) {
	c := scanSite(t, map[string]string{"a.json": strings.ReplaceAll(ghostPosts("fox", "owl", "hen"), "https://o.example/owl.jpg", "__GHOST_URL__/content/images/owl.jpg")}, Options{})
	originals := make([]Original, len(c.Entries))
	for i, e := range c.Entries {
		switch e.Posts[0].Slug {
		case "fox", "owl":
			originals[i].Err = os.ErrNotExist
		case "hen":
			originals[i].Found.XMP.Credit = "Ana Sol"
		}
	}
	var got []string
	for _, p := range c.LintOriginals(originals) {
		if p.Code != "missing-alt" && p.Code != "missing-cutline" {
			got = append(got, p.Post+" "+p.Code)
		}
	}
	want := []string{
		"a.json/fox missing-credit", "a.json/fox original-unavailable", "a.json/owl missing-credit", "a.json/owl missing-file", "a.json/hen embedded-credit",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
