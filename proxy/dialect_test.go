package proxy

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

const (
	foxURL  = "https%3A%2F%2Forigin.example%2Ffox.jpg"
	logoURL = "https%3A%2F%2Forigin.example%2Flogo.png"
)

// newDialectDesk serves posts with all formats and some listed hosts.
func newDialectDesk(t *testing.T) *desk {
	t.Helper()
	more := map[string]string{
		"_posts/2026-02-01-query.md":  "---\nimage: https://origin.example/a b.jpg?x=1&y=%2F\n---\n",
		"_posts/2026-02-02-local.md":  "---\nimage: /assets/images/é (1).jpg\n---\n",
		"_posts/2026-02-03-again.md":  "---\nimage:\n  path: https://origin.example/fox.jpg\n  alt: Another alt\n---\n",
		"_posts/2026-02-04-focal.md":  "---\nimage:\n  path: https://origin.example/focal.jpg\n  focal-point: 0.9 0.1\n---\n",
		"_posts/2026-02-05-escape.md": "---\nimage: https://origin.example/100%25.jpg\n---\n",
	}
	maps.Copy(more, posts)
	d := &desk{t: t, stub: &stub{outcome: render.Hit, kept: true}}
	s, err := New(Options{
		Catalog: scan(t, more), Renderer: d.stub, Hosts: []string{"images.example.org", "*.example.net"},
		Formats: []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	d.serve()
	return d
}

// asked is the one spec that the last request asked the renderer for.
func (d *desk) asked() string {
	d.t.Helper()
	d.stub.mu.Lock()
	defer d.stub.mu.Unlock()
	last := d.stub.asked[len(d.stub.asked)-1]
	return last.Specs[0].String()
}

// The original is 2000 × 1000 pixels.
func TestDialect(t *testing.T) {
	d := newDialectDesk(t)
	for _, tt := range []struct{ path, want, location string }{
		{foxURL, "w2560.jpg", "/i/ID/w2560.jpg"},
		{foxURL + "?w=800", "w828.jpg", "/i/ID/w828.jpg"},
		{foxURL + "?w=800&fm=webp", "w828.webp", "/i/ID/w828.webp"},
		{foxURL + "?width=400&dpr=2&fm=pjpg&ixlib=js-3.8.0", "w828.jpg", "/i/ID/w828.jpg"},
		{foxURL + "?h=300", "w640.jpg", "/i/ID/w640.jpg"},
		{foxURL + "?w=640&h=640&fit=max", "w640.jpg", "/i/ID/w640.jpg"},
		{foxURL + "?w=0.5&fm=png", "w1280.png", "/i/ID/w1280.png"},
		{foxURL + "?w=800&q=60", "w828-q75.jpg", "/" + foxURL + "?w=828&q=75&fm=jpg"},
		{foxURL + "?w=640&h=360&fit=min&fm=webp", "w640-h360-cover-center.webp", "/" + foxURL + "?w=640&h=360&fit=crop&fm=webp"},
		{foxURL + "?w=640&h=360&fit=crop&crop=faces&fm=webp", "w640-h360-cover.webp", "/i/ID/w640-h360-cover.webp"},
		{foxURL + "?w=640&h=360&fit=crop&crop=top&fm=webp", "w640-h360-cover-center.webp", ""}, // wider than 16:9: cut at its sides
		{foxURL + "?w=640&h=160&fit=crop&crop=top&fm=webp", "w640-h160-cover-fp50x0.webp", "/" + foxURL + "?w=640&h=160&fit=crop&crop=focalpoint&fp-x=0.5&fp-y=0&fm=webp"},
		{foxURL + "?w=640&ar=1:1&fit=crop&crop=focalpoint&fp-x=.2&fm=webp", "w640-h640-cover-fp25x50.webp", ""},
		{foxURL + "?w=600&h=600&fit=fill&fm=png", "w640-h640-pad-bgffffff.png", "/" + foxURL + "?w=640&h=640&fit=fill&fm=png"},
		{foxURL + "?w=600&h=600&fit=fill&bg=transparent&fm=png", "w640-h640-pad.png", "/" + foxURL + "?w=640&h=640&fit=fill&bg=0fff&fm=png"},
		{foxURL + "?w=600&h=600&fit=scale&fm=jpg", "w640-h640-stretch.jpg", "/" + foxURL + "?w=640&h=640&fit=scale&fm=jpg"},
		{foxURL + "?h=200&fit=crop&max-w=200&fm=jpg", "w320-h320-cover-center.jpg", ""},
		{logoURL + "?w=600&bg=fff&fm=webp", "w640-bgffffff.webp", "/" + logoURL + "?w=640&bg=ffffff&fm=webp"},
		{foxURL + "?w=600&bg=fff&fm=webp", "w640.webp", "/i/ID/w640.webp"},
		{"https%3A%2F%2Forigin.example%2Ffocal.jpg?w=320&h=320&fit=crop", "w320-h320-cover-fp90x10.jpg", "/https%3A%2F%2Forigin.example%2Ffocal.jpg?w=320&h=320&fit=crop&crop=entropy&fm=jpg"},
		{"https%3A%2F%2Forigin.example%2Ffocal.jpg?w=640&h=360&fit=crop", "w640-h360-cover-fp90x10.jpg", "/i/ID/w640-h360-cover.jpg"},
		{"https%3A%2F%2Forigin.example%2Ffocal.jpg?w=320&h=320&fit=crop&crop=left", "w320-h320-cover-fp0x50.jpg", ""},
	} {
		resp, body := d.get("/" + tt.path)
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "bytes of ") {
			t.Errorf("%s: %d %q", tt.path, resp.StatusCode, body)
			continue
		}
		if got := d.asked(); got != tt.want {
			t.Errorf("%s asks for %s, want %s", tt.path, got, tt.want)
		}
		location := resp.Header.Get("Content-Location")
		id := resp.Header.Get("Surrogate-Key")[len("img-"):][:16]
		if got := strings.Replace(location, "/i/"+id, "/i/ID", 1); tt.location != "" && got != tt.location {
			t.Errorf("%s: Content-Location %s, want %s", tt.path, got, tt.location)
		}
		if resp.Header.Get("Vary") != "" || resp.Header.Get("Last-Modified") == "" || resp.Header.Get("Cache-Control") != cacheDay {
			t.Errorf("%s: %v", tt.path, resp.Header)
		}
		if there, same := d.get(location); there.Header.Get("ETag") != resp.Header.Get("ETag") || same != body {
			t.Errorf("%s: %s answers another picture: %q, not %q", tt.path, location, same, body)
		}
	}
}

// An answer has all headers that the canonical address has, and the words of the first entry that shows the source.
func TestDialectHeadersAreTheCanonicalOnes(t *testing.T) {
	d := newDialectDesk(t)
	got, body := d.get("/" + foxURL + "?w=1600&fm=webp")
	want, same := d.get("/i/" + d.id("fox") + "/w1600.webp")
	for _, h := range []http.Header{got.Header, want.Header} {
		h.Del("Date")
	}
	if diff := cmp.Diff(want.Header, got.Header); diff != "" || body != same {
		t.Errorf("headers (-canonical +dialect):\n%s", diff)
	}
	if alt := got.Header.Get("Image-Alt"); alt != `%"A red fox"` {
		t.Errorf("Image-Alt %s, want that of the first post", alt)
	}
}

func TestDialectSources(t *testing.T) {
	d := newDialectDesk(t)
	for path, want := range map[string]string{
		"/https%3A%2F%2Forigin.example%2Ffox.jpg":                         "https://origin.example/fox.jpg",
		"/https%3a%2f%2forigin.example%2ffox.jpg":                         "https://origin.example/fox.jpg",
		"/HTTPS%3A%2F%2FOrigin.Example%3A443%2Ffox.jpg":                   "https://origin.example/fox.jpg",
		"/https://origin.example/fox.jpg":                                 "https://origin.example/fox.jpg",
		"/https:/origin.example/fox.jpg":                                  "https://origin.example/fox.jpg",
		"/https%3A/origin.example/fox.jpg":                                "https://origin.example/fox.jpg",
		"/https%3A//origin.example/fox.jpg":                               "https://origin.example/fox.jpg",
		"/https%3A%2F%2Forigin.example%2Fa%20b.jpg%3Fx%3D1%26y%3D%252F":   "https://origin.example/a%20b.jpg?x=1&y=%2F", // the author's spelling
		"/https%3A%2F%2Forigin.example%2Fa%2520b.jpg%3Fx%3D1%26y%3D%252F": "https://origin.example/a%20b.jpg?x=1&y=%2F", // the canonical one
		"/https:/origin.example/a%20b.jpg%3Fx=1&y=%252F":                  "https://origin.example/a%20b.jpg?x=1&y=%2F", // decoded by a proxy
		"/https://origin.example/100%25.jpg":                              "https://origin.example/100%25.jpg",
		"/https%3A%2F%2Forigin.example%2F100%2525.jpg":                    "https://origin.example/100%25.jpg",
		"/https:/origin.example/100%2525.jpg":                             "https://origin.example/100%25.jpg",
		"/assets/images/%C3%A9%20(1).jpg":                                 "/assets/images/é (1).jpg",
		"/assets/images/%c3%a9%20%281%29.jpg":                             "/assets/images/é (1).jpg",
		"/assets%2Fimages%2F%C3%A9%20(1).jpg":                             "/assets/images/é (1).jpg",
		"/https%3A%2F%2Fimages.example.org%2Fother.jpg":                   "https://images.example.org/other.jpg",
		"/http://images.example.org/other.jpg":                            "http://images.example.org/other.jpg",
		"/https:/a.b.example.net/x/y.jpg":                                 "https://a.b.example.net/x/y.jpg",
		"/https%3A%2F%2Fimages.example.org%2Fa%20b.jpg%3Fx%3D1":           "https://images.example.org/a%20b.jpg?x=1",
		"/https://images.example.org/a%3Fb.jpg":                           "https://images.example.org/a%3Fb.jpg",
	} {
		resp, body := d.get(path + "?w=320")
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
			continue
		}
		if got := d.stub.asked[len(d.stub.asked)-1].Source.String(); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

func TestDialectErrors(t *testing.T) {
	d := newDialectDesk(t)
	n := len(d.stub.asked)
	for _, tt := range []struct {
		path   string
		status int
		says   string
	}{
		{foxURL + "?utm_source=x", 400, `"utm_source" is unknown: expected some of w h fit`},
		{foxURL + "?w=800&w=900", 400, "w is repeated"},
		{foxURL + "?w=0", 400, "2 to 8192"},
		{foxURL + "?blur=20", 400, "blur is not supported"},
		{foxURL + "?fit=facearea&w=1", 400, "clip, crop, fill, max, min or scale"},
		{foxURL + "?fm=jp2", 400, "jpg, pjpg"},
		{foxURL + "?v=0", 400, "unknown"},
		{foxURL + "?w=800&s=0123", 403, "no key is configured"},
		{foxURL + "?s=0123&w=800", 403, "as the last parameter"},
		{foxURL + "?w=800&S=0123", 403, "as the last parameter"},
		{foxURL + "?w=800&%73=0123", 403, "as the last parameter"},
		{foxURL + "?expires=1", 403, "expires only with"},
		{foxURL + "?w=100&h=900&fit=crop", 403, "at most 8 times"},
		{foxURL + "?w=100&bg=red", 403, "white, transparent"},
		{"https%3A%2F%2Felsewhere.example%2Fa.jpg?w=800", 403, "fetch.hosts"},
		{"https%3A%2F%2Felsewhere.example%2Fa.jpg?blur=9", 403, "fetch.hosts"},
		{"https://evilexample.net/a.jpg", 403, "fetch.hosts"},
		{"https://example.net/a.jpg", 403, "fetch.hosts"},
		{"https://images.example.org.evil.test/a.jpg", 403, "fetch.hosts"},
		{"http://169.254.169.254/latest/meta-data", 403, "fetch.hosts"},
		{"https%3A%2F%2Fuser%3Apw%40images.example.org%2Fa.jpg", 400, "user name"},
		{"https%3A%2F%2Fimages.example.org%2Fa.jpg%23x", 400, "fragment"},
		{"https%3A%2F%2F%2Fimages.example.org%2Fa.jpg", 400, "expected https://host/path"},
		{"https%3A%2F%2Fimages.example.org%2Fa%00.jpg", 400, "control character"},
		{"https://127.1/a.jpg", 400, "IPv4"},
		{"ftp%3A%2F%2Fimages.example.org%2Fa.jpg", 400, "expected http or https"},
		{"http+unix%3A%2F%2F%252Fa%2Fa.jpg", 400, "expected"},
		{"http%3Aimages.example.org%2Fa.jpg", 400, "expected http://host/path"},
		{"%3A%2F%2Fimages.example.org%2Fa.jpg", 404, "nothing at this address"},
		{"//images.example.org/a.jpg", 404, "nothing at this address"},
		{"%2F%2Fimages.example.org%2Fa.jpg", 404, "nothing at this address"},
		{"_posts/2026-01-02-fox.md", 404, "nothing at this address"},
		{"assets/images/none.jpg?w=800", 404, "nothing at this address"},
		{"../etc/passwd", 404, "nothing at this address"},
		{"..%2Fetc%2Fpasswd", 404, "nothing at this address"},
		{"favicon.ico", 404, "nothing at this address"},
		{"https%3A%2F%2Forigin.example%2Fbroken.jpg?w=100&fm=jpg", 502, "could not be fetched"},
	} {
		resp, body := d.get("/" + tt.path)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.says) || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %d %q, want %d and %q", tt.path, resp.StatusCode, body, tt.status, tt.says)
		}
		want := "no-store"
		if tt.status == 404 {
			want = "public, max-age=60"
		}
		if got := resp.Header.Get("Cache-Control"); got != want || resp.Header.Get("Content-Location") != "" {
			t.Errorf("%s: Cache-Control %q, want %q", tt.path, got, want)
		}
	}
	if got := len(d.stub.asked) - n; got != 1 {
		t.Errorf("%d renditions asked for, want that of the broken picture alone", got)
	}
	few, err := New(Options{Catalog: scan(t, posts), Renderer: d.stub, Formats: []transform.Format{transform.WebP}})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = few
	d.serve()
	if resp, body := d.get("/" + foxURL + "?fm=avif"); resp.StatusCode != 400 || !strings.Contains(body, "fm=avif: expected one of webp") {
		t.Errorf("a format that is not offered: %d %q", resp.StatusCode, body)
	}
	if resp, _ := d.get("/" + foxURL); resp.Header.Get("Content-Type") != "image/webp" {
		t.Errorf("an original's format that is not offered: %s, want image/webp", resp.Header.Get("Content-Type"))
	}
}

