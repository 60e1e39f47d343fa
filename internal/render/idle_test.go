package render

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// TestCloseGivesUpIdleWork verifies that what nobody waits for ends with the Renderer, and what somebody asked for is waited for.
func TestCloseGivesUpIdleWork(t *testing.T) {
	for _, idle := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.origin.gate = make(chan struct{})
			done := make(chan error, 1)
			go func() {
				_, _, err := g.Build(t.Context(), Build{Source: remote(t), Idle: idle, Choose: func(*Original) []transform.Spec { return nil }})
				done <- err
			}()
			synctest.Wait()
			start := time.Now()
			if err := g.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); (took == 0) != idle {
				t.Errorf("idle %t: closed after %s", idle, took)
			}
			if err := <-done; err == nil {
				t.Error("work that was given up came to something")
			}
			close(g.origin.gate)
		})
	}
}

// TestIdle verifies when there is time for what nobody asked for: when nothing is made; after patience, beside little; never while memory
// is short; and that a wait has an end.
func TestIdle(t *testing.T) {
	for _, tt := range []struct {
		name   string
		inside int
		short  bool
		want   time.Duration
		fails  bool
	}{
		{"nothing is made", 0, false, 0, false},
		{"a little is", 1, false, patience, false},
		{"much is", 8, false, longest, true},
		{"memory is short", 0, true, longest, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				short := false
				g := newGate(8, 8, time.Minute)
				g.short = func() bool { return short }
				for range tt.inside {
					leave, err := g.enter(t.Context(), "")
					if err != nil {
						t.Fatal(err)
					}
					defer leave()
				}
				short = tt.short
				start := time.Now()
				err := g.idle(t.Context(), start)
				if took := time.Since(start); took != tt.want || (err != nil) != tt.fails {
					t.Errorf("%v after %s, want after %s", err, took, tt.want)
				}
			})
		})
	}
}
