package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// posts is a site of three posts; every test serves it.
var posts = map[string]string{
	"_posts/2026-01-02-fox.md": `---
title: The fox
featured-image:
  path: https://origin.example/fox.jpg
  cutline: A fox in [Oslo](https://example.org/oslo)
  credit: Ann Ström
  alt-text: A red fox
---
`,
	"_posts/2026-01-03-logo.md": `---
title: The logo
featured-image:
  path: https://origin.example/logo.png
  cutline: "<b>Logo</b> & friends"
  credit: '"><script>alert(1)</script>'
  alt-text: ""
---
`,
	"_posts/2026-01-04-broken.md": `---
title: The broken one
image: https://origin.example/broken.jpg
---
`,
}

// A stub is a Renderer that answers by the name in the source.
type stub struct {
	mu      sync.Mutex
	err     error
	panic   any
	outcome render.Outcome
	kept    bool
	stale   bool
	interim bool
	found   caption.Found // in the original
	frames  int           // of the original
	moves   int           // frames of renditions that keep moving
	asked   []render.Request
	probed  int
	purged  []string               // each source with its purge's number
	gone    map[source.Source]bool // withdrawn
	stuck   error                  // of purges
	read    []transform.Format     // accepted, of the last Best
	refiled []string
	has     func(transform.Spec) bool // renditions that are in the cache; nil has no originals there either
	origins []render.Origin
}

var (
	original = [32]byte{0xab, 0xcd, 0xef, 0x01, 0x23}
	stubTime = time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
)

func (s *stub) Render(_ context.Context, req render.Request) ([]*render.Rendition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, req)
	if s.panic != nil {
		panic(s.panic)
	}
	if s.err != nil {
		return nil, s.err
	}
	if strings.Contains(req.Source.String(), "broken") {
		return nil, &render.Error{Class: render.Unreachable, Source: req.Source, Err: errors.New("dial tcp 10.0.0.1:80: connection refused")}
	}
	var rends []*render.Rendition
	for _, spec := range req.Specs {
		rends = append(rends, s.rendition(req, spec.Resolve(2000, 1000, render.DefaultMaxOutput, 0)))
	}
	return rends, nil
}

// rendition is what s makes of a resolved spec.
func (s *stub) rendition(req render.Request, spec transform.Spec) *render.Rendition {
	quality, frames := 71, 1
	if !spec.Format.Lossy() {
		quality = 0
	}
	if spec.Animate {
		frames = s.moves
	}
	words, _ := req.Words.Over(s.found)
	body := []byte("bytes of " + spec.String())
	if made := srcset.Placeholder()[0]; spec.Format == made.Format && spec.Width == made.Width {
		body = paint(spec.Width, spec.Height)
	}
	return &render.Rendition{
		Spec: spec, Body: body, ETag: `"etag-` + spec.String() + `"`, Original: original, Weight: 12345, Words: words,
		Modified: stubTime, Kept: s.kept, Stale: s.stale, Interim: s.interim, Outcome: s.outcome,
		Frames: frames, Of: max(s.frames, 1), Quality: quality,
		Timings: []render.Timing{{Stage: "lookup", Took: 1500 * time.Microsecond}, {Stage: "encode", Took: 20 * time.Millisecond}},
	}
}

