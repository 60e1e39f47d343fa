package render

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A witness remembers the stages that it is told of, and whose request they were for.
type witness struct {
	mu     sync.Mutex
	stages []Stage
	of     []any
}

type requestKey struct{}

func (w *witness) Stage(ctx context.Context, s Stage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stages, w.of = append(w.stages, s), append(w.of, ctx.Value(requestKey{}))
}

// take returns the names of the stages since it was last called, sorted, and checks them.
func (w *witness) take(t *testing.T, of string) (names []string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.stages {
		names = append(names, s.Name)
		if s.Begun.IsZero() || s.Ended.Before(s.Begun) || w.of[i] != of {
			t.Errorf("%s from %s to %s, of %v; want %s", s.Name, s.Begun, s.Ended, w.of[i], of)
		}
	}
	w.stages, w.of = nil, nil
	slices.Sort(names)
	return names
}

// TestStages verifies that each step of a cold and of a warm answer is told once, of the request that led it, also where that is gone.
func TestStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, w := newRig(t), &witness{}
		g.configure(Options{Observer: w})
		ask := func(of string) error {
			ctx, leave := context.WithTimeout(context.WithValue(t.Context(), requestKey{}, of), time.Minute)
			defer leave()
			_, err := g.Render(ctx, Request{Source: remote(t), Specs: []transform.Spec{webp(320)}})
			return err
		}
		if err := ask("cold"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		// The original, its pointer and the rendition are stored; the fake engine says how long it took, and not when.
		if got, want := w.take(t, "cold"), []string{"fetch", "lookup", "store", "store", "store"}; !slices.Equal(got, want) {
			t.Errorf("cold: %q, want %q", got, want)
		}
		if err := ask("warm"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got, want := w.take(t, "warm"), []string{"lookup"}; !slices.Equal(got, want) {
			t.Errorf("warm: %q, want %q", got, want)
		}
	})
}

func TestFailedFetchIsToldByClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, w := newRig(t), &witness{}
		g.configure(Options{Observer: w})
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrTimeout })
		if _, err := g.one(t, remote(t), 320); err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		i := slices.IndexFunc(w.stages, func(s Stage) bool { return s.Name == "fetch" })
		if i < 0 || w.stages[i].Class != TimedOut || w.stages[i].Host != "origin.example" {
			t.Errorf("stages %+v: want a fetch that timed out", w.stages)
		}
	})
}

// TestTransformStages verifies that stages have the engine's own times, and that what came before them was the wait.
func TestTransformStages(t *testing.T) {
	w := &witness{}
	r := &Renderer{o: Options{Observer: w}}
	asked := time.Now()
	at := func(ms int) time.Time { return asked.Add(time.Duration(ms) * time.Millisecond) }
	took := transform.Timing{
		Decode: 10 * time.Millisecond, Resize: 5 * time.Millisecond, Encode: 20 * time.Millisecond,
		Began: transform.Began{Decode: at(7), Resize: at(17), Encode: at(30)},
	}
	shared := took
	shared.Resize, shared.Began.Resize = 0, time.Time{} // has the pixels of the first
	r.transformStages(t.Context(), transform.JPEG, asked, []transform.Output{
		{Format: transform.WebP, Body: make([]byte, 9), Took: took}, {Format: transform.PNG, Took: shared},
	})
	want := []Stage{
		{Name: "queue", Begun: asked, Ended: at(7)},
		{Name: "decode", Begun: at(7), Ended: at(17), Format: transform.JPEG},
		{Name: "resize", Begun: at(17), Ended: at(22), Format: transform.WebP},
		{Name: "encode", Begun: at(30), Ended: at(50), Format: transform.WebP, Bytes: 9},
		{Name: "encode", Begun: at(30), Ended: at(50), Format: transform.PNG},
	}
	if !slices.Equal(w.stages, want) {
		t.Errorf("%+v, want %+v", w.stages, want)
	}
}

// TestLoad verifies that work is counted while it is under way and waits, and what is turned away by its reason.
func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, short := newRig(t), false
		g.configure(Options{Short: func() bool { return short }})
		release := g.hang()
		g.rush(t.Context(), t, fetchingOfHost+2, "slow.example")
		if l := g.Load().Fetches; l.Working != fetchingOfHost || l.Waiting != 2 {
			t.Errorf("%+v, want %d at work and 2 that wait", l, fetchingOfHost)
		}
		more := g.rush(t.Context(), t, insideOfHost+3, "slow.example") // of which the first wait for the same flights
		wantBusy(t, more, 3)
		if got := g.Load().Fetches.Rejected["host"]; got != 3 {
			t.Errorf("%d turned away for their host, want 3", got)
		}
		short = true
		wantBusy(t, g.rush(t.Context(), t, 1, "other.example"), 1)
		if got := g.Load().Fetches.Rejected["memory"]; got != 1 {
			t.Errorf("%d turned away for memory, want 1", got)
		}
		short = false
		release()
		synctest.Wait()
		l := g.Load()
		if l.Fetches.Working+l.Fetches.Waiting+l.Renders.Working+l.Renders.Waiting != 0 {
			t.Errorf("%+v at the end, want nothing under way", l)
		}
	})
}
