package proxy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// full and empty are what a cache has of renditions.
func full(transform.Spec) bool  { return true }
func empty(transform.Spec) bool { return false }

// page gets a page of the sheet that has to be there.
func (d *desk) page(path string) *html.Node {
	d.t.Helper()
	resp, body := d.get(path)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		d.t.Fatalf("%s: %d %s: %s", path, resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	return doc
}

// elements are those of a name that have a class; "" is any class.
func elements(doc *html.Node, name, class string) (out []*html.Node) {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name && (class == "" || slices.Contains(strings.Fields(attr(n, "class")), class)) {
			out = append(out, n)
		}
	}
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text is what is between the tags, with blanks for these.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// titles are those of the cards, in their order.
func titles(doc *html.Node) (out []string) {
	for _, a := range elements(doc, "a", "open") {
		out = append(out, text(a))
	}
	return out
}

func TestSheet(t *testing.T) {
	d := newDesk(t)
	doc := d.page("/")
	resp, body := d.get("/")
	if robots := resp.Header.Get("X-Robots-Tag"); !strings.Contains(robots, "noindex") || !strings.Contains(body, `name="robots" content="noindex`) {
		t.Errorf("X-Robots-Tag %q, or no meta element: search engines may keep the page", robots)
	}
	if got := titles(doc); !slices.Equal(got, []string{"The broken one", "The logo", "The fox"}) {
		t.Errorf("cards %q", got)
	}
	var alts []string
	for _, img := range elements(doc, "img", "") {
		alts = append(alts, attr(img, "alt"))
	}
	if diff := cmp.Diff([]string{"", "", "A red fox"}, alts); diff != "" {
		t.Errorf("alt texts (-want +got):\n%s", diff)
	}
	for _, says := range []string{"A fox in Oslo", "Ann Ström", "No alt text", "Logo &amp; friends", "https://origin.example/fox.jpg", "<b>fox</b>.md"} {
		if !strings.Contains(body, says) {
			t.Errorf("the sheet does not say %q", says)
		}
	}
	var asked int
	d.stub.set(func(s *stub) { asked = len(s.asked) + s.probed })
	if asked > 0 {
		t.Errorf("showing the sheet rendered or fetched %d times", asked)
	}
}

// TestSheetPolicy verifies that every page of the sheet has one style and one script, both allowed by their hashes, and no other
// code or style that a policy would have to allow, whatever authors write.
func TestSheetPolicy(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.has = full })
	d.get("/p/fox/meta.json")
	for _, path := range []string{"/", "/?show=problems&q=%22%3E%3Cscript%3E", "/?post=logo", "/?image=" + d.id("fox"), "/?view=numbers", "/?image=%3Cscript%3E"} {
		resp, body := d.get(path)
		policy := resp.Header.Get("Content-Security-Policy")
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"style", "script"} {
			found := elements(doc, kind, "")
			if len(found) != 1 || !strings.Contains(policy, kind+"-src "+hashSource(found[0].FirstChild.Data)+";") {
				t.Errorf("%s: %d %s elements, of which the policy %q allows none or another", path, len(found), kind, policy)
			}
		}
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
					t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
				}
				if (a.Key == "src" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") {
					t.Errorf("%s: <%s %s=%q> leaves this server", path, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// TestSheetMasks verifies that a password in a post's URL is not shown to whoever looks at the sheet.
func TestSheetMasks(t *testing.T) {
	s, err := New(Options{Renderer: &stub{}, Catalog: scan(t, map[string]string{
		"_posts/2026-01-01-a.md": "---\nimage: https://ann:hunter2@origin.example/a.jpg\n---\n",
		"_posts/2026-01-02-b.md": "---\nimage: ftp://hunter2@origin.example/a.jpg\n---\n",
		"_posts/2026-01-03-c.md": "---\nimage: https://origin.example/a.jpg\n---\n",
	})})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, Server: s}
	d.serve()
	if _, body := d.get("/"); strings.Contains(body, "hunter2") || !strings.Contains(body, "ann:…@origin.example") {
		t.Errorf("a password, or no word of the address:\n%s", body)
	}
}

func TestSheetQueries(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.has = empty })
	fox, logo, broken := "The fox", "The logo", "The broken one"
	tests := []struct {
		query string
		want  []string
	}{
		{"", []string{broken, logo, fox}},
		{"sort=newest&utm_source=x", []string{broken, logo, fox}},
		{"sort=oldest", []string{fox, logo, broken}},
		{"sort=title", []string{broken, fox, logo}},
		{"sort=problems", []string{broken, logo, fox}},
		{"sort=original", []string{logo, fox, broken}},
		{"sort=saved", []string{broken, logo, fox}},
		{"show=missing-alt", []string{broken}},
		{"show=missing-cutline", []string{broken}},
		{"show=broken", []string{broken}},
		{"show=errors", []string{broken}},
		{"show=decorative", []string{logo}},
		{"show=complete", []string{logo, fox}},
		{"show=wrapped-url", nil},
		{"q=strom", []string{fox}},
		{"q=STR%C3%96M+oslo", []string{fox}},
		{"q=%22in+oslo%22", []string{fox}},
		{"q=%22oslo+in%22", nil},
		{"q=origin.example+logo", []string{logo}},
		{"q=2026-01-04", []string{broken}},
		{"q=friends&show=missing-alt", nil},
		{"q=the&sort=oldest&show=complete", []string{fox, logo}},
		{"q=%22", []string{broken, logo, fox}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			doc := d.page("/?" + tt.query)
			if got := titles(doc); !slices.Equal(got, tt.want) {
				t.Errorf("cards %q, want %q", got, tt.want)
			}
			if n := len(elements(doc, "p", "empty")); (n == 1) != (len(tt.want) == 0) {
				t.Errorf("%d times that there is nothing", n)
			}
		})
	}
	for _, query := range []string{"show=x", "sort=x", "view=x", "page=0", "page=2", "page=x", "q=%zz"} {
		if resp, body := d.get("/?" + query); resp.StatusCode != http.StatusBadRequest || strings.Contains(body, "<") {
			t.Errorf("%s: %d %q, want 400 in plain text", query, resp.StatusCode, body)
		}
	}
}