// paint is a PNG of one colour.
func paint(w, h int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(color.NRGBA{0x8a, 0x5a, 0x33, 0xff}), image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// Best answers with the first that is accepted, or PNG for the logo.
func (s *stub) Best(ctx context.Context, req render.Request, accepted []transform.Format) (*render.Rendition, error) {
	s.set(func(s *stub) { s.read = accepted })
	req.Specs = slices.Clone(req.Specs)
	req.Specs[0].Format = accepted[0]
	if strings.Contains(req.Source.String(), "logo") && accepted[0] == transform.JPEG {
		req.Specs[0].Format = transform.PNG
	}
	rends, err := s.Render(ctx, req)
	if err != nil {
		return nil, err
	}
	return rends[0], nil
}

func (s *stub) Again(context.Context, *render.Rendition) ([]byte, bool) { return nil, false }

func (s *stub) Probe(_ context.Context, src source.Source) (*render.Original, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probed++
	if s.err != nil {
		return nil, s.err
	}
	info := transform.Info{Format: transform.JPEG, Width: 2000, Height: 1000, Alpha: strings.Contains(src.String(), "logo")}
	return &render.Original{Info: info, Sum: original, Bytes: 12345, Modified: stubTime, Found: s.found}, nil
}

func (s *stub) PurgeAt(_ context.Context, p render.Purge, _ render.Order, sources ...source.Source) (done []render.Purged) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, src := range sources {
		if slices.Contains(sources[:i], src) {
			continue
		}
		was := s.gone[src] || strings.Contains(src.String(), "fox")
		d := render.Purged{Source: src, Was: was, Done: p != render.Restore || s.gone[src]}
		if s.stuck != nil {
			d.Done, d.Err = false, s.stuck
		}
		if d.Done {
			s.purged = append(s.purged, fmt.Sprintf("%d %s", p, src))
			s.gone[src] = p == render.Withdraw
		}
		done = append(done, d)
	}
	return done
}

func (s *stub) Refile(_ context.Context, sources, shown []source.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, src := range sources {
		s.refiled = append(s.refiled, fmt.Sprintf("%s shown %t", src, slices.Contains(shown, src)))
	}
}

func (s *stub) Withdrawn(_ context.Context, src source.Source) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone[src]
}

