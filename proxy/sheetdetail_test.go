package proxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

// snippetsOf are a page's snippets by their names.
func snippetsOf(doc *html.Node) map[string]string {
	out := map[string]string{}
	for _, area := range elements(doc, "textarea", "") {
		var b strings.Builder
		for d := range area.Descendants() {
			b.WriteString(d.Data)
		}
		out[strings.TrimPrefix(attr(area, "id"), "snippet-")] = b.String()
	}
	return out
}

func TestSheetDetail(t *testing.T) {
	d := newDesk(t)
	id := d.id("fox")
	d.stub.set(func(s *stub) {
		s.has = func(spec transform.Spec) bool { return spec == transform.Spec{Width: 1600, Format: transform.WebP} }
		s.found.XMP = caption.Words{License: "https://creativecommons.org/licenses/by/4.0/"}
	})
	doc := d.page("/?image=" + id)
	if got := text(elements(doc, "h1", "")[0]); got != "The fox" {
		t.Errorf("h1 %q", got)
	}
	var made, missing []string
	for _, a := range elements(elements(doc, "table", "files")[0], "a", "") {
		if attr(a, "class") == "missing" {
			missing = append(missing, attr(a, "href"))
		} else {
			made = append(made, attr(a, "href")+" "+text(a))
		}
	}
	want := []string{"/i/" + id + "/w1600.webp 24 B", "/i/" + id + "/w1600.webp 24 B"} // the preset hero, and a rung of the ladder
	if !slices.Equal(made, want) || len(missing) != (6+11)*3-2 {
		t.Errorf("made %q, want %q; %d missing, want %d", made, want, len(missing), (6+11)*3-2)
	}
	for _, href := range missing {
		if resp, _ := d.get(href); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", href, resp.StatusCode)
		}
	}
	body := text(doc)
	for _, says := range []string{
		"A fox in Oslo front matter, line 5", "License https://creativecommons.org/licenses/by/4.0/ the original’s XMP",
		"640 × 360", "2000 × 1000", "12 kB", "_posts/2026-01-02-fox.md", strings.Repeat("0", 54), "Words in its file",
	} {
		if !strings.Contains(body, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	resp, again := d.get("/?post=_posts/2026-01-02-fox")
	if resp.StatusCode != http.StatusOK || !strings.Contains(again, id) {
		t.Errorf("by its post: %d", resp.StatusCode)
	}
}

// TestSheetDetailExport verifies that a post of an export is told from one with front matter.
func TestSheetDetailExport(t *testing.T) {
	d := newDesk(t)
	const ghost = `{"db":[{"meta":{"exported_on":1,"version":"5.0.0"},"data":{"posts":[
{"id":"1","title":"Owl","slug":"owl","feature_image":"https://origin.example/owl.jpg","status":"published","type":"post"}],
"posts_meta":[{"post_id":"1","feature_image_alt":"An owl"}]}}]}`
	c := scan(t, map[string]string{"ghost.json": ghost})
	d.scans(func(*catalog.Catalog) (*catalog.Catalog, error) { return c, nil })
	d.rescan(http.StatusOK)
	if body := text(d.page("/?post=owl")); !strings.Contains(body, "An owl ghost.json, line 3") || strings.Contains(body, "front matter, line") {
		t.Errorf("the page says %q", body)
	}
}

// TestSheetDetailUnknown is of pictures of which nothing is known, or no file: their page says so, and makes nothing.
func TestSheetDetailUnknown(t *testing.T) {
	d := newDesk(t)
	doc := d.page("/?post=fox")
	if got := len(elements(doc, "table", "files")); got != 0 || !strings.Contains(text(doc), "has not been fetched yet") {
		t.Errorf("%d tables of files, or no word that nothing was fetched", got)
	}
	if got := snippetsOf(doc); got["figure"] != "" || got["ssi"] == "" {
		t.Errorf("snippets %q: want those that need no original", got)
	}
	d.stub.set(func(s *stub) { s.has = empty })
	if body := text(d.page("/?post=broken")); !strings.Contains(body, "could not be fetched from its source") || strings.Contains(body, "10.0.0.1") {
		t.Error("the page does not say why there is no picture, or names an address inside")
	}
	for _, path := range []string{"/?image=aaaaaaaaaaaaaaaa", "/?image=%22%3E%3Cb%3E", "/?post=nobody"} {
		resp, body := d.get(path)
		if resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "No such picture") || strings.Contains(body, "<b>") {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	var asked int
	d.stub.set(func(s *stub) { asked = len(s.asked) + s.probed })
	if asked > 0 {
		t.Errorf("showing pages rendered or fetched %d times", asked)
	}
}

func TestSheetDetailNeighbours(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.has = empty })
	fox, logo, broken := d.id("fox"), d.id("logo"), d.id("broken")
	tests := []struct{ query, prev, next, back, place string }{
		{"image=" + logo, "/?image=" + broken, "/?image=" + fox, "/#p-" + logo, "2 of 3"},
		{"image=" + fox, "/?image=" + logo, "", "/#p-" + fox, "3 of 3"},
		{"image=" + fox + "&show=complete&q=the&sort=oldest", "", "/?image=" + logo + "&show=complete&q=the&sort=oldest", "/?show=complete&q=the&sort=oldest#p-" + fox, "1 of 2"},
		{"image=" + fox + "&show=broken", "", "", "/?show=broken", ""},
	}
	for _, tt := range tests {
		doc := d.page("/?" + tt.query)
		way := elements(doc, "nav", "way")[0]
		got := struct{ prev, next, back, place string }{}
		for _, a := range elements(way, "a", "") {
			switch attr(a, "rel") + attr(a, "class") {
			case "prev":
				got.prev = attr(a, "href")
			case "next":
				got.next = attr(a, "href")
			case "back":
				got.back = attr(a, "href")
			}
		}
		if place := elements(way, "span", "place"); len(place) > 0 {
			got.place = text(place[0])
		}
		if got.prev != tt.prev || got.next != tt.next || got.back != tt.back || got.place != tt.place {
			t.Errorf("%s: got %+v, want %+v", tt.query, got, tt)
		}
	}
}

