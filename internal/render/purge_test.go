package render

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
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
