package render

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// nextDay lets what is fresh become stale, asks once, and waits for what comes of it.
func (g *rig) nextDay(t *testing.T) *Rendition {
	t.Helper()
	time.Sleep(25 * time.Hour)
	g.warm(t, remote(t))
	return g.warm(t, remote(t))
}

// told is what Revalidate says of the original.
func (g *rig) told(t *testing.T) *Original {
	t.Helper()
	o, err := g.Revalidate(t.Context(), remote(t))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return o
}

// TestPinnedOriginalsStay verifies that with Pin an origin that replaces a picture changes nothing but the note of it, whose
// validators are sent from then on, and that the note goes when the picture comes back.
func TestPinnedOriginalsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.configure(Options{Pin: true})
		first := g.warm(t, remote(t))
		if o := g.told(t); !o.Replaced.IsZero() || o.Pinned {
			t.Errorf("at first: %+v", o)
		}
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
		var seen time.Time
		for day := range 4 {
			rend := g.nextDay(t)
			if rend.ETag != first.ETag || rend.Stale || !strings.HasSuffix(string(rend.Body), "of one") {
				t.Errorf("day %d: got %+v, want the first picture, fresh", day, rend)
			}
			o := g.told(t)
			if day == 0 {
				seen = o.Replaced
			}
			if !o.Pinned || o.Replaced.IsZero() || !o.Replaced.Equal(seen) {
				t.Errorf("day %d: told %+v, want it replaced at %v", day, o, seen)
			}
			want := fetch.Validators{ETag: `"2"`}
			if asked := g.origin.asked; day > 0 && asked[len(asked)-1] != want {
				t.Errorf("day %d: asked with %+v, want %+v: the same bytes are not sent again", day, asked[len(asked)-1], want)
			}
			g.store.drop(cache.Rendition) // what is made anew is made of the first picture
		}
		if n := g.store.count(cache.Original); n != 1 {
			t.Errorf("%d originals kept, want 1", n)
		}
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrGone })
		if rend := g.nextDay(t); rend.ETag != first.ETag {
			t.Errorf("after the origin's end: got %+v, want the first picture", rend)
		}
		g.origin.set(func(o *fakeOrigin) { o.err, o.body, o.etag = nil, []byte("one"), `"1"` })
		time.Sleep(maxPause)
		g.nextDay(t)
		if o := g.told(t); !o.Replaced.IsZero() || o.Pinned || o.Failure != "" {
			t.Errorf("back again: told %+v, want no word of a change", o)
		}
	})
}

// TestPinsGiveWay verifies the cases in which another original does take a pinned one's place.
func TestPinsGiveWay(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		src     func(*testing.T) source.Source
		before  func(*rig)
		want    string
	}{
		{"pinned", Options{Pin: true}, remote, func(*rig) {}, "one"},
		{"not configured", Options{}, remote, func(*rig) {}, "two"},
		{"no post shows it", Options{Pin: true, Archived: noArchive}, remote, func(*rig) {}, "two"},
		{"a file of the site", Options{Pin: true}, local, func(*rig) {}, "two"},
		{"its bytes are lost", Options{Pin: true}, remote, func(g *rig) { g.store.drop(cache.Original); g.store.drop(cache.Rendition) }, "two"},
		{"not configured any more", Options{Pin: true}, remote, func(g *rig) { g.restart() }, "two"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.configure(tt.options)
				g.warm(t, tt.src(t))
				g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
				if tt.options.Pin && tt.src(t).Remote() { // the change is seen and noted
					time.Sleep(25 * time.Hour)
					g.warm(t, tt.src(t))
				}
				tt.before(g)
				time.Sleep(25 * time.Hour)
				g.warm(t, tt.src(t))
				if rend := g.warm(t, tt.src(t)); !strings.HasSuffix(string(rend.Body), "of "+tt.want) {
					t.Errorf("got %q, want it made of %s", rend.Body, tt.want)
				}
			})
		})
	}
}

