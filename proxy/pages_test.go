package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/render"
)

func TestMeta(t *testing.T) {
	d := newDesk(t)
	resp, body := d.get("/p/fox/meta.json")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Image-Alt") != `%"A red fox"` {
		t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
	}
	var got meta
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	id := d.id("fox")
	url := func(spec string) string { return "/i/" + id + "/" + spec + "?v=" + versionOf(original) }
	sized := func(w, h int, spec string) size {
		return size{w, h, map[string]string{"webp": url(spec + ".webp"), "jpg": url(spec + ".jpg"), "png": url(spec + ".png")}}
	}
	want := meta{
		Version: 1, ID: id, Source: "https://origin.example/fox.jpg",
		Words:   words{Cutline: "A fox in [Oslo](https://example.org/oslo)", Credit: "Ann Ström", Alt: "A red fox"},
		Text:    words{Cutline: "A fox in Oslo", Credit: "Ann Ström", Alt: "A red fox"},
		Origins: caption.Origins{Cutline: caption.Post, Credit: caption.Post, Alt: caption.Post},
		Width:   2000, Height: 1000, Format: "jpg", Frames: 1, Bytes: 12345,
		SHA256: "abcdef0123" + strings.Repeat("0", 54),
		Posts:  []post{{"_posts/2026-01-02-fox.md", "fox", "The fox"}},
		Uses:   1,
		Presets: map[string]size{
			"hero": sized(1600, 800, "w1600"), "card": sized(640, 360, "w640-h360-cover"),
			"thumb": sized(160, 160, "w160-h160-cover"), "og": sized(1200, 630, "w1200-h630-cover"),
			"square": sized(1000, 1000, "w1080-h1080-cover"), "story": sized(563, 1000, "w1080-h1920-cover"),
		},
		Srcset: map[string][]candidate{},
	}
	for _, ext := range []string{"webp", "jpg", "png"} {
		for _, w := range []int{24, 160, 320, 480, 640, 828, 960, 1280, 1600, 1920} {
			want.Srcset[ext] = append(want.Srcset[ext], candidate{url(fmt.Sprintf("w%d.%s", w, ext)), w, w / 2})
		}
		want.Srcset[ext] = append(want.Srcset[ext], candidate{url("w2560." + ext), 2000, 1000})
	}
	want.Figure = "/i/" + id + "/figure.html"
	want.Placeholder = got.Placeholder
	want.Formats, want.Preload, want.Social, want.JSONLD = got.Formats, got.Preload, got.Social, got.JSONLD
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("meta.json (-want +got):\n%s", diff)
	}
	// Every URL that it names works, and may be kept for ever.
	for _, p := range got.Presets {
		for _, u := range p.URLs {
			if resp, _ := d.get(u); resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != cacheForever {
				t.Errorf("%s: %d, Cache-Control %q", u, resp.StatusCode, resp.Header.Get("Cache-Control"))
			}
		}
	}
	for _, candidates := range got.Srcset {
		for _, k := range candidates {
			if resp, body := d.get(k.URL); resp.StatusCode != http.StatusOK || !strings.Contains(body, fmt.Sprintf("w%d-", k.Width)) {
				t.Errorf("%s: %d %q, want a picture %d wide", k.URL, resp.StatusCode, body, k.Width)
			}
		}
	}
	if date := resp.Header.Get("Last-Modified"); date != "" { // the next configuration may change it
		t.Errorf("meta.json has the date %s", date)
	}
	again, _ := d.get("/p/fox/meta.json", "If-None-Match: "+resp.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("again with its ETag: %d, want 304", again.StatusCode)
	}
}