// TestSheetSnippets verifies that what people copy is right: its addresses work, its texts are escaped as their place needs it.
func TestSheetSnippets(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.has = empty })
	got := snippetsOf(d.page("/?post=fox"))
	want := map[string]string{
		"jekyll":   `{% include cutline.html src="https://origin.example/fox.jpg" %}`,
		"hugo":     `{{< cutline src="https://origin.example/fox.jpg" >}}` + "\n" + `{{ partial "cutline.html" (dict "page" . "src" "https://origin.example/fox.jpg") }}`,
		"eleventy": `{% cutline src="https://origin.example/fox.jpg" %}`,
		"astro":    `<Cutline src="https://origin.example/fox.jpg" />`,
		"ssi":      `<!--# include virtual="/p/_posts/2026-01-02-fox/figure.html" -->`,
		"esi":      `<esi:include src="/p/_posts/2026-01-02-fox/figure.html"/>`,
		"urls":     "/i/" + d.id("fox") + "/figure.html\n/i/" + d.id("fox") + "/meta.json\n/i/" + d.id("fox") + "/w1280.auto",
		"markdown": `![A red fox](/i/` + d.id("fox") + `/w1280.jpg?v=abcdef0123 "A fox in Oslo")`,
		"figure":   got["figure"], "img": got["img"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snippets (-want +got):\n%s", diff)
	}
	for _, path := range append(strings.Split(got["urls"], "\n"), "/p/_posts/2026-01-02-fox/figure.html", "/i/"+d.id("fox")+"/w1280.jpg?v=abcdef0123") {
		if resp, _ := d.get(path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	for _, name := range []string{"figure", "img"} {
		body, err := html.Parse(strings.NewReader(got[name]))
		if err != nil {
			t.Fatal(err)
		}
		img := elements(body, "img", "")
		if len(img) != 1 || attr(img[0], "alt") != "A red fox" || attr(img[0], "width") != "2000" || !strings.HasSuffix(attr(img[0], "srcset"), "2000w") {
			t.Errorf("%s: %s", name, got[name])
		}
		for set := range strings.SplitSeq(attr(img[0], "srcset"), ",") {
			path, _, _ := strings.Cut(strings.TrimSpace(set), " ")
			if resp, _ := d.get(path); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s: %d", name, path, resp.StatusCode)
			}
		}
	}
	evil := imgTag([]candidate{{"/a.jpg", 2, 1}}, caption.Words{Alt: `"><script>`})
	if strings.Contains(evil, "<script>") || strings.Count(evil, `"`)%2 != 0 {
		t.Errorf("an alternative text ends its attribute: %s", evil)
	}
	if got, want := markdownImage([]candidate{{"/a.jpg", 2, 1}}, caption.Words{Alt: `a]b`, Cutline: `say "x"`}), `![a\]b](/a.jpg "say \"x\"")`; got != want {
		t.Errorf("Markdown %s, want %s", got, want)
	}
	if got := liquid(`a"b.jpg`); got != `'a"b.jpg'` {
		t.Errorf("Liquid %s", got)
	}
}

// TestSheetInside verifies that the page tells what is in a file's bytes, of a JPEG where there is one.
func TestSheetInside(t *testing.T) {
	d := newDesk(t)
	e, _ := d.snapshot().catalog.ByID(d.id("fox"))
	file := func(f transform.Format, width int, w caption.Words) *render.Rendition {
		body, err := caption.Embed(jpegOf(t), w)
		if err != nil {
			t.Fatal(err)
		}
		return &render.Rendition{Spec: transform.Spec{Width: width, Height: width / 2, Format: f}, Body: body}
	}
	got := newInsideView([]*render.Rendition{nil, file(transform.WebP, 1600, caption.Words{Credit: "not this"}), file(transform.JPEG, 640, e.Words), nil})
	want := &insideView{Name: "640 × 320 JPEG", Blocks: []blockView{
		{"XMP", []fieldView{{"Cutline", "A fox in Oslo"}, {"Credit", "Ann Ström"}, {"Alt text", "A red fox"}}},
		{"IPTC-IIM", []fieldView{{"Cutline", "A fox in Oslo"}, {"Credit", "Ann Ström"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
	if got := newInsideView([]*render.Rendition{nil}); got != nil {
		t.Errorf("of no file: %+v", got)
	}
}