// TestSheetCounts verifies that filters tell how many of the search they select, and that links keep the rest of the query.
func TestSheetCounts(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.has = empty })
	filters := func(path string) map[string]string {
		got := map[string]string{}
		for _, a := range elements(d.page(path), "a", "") {
			for _, b := range a.Attr {
				if b.Key == "data-filter" {
					got[b.Val] = attr(elements(a, "span", "count")[0], "class") + " " + text(elements(a, "span", "count")[0]) + " " + attr(a, "href") + " " + attr(a, "aria-current")
				}
			}
		}
		return got
	}
	got := filters("/?q=the&sort=title&show=decorative")
	want := map[string]string{
		"": "count 3 /?q=the&sort=title ", "problems": "count 1 /?show=problems&q=the&sort=title ", "errors": "count 1 /?show=errors&q=the&sort=title ",
		"broken": "count 1 /?show=broken&q=the&sort=title ", "missing-alt": "count 1 /?show=missing-alt&q=the&sort=title ",
		"missing-credit": "count 1 /?show=missing-credit&q=the&sort=title ", "missing-cutline": "count 1 /?show=missing-cutline&q=the&sort=title ",
		"wrapped-url": "count 0 /?show=wrapped-url&q=the&sort=title ", "decorative": "count 1 /?show=decorative&q=the&sort=title true",
		"complete": "count 2 /?show=complete&q=the&sort=title ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("filters (-want +got):\n%s", diff)
	}
}

