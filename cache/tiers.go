package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// TiersOptions configures Tiers. The zero value reports nothing.
type TiersOptions struct {
	// Report is told what Put swallows: that a tier's medium failed to keep an object, or to forget the one that it
	// replaces (err says which and why), on a Put of the caller's or a fill; and with a nil err that the tier keeps objects
	// again, once after failures. A stack over a full or read-only disk works, and without this nobody would know that the
	// next start begins with nothing.
	//
	// An object that a sound tier declines (ErrNotKept) and an end of ctx are no failures. Misses are not reported, whatever
	// their reason: the tier's own Stats count them. What Delete failed to do, it returns.
	//
	// tier counts from 0, the fastest. Report is called concurrently and while other Puts may wait for it: it must return
	// soon and may not call the Tiers. nil drops what it would be told.
	Report func(tier int, err error)
}

// Tiers is a stack of stores, fastest first. A Get asks them in order and fills what it found into the faster ones; Put
// and Delete go to all. A tier that fails is a slow miss, never an error of the stack; TiersOptions.Report is told.
//
// A fill may not bring back what was deleted or replaced meanwhile. Without care this could happen:
//
//  1. Get misses in memory and reads the old object from disk;
//  2. Delete removes it from memory, then from disk, and returns;
//  3. Get puts the old object into memory.
//
// So Put and Delete hold a lock of their key's stripe and count up its generation before they let go; a Get notes the
// generation before it asks a slower tier, and fills only if it can take the lock at once and the generation is the same.
// A fill is an optimisation, so it never waits. A hit in the first tier touches neither lock nor generation.
//
// The generation knows the changes made through this Tiers only: when another process replaces a pointer on a shared
// disk, this one's memory has the earlier pointer until it evicts or refreshes it.
type Tiers struct {
	stores  []Store
	report  func(tier int, err error)
	failing []atomic.Bool // by tier: the last Put that the medium had to do with failed
	stripes [tierStripes]tierStripe
}

var _ Store = (*Tiers)(nil)

// tierStripes is how many locks all keys share. A Put to disk holds one for two fsyncs (a few milliseconds), so there
// are enough that unrelated Puts seldom meet.
const tierStripes = 256

// tierStripe belongs to the keys of one hash class.
type tierStripe struct {
	busy       chan struct{} // a lock that can be given up when ctx ends; holds an element while locked
	generation atomic.Uint64 // Puts and Deletes that ended
}

// lock takes the stripe or returns ctx's error.
func (s *tierStripe) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *tierStripe) tryLock() bool {
	select {
	case s.busy <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *tierStripe) unlock() { <-s.busy }

// NewTiers stacks stores, fastest first. It does not own them: whoever opened them closes them, after the last call.
func NewTiers(o TiersOptions, stores ...Store) *Tiers {
	t := &Tiers{stores: stores, report: o.Report, failing: make([]atomic.Bool, len(stores))}
	for i := range t.stripes {
		t.stripes[i].busy = make(chan struct{}, 1)
	}
	return t
}

func (t *Tiers) stripe(k Key) *tierStripe { return &t.stripes[k.hash()%tierStripes] }

// Get implements Store. When all tiers miss, the reason is the last one's. What it found in a slower tier it has offered
// to the faster ones when it returns.
func (t *Tiers) Get(ctx context.Context, k Key) (*Object, error) {
	if len(t.stores) == 0 {
		return nil, ErrMiss
	}
	o, err := t.stores[0].Get(ctx, k)
	if err == nil {
		return o, nil
	}
	generation := t.stripe(k).generation.Load()
	for i := 1; i < len(t.stores); i++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if o, err = t.stores[i].Get(ctx, k); err == nil {
			t.fill(ctx, k, o, i, generation)
			return o, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, ErrMiss):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrMiss, err)
}

// fill offers o, which was found in tier found, to the faster ones, nearest first, unless k changed or is changing since
// generation was noted.
func (t *Tiers) fill(ctx context.Context, k Key, o *Object, found int, generation uint64) {
	s := t.stripe(k)
	if !s.tryLock() {
		return
	}
	defer s.unlock()
	if s.generation.Load() != generation {
		return
	}
	for tier := range slices.Backward(t.stores[:found]) {
		// A tier that does not keep o only stays slow for it.
		_ = t.putTier(ctx, tier, k, o)
	}
}

// putTier is Put on one tier. What its medium failed to do is reported.
func (t *Tiers) putTier(ctx context.Context, tier int, k Key, o *Object) error {
	return t.putWith(ctx, t.stores[tier].Put, tier, k, o)
}

