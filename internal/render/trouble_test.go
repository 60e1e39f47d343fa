package render

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// class returns the class of a render error, "" for none.
func class(t *testing.T, err error) Class {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%v is no *Error", err)
	}
	return e.Class
}

func TestATooLargeRenditionCondemnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.engine.most = 1600
		for _, src := range []source.Source{remote(t), local(t)} {
			g.warm(t, src)
			for range 3 {
				if _, err := g.one(t, src, 1920); class(t, err) != TooLarge {
					t.Errorf("the large one: got %v, want class %s", err, TooLarge)
				}
				synctest.Wait()
				for _, w := range []int{320, 640} {
					if _, err := g.one(t, src, w); err != nil {
						t.Errorf("width %d after it: %v", w, err)
					}
					synctest.Wait()
				}
			}
		}
	})
}

func TestFailedRenditionsAreNotTriedForEveryReader(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Class
	}{{transform.ErrTimeout, TimedOut}, {transform.ErrPanic, Internal}} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.engine.err = tt.err
			for range 20 {
				if _, err := g.one(t, remote(t), 320); class(t, err) != tt.want {
					t.Errorf("got %v, want class %s", err, tt.want)
				}
				synctest.Wait()
			}
			if calls, _ := g.engine.made(); calls != 1 {
				t.Errorf("%s: %d transforms, want 1", tt.want, calls)
			}
			g.engine.err = nil
			time.Sleep(10 * time.Second)
			if _, err := g.one(t, remote(t), 320); err != nil {
				t.Errorf("%s, after the pause: %v", tt.want, err)
			}
		})
	}
}

func TestOverloadIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.engine.err = transform.ErrBusy
		if _, err := g.one(t, remote(t), 320); class(t, err) != Busy {
			t.Errorf("got %v, want class %s", err, Busy)
		}
		synctest.Wait()
		g.engine.err = nil
		if _, err := g.one(t, remote(t), 320); err != nil {
			t.Errorf("a moment later: %v", err)
		}
	})
}

func TestAnOriginThatTurnsToNoStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag, o.never = []byte("two"), `"2"`, true })
		time.Sleep(25 * time.Hour)
		if _, err := g.one(t, remote(t), 320); err != nil { // stale, while the flight behind it learns of the change
			t.Fatal(err)
		}
		synctest.Wait()
		for range 3 {
			rend, err := g.one(t, remote(t), 320)
			if err != nil || rend.Kept || rend.Stale || !strings.HasSuffix(string(rend.Body), "of two") {
				t.Errorf("got %+v, %v, want the new picture, not kept", rend, err)
			}
			synctest.Wait()
		}
		if n := g.store.count(cache.Pointer); n != 0 {
			t.Errorf("%d pointers kept, want 0", n)
		}
	})
}

func TestANoStoreOriginThatCannotBeDecoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag, o.never = []byte("bad"), "", true })
		for range 50 {
			if _, err := g.one(t, remote(t), 320); class(t, err) != Undecodable {
				t.Errorf("got %v, want class %s", err, Undecodable)
			}
			synctest.Wait()
		}
		if calls, _ := g.engine.made(); calls != 1 || g.origin.count() != 1 {
			t.Errorf("%d fetches and %d transforms, want 1 and 1", g.origin.count(), calls)
		}
	})
}

// TestAnOriginalThatEndedWorkersIsKept covers workers that the system ended for want of memory: what they were at may be the only
// original there is.
func TestAnOriginalThatEndedWorkersIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrGone })
		g.engine.err = fmt.Errorf("%w: %w", transform.ErrCorrupt, transform.ErrEnded)
		for range 3 {
			if _, err := g.one(t, remote(t), 640); class(t, err) != Undecodable {
				t.Errorf("got %v, want class %s", err, Undecodable)
			}
			synctest.Wait()
		}
		if calls, _ := g.engine.made(); calls != 2 {
			t.Errorf("%d transforms, want 2: what failed is not tried for every reader", calls)
		}
		if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Hit {
			t.Errorf("what had been made: got %+v, %v", rend, err)
		}
		g.engine.err = nil
		time.Sleep(2 * time.Minute)
		if _, err := g.one(t, remote(t), 640); err != nil {
			t.Errorf("two minutes later: %v", err)
		}
	})
}

func TestAForgottenOriginBehindAStalePointer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.store.drop(cache.Original)
		time.Sleep(25 * time.Hour)
		// The conditional request behind the stale answer brings a 304 and no bytes, and its pointer is slow to store.
		g.store.gate = make(chan struct{})
		defer close(g.store.gate)
		rend, err := g.one(t, remote(t), 640)
		if err != nil || rend.Outcome != Filled || !rend.Stale {
			t.Errorf("got %+v, %v, want it filled, from a stale original", rend, err)
		}
	})
}

