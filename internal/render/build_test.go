package render

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/transform"
)

func TestBuildFetchesAndDecodesOnce(t *testing.T) {
	for _, never := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.origin.never = never
			seen := 0
			o, rends, err := g.Build(t.Context(), Build{Source: remote(t), Choose: func(o *Original) []transform.Spec {
				seen = o.Info.Width
				return []transform.Spec{webp(320), webp(640), {Width: 640, Format: transform.JPEG}}
			}})
			if err != nil || len(rends) != 3 || rends[1].Spec.Width != 640 || o.Bytes != 3 || seen != 2000 {
				t.Fatalf("got %v, %d renditions, error %v", o, len(rends), err)
			}
			synctest.Wait()
			if calls, specs := g.engine.made(); g.origin.count() != 1 || calls != 1 || specs != 3 {
				t.Errorf("no-store %v: %d fetches, %d decodes of %d renditions, want 1, 1 of 3", never, g.origin.count(), calls, specs)
			}
		})
	}
}

// TestBuildThatOutlastsItsTime verifies that renditions which were never tried alone are made for the reader who comes next.
func TestBuildThatOutlastsItsTime(t *testing.T) {
	for _, takes := range []time.Duration{20 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.warm(t, remote(t))
			g.engine.takes.Store(int64(takes))
			_, _, err := g.Build(t.Context(), Build{Source: remote(t), Idle: true, Choose: func(*Original) []transform.Spec {
				return []transform.Spec{webp(480), webp(640), webp(828), webp(960), webp(1280), webp(1600)}
			}})
			if class(t, err) != TimedOut {
				t.Fatalf("got %v, want class %s", err, TimedOut)
			}
			g.engine.takes.Store(0)
			synctest.Wait()
			if _, err := g.one(t, remote(t), 1600); err != nil {
				t.Errorf("each takes %s: %v", takes, err)
			}
		})
	}
}

func TestBuildAsks(t *testing.T) {
	nothing := func(*Original) []transform.Spec { return nil }
	for _, tt := range []struct {
		name  string
		build Build
		after time.Duration
		err   error
		want  int // requests after the first
		fails Class
	}{
		{"fresh", Build{}, time.Hour, nil, 0, ""},
		{"stale", Build{}, 25 * time.Hour, nil, 1, ""},
		{"stale, and the origin fails", Build{}, 25 * time.Hour, fetch.ErrUnreachable, 1, Unreachable},
		{"asked always", Build{Ask: true}, 0, nil, 1, ""},
		{"asked before its age", Build{Ask: true, MaxAge: 2 * time.Hour}, time.Hour, nil, 0, ""},
		{"asked after its age", Build{Ask: true, MaxAge: 2 * time.Hour}, 3 * time.Hour, nil, 1, ""},
		{"asked, and the origin fails", Build{Ask: true}, time.Hour, fetch.ErrUnreachable, 1, Unreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.warm(t, remote(t))
				time.Sleep(tt.after)
				g.origin.set(func(o *fakeOrigin) { o.err = tt.err })
				tt.build.Source, tt.build.Choose = remote(t), nothing
				o, rends, err := g.Build(t.Context(), tt.build)
				if err != nil || len(rends) > 0 {
					t.Fatalf("got %d renditions, error %v", len(rends), err)
				}
				synctest.Wait()
				if got := g.origin.count() - 1; got != tt.want || o.Failure != tt.fails {
					t.Errorf("%d requests and failure %q, want %d and %q", got, o.Failure, tt.want, tt.fails)
				}
			})
		})
	}
}

// TestBuildAsksTheFile verifies that a file of the site is looked at although it was a moment ago.
func TestBuildAsksTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		src := local(t)
		g.warm(t, src)
		for i, ask := range []bool{false, true} {
			if _, _, err := g.Build(t.Context(), Build{Source: src, Ask: ask, Choose: func(*Original) []transform.Spec { return nil }}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := g.origin.count(); got != 1+i {
				t.Errorf("ask %v: looked at %d times, want %d", ask, got, 1+i)
			}
		}
	})
}

func TestBuildAnswersWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.warm(t, remote(t))
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
		_, rends, err := g.Build(t.Context(), Build{Source: remote(t), Ask: true, Choose: func(*Original) []transform.Spec {
			return []transform.Spec{webp(320)}
		}})
		if err != nil || string(rends[0].Body) != "w320-h160.webp of two" {
			t.Fatalf("got %v, error %v", rends, err)
		}
	})
}

func TestBuildFails(t *testing.T) {
	g := newRig(t)
	g.origin.err = fetch.ErrNotFound
	_, _, err := g.Build(t.Context(), Build{Source: remote(t), Choose: func(*Original) []transform.Spec {
		t.Error("asked what to make of nothing")
		return nil
	}})
	if e, ok := errors.AsType[*Error](err); !ok || e.Class != NotFound {
		t.Errorf("got %v, want not-found", err)
	}
}
