//go:build integration && linux

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The clients that alternate, and what each may be given.
var cdnClients = []struct {
	accept  string
	allowed []string
}{
	{"image/avif,image/webp,image/apng,*/*;q=0.8", []string{"image/avif", "image/webp", "image/jpeg"}},
	{"image/webp;q=0.9,image/*;q=0.8", []string{"image/webp", "image/jpeg"}},
	{"image/png,image/*;q=0.5", []string{"image/jpeg"}},
	{"image/webp;q=0, image/avif;q=0.000", []string{"image/jpeg"}},
	{"IMAGE/AVIF", []string{"image/avif", "image/jpeg"}},
}

func (c *cdn) testTypes(t *testing.T) {
	for ext, kind := range map[string]string{"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"} {
		path := "/p/types/w320." + ext
		for i := range 15 {
			a := c.ask(t, path, "Accept", cdnClients[i%len(cdnClients)].accept)
			if a.status != http.StatusOK || a.header.Get("Content-Type") != kind || http.DetectContentType(a.body) != kind && ext != "avif" || a.header.Get("Vary") != "" {
				t.Fatalf("%s: status %d, %s, Vary %q", path, a.status, a.header.Get("Content-Type"), a.header.Get("Vary"))
			}
		}
		if got, _ := c.wait(t, path, 1); len(got) != 1 {
			t.Errorf("%s: the nodes were asked %d times, want once", path, len(got))
		}
	}
	const auto = "/p/types/w320.auto"
	seen := map[string]bool{}
	for i := range 60 {
		client := cdnClients[i%len(cdnClients)]
		a := c.ask(t, auto, "Accept", client.accept)
		kind := a.header.Get("Content-Type")
		if a.status != http.StatusOK || !slices.Contains(client.allowed, kind) || a.header.Get("Vary") != "Accept" {
			t.Fatalf("%s to %q: status %d, %s, Vary %q", auto, client.accept, a.status, kind, a.header.Get("Vary"))
		}
		if kind != "image/avif" && http.DetectContentType(a.body) != kind {
			t.Fatalf("%s to %q: %s holds %s", auto, client.accept, kind, http.DetectContentType(a.body))
		}
		seen[kind] = true
	}
	if len(seen) < 2 {
		t.Errorf("%s: only %v: nothing was told apart", auto, seen)
	}
	if got, _ := c.wait(t, auto, 1); len(got) > 4 {
		t.Errorf("%s: the nodes were asked %d times, want once for each of four classes at most", auto, len(got))
	}
}

// testNodes: the nodes share nothing, and give the same.
func (c *cdn) testNodes(t *testing.T) {
	for _, path := range []string{"/p/types/w320.webp", "/p/types/w320.jpg", "/p/words/w320.jpg", "/p/types/meta.json", "/p/types/figure.html"} {
		a, b := askOK(t, "http://"+c.nodes[0].listen+path), askOK(t, "http://"+c.nodes[1].listen+path)
		if !bytes.Equal(a.body, b.body) || !sameBut(a.header, b.header, "Date", "Server-Timing", "Cache-Status") {
			t.Errorf("%s: two answers\n%v\n%v", path, a.header, b.header)
		}
	}
	for _, path := range []string{"/p/page/meta.json", "/p/page/figure.html"} {
		c.isHit(t, path, c.miss())
		c.isHit(t, path, "hit")
	}
}

