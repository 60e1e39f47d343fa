package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// refusals are the statuses and texts of the error contract for originals that arrived and are no good.
var refusals = map[int][]string{
	http.StatusUnsupportedMediaType: {"What is at the source is not an image of a format that is read here.\n"},
	http.StatusUnprocessableEntity: {
		"The original exceeds a limit on bytes, pixels, frames or memory, or the picture cannot be made as small as was asked for.\n",
		"The original is damaged and cannot be decoded.\n",
	},
	http.StatusServiceUnavailable: {"Too much to do at the moment.\n"},
	http.StatusGatewayTimeout:     {"The original took too long to arrive or to process.\n"},
}

// soundness says what is wrong with an answer: it is a whole picture in f, or a refusal in fixed words with its headers.
func (a *reply) soundness(f transform.Format) error {
	if a.err != nil {
		return a.err
	}
	if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" ||
		!strings.HasPrefix(a.header.Get("Cache-Status"), "cutline; ") {
		return fmt.Errorf("status %d with the header %v", a.status, a.header)
	}
	if a.status == http.StatusOK {
		got, err := transform.Sniff(a.body)
		if err != nil || got != f || a.header.Get("Content-Type") != f.MIME() {
			return fmt.Errorf("status 200 with %s, %s, %w", a.header.Get("Content-Type"), got, err)
		}
		return isWhole(f, a.body)
	}
	known := false
	for _, text := range refusals[a.status] {
		known = known || text == string(a.body)
	}
	if !known || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || a.header.Get("ETag") != "" {
		return fmt.Errorf("status %d with %q and the header %v", a.status, a.body, a.header)
	}
	if retry, err := strconv.Atoi(a.header.Get("Retry-After")); a.status == http.StatusServiceUnavailable && (err != nil || retry < 1 || retry > 30) {
		return fmt.Errorf("status 503 with Retry-After %q", a.header.Get("Retry-After"))
	}
	if max := a.header.Get("Cache-Control"); a.status < 500 && max != "public, max-age=60" && max != "public, max-age=300" || a.status >= 500 && max != "no-store" {
		return fmt.Errorf("status %d with Cache-Control %q", a.status, max)
	}
	return nil
}

// sourceURL is the dialect's address for the picture at an origin, 24 pixels wide.
func sourceURL(server, picture string, f transform.Format) string {
	return server + "/" + url.QueryEscape(picture) + "?w=24&fm=" + f.Ext()
}

// hostileSite is one whose pictures come from this machine, whoever asks for them.
func hostileSite(t *testing.T) string {
	t.Helper()
	return writeSite(t, "fetch: {allow_private: [127.0.0.0/8], hosts: [127.0.0.1]}\n")
}

// Area D through the whole server: every bomb is refused in fixed words, twice, or made a harmless picture of; what is refused
// by its header costs a few times its bytes; nothing of what is refused is kept.
func TestBombs(t *testing.T) {
	imagetest.Long(t)
	for _, workers := range []string{"0", "auto"} {
		t.Run("workers "+workers, func(t *testing.T) { bombs(t, workers) })
	}
}

func bombs(t *testing.T, workers string) {
	origin := imagetest.NewOrigin(t)
	folder := t.TempDir()
	s := startServe(t, "--cache", folder, "--workers", workers, "--log", "debug", hostileSite(t))
	defer s.stop(t)
	s.wait(t, "all encoders are ready") // beside which nothing can be measured: they allocate tens of megabytes, once
	c := client(t)
	warm := func() {
		for i, body := range wholes(t) {
			path := fmt.Sprintf("/good%d", i)
			origin.Serve(path, body)
			var a reply
			if a.ask(t.Context(), c, sourceURL(s.url, origin.URL(path), transform.PNG), nil); a.status != http.StatusOK {
				t.Fatalf("good picture %d: %d %s %v", i, a.status, a.body, a.err)
			}
		}
	}
	warm() // what is made once is not counted
	transformer := transform.New(goengine.New(), transform.Options{})
	before := runtime.NumGoroutine()
	for i, b := range imagetest.Bombs(t) {
		path := fmt.Sprintf("/%d", i)
		origin.Serve(path, b.Body)
		where := sourceURL(s.url, origin.URL(path), transform.PNG)
		var first, second reply
		cost := allocated(func() { first.ask(t.Context(), c, where, nil) })
		second.ask(t.Context(), c, where, nil)
		if err := answered(b, &first, &second); err != nil {
			t.Errorf("%s, %s: %v", b.Row, b.Name, err)
		}
		limit := int64(8<<20 + 6*len(b.Body))
		if info, err := transformer.Probe(b.Body); err == nil {
			limit += info.DecodeBytes * 3 / 2 // with what is left behind as it grows
		}
		if cost > limit {
			t.Errorf("%s, %s, %d bytes: %d bytes allocated, want at most %d", b.Row, b.Name, len(b.Body), cost, limit)
		}
	}
	c.CloseIdleConnections()
	waitForGoroutines(t, before)
	warm()
}

// reads reports whether originals in f are decoded on this machine: all but AVIF, where a libavif is in use.
func reads(f transform.Format) bool { return goengine.New().Can(f).Decode }