// TestSheetBrokenEdit verifies that a post which cannot be read at the moment keeps its card, and says so.
func TestSheetBrokenEdit(t *testing.T) {
	d := newDesk(t)
	fox, _ := d.snapshot().catalog.ByID(d.id("fox"))
	d.scans(func(*catalog.Catalog) (*catalog.Catalog, error) {
		return &catalog.Catalog{Entries: []*catalog.Entry{fox}, Kept: []string{fox.Posts[0].Path}, Problems: []catalog.Problem{
			{File: fox.Posts[0].Path, Line: 3, Severity: catalog.Error, Code: "bad-front-matter", Message: "expected a colon"},
		}}, nil
	})
	d.rescan(http.StatusOK)
	doc := d.page("/?show=unread")
	var badges []string
	for _, li := range elements(doc, "li", "badge") {
		badges = append(badges, text(li))
	}
	if want := []string{"error: Broken edit", "error: Bad front matter"}; !slices.Equal(badges, want) {
		t.Errorf("badges %q, want %q", badges, want)
	}
	if body := text(d.page("/?post=fox")); !strings.Contains(body, "expected a colon") || !strings.Contains(body, fox.Posts[0].Path) {
		t.Error("the picture's page does not say what is wrong, or where")
	}
}

// A picture that a thousand posts share costs a page, not a thousand lines.
func TestManyPostsOfOnePicture(t *testing.T) {
	many := map[string]string{"_posts/2026-01-01-bad.md": "---\nimage: [\n---\n"}
	for i := range 1000 {
		many[fmt.Sprintf("_posts/2026-02-01-p%04d.md", i)] = "---\nimage: https://origin.example/card.jpg\n---\n"
	}
	for i := range 150 {
		many[fmt.Sprintf("_posts/2026-03-01-m%04d.md", i)] = fmt.Sprintf("---\nimage: [%d\n---\n", i)
	}
	s, err := New(Options{Catalog: scan(t, many), Renderer: &stub{}, PublicURL: "https://img.example"})
	if err != nil {
		t.Fatal(err)
	}
	for path, most := range map[string]int{"/": 80_000, "/?post=p0001": 70_000, "/catalog.json": 20_000, "/p/p0001/meta.json": 30_000} {
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if rec.Code != http.StatusOK || rec.Body.Len() > most {
			t.Errorf("%s: %d, %d bytes, want at most %d", path, rec.Code, rec.Body.Len(), most)
		}
		switch body := rec.Body.String(); path {
		case "/":
			for _, says := range []string{"and 999 more", "and 51 more: <code>cutline lint", "bad-front-matter"} {
				if !strings.Contains(body, says) {
					t.Errorf("the sheet does not say %q", says)
				}
			}
			if n := strings.Count(body, "No credit</li>"); n != 1 {
				t.Errorf("one lack is told %d times", n)
			}
		case "/?post=p0001":
			if !strings.Contains(body, "and 900 more") || strings.Count(body, "slug p0") != maxPosts {
				t.Error("the picture's page lists more than a hundred posts, or does not count the rest")
			}
		default:
			if !strings.Contains(body, `"uses": 1000`) || !strings.Contains(body, `"https://img.example/i/`) {
				t.Errorf("%s counts no posts, or has relative URLs", path)
			}
		}
	}
}

func TestSheetPages(t *testing.T) {
	many := map[string]string{}
	for i := range 5*sheetPage + 1 {
		many[fmt.Sprintf("_posts/2026-02-01-p%04d.md", i)] = fmt.Sprintf("---\nimage: https://origin.example/%d.jpg\n---\n", i)
	}
	d := newDesk(t)
	s, err := New(Options{Catalog: scan(t, many), Renderer: d.stub})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	d.serve()
	tests := []struct {
		path, first string
		links       []string
	}{
		{"/?utm_source=x", "p0300", []string{"/", "/?page=2", "/?page=6", "/?page=2"}},
		{"/?page=3", "p0180", []string{"/?page=2", "/", "/?page=2", "/?page=3", "/?page=4", "/?page=6", "/?page=4"}},
		{"/?page=6", "p0000", []string{"/?page=5", "/", "/?page=5", "/?page=6"}},
		{"/?page=2&sort=oldest&show=missing-alt&q=p0", "p0060", []string{
			"/?show=missing-alt&q=p0&sort=oldest", "/?show=missing-alt&q=p0&sort=oldest", "/?show=missing-alt&q=p0&sort=oldest&page=2",
			"/?show=missing-alt&q=p0&sort=oldest&page=3", "/?show=missing-alt&q=p0&sort=oldest&page=6", "/?show=missing-alt&q=p0&sort=oldest&page=3",
		}},
	}
	for _, tt := range tests {
		doc := d.page(tt.path)
		var links []string
		for _, a := range elements(elements(doc, "nav", "pager")[0], "a", "") {
			links = append(links, attr(a, "href"))
		}
		if got := titles(doc); got[0] != tt.first || !slices.Equal(links, tt.links) {
			t.Errorf("%s: first %s, want %s; links %q, want %q", tt.path, got[0], tt.first, links, tt.links)
		}
	}
}