func (c *cdn) testConditional(t *testing.T) {
	const path = "/p/conditional/w320.jpg"
	whole := c.isHit(t, path, c.miss())
	etag := whole.header.Get("ETag")
	head, err := http.NewRequestWithContext(t.Context(), http.MethodHead, c.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(head)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != int64(len(whole.body)) || resp.Header.Get("ETag") != etag || resp.Header.Get("Image-Alt") == "" {
		t.Errorf("HEAD: %d %v", resp.StatusCode, resp.Header)
	}
	for _, tt := range []struct {
		header []string
		status int
		body   []byte
	}{
		{[]string{"If-None-Match", etag}, http.StatusNotModified, nil},
		{[]string{"If-None-Match", `"other"`}, http.StatusOK, whole.body},
		{[]string{"Range", "bytes=0-9"}, http.StatusPartialContent, whole.body[:10]},
		{[]string{"Range", "bytes=-5"}, http.StatusPartialContent, whole.body[len(whole.body)-5:]},
		{[]string{"Range", "bytes=0-9", "If-Range", etag}, http.StatusPartialContent, whole.body[:10]},
		{[]string{"Range", "bytes=0-9", "If-Range", `"other"`}, http.StatusOK, whole.body},
		{[]string{"Range", "bytes=9999999-"}, http.StatusRequestedRangeNotSatisfiable, nil},
	} {
		a := c.ask(t, path, tt.header...)
		if a.status != tt.status || tt.status < 400 && !bytes.Equal(a.body, tt.body) {
			t.Errorf("%q: status %d, %d bytes, want %d, %d", tt.header, a.status, len(a.body), tt.status, len(tt.body))
		}
		if a.status == http.StatusNotModified && (a.header.Get("ETag") != etag || !strings.Contains(a.header.Get("Cache-Control"), "max-age=86400")) {
			t.Errorf("304 with %v", a.header)
		}
	}
	if got, _ := c.wait(t, path, 1); len(got) != 1 {
		t.Errorf("the nodes were asked %d times, want once", len(got))
	}
	// A range of what is not there yet.
	const cold = "/p/conditional/w160.jpg"
	if a := c.ask(t, cold, "Range", "bytes=0-9"); a.status != http.StatusPartialContent || len(a.body) != 10 {
		t.Errorf("a cold range: status %d, %d bytes", a.status, len(a.body))
	}
	c.isHit(t, cold, "hit")
}

func (c *cdn) testWords(t *testing.T) {
	const path = "/p/words/w320.jpg"
	direct := askOK(t, "http://"+c.nodes[0].listen+path)
	for _, want := range []string{c.miss(), "hit"} {
		a := c.isHit(t, path, want)
		for _, name := range []string{"Image-Alt", "Image-Credit", "Image-Cutline", "Link", "ETag", "Cache-Control", "Content-Location", "Content-Security-Policy", "Access-Control-Expose-Headers"} {
			if got := a.header.Get(name); got == "" || got != direct.header.Get(name) {
				t.Errorf("%s is %q, want %q", name, got, direct.header.Get(name))
			}
		}
		for _, name := range []string{"Surrogate-Key", "Cache-Tag", "Xkey"} {
			if got := a.header.Values(name); len(got) > 0 {
				t.Errorf("%s reaches readers: %q", name, got)
			}
		}
		if first := a.header.Values("Cache-Status"); !strings.HasPrefix(strings.Join(first, ", "), "cutline; ") {
			t.Errorf("Cache-Status is %q, want the node's first", first)
		}
		if age := a.header.Get("Age"); c.name == "varnish" && age == "" {
			t.Error("no Age")
		}
	}
	if direct.header.Get("Surrogate-Key") == "" {
		t.Error("the nodes send no Surrogate-Key")
	}
	// The longest address that cutline takes is one that the cache takes too, and the longest header beside it.
	long := "/p/words/w320.jpg?" + strings.Repeat("x", 7500)
	if a := c.ask(t, long); a.status != http.StatusBadRequest || !strings.HasPrefix(a.header.Get("Cache-Status"), "cutline; ") {
		t.Errorf("a long address: status %d: %s", a.status, a.body)
	}
}

func (c *cdn) testErrors(t *testing.T) {
	for _, tt := range []struct {
		path   string
		status int
		cached bool
	}{
		{"/p/nobody/w320.jpg", http.StatusNotFound, true},
		{"/p/damaged/w320.jpg", http.StatusUnsupportedMediaType, true},
		{"/p/page/w333-h111.jpg", http.StatusForbidden, false},
		{"/p/page/w320-w320.jpg", http.StatusBadRequest, false},
		{"/p/broken/w320.jpg", http.StatusBadGateway, false},
		{"/p/paused/w320.jpg", http.StatusServiceUnavailable, false},
	} {
		var before int
		for i := range 3 {
			a := c.ask(t, tt.path)
			if a.status != tt.status || a.header.Get("Surrogate-Key") != "" {
				t.Errorf("%s: status %d, want %d: %s", tt.path, a.status, tt.status, a.body)
			}
			if tt.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", tt.path)
			}
			least := before + 1 // what is not kept is asked for each time, by caches that try both nodes twice
			if tt.cached {
				least = 1
			}
			got, _ := c.wait(t, tt.path, least)
			if tt.cached && len(got) != 1 {
				t.Errorf("%s: the nodes were asked %d times for %d requests, want once", tt.path, len(got), i+1)
			}
			before = len(got)
		}
	}
	c.forget(t, "--post", "gone", "--gone")
	for range 2 {
		if a := c.ask(t, "/p/gone/w320.jpg"); a.status != http.StatusGone {
			t.Errorf("taken down: status %d", a.status)
		}
	}
	if got, _ := c.wait(t, "/p/gone/w320.jpg", 1); len(got) != 1 {
		t.Errorf("a 410 was asked for %d times, want once", len(got))
	}
}

