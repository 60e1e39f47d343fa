package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// remoteSite makes a site whose post "one" shows the picture at src, on a loopback origin.
func remoteSite(t *testing.T, src string) string {
	t.Helper()
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	if err := os.WriteFile(filepath.Join(site, "one.md"), []byte("---\ntitle: One\nimage: \""+src+"\"\n---\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return site
}

// What the fetcher calls itself is what the proxy refuses: an original behind the proxy's own address ends the circle
// (RFC 8586).
func TestOwnRequestsAreRefused(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	s := startServe(t, "--cache", "off", remoteSite(t, origin.URL("/a.jpg")))
	defer s.stop(t)
	if code, err := status(s.url + "/p/one/w24.jpg"); err != nil || code != http.StatusOK {
		t.Fatalf("status %d, %v", code, err)
	}
	loop := origin.Last("/a.jpg").Header.Get("CDN-Loop")
	for name, want := range map[string]int{loop: http.StatusLoopDetected, "cutline; id=0123456789abcdef": http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/p/one/w24.jpg", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("CDN-Loop", name)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // the status is all that is looked at
		if resp.StatusCode != want {
			t.Errorf("CDN-Loop: %s: status %d, want %d", name, resp.StatusCode, want)
		}
	}
}

// A wrapper that answers 200 with a page has failed: the picture behind it is taken.
func TestWrapperThatAnswersWithAPage(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	origin.Serve("/_next/image", []byte("<!doctype html><title>Sorry</title>"))
	wrapped := origin.URL("/_next/image") + "?w=640&q=75&url=" + url.QueryEscape(origin.URL("/a.jpg"))
	s := startServe(t, "--cache", "off", remoteSite(t, wrapped))
	defer s.stop(t)
	if code, err := status(s.url + "/p/one/w24.jpg"); err != nil || code != http.StatusOK {
		t.Errorf("status %d, %v; want the picture behind the wrapper", code, err)
	}
	if got := [2]int{origin.Hits("/_next/image"), origin.Hits("/a.jpg")}; got != [2]int{1, 1} {
		t.Errorf("wrapper and picture were asked %v times, want once each", got)
	}
}
