package render

import (
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

// noArchive is Options.Archived of a site without posts.
func noArchive(source.Source) bool { return false }

// hour is what an origin says of an answer that holds for an hour, and more.
func hour(more func(*fetch.Freshness)) fetch.Freshness {
	f := fetch.Freshness{Fresh: time.Hour, Explicit: true}
	more(&f)
	return f
}

// TestStaleAnswers has an original that was fresh for an hour, and an origin that fails, works or hangs when it is asked again.
// How long an answer takes is exact: the clock is synctest's.
func TestStaleAnswers(t *testing.T) {
	silent := func(*fetch.Freshness) {}
	noCache := func(f *fetch.Freshness) { f.NoCache = true }
	noStale := func(f *fetch.Freshness) { f.NoStale = true }
	window := func(f *fetch.Freshness) {
		f.SaysWhile, f.WhileRevalidate, f.SaysError, f.IfError = true, time.Minute, true, 10*time.Minute
	}
	failed := &fetch.StatusError{Status: 503, Err: fetch.ErrUpstream}
	tests := []struct {
		name  string
		says  func(*fetch.Freshness)
		posts bool          // a post shows it
		after time.Duration // its freshness ended
		err   error         // of the origin; nil has it answer 304
		hangs bool
		// what comes
		took    time.Duration
		outcome Outcome // "" for an error
		status  int     // -1 where the answer did not wait for the origin
	}{
		{"archive", silent, true, time.Minute, nil, false, 0, Stale, -1},
		{"archive, years later", silent, true, 20000 * time.Hour, nil, false, 0, Stale, -1},
		{"archive, dead origin", silent, true, time.Minute, failed, false, 0, Stale, -1},
		{"archive, hung origin", silent, true, time.Minute, nil, true, 0, Stale, -1},
		{"archive, must-revalidate", noStale, true, time.Minute, nil, false, 0, Hit, 304},
		{"archive, must-revalidate, dead origin", noStale, true, time.Minute, failed, false, 0, Stale, 503},
		{"archive, must-revalidate, hung origin", noStale, true, time.Minute, nil, true, time.Second, Stale, -1},
		{"archive, no-cache", noCache, true, 0, nil, false, 0, Hit, 304},
		{"archive, no-cache, unreachable origin", noCache, true, 0, fetch.ErrUnreachable, false, 0, Stale, 0},
		{"archive, within the window", window, true, 59 * time.Second, nil, true, 0, Stale, -1},
		{"archive, after the window", window, true, 61 * time.Second, nil, false, 0, Hit, 304},
		{"archive, after the window, hung origin", window, true, 11 * time.Minute, nil, true, time.Second, Stale, -1},
		{"archive, gone", silent, true, time.Minute, fetch.ErrGone, false, 0, Stale, -1},

		{"cache", silent, false, 6 * 24 * time.Hour, nil, true, 0, Stale, -1},
		{"cache, after our own window", silent, false, 8 * 24 * time.Hour, nil, false, 0, Hit, 304},
		{"cache, after our own window, dead origin", silent, false, 8 * 24 * time.Hour, failed, false, 0, Stale, 503},
		{"cache, a month later, dead origin", silent, false, 31 * 24 * time.Hour, failed, false, 0, "", -1},
		{"cache, after our own window, gone", silent, false, 8 * 24 * time.Hour, fetch.ErrGone, false, 0, "", -1},
		{"cache, must-revalidate", noStale, false, time.Minute, nil, false, 0, Hit, 304},
		{"cache, must-revalidate, dead origin", noStale, false, time.Minute, failed, false, 0, "", -1},
		{"cache, must-revalidate, hung origin", noStale, false, time.Minute, nil, true, 27 * time.Second, "", -1},
		{"cache, no-cache, dead origin", noCache, false, 0, failed, false, 0, "", -1},
		{"cache, within the window", window, false, 59 * time.Second, nil, true, 0, Stale, -1},
		{"cache, after the window", window, false, 61 * time.Second, nil, false, 0, Hit, 304},
		{"cache, after the window, dead origin", window, false, 9 * time.Minute, failed, false, 0, Stale, 503},
		{"cache, after both windows, dead origin", window, false, 11 * time.Minute, failed, false, 0, "", -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.configure(Options{Archived: func(source.Source) bool { return tt.posts }})
				g.origin.says = hour(tt.says)
				g.warm(t, remote(t))
				if tt.after > 0 {
					time.Sleep(time.Hour + tt.after)
				}
				hang := make(chan struct{})
				defer close(hang)
				g.origin.set(func(o *fakeOrigin) {
					o.err = tt.err
					if tt.hangs {
						o.gate = hang
					}
				})
				start := time.Now()
				rend, err := g.one(t, remote(t), 320)
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if err != nil {
					rend = &Rendition{}
				}
				want := Rendition{Outcome: tt.outcome, Asked: tt.status >= 0, Status: max(tt.status, 0), Stale: tt.outcome == Stale}
				got := Rendition{Outcome: rend.Outcome, Asked: rend.Asked, Status: rend.Status, Stale: rend.Stale}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got %+v, %v,\nwant %+v", got, err, want)
				}
				synctest.Wait()
				if n := g.origin.count(); n != 2 {
					t.Errorf("%d fetches, want 2: one for the answer or behind it", n)
				}
			})
		})
	}
}