func (c *cdn) testSigned(t *testing.T) {
	sign := func(path string, args ...string) string {
		return strings.TrimSpace(c.cutline(t, append(append([]string{"sign"}, args...), path, c.nodes[0].site)...))
	}
	signed := sign("/p/signed/w333-h111-cover.jpg")
	c.isHit(t, signed, c.miss())
	c.isHit(t, signed, "hit")
	flipped := signed[:len(signed)-2] + map[bool]string{true: "B", false: "A"}[signed[len(signed)-2] == 'A'] + signed[len(signed)-1:]
	for _, path := range []string{flipped, "/p/signed/w333-h111-cover.jpg"} {
		if a := c.ask(t, path); a.status != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", path, a.status)
		}
	}
	ends := sign("/p/signed/w321-h111-cover.jpg", "--exp", "1h")
	c.isHit(t, ends, c.miss())
	c.isHit(t, ends, "hit")
	// A source in the path that was encoded whole, and one that was not, are two addresses.
	source := c.origin.URL("/signed.jpg")
	whole := "/" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(source) + "?w=320&fm=jpg"
	for _, path := range []string{whole, "/" + source + "?w=320&fm=jpg"} {
		c.isHit(t, path, c.miss())
		c.isHit(t, path, "hit")
	}
}

func (c *cdn) testCrowd(t *testing.T) {
	const path, readers = "/p/crowd/w640.jpg", 200
	start := time.Now()
	if got := c.crowd(t, path, readers); got[http.StatusOK] != readers {
		t.Errorf("statuses %v, want 200 for %d", got, readers)
	}
	asked, _ := c.wait(t, path, 1)
	t.Logf("%d readers of what was not there: %d requests at the nodes, %d at the origin, %v", readers, len(asked), c.origin.Hits("/crowd.jpg"), time.Since(start))
	if n := c.origin.Hits("/crowd.jpg"); n != 1 || len(asked) != 1 {
		t.Errorf("the origin was asked %d times, the nodes %d, want once each", n, len(asked))
	}
}

func (c *cdn) testPurge(t *testing.T) {
	paths := []string{"/p/purged/w320.jpg", "/p/purged/w160.webp", "/p/purged/meta.json"}
	for _, path := range append(slices.Clone(paths), "/p/kept/w320.jpg", "/p/kept/w160.webp") {
		c.isHit(t, path, c.miss())
		c.isHit(t, path, "hit")
	}
	before := c.origin.Hits("/purged.jpg")
	keys := c.forget(t, "--post", "purged")
	if said := c.purge(t, keys); !strings.Contains(said, "3 ") && !strings.Contains(said, "3\n") {
		t.Errorf("keys %q: purging said %q, want 3", keys, said)
	}
	for _, path := range paths {
		c.isHit(t, path, c.miss())
	}
	for _, path := range []string{"/p/kept/w320.jpg", "/p/kept/w160.webp"} {
		c.isHit(t, path, "hit")
	}
	if n := c.origin.Hits("/purged.jpg") - before; n != 1 {
		t.Errorf("the original was fetched %d times after the purge, want once", n)
	}
}

