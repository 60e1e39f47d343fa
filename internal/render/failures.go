package render

import (
	"sync"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
)

// failures remembers, in memory, what failed a moment ago and has no pointer to remember it: renditions that took too
// long, and originals that may not be kept and cannot be decoded. The zero value is ready. It is safe for concurrent use.
type failures struct {
	mu    sync.Mutex
	byKey map[cache.Key]failed
}

// A failed is a failure and whose it is.
type failed struct {
	failure
	src source.Source
}

// maxFailures bounds the map: some 300 KB.
const maxFailures = 4096

// add remembers e for its pause.
func (f *failures) add(k cache.Key, e *Error, now time.Time) {
	pause := e.pause()
	if pause == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.byKey) >= maxFailures {
		clear(f.byKey) // they are hints; forgetting all costs one attempt each
	}
	if f.byKey == nil {
		f.byKey = make(map[cache.Key]failed)
	}
	f.byKey[k] = failed{failure{Class: e.Class, RetryAt: now.Add(pause)}, e.Source}
}

// get returns the error that is remembered for k, or nil.
func (f *failures) get(k cache.Key, src source.Source, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, ok := f.byKey[k]
	if !ok {
		return nil
	}
	if !found.resting(now) {
		delete(f.byKey, k)
		return nil
	}
	return found.remembered(src, now)
}