// TestReplacementsAreNoted verifies that a change is told where the new picture is shown, too; once each; and that HTML in its
// place is none.
func TestReplacementsAreNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		for i, body := range []string{"html", "two", "two", "three"} {
			g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte(body), "" })
			g.nextDay(t)
			o := g.told(t)
			if o.Pinned || o.Replaced.IsZero() != (i == 0) {
				t.Errorf("%d, %s: told %+v", i, body, o)
			}
			if got, want := g.Stats().Replaced, int64([]int{0, 1, 1, 2}[i]); got != want {
				t.Errorf("%d, %s: %d replacements counted, want %d", i, body, got, want)
			}
		}
	})
}

// A flipping origin sends one of two pictures, each with its own credit, and says that nothing may be taken for current.
type flipping struct {
	mu    sync.Mutex
	files [2][]byte
	n     int
}

func (o *flipping) Fetch(_ context.Context, src source.Source, _ fetch.Validators) (*fetch.Original, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	return &fetch.Original{Body: o.files[o.n%2], From: src, Freshness: fetch.Freshness{Explicit: true}}, nil
}

// TestNeverOldWordsWithNewPixels has an origin that replaces its picture with every request, and readers in parallel: what each
// of 10,000 answers says of itself, in its words, its file's words, its pixels and its sum, comes from one version.
func TestNeverOldWordsWithNewPixels(t *testing.T) {
	origin := &flipping{}
	for i := range origin.files {
		origin.files[i] = embedded(t, imagetest.JPEG(t, 8, 8+8*i), caption.Words{Credit: fmt.Sprint("Author ", i)})
	}
	engine := &versionEngine{fakeEngine: &fakeEngine{}, files: [2][]byte{imagetest.JPEG(t, 64, 32), imagetest.JPEG(t, 32, 64)}, originals: origin.files}
	r := New(Options{
		Store: newMapStore(), Near: newMapStore(), Fetch: origin, Transform: engine,
		MinFresh: time.Nanosecond, MaxFresh: time.Nanosecond, Fresh: time.Nanosecond,
	})
	answers := [2]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for i := range 500 {
				rends, err := r.Render(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{jpeg(320 + 160*(i%3)), jpeg(320)}})
				if err != nil {
					t.Error(err)
					return
				}
				for _, rend := range rends {
					v := versionOf(rend.Words.Credit)
					if rend.Original != sumOf(origin.files[v]) || versionOf(xmp(t, rend.Body).Credit) != v || !sameScan(rend.Body, engine.files[v]) {
						t.Errorf("an answer with the credit %q has other pixels, another file's words or another sum", rend.Words.Credit)
						return
					}
					mu.Lock()
					answers[v]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if t.Logf("answers of each version: %v, after %d fetches", answers, origin.n); answers[0]+answers[1] != 20_000 || answers[0] == 0 || answers[1] == 0 {
		t.Errorf("answers of each version: %v, want 20,000 of both", answers)
	}
}

// A versionEngine makes of each original its own picture.
type versionEngine struct {
	*fakeEngine
	originals, files [2][]byte
}

func (e *versionEngine) Transform(_ context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	i := 0
	if bytes.Equal(src, e.originals[1]) {
		i = 1
	}
	var out []transform.Output
	for _, s := range specs {
		out = append(out, transform.Output{Body: e.files[i], Format: s.Format, Width: s.Width, Height: s.Height, Frames: 1})
	}
	return out, nil
}

func versionOf(credit string) int { return int(credit[len(credit)-1] - '0') }

func sumOf(body []byte) [32]byte { return sha256.Sum256(body) }

// sameScan reports whether two JPEGs end in the same 200 bytes, pixels all, whatever words stand before.
func sameScan(a, b []byte) bool {
	n := min(len(a), len(b), 200)
	return bytes.Equal(a[len(a)-n:], b[len(b)-n:])
}
