package render

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/transform"
)

func TestRenderFetchesOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.gate = make(chan struct{})
		widths := []int{24, 160, 320, 480, 640, 828, 960, 1280, 1600, 1920}
		errs := make(chan error, 100)
		for i := range 100 {
			go func() {
				rend, err := g.one(t, remote(t), widths[i%len(widths)])
				if err == nil && !strings.HasPrefix(string(rend.Body), fmt.Sprintf("w%d-", widths[i%len(widths)])) {
					err = fmt.Errorf("asked for %d, got %q", widths[i%len(widths)], rend.Body)
				}
				errs <- err
			}()
		}
		synctest.Wait()
		close(g.origin.gate)
		for range 100 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if n := g.origin.count(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
		if _, specs := g.engine.made(); specs != len(widths) {
			t.Errorf("%d renditions made, want %d", specs, len(widths))
		}
		synctest.Wait()
		g.restart()
		for _, w := range widths {
			rend, err := g.one(t, remote(t), w)
			if err != nil || rend.Outcome != Hit {
				t.Errorf("after a restart, width %d: got %+v, %v, want a hit", w, rend, err)
			}
		}
		if n := g.origin.count(); n != 1 {
			t.Errorf("%d fetches after a restart, want 1", n)
		}
	})
}

func TestRenderDecodesOnceForASrcset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.configure(Options{Quality: map[transform.Format]int{transform.JPEG: 82}}) // of the others it is searched
		specs := []transform.Spec{webp(320), webp(1600), {Width: 320, Format: transform.JPEG}, webp(320), webp(4000), webp(2000)}
		rends, err := g.Render(t.Context(), Request{Source: remote(t), Specs: specs})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rends {
			got = append(got, r.Spec.String())
		}
		// The fifth asks for more pixels than there are and is the same picture as the sixth.
		want := []string{"w320-h160.webp", "w1600-h800.webp", "w320-h160-q82.jpg", "w320-h160.webp", "w2000-h1000.webp", "w2000-h1000.webp"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if calls, made := g.engine.made(); calls != 1 || made != 4 {
			t.Errorf("%d transforms of %d specs, want 1 of 4", calls, made)
		}
	})
}

func TestRenderOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		if _, err := g.Probe(t.Context(), remote(t)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		g.engine.gate = make(chan struct{})
		outcomes := make(chan Outcome, 2)
		for range 2 {
			go func() {
				rend, err := g.one(t, remote(t), 320)
				if err != nil {
					t.Error(err)
					rend = &Rendition{}
				}
				outcomes <- rend.Outcome
			}()
		}
		synctest.Wait()
		close(g.engine.gate)
		if got := []Outcome{<-outcomes, <-outcomes}; !slices.Contains(got, Filled) || !slices.Contains(got, Joined) {
			t.Errorf("two first readers: got %v, want one filled and one joined", got)
		}
		synctest.Wait()
		rend, err := g.one(t, remote(t), 320)
		if err != nil || rend.Outcome != Hit {
			t.Errorf("third reader: got %+v, %v, want a hit", rend, err)
		}
	})
}

func TestRenderHitsWhatIsStillBeingStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.store.gate = make(chan struct{})
		for _, want := range []Outcome{Filled, Hit, Hit} {
			rend, err := g.one(t, remote(t), 320)
			if err != nil || rend.Outcome != want {
				t.Errorf("got %+v, %v, want outcome %s", rend, err, want)
			}
		}
		close(g.store.gate)
	})
}

func TestRenderOutlivesItsFirstReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.gate = make(chan struct{})
		ctx, leave := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := g.Render(ctx, Request{Source: remote(t), Specs: []transform.Spec{webp(320)}})
			first <- err
		}()
		synctest.Wait()
		go func() {
			_, err := g.one(t, remote(t), 320)
			second <- err
		}()
		synctest.Wait()
		leave()
		if e, ok := errors.AsType[*Error](<-first); !ok || e.Class != Canceled {
			t.Errorf("who left: got %v, want class %s", e, Canceled)
		}
		close(g.origin.gate)
		if err := <-second; err != nil {
			t.Errorf("who stayed: %v", err)
		}
		if n := g.origin.count(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

func TestRenderServesStaleWhileItRevalidates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		time.Sleep(25 * time.Hour)
		g.origin.set(func(o *fakeOrigin) { o.gate = make(chan struct{}) })
		for range 3 {
			rend, err := g.one(t, remote(t), 320) // answers although the origin does not
			if err != nil || rend.Outcome != Stale {
				t.Fatalf("past freshness: got %+v, %v, want a stale rendition", rend, err)
			}
		}
		synctest.Wait()
		if n := g.origin.count(); n != 2 {
			t.Errorf("%d fetches, want 2: one behind the stale answers", n)
		}
		close(g.origin.gate)
		synctest.Wait()
		rend, err := g.one(t, remote(t), 320)
		if err != nil || rend.Outcome != Hit {
			t.Errorf("after the revalidation: got %+v, %v, want a hit", rend, err)
		}
		if calls, _ := g.engine.made(); calls != 1 {
			t.Errorf("%d transforms, want 1: a 304 costs none", calls)
		}
	})
}

func TestRenderFollowsAChangedOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		before := g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
		time.Sleep(25 * time.Hour)
		g.warm(t, remote(t))
		after, err := g.one(t, remote(t), 320)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(after.Body), "of two") || after.ETag == before.ETag || after.Original == before.Original {
			t.Errorf("got %q with ETag %s, want a rendition of the new original with a new ETag", after.Body, after.ETag)
		}
	})
}

func TestRenderKeepsRenditionsOfIdenticalBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.etag = "" // an origin without validators sends the bytes again
		before := g.warm(t, remote(t))
		time.Sleep(25 * time.Hour)
		g.warm(t, remote(t))
		after, err := g.one(t, remote(t), 320)
		if err != nil {
			t.Fatal(err)
		}
		if after.Outcome != Hit || after.ETag != before.ETag || !after.Modified.Equal(before.Modified) {
			t.Errorf("got %+v, want a hit with ETag %s, modified %v", after, before.ETag, before.Modified)
		}
		if calls, _ := g.engine.made(); calls != 1 {
			t.Errorf("%d transforms, want 1", calls)
		}
	})
}

func TestRenderOutlivesTheOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrGone })
		for range 365 {
			time.Sleep(24*time.Hour + time.Minute)
			rend, err := g.one(t, remote(t), 640)
			if err != nil || !rend.Stale {
				t.Fatalf("got %+v, %v, want a picture, stale", rend, err)
			}
			synctest.Wait()
		}
		if got := g.reported(); len(got) != 365 || !errors.Is(got[0], fetch.ErrGone) {
			t.Errorf("%d reports, first %v, want 365 of ErrGone", len(got), got[0])
		}
	})
}

func TestRenderPausesAfterAFailure(t *testing.T) {
	tests := []struct {
		err   error
		class Class
		pause time.Duration
	}{
		{fetch.ErrRefused, Refused, 10 * time.Second},
		{fetch.ErrUnreachable, Unreachable, 10 * time.Second},
		{fetch.ErrTimeout, TimedOut, 10 * time.Second},
		{fetch.ErrBroken, Broken, 10 * time.Second},
		{fetch.ErrUpstream, Upstream, 10 * time.Second},
		{fetch.ErrNotFound, NotFound, time.Minute},
		{fetch.ErrTooLarge, TooLarge, time.Minute},
		{fetch.ErrGone, Gone, 5 * time.Minute},
		{fetch.ErrEncoding, NotAnImage, 5 * time.Minute},
		{&fetch.RetryError{After: 90 * time.Second, Status: 503}, Busy, 90 * time.Second},
		{&fetch.DownError{After: 7 * time.Second}, Down, 7 * time.Second},
	}
	for _, tt := range tests {
		t.Run(string(tt.class), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.origin.err = tt.err
				check := func(when string, fetches int) {
					t.Helper()
					_, err := g.one(t, remote(t), 320)
					if e, ok := errors.AsType[*Error](err); !ok || e.Class != tt.class {
						t.Errorf("%s: got %v, want class %s", when, err, tt.class)
					}
					synctest.Wait()
					if n := g.origin.count(); n != fetches {
						t.Errorf("%s: %d fetches, want %d", when, n, fetches)
					}
				}
				check("first", 1)
				time.Sleep(tt.pause - time.Millisecond)
				check("within the pause", 1)
				time.Sleep(time.Millisecond)
				check("after the pause", 2)
				g.origin.set(func(o *fakeOrigin) { o.err = nil })
				time.Sleep(tt.pause)
				if _, err := g.one(t, remote(t), 320); err != nil {
					t.Errorf("after recovery: %v", err)
				}
			})
		})
	}
}

func TestRenderSeesAChangedFileWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		for range 3 {
			rend, err := g.one(t, local(t), 320)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if g.origin.count() > 1 && rend.Outcome != Hit {
				t.Errorf("unchanged file: outcome %s, want %s", rend.Outcome, Hit)
			}
			time.Sleep(2 * time.Second)
		}
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
		rend, err := g.one(t, local(t), 320)
		if err != nil || !strings.HasSuffix(string(rend.Body), "of two") {
			t.Errorf("changed file: got %+v, %v, want the new picture at once", rend, err)
		}
		synctest.Wait()
		before := g.origin.count()
		for range 100 {
			if _, err := g.one(t, local(t), 320); err != nil {
				t.Fatal(err)
			}
		}
		if n := g.origin.count() - before; n != 0 {
			t.Errorf("%d looks at the file within a second, want 0", n)
		}
	})
}

func TestRenderFallsBackFromADamagedReplacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("bad bytes"), `"2"` })
		time.Sleep(25 * time.Hour)
		g.warm(t, remote(t))
		for range 5 {
			rend, err := g.one(t, remote(t), 320) // the first one finds out
			if err != nil || !strings.HasSuffix(string(rend.Body), "of one") || rend.Outcome != Stale {
				t.Errorf("got %+v, %v, want the last good picture, stale", rend, err)
			}
			time.Sleep(50 * time.Second)
		}
		if calls, _ := g.engine.made(); calls != 2 {
			t.Errorf("%d transforms, want 2: the damaged bytes are tried once", calls)
		}
		g.engine.reads = "bad bytes" // another release can
		time.Sleep(10 * time.Minute)
		for range 2 {
			g.warm(t, remote(t))
		}
		if rend, err := g.one(t, remote(t), 320); err != nil || !strings.HasSuffix(string(rend.Body), "of bad bytes") {
			t.Errorf("got %+v, %v, want the replacement once it can be read", rend, err)
		}
	})
}

func TestRenderRemembersADamagedOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.body, g.origin.etag = []byte("bad bytes"), ""
		for range 5 {
			_, err := g.one(t, remote(t), 320)
			if e, ok := errors.AsType[*Error](err); !ok || e.Class != Undecodable {
				t.Errorf("got %v, want class %s", err, Undecodable)
			}
			time.Sleep(20 * time.Second)
		}
		if calls, _ := g.engine.made(); calls != 1 {
			t.Errorf("%d transforms, want 1", calls)
		}
		if n := g.origin.count(); n != 2 {
			t.Errorf("%d fetches in 100 s, want 2", n)
		}
	})
}

func TestRenderKeepsTheGoodOriginalWhenTheOriginTurnsToHTML(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("html page"), `"2"` })
		for range 3 {
			time.Sleep(25 * time.Hour)
			rend, err := g.one(t, remote(t), 320)
			if err != nil || !strings.HasSuffix(string(rend.Body), "of one") {
				t.Errorf("got %+v, %v, want the last good picture", rend, err)
			}
			synctest.Wait()
		}
	})
}