func (s *stub) set(change func(*stub)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// A desk is a running server over a stub.
type desk struct {
	*Server
	stub *stub
	http *httptest.Server
	log  *bytes.Buffer
	t    *testing.T

	volatile bool // of AdminOptions
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, stub: &stub{outcome: render.Hit, kept: true, gone: map[source.Source]bool{}}, log: &bytes.Buffer{}}
	s, err := New(Options{Catalog: scan(t, posts), Renderer: d.stub, Instance: "me", Log: slog.New(slog.NewJSONHandler(d.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	d.serve()
	return d
}

func (d *desk) serve() {
	d.http = httptest.NewServer(d.Handler())
	d.t.Cleanup(d.http.Close)
}

func scan(t testing.TB, posts map[string]string) *catalog.Catalog {
	t.Helper()
	dir := t.TempDir()
	old := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, text := range posts {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	c, err := catalog.Scan(t.Context(), root, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// id returns the ID of a post's picture.
func (d *desk) id(slug string) string {
	d.t.Helper()
	e, _, err := d.snapshot().catalog.ByPost(slug)
	if err != nil {
		d.t.Fatal(err)
	}
	return e.ID
}

// do sends a request with header fields given as "Name: value".
func (d *desk) do(method, path string, fields ...string) (*http.Response, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.http.URL+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, string(body)
}

func (d *desk) get(path string, fields ...string) (*http.Response, string) {
	d.t.Helper()
	return d.do(http.MethodGet, path, fields...)
}

func TestPictureHeaders(t *testing.T) {
	d := newDesk(t)
	resp, body := d.get("/p/fox/hero.webp")
	want := http.Header{
		"Content-Type":                  {"image/webp"},
		"Content-Length":                {fmt.Sprint(len("bytes of w1600-h800.webp"))},
		"Content-Location":              {"/i/" + d.id("fox") + "/w1600.webp"},
		"Content-Disposition":           {"inline; filename=fox-1600.webp"},
		"Image-Alt":                     {`%"A red fox"`},
		"Image-Credit":                  {`%"Ann Str%c3%b6m"`},
		"Image-Cutline":                 {`%"A fox in Oslo"`},
		"Image-Quality":                 {"71"},
		"Link":                          {`<https://origin.example/fox.jpg>; rel="canonical"`},
		"Etag":                          {`"etag-w1600-h800.webp"`},
		"Last-Modified":                 {"Wed, 06 May 2020 07:08:09 GMT"},
		"Cache-Control":                 {"public, max-age=86400, stale-while-revalidate=604800, stale-if-error=2592000"},
		"Cache-Status":                  {"cutline; hit"},
		"Server-Timing":                 {"lookup;dur=1.5, encode;dur=20"},
		"Surrogate-Key":                 {"img-" + d.id("fox") + " host-origin.example post-fox"},
		"Cache-Tag":                     {"img-" + d.id("fox") + ",host-origin.example,post-fox"},
		"Accept-Ranges":                 {"bytes"},
		"X-Content-Type-Options":        {"nosniff"},
		"Content-Security-Policy":       {"default-src 'none'; sandbox"},
		"Cross-Origin-Resource-Policy":  {"cross-origin"},
		"Access-Control-Allow-Origin":   {"*"},
		"Access-Control-Expose-Headers": {exposed},
		"Timing-Allow-Origin":           {"*"},
	}
	resp.Header.Del("Date")
	if diff := cmp.Diff(want, resp.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if resp.StatusCode != http.StatusOK || body != "bytes of w1600-h800.webp" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}

func TestHeadEqualsGet(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/p/fox/hero.webp", "/p/fox/card.auto", "/p/fox/meta.json", "/catalog.json", "/", "/livez", "/readyz", "/p/none/hero.webp", "/p/fox/hero.tiff", "/nowhere"} {
		get, _ := d.get(path)
		head, body := d.do(http.MethodHead, path)
		for _, h := range []http.Header{get.Header, head.Header} {
			h.Del("Date")
		}
		if diff := cmp.Diff(get.Header, head.Header); diff != "" || body != "" || get.StatusCode != head.StatusCode {
			t.Errorf("%s: HEAD %d with %d bytes, GET %d; headers (-get +head):\n%s", path, head.StatusCode, len(body), get.StatusCode, diff)
		}
	}
}

func TestCacheControlAndStatus(t *testing.T) {
	d := newDesk(t)
	path := "/i/" + d.id("fox") + "/hero.webp"
	right := "?v=" + versionOf(original)
	tests := []struct {
		name, query string
		outcome     render.Outcome
		kept        bool
		control     string
		status      string
	}{
		{"stale, another size made", "", render.Filled, true, cacheMinute, "cutline; fwd=miss; stored; detail=stale"},
		{"plain", "", render.Hit, true, cacheDay, "cutline; hit"},
		{"right version", right, render.Hit, true, cacheForever, "cutline; hit"},
		{"wrong version", "?v=0000000000", render.Hit, true, cacheDay, "cutline; hit"},
		{"empty version", "?v=", render.Hit, true, cacheDay, "cutline; hit"},
		{"filled", "", render.Filled, true, cacheDay, "cutline; fwd=miss; stored"},
		{"joined", "", render.Joined, true, cacheDay, "cutline; fwd=miss; collapsed"},
		{"stale", "", render.Stale, true, cacheMinute, "cutline; hit; detail=stale"},
		{"not kept", right, render.Filled, false, cacheNever, "cutline; fwd=miss"},
		{"interim", "", render.Filled, true, cacheMinute, "cutline; fwd=miss; stored; detail=interim"},
		{"interim, right version", right, render.Hit, true, cacheMinute, "cutline; hit; detail=interim"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stale := strings.HasPrefix(tt.name, "stale")
			d.stub.set(func(s *stub) {
				s.outcome, s.kept, s.stale, s.interim = tt.outcome, tt.kept, stale, strings.HasPrefix(tt.name, "interim")
			})
			resp, _ := d.get(path + tt.query)
			if got := resp.Header.Get("Cache-Control"); got != tt.control {
				t.Errorf("Cache-Control %q, want %q", got, tt.control)
			}
			got := resp.Header.Get("Cache-Status")
			if got != tt.status {
				t.Errorf("Cache-Status %q, want %q", got, tt.status)
			}
			if list, err := httpsfv.UnmarshalList([]string{got}); err != nil || len(list) != 1 {
				t.Errorf("Cache-Status %q is no list of one: %v", got, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	d := newDesk(t)
	fox := "/i/" + d.id("fox")
	tests := []struct {
		name, path string
		status     int
		control    string
		says       string
	}{
		{"unknown preset", "/p/fox/huge.webp", 400, "no-store", "card, hero, og, square, story, thumb"},
		{"unknown extension", "/p/fox/hero.tiff", 400, "no-store", "auto, webp, jpg, png"},
		{"no spec", "/p/fox", 400, "no-store", "expected"},
		{"unsigned size", "/p/fox/w333-h222-cover.webp", 403, "no-store", "signature"},
		{"unsigned quality", fox + "/w320-q10.webp", 403, "no-store", "signature"},
		{"unknown post", "/p/foxx/hero.webp", 404, "public, max-age=60", "foxx"},
		{"unknown id", "/i/0000000000000000/hero.webp", 404, "public, max-age=60", "No picture has this ID"},
		{"traversal", "/p/../../etc/passwd/hero.webp", 404, "public, max-age=60", ""},
		{"encoded traversal", "/p/..%2f..%2fetc%2fpasswd/hero.webp", 400, "no-store", "plain spelling"},
		{"another spelling", "/p/%66ox/hero.webp", 400, "no-store", "plain spelling"},
		{"empty segment", "/p//fox/hero.webp", 400, "no-store", "plain spelling"},
		{"long post", "/p/" + strings.Repeat("x", 7000) + "/hero.webp", 404, "public, max-age=60", "…"},
		{"long address", "/p/" + strings.Repeat("x", 9000) + "/hero.webp", 414, "no-store", "8000"},
		{"elsewhere", "/metrics", 404, "public, max-age=60", "nothing at this address"},
		{"profile", "/debug/pprof/", 404, "public, max-age=60", "nothing at this address"},
		{"no final slash", "/catalog.json/", 404, "public, max-age=60", "nothing at this address"},
		{"junk query", fox + "/hero.webp?utm_source=x", 400, "no-store", "utm_source"},
		{"query on a post", "/p/fox/hero.webp?v=1", 400, "no-store", "takes none"},
		{"page of nothing", "/catalog.json?page=9", 400, "no-store", "expected 1 to 1"},
		{"page of letters", "/?page=x", 400, "no-store", "number"},
		{"unreachable", "/p/broken/hero.webp", 502, "no-store", "no copy of it is kept"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := d.get(tt.path)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("got %d %q, want %d and %q", resp.StatusCode, body, tt.status, tt.says)
			}
			if got := resp.Header.Get("Cache-Control"); got != tt.control {
				t.Errorf("Cache-Control %q, want %q", got, tt.control)
			}
			for _, name := range []string{"ETag", "Image-Alt", "Last-Modified"} {
				if got := resp.Header.Get(name); got != "" {
					t.Errorf("%s: %q on an error", name, got)
				}
			}
			if resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("an error that is not plain text: %v", resp.Header)
			}
			if strings.Contains(body, "10.0.0.1") {
				t.Errorf("%q names an address", body)
			}
			if _, err := httpsfv.UnmarshalList(resp.Header["Cache-Status"]); err != nil {
				t.Errorf("Cache-Status %q: %v", resp.Header["Cache-Status"], err)
			}
		})
	}
}

func TestEveryClassHasAVerdict(t *testing.T) {
	want := map[render.Class]int{
		render.Refused: 502, render.NotFound: 404, render.Gone: 410, render.NotAnImage: 415, render.TooLarge: 422,
		render.Undecodable: 422, render.Unreachable: 502, render.Upstream: 502, render.Broken: 502, render.TimedOut: 504,
		render.Busy: 503, render.Down: 503, render.BadSpec: 400, render.Withdrawn: 410, render.Canceled: 499, render.Internal: 500,
	}
	got := map[render.Class]int{}
	for class, v := range verdicts {
		got[class] = v.status
		if v.status == 502 && v != unavailable {
			t.Errorf("class %s answers 502 in its own words: an oracle", class)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status by class (-want +got):\n%s", diff)
	}
	if v := judge(errors.New("what?")); v.status != http.StatusInternalServerError || strings.Contains(v.text, "what") {
		t.Errorf("an unknown error: %+v, want 500 in fixed words", v)
	}
}

func TestBusySaysWhenToComeBack(t *testing.T) {
	d := newDesk(t)
	for wait, want := range map[time.Duration]string{0: "1", 1400 * time.Millisecond: "1", 7 * time.Second: "7", time.Hour: "300"} {
		d.stub.set(func(s *stub) { s.err = &render.Error{Class: render.Busy, RetryAfter: wait} })
		resp, _ := d.get("/p/fox/hero.webp")
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != want {
			t.Errorf("after %v: %d, Retry-After %q, want 503 and %s", wait, resp.StatusCode, resp.Header.Get("Retry-After"), want)
		}
	}
}

func TestMethods(t *testing.T) {
	d := newDesk(t)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "PURGE", "BREW"} {
		resp, _ := d.do(method, "/p/fox/hero.webp")
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != allowed || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, Allow %q, Cache-Control %q", method, resp.StatusCode, resp.Header.Get("Allow"), resp.Header.Get("Cache-Control"))
		}
	}
	resp, body := d.do(http.MethodOptions, "/p/fox/hero.webp", "Origin: https://example.org", "Access-Control-Request-Method: GET")
	if resp.StatusCode != http.StatusNoContent || body != "" || resp.Header.Get("Access-Control-Allow-Methods") != allowed {
		t.Errorf("OPTIONS: %d %q %v", resp.StatusCode, body, resp.Header)
	}
}

// Nothing that is not in the URL, and is not Accept on a negotiated URL, changes an answer.
func TestUnkeyedHeadersChangeNothing(t *testing.T) {
	d := newDesk(t)
	plain, body := d.get("/p/fox/hero.webp")
	plain.Header.Del("Date")
	for _, field := range []string{
		"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /evil", "Forwarded: host=evil.example",
		"X-Original-URL: /p/logo/hero.webp", "X-Rewrite-URL: /p/logo/hero.webp", "X-HTTP-Method-Override: DELETE", "X-Host: evil.example",
		"DPR: 2", "Width: 100", "Sec-CH-DPR: 2", "Viewport-Width: 100", "Save-Data: on", "Origin: https://evil.example",
		"Accept: image/jpeg", "Accept-Encoding: gzip", "Accept-Language: de", "Cookie: a=b", "Cache-Control: no-cache",
	} {
		resp, other := d.get("/p/fox/hero.webp", field)
		resp.Header.Del("Date")
		if diff := cmp.Diff(plain.Header, resp.Header); diff != "" || other != body {
			t.Errorf("%s changes the answer (-without +with):\n%s", field, diff)
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.panic = "secret state" })
	resp, body := d.get("/p/fox/hero.webp")
	if resp.StatusCode != http.StatusInternalServerError || strings.Contains(body, "secret") {
		t.Errorf("got %d %q, want 500 in fixed words", resp.StatusCode, body)
	}
	if !strings.Contains(d.log.String(), "secret state") {
		t.Error("the panic is not in the log")
	}
	d.stub.set(func(s *stub) { s.panic = nil })
	if resp, _ := d.get("/p/fox/hero.webp"); resp.StatusCode != http.StatusOK {
		t.Errorf("the next request: %d", resp.StatusCode)
	}
}

func TestAccessLine(t *testing.T) {
	d := newDesk(t)
	d.get("/i/"+d.id("fox")+"/hero.webp?v=secret", "X-Request-Id: cdn-0123.a_B")
	d.get("/p/broken/hero.webp", "X-Request-Id: a\"b secret")
	d.get("/x%0a%1b%5b2J")
	var lines []map[string]any
	for line := range strings.Lines(d.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, m)
	}
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3:\n%s", len(lines), d.log)
	}
	want := []string{"bytes", "dur_ms", "id", "level", "method", "msg", "outcome", "path", "request_id", "route", "status", "time", "timings"}
	if got := slices.Sorted(maps.Keys(lines[0])); !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	if lines[0]["request_id"] != "cdn-0123.a_B" || lines[0]["id"] != d.id("fox") || lines[0]["route"] != "/i/{id}/{spec}" {
		t.Errorf("first line %v", lines[0])
	}
	if lines[0]["outcome"] != "hit" || lines[0]["status"] != 200.0 || strings.Contains(d.log.String(), "secret") {
		t.Errorf("first line %v", lines[0])
	}
	if lines[1]["level"] != "WARN" || !strings.Contains(fmt.Sprint(lines[1]["error"]), "connection refused") {
		t.Errorf("second line %v, want a warning with the reason", lines[1])
	}
}