// TestMetaForPages looks at what package markup makes of a picture in meta.json.
func TestMetaForPages(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) {
		s.found.XMP = caption.Words{Credit: "not this", License: "https://creativecommons.org/licenses/by/4.0/"}
	})
	resp, body := d.get("/p/fox/meta.json")
	var got meta
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Words.Credit != "Ann Ström" || got.Words.License == "" || got.Origins.Credit != caption.Post || got.Origins.License != caption.XMP {
		t.Errorf("words %+v from %+v: want the post's credit and the file's license", got.Words, got.Origins)
	}
	if link := resp.Header.Get("Link"); !strings.Contains(link, `<https://creativecommons.org/licenses/by/4.0/>; rel="license"`) {
		t.Errorf("Link %q: want the file's license", link)
	}
	if p := got.Placeholder; p.Color != "#8a5a33" || p.ThumbHash == "" || p.BlurHash == "" || !strings.HasPrefix(p.LQIP, "data:image/webp;base64,") {
		t.Errorf("placeholder %+v", p)
	}
	if len(got.Formats) != 2 || len(got.Formats["webp"]) != 9 || len(got.Formats["jpeg"]) != 9 {
		t.Fatalf("formats %+v: want nine widths in webp and jpeg", got.Formats)
	}
	last := got.Formats["jpeg"][8]
	want := stat{"jpeg", 2000, 1000, "/i/" + d.id("fox") + "/w2560.jpg?v=" + versionOf(original), "image/jpeg", ""}
	if want.Srcset = want.URL + " 2000w"; last != want {
		t.Errorf("the widest JPEG is %+v, want %+v", last, want)
	}
	var ld struct {
		Type    string `json:"@type"`
		License string `json:"license"`
		URL     string `json:"contentUrl"`
	}
	if err := json.Unmarshal(got.JSONLD, &ld); err != nil || ld.Type != "ImageObject" || ld.License != got.Words.License {
		t.Errorf("JSON-LD %s, %v", got.JSONLD, err)
	}
	if resp, _ := d.get(ld.URL); resp.StatusCode != http.StatusOK {
		t.Errorf("contentUrl %s: %d", ld.URL, resp.StatusCode)
	}
	if !strings.Contains(got.Preload, "rel=preload") || !strings.Contains(got.Preload, "2000w") {
		t.Errorf("preload %q", got.Preload)
	}
	if len(got.Social) != 0 {
		t.Errorf("social %+v, though nobody said what its addresses begin with", got.Social)
	}
	d.o.PublicURL = "https://img.example"
	_, body = d.get("/p/fox/meta.json")
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Social) == 0 || got.Social[0].Property != "og:image" {
		t.Fatalf("social %+v, %v", got.Social, err)
	}
	card, ok := strings.CutPrefix(got.Social[0].Content, d.o.PublicURL)
	if resp, _ := d.get(card); !ok || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("og:image %s: %d %s", got.Social[0].Content, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}