// TestStaleForEveryFailure verifies that an original that was had is shown, at once and without end, however its origin fails,
// on every way that asks for it; and that it is fresh again as soon as the origin is.
func TestStaleForEveryFailure(t *testing.T) {
	failures := map[string]func(*fakeOrigin){
		"status 500":     func(o *fakeOrigin) { o.err = &fetch.StatusError{Status: 500, Err: fetch.ErrUpstream} },
		"not found":      func(o *fakeOrigin) { o.err = fetch.ErrNotFound },
		"gone":           func(o *fakeOrigin) { o.err = fetch.ErrGone },
		"refused, reset": func(o *fakeOrigin) { o.err = fetch.ErrUnreachable },
		"timeout":        func(o *fakeOrigin) { o.err = fetch.ErrTimeout },
		"truncated":      func(o *fakeOrigin) { o.err = fetch.ErrBroken },
		"too large":      func(o *fakeOrigin) { o.err = fetch.ErrTooLarge },
		"policy":         func(o *fakeOrigin) { o.err = fetch.ErrRefused },
		"retry later":    func(o *fakeOrigin) { o.err = &fetch.RetryError{After: time.Minute, Status: 503} },
		"HTML":           func(o *fakeOrigin) { o.body, o.etag = []byte("html"), "" },
		"hung":           func(o *fakeOrigin) { o.gate = make(chan struct{}) },
	}
	for name, fail := range failures {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, strict %t", name, strict), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testStaleFor(t, fail, strict) })
			})
		}
	}
}

func testStaleFor(t *testing.T, fail func(*fakeOrigin), strict bool) {
	g := newRig(t)
	g.origin.says = fetch.Freshness{Fresh: time.Hour, Explicit: true, NoStale: strict}
	good := g.warm(t, remote(t))
	g.origin.set(fail)
	time.Sleep(2 * time.Hour)
	for i := range 200 { // for a quarter of an hour, each new attempt included
		start := time.Now()
		rend, err := g.one(t, remote(t), 320)
		if err != nil || !rend.Stale || rend.ETag != good.ETag {
			t.Fatalf("answer %d: got %+v, %v, want it stale", i, rend, err)
		}
		if _, err := g.Probe(t.Context(), remote(t)); err != nil {
			t.Fatalf("probe %d: %v", i, err)
		}
		if _, err := g.Best(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{{Width: 320}}}, []transform.Format{transform.WebP}); err != nil {
			t.Fatalf("best %d: %v", i, err)
		}
		// Only the very first may find out that the origin hangs, and only where the origin wants to be asked.
		if took := time.Since(start); took > askedFirst || took > 0 && (i > 0 || !strict) {
			t.Errorf("answer %d took %v", i, took)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if i == 0 {
			time.Sleep(g.o.Timeout) // a hung origin fails by then
		}
	}
	g.origin.set(func(o *fakeOrigin) {
		if o.gate != nil {
			close(o.gate)
		}
		o.err, o.gate, o.body, o.etag = nil, nil, []byte("one"), `"1"`
	})
	time.Sleep(maxPause)
	g.warm(t, remote(t))
	if rend, err := g.one(t, remote(t), 320); err != nil || rend.Stale || rend.Outcome != Hit {
		t.Errorf("after the origin came back: got %+v, %v, want a hit", rend, err)
	}
	if o, err := g.Probe(t.Context(), remote(t)); err != nil || o.Failure != "" || !o.Failing.IsZero() {
		t.Errorf("after the origin came back: probed %+v, %v", o, err)
	}
}

