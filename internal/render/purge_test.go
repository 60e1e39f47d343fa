package render

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// classOf is the class of an error of Render or Probe; "" for nil.
func classOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ""
}

// mentions counts the objects in s that have text in their bodies.
func (s *mapStore) mentions(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects {
		if strings.Contains(string(o.Body), text) {
			n++
		}
	}
	return n
}

// TestPurgeStopsFlights stops an answer at each of its steps, has the origin take another file and the source purged, and
// lets the answer go on: it has nothing of the old file, and no store gets any more of it.
func TestPurgeStopsFlights(t *testing.T) {
	for step, stop := range map[string]func(*rig, chan struct{}){
		"while the origin answers":           func(g *rig, gate chan struct{}) { g.origin.gate = gate },
		"between fetch and commit":           func(g *rig, gate chan struct{}) { g.engine.probe = gate },
		"while the rendition is being made":  func(g *rig, gate chan struct{}) { g.engine.gate = gate },
		"while a slow format is made behind": func(g *rig, gate chan struct{}) { g.engine.slow = gate },
	} {
		for name, p := range map[string]Purge{"forget": Forget, "withdraw": Withdraw} {
			t.Run(step+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, near, gate := newRig(t), newMapStore(), make(chan struct{})
					g.engine.avif = true
					g.configure(Options{Near: near, Slow: []transform.Format{transform.AVIF}})
					g.engine.sizes = map[transform.Format]int{transform.WebP: 900, transform.AVIF: 800}
					stop(g, gate)
					type answer struct {
						rend *Rendition
						err  error
					}
					got := make(chan answer, 1)
					ask := func() {
						rend, err := g.Best(t.Context(), Request{
							Source: remote(t), Specs: []transform.Spec{{Width: 320}}, Words: caption.Words{Credit: "Ann"},
						}, []transform.Format{transform.WebP, transform.AVIF})
						got <- answer{rend, err}
					}
					go ask()
					synctest.Wait()
					g.origin.set(func(o *fakeOrigin) { o.body, o.etag, o.gate = []byte("two"), `"2"`, nil })
					if d := g.Purge(t.Context(), p, remote(t)); !d[0].Done || d[0].Err != nil {
						t.Errorf("purged %+v, want done", d[0])
					}
					if len(got) > 0 { // it went out before, and what is stopped is behind it
						<-got
						go ask()
						synctest.Wait()
					}
					stored := g.store.mentions("one")
					close(gate)
					a := <-got
					time.Sleep(time.Hour)
					synctest.Wait()
					if p == Withdraw {
						if classOf(a.err) != Withdrawn {
							t.Errorf("answered with an error of %v, want withdrawn", a.err)
						}
					} else if a.err != nil || !strings.Contains(string(a.rend.Body), "of two") {
						t.Errorf("answered with an error of %v, or not from the new file", a.err)
					}
					if now := g.store.mentions("one"); now != stored || near.mentions("one") > 0 {
						t.Errorf("of the old file %d objects are stored, %d were; %d near", now, stored, near.mentions("one"))
					}
					if current := g.loadPointer(t.Context(), remote(t)).Current; (current != nil) == (p == Withdraw) {
						t.Errorf("the pointer leads to %v", current)
					}
				})
			})
		}
	}
}

// TestPurgeForgets verifies that what was known of a source is known no more: its original, its validators, its failures.
// Others that have the same bytes keep them.
func TestPurgeForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		other := mustParse(t, "https://elsewhere.example/b.jpg")
		g.warm(t, remote(t))
		g.warm(t, other)
		calls := g.origin.count()
		done := g.Purge(t.Context(), Forget, remote(t), remote(t), local(t))
		want := []Purged{{Source: remote(t), Was: true, Done: true}, {Source: local(t), Done: true}}
		if diff := cmp.Diff(want, done, cmp.Comparer(func(a, b source.Source) bool { return a == b })); diff != "" {
			t.Errorf("purged (-want +got):\n%s", diff)
		}
		if rend := g.warm(t, other); rend.Outcome != Hit {
			t.Errorf("the other source is %s, want a hit", rend.Outcome)
		}
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrNotFound })
		if _, err := g.one(t, remote(t), 320); classOf(err) != NotFound {
			t.Errorf("answered %v, want what the origin says", err)
		}
		synctest.Wait()
		if asked := g.origin.asked[calls]; asked != (fetch.Validators{}) {
			t.Errorf("the origin was asked for news of %+v", asked)
		}
		g.origin.set(func(o *fakeOrigin) { o.err = nil })
		g.Purge(t.Context(), Forget, remote(t))
		if rend := g.warm(t, remote(t)); string(rend.Body) != "w320-h160.webp of one" {
			t.Errorf("answered %q; want that the failure is forgotten", rend.Body)
		}
	})
}

