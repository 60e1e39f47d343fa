package main

import (
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// besides is for what the configuration's budgets do not count: originals on their way, the formats made aside, the
	// catalog, connections, the program itself.
	besides = 256 << 20
	// ofContainer is what the soft limit may take of the container's memory, in percent: the rest is for stacks, the encoders'
	// code and the kernel's buffers, and for the time until the garbage collector notices.
	ofContainer = 80
)

// softLimit is what the garbage collector is told to stay within, in bytes: the memory tier, once the budget for decoding
// and twice that for encoding (transform's default), and besides; less where the container has less. Without it the heap
// may grow to twice what is in use before anything is collected, which no budget bounds.
//
// It is soft: when more is in use, collecting takes up to half of the processors' time, and nothing fails. That takes every
// budget to be used up at one time.
func softLimit(c *config, container memlimit.Provider) memlimit.Provider {
	return func() (uint64, error) {
		limit := uint64(c.Cache.Memory) + 3*uint64(c.Limits.Memory) + besides + headroom //nolint:gosec // configuration has no negative ones
		if all, err := container(); err == nil {                                         // an error is no container, or none that says what it has
			limit = min(limit, all/100*ofContainer)
		}
		return limit, nil
	}
}

// leastEncode is what encoding gets however small the limit is: a WebP of two megapixels at a time.
const leastEncode = 64 << 20

// encodeBudgets are what may be encoded at one time within the collector's soft limit, and the most for one picture, in bytes:
// transform's default and no bound (0), or what a smaller limit leaves, and that with what decoding has at other times: what needs more
// than the first is made alone. Without them, readers of one large AVIF would have a small container's kernel end the program.
func encodeBudgets(c *config, limit int64) (all, most int64) {
	all = limit - c.Cache.Memory - c.Limits.Memory - besides - headroom
	if all >= 2*c.Limits.Memory {
		return 0, 0
	}
	all = max(all, leastEncode)
	return all, all + c.Limits.Memory
}

// headroom is the size of a heap object that nobody touches, in bytes. It takes address space and no memory, and has the collector
// begin at 128 MB rather than whenever the heap has doubled. With an empty cache that is at 20 MB, which 15,000 hits a second
// allocate eight times in that second, and each collection holds up who asks meanwhile.
const headroom = 64 << 20

// newHeadroom is that object; nil within a limit that has no room for it. It is there for as long as somebody refers to it.
func newHeadroom(limit int64) []byte {
	if limit < 8*headroom {
		return nil
	}
	return make([]byte, headroom)
}

// limitMemory sets the soft limit, unless the environment sets GOMEMLIMIT: whoever does knows the machine.
func limitMemory(c *config, container memlimit.Provider, log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(1), memlimit.WithProvider(softLimit(c, container)))
	if err != nil {
		log.Warn("memory is not limited", "err", err)
		return
	}
	log.Debug("memory", "soft_limit", limit)
}
