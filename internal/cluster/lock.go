package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// lockLife is how long a lock outlives the node that holds it.
	lockLife = 3 * time.Second
	// lockExtend is how often it is told that the node lives.
	lockExtend = time.Second
	// lockMost ends a lock that somebody forgot to release: no work takes as long.
	lockMost = 2 * time.Minute
	// lockPoll and lockPollMost are the pauses between two looks at a lock that another node holds.
	lockPoll     = 10 * time.Millisecond
	lockPollMost = 80 * time.Millisecond
	// inVain is how many waits in a row have to end without the lock before none is waited for, for restFor: no work takes as long
	// that often, so what holds them is nobody's.
	inVain  = 4
	restFor = 30 * time.Second
)

// The scripts compare the holder first: a lock that ran out may be another node's.
const (
	extendScript  = `if redis.call("GET",KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE",KEYS[1],ARGV[2]) end return 0`
	releaseScript = `if redis.call("GET",KEYS[1]) == ARGV[1] then return redis.call("DEL",KEYS[1]) end return 0`
)

// Lock takes the cluster's locks of keys, waiting for other nodes at most until ctx ends. look reports whether Redis had a
// say: then another node may have done the work meanwhile, and whoever has the locks looks for it once more. Without them
// the work goes on all the same.
//
// release must be called once; it returns at once. A lock says nothing for sure: it runs out when the node loses Redis, and a Redis that lies
// gives it to everybody.
func (n *Node) Lock(ctx context.Context, keys ...string) (release func(), look bool) {
	if len(keys) == 0 {
		return func() {}, false
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = "cutline:" + n.o.Prefix + ":lock:" + k
	}
	slices.Sort(names) // two nodes that want the same ones wait for each other in one order
	l := &lock{token: random(), until: time.Now().Add(lockMost)}
	results, ok := n.quick(ctx, func(b rueidis.Builder) []rueidis.Completed {
		all := make([]rueidis.Completed, len(names))
		for i, name := range names {
			all[i] = take(b, name, l.token)
		}
		return all
	})
	if !ok {
		n.stats.bypassed.Add(1)
		// It may have been taken all the same.
		l.names = names
		n.keeper.release(l)
		return func() {}, false
	}
	got := outcomeTaken
	for i, r := range results {
		switch taken, err := isTaken(r); {
		case err != nil: // an answer that is none
			n.breaker.note(err)
			n.report(err)
			got = outcomeBypassed
		case taken:
			l.names = append(l.names, names[i])
		default:
			got = max(got, n.waitFor(ctx, l, names[i]))
		}
	}
	n.stats.lock(got)
	n.keeper.add(l)
	return sync.OnceFunc(func() { n.keeper.release(l) }), got != outcomeBypassed
}

// waitFor waits for one lock that another node holds.
func (n *Node) waitFor(ctx context.Context, l *lock, name string) outcome {
	if n.keeper.resting() {
		return outcomeBypassed
	}
	for pause := lockPoll; ; pause = min(2*pause, lockPollMost) {
		select {
		case <-ctx.Done():
			n.keeper.waited(false)
			return outcomeTimedOut
		case <-n.ctx.Done():
			return outcomeBypassed
		case <-time.After(jitter(pause)):
		}
		results, ok := n.quick(ctx, func(b rueidis.Builder) []rueidis.Completed {
			return []rueidis.Completed{take(b, name, l.token), b.Pttl().Key(name).Build()}
		})
		switch {
		case !ok && ctx.Err() != nil:
			continue
		case !ok:
			return outcomeBypassed
		}
		if taken, err := isTaken(results[0]); err != nil {
			return outcomeBypassed
		} else if taken {
			n.keeper.waited(true)
			l.names = append(l.names, name)
			return outcomeWaited
		}
		// One that never runs out, or far too late, is none of ours. -2 is that it is gone.
		if left, err := results[1].AsInt64(); err != nil || left == -1 || left > lockLife.Milliseconds() {
			return outcomeBypassed
		}
	}
}

func take(b rueidis.Builder, name, token string) rueidis.Completed {
	return b.Set().Key(name).Value(token).Nx().PxMilliseconds(lockLife.Milliseconds()).Build()
}

// isTaken reads the answer to take: OK, or nil where another has it.
func isTaken(r rueidis.RedisResult) (bool, error) {
	text, err := r.ToString()
	switch {
	case rueidis.IsRedisNil(err):
		return false, nil
	case err != nil:
		return false, err
	case text != "OK":
		return false, errNonsense
	}
	return true, nil
}

// A lock is one or more keys that were taken together.
type lock struct {
	token string
	names []string
	until time.Time
}

// A keeper keeps locks alive, and lets them go. init makes it.
type keeper struct {
	mu   sync.Mutex
	held map[*lock]bool
	vain int       // waits in a row that ended without the lock
	rest time.Time // until then nobody waits
	let  chan *lock
}

func (k *keeper) init() {
	k.held = make(map[*lock]bool)
	k.let = make(chan *lock, 1024)
}

func (k *keeper) add(l *lock) {
	if len(l.names) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held[l] = true
}

// release has l let go, soon. Where too many are, it runs out by itself.
func (k *keeper) release(l *lock) {
	k.mu.Lock()
	delete(k.held, l)
	k.mu.Unlock()
	if len(l.names) == 0 {
		return
	}
	select {
	case k.let <- l:
	default:
	}
}

// waited notes how a wait ended.
func (k *keeper) waited(got bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.vain++; got {
		k.vain = 0
	}
	if k.vain >= inVain {
		k.vain, k.rest = 0, time.Now().Add(restFor)
	}
}

func (k *keeper) resting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Before(k.rest)
}

// all are the locks to extend; those that are held for too long are not among them any more.
func (k *keeper) all() []*lock {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []*lock
	for l := range k.held {
		if time.Now().After(l.until) {
			delete(k.held, l)
			continue
		}
		all = append(all, l)
	}
	return all
}

// keep extends locks that are held and lets go of those that are not.
func (n *Node) keep() {
	tick := time.NewTicker(lockExtend)
	defer tick.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case l := <-n.keeper.let:
			batch := []*lock{l}
			for more := true; more; {
				select {
				case l := <-n.keeper.let:
					batch = append(batch, l)
				default:
					more = false
				}
			}
			n.eval(releaseScript, batch)
		case <-tick.C:
			n.eval(extendScript, n.keeper.all(), lockLife)
		}
	}
}

// eval runs a script on all keys of locks.
func (n *Node) eval(script string, locks []*lock, life ...time.Duration) {
	if len(locks) == 0 {
		return
	}
	results, ok := n.quick(n.ctx, func(b rueidis.Builder) []rueidis.Completed {
		var all []rueidis.Completed
		for _, l := range locks {
			for _, name := range l.names {
				c := b.Eval().Script(script).Numkeys(1).Key(name).Arg(l.token)
				for _, d := range life {
					c = c.Arg(milliseconds(d))
				}
				all = append(all, c.Build())
			}
		}
		return all
	})
	if !ok || len(life) == 0 {
		return
	}
	for _, r := range results {
		if v, err := r.AsInt64(); err == nil && v == 0 {
			n.stats.expired.Add(1)
		}
	}
}