// TestPurgeForgetsFailures verifies it of those that have no pointer to stand in.
func TestPurgeForgetsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.engine.most = 200
		if _, err := g.one(t, remote(t), 320); classOf(err) != TooLarge {
			t.Fatalf("answered %v, want too large", err)
		}
		synctest.Wait()
		g.engine.most = 0
		if _, err := g.one(t, remote(t), 320); !errors.Is(err, errRemembered) {
			t.Fatalf("answered %v, want the failure", err)
		}
		g.Purge(t.Context(), Forget, remote(t))
		if _, err := g.one(t, remote(t), 320); err != nil {
			t.Errorf("answered %v, want a rendition", err)
		}
	})
}

// TestWithdrawn verifies that a withdrawn source stays so: over restarts, whatever becomes of the tombstone while the program
// runs, without a look at the origin, until it is restored or forgotten.
func TestWithdrawn(t *testing.T) {
	for name, lift := range map[string]Purge{"restored": Restore, "forgotten": Forget} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.warm(t, remote(t))
				calls := g.origin.count()
				wantWithdrawn := func(when string) {
					t.Helper()
					if _, err := g.one(t, remote(t), 320); classOf(err) != Withdrawn {
						t.Errorf("%s: rendered %v, want withdrawn", when, err)
					}
					if _, err := g.Probe(t.Context(), remote(t)); classOf(err) != Withdrawn {
						t.Errorf("%s: probed %v, want withdrawn", when, err)
					}
					if !g.Withdrawn(t.Context(), remote(t)) || g.Withdrawn(t.Context(), local(t)) {
						t.Errorf("%s: Withdrawn is wrong", when)
					}
				}
				g.Purge(t.Context(), Withdraw, remote(t))
				wantWithdrawn("at once")
				g.restart()
				time.Sleep(1000 * time.Hour)
				wantWithdrawn("after a restart")
				g.store.drop(cache.Pointer)
				wantWithdrawn("with a store that forgot")
				g.Purge(t.Context(), Withdraw, remote(t)) // once more: the store has it again
				g.restart()
				wantWithdrawn("withdrawn again")
				if d := g.Purge(t.Context(), Restore, local(t)); d[0].Done || d[0].Err != nil {
					t.Errorf("restored what is not withdrawn: %+v", d[0])
				}
				if g.origin.count() != calls {
					t.Error("the origin was asked")
				}
				if d := g.Purge(t.Context(), lift, remote(t)); !d[0].Done || !d[0].Was {
					t.Errorf("lifted %+v, want done", d[0])
				}
				g.warm(t, remote(t))
				g.restart()
				g.warm(t, remote(t))
			})
		})
	}
}

// undeletable is a store that forgets nothing.
type undeletable struct{ cache.Store }

func (undeletable) Delete(context.Context, cache.Key) error { return errBroken }

// TestPurgeFails verifies that a store which cannot forget is told of, and that a take-down holds all the same.
func TestPurgeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.o.Store = undeletable{g.store}
		for _, p := range []Purge{Forget, Withdraw} {
			if d := g.Purge(t.Context(), p, remote(t)); d[0].Done || !errors.Is(d[0].Err, errBroken) {
				t.Errorf("purged %+v, want an error", d[0])
			}
		}
		if _, err := g.one(t, remote(t), 320); classOf(err) != Withdrawn {
			t.Errorf("answered %v, want withdrawn", err)
		}
		full := newMapStore()
		full.broken = true
		g.o.Store = cache.NewTiers(cache.TiersOptions{}, newMapStore(), full)
		if d := g.Purge(t.Context(), Withdraw, remote(t)); d[0].Done || !errors.Is(d[0].Err, errBroken) {
			t.Errorf("purged %+v, want an error: the tombstone is in memory only", d[0])
		}
	})
}

// TestPurgesOverflow verifies that purges too many to remember take flights under way for purged, and new ones not.
func TestPurgesOverflow(t *testing.T) {
	var p purges
	before := p.now()
	for i := range maxPurges + 1 {
		p.mark(mustParse(t, fmt.Sprintf("/%d.jpg", i)))
	}
	if src := mustParse(t, "/other.jpg"); !p.since(src, before) || p.since(src, p.now()) {
		t.Error("a flight from before goes on, or one of now does not")
	}
	if len(p.at) > maxPurges {
		t.Errorf("%d sources are remembered, want at most %d", len(p.at), maxPurges)
	}
}

// TestPurgeStopsRevalidation purges while a flight asks behind a stale answer: its 304 does not bring the pointer back, and
// neither does its failure.
func TestPurgeStopsRevalidation(t *testing.T) {
	for name, err := range map[string]error{"not modified": nil, "unreachable": fetch.ErrUnreachable} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.warm(t, remote(t))
				time.Sleep(25 * time.Hour)
				gate := make(chan struct{})
				g.origin.set(func(o *fakeOrigin) { o.gate, o.err = gate, err })
				if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Stale {
					t.Fatalf("answered %v, want stale", err)
				}
				synctest.Wait()
				if d := g.Purge(t.Context(), Forget, remote(t)); !d[0].Done || !d[0].Was {
					t.Errorf("purged %+v, want done", d[0])
				}
				close(gate)
				synctest.Wait()
				if n := g.store.count(cache.Pointer); n != 0 {
					t.Error("the flight brought the pointer back")
				}
			})
		})
	}
}
