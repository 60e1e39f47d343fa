package cluster

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// A breaker leaves Redis alone after failures, so that no answer waits for it in vain. No answer is used to find out whether Redis
// is back either: a goroutine asks. The zero value is closed. It is safe for concurrent use.
type breaker struct {
	failures atomic.Int64 // in a row
	opened   atomic.Bool
	times    atomic.Int64
}

// breakAfter is how many failures in a row open it. One may be a pause of this process.
const breakAfter = 2

func (b *breaker) isOpen() bool { return b.opened.Load() }

func (b *breaker) open() {
	if !b.opened.Swap(true) {
		b.times.Add(1)
	}
}

// note takes how an operation went.
func (b *breaker) note(err error) {
	switch {
	case err == nil:
		if b.failures.Load() != 0 {
			b.failures.Store(0)
		}
	case b.failures.Add(1) >= breakAfter:
		b.open()
	}
}

func (b *breaker) close() {
	b.failures.Store(0)
	b.opened.Store(false)
}

// probeEvery is how often Redis is asked whether it is as fast as it has to be: at once after it was not, and then now and then.
const probeEvery = time.Second

// probe closes the breaker when Redis takes something within what an answer waits for. A replica, or a server whose memory is full, answers
// and takes nothing.
func (n *Node) probe() {
	c := n.await()
	if c == nil {
		return
	}
	for {
		if n.breaker.isOpen() || n.lost.Load() {
			ctx, cancel := context.WithTimeout(n.ctx, operation)
			err := c.Do(ctx, c.B().Set().Key(n.probeKey()).Value(n.name).PxMilliseconds(probeEvery.Milliseconds()).Build()).Error()
			cancel()
			if err == nil {
				n.breaker.close()
			}
			if err != nil || !n.stuck.Load() {
				n.report(err)
			}
		}
		if !n.sleep(probeEvery) {
			return
		}
	}
}

// quick runs commands that an answer waits for, of which any may fail. ok is false where Redis is left alone or did not answer in
// time: it is as if it were not there.
func (n *Node) quick(ctx context.Context, commands func(rueidis.Builder) []rueidis.Completed) (results []rueidis.RedisResult, ok bool) {
	c := n.reach()
	if c == nil || n.breaker.isOpen() {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, operation)
	defer cancel()
	began := time.Now()
	results = c.DoMulti(ctx, commands(c.B())...)
	for _, r := range results {
		if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
			// That the caller had less time is not Redis' fault.
			if time.Since(began) >= operation || ctx.Err() == nil {
				n.breaker.note(err)
				n.report(err)
			}
			return nil, false
		}
	}
	n.breaker.note(nil)
	return results, true
}

// jitter is about d, so that nodes do not do the same things at the same moments.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // no secret
}
