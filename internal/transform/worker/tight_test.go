package worker

import (
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// TestTightMemory verifies that a job has less beside its estimate where memory is bounded by little, and that memory goes back at
// once then when no job follows a large one.
func TestTightMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	const need, mib = 100 << 20, 1 << 20
	slack := func(memory int64) int64 {
		l := &loop{memory: memory, seen: map[transform.Format]bool{}}
		l.limit(need, nil)
		return debug.SetMemoryLimit(-1) - need
	}
	for memory, want := range map[int64]int64{0: 64 * mib, 512 * mib: 64 * mib, 256 * mib: 32 * mib} {
		if got := slack(memory); got < want || got > want+20*mib { // and what is in use
			t.Errorf("bound of %d MiB: %d MiB beside the estimate, want %d and a few", memory/mib, got/mib, want/mib)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		for memory, want := range map[int64]time.Duration{0: idleTime, 256 * mib: tightTime} {
			l := &loop{memory: memory, jobs: make(chan job)}
			start := time.Now()
			if _, ok := l.next(true); ok || time.Since(start) != want {
				t.Errorf("bound of %d MiB: waited %s for another job, want %s", memory/mib, time.Since(start), want)
			}
		}
	})
}
