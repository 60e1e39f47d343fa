package render

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// TestHopelessWaits has a queue move by two flights a second: whoever would wait for longer than half of what anybody may is sent away at once, and
// all others get in, in time.
func TestHopelessWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, waiting, 15*time.Second)
		done := make(chan error, waiting)
		arrive := func() {
			go func() {
				leave, err := g.enter(t.Context(), "")
				if err == nil {
					time.Sleep(time.Second)
					leave()
				}
				done <- err
			}()
			synctest.Wait()
		}
		for range 30 {
			arrive()
		}
		time.Sleep(9*time.Second + time.Millisecond) // 18 of them have left
		for range 100 {
			arrive()
		}
		refused := 0
		for range len(done) {
			if err := <-done; errors.Is(err, errFull) {
				refused++
			}
		}
		// Ten wait, and fifteen can be served in half of fifteen seconds.
		if in := 100 - refused; in < 3 || in > 8 {
			t.Errorf("%d of 100 got in, want about 5", in)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		late := 0
		for range len(done) {
			if err := <-done; err != nil {
				late++
			}
		}
		if late > 2 { // it is an estimate
			t.Errorf("%d that were let in waited in vain", late)
		}
		arrive() // nobody waits any more, so nothing is known of waits
		time.Sleep(2 * time.Second)
		if err := <-done; err != nil {
			t.Errorf("after the rush: %v", err)
		}
	})
}

// TestHopeless verifies that nothing new is fetched while no picture can be made in time, and that what is known is answered.
func TestHopeless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		known := mustParse(t, "https://origin.example/known.jpg")
		g.warm(t, known)
		g.engine.gate = make(chan struct{})
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 200 { // fills slots and queue
			wg.Go(func() {
				_, _ = g.Render(ctx, Request{Source: known, Specs: []transform.Spec{webp(400 + i)}}) // whether it is made is of no interest
			})
		}
		synctest.Wait()
		for i := range paceOf { // and moves by one flight in a second
			g.renders.gate.mu.Lock()
			g.renders.gate.pace.leave(time.Now(), true)
			g.renders.gate.mu.Unlock()
			if i < paceOf-1 {
				time.Sleep(time.Second / 2)
			}
		}
		fetches := g.origin.count()
		_, err := g.one(t, mustParse(t, "https://b.example/new.jpg"), 320)
		if class(t, err) != Busy || g.origin.count() != fetches {
			t.Errorf("a new picture: %v after %d fetches, want class %s at once", err, g.origin.count()-fetches, Busy)
		}
		if _, err := g.one(t, known, 320); err != nil {
			t.Errorf("a known one: %v", err)
		}
		leave()
		close(g.engine.gate)
		wg.Wait()
	})
}

// TestStandstill verifies that a queue which does not move any more is noticed, not only a slow one.
func TestStandstill(t *testing.T) {
	var p pace
	start := time.Now()
	for i := range paceOf {
		if got := p.wait(start, 100); got != 0 {
			t.Errorf("after %d flights: %v, want no opinion", i, got)
		}
		p.leave(start.Add(time.Duration(i)*time.Second), true)
	}
	if got, want := p.wait(start.Add(15*time.Second), 31), 32*time.Second; got != want {
		t.Errorf("one a second, 31 wait: %v, want %v", got, want)
	}
	if got, want := p.wait(start.Add(150*time.Second), 31), 320*time.Second; got != want {
		t.Errorf("none for two minutes, 31 wait: %v, want %v", got, want)
	}
	p.leave(start, false)
	if got := p.wait(start.Add(time.Hour), 32); got != 0 {
		t.Errorf("after nobody waited: %v, want no opinion", got)
	}
}