func (t *Tiers) putWith(
	ctx context.Context, put func(context.Context, Key, *Object) error, tier int, k Key, o *Object,
) error {
	err := put(ctx, k, o)
	switch {
	case err == nil:
		// Looked at first: a write would take the cache line from the other CPUs on each Put.
		if t.failing[tier].Load() && t.failing[tier].CompareAndSwap(true, false) && t.report != nil {
			t.report(tier, nil)
		}
	case ctx.Err() == nil && !errors.Is(err, ErrNotKept):
		t.fail(tier, err)
	}
	return err
}

// fail reports what tier's medium failed to do.
func (t *Tiers) fail(tier int, err error) {
	t.failing[tier].Store(true)
	if t.report != nil {
		t.report(tier, err)
	}
}

// Put implements Store. It returns an error only when no tier kept o: ctx's, or the tiers' errors joined. What single
// tiers failed to do goes to TiersOptions.Report.
func (t *Tiers) Put(ctx context.Context, k Key, o *Object) error {
	_, err := t.put(ctx, k, o, false)
	return err
}

// PutLasting is Put for what must outlive the faster tiers: it waits for tiers that let no Put wait, and returns an error also
// when the slowest one did not keep o.
func (t *Tiers) PutLasting(ctx context.Context, k Key, o *Object) error {
	lasting, err := t.put(ctx, k, o, true)
	return cmp.Or(err, lasting)
}

// A laster is a tier of which a Put may return before o is kept, as *Behind.
type laster interface {
	PutLasting(ctx context.Context, k Key, o *Object) error
}

// A settler is a tier that does something behind its callers' backs, as *Behind.
type settler interface {
	Settled(ctx context.Context, keys ...Key) error
}

var (
	_ laster  = (*Behind)(nil)
	_ settler = (*Behind)(nil)
)

// Settled waits until no tier has anything to do any more that was asked for keys before, at most until ctx ends, and returns
// ctx's error then. What is kept is then there for whoever shares the slowest tier.
func (t *Tiers) Settled(ctx context.Context, keys ...Key) error {
	for _, s := range t.stores {
		if s, ok := s.(settler); ok {
			if err := s.Settled(ctx, keys...); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Adopt replaces what the faster tiers have under k by what the slowest has, and reports whether they have that. A shared tier
// that keeps another object than was put (ErrExists) wins: what all nodes answer shall be the same.
func (t *Tiers) Adopt(ctx context.Context, k Key) bool {
	last := len(t.stores) - 1
	s := t.stripe(k)
	if last < 1 || s.lock(ctx) != nil {
		return false
	}
	defer s.unlock()
	defer s.generation.Add(1)
	o, err := t.stores[last].Get(ctx, k)
	if err != nil {
		return false
	}
	kept := true
	for tier := range t.stores[:last] {
		if t.putTier(ctx, tier, k, o) != nil {
			kept = false
			if err := t.stores[tier].Delete(context.WithoutCancel(ctx), k); err != nil {
				t.fail(tier, err)
			}
		}
	}
	return kept
}

// put is Put; lasting is the slowest tier's error alone.
func (t *Tiers) put(ctx context.Context, k Key, o *Object, wait bool) (lasting, err error) {
	s := t.stripe(k)
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	defer s.generation.Add(1)
	var failed []int
	var errs []error
	for tier, store := range t.stores {
		put := store.Put
		if s, ok := store.(laster); ok && wait {
			put = s.PutLasting
		}
		if err := t.putWith(ctx, put, tier, k, o); err != nil {
			if !errors.Is(err, ErrExists) { // what was first is what counts
				failed = append(failed, tier)
			}
			errs = append(errs, err)
			if tier == len(t.stores)-1 {
				lasting = err
			}
		}
	}
	if len(errs) == len(t.stores) {
		return nil, errors.Join(append(errs, fmt.Errorf("%w: by any tier", ErrNotKept))...)
	}
	if k.Kind == Original {
		return lasting, nil // under its own sum the earlier bytes are the same: a tier that has them shall keep them
	}
	for _, tier := range failed {
		// The tier may hold an earlier object. If it cannot forget it either, it is broken, and all that is left to
		// hope for is that the tiers which kept o answer first.
		if err := t.stores[tier].Delete(context.WithoutCancel(ctx), k); err != nil {
			t.fail(tier, err)
		}
	}
	return lasting, nil
}

// Delete implements Store. It asks all tiers, slowest first, and returns their errors joined.
func (t *Tiers) Delete(ctx context.Context, k Key) error {
	s := t.stripe(k)
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	defer s.generation.Add(1)
	var errs []error
	for _, v := range slices.Backward(t.stores) {
		if err := v.Delete(ctx, k); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
