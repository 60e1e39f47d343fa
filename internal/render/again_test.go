package render

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// newNearRig is a rig whose store is near, as the first tier is.
func newNearRig(t *testing.T) *rig {
	t.Helper()
	g := newRig(t)
	g.engine.file = imagetest.JPEG(t, 64, 32)
	g.configure(Options{Near: g.store})
	return g
}

// TestAgain verifies that an answer can be given again until something that it rests on changes, and that what comes then is
// another, or the same after a look.
func TestAgain(t *testing.T) {
	ann := caption.Words{Credit: "Ann"}
	for _, spec := range []transform.Spec{jpeg(320), jpeg(160)} { // with words in the file, and without
		for name, end := range map[string]func(*rig){
			"":           func(*rig) {},
			"freshness":  func(*rig) { time.Sleep(24*time.Hour + time.Second) },
			"the clock":  func(g *rig) { g.o.MaxFresh = time.Hour }, // as if it had been set back
			"a purge":    func(g *rig) { g.Purge(t.Context(), Forget, remote(t)) },
			"withdrawal": func(g *rig) { g.Purge(t.Context(), Withdraw, remote(t)) },
			"eviction":   func(g *rig) { g.store.drop(cache.Rendition) },
			"another encoding": func(g *rig) {
				for k, o := range g.store.objects {
					if k.Kind == cache.Rendition {
						g.store.objects[k] = &cache.Object{Meta: append([]byte(" "), o.Meta...), Body: o.Body}
					}
				}
			},
			"a changed original": func(g *rig) {
				g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
				g.change(t.Context(), remote(t), g.purges.now(), func(p pointer) (pointer, bool) { p.Expires = time.Now(); return p, true })
			},
		} {
			t.Run(spec.String()+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newNearRig(t)
					if first := g.with(t, spec, ann); first.Lasting() {
						t.Error("what was made for this request is lasting")
					}
					second := g.with(t, spec, ann)
					if !second.Lasting() {
						t.Fatal("a hit is not lasting")
					}
					kept := *second
					kept.Body = nil
					end(g)
					body, ok := g.Again(t.Context(), &kept)
					if want := name == ""; ok != want || want && !bytes.Equal(body, second.Body) {
						t.Errorf("got %d bytes, %v, want %d, %v", len(body), ok, len(second.Body), want)
					}
				})
			})
		}
	}
}

// TestNotLasting verifies that only plain hits last.
func TestNotLasting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newNearRig(t)
		hit := func() *Rendition { g.with(t, jpeg(160), caption.Words{}); return g.with(t, jpeg(160), caption.Words{}) }
		if !hit().Lasting() {
			t.Error("a hit is not")
		}
		time.Sleep(25 * time.Hour)
		g.origin.set(func(o *fakeOrigin) { o.err = errBroken })
		if r := hit(); r.Outcome != Stale || r.Lasting() {
			t.Errorf("%s is lasting: %v", r.Outcome, r.Lasting())
		}
		g = newNearRig(t)
		g.origin.never = true
		if r := hit(); r.Kept || r.Lasting() {
			t.Errorf("kept %v, lasting %v, of an origin that forbids it", r.Kept, r.Lasting())
		}
		g = newNearRig(t)
		g.origin.says.NoCache = true
		if r := hit(); !r.NoCache || r.Lasting() {
			t.Errorf("no-cache %v, lasting %v", r.NoCache, r.Lasting())
		}
		g = newNearRig(t)
		g.configure(Options{})
		if hit().Lasting() {
			t.Error("without a near store, a hit is")
		}
		g = newNearRig(t)
		g.engine.avif = true
		g.configure(Options{Near: g.store, Slow: []transform.Format{transform.AVIF}})
		best := func() *Rendition {
			r, err := g.Best(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{{Width: 160}}}, []transform.Format{transform.JPEG, transform.AVIF})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := best(); !r.Interim || r.Lasting() {
			t.Errorf("interim %v, lasting %v", r.Interim, r.Lasting())
		}
		time.Sleep(time.Minute) // AVIF is made when nothing else is under way
		best()                  // which sees it, and settles the choice
		time.Sleep(time.Minute)
		if r := best(); r.Interim || !r.Lasting() {
			t.Errorf("when the choice is settled: interim %v, lasting %v", r.Interim, r.Lasting())
		}
		if err := g.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestAgainAllocatesNothing also keeps hashes out: they would need what is not there.
func TestAgainAllocatesNothing(t *testing.T) {
	g := newNearRig(t)
	r := g.hitOf(t, remote(t))
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := g.Again(t.Context(), r); !ok {
			t.Fatal("not answered again")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// hitOf asks for a thumbnail until it is a hit that lasts.
func (g *rig) hitOf(t *testing.T, src source.Source) *Rendition {
	t.Helper()
	for range 1000 {
		rends, err := g.Render(t.Context(), Request{Source: src, Specs: []transform.Spec{jpeg(160)}})
		if err != nil {
			t.Fatal(err)
		}
		if rends[0].Lasting() {
			return rends[0]
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("no hit")
	return nil
}

// TestFilesOfTheSiteLeaveTheDiskAlone verifies that what is looked at each second is not written each second.
func TestFilesOfTheSiteLeaveTheDiskAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		near := newMapStore()
		g.configure(Options{Near: near})
		g.o.Store = cache.NewTiers(cache.TiersOptions{}, near, g.store)
		local, err := source.Local("/a.jpg")
		if err != nil {
			t.Fatal(err)
		}
		ask := func() {
			if _, err := g.Probe(t.Context(), local); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		ask()
		puts := g.store.putCount()
		for range 10 {
			time.Sleep(2 * time.Second)
			ask()
			ask()
		}
		if n := g.origin.count(); n != 11 {
			t.Errorf("%d looks at the file, want 11: one for each two seconds", n)
		}
		if got := g.store.putCount(); got != puts {
			t.Errorf("%d writes to the disk, want none", got-puts)
		}
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
		time.Sleep(2 * time.Second)
		ask()
		if got := g.store.putCount(); got != puts+2 {
			t.Errorf("%d writes of another file, want 2: the original and its pointer", got-puts)
		}
	})
}
