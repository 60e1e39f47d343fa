package main

import (
	"log/slog"
	"sync"
	"time"
)

// tierLogInterval is the least time between two warnings about one tier. A full disk fails with every picture, and a
// line for each would fill what is left of it.
const tierLogInterval = 10 * time.Second

// A tierLog logs what one tier of the cache fails to do: the first failure at once, then at most one line per
// tierLogInterval with the number of failures since the line before, and one line when the tier works again after a
// warning. It is safe for concurrent use.
type tierLog struct {
	log  *slog.Logger
	tier string // "disk"

	mu      sync.Mutex
	quiet   time.Time // no warning before
	unsaid  int       // failures since the last line
	failing bool      // the last line was a warning
}

// report takes one failure, or nil when the tier works again; see cache.TiersOptions.
func (l *tierLog) report(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		if l.failing { // said once per warning: a tier that fails now and then must not log through the other door
			l.log.Info("the cache tier works again", "tier", l.tier, "failures", l.unsaid)
			l.failing, l.unsaid = false, 0
		}
		return
	}
	l.unsaid++
	now := time.Now()
	if now.Before(l.quiet) {
		return
	}
	l.log.Warn("a cache tier fails: pictures are served but not kept there", "tier", l.tier, "failures", l.unsaid, "err", err)
	l.failing, l.unsaid, l.quiet = true, 0, now.Add(tierLogInterval)
}