func TestFigure(t *testing.T) {
	d := newDesk(t)
	tests := []struct {
		name, path string
		status     int
		has, not   []string
	}{
		{"lazy", "/p/fox/figure.html", 200, []string{
			`loading="lazy"`, `alt="A red fox"`, `<a href="https://example.org/oslo">Oslo</a>`, "Ann Ström", `type="image/webp"`, "2000w",
			`width="2000" height="1000"`, "background:#8a5a33",
		}, []string{"fetchpriority", "w24.", "w160."}},
		{"hero", "/p/fox/figure.html?role=hero", 200, []string{`fetchpriority="high"`}, []string{`loading="lazy"`}},
		{"decorative", "/p/logo/figure.html", 200, []string{`alt=""`, "Logo &amp; friends"}, []string{"<script", "<b>"}},
		{"sizes", "/p/fox/figure.html?role=hero&sizes=50vw", 200, []string{`sizes="50vw"`}, nil},
		{"by ID", "/i/" + d.id("fox") + "/figure.html", 200, []string{`data-cutline="` + d.id("fox") + `"`}, nil},
		{"bad sizes", "/p/fox/figure.html?sizes=%22onload", 400, []string{"sizes"}, nil},
		{"bad role", "/p/fox/figure.html?role=villain", 400, []string{"expected hero"}, nil},
		{"role that ends the comment", "/p/fox/figure.html?role=---%3E%3Cscript%3E", 400, []string{"expected hero"}, []string{"<script"}},
		{"parameter that ends the comment", "/p/fox/figure.html?--!%3E%3Cb%3E", 400, []string{"expected only"}, []string{"<b>"}},
		{"sizes that end the comment", "/p/fox/figure.html?sizes=---%3E%3Cb%3E", 400, []string{"no length"}, []string{"<b>"}},
		{"post that ends the comment", "/p/----%3Eb/figure.html", 404, []string{"no such post"}, []string{">b"}},
		{"version", "/i/" + d.id("fox") + "/figure.html?v=0123456789&role=hero", 200, []string{`fetchpriority="high"`}, nil},
		{"version of a post", "/p/fox/figure.html?v=0123456789", 400, []string{"role, sizes"}, nil},
		{"twice", "/p/fox/figure.html?role=hero&role=hero", 400, []string{"repeated"}, nil},
		{"junk", "/p/fox/figure.html?utm_source=x", 400, []string{"role, sizes"}, nil},
		{"no placeholder", "/p/broken/figure.html", 200, nil, []string{"background"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := d.get(tt.path)
			if resp.StatusCode != tt.status {
				t.Fatalf("got %d %s, want %d", resp.StatusCode, body, tt.status)
			}
			// An include shows what it gets, whatever the status.
			comment := strings.HasPrefix(body, "<!-- cutline: ") && strings.HasSuffix(body, " -->\n") && strings.Count(body, "--") == 2
			if resp.Header.Get("Content-Type") != "text/html; charset=utf-8" || comment != (tt.status != http.StatusOK) {
				t.Errorf("%s: %s", resp.Header.Get("Content-Type"), body)
			}
			for _, text := range tt.has {
				if !strings.Contains(body, text) {
					t.Errorf("no %s in\n%s", text, body)
				}
			}
			for _, text := range tt.not {
				if strings.Contains(body, text) {
					t.Errorf("%s in\n%s", text, body)
				}
			}
			if tt.status != http.StatusOK {
				return
			}
			h := resp.Header
			if h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("Surrogate-Key") == "" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("header %v", h)
			}
			if again, _ := d.get(tt.path, "If-None-Match: "+h.Get("ETag")); again.StatusCode != http.StatusNotModified {
				t.Errorf("again with its ETag: %d, want 304", again.StatusCode)
			}
		})
	}
}

// TestPlaceholderIsMadeOnce asks for two pages and counts the renditions.
func TestPlaceholderIsMadeOnce(t *testing.T) {
	d := newDesk(t)
	for range 3 {
		d.get("/p/fox/figure.html")
		d.get("/p/fox/meta.json")
	}
	var renders int
	d.stub.set(func(s *stub) { renders = len(s.asked) })
	if renders != 1 {
		t.Errorf("%d renders for six pages, want 1", renders)
	}
}

func TestMetaOfAnUnreachableOriginal(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.err = &render.Error{Class: render.TimedOut} })
	if resp, _ := d.get("/p/fox/meta.json"); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("got %d, want 504", resp.StatusCode)
	}
}

func TestCatalogPages(t *testing.T) {
	d := newDesk(t)
	resp, body := d.get("/catalog.json?per_page=2")
	var l listing
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatal(err)
	}
	if l.Total != 3 || l.Pages != 2 || len(l.Images) != 2 || l.Images[0].Posts[0].Slug != "fox" || l.Images[0].Alt != "A red fox" {
		t.Errorf("first page: %+v", l)
	}
	if got, want := resp.Header.Get("Link"), `</catalog.json?page=2&per_page=2>; rel="next"`; got != want {
		t.Errorf("Link %q, want %q", got, want)
	}
	resp, body = d.get("/catalog.json?per_page=2&page=2")
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatal(err)
	}
	if len(l.Images) != 1 || l.Page != 2 || resp.Header.Get("Link") != "" {
		t.Errorf("last page: %+v, Link %q", l, resp.Header.Get("Link"))
	}
	if resp, _ := d.get(l.Images[0].Meta); resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %d", l.Images[0].Meta, resp.StatusCode)
	}
}
