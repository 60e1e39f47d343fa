package main

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// fetched asks for url with an Accept header; the body must be there.
func fetched(t *testing.T, url, accept string) (http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, resp.StatusCode, err)
	}
	return resp.Header, body
}

// An ".auto" address answers at once, and in the end with the smallest picture that the client reads: byte for byte the one
// at the address in Content-Location.
func TestAutoIsTheSmallest(t *testing.T) {
	imagetest.Long(t)
	// The first AVIF waits for a module to be compiled, which takes half a minute under the race detector.
	t.Setenv("CUTLINE_LIMITS_TIMEOUT", "2m")
	s := startServe(t, "--cache", t.TempDir(), "../../testdata/site")
	defer s.stop(t)
	for post, still := range map[string]transform.Format{
		"ten-years-of-dscovr": transform.JPEG, "the-fig-tree-on-mill-lane": transform.PNG, // opaque, and cut out
	} {
		for accept, named := range map[string][]transform.Format{
			"image/avif,image/webp,image/*,*/*;q=0.8": {transform.AVIF, transform.WebP},
			"image/webp,*/*":    {transform.WebP},
			"image/*,*/*;q=0.8": {},
		} {
			header, body := fetched(t, s.url+"/p/"+post+"/thumb.auto", accept)
			for end := time.Now().Add(3 * time.Minute); strings.Contains(header.Get("Cache-Status"), "interim"); {
				if got := header.Get("Cache-Control"); !strings.Contains(got, "max-age=60,") {
					t.Errorf("%s for %q: %s for now", post, accept, got)
				}
				if time.Now().After(end) {
					t.Fatalf("%s for %q: still interim", post, accept)
				}
				time.Sleep(50 * time.Millisecond)
				header, body = fetched(t, s.url+"/p/"+post+"/thumb.auto", accept)
			}
			if header.Get("Vary") != "Accept" || !strings.Contains(header.Get("Cache-Control"), "max-age=86400") {
				t.Errorf("%s for %q: Vary %q, Cache-Control %q", post, accept, header.Get("Vary"), header.Get("Cache-Control"))
			}
			if _, same := fetched(t, s.url+header.Get("Content-Location"), ""); !slices.Equal(same, body) {
				t.Errorf("%s for %q: not what is at %s", post, accept, header.Get("Content-Location"))
			}
			for _, f := range append(named, still) {
				if !slices.Contains(writable(), f) {
					continue
				}
				if _, other := fetched(t, s.url+"/p/"+post+"/thumb."+f.Ext(), ""); len(other) < len(body) {
					t.Errorf("%s for %q: %s of %d bytes, %s has %d", post, accept, header.Get("Content-Type"), len(body), f, len(other))
				}
			}
		}
	}
}

// A film that does not move says so.
func TestFlattenedAnimationIsTold(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.GIF(t, 40, 30, 3))
	s := startServe(t, "--cache", "off", remoteSite(t, origin.URL("/a.jpg")))
	defer s.stop(t)
	for path, want := range map[string]string{"w24.jpg": "1;of=3", "w24.auto": "1;of=3", "w24-anim.webp": ";of=3"} {
		header, _ := fetched(t, s.url+"/p/one/"+path, "image/webp")
		if got := header.Get("Image-Frames"); !strings.HasSuffix(got, want) {
			t.Errorf("%s: Image-Frames %q, want %s", path, got, want)
		}
	}
}
