package cluster

import (
	"strconv"
	"sync/atomic"
	"time"
)

// Stats counts what became of locks and messages since Open; counters only grow.
type Stats struct {
	Taken    int64 // locks that were free
	Waited   int64 // that another node held and let go in time
	TimedOut int64 // that it did not
	Bypassed int64 // that Redis had no say in: absent, slow or answering nonsense
	Expired  int64 // that ran out while they were held

	Sent     int64 // messages that Redis took
	Received int64 // that were applied, this node's own included
	Ignored  int64 // that were none
	Owed     int64 // that Redis has yet to take; goes up and down

	Connected bool          // the stream is being read
	Open      bool          // answers leave Redis alone
	Opened    int64         // how often that came about
	Epochs    int64         // how often Redis had lost its data, or more than this node had read
	Behind    time.Duration // since this node last knew that it had read everything; 0 before it ever did
}

type counters struct {
	taken, waited, timedOut, bypassed, expired atomic.Int64
	sent, received, ignored, epochs            atomic.Int64
}

// An outcome is how a call of Lock went. Of several keys, the greatest counts.
type outcome int

const (
	outcomeTaken outcome = iota
	outcomeWaited
	outcomeTimedOut
	outcomeBypassed
)

func (c *counters) lock(o outcome) {
	[...]*atomic.Int64{&c.taken, &c.waited, &c.timedOut, &c.bypassed}[o].Add(1)
}

// Stats is a snapshot.
func (n *Node) Stats() Stats {
	c := &n.stats
	n.outbox.mu.Lock()
	owed := len(n.outbox.owed)
	n.outbox.mu.Unlock()
	return Stats{
		Taken: c.taken.Load(), Waited: c.waited.Load(), TimedOut: c.timedOut.Load(), Bypassed: c.bypassed.Load(), Expired: c.expired.Load(),
		Sent: c.sent.Load(), Received: c.received.Load(), Ignored: c.ignored.Load(), Owed: int64(owed),
		Connected: n.reading.current(), Open: n.breaker.isOpen(), Opened: n.breaker.times.Load(), Epochs: c.epochs.Load(), Behind: n.reading.behind(),
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func milliseconds(d time.Duration) string { return decimal(d.Milliseconds()) }
