package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// A reply is what a client of these tests got.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// client asks over connections of its own, which its test closes.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// ask gets url; sent, unless nil, is called when the request is out.
func (a *reply) ask(ctx context.Context, c *http.Client, url string, sent func()) {
	if sent != nil {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent() }})
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		a.err = err
		return
	}
	resp, err := c.Do(req)
	if err != nil {
		a.err = err
		return
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	a.body, a.err = io.ReadAll(resp.Body)
}

// crowdOf asks for url n times at once; it returns when all requests are out, and the answers when wait is called.
func crowdOf(t *testing.T, c *http.Client, url string, n int) (wait func() []reply) {
	t.Helper()
	answers := make([]reply, n)
	var sent, done sync.WaitGroup
	sent.Add(n)
	for i := range answers {
		done.Go(func() { answers[i].ask(t.Context(), c, url, sync.OnceFunc(sent.Done)) })
	}
	sent.Wait()
	return func() []reply { done.Wait(); return answers }
}

// L01: five hundred first readers of one picture are one fetch and one decode, and all get the same.
func TestStampede(t *testing.T) {
	const readers = 500
	origin, open := imagetest.NewOrigin(t), make(chan struct{})
	origin.Handle("/a.jpg", imagetest.Gate(open, imagetest.Picture(imagetest.JPEG(t, 40, 40))))
	s := startServe(t, "--cache", "off", remoteSite(t, origin.URL("/a.jpg")))
	defer s.stop(t)
	wait := crowdOf(t, client(t), s.url+"/p/one/w24.png", readers)
	close(open)
	stored, encodes := 0, map[string]bool{}
	all := wait()
	for i, a := range all {
		if a.err != nil || a.status != http.StatusOK || !bytes.Equal(a.body, all[0].body) {
			t.Fatalf("reader %d: status %d, %d bytes, %v", i, a.status, len(a.body), a.err)
		}
		if how := a.header.Get("Cache-Status"); how == "cutline; fwd=miss; stored" {
			stored++
		}
		for stage := range strings.SplitSeq(a.header.Get("Server-Timing"), ", ") {
			if strings.HasPrefix(stage, "encode;") { // to the microsecond; who found the rendition in the cache has none
				encodes[stage] = true
			}
		}
	}
	if origin.Hits("/a.jpg") != 1 || len(encodes) != 1 {
		t.Errorf("%d fetches, encodes %v, want 1 of each", origin.Hits("/a.jpg"), encodes)
	}
	// One reader brought the original, and one made the rendition: whoever was the first to see that the original had come. Both
	// stored something.
	if stored < 1 || stored > 2 {
		t.Errorf("%d readers who stored something, want 1 or 2", stored)
	}
}

// L02: whoever asked first leaves in the middle of the fetch, and the others get their picture from it.
func TestLeaderLeaves(t *testing.T) {
	origin, open := imagetest.NewOrigin(t), make(chan struct{})
	arrived := make(chan struct{}, 10)
	picture := imagetest.Gate(open, imagetest.Picture(imagetest.JPEG(t, 40, 40)))
	origin.Handle("/a.jpg", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		picture.ServeHTTP(w, r)
	}))
	s := startServe(t, "--cache", "off", remoteSite(t, origin.URL("/a.jpg")))
	defer s.stop(t)
	c, url := client(t), s.url+"/p/one/w24.png"
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		var leader reply
		leader.ask(ctx, c, url, nil)
		left <- leader.err
	}()
	<-arrived
	wait := crowdOf(t, c, url, 50)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the leader: %v, want context.Canceled", err)
	}
	close(open)
	for i, a := range wait() {
		if a.err != nil || a.status != http.StatusOK {
			t.Errorf("follower %d: status %d, %v", i, a.status, a.err)
		}
	}
	if n := origin.Hits("/a.jpg"); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

// A hostility is one way in which an origin misbehaves, and what readers get meanwhile.
type hostility struct {
	name    string // with the row of the fault matrix
	handler http.Handler
	status  int
}

