package main

import (
	"bytes"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
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

// What serve listens on is no source, not even where its address may be dialled: it is not asked, to be found no image (415).
func TestOwnListenersAreNotAsked(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	site := remoteSite(t, origin.URL("/a.jpg"))
	put := func(text string) {
		if err := os.WriteFile(filepath.Join(site, "cutline.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("fetch: {allow_private: [127.0.0.0/8], hosts: [127.0.0.1]}\n")
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	for _, own := range []string{s.url, "http://" + s.admin} {
		if code, err := status(s.url + "/" + url.QueryEscape(own+"/livez") + "?w=24&fm=jpg"); err != nil || code != http.StatusBadGateway {
			t.Errorf("%s: status %d, %v, want 502", own, code, err)
		}
	}
	if code, err := status(s.url + "/p/one/w24.jpg"); err != nil || code != http.StatusOK {
		t.Errorf("the origin beside them: status %d, %v", code, err)
	}
}

// Two sites that each take their picture from the other are told apart from two that work: the circle ends with its second
// request.
func TestTwoThatAskEachOther(t *testing.T) {
	hub := imagetest.NewOrigin(t)
	a := startServe(t, "--cache", "off", remoteSite(t, hub.URL("/to-b")))
	defer a.stop(t)
	b := startServe(t, "--cache", "off", remoteSite(t, hub.URL("/to-a")))
	defer b.stop(t)
	for path, node := range map[string]string{"/to-a": a.url, "/to-b": b.url} {
		to, err := url.Parse(node + "/p/one/w24.jpg")
		if err != nil {
			t.Fatal(err)
		}
		hub.Handle(path, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL, r.Out.Host = to, to.Host }})
	}
	if code, err := status(a.url + "/p/one/w24.jpg"); err != nil || code != http.StatusBadGateway {
		t.Errorf("status %d, %v, want 502", code, err)
	}
	if n := hub.Total(); n != 2 {
		t.Errorf("%d requests between the two, want 2", n)
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

// The dandelions of the example site name their author in XMP, and a position and serial numbers in EXIF and XMP. The post
// credits nobody.
func TestOnlyWordsLeaveTheOriginal(t *testing.T) {
	imagetest.Long(t)
	const author = "Clemens Engelhardt"
	private := []string{"INVENTED", "Invented", "GPSLatitude", "Exif\x00\x00", "EXIF", "SerialNumber"}
	original, err := os.ReadFile("../../testdata/site/_posts/2024-05-11-dandelion-count/dandelions.webp")
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range []string{"INVENTED", "GPSLatitude", "EXIF", author} {
		if !bytes.Contains(original, []byte(each)) {
			t.Fatalf("the original has no %s: this test looks at nothing", each)
		}
	}
	s := startServe(t, "--cache", "off", "../../testdata/site")
	defer s.stop(t)
	for _, name := range []string{"w320.jpg", "w320.png", "w320.webp", "w320.avif", "w320.gif", "w160.jpg", "thumb.webp"} {
		header, body := fetched(t, s.url+"/p/dandelion-count/"+name, "")
		if got, want := header.Get("Image-Credit"), `%"`+author+`"`; got != want {
			t.Errorf("%s: Image-Credit %s, want %s", name, got, want)
		}
		for _, each := range private {
			if bytes.Contains(body, []byte(each)) {
				t.Errorf("%s holds %q", name, each)
			}
		}
		if strings.HasSuffix(name, ".gif") || !strings.HasPrefix(name, "w320") {
			continue // GIF has no place for words, and nothing is put into small pictures
		}
		if found, err := caption.Extract(body); err != nil || found.XMP.Credit != author {
			t.Errorf("%s: found %+v, %v, want the credit %s", name, found, err, author)
		}
	}
}

// A host of fetch.hosts is enough for a picture that no post shows, and needed for it.
func TestListedHostsAreServed(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a b.jpg", imagetest.JPEG(t, 40, 40))
	address := "/" + url.QueryEscape(origin.URL("/a%20b.jpg")) + "?w=24&fm=jpg"
	for hosts, want := range map[string]int{"[127.0.0.1]": http.StatusOK, "[images.example.org]": http.StatusForbidden} {
		site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8], hosts: "+hosts+"}\n")
		s := startServe(t, "--cache", "off", site)
		if code, err := status(s.url + address); err != nil || code != want {
			t.Errorf("hosts %s: status %d, %v; want %d", hosts, code, err, want)
		}
		s.stop(t)
	}
	if got := origin.Hits("/a b.jpg"); got != 1 {
		t.Errorf("the picture was asked for %d times, want once", got)
	}
}
