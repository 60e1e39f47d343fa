package proxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

func TestNegotiatedURL(t *testing.T) {
	d := newDesk(t)
	tests := []struct{ post, accept, contentType string }{
		{"fox", "image/avif,image/webp,*/*", "image/webp"},
		{"fox", "image/*,*/*;q=0.8", "image/jpeg"},
		{"logo", "*/*", "image/png"}, // has alpha
		{"logo", "image/webp", "image/webp"},
	}
	for _, tt := range tests {
		resp, _ := d.get("/p/"+tt.post+"/w640.auto", "Accept: "+tt.accept)
		if got, want := resp.Header.Get("Content-Location"), "/i/"+d.id(tt.post)+"/w640."+strings.TrimPrefix(strings.Replace(tt.contentType, "jpeg", "jpg", 1), "image/"); got != want {
			t.Errorf("%s for %q: Content-Location %s, want %s", tt.post, tt.accept, got, want)
		}
		if got := resp.Header.Get("Content-Type"); got != tt.contentType || resp.Header.Get("Vary") != "Accept" {
			t.Errorf("%s for %q: %s, Vary %q, want %s, Vary Accept", tt.post, tt.accept, got, resp.Header.Get("Vary"), tt.contentType)
		}
	}
	resp, _ := d.get("/p/fox/w640.webp", "Accept: image/jpeg")
	if resp.Header.Get("Content-Type") != "image/webp" || resp.Header.Get("Vary") != "" {
		t.Errorf("an explicit extension: %s, Vary %q, want image/webp and none", resp.Header.Get("Content-Type"), resp.Header.Get("Vary"))
	}
	if resp.Header.Get("Last-Modified") == "" {
		t.Error("an explicit extension: no Last-Modified")
	}
	resp, _ = d.get("/p/fox/w640.auto", "Accept: image/webp", "Range: bytes=0-1", "If-Range: "+time.Now().UTC().Format(http.TimeFormat))
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Last-Modified") != "" {
		t.Errorf("a range of auto by date: %d, Last-Modified %q, want the whole picture and none", resp.StatusCode, resp.Header.Get("Last-Modified"))
	}
	for post, vary := range map[string]string{"none": "", "broken": "Accept"} {
		resp, _ = d.get("/p/"+post+"/w640.auto", "Accept: image/webp")
		if resp.StatusCode < 400 || resp.Header.Get("Vary") != vary {
			t.Errorf("%s: %d, Vary %q, want an error that varies where a format may be why", post, resp.StatusCode, resp.Header.Get("Vary"))
		}
	}
	resp, _ = d.get("/p/fox/w640.auto", "Accept: text/html", "Accept: image/webp") // two fields are one list
	if got := resp.Header.Get("Content-Type"); got != "image/webp" {
		t.Errorf("two Accept fields: %s, want image/webp", got)
	}
}

// What the renderer may choose from is settled by Accept and by what is offered.
func TestNegotiatedURLOffers(t *testing.T) {
	formats := []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF}
	stub := &stub{outcome: render.Hit, kept: true}
	s, err := New(Options{Catalog: scan(t, posts), Renderer: stub, Formats: formats})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, Server: s, stub: stub}
	d.serve()
	for accept, want := range map[string][]transform.Format{
		"image/avif,image/webp,*/*": formats, "image/webp": formats[1:], "": formats[2:],
		"image/avif": {transform.AVIF, transform.JPEG, transform.PNG, transform.GIF},
	} {
		d.get("/p/fox/hero.auto", "Accept: "+accept)
		if !slices.Equal(stub.read, want) {
			t.Errorf("Accept %q: %v, want %v", accept, stub.read, want)
		}
	}
}

func TestFramesAndQualityAreTold(t *testing.T) {
	d := newDesk(t)
	d.stub.set(func(s *stub) { s.frames, s.moves = 24, 20 })
	for _, tt := range []struct{ path, frames, quality, location string }{
		{"/p/fox/w640.webp", "1;of=24", "71", "w640.webp"},
		{"/p/fox/w640-anim.webp", "20;of=24", "71", "w640-anim.webp"},
		{"/p/fox/card-anim.webp", "20;of=24", "71", "w640-h360-cover-anim.webp"},
		{"/p/fox/w640.png", "1;of=24", "", "w640.png"},
	} {
		resp, _ := d.get(tt.path)
		got := [3]string{resp.Header.Get("Image-Frames"), resp.Header.Get("Image-Quality"), resp.Header.Get("Content-Location")}
		if want := [3]string{tt.frames, tt.quality, "/i/" + d.id("fox") + "/" + tt.location}; got != want {
			t.Errorf("%s: %q, want %q", tt.path, got, want)
		}
		item, err := httpsfv.UnmarshalItem(resp.Header["Image-Frames"])
		if of, _ := item.Params.Get("of"); err != nil || of != int64(24) {
			t.Errorf("%s: Image-Frames %q: of %v, %v", tt.path, got[0], of, err)
		}
	}
	if resp, _ := d.get("/p/fox/w640.webp", `If-Match: "x"`); resp.StatusCode != http.StatusPreconditionFailed || resp.Header.Get("Image-Frames")+resp.Header.Get("Image-Quality") != "" {
		t.Errorf("an error: %d %v, want 412 without a word about a picture", resp.StatusCode, resp.Header)
	}
	d.stub.set(func(s *stub) { s.frames = 1 })
	if resp, _ := d.get("/p/fox/w640.webp"); resp.Header.Get("Image-Frames") != "" {
		t.Errorf("a still picture: Image-Frames %q", resp.Header.Get("Image-Frames"))
	}
}

// No page shows a still picture as GIF.
func TestMetaLeavesGIFOut(t *testing.T) {
	s, err := New(Options{
		Catalog: scan(t, posts), Renderer: &stub{kept: true, has: func(transform.Spec) bool { return false }}, Formats: []transform.Format{transform.AVIF, transform.GIF, transform.JPEG},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, Server: s}
	d.serve()
	for path, want := range map[string]string{"/p/fox/meta.json": `w1600.avif`, "/?post=fox": `w1600.avif`} {
		_, body := d.get(path)
		if !strings.Contains(body, want) || strings.Contains(body, ".gif") {
			t.Errorf("%s: without %s, or with GIF", path, want)
		}
	}
}