func (c *cdn) testStrangers(t *testing.T) {
	c.isHit(t, "/p/kept/w320.jpg", "hit")
	for _, header := range [][]string{nil, {"Authorization", "Bearer token-of-sixteem"}} {
		req, err := http.NewRequestWithContext(t.Context(), "PURGE", c.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Surrogate-Key", strings.TrimSpace(c.forget(t, "--post", "kept")))
		if header != nil {
			req.Header.Set(header[0], header[1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("status %d, want 403", resp.StatusCode)
		}
	}
	c.isHit(t, "/p/kept/w320.jpg", "hit")
}

// testRevalidation: a day later the picture is still shown at once, and what is asked behind it costs no body.
func (c *cdn) testRevalidation(t *testing.T) {
	const path = "/p/aged/w320.jpg"
	was := c.isHit(t, path, c.miss())
	c.age(t, "+25h")
	c.isHit(t, path, "hit; detail=stale")
	statuses, sent := c.wait(t, path, 2)
	if !slices.Equal(statuses, []string{"200", "304"}) || sent[1] != "0" {
		t.Errorf("the nodes answered %v with %v bytes, want 304 without a body", statuses, sent)
	}
	for range 100 { // until the cache has it
		if a := c.ask(t, path); c.said(a) == "hit" && bytes.Equal(a.body, was.body) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("what was revalidated is not fresh")
}

// testRemoved: the picture of a post that is taken off the site, and that nobody purges, is shown once more when it is stale, and then gone.
func (c *cdn) testRemoved(t *testing.T) {
	const path = "/p/removed/w320.jpg"
	c.isHit(t, path, c.miss())
	if err := os.Remove(filepath.Join(c.nodes[0].site, "removed.md")); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.nodes {
		c.cutline(t, "rescan", "--admin", n.admin, n.site)
	}
	c.isHit(t, path, "hit")
	c.age(t, "+51h")
	for range 100 {
		if a := c.ask(t, path); a.status == http.StatusNotFound {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("it is still shown")
}

// testOutage takes away first the origin, then one node, then the other; time goes on. Whoever asks for what was there gets it.
func (c *cdn) testOutage(t *testing.T) {
	var paths []string
	for i := range 6 {
		paths = append(paths, fmt.Sprintf("/p/out%d/w320.jpg", i+1), fmt.Sprintf("/p/out%d/w160.webp", i+1))
	}
	all := func(when string) {
		t.Helper()
		for _, path := range paths {
			if a := c.ask(t, path); a.status != http.StatusOK {
				t.Errorf("%s: %s: status %d, want 200: %q", when, path, a.status, a.header.Values("Cache-Status"))
			}
		}
	}
	all("at first")
	c.origin.Close()
	c.age(t, "+80h")
	all("without the origin")
	c.nodes[0].kill(t)
	c.age(t, "+12d") // beyond stale-while-revalidate: a node is asked first
	all("without one node")
	c.nodes[1].kill(t)
	c.age(t, "+15d")
	all("without nodes")
	c.age(t, "+30d")
	all("without nodes, a month on")
	c.nodes[0].start(t)
	c.nodes[1].start(t)
	for range 200 { // until the cache has noticed
		if a := c.ask(t, "/p/out1/w480.jpg"); a.status == http.StatusOK {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.isHit(t, "/p/out1/w480.jpg", "hit") // of an origin that is gone, by a node that has the original
	all("when all is back")
}