// TestOneReaderFindsOutThatAHostHangs verifies that of a host that wants to be asked first, and hangs for minutes, all pictures
// are shown, and that one wait for the host is enough.
func TestOneReaderFindsOutThatAHostHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.says = hour(func(f *fetch.Freshness) { f.NoCache = true })
		var pictures []source.Source
		for i := range 100 {
			pictures = append(pictures, mustParse(t, fmt.Sprintf("https://origin.example/%d.jpg", i)))
			g.warm(t, pictures[i])
		}
		hang := make(chan struct{})
		defer close(hang)
		g.origin.set(func(o *fakeOrigin) { o.gate = hang })
		start, waited := time.Now(), 0
		for time.Since(start) < 5*time.Minute {
			for _, src := range pictures {
				before := time.Now()
				if rend, err := g.one(t, src, 320); err != nil || !rend.Stale {
					t.Fatalf("%s: got %+v, %v, want it stale", src, rend, err)
				}
				if time.Since(before) > 0 {
					waited++
				}
			}
			time.Sleep(time.Second)
		}
		if waited > 2 {
			t.Errorf("%d readers waited, want two at most", waited)
		}
	})
}

// TestNoCacheIsAskedEachTime verifies that what an origin wants to be asked for is kept, and asked for.
func TestNoCacheIsAskedEachTime(t *testing.T) {
	for _, all := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.configure(Options{KeepAll: all})
			g.origin.says = hour(func(f *fetch.Freshness) { f.NoCache = true })
			g.warm(t, remote(t))
			for range 5 {
				if rend := g.warm(t, remote(t)); rend.Outcome != Hit || rend.Stale || rend.NoCache == all || rend.Asked == all {
					t.Errorf("got %+v, want a hit that waited for a 304", rend)
				}
			}
			want := 6
			if all {
				want = 1
			}
			if n := g.origin.count(); n != want {
				t.Errorf("%d fetches, want %d", n, want)
			}
			if calls, _ := g.engine.made(); calls != 1 {
				t.Errorf("%d transforms, want 1", calls)
			}
		})
	}
}

// TestKeepAllKeepsWhatOriginsForbid verifies that configuration goes before no-store.
func TestKeepAllKeepsWhatOriginsForbid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.configure(Options{KeepAll: true})
		g.origin.says = fetch.Freshness{NoStore: true}
		if rend := g.warm(t, remote(t)); !rend.Kept {
			t.Error("it was not kept")
		}
		g.restart()
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrUnreachable })
		if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Hit {
			t.Errorf("got %+v, %v, want a hit", rend, err)
		}
	})
}

// TestA304KeepsWhatWasSaid verifies RFC 9111 §4.3.4: what a 304 does not repeat holds on, and what it says anew counts.
func TestA304KeepsWhatWasSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.origin.says = hour(func(f *fetch.Freshness) { f.NoStale = true })
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.says = fetch.Freshness{} })
		for range 3 {
			time.Sleep(59 * time.Minute)
			if rend := g.warm(t, remote(t)); rend.Asked {
				t.Errorf("within the hour: %+v, want a hit without asking", rend)
			}
			time.Sleep(2 * time.Minute)
			if rend := g.warm(t, remote(t)); rend.Status != 304 {
				t.Errorf("after the hour: %+v, want a 304 waited for", rend)
			}
		}
		g.origin.set(func(o *fakeOrigin) { o.says = fetch.Freshness{Fresh: 10 * time.Hour, Explicit: true} })
		time.Sleep(time.Hour)
		g.warm(t, remote(t))
		time.Sleep(9 * time.Hour)
		if rend := g.warm(t, remote(t)); rend.Outcome != Hit || rend.Asked {
			t.Errorf("within ten hours: %+v, want a hit", rend)
		}
	})
}