func hostilities(t *testing.T, picture []byte) []hostility {
	html := imagetest.Picture([]byte("<!doctype html><title>Sorry</title>"))
	chunked := imagetest.TruncateChunked(picture)
	return []hostility{
		{"L04 hangs", imagetest.Hang(), 504},
		{"L05 a header and silence", imagetest.Stall(picture, 0), 504},
		{"L05 half and silence", imagetest.Stall(picture, len(picture)/2), 504},
		{"L06 a drip", imagetest.Drip(picture, 50*time.Millisecond), 504},
		{"L08 fewer bytes than promised", imagetest.Truncate(picture, len(picture)/2), 502},
		{"L08 no last chunk", chunked, 502},
		{"L08 more bytes than promised", imagetest.Raw(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sjunk", len(picture), picture)), 200},
		{"L08 HTTP/1.0 closes early", imagetest.Raw(fmt.Appendf(nil, "HTTP/1.0 200 OK\r\n\r\n%s", picture[:len(picture)/2])), 422},
		{"L10 ten thousand header fields", imagetest.HeaderFlood(10_000, picture), 502},
		{"L10 a header of 20 MB", imagetest.Raw([]byte("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 20<<20))), 502},
		{"L11 a gzip bomb", imagetest.GzipBomb(100 << 20), 422},
		{"L11 br", imagetest.With(imagetest.Picture(picture), "Content-Encoding", "br"), 415},
		{"L11 gzip in gzip", imagetest.With(imagetest.Picture(picture), "Content-Encoding", "gzip, gzip"), 415},
		{"L13 called a page", imagetest.With(imagetest.Picture(picture), "Content-Type", "text/html"), 200},
		{"L13 a page called a picture", imagetest.With(html, "Content-Type", "image/png"), 415},
		{"L13 two types", imagetest.With(imagetest.Picture(picture), "Content-Type", "image/png, text/html"), 200},
		{"L14 too large, said so", imagetest.Picture(make([]byte, 2<<20)), 422},
		{"L14 too large, not said so", imagetest.Endless(picture), 422},
		{"L16 429", imagetest.With(imagetest.Status(429), "Retry-After", "7"), 503},
		{"L16 503", imagetest.With(imagetest.Status(503), "Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)), 503},
	}
}

// Every fault goes through the whole server, a hundred readers at once for each: they get the answer of the error contract,
// within the fetch's timeout, and nothing of it is left behind.
func TestHostileOrigins(t *testing.T) {
	picture := imagetest.JPEG(t, 40, 40)
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8], max_bytes: 1MB, timeout: 9s}\n")
	all := hostilities(t, picture)
	origins := make([]*imagetest.Origin, len(all))
	for i, f := range all {
		origins[i] = imagetest.NewOrigin(t) // a host each: what one does is not held against another
		origins[i].Handle("/a.jpg", f.handler)
		writePost(t, site, fmt.Sprintf("fault%d", i), origins[i].URL("/a.jpg"))
	}
	good := imagetest.NewOrigin(t)
	good.Serve("/a.jpg", picture)
	writePost(t, site, "good", good.URL("/a.jpg"))
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	c := client(t)
	before := runtime.NumGoroutine()
	var rows sync.WaitGroup
	for i, f := range all {
		rows.Go(func() {
			for _, a := range crowdOf(t, c, fmt.Sprintf("%s/p/fault%d/w24.png", s.url, i), 20)() {
				if a.err != nil || a.status != f.status {
					t.Errorf("%s: status %d, %v, want %d", f.name, a.status, a.err, f.status)
					return
				}
				retry, err := strconv.Atoi(a.header.Get("Retry-After"))
				if f.status == http.StatusServiceUnavailable && (err != nil || retry < 1 || retry > 60) {
					t.Errorf("%s: Retry-After %q, want seconds of a minute", f.name, a.header.Get("Retry-After"))
				}
			}
			// net/http asks once more when a kept connection turns out to be closed.
			if n := origins[i].Hits("/a.jpg"); n > 2 {
				t.Errorf("%s: asked %d times", f.name, n)
			}
		})
	}
	rows.Wait()
	if a := crowdOf(t, c, s.url+"/p/good/w24.png", 1)()[0]; a.err != nil || a.status != http.StatusOK {
		t.Errorf("afterwards: status %d, %v", a.status, a.err)
	}
	c.CloseIdleConnections()
	for _, o := range append(origins, good) {
		o.Close()
	}
	waitForGoroutines(t, before)
}

// waitForGoroutines waits until there are few more goroutines than before: those of connections end a moment after them.
func waitForGoroutines(t *testing.T, before int) {
	t.Helper()
	const few = 5
	for end := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before+few; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// writePost makes a post that shows the picture at src.
func writePost(t *testing.T, site, name, src string) {
	t.Helper()
	post := fmt.Sprintf("---\ntitle: %s\nimage:\n  path: %q\n  alt: alt of %s\n  credit: credit of %s\n---\n", name, src, name, name)
	if err := os.WriteFile(filepath.Join(site, name+".md"), []byte(post), 0o600); err != nil {
		t.Fatal(err)
	}
}

// L17: a host that fails for ten pictures is not asked for the next ones; those of another are served, and what is known of
// the first too.
func TestFailingHostIsLeftAlone(t *testing.T) {
	bad, good := imagetest.NewOrigin(t), imagetest.NewOrigin(t)
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	bad.Serve("/known.jpg", imagetest.JPEG(t, 40, 40))
	writePost(t, site, "known", bad.URL("/known.jpg"))
	good.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	writePost(t, site, "good", good.URL("/a.jpg"))
	for i := range 12 {
		bad.Handle(fmt.Sprintf("/%d.jpg", i), imagetest.Status(500))
		writePost(t, site, fmt.Sprintf("bad%d", i), bad.URL(fmt.Sprintf("/%d.jpg", i)))
	}
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	c := client(t)
	get := func(post string, want int) {
		t.Helper()
		a := crowdOf(t, c, s.url+"/p/"+post+"/w24.png", 1)()[0]
		retry, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.err != nil || a.status != want || (want == http.StatusServiceUnavailable) != (err == nil && retry >= 1 && retry <= 10) {
			t.Errorf("%s: status %d, Retry-After %q, %v, want %d", post, a.status, a.header.Get("Retry-After"), a.err, want)
		}
	}
	get("known", 200)
	for i := range 10 {
		get(fmt.Sprintf("bad%d", i), 502)
	}
	get("bad10", 503)
	get("bad11", 503)
	get("bad0", 502) // remembered
	get("known", 200)
	get("good", 200)
	if n := bad.Total(); n != 11 {
		t.Errorf("the failing host was asked %d times, want 11", n)
	}
}

// L27: requests of all kinds are under way when the signal comes; all are answered, and the exit code is 0.
func TestStopsUnderLoad(t *testing.T) {
	const each = 30
	origin, open := imagetest.NewOrigin(t), make(chan struct{})
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	origin.Serve("/warm.jpg", imagetest.JPEG(t, 900, 900))
	writePost(t, site, "warm", origin.URL("/warm.jpg"))
	for i := range each {
		path := fmt.Sprintf("/%d.jpg", i)
		origin.Handle(path, imagetest.Gate(open, imagetest.Picture(imagetest.JPEG(t, 40, 40))))
		writePost(t, site, fmt.Sprintf("cold%d", i), origin.URL(path))
	}
	s := startServe(t, "--cache", "off", site)
	c := client(t)
	if a := crowdOf(t, c, s.url+"/p/warm/w828.png", 1)()[0]; a.status != http.StatusOK {
		t.Fatalf("before: status %d, %v", a.status, a.err)
	}
	var waits []func() []reply
	for i := range each {
		waits = append(waits, crowdOf(t, c, fmt.Sprintf("%s/p/cold%d/w24.png", s.url, i), 2))
	}
	var slow []*http.Response
	for range each {
		resp, err := c.Get(s.url + "/p/warm/w828.png")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		slow = append(slow, resp)
	}
	waits = append(waits, crowdOf(t, c, s.url+"/p/warm/w828.png", each))
	s.end(interrupt{syscall.SIGTERM})
	for ready := http.StatusOK; ready == http.StatusOK; { // until the end has begun
		ready, _ = status(s.url + "/readyz") // 0 with an error: the listener is closed
	}
	close(open)
	for _, resp := range slow {
		if body, err := io.ReadAll(resp.Body); err != nil || int64(len(body)) != resp.ContentLength {
			t.Errorf("a slow reader got %d of %d bytes, %v", len(body), resp.ContentLength, err)
		}
	}
	for _, wait := range waits {
		for _, a := range wait() {
			if a.err != nil || a.status != http.StatusOK {
				t.Errorf("under way: status %d, %v, want 200", a.status, a.err)
			}
		}
	}
	if code := <-s.code; code != 0 {
		t.Errorf("exit code %d, want %d", code, 0)
	}
}
