//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// publicURL is where browsers and crawlers would find the server.
const publicURL = "https://img.example.org"

// quick has encoders take no time for the search of a quality, which is the engine's affair, and as much as they need on a
// machine that does other things too.
const quick = "quality: 50\nlimits: {timeout: 1m}\n"

// exampleSite is a copy of the example site, configured with yaml, and with posts of its own: by path, their front matter.
func exampleSite(t *testing.T, yaml string, posts map[string]string) string {
	t.Helper()
	site := t.TempDir()
	if err := os.CopyFS(site, os.DirFS(filepath.Join("..", "..", "testdata", "site"))); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(site, configName), []byte(yaml))
	for path, front := range posts {
		put(t, filepath.Join(site, path), []byte("---\ndate: 2025-01-01\n"+front+"\n---\n"))
	}
	return site
}

// A described is what the tests read of meta.json.
type described struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Words  struct {
		Cutline, Credit, Alt, Creator, Copyright, License string
		Decorative                                        bool
	} `json:"text"`
	Width     int             `json:"width"`
	Height    int             `json:"height"`
	ThumbHash string          `json:"thumbhash"`
	BlurHash  string          `json:"blurhash"`
	Color     string          `json:"color"`
	Formats   json.RawMessage `json:"formats"`
	Social    []struct{ Property, Name, Content string }
	JSONLD    json.RawMessage
}

// local lists the pictures of a served site that lie in it, by their metadata.
func local(t *testing.T, server string) []described {
	t.Helper()
	var catalog struct {
		Images []struct{ ID, Source string }
	}
	askJSON(t, server+"/catalog.json", &catalog)
	var out []described
	for _, im := range catalog.Images {
		if strings.HasPrefix(im.Source, "/") {
			var d described
			askJSON(t, server+"/i/"+im.ID+"/meta.json", &d)
			out = append(out, d)
		}
	}
	if len(out) < 10 {
		t.Fatalf("%d pictures in the site, want at least 10", len(out))
	}
	return out
}

// articlePage is a page with figures in it, its head as meta.json has it.
func articlePage(d described, figures ...[]byte) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>An article</title>\n")
	for _, m := range d.Social {
		kind, name := "property", m.Property
		if name == "" {
			kind, name = "name", m.Name
		}
		fmt.Fprintf(&b, "<meta %s=\"%s\" content=\"%s\">\n", kind, name, html.EscapeString(m.Content))
	}
	fmt.Fprintf(&b, "<script type=\"application/ld+json\">%s</script>\n</head>\n<body>\n<h1>An article</h1>\n", d.JSONLD)
	for _, f := range figures {
		b.Write(f)
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

// TestIntegrationValidHTML has html-validate read pages with every picture of the example site, and holds their JSON-LD
// against what Google asks of an ImageObject.
func TestIntegrationValidHTML(t *testing.T) {
	const picture = "featured-image:\n  path: /assets/images/wall-clock.jpg\n"
	s := startServe(t, "--cache", "off", exampleSite(t, quick+"public_url: "+publicURL+"\n", map[string]string{
		"_posts/2025-01-01-unknown.md":    picture + "  credit: Ann",
		"_posts/2025-01-01-decorative.md": picture + "  alt-text: ''\n  license: https://creativecommons.org/licenses/by/4.0/",
		"_posts/2025-01-01-hostile.md": picture + "  alt-text: '\"><script>alert(1)</script>'\n  copyright: '© [AP](https://ap.example/?a=1&b=2) <b>bold</b>'\n" +
			"  cutline: '</figcaption> & <!-- [x](https://a.test/?a=b&c=\"d\")'\n  license: 'https://example.org/a\"b<c>&d'",
	}))
	defer s.stop(t)
	type page struct {
		Name string `json:"name"`
		HTML string `json:"html"`
		d    described
	}
	var pages []page
	pictures := local(t, s.url)
	for i, d := range pictures {
		below := pictures[(i+1)%len(pictures)] // another one further down
		for below.Words.Alt == "" && !below.Words.Decorative {
			below = pictures[0]
		}
		hero := askOK(t, s.url+"/i/"+d.ID+"/figure.html?role=hero").body
		lazy := askOK(t, s.url+"/i/"+below.ID+"/figure.html").body
		pages = append(pages, page{d.Source + " " + d.ID, articlePage(d, hero, lazy), d})
		credited := d.Words.Credit+d.Words.Creator+d.Words.Copyright != "" || strings.HasPrefix(d.Words.License, "https://")
		if shown := checkJSONLD(t, d, hero); shown != credited {
			t.Errorf("%s: Google shows the words: %v, want %v", d.Source, shown, credited)
		}
	}
	var found [][]struct{ Rule, Message string }
	nodeScript(t, "validate.mjs", pages, &found)
	if len(found) != len(pages) {
		t.Fatalf("%d results for %d pages", len(found), len(pages))
	}
	unknown := 0
	for i, p := range pages {
		for _, m := range found[i] {
			// Where nobody said what the picture shows, there is no alt, and a validator has to say so.
			if m.Rule == "wcag/h37" && p.d.Words.Alt == "" && !p.d.Words.Decorative {
				unknown++
				continue
			}
			t.Errorf("%s: %s: %s\n%s", p.Name, m.Rule, m.Message, p.HTML)
		}
	}
	if unknown == 0 {
		t.Error("no page was found to lack an alt: does html-validate look?")
	}
}

// checkJSONLD holds a picture's JSON-LD against https://developers.google.com/search/docs/appearance/structured-data/image-license-metadata:
// contentUrl, which is the figure's own src. It reports whether there is one at least of creator, creditText, copyrightNotice and
// license, without which Google shows nothing; a post that says none of them has none.
func checkJSONLD(t *testing.T, d described, figure []byte) (shown bool) {
	t.Helper()
	var ld struct {
		Context         string `json:"@context"`
		Type            string `json:"@type"`
		ContentURL      string
		CreditText      string
		CopyrightNotice string
		License         string
		Creator         *struct {
			Type string `json:"@type"`
			Name string
		}
	}
	if err := json.Unmarshal(d.JSONLD, &ld); err != nil {
		t.Errorf("%s: %v", d.Source, err)
		return false
	}
	doc, err := html.Parse(bytes.NewReader(figure))
	if err != nil {
		t.Fatal(err)
	}
	var src string
	for n := range doc.Descendants() {
		if n.Data == "img" {
			src = attributeOf(n, "src")
		}
	}
	if ld.Context != "https://schema.org/" || ld.Type != "ImageObject" || ld.ContentURL != src || !strings.HasPrefix(src, publicURL+"/i/"+d.ID+"/") {
		t.Errorf("%s: %s of %s at %q, want an ImageObject at the figure's %q", d.Source, ld.Type, ld.Context, ld.ContentURL, src)
	}
	if ld.CreditText != d.Words.Credit || ld.CopyrightNotice != d.Words.Copyright || (ld.Creator == nil) != (d.Words.Creator == "") {
		t.Errorf("%s: %+v, want %+v", d.Source, ld, d.Words)
	}
	if ld.Creator != nil && (ld.Creator.Type != "Person" || ld.Creator.Name != d.Words.Creator) {
		t.Errorf("%s: creator %+v", d.Source, ld.Creator)
	}
	if u, err := url.Parse(d.Words.License); err == nil && u.IsAbs() && !strings.ContainsAny(d.Words.License, `"<`) && ld.License != d.Words.License {
		t.Errorf("%s: license %q, want %q", d.Source, ld.License, d.Words.License)
	}
	return ld.Creator != nil || ld.CreditText != "" || ld.CopyrightNotice != "" || ld.License != ""
}