// TestNegativeAnswersAreKept verifies that a failure costs its origin one request per pause, whatever readers ask for, and that
// one flap poisons nothing: when the pause is over, the picture is there.
func TestNegativeAnswersAreKept(t *testing.T) {
	tests := map[error]time.Duration{
		fetch.ErrNotFound: time.Minute, fetch.ErrGone: 5 * time.Minute, fetch.ErrUnreachable: 10 * time.Second,
		fetch.ErrTimeout: 10 * time.Second, transform.ErrFormat: 5 * time.Minute, transform.ErrCorrupt: time.Minute,
	}
	for fail, pause := range tests {
		t.Run(fail.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.origin.err = fail
				for i := range 1000 { // over three pauses
					if _, err := g.one(t, remote(t), 320); err == nil {
						t.Fatalf("answer %d: no error", i)
					}
					synctest.Wait()
					time.Sleep(3 * pause / 1000)
				}
				if n := g.origin.count(); n != 3 {
					t.Errorf("%d fetches for 1,000 readers, want 3: one per %v", n, pause)
				}
				g.origin.set(func(o *fakeOrigin) { o.err = nil })
				time.Sleep(pause)
				if rend, err := g.one(t, remote(t), 320); err != nil || rend.Outcome != Filled {
					t.Errorf("after the pause: got %+v, %v, want the picture", rend, err)
				}
			})
		})
	}
}

// TestLooseOriginals verifies that originals that no post shows are given up before those of the archive, and move there when a
// post comes to show them.
func TestLooseOriginals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.configure(Options{Archived: noArchive})
		g.warm(t, remote(t))
		if n := g.store.count(cache.Original); n != 0 {
			t.Errorf("%d originals in the archive, want 0", n)
		}
		if rend, err := g.one(t, remote(t), 640); err != nil || rend.Outcome != Filled || g.origin.count() != 1 {
			t.Errorf("another width: got %+v, %v, %d fetches, want it made of the original that is kept", rend, err, g.origin.count())
		}
		synctest.Wait()
		g.configure(Options{})
		time.Sleep(25 * time.Hour)
		g.warm(t, remote(t)) // its revalidation sees the post
		g.store.drop(cache.Rendition)
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrUnreachable })
		if rend, err := g.one(t, remote(t), 960); err != nil || !strings.HasSuffix(string(rend.Body), "of one") {
			t.Errorf("after all else was given up: got %+v, %v, want the picture", rend, err)
		}
	})
}

// TestFailuresSaySinceWhen verifies what lint and metrics are told of an origin that is dead.
func TestFailuresSaySinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrNotFound })
		time.Sleep(25 * time.Hour)
		died := time.Now().UTC().Truncate(time.Second)
		for range 3 {
			o, err := g.Revalidate(t.Context(), remote(t))
			if err != nil || o.Failure != NotFound || !o.Failing.Equal(died) || o.Outcome != Stale {
				t.Errorf("got %+v, %v, want it kept, and not found since %v", o, err, died)
			}
			synctest.Wait()
			time.Sleep(time.Hour)
			g.restart()
		}
		if _, err := g.Revalidate(t.Context(), mustParse(t, "https://origin.example/never.jpg")); class(t, err) != NotFound {
			t.Errorf("what was never had: %v, want class %s", err, NotFound)
		}
		if got, want := g.Stats(), (Stats{Failed: 1}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		g.restart()
		if _, err := g.Revalidate(t.Context(), remote(t)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got, want := g.Stats(), (Stats{Failed: 1, Spared: 1}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		if got := g.reported(); len(got) == 0 || !errors.Is(got[0], fetch.ErrNotFound) {
			t.Errorf("reports %v", got)
		}
	})
}
