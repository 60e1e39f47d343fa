package render

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// TestGlance verifies that a glance tells what the cache has, as Render would answer it, and changes nothing.
func TestGlance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		src := remote(t)
		req := Request{Source: src, Specs: []transform.Spec{webp(320), webp(640), {Width: 320, Format: transform.AVIF}}, Words: caption.Words{Credit: "Ann"}}
		if got := g.Glance(t.Context(), req); got.Original != nil || got.Failure != "" || len(got.Renditions) != 3 {
			t.Errorf("of what nobody asked for: %+v", got)
		}
		g.warm(t, src)
		objects := len(g.store.objects)
		got := g.Glance(t.Context(), req)
		if got.Original == nil || got.Original.Bytes != int64(len("one")) || got.Original.Info.Width != 2000 {
			t.Fatalf("original %+v", got.Original)
		}
		if got.Renditions[0] == nil || got.Renditions[1] != nil || got.Renditions[2] != nil {
			t.Fatalf("renditions %v: want the first alone", got.Renditions)
		}
		rends, err := g.Render(t.Context(), Request{Source: src, Specs: req.Specs[:1], Words: req.Words})
		if err != nil {
			t.Fatal(err)
		}
		if string(rends[0].Body) != string(got.Renditions[0].Body) || rends[0].ETag != got.Renditions[0].ETag || rends[0].Weight != int64(len("one")) {
			t.Errorf("a glance has %q %s, an answer %q %s", got.Renditions[0].Body, got.Renditions[0].ETag, rends[0].Body, rends[0].ETag)
		}
		time.Sleep(48 * time.Hour) // past its freshness
		if got := g.Glance(t.Context(), req); got.Original == nil || got.Renditions[0] == nil {
			t.Error("what is stale is not told")
		}
		synctest.Wait()
		if g.origin.count() != 1 || len(g.engine.calls) != 1 || len(g.store.objects) != objects {
			t.Errorf("%d fetches, %d transforms, %d objects, want 1, 1, %d", g.origin.count(), len(g.engine.calls), len(g.store.objects), objects)
		}
		g.Purge(t.Context(), Withdraw, src)
		if got := g.Glance(t.Context(), req); got.Original != nil || got.Failure != Withdrawn || got.Renditions[0] != nil {
			t.Errorf("taken down: %+v", got)
		}
	})
}

// TestGlanceFailures verifies that a glance tells why there is no original, or that the one there is cannot be had again.
func TestGlanceFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrNotFound })
		src := remote(t)
		if _, err := g.one(t, src, 320); err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		if got := g.Glance(t.Context(), Request{Source: src}); got.Original != nil || got.Failure != NotFound {
			t.Errorf("without an original: %+v", got)
		}
		time.Sleep(time.Hour)
		g.origin.set(func(o *fakeOrigin) { o.err = nil })
		g.warm(t, src)
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrUnreachable })
		time.Sleep(48 * time.Hour)
		if _, err := g.one(t, src, 320); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := g.Glance(t.Context(), Request{Source: src}); got.Original == nil || got.Original.Failure != Unreachable {
			t.Errorf("with one: %+v", got)
		}
	})
}

func TestTallies(t *testing.T) {
	var r Renderer
	at := func(url string) source.Source { return mustParse(t, url) }
	a, b := at("https://a.example/x.jpg"), at("https://b.example/x.jpg")
	r.tally(a, &fetch.Original{Body: make([]byte, 100)}, nil, time.Second)
	r.tally(a, nil, fetch.ErrTimeout, 3*time.Second)
	r.tally(b, &fetch.Original{NotModified: true}, nil, 3*time.Second)
	for _, none := range []error{fetch.ErrRefused, fetch.ErrDown} {
		r.tally(b, nil, none, time.Hour)
	}
	r.tally(at("/img/x.jpg"), &fetch.Original{}, nil, time.Hour)
	got := r.Origins()
	want := []Origin{
		{Host: "b.example", Asked: 1, Took: 3 * time.Second, Slowest: 3 * time.Second},
		{Host: "a.example", Asked: 2, Failed: 1, Bytes: 100, Took: 4 * time.Second, Slowest: 3 * time.Second},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("origins %+v, want %+v", got, want)
	}
	for i := range 2 * maxOrigins {
		r.tallies.asked(at("https://h"+string(rune('a'+i%26))+time.Duration(i).String()+".example/"), 1, "", 0)
	}
	if n := len(r.Origins()); n != maxOrigins+1 {
		t.Errorf("%d origins are told apart, want %d and the rest together", n, maxOrigins)
	}
	r.tallies.count([]transform.Output{
		{Body: make([]byte, 10), Format: transform.WebP, Took: transform.Timing{Decode: time.Hour, Resize: 1, Encode: 2}},
		{Body: make([]byte, 20), Format: transform.WebP, Took: transform.Timing{Encode: 4}}, {Format: transform.JPEG},
	})
	made := r.Made()
	if len(made) != 2 || made[0] != (Made{Format: transform.JPEG, Renditions: 1}) || made[1] != (Made{Format: transform.WebP, Renditions: 2, Bytes: 30, Took: 7}) {
		t.Errorf("made %+v", made)
	}
}