func TestDialectNegotiates(t *testing.T) {
	d := newDialectDesk(t)
	avif, webp, jpg, png, gif := transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF
	for _, tt := range []struct {
		query, accept string
		want          []transform.Format // to choose from
		first         string
	}{
		{"auto=format", "image/avif,image/webp,*/*", []transform.Format{avif, webp, jpg, png, gif}, "image/avif"},
		{"auto=format,compress", "image/webp", []transform.Format{webp, jpg, png, gif}, "image/webp"},
		{"auto=format", "image/*,*/*", []transform.Format{jpg, png, gif}, "image/jpeg"},
		{"auto=format&fm=png", "image/avif", []transform.Format{avif, png}, "image/avif"},
		{"auto=format&fm=jpg", "*/*", []transform.Format{jpg}, "image/jpeg"},
		{"auto=format&fm=webp", "*/*", []transform.Format{webp}, "image/webp"},
		{"auto=format&fm=webp", "image/avif", []transform.Format{avif, webp}, "image/avif"},
	} {
		resp, body := d.get("/"+foxURL+"?w=320&h=160&"+tt.query, "Accept: "+tt.accept)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != tt.first || resp.Header.Get("Vary") != "Accept" || resp.Header.Get("Last-Modified") != "" {
			t.Errorf("%s for %s: %d %s, Vary %q: %s", tt.query, tt.accept, resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Vary"), body)
		}
		if !slices.Equal(d.stub.read, tt.want) {
			t.Errorf("%s for %s: a choice of %v, want %v", tt.query, tt.accept, d.stub.read, tt.want)
		}
		if got, want := resp.Header.Get("Content-Location"), "/i/"+d.id("fox")+"/w320."+strings.Replace(tt.first[len("image/"):], "jpeg", "jpg", 1); got != want {
			t.Errorf("%s for %s: Content-Location %s, want %s", tt.query, tt.accept, got, want)
		}
	}
	for _, query := range []string{"fm=webp", "", "auto=compress"} {
		if resp, _ := d.get("/"+foxURL+"?"+query, "Accept: image/avif"); resp.Header.Get("Vary") != "" || resp.Header.Get("Content-Type") == "image/avif" {
			t.Errorf("%s: %s, Vary %q", query, resp.Header.Get("Content-Type"), resp.Header.Get("Vary"))
		}
	}
}

func TestDialectForms(t *testing.T) {
	d := newDialectDesk(t)
	_, want := d.get("/i/" + d.id("fox") + "/meta.json")
	resp, got := d.get("/" + foxURL + "?fm=json&w=100")
	if got != want || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("fm=json: %s %.200s, want what meta.json answers", resp.Header.Get("Content-Type"), got)
	}
	resp, hash := d.get("/" + foxURL + "?fm=blurhash")
	if !strings.Contains(want, `"blurhash": "`+strings.ReplaceAll(hash, "&", `\u0026`)+`"`) || len(hash) != 28 || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("fm=blurhash: %s %q", resp.Header.Get("Content-Type"), hash)
	}
	d.stub.set(func(s *stub) { s.err = &render.Error{Class: render.Busy} })
	for _, query := range []string{"fm=json", "fm=blurhash", "h=300", "w=300", ""} {
		if resp, _ := d.get("/" + foxURL + "?" + query); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s while there is too much to do: %d", query, resp.StatusCode)
		}
	}
}