func TestAReplacedOriginalIsNotCondemned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.set(func(o *fakeOrigin) { o.body = []byte("bad") })
		g.engine.gate = make(chan struct{})
		got := make(chan error, 1)
		go func() {
			rend, err := g.one(t, remote(t), 320)
			if err == nil && !strings.HasSuffix(string(rend.Body), "of two") {
				err = fmt.Errorf("got %q, want the new picture", rend.Body)
			}
			got <- err
		}()
		synctest.Wait() // the transform of the bad original is under way
		good := &version{Info: transform.Info{Width: 2000, Height: 1000}, Sum: sum{2}}
		g.store.mu.Lock()
		g.store.objects[good.Sum.key()] = &cache.Object{Body: []byte("two")}
		g.store.mu.Unlock()
		g.savePointer(t.Context(), g.o.Store, remote(t), pointer{Current: good, Expires: time.Now().Add(time.Hour)})
		close(g.engine.gate)
		if err := <-got; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if p := g.loadPointer(t.Context(), remote(t)); p.Current == nil || p.Current.Sum != good.Sum || p.Failure != nil {
			t.Errorf("the newer pointer became %+v", p)
		}
	})
}

func TestAMendedFileIsSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		for _, broken := range []string{"html", "bad"} {
			g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte(broken), broken })
			time.Sleep(2 * time.Second)
			if _, err := g.one(t, local(t), 320); err == nil && broken == "html" {
				t.Error("HTML was rendered")
			}
			synctest.Wait()
			g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("mended "+broken), "mended "+broken })
			time.Sleep(2 * time.Second)
			rend, err := g.one(t, local(t), 320)
			if err != nil || !strings.HasSuffix(string(rend.Body), "of mended "+broken) {
				t.Errorf("%s: got %+v, %v, want the mended picture", broken, rend, err)
			}
			synctest.Wait()
		}
	})
}

func TestAPanickingStoreCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.store.panics = true
		if _, err := g.one(t, remote(t), 320); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := g.reported(); len(got) == 0 || !errors.Is(got[0], errPanic) {
			t.Errorf("reports %v, want the panic", got)
		}
	})
}

func TestACallersOwnCauseIsACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.gate = make(chan struct{})
		defer close(g.origin.gate)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			synctest.Wait()
			cancel(errors.New("interrupt"))
		}()
		if _, err := g.Render(ctx, Request{Source: remote(t), Specs: []transform.Spec{webp(320)}}); class(t, err) != Canceled {
			t.Errorf("got %v, want class %s", err, Canceled)
		}
	})
}

func TestFreshnessIsClamped(t *testing.T) {
	tests := []struct {
		name         string
		says         time.Duration
		fresh, stale time.Duration // after these, a hit and a stale answer
	}{
		{"a second", time.Second, 4 * time.Minute, 6 * time.Minute},
		{"an hour", time.Hour, 59 * time.Minute, 61 * time.Minute},
		{"ten years", 87600 * time.Hour, 29 * 24 * time.Hour, 31 * 24 * time.Hour},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.origin.fresh = tt.says
			g.warm(t, remote(t))
			time.Sleep(tt.fresh)
			if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Hit {
				t.Errorf("%s, after %v: got %+v, %v, want a hit", tt.name, tt.fresh, rend, err)
			}
			time.Sleep(tt.stale - tt.fresh)
			if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Stale || !rend.Stale {
				t.Errorf("%s, after %v: got %+v, %v, want it stale", tt.name, tt.stale, rend, err)
			}
			synctest.Wait()
		})
	}
}

func TestOptionsShapeRenditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.configure(Options{MaxOutput: 500, Quality: map[transform.Format]int{transform.WebP: 33}})
		rend, err := g.one(t, remote(t), 1600)
		if err != nil || rend.Spec.String() != "w500-h250-q33.webp" {
			t.Errorf("got %+v, %v, want w500-h250-q33.webp", rend, err)
		}
		if want := time.Now(); err == nil && !rend.Modified.Equal(want.Truncate(time.Second)) {
			t.Errorf("modified %v, want %v: the origin says nothing", rend.Modified, want)
		}
		var stages []string
		for _, timing := range rend.Timings {
			stages = append(stages, timing.Stage)
		}
		if got := strings.Join(stages, " "); got != "lookup fetch decode resize encode" {
			t.Errorf("stages %q", got)
		}
	})
}

func TestA304CanBringNewValidators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		time.Sleep(25 * time.Hour)
		g.warm(t, remote(t))
		p := g.loadPointer(t.Context(), remote(t))
		if p.Current == nil || p.Current.Validators != (fetch.Validators{ETag: `"1"`}) || !p.fresh(time.Now(), g.o.MaxFresh) {
			t.Errorf("pointer %+v, want it fresh, with the validators of the 304", p)
		}
	})
}

func TestCloseWaitsForFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.engine.gate = make(chan struct{})
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			if _, err := g.Render(ctx, Request{Source: remote(t), Specs: []transform.Spec{webp(320)}}); class(t, err) != Canceled {
				t.Errorf("got %v, want class %s", err, Canceled)
			}
		}()
		synctest.Wait()
		leave()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close while a transform is under way: %v, want a deadline", err)
		}
		close(g.engine.gate)
		if err := g.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if n := g.store.count(cache.Rendition); n != 1 {
			t.Errorf("%d renditions kept, want 1: what was under way is not lost", n)
		}
	})
}
