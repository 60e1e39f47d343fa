package proxy

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

func (s *stub) Glance(_ context.Context, req render.Request) render.Glance {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := render.Glance{Renditions: make([]*render.Rendition, len(req.Specs))}
	switch {
	case s.gone[req.Source]:
		g.Failure = render.Withdrawn
	case s.has == nil:
	case strings.Contains(req.Source.String(), "broken"):
		g.Failure = render.Unreachable
	default:
		info := transform.Info{Format: transform.JPEG, Width: 2000, Height: 1000, Alpha: strings.Contains(req.Source.String(), "logo")}
		g.Original = &render.Original{Info: info, Sum: original, Bytes: 12345, Modified: stubTime, Found: s.found}
		for i, spec := range req.Specs {
			if s.has(spec) {
				g.Renditions[i] = s.rendition(req, spec.Resolve(2000, 1000, render.DefaultMaxOutput, 0))
			}
		}
	}
	return g
}

func (s *stub) Stats() render.Stats { return render.Stats{Fetched: 7} }

func (s *stub) Made() []render.Made {
	return []render.Made{{Format: transform.WebP, Renditions: 4, Bytes: 4000, Took: 100 * time.Millisecond}}
}

func (s *stub) Origins() []render.Origin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.origins
}

// rowsOf are a page's table rows, as text.
func rowsOf(doc *html.Node) (out []string) {
	for _, tr := range elements(doc, "tr", "") {
		out = append(out, text(tr))
	}
	return out
}

func TestNumbers(t *testing.T) {
	d := newDesk(t)
	d.o.Degraded = func() []string { return []string{"the cache folder cannot be written"} }
	d.stub.set(func(s *stub) {
		s.has = empty
		s.origins = []render.Origin{
			{Host: "slow.other.example", Asked: 1, Took: time.Minute},
			{Host: "origin.example", Asked: 4, Failed: 1, Bytes: 2_000_000, Took: 2 * time.Second, Slowest: 1500 * time.Millisecond},
		}
	})
	d.get("/p/fox/hero.webp")
	d.get("/p/fox/hero.webp", "Range: bytes=0-3")
	d.get("/p/fox/hero.webp", `If-None-Match: "etag-w1600-h800.webp"`)
	d.get("/p/fox/hero.webp", "If-Match: \"another\"")
	d.do(http.MethodHead, "/p/fox/hero.webp")
	for _, o := range []render.Outcome{render.Filled, render.Joined, render.Stale, render.Stale} {
		d.stub.set(func(s *stub) { s.outcome = o })
		d.get("/p/fox/hero.jpg")
	}
	d.get("/p/nobody/hero.jpg")
	doc := d.page("/?view=numbers")
	rows := rowsOf(doc)
	for _, want := range []string{
		"hit 4 from the cache", "stale 2 from the cache, while the origin is asked, or while it fails", "filled 1 a miss: fetched or made for this reader",
		"joined 1 a miss that waited for another reader’s", "refused 2 answers of any kind with an error’s status",
		"WebP 4 4 kB 25 ms", "origin.example 500 ms 1.5 s 4 1 2.0 MB", "complete 2", "with something to mend 1", "whose original is here 2",
	} {
		if !slices.Contains(rows, want) {
			t.Errorf("no row %q in\n%s", want, strings.Join(rows, "\n"))
		}
	}
	body := text(doc)
	sent := 24 + 4 + 4*23 // whole, a part, and four in the other format
	if want := bytesText(int64(sent)); sent != 120 || !strings.Contains(body, "Sent to readers "+want) {
		t.Errorf("not %s sent, in %q", want, body)
	}
	for _, says := range []string{"75.0 %", "6 of 8 pictures", "Saved for readers 62 kB", "Degraded the cache folder cannot be written", "7 originals came", "1 further not listed"} {
		if !strings.Contains(body, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	if strings.Contains(body, "slow.other.example") {
		t.Error("the page names a host that no post shows")
	}
}

// TestNumbersAhead verifies that the page tells what was made ahead, where that is done.
func TestNumbersAhead(t *testing.T) {
	d := newDesk(t)
	if body := text(d.page("/?view=numbers")); strings.Contains(body, "Ahead of readers") {
		t.Error("a server that makes nothing ahead tells of it")
	}
	d.o.Ahead = newStudio()
	d.ahead.add(d.snapshot().catalog.Entries[:2])
	d.ahead.count(func(st *AheadStats) {
		*st = AheadStats{Pictures: 1234, Renditions: 5678, Bytes: 9_000_000, Failed: 3, Dropped: 4}
	})
	doc := d.page("/?view=numbers")
	rows := rowsOf(doc)
	for _, want := range []string{"ready 1,234", "waiting for idle time 2", "whose original cannot be had 3", "left to their readers 4"} {
		if !slices.Contains(rows, want) {
			t.Errorf("no row %q in\n%s", want, strings.Join(rows, "\n"))
		}
	}
	if want := "5,678 with 9.0 MB were made before anybody asked"; !strings.Contains(text(doc), want) {
		t.Errorf("the page does not say %q", want)
	}
}

// TestNumbersAtFirst is of a server that nobody asked anything.
func TestNumbersAtFirst(t *testing.T) {
	d := newDesk(t)
	body := text(d.page("/?view=numbers"))
	for _, says := range []string{"Answered from the cache – 0 of 0 pictures", "nothing was sent yet", "Everything works", "No host was asked"} {
		if !strings.Contains(body, says) {
			t.Errorf("the page does not say %q: %s", says, body)
		}
	}
}