func TestDialectDownloads(t *testing.T) {
	d := newDialectDesk(t)
	for name, want := range map[string]string{
		"": "fox-320.webp", "kim.jpg": "kim.webp", "kim": "kim.webp", "kim.JPEG": "kim.webp", "v1.2": "v1.2.webp", "a/../b\\c.png": "a-..-b-c.webp",
		"x\r\nSet-Cookie: a=b": "", "é\".gif": "é-.webp", "run.exe": "run.exe.webp", ".htaccess": "htaccess.webp", "../../x": "-..-x.webp", ".png": "png.webp",
		strings.Repeat("é", 120): strings.Repeat("é", 50) + ".webp", "\u202egpj.exe": "gpj.exe.webp",
	} {
		resp, body := d.get("/" + foxURL + "?w=320&fm=webp&dl=" + url.QueryEscape(name))
		got := resp.Header.Get("Content-Disposition")
		kind, params, ok := strings.Cut(got, "; ")
		if resp.StatusCode != http.StatusOK || kind != "attachment" || !ok || strings.ContainsAny(got, "\r\n") || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("dl=%q: %d %q %s", name, resp.StatusCode, got, body)
			continue
		}
		file := strings.Trim(strings.TrimPrefix(params, "filename="), `"`)
		if encoded, ok := strings.CutPrefix(params, "filename*=utf-8''"); ok {
			file, _ = url.PathUnescape(encoded)
		}
		if want != "" && file != want {
			t.Errorf("dl=%q: %q, want %q", name, file, want)
		}
	}
	if plain, _ := d.get("/" + foxURL + "?w=320&fm=webp"); !strings.HasPrefix(plain.Header.Get("Content-Disposition"), "inline") {
		t.Errorf("without dl: %q", plain.Header.Get("Content-Disposition"))
	}
}

