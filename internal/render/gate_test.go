package render

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/transform"
)

// rush asks for n pictures of each host at once, and returns where their errors arrive, in no order.
func (g *rig) rush(ctx context.Context, t *testing.T, n int, hosts ...string) <-chan error {
	t.Helper()
	errs := make(chan error, n*len(hosts))
	for _, host := range hosts {
		for i := range n {
			src := mustParse(t, fmt.Sprintf("https://%s/%d.jpg", host, i))
			go func() {
				_, err := g.Render(ctx, Request{Source: src, Specs: []transform.Spec{webp(320)}})
				errs <- err
			}()
		}
	}
	synctest.Wait()
	return errs
}

// wantBusy proves that n errors are there, of class Busy, and that nobody waited for them.
func wantBusy(t *testing.T, errs <-chan error, n int) {
	t.Helper()
	if len(errs) != n {
		t.Errorf("%d answers without a wait, want %d", len(errs), n)
	}
	for range len(errs) {
		if err := <-errs; class(t, err) != Busy {
			t.Errorf("beyond capacity: got %v, want class %s", err, Busy)
		}
	}
}

// hang has the origin hold every request until the function that it returns is called.
func (g *rig) hang() (release func()) {
	gate := make(chan struct{})
	g.origin.set(func(o *fakeOrigin) { o.gate = gate })
	return func() {
		close(gate)
		synctest.Wait()
		g.origin.set(func(o *fakeOrigin) { o.gate = nil })
	}
}

func TestGatesBoundWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		known := mustParse(t, "https://h0.example/known.jpg")
		warm := g.warm(t, known)
		before := g.origin.count()
		release := g.hang()
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		// Three hosts fill the gate: 168 fit into the share of each, and all together are 32 more than the gate holds.
		const hosts, each = 3, 190
		start := time.Now()
		errs := g.rush(ctx, t, each, "h0.example", "h1.example", "h2.example")
		if n := g.origin.count() - before; n != fetching {
			t.Errorf("%d fetches under way, want %d", n, fetching)
		}
		wantBusy(t, errs, hosts*each-fetching-waiting)
		if rend, err := g.one(t, known, 320); err != nil || rend.ETag != warm.ETag || rend.Outcome != Hit {
			t.Errorf("a hit behind full queues: %v, %v", rend, err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("hits and refusals took %v, want no wait", waited)
		}
		time.Sleep(g.o.Timeout / 2)
		synctest.Wait()
		wantBusy(t, errs, waiting)
		leave()
		release()
		if _, err := g.one(t, mustParse(t, "https://h0.example/later.jpg"), 320); err != nil {
			t.Errorf("after the rush: %v", err)
		}
	})
}

// A host that hangs with 500 requests takes its share, and the pictures of another one come without a wait.
func TestAHostThatHangsStarvesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		release := g.hang()
		errs := g.rush(t.Context(), t, 500, "hangs.example")
		if n := g.origin.count(); n != fetchingOfHost {
			t.Errorf("%d fetches of the host that hangs, want %d", n, fetchingOfHost)
		}
		wantBusy(t, errs, 500-insideOfHost)
		// Those that hang hold on to their gate; who comes from here on is answered.
		g.origin.set(func(o *fakeOrigin) { o.gate = nil })
		start := time.Now()
		for i := range 2 * fetching {
			if _, err := g.one(t, mustParse(t, fmt.Sprintf("https://well.example/%d.jpg", i)), 320); err != nil {
				t.Fatalf("the host that is well: %v", err)
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("pictures of the host that is well took %v, want no wait", waited)
		}
		release()
		for range insideOfHost {
			if err := <-errs; err != nil {
				t.Errorf("after the host recovered: %v", err)
			}
		}
		synctest.Wait()
		if n := len(g.fetches.gate.lanes); n != 0 {
			t.Errorf("%d lanes left, want none", n)
		}
	})
}

// Originals that the store lost and whose host hangs keep no slot from pictures whose originals are here.
func TestALostOriginalHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		here := mustParse(t, "https://well.example/a.jpg")
		slots := cap(g.renders.gate.slots)
		for i := range slots {
			g.warm(t, mustParse(t, fmt.Sprintf("https://hangs.example/%d.jpg", i)))
		}
		g.store.drop(cache.Original)
		g.origin.set(func(o *fakeOrigin) { o.body = []byte("two") })
		g.warm(t, here)
		g.origin.set(func(o *fakeOrigin) { o.body = []byte("one") })
		release := g.hang()
		for i := range slots {
			go func() {
				_, err := g.one(t, mustParse(t, fmt.Sprintf("https://hangs.example/%d.jpg", i)), 640)
				if err != nil {
					t.Errorf("after the host recovered: %v", err)
				}
			}()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := g.one(t, here, 640); err != nil || time.Since(start) != 0 {
			t.Errorf("a picture that needs no host: %v after %v, want one without a wait", err, time.Since(start))
		}
		release()
	})
}

// With the breaker of its host open, a stale picture is answered at once and an unknown one is refused at once, and both are
// fetched when it is over.
func TestAHostThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		time.Sleep(25 * time.Hour)
		g.origin.set(func(o *fakeOrigin) { o.err = &fetch.DownError{Host: "origin.example:443", After: 7 * time.Second} })
		start := time.Now()
		if rend, err := g.one(t, remote(t), 640); err != nil || !rend.Stale {
			t.Errorf("a stale picture: %v, %v, want it", rend, err)
		}
		unknown := mustParse(t, "https://origin.example/unknown.jpg")
		_, err := g.one(t, unknown, 320)
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != Down || e.RetryAfter != 7*time.Second {
			t.Errorf("an unknown picture: %v, want class %s and 7 s", err, Down)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v, want no wait", waited)
		}
		synctest.Wait()
		g.origin.set(func(o *fakeOrigin) { o.err = nil })
		time.Sleep(7 * time.Second)
		if _, err := g.one(t, unknown, 320); err != nil {
			t.Errorf("after the pause: %v", err)
		}
		if _, err := g.one(t, remote(t), 640); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if rend, err := g.one(t, remote(t), 640); err != nil || rend.Stale {
			t.Errorf("after the pause: stale %t, %v, want a fresh one", rend != nil && rend.Stale, err)
		}
	})
}

// TestShortMemory verifies that no flight begins while memory is short, that what is known is answered, and that it is over when it is
// over.
func TestShortMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		var short atomic.Bool
		g.configure(Options{Short: short.Load})
		g.warm(t, remote(t))
		short.Store(true)
		other := mustParse(t, "https://origin.example/other.jpg")
		for range 3 {
			if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Hit {
				t.Errorf("a hit: %+v, %v", rend, err)
			}
			if _, err := g.one(t, remote(t), 640); class(t, err) != Busy {
				t.Errorf("another width: %v, want class %s", err, Busy)
			}
			if _, err := g.one(t, other, 320); class(t, err) != Busy || g.origin.count() != 1 {
				t.Errorf("another picture: %v after %d fetches, want class %s after 1", err, g.origin.count(), Busy)
			}
			synctest.Wait()
		}
		time.Sleep(25 * time.Hour)
		if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Stale {
			t.Errorf("past its freshness: %+v, %v", rend, err)
		}
		synctest.Wait()
		short.Store(false)
		for _, width := range []int{320, 640} {
			if _, err := g.one(t, remote(t), width); err != nil {
				t.Errorf("afterwards, %d: %v", width, err)
			}
		}
		if _, err := g.one(t, other, 320); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
