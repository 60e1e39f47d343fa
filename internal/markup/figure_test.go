package markup

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestFigure(t *testing.T) {
	tests := []struct {
		name    string
		picture func(*Picture)
		options Options
	}{
		{"hero", nil, Options{Hero: true}},
		{"lazy", nil, Options{Sizes: "(min-width: 40em) calc(50vw - 2rem), 100vw"}},
		{"decorative", func(p *Picture) { p.Words = caption.Words{Decorative: true} }, Options{}},
		{"unknown", func(p *Picture) { *p = small() }, Options{}},
		{"transparent", func(p *Picture) {
			p.Placeholder.Transparent = true
			p.Words.License = "All rights reserved"
			p.Words.Cutline = ""
		}, Options{}},
		{"licence in the credit", func(p *Picture) { p.Words.Credit = "Ann O’Neill / CC BY 4.0, cropped"; p.Words.Copyright = "" }, Options{Hero: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := fox()
			if tt.picture != nil {
				tt.picture(&p)
			}
			got, err := Figure(p, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "figure-"+strings.ReplaceAll(tt.name, " ", "-")+".html", got)
		})
	}
}

// TestFigureFacts holds what the golden files show against what was asked for, so that a wrong one is not simply accepted.
func TestFigureFacts(t *testing.T) {
	p := fox()
	attrs := func(o Options) map[string]string {
		body, err := Figure(p, o)
		if err != nil {
			t.Fatal(err)
		}
		return attributes(parse(t, string(body)), "img")
	}
	hero, lazy := attrs(Options{Hero: true}), attrs(Options{})
	for _, tt := range []struct {
		name string
		got  map[string]string
		want map[string]string
	}{
		{"hero", hero, map[string]string{
			"src": p.Formats[2].Candidates[1].URL, "sizes": DefaultSizes, "width": "1800", "height": "1200", "alt": p.Words.Alt,
			"fetchpriority": "high", "decoding": "async", "style": "background:#8a5a33 center/cover url(data:image/png;base64,iVBORw0KGgo=)",
		}},
		{"lazy", lazy, map[string]string{
			"src": p.Formats[2].Candidates[1].URL, "sizes": "auto, " + DefaultSizes, "width": "1800", "height": "1200", "alt": p.Words.Alt,
			"loading": "lazy", "decoding": "async", "style": hero["style"],
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var set []string
			for _, c := range p.Formats[2].Candidates {
				set = append(set, fmt.Sprintf("%s %dw", c.URL, c.Width))
			}
			tt.want["srcset"] = strings.Join(set, ", ")
			for k := range tt.got {
				if _, ok := tt.want[k]; !ok {
					t.Errorf("has %s=%q", k, tt.got[k])
				}
			}
			for k, want := range tt.want {
				if tt.got[k] != want {
					t.Errorf("%s: got %q, want %q", k, tt.got[k], want)
				}
			}
		})
	}
}

