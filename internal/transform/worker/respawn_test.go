//go:build linux

package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// TestWarmWorkersStay verifies that to be made ready is no job, after which a worker would be replaced by one that has to be made
// ready too, and so on.
func TestWarmWorkersStay(t *testing.T) {
	for name, o := range map[string]worker.Options{"jobs": {MaxJobs: 1}, "memory": {MaxResident: 1}} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "rogue", o)
			start(t, e)
			if err := e.Warm(t.Context(), transform.JPEG); err != nil {
				t.Fatal(err)
			}
			first := children(t, 1)[0]
			time.Sleep(2 * time.Second)
			if now := children(t, 1)[0]; now != first {
				t.Errorf("worker %d gave way to %d without a job", first, now)
			}
			if a, b := pid(t, e), pid(t, e); a == b {
				t.Errorf("worker %d was not replaced after its job", a)
			}
			if s := e.Stats(); s.Retired < 1 || s.Started < s.Retired || s.Crashed != 0 || s.Failing {
				t.Errorf("%+v: want one that was retired at least, and none that was not started", s)
			}
		})
	}
}

// TestFills verifies that a job which had to start its worker has the others started too: after a refill that gave up, nobody else
// would.
func TestFills(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{Count: 3})
	pid(t, e)
	children(t, 3)
}

// TestRelatives covers a worker that has no sandbox and leaves a process behind that holds its standard error: nobody waits for that.
func TestRelatives(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{Open: true})
	pid(t, e)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := e.Transform(ctx, order("leave 4"), one()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	pid(t, e)
}
