package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// BehindOptions configures a Behind. The zero value waits with 32 MiB and reports nothing.
type BehindOptions struct {
	// MaxBytes bounds the objects that wait or are being written. Beyond it renditions are dropped, beyond twice as much
	// originals, which perhaps cannot be had again, and beyond three times as much pointers. 0 means 32 MiB.
	MaxBytes int64
	// NoWait lets no Put wait, whatever its kind: for a store behind a network, of which no answer depends. A pointer is then
	// put after the originals that were put before it.
	NoWait bool
	// Report is told what no Put can return any more: that the medium failed to keep an object, or to forget the one that
	// it replaces; and once with nil that it keeps objects again. It is called concurrently. nil drops it.
	Report func(err error)
	// Exists is told of the keys under which the store keeps another object than was put (ErrExists). It is called by a writer,
	// and may call the store, but not the Behind's Put or Delete of that key. nil drops it.
	Exists func(k Key)
}

const (
	defaultBehindBytes = 32 << 20
	// behindWriters is how many objects are written at a time. They mostly wait: for fsync, which a journal does for
	// several at once, or for a network.
	behindWriters = 4
	// behindTime bounds one Put behind; a disk or a network that takes longer is broken.
	behindTime = 10 * time.Second
	// behindCloseTime bounds how long Close writes what waits: well below what service managers give a process.
	behindCloseTime = 5 * time.Second
	// behindJobs bounds what waits, whatever its size: without bytes a job takes less than 200.
	behindJobs = 1 << 16
)

// Behind is a Store that puts renditions into a slower one behind the caller's back, so that a slow disk delays nobody: Put returns
// at once. A Put of an original or a pointer waits for the store, and goes before renditions: who puts one (a fetch, a tombstone)
// relies on it after a crash, and a pointer may only name an original that is there. With NoWait only PutLasting waits. Until an
// object is written Get finds it here.
// What is beyond MaxBytes is dropped: then the object is not kept, and neither is what was there before.
//
// What waits is lost when the process is killed; the store loses at most the last moments, and never mixes them. Delete
// waits too: once it returned nil the store has forgotten the object, for good if the store keeps that promise.
//
// The changes of one key happen in the order in which they were asked for.
type Behind struct {
	store  Store
	max    int64
	noWait bool
	report func(error)
	exists func(Key)

	writers sync.WaitGroup
	cancel  context.CancelFunc
	ctx     context.Context

	mu   sync.Mutex
	wake sync.Cond // a job was queued, or closed was set
	jobs map[Key]*behindJob
	// originals are those that pointers have to wait for, with NoWait: put and not ended.
	originals map[*behindJob]bool
	urgent    []*behindJob // originals and pointers, for which somebody waits
	queue     []*behindJob // the rest
	bytes     int64
	closed    bool
	failing   bool
	stats     Stats
}

var _ Store = (*Behind)(nil)

// behindJob is the latest change of a key that was asked for: to keep object, or to forget the key where it is nil.
type behindJob struct {
	key     Key
	object  *Object
	started bool          // it will be done; a later change has to wait for done
	dropped bool          // a later change took its place before it started
	after   chan struct{} // done of the change before, if that is under way; the job is queued when it ends
	waits   int           // originals that have to end before this pointer is queued
	pointer []*behindJob  // what waits for this original
	done    chan struct{}
	err     error // why the store did not keep object; to be read after done
}

func (j *behindJob) bytes() int64 {
	if j.object == nil {
		return 0
	}
	return int64(len(j.object.Meta) + len(j.object.Body))
}

