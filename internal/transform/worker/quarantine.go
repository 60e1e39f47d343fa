package worker

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

const (
	// quarantined is how many sources are kept in mind: 40 bytes each.
	quarantined = 4096
	// quarantineTime is how long. Memory that ran short, or an operator's kill, can end two workers in a row too.
	quarantineTime = time.Hour
)

// A quarantine is the sources that ended two workers, by their sums.
type quarantine struct {
	now  func() time.Time
	mu   sync.Mutex
	list []bad // oldest first
}

// A bad is a source that is not given to workers.
type bad struct {
	length int // most other sources differ in it, and need no sum
	sum    [sha256.Size]byte
	until  time.Time
}

func newQuarantine(now func() time.Time) *quarantine {
	return &quarantine{now: now}
}

// has reports whether src is in quarantine.
func (q *quarantine) has(src []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.list = slices.DeleteFunc(q.list, func(b bad) bool { return now.After(b.until) })
	if !slices.ContainsFunc(q.list, func(b bad) bool { return b.length == len(src) }) {
		return false
	}
	sum := sha256.Sum256(src)
	return slices.ContainsFunc(q.list, func(b bad) bool { return b.sum == sum })
}

// add puts src into quarantine.
func (q *quarantine) add(src []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) >= quarantined {
		q.list = slices.Delete(q.list, 0, 1)
	}
	q.list = append(q.list, bad{len(src), sha256.Sum256(src), q.now().Add(quarantineTime)})
}
