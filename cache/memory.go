package cache

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/ristretto/v2"
)

// MemoryOptions configures a Memory.
type MemoryOptions struct {
	// MaxBytes bounds what is held: bodies, metadata and a fixed overhead per object. 0 means 128 MiB.
	// An object larger than an eighth of it is not kept.
	MaxBytes int64
}

// Memory is a Store in RAM on ristretto. It forgets on restart and may refuse or forget any object.
//
// While there is room everything is admitted. When it is full a new object is admitted only if it was asked for at least as
// often, by the frequency sketch (TinyLFU: Einziger, Friedman, Manes, ACM TOS 13(4), 2017), as the ones that would have to
// go: the least often used of five taken at random, again and again until there is room. A Get counts whether it hits or
// not, so that what is refused today is admitted when it is asked for again and again. Refused is not lost: the next tier
// has it.
//
// What is held never exceeds MaxBytes by more than the objects of the Puts under way, of which memoryStripes is the most.
//
// Put copies, so that what is counted is what is held (a body that is a slice of a larger buffer would keep all of it)
// and a caller's later write never reaches the store. Get does not copy and does not allocate.
type Memory struct {
	entries   *ristretto.Cache[uint64, *memoryEntry]
	maxObject int64
	stripes   [memoryStripes]memoryStripe

	deletes, dropped, evicted, objects, held atomic.Int64
}

var _ Store = (*Memory)(nil)

const (
	defaultMemoryBytes = 128 << 20

	// memoryStripes is how many locks writers share. A Put holds one for a few microseconds, so 64 make two writers of
	// different keys meet rarely.
	memoryStripes = 64

	// memoryOverhead is charged per object beside its bytes: the entry and its slice headers, ristretto's two map slots
	// and the allocator's rounding. TestMemoryOverhead measures 220 bytes on amd64.
	// The frequency sketch and growing maps take the rest.
	memoryOverhead = 320

	// meanObjectBytes sizes ristretto's frequency sketch: a mix of renditions (10…100 KB) and pointers (0.5 KB). Where
	// objects are smaller the sketch is coarser and admission a little worse; nothing else depends on it.
	meanObjectBytes = 16 << 10

	// memoryCounters is how many counters of the sketch there are for each object that fits, at about 3 bytes: 1 MB of
	// 128 MiB. ristretto asks for ten (Config.NumCounters), but it halves all of them after as many requests as there are
	// counters, and a crawler's requests count too: with ten it makes readers lose a tenth of their hits, with 40 a
	// thirtieth. When all that is popular changes at once, both do alike (BenchmarkHitRatio; internal/docs/performance.md).
	memoryCounters = 40

	// memoryTick is ristretto's interval, in seconds, for objects that expire. None do here.
	memoryTick = 24 * 60 * 60
)

// memoryStripe belongs to the keys of one hash class. Its counters are here rather than in Memory so that readers on
// different processors do not share a cache line.
type memoryStripe struct {
	// open is held for reading by every call, and for writing by Close alone: ristretto must not be used while or
	// after it is closed (a Set would panic, a Wait would never end).
	open   sync.RWMutex
	closed bool
	// write puts the changes of one key in a row. Two concurrent Sets of an absent key are both queued as new by
	// ristretto, which then rejects the second and keeps the first, whichever Put returned last.
	write            sync.Mutex
	gets, hits, puts atomic.Int64
	_                [64]byte // the next stripe begins on another cache line
}

// memoryEntry is one object in ristretto. Only rejected ever changes: by ristretto's goroutine, before Wait returns.
type memoryEntry struct {
	key      Key
	object   Object
	cost     int64
	rejected bool
}