// What no post shows has an answer, but no address by an ID; every URL that its answers name leads to it, and nothing of it is kept.
func TestDialectOfUnpostedPictures(t *testing.T) {
	d := newDialectDesk(t)
	const other = "/https%3A%2F%2Fimages.example.org%2Fother.jpg"
	resp, body := d.get(other + "?w=800&fm=webp")
	if got, want := resp.Header.Get("Content-Location"), other+"?w=828&fm=webp"; got != want || resp.Header.Get("Image-Alt") != "" {
		t.Errorf("Content-Location %s, want %s; Image-Alt %q", got, want, resp.Header.Get("Image-Alt"))
	}
	if got := resp.Header.Get("Surrogate-Key"); !strings.HasSuffix(got, " host-images.example.org") {
		t.Errorf("Surrogate-Key %s", got)
	}
	if there, same := d.get(resp.Header.Get("Content-Location")); same != body || there.StatusCode != http.StatusOK {
		t.Errorf("Content-Location answers %q, not %q", same, body)
	}
	_, text := d.get(other + "?fm=json")
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	if m["figure"] != nil || strings.Contains(text, `"/i/`) {
		t.Errorf("meta.json has addresses by ID:\n%s", text)
	}
	n := 0
	for _, set := range m["srcset"].(map[string]any) {
		for _, c := range set.([]any) {
			u := c.(map[string]any)["url"].(string)
			if resp, body := d.get(u); resp.StatusCode != http.StatusOK || body != fmt.Sprintf("bytes of w%v-h%v.%s", c.(map[string]any)["width"], c.(map[string]any)["height"], u[strings.LastIndex(u, "fm=")+3:]) {
				t.Errorf("%s: %d %q", u, resp.StatusCode, body)
			}
			n++
		}
	}
	for _, p := range m["presets"].(map[string]any) {
		for _, u := range p.(map[string]any)["urls"].(map[string]any) {
			if resp, _ := d.get(u.(string)); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", u, resp.StatusCode)
			}
			n++
		}
	}
	if n < 40 {
		t.Errorf("%d addresses tried", n)
	}
	d.snapshot().shelf.labels.Range(func(id, _ any) bool { t.Errorf("a label is kept for %v", id); return true })
	d.snapshot().placeholders.byID.Range(func(id, _ any) bool { t.Errorf("a placeholder is kept for %v", id); return true })
}

