package cache

import "context"

// order has j, a pointer, wait for the originals that were put before it. It needs b.mu.
func (b *Behind) order(j *behindJob) {
	if !b.noWait || j.object == nil {
		return
	}
	switch j.key.Kind {
	case Original:
		b.originals[j] = true
	case Pointer:
		for original := range b.originals {
			original.pointer = append(original.pointer, j)
		}
		j.waits = len(b.originals)
	}
}

// release queues what waited for an original that has ended. It needs b.mu.
func (b *Behind) release(original *behindJob) {
	delete(b.originals, original)
	for _, j := range original.pointer {
		if j.waits--; j.waits == 0 && j.after == nil && !j.dropped && !j.started {
			b.enqueue(j)
		}
	}
	original.pointer = nil
}

// Settled waits until the store has done what was asked for keys before, at most until ctx ends, and returns ctx's error then.
// That it has kept them is not said.
func (b *Behind) Settled(ctx context.Context, keys ...Key) error {
	for _, k := range keys {
		b.mu.Lock()
		j := b.jobs[k]
		b.mu.Unlock()
		if j == nil {
			continue
		}
		select {
		case <-j.done: // a change that took its place was asked for later
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}