func TestRenderDoesNotKeepWhatTheOriginForbids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.never, g.origin.etag = true, ""
		for range 2 {
			rend, err := g.one(t, remote(t), 320)
			if err != nil || rend.Kept || rend.Outcome != Filled {
				t.Errorf("got %+v, %v, want a rendition that is not kept", rend, err)
			}
			synctest.Wait()
		}
		if n := g.origin.count(); n != 2 {
			t.Errorf("%d fetches, want 2", n)
		}
		for _, kind := range []cache.Kind{cache.Pointer, cache.Original, cache.Rendition} {
			if n := g.store.count(kind); n != 0 {
				t.Errorf("%d objects of kind %v kept, want 0", n, kind)
			}
		}
	})
}

func TestRenderBringsBackAForgottenOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.store.drop(cache.Original)
		if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Hit {
			t.Errorf("a rendition that is kept: got %+v, %v, want a hit", rend, err)
		}
		rend, err := g.one(t, remote(t), 640)
		if err != nil || rend.Outcome != Filled {
			t.Errorf("another: got %+v, %v, want it filled", rend, err)
		}
		g.origin.mu.Lock()
		defer g.origin.mu.Unlock()
		if want := (fetch.Validators{}); len(g.origin.asked) != 2 || g.origin.asked[1] != want {
			t.Errorf("asked the origin %+v, want a second, unconditional time", g.origin.asked)
		}
	})
}

func TestRenderDoesNotHammerADeadOriginForAForgottenOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.store.drop(cache.Original)
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrUnreachable })
		for range 10 {
			_, err := g.one(t, remote(t), 640)
			if e, ok := errors.AsType[*Error](err); !ok || e.Class != Unreachable {
				t.Errorf("got %v, want class %s", err, Unreachable)
			}
			synctest.Wait()
		}
		if n := g.origin.count(); n != 2 {
			t.Errorf("%d fetches, want 2", n)
		}
	})
}

func TestRenderSurvivesABrokenStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.store.broken = true
		for range 2 {
			rend, err := g.one(t, remote(t), 320)
			if err != nil || rend.Outcome != Filled {
				t.Errorf("got %+v, %v, want a rendition", rend, err)
			}
			synctest.Wait()
		}
		if got := g.reported(); len(got) == 0 || !errors.Is(got[0], errBroken) {
			t.Errorf("reports %v, want the store's error", got)
		}
	})
}

func TestRenderTurnsAPanicIntoAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.engine.panic = true
		_, err := g.one(t, remote(t), 320)
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != Internal {
			t.Errorf("got %v, want class %s", err, Internal)
		}
		synctest.Wait()
		g.engine.panic = false
		if _, err := g.one(t, remote(t), 320); err != nil {
			t.Errorf("the next request: %v", err)
		}
	})
}

func TestRenderRefusesWhatTheEngineCannotWrite(t *testing.T) {
	g := newRig(t)
	_, err := g.Render(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{{Width: 320, Format: transform.AVIF}}})
	if e, ok := errors.AsType[*Error](err); !ok || e.Class != BadSpec {
		t.Errorf("got %v, want class %s", err, BadSpec)
	}
}

func TestRenderDistrustsAClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		future := pointer{Current: &version{Sum: sum{1}, Info: transform.Info{Width: 2, Height: 1}}, Expires: time.Now().AddDate(10, 0, 0)}
		g.savePointer(t.Context(), g.o.Store, remote(t), future)
		g.warm(t, remote(t))
		if n := g.origin.count(); n == 0 {
			t.Error("a pointer that expires in ten years was trusted")
		}
	})
}

func TestRenderMakesNewRenditionsForANewRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		for _, rev := range []string{"", "", "2"} {
			g.engine.rev = rev
			g.warm(t, remote(t))
		}
		if _, made := g.engine.made(); made != 2 {
			t.Errorf("%d renditions made, want 2: one per revision", made)
		}
		if n := g.origin.count(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}