func TestDialectMethods(t *testing.T) {
	d := newDialectDesk(t)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "PURGE"} {
		for _, path := range []string{"/" + foxURL, "/nowhere", "/", "/livez", "/i/x"} {
			if resp, _ := d.do(method, path); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != allowed {
				t.Errorf("%s %s: %d, Allow %q", method, path, resp.StatusCode, resp.Header.Get("Allow"))
			}
		}
	}
	if resp, _ := d.do(http.MethodOptions, "/"+foxURL); resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Methods") != allowed {
		t.Errorf("OPTIONS: %d %v", resp.StatusCode, resp.Header)
	}
	for _, path := range []string{"/" + foxURL + "?w=320", "/" + foxURL + "?fm=json", "/" + foxURL + "?fm=blurhash", "/" + foxURL + "?x=1", "/" + foxURL + "?w=320&auto=format&dl=x"} {
		get, _ := d.get(path)
		head, body := d.do(http.MethodHead, path)
		for _, h := range []http.Header{get.Header, head.Header} {
			h.Del("Date")
		}
		if diff := cmp.Diff(get.Header, head.Header); diff != "" || body != "" || get.StatusCode != head.StatusCode {
			t.Errorf("HEAD %s: %d; headers (-get +head):\n%s", path, head.StatusCode, diff)
		}
	}
	resp, _ := d.get("/" + foxURL + "?w=320")
	for field, want := range map[string]int{"If-None-Match: " + resp.Header.Get("ETag"): 304, "Range: bytes=0-3": 206} {
		if resp, _ := d.get("/"+foxURL+"?w=320", field); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", field, resp.StatusCode, want)
		}
	}
}

// Nothing that looks like a source brings the server down, or to another source than it names.
func FuzzFind(f *testing.F) {
	for _, path := range []string{"/https%3A%2F%2Forigin.example%2Ffox.jpg", "/https:/images.example.org/a%3Fb", "/a%2f..%2fb", "//x", "/http%3A%2F%2F%5B::1%5D%2F"} {
		f.Add(path)
	}
	s, err := New(Options{Catalog: scan(f, posts), Renderer: &stub{}, Hosts: []string{"images.example.org", "*.example.net"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		e, err := s.find(s.snapshot(), path, false)
		if err != nil {
			if v := judge(err); v.status != 400 && v.status != 403 && v.status != 404 {
				t.Errorf("find(%q): %d: %v", path, v.status, err)
			}
			return
		}
		if !posted(e) && !s.hosts.has(e.Source.Host()) {
			t.Errorf("find(%q) = %s", path, e.Source)
		}
		u := s.dialectURL(e, transform.Spec{Width: 320})
		path, _, _ = strings.Cut(u, "?")
		if again, err := s.find(s.snapshot(), path, false); err != nil || again.Source != e.Source {
			t.Errorf("find(%q), which is the address of %s: %v, %v", path, e.Source, again, err)
		}
	})
}
