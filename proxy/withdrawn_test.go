package proxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/render"
)

// TestWithdrawn verifies that every address of a picture that was taken down answers 410, and that the lists, which name it
// still, say so.
func TestWithdrawn(t *testing.T) {
	d := newDesk(t)
	e, _, err := d.snapshot().catalog.ByPost("fox")
	if err != nil {
		t.Fatal(err)
	}
	d.stub.set(func(s *stub) {
		s.gone[e.Source] = true
		s.err = &render.Error{Class: render.Withdrawn, Source: e.Source}
	})
	for _, path := range []string{
		"/p/fox/hero.webp", "/p/fox/card.auto", "/i/" + e.ID + "/w640.jpg", "/i/" + e.ID + "/figure.html", "/i/" + e.ID + "/meta.json",
		"/https%3A%2F%2Forigin.example%2Ffox.jpg?w=320",
	} {
		resp, body := d.get(path)
		body = strings.TrimSuffix(strings.TrimPrefix(body, "<!-- cutline: "), " -->\n") // in figure.html
		body = strings.TrimSuffix(body, "\n")
		if resp.StatusCode != http.StatusGone || resp.Header.Get("Cache-Control") != "public, max-age=300" || body != "This picture was taken down." {
			t.Errorf("%s: %d, %s, %q", path, resp.StatusCode, resp.Header.Get("Cache-Control"), body)
		}
		if got, want := resp.Header.Get("Surrogate-Key"), strings.Join(tags(e), " "); got != want || resp.Header.Get("Cache-Tag") == "" {
			t.Errorf("%s: Surrogate-Key %q, want %q: a restored picture would stay away until caches have forgotten this", path, got, want)
		}
		if got := resp.Header.Get("Cache-Status"); got != "cutline; detail=withdrawn" {
			t.Errorf("%s: Cache-Status %q", path, got)
		}
	}
	if _, body := d.get("/catalog.json"); strings.Count(body, `"withdrawn": true`) != 1 {
		t.Errorf("the catalog marks others, or none:\n%s", body)
	}
	_, body := d.get("/")
	if strings.Count(body, "taken down") != 1 || strings.Contains(body, "/i/"+e.ID+"/w640.auto") || !strings.Contains(body, "A red fox") {
		t.Error("the contact sheet does not mark it, or shows it, or lacks its words")
	}
}