// NewBehind makes a Behind in front of store, which it does not own; Close ends it. It returns an error for a negative
// MaxBytes.
func NewBehind(store Store, o BehindOptions) (*Behind, error) {
	if o.MaxBytes < 0 {
		return nil, fmt.Errorf("cache: %d bytes to wait: must not be negative", o.MaxBytes)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultBehindBytes
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	if o.Exists == nil {
		o.Exists = func(Key) {}
	}
	b := &Behind{
		store: store, max: o.MaxBytes, noWait: o.NoWait, report: o.Report, exists: o.Exists,
		jobs: map[Key]*behindJob{}, originals: map[*behindJob]bool{},
	}
	b.wake.L = &b.mu
	b.ctx, b.cancel = context.WithCancel(context.Background())
	for range behindWriters {
		b.writers.Go(b.write)
	}
	return b, nil
}

// Get implements Store.
func (b *Behind) Get(ctx context.Context, k Key) (*Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	j := b.jobs[k]
	b.mu.Unlock()
	switch {
	case j == nil:
		return b.store.Get(ctx, k)
	case j.object == nil:
		return nil, ErrMiss
	}
	return j.object, nil
}

// Put implements Store. It waits with originals and pointers, at most until ctx ends; what is under way then goes on. It copies o, as
// Memory does.
func (b *Behind) Put(ctx context.Context, k Key, o *Object) error {
	return b.putAndWait(ctx, k, o, k.Kind != Rendition && !b.noWait)
}

// PutLasting is Put, but waits for the store whatever the kind, and whatever else.
func (b *Behind) PutLasting(ctx context.Context, k Key, o *Object) error {
	return b.putAndWait(ctx, k, o, true)
}

func (b *Behind) putAndWait(ctx context.Context, k Key, o *Object, wait bool) error {
	err := ctx.Err()
	if err == nil {
		err = Check(k, o)
	}
	if err != nil {
		return err
	}
	j := &behindJob{key: k, done: make(chan struct{})}
	j.object = &Object{Meta: append([]byte(nil), o.Meta...), Body: append([]byte(nil), o.Body...), Public: o.Public}
	if err := b.take(j); err != nil || !wait {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take has j done, or turns it into one that forgets its key, where too much waits.
func (b *Behind) take(j *behindJob) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Puts++
	waiting := b.bytes
	if before := b.jobs[j.key]; before != nil && !before.started {
		waiting -= before.bytes()
	}
	full := waiting+j.bytes() > b.max*int64(Rendition-j.key.Kind+1)
	if full || b.closed || len(b.jobs) >= behindJobs {
		b.stats.Dropped++
		j.object = nil // what the store has is not what was put last
		j.err = fmt.Errorf("%w: too much waits to be written, or it is closed", ErrNotKept)
	}
	// An original's earlier bytes are the same.
	if b.closed || len(b.jobs) >= behindJobs || full && j.key.Kind == Original {
		return j.err
	}
	b.add(j)
	b.order(j)
	if j.after == nil && j.waits == 0 {
		b.enqueue(j)
	}
	return nil
}

// add makes j the latest change of its key. It needs b.mu.
func (b *Behind) add(j *behindJob) {
	if before := b.jobs[j.key]; before != nil {
		if before.started {
			j.after = before.done
		} else {
			before.dropped, j.after = true, before.after
			b.bytes -= before.bytes()
			close(before.done)
			b.release(before)
		}
	}
	b.jobs[j.key] = j
	b.bytes += j.bytes()
}

// enqueue has a writer do j. It needs b.mu.
func (b *Behind) enqueue(j *behindJob) {
	if j.key.Kind != Rendition {
		b.urgent = append(b.urgent, j)
	} else {
		b.queue = append(b.queue, j)
	}
	b.wake.Signal()
}

// finish ends j, and has the key's next change done.
func (b *Behind) finish(j *behindJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= j.bytes()
	close(j.done)
	latest := b.jobs[j.key]
	switch {
	case latest == j:
		delete(b.jobs, j.key)
		if b.closed && len(b.jobs) == 0 {
			b.wake.Broadcast()
		}
	case !latest.started && latest.after == j.done:
		latest.after = nil
		if latest.waits == 0 {
			b.enqueue(latest)
		}
	}
	b.release(j)
}

// next waits for a job to do, and returns nil when there will be none.
func (b *Behind) next() *behindJob {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for _, q := range [...]*[]*behindJob{&b.urgent, &b.queue} {
			for len(*q) > 0 {
				j := (*q)[0]
				(*q)[0], *q = nil, (*q)[1:]
				if !j.dropped {
					j.started = true
					return j
				}
			}
		}
		if b.closed && len(b.jobs) == 0 {
			return nil
		}
		b.wake.Wait()
	}
}

// write is one writer.
func (b *Behind) write() {
	for j := b.next(); j != nil; j = b.next() {
		if b.ctx.Err() == nil {
			b.do(j)
		} else { // Close waited long enough
			j.err = fmt.Errorf("%w: closed", ErrNotKept)
		}
		b.finish(j)
		if errors.Is(j.err, ErrExists) { // after it, so that who waits for j does not wait for this
			b.exists(j.key)
		}
	}
}

func (b *Behind) do(j *behindJob) {
	ctx, cancel := context.WithTimeout(b.ctx, behindTime)
	defer cancel()
	if j.object == nil {
		b.tell(b.store.Delete(ctx, j.key))
		return
	}
	b.put(ctx, j)
}

// put keeps j's object. Where that fails, the store shall not keep an earlier one either.
func (b *Behind) put(ctx context.Context, j *behindJob) {
	err := b.store.Put(ctx, j.key, j.object)
	declined := errors.Is(err, ErrNotKept)
	if !declined {
		b.tell(err)
	}
	if err == nil {
		return
	}
	j.err = fmt.Errorf("%w: %w", ErrNotKept, err) // of ErrNotKept too, because the medium's own were told
	b.mu.Lock()
	b.stats.Dropped++
	b.mu.Unlock()
	if j.key.Kind == Original || errors.Is(err, ErrExists) {
		return // under its own sum the earlier bytes are the same, and what was first is what counts
	}
	if err := b.store.Delete(context.WithoutCancel(ctx), j.key); err != nil {
		b.tell(err)
	}
}

// tell reports err, or nil if it is the first after failures.
func (b *Behind) tell(err error) {
	b.mu.Lock()
	changed := err != nil || b.failing
	b.failing = err != nil
	b.mu.Unlock()
	if changed {
		b.report(err)
	}
}

// Delete implements Store. It waits for a Put of k that is being written, at most until ctx ends; then the store forgets
// k as soon as it can.
func (b *Behind) Delete(ctx context.Context, k Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &behindJob{key: k, started: true, done: make(chan struct{})}
	b.mu.Lock()
	b.stats.Deletes++
	b.add(j)
	b.mu.Unlock()
	if j.after != nil {
		select {
		case <-j.after:
		case <-ctx.Done():
			go func() {
				<-j.after
				b.tell(b.store.Delete(b.ctx, k))
				b.finish(j)
			}()
			return ctx.Err()
		}
	}
	defer b.finish(j)
	return b.store.Delete(ctx, k)
}

// Stats counts Puts, Deletes and Dropped; Objects and Bytes are those that wait or are being written. What the store did it
// counts itself.
func (b *Behind) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := b.stats
	st.Objects, st.Bytes = int64(len(b.jobs)), b.bytes
	return st
}

// Close writes what waits, for 5 s at most, reports that it dropped the rest, and does not wait for a Put that the store does
// not end. It returns no error. Puts that follow are ErrNotKept. A second Close does nothing.
func (b *Behind) Close() error {
	b.mu.Lock()
	b.closed = true
	b.wake.Broadcast()
	b.mu.Unlock()
	written := make(chan struct{})
	go func() {
		b.writers.Wait()
		close(written)
	}()
	timer := time.NewTimer(behindCloseTime)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
		b.mu.Lock()
		left := len(b.jobs)
		b.mu.Unlock()
		b.report(fmt.Errorf("cache: %d objects were not written before the end", left))
	}
	b.cancel()
	return nil
}