// NewMemory makes a Memory; Close releases it. It returns an error for a negative MaxBytes.
func NewMemory(o MemoryOptions) (*Memory, error) {
	if o.MaxBytes < 0 {
		return nil, fmt.Errorf("cache: memory of %d bytes: must not be negative", o.MaxBytes)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMemoryBytes
	}
	m := &Memory{maxObject: o.MaxBytes / objectShare}
	entries, err := ristretto.NewCache(&ristretto.Config[uint64, *memoryEntry]{
		NumCounters: max(1000, memoryCounters*o.MaxBytes/meanObjectBytes),
		MaxCost:     o.MaxBytes,
		BufferItems: 64, // ristretto's recommendation
		// A key arrives as its hash, with no second hash for collisions: every entry holds its whole key and Get
		// compares it. Two keys of one hash push each other out and are never mistaken for each other.
		KeyToHash: func(hash uint64) (uint64, uint64) { return hash, 0 },
		// ristretto would add the size of its map slot to every cost; memoryOverhead contains it already.
		IgnoreInternalCost:     true,
		TtlTickerDurationInSec: memoryTick,
		OnReject:               func(i *ristretto.Item[*memoryEntry]) { i.Value.rejected = true },
		OnEvict: func(i *ristretto.Item[*memoryEntry]) {
			if i.Value != nil {
				m.evicted.Add(1)
			}
		},
		// OnExit sees every entry that leaves, by whatever way, once; and nil for what was not there.
		OnExit: func(e *memoryEntry) {
			if e != nil {
				m.count(e, -1)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cache: memory of %d bytes: %w", o.MaxBytes, err)
	}
	m.entries = entries
	return m, nil
}

func (m *Memory) count(e *memoryEntry, n int64) {
	m.objects.Add(n)
	m.held.Add(n * e.cost)
}

func (m *Memory) stripe(hash uint64) *memoryStripe { return &m.stripes[hash%memoryStripes] }

// Get implements Store. After Close everything is a miss.
func (m *Memory) Get(ctx context.Context, k Key) (*Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	hash := k.hash()
	s := m.stripe(hash)
	s.gets.Add(1)
	s.open.RLock()
	defer s.open.RUnlock()
	if s.closed {
		return nil, ErrMiss
	}
	e, ok := m.entries.Get(hash)
	if !ok || e.key != k {
		return nil, ErrMiss
	}
	s.hits.Add(1)
	return &e.object, nil
}

// Put implements Store. When it returns nil the object was admitted, and a Get that follows sees it until it is evicted.
// When it returns ErrNotKept, what was there before is forgotten too.
func (m *Memory) Put(ctx context.Context, k Key, o *Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	hash := k.hash()
	s := m.stripe(hash)
	s.puts.Add(1)
	s.write.Lock()
	defer s.write.Unlock()
	s.open.RLock()
	defer s.open.RUnlock()
	err := m.put(s, hash, k, o)
	if err != nil {
		m.dropped.Add(1)
	}
	return err
}

// put needs both locks of s.
func (m *Memory) put(s *memoryStripe, hash uint64, k Key, o *Object) error {
	if s.closed {
		return fmt.Errorf("%w: memory is closed", ErrNotKept)
	}
	cost := int64(len(o.Meta)+len(o.Body)) + memoryOverhead
	err := Check(k, o)
	if err == nil && cost > m.maxObject {
		err = fmt.Errorf("%w: %d bytes, at most %d", ErrNotKept, cost, m.maxObject)
	}
	if err != nil {
		m.forget(hash)
		return err
	}
	// ristretto replaces an entry in place at once, but books the difference without evicting: a replacement that
	// grows would exceed the budget until the next new object. It goes the way of a new object instead.
	if old, ok := m.entries.Get(hash); ok && old.cost < cost {
		m.entries.Del(hash)
	}
	e := &memoryEntry{key: k, cost: cost, object: Object{Meta: bytes.Clone(o.Meta), Body: bytes.Clone(o.Body)}}
	m.count(e, +1)
	if !m.entries.Set(hash, e, cost) {
		// Only a new entry is ever dropped here, and thanks to s.write no older one is queued: nothing is left behind.
		m.count(e, -1)
		return fmt.Errorf("%w: memory's queue is full", ErrNotKept)
	}
	m.entries.Wait()
	if e.rejected {
		return fmt.Errorf("%w: asked for less often than what it would replace", ErrNotKept)
	}
	return nil
}

// forget removes hash and returns when it is gone for good: Wait lets no earlier Set come after the removal.
func (m *Memory) forget(hash uint64) {
	m.entries.Del(hash)
	m.entries.Wait()
}

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, k Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	hash := k.hash()
	s := m.stripe(hash)
	m.deletes.Add(1)
	s.write.Lock()
	defer s.write.Unlock()
	s.open.RLock()
	defer s.open.RUnlock()
	if !s.closed {
		m.forget(hash)
	}
	return nil
}

// Stats returns counters. Corrupt and Errors are always 0.
func (m *Memory) Stats() Stats {
	st := Stats{
		Deletes: m.deletes.Load(), Dropped: m.dropped.Load(), Evicted: m.evicted.Load(),
		Objects: m.objects.Load(), Bytes: m.held.Load(),
	}
	for i := range m.stripes {
		s := &m.stripes[i]
		st.Gets += s.gets.Load()
		st.Hits += s.hits.Load()
		st.Puts += s.puts.Load()
	}
	return st
}

// Close waits for calls under way and releases the memory. Calls that follow are safe: misses and ErrNotKept. A second
// Close does nothing.
func (m *Memory) Close() error {
	closed := false
	for i := range m.stripes {
		s := &m.stripes[i]
		s.open.Lock()
		closed = closed || s.closed
		s.closed = true
		s.open.Unlock()
	}
	if !closed {
		m.entries.Close()
	}
	return nil
}