// wholes are sound originals of every kind that is decoded on this machine.
func wholes(t *testing.T) (list [][]byte) {
	t.Helper()
	list = [][]byte{imagetest.JPEG(t, 40, 30), imagetest.PNG(t, 40, 30, true), imagetest.GIF(t, 40, 30, 2)}
	for _, name := range []string{
		"progressive.jpg", "444.jpg", "cmyk.jpg", "interlaced.png", "lossy.webp", "lossless.webp", "alpha.webp", "alpha-lossless.webp", "animated.webp",
		"lossy.avif", "deep-444.avif", "alpha.avif", "alpha-premultiplied.avif", "animated.avif", "turned.avif",
	} {
		if strings.HasSuffix(name, ".avif") && !reads(transform.AVIF) {
			continue
		}
		list = append(list, imagetest.File(t, name))
	}
	return list
}

// D28: a file that was cut is refused, wherever that was; nobody gets it as a picture, now or after a restart.
func TestCutOriginals(t *testing.T) {
	imagetest.Long(t)
	origin := imagetest.NewOrigin(t)
	site, folder := hostileSite(t), t.TempDir()
	var paths []string
	for i, body := range wholes(t) {
		for j, cut := range imagetest.Cuts(body, 50) {
			path := fmt.Sprintf("/%d/%d", i, j)
			origin.Serve(path, cut)
			paths = append(paths, path)
		}
	}
	c := client(t)
	for _, closed := range []bool{false, true} {
		s := startServe(t, "--cache", folder, site)
		if closed {
			origin.Close()
		}
		for _, path := range paths {
			var a reply
			a.ask(t.Context(), c, sourceURL(s.url, origin.URL(path), transform.PNG), nil)
			if a.status == http.StatusOK || !closed && a.soundness(transform.PNG) != nil {
				t.Errorf("%s: status %d, %d bytes: %v", path, a.status, len(a.body), a.soundness(transform.PNG))
			}
		}
		s.stop(t)
	}
}

// answered says what is wrong with two answers for b.
func answered(b imagetest.Bomb, first, second *reply) error {
	want := http.StatusOK
	f, err := transform.Sniff(b.Body)
	switch {
	case err == nil && !reads(f), errors.Is(b.Want, transform.ErrFormat):
		want = http.StatusUnsupportedMediaType
	case b.Want != nil:
		want = http.StatusUnprocessableEntity
	}
	for _, a := range []*reply{first, second} {
		if err := a.soundness(transform.PNG); err != nil {
			return err
		}
		if a.status != want || b.Leak != "" && bytes.Contains(a.body, []byte(b.Leak)) {
			return fmt.Errorf("status %d, want %d", a.status, want)
		}
	}
	return nil
}

// isWhole says why body is no whole picture in f, as far as the standard library reads that.
func isWhole(f transform.Format, body []byte) error {
	var err error
	switch f {
	case transform.PNG:
		_, err = png.Decode(bytes.NewReader(body))
	case transform.JPEG:
		_, err = jpeg.Decode(bytes.NewReader(body))
	case transform.GIF:
		_, err = gif.DecodeAll(bytes.NewReader(body))
	}
	return err
}

// allocated is how many bytes this process allocates while f runs.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// D31: a picture that takes longer than it may is 504, what was at work on it ends, and others are served. It takes half a second
// of a fast processor and more, so that the deadline comes first on every machine.
func TestSlowOriginal(t *testing.T) {
	imagetest.Long(t)
	for _, workers := range []string{"0", "1"} {
		t.Run("workers "+workers, func(t *testing.T) { slowOriginal(t, workers) })
	}
}

func slowOriginal(t *testing.T, workers string) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/slow.jpg", imagetest.Progressive(5_400, 5_200, 100))
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8], hosts: [127.0.0.1]}\n")
	t.Setenv("CUTLINE_LIMITS_TIMEOUT", "100ms")
	s := startServe(t, "--cache", "off", "--workers", workers, site)
	defer s.stop(t)
	c := client(t)
	before := runtime.NumGoroutine()
	for range 2 {
		var a reply
		a.ask(t.Context(), c, sourceURL(s.url, origin.URL("/slow.jpg"), transform.PNG), nil)
		if err := a.soundness(transform.PNG); err != nil || a.status != http.StatusGatewayTimeout {
			t.Errorf("status %d, want 504: %v", a.status, err)
		}
	}
	c.CloseIdleConnections()
	waitForGoroutines(t, before)
	served := false
	// A worker that was killed has a successor in a moment. A busy machine misses this deadline with small pictures too, and after
	// ten of them their host is left alone for ten seconds.
	for i, start := 0, time.Now(); !served && time.Since(start) < time.Minute; i++ {
		if i > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		path := fmt.Sprintf("/%d.jpg", i)
		origin.Serve(path, imagetest.JPEG(t, 40, 30))
		var a reply
		a.ask(t.Context(), c, sourceURL(s.url, origin.URL(path), transform.PNG), nil)
		served = a.status == http.StatusOK
	}
	if !served {
		t.Error("no other picture is served afterwards")
	}
}
