package main

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// pressedPercent is how much of what the soft limit leaves to the memory tier's rest may be live after a collection before nothing
	// more is begun. Beyond some nine tenths the collector runs one cycle after the other, for want of room in between.
	pressedPercent = 85
	// collectEvery is the least time between two collections that are asked for here: what is live is known from the last one, and
	// a server that begins nothing may not come to the next for two minutes.
	collectEvery = time.Second
)

// A pressure tells whether memory is short. It is safe for concurrent use.
type pressure struct {
	tier int64        // bytes that the memory tier may have
	held func() int64 // bytes that it has

	read    func() (live, limit uint64) // nil is the runtime's
	collect func()                      // nil is the runtime's

	mu        sync.Mutex
	collected time.Time
}

// pressed reports whether what was live after the last collection, the memory tier aside, is nearly all that may be in use beside it.
func (p *pressure) pressed() bool {
	read, collect := p.read, p.collect
	if read == nil {
		read, collect = heap, runtime.GC
	}
	live, limit := read()
	if int64(live)-p.held() < (int64(limit)-p.tier)/100*pressedPercent { //nolint:gosec // bytes of memory
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.collected) >= collectEvery {
		p.collected = now
		go collect()
	}
	return true
}

// heap is what was live after the last collection, and what the garbage collector is to stay within, in bytes. It takes a microsecond.
func heap() (live, limit uint64) {
	samples := [...]metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(samples[:])
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}

// tierBytes is what the memory tier may have under a soft limit: what is configured, unless the machine has less than the budgets
// add up to. Then it is what they leave, and a quarter at least, so that the rest can work.
func tierBytes(c *config, limit int64) int64 {
	return min(c.Cache.Memory, max(limit-3*c.Limits.Memory-besides, limit/4))
}