// TestSheetWithdrawn verifies that a picture that was taken down keeps its card and its page, without the picture, and that a
// purge is seen at once.
func TestSheetWithdrawn(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.has = full })
	d.page("/") // what it found out is fresh
	fox, _ := d.snapshot().catalog.ByID(d.id("fox"))
	if w := d.ask("", "POST", "/purge", `{"post": "fox", "gone": true}`); w.Code != http.StatusOK {
		t.Fatalf("purge: %d %s", w.Code, w.Body)
	}
	if got := titles(d.page("/?show=withdrawn")); !slices.Equal(got, []string{"The fox"}) {
		t.Errorf("taken down are %q", got)
	}
	for _, path := range []string{"/?show=withdrawn", "/?post=fox"} {
		if _, body := d.get(path); strings.Contains(body, "<img") || !strings.Contains(body, "taken down") || !strings.Contains(body, "A red fox") {
			t.Errorf("%s shows it, does not say why not, or lacks its words", path)
		}
	}
	d.stub.set(func(s *stub) { s.gone = map[source.Source]bool{fox.Source: false} })
}

// TestSheetSaved verifies that a card tells what readers get, as soon as one got it, and nothing of thumbnails.
func TestSheetSaved(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.has = empty })
	saved := func() string {
		got := text(elements(d.page("/?q=fox"), "li", "card")[0])
		_, got, _ = strings.Cut(got, "File ")
		return got
	}
	if got, want := saved(), "2,000 × 1,000 JPEG, 12 kB"; got != want {
		t.Errorf("at first %q, want %q", got, want)
	}
	d.get("/p/fox/w320.webp")
	d.get("/p/fox/card.webp")
	if got, want := saved(), "2,000 × 1,000 JPEG, 12 kB"; got != want {
		t.Errorf("after thumbnails %q, want %q", got, want)
	}
	d.get("/p/fox/hero.webp")
	d.get("/p/fox/w960.webp")
	if got, want := saved(), "2,000 × 1,000 JPEG, 12 kB → , readers get 24 B WebP 100 % saved"; got != want {
		t.Errorf("then %q, want %q", got, want)
	}
	d.snapshot().largest.Clear() // as after a restart
	d.stub.set(func(s *stub) { s.has = full })
	if got, want := saved(), "2,000 × 1,000 JPEG, 12 kB → , readers get 23 B JPEG 100 % saved"; got != want {
		t.Errorf("from the cache %q, want %q", got, want)
	}
}

// TestSheetPlaceholders verifies that a page has the placeholders that were made, and those that the cache has the files for.
func TestSheetPlaceholders(t *testing.T) {
	d := newDesk(t)
	hashes := func() (n int) {
		for _, shot := range elements(d.page("/"), "div", "shot") {
			if attr(shot, "data-thumbhash") != "" {
				n++
			}
		}
		return n
	}
	d.stub.set(func(s *stub) { s.has = empty })
	if n := hashes(); n != 0 {
		t.Errorf("%d placeholders though none was made", n)
	}
	d.get("/p/fox/meta.json")
	if n := hashes(); n != 1 {
		t.Errorf("%d placeholders, want the one that was made", n)
	}
	d.stub.set(func(s *stub) { s.has = full })
	if n := hashes(); n != 2 {
		t.Errorf("%d placeholders, want those of both pictures that are not broken", n)
	}
}