func TestFigureKeepsCommasInURLs(t *testing.T) {
	p := small()
	p.Formats[0].Candidates = []Candidate{{"/a.png?crop=top,left&w=1", 1, 1}, {"/a.png?crop=top,left&w=2", 2, 2}}
	body, err := Figure(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := attributes(parse(t, string(body)), "img")["srcset"], "/a.png?crop=top,left&w=1 1w, /a.png?crop=top,left&w=2 2w"; got != want {
		t.Errorf("srcset %q, want %q", got, want)
	}
}

// hostile are words that try to get out of where they are put.
var hostile = []string{
	`"><script>alert(1)</script>`,
	`' onerror='alert(1)`,
	`" onerror="alert(1)`,
	`</figcaption></figure><img src=x onerror=alert(1)>`,
	`</script><script>alert(1)</script>`,
	`<!-- `,
	`<!--<script>`,
	`--> ]]>`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`,
	`&amp;lt;b&amp;gt;`,
	`{{.}} {{template "figure" .}}`,
	`javascript:alert(1)`,
	`[x](javascript:alert(1))`,
	`[x](https://a.test/" onclick="alert(1))`,
	`<a href="https://a.test/" onclick="alert(1)" style="x">x</a>`,
	`<a href="&#106;avascript:alert(1)">x</a>`,
	`<svg onload=alert(1)>`,
	`<style>*{display:none}</style>x`,
	`<textarea><plaintext>`,
	"\u2028\u2029\x00\x1b\u202ex",
	"a\r\nb",
	`${alert(1)} \u003c/script\u003e`,
}

func TestFigureHostile(t *testing.T) {
	for _, bad := range hostile {
		t.Run(bad, func(t *testing.T) {
			p := fox()
			p.ID = bad
			p.Words = caption.Words{
				Cutline: bad, Credit: "by " + bad, CreditURL: bad, Alt: bad, Creator: bad, Copyright: "© " + bad,
				License: bad, Licensor: bad, LicensorURL: bad, SourceType: bad,
			}
			checkStructure(t, p)
		})
	}
}

func FuzzFigure(f *testing.F) {
	for i, bad := range hostile {
		f.Add(bad, hostile[(i+1)%len(hostile)], bad, hostile[(i+2)%len(hostile)], bad, i%2 == 0)
	}
	f.Add("A fox. Photo: Ann / CC BY 4.0", "Ann / CC BY 4.0", "https://a.test/?a=b&c=d", `"fox"`, by4, true)
	f.Add("[a](mailto:b@c.d) <http://e.test>", "[Ann](http://b.test)", "mailto:x@y.z", "\u00e9e\u0301 \U0001F98A", "CC BY", false)
	f.Fuzz(func(t *testing.T, cutline, credit, link, alt, license string, hero bool) {
		p := fox()
		p.Words = caption.Words{
			Cutline: cutline, Credit: credit, CreditURL: link, Alt: alt, Creator: credit, Copyright: cutline + credit,
			License: license, LicensorURL: link, SourceType: license,
		}
		checkStructureOf(t, p, hero)
	})
}

func checkStructure(t *testing.T, p Picture) {
	t.Helper()
	checkStructureOf(t, p, true)
	checkStructureOf(t, p, false)
}

// checkStructureOf holds everything that is made of p against what is made of the same picture with plain words: the same
// elements with the same attributes, but for links in the figcaption; and the words come out as they went in.
func checkStructureOf(t *testing.T, p Picture, hero bool) {
	t.Helper()
	o := Options{Hero: hero, Page: p.Words.CreditURL}
	body, err := Figure(p, o)
	if err != nil {
		t.Fatal(err)
	}
	words, err := Caption(p.Words)
	if err != nil {
		t.Fatal(err)
	}
	_, inside, _ := strings.Cut(string(body), "<figcaption>")
	inside, _, _ = strings.Cut(inside, "</figcaption>")
	if got, want := strings.Fields(string(words)), strings.Fields(inside); !slices.Equal(got, want) {
		t.Fatalf("the caption is %q, and the figure's %q", got, want)
	}
	doc := parse(t, string(body))
	var classes []string
	for _, part := range parts(p.Words) {
		classes = append(classes, part.Class)
	}
	if got, want := skeleton(t, doc), plainFigure(len(p.Formats), classes, p.Words.Alt != "" || p.Words.Decorative, hero); got != want {
		t.Fatalf("%s\n got %s\nwant %s", body, got, want)
	}
	if got := attributes(doc, "img")["alt"]; got != attribute(p.Words.Alt) {
		t.Fatalf("alt %q, want %q", got, p.Words.Alt)
	}
	// A credit that closes the cutline is shown there, perhaps without its last full stop.
	if w, shown := p.Words.Plain(), textOf(doc); !strings.Contains(shown, joined(w.Cutline)) || !strings.Contains(shown, strings.TrimRight(joined(w.Credit), `.)]}"”’»`)) {
		t.Fatalf("shows %q, want %q and %q in it", shown, w.Cutline, w.Credit)
	}
	checkHead(t, p, o)
}

func checkHead(t *testing.T, p Picture, o Options) {
	t.Helper()
	body, err := Head(p, o)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	if o.Hero {
		want = append(want, "link[rel as type fetchpriority imagesrcset imagesizes]")
	}
	social := Social(p)
	for _, m := range social {
		if m.Property != "" {
			want = append(want, "meta[property content]")
		} else {
			want = append(want, "meta[name content]")
		}
	}
	want = append(want, "script[type]")
	doc := parse(t, string(body))
	var got []string
	var script string
	var contents []string
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.ElementNode && !slices.Contains([]string{"html", "head", "body"}, n.Data):
			got = append(got, n.Data+keys(n))
			if n.Data == "meta" {
				contents = append(contents, n.Attr[1].Val)
			}
		case n.Type == html.TextNode && n.Parent.Data == "script":
			script += n.Data
		case n.Type != html.TextNode && n.Type != html.ElementNode:
			t.Fatalf("%s: node %q of type %d", body, n.Data, n.Type)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s\n got %q\nwant %q", body, got, want)
	}
	for i, m := range social {
		if contents[i] != m.Content {
			t.Fatalf("%v: content %q", m, contents[i])
		}
	}
	ld, err := JSONLD(p, o)
	if err != nil {
		t.Fatal(err)
	}
	var fromScript, direct imageObject
	if err := json.Unmarshal([]byte(script), &fromScript); err != nil {
		t.Fatalf("script %q: %v", script, err)
	}
	if err := json.Unmarshal(ld, &direct); err != nil || strings.ContainsAny(string(ld), "<>&\u2028\u2029") {
		t.Fatalf("%s: %v", ld, err)
	}
	w := p.Words.Plain()
	if fromScript.Caption != w.Cutline || fromScript.CreditText != w.Credit || fromScript.Description != w.Alt || direct.Caption != w.Cutline {
		t.Fatalf("script %q\n JSON %q\nwant %+v", script, ld, w)
	}
}

// plainFigure is what skeleton makes of a figure with plain words.
func plainFigure(formats int, classes []string, alt, hero bool) string {
	img := "src srcset sizes width height"
	if alt {
		img += " alt"
	}
	if hero {
		img += " fetchpriority decoding style"
	} else {
		img += " loading decoding style"
	}
	want := "figure[class data-cutline]( picture[]( " + strings.Repeat("source[type srcset sizes]( ) ", formats-1) + "img[" + img + "]( ) ) "
	if len(classes) > 0 {
		want += "figcaption[]( "
		for _, class := range classes {
			if class != "" {
				want += "span[class]( ) "
			}
		}
		want += ") "
	}
	return want + ")"
}

// parse reads an HTML fragment as the content of a body.
func parse(t *testing.T, fragment string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader("<!DOCTYPE html><html><head></head><body>" + fragment + "</body></html>"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data == "body" {
			return n
		}
	}
	t.Fatal("no body")
	return nil
}

// skeleton is a body's elements with the names of their attributes, in their order. Links that stand within a figcaption and
// are as they may be are left out.
func skeleton(t *testing.T, body *html.Node) string {
	t.Helper()
	var walk func(n *html.Node, in bool) string
	walk = func(n *html.Node, in bool) string {
		var out string
		for c := range n.ChildNodes() {
			switch {
			case c.Type == html.TextNode:
			case c.Type != html.ElementNode:
				out += fmt.Sprintf("node of type %d ", c.Type)
			case c.Data == "a" && in && allowedLink(c):
				out += walk(c, false)
			default:
				out += c.Data + keys(c) + "( " + walk(c, in || c.Data == "figcaption") + ") "
			}
		}
		return out
	}
	return strings.TrimSpace(walk(body, false))
}

func allowedLink(a *html.Node) bool {
	for _, attr := range a.Attr {
		switch attr.Key {
		case "href":
			if scheme, _, _ := strings.Cut(attr.Val, ":"); !slices.Contains([]string{"http", "https", "mailto"}, scheme) {
				return false
			}
		case "rel":
			if attr.Val != "license" {
				return false
			}
		default:
			return false
		}
	}
	return len(a.Attr) > 0
}

func keys(n *html.Node) string {
	var out []string
	for _, a := range n.Attr {
		out = append(out, a.Key)
	}
	return "[" + strings.Join(out, " ") + "]"
}

func attributes(body *html.Node, element string) map[string]string {
	out := map[string]string{}
	for n := range body.Descendants() {
		if n.Type == html.ElementNode && n.Data == element {
			for _, a := range n.Attr {
				out[a.Key] = a.Val
			}
		}
	}
	return out
}

// textOf is the text of a body, joined.
func textOf(body *html.Node) string {
	var b strings.Builder
	for n := range body.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return joined(b.String())
}

// joined is text without blanks and case: where one run ends and the next begins is not what the tests look at.
func joined(text string) string { return lower(strings.ReplaceAll(caption.Clean(text), " ", "")) }
