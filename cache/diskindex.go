package cache

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// blockBytes is what a file's size is rounded up to, so that the budget is what du(1) says: the block of ext4, XFS, APFS
// and tmpfs by default.
const blockBytes = 4096

func blocksOf(size int64) int64 { return (size + blockBytes - 1) / blockBytes }

// diskIndex knows which objects a Disk has, how large they are, and in which order to give them up. It also holds the
// budget. It never touches a file. Safe for concurrent use.
//
// The order of use is the order of the lists, so clocks cannot disturb it; times matter only for what a restart finds, which
// begins on probation: what is in use is soon read again, because memory is empty then.
//
// It costs 52 bytes in slots and about 26 in byHash per object (BenchmarkIndexBuild measures it): a million objects
// fit in 100 MB. The whole sum is kept once, in the slot; byHash has eight bytes of it.
type diskIndex struct {
	mu     sync.Mutex
	max    int64
	byHash map[uint64]int32
	chunks [][]diskSlot // slot i is chunks[i/chunkSlots][i%chunkSlots]; chunks never move or copy
	unused int32        // first slot of the free list, linked by next
	lists  [Rendition + 1][segments]slotList

	objects  int64
	used     int64 // bytes of the objects
	reserved int64 // bytes of Puts under way
	building bool
	early    int64 // bytes that may still be reserved while building

	shared bool  // other processes have the folder open, as far as is known
	unseen int64 // bytes of objects committed since what others wrote was looked at

	wanted  int64         // the largest reservation that waits for room
	excess  int64         // bytes of renditions to give up because the file system is full
	eased   chan struct{} // closed when that was tried; nil while nobody asks for it
	stuck   bool          // the last attempt to remove a file failed
	waiting bool          // somebody waits for changed
	changed chan struct{} // closed and replaced when room was made
}

const (
	// touchEvery is how old a file's time may become before a Get renews it: an hour, as in the Go build cache
	// (cmd/go/internal/cache, mtimeInterval), so that recency survives a restart without a write per read.
	touchEvery = time.Hour
	// unseenPercent is how much of the budget may be written before others' files are looked for, and so how much each of
	// several processes may exceed it by. A look is due at half of that.
	unseenPercent = 5
	// fullPercent is where eviction ends: making room for a twentieth at a time costs one pass per thousands of Puts.
	fullPercent = 95
)

func newDiskIndex(maxBytes int64) *diskIndex {
	x := &diskIndex{max: maxBytes, changed: make(chan struct{})}
	x.reset(false)
	return x
}

// reset forgets all objects, but not the reservations. While building, a twentieth of the budget may be reserved: what is
// on disk already fills the rest at most, so that both together stay within 105 %.
func (x *diskIndex) reset(building bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byHash = map[uint64]int32{}
	x.chunks, x.unused = nil, none
	for kind := range x.lists {
		for s := range x.lists[kind] {
			x.lists[kind][s] = slotList{first: none, last: none}
		}
	}
	x.objects, x.used, x.excess, x.stuck = 0, 0, 0, false
	if x.eased != nil {
		close(x.eased)
		x.eased = nil
	}
	x.building, x.early = building, x.max*(100-fullPercent)/100
	x.broadcast()
}

// reserve sets n bytes aside for a file to be written. When there is no room it returns a channel that is closed when it
// is worth trying again, after an eviction was asked for. ErrNotKept says that waiting would not help.
func (x *diskIndex) reserve(n int64) (again <-chan struct{}, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case n > max(x.max/objectShare, blockBytes):
		return nil, fmt.Errorf("%w: %d bytes on disk, at most %d", ErrNotKept, n, x.max/objectShare)
	case x.building && n > x.early:
		return nil, fmt.Errorf("%w: the folder is still being read", ErrNotKept)
	case x.building:
		x.early -= n
		x.reserved += n
		return nil, nil
	case x.shared && x.unseen > 0 && x.unseen+n > x.max*unseenPercent/100:
		x.waiting = true
		return x.changed, nil
	case x.used+x.reserved+n <= x.max:
		x.reserved += n
		return nil, nil
	case x.stuck:
		x.stuck = false // the next one tries again: the medium may have recovered
		return nil, fmt.Errorf("%w: no room, and nothing could be removed", ErrNotKept)
	}
	x.wanted = max(x.wanted, n)
	x.waiting = true
	return x.changed, nil
}

// release gives a reservation back.
func (x *diskIndex) release(n int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reserved -= n
	x.broadcast()
}

// commit turns a reservation of n bytes into the object k, in place of an earlier one. It returns the key that k pushed
// out, if any: one with the same 64-bit hash, whose file nothing would know any more.
func (x *diskIndex) commit(k Key, n int64, now time.Time) (displaced Key, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reserved -= n
	x.unseen += n
	i, found := x.byHash[k.hash()]
	if found {
		displaced, ok = x.slot(i).key(), x.slot(i).key() != k
		x.remove(i)
	}
	x.insert(k, n, now, probation)
	if found && !ok {
		x.protect(x.byHash[k.hash()]) // whoever replaces it uses it
	}
	x.broadcast()
	return displaced, ok
}

// touch makes k the most recently used. It reports whether k is known, and whether its file's time should be renewed. A
// time in the future (the clock was set back) is renewed like an old one.
func (x *diskIndex) touch(k Key, now time.Time) (known, renew bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, found := x.byHash[k.hash()]
	if !found || x.slot(i).key() != k {
		return false, false
	}
	x.protect(i)
	s := x.slot(i)
	if now.Sub(time.Unix(int64(s.touched), 0)).Abs() < touchEvery {
		return true, false
	}
	s.touched = seconds(now)
	return true, true
}

// adopt adds an object that was read, unless it is known, as the most recently used.
func (x *diskIndex) adopt(k Key, size int64, modified time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, found := x.byHash[k.hash()]; !found {
		x.insert(k, blocksOf(size)*blockBytes, modified, probation)
		x.protect(x.byHash[k.hash()])
	}
}

// has reports whether k is known.
func (x *diskIndex) has(k Key) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, found := x.byHash[k.hash()]
	return found && x.slot(i).key() == k
}

// drop forgets k, whose file is gone.
func (x *diskIndex) drop(k Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, found := x.byHash[k.hash()]; found && x.slot(i).key() == k {
		x.remove(i)
		x.broadcast()
	}
}

// lookDue reports whether it is time to look for what other processes wrote.
func (x *diskIndex) lookDue() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.building && x.unseen > x.max*unseenPercent/200
}

// looked says that what others wrote is loaded, and whether there are others.
func (x *diskIndex) looked(shared bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.shared, x.unseen = shared, 0
	x.broadcast()
}

// load adds an object that was found on disk, unless it is known already.
func (x *diskIndex) load(k Key, size int64, modified time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, found := x.byHash[k.hash()]; !found {
		to := probation
		if x.building {
			to = loaded
		}
		x.insert(k, blocksOf(size)*blockBytes, modified, to)
	}
}

// finish ends a build: what was loaded is put behind what was used meanwhile, by its files' times. The lock is held for
// short stretches only, so that a Get never waits for the sorting.
func (x *diskIndex) finish() {
	for kind := Pointer; kind <= Rendition; kind++ {
		found := x.loadedTimes(kind)
		slices.SortFunc(found, func(a, b slotTime) int { return cmp.Compare(b.touched, a.touched) })
		for batch := range slices.Chunk(found, chunkSlots) {
			x.appendLoaded(batch)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.building = false
	x.broadcast()
}

type slotTime struct {
	slot    int32
	touched uint32
}

func (x *diskIndex) loadedTimes(kind Kind) []slotTime {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := make([]slotTime, 0, x.lists[kind][loaded].length)
	for i := x.lists[kind][loaded].first; i != none; i = x.slot(i).next {
		found = append(found, slotTime{i, x.slot(i).touched})
	}
	return found
}

func (x *diskIndex) appendLoaded(batch []slotTime) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range batch {
		// The slot may be in use for something else by now; then it is not among the loaded.
		if int(f.slot) < len(x.chunks)*chunkSlots && x.slot(f.slot).segment == loaded {
			x.unlink(f.slot)
			x.slot(f.slot).segment = probation
			x.pushBack(f.slot)
		}
	}
}

// evictionPlan is what one eviction pass is to reach. The zero plan removes everything.
type evictionPlan struct {
	used       int64         // go on while more bytes than this are used
	renditions int64         // and give up renditions while more than this are used
	tried      chan struct{} // to close in the end; may be nil
}

// plan says what to evict: down to 95 % of the budget, with the reservation that waits, if it is exceeded or somebody
// waits; and a share of the renditions if the file system is full.
func (x *diskIndex) plan() evictionPlan {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := evictionPlan{used: math.MaxInt64, renditions: math.MaxInt64, tried: x.eased}
	if x.wanted > 0 || x.used+x.reserved > x.max {
		p.used = max(0, x.max*fullPercent/100-x.reserved-x.wanted)
	}
	if x.excess > 0 {
		p.renditions = max(0, x.used-x.excess)
	}
	x.wanted, x.excess, x.stuck, x.eased = 0, 0, false, nil
	return p
}

// coldest is the object to give up next under p: a rendition, else an original, else a pointer; the least
// recently used of those on probation, else of those protected.
func (x *diskIndex) coldest(p evictionPlan) (Key, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.building {
		return Key{}, false // what is loaded has no order yet
	}
	for kind := Rendition; kind >= Pointer; kind-- {
		goal := p.used
		if kind == Rendition {
			goal = min(p.used, p.renditions)
		}
		if x.used <= goal {
			continue
		}
		for _, s := range [...]segment{probation, protected} {
			if last := x.lists[kind][s].last; last != none {
				return x.slot(last).key(), true
			}
		}
	}
	return Key{}, false
}

// squeeze asks for a twentieth of what is used to be given up, in renditions, and for n bytes at the least: the file system is
// full although the budget is not. The channel is closed when that was tried; it is nil while the index is built, which may take
// minutes.
func (x *diskIndex) squeeze(n int64) (tried <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.excess = max(x.used*(100-fullPercent)/100, x.excess+n)
	if x.building {
		return nil
	}
	if x.eased == nil {
		x.eased = make(chan struct{})
	}
	return x.eased
}

// keep moves k, whose file could not be removed, out of the way, and lets nobody wait for room.
func (x *diskIndex) keep(k Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, found := x.byHash[k.hash()]; found && x.slot(i).key() == k {
		x.unlink(i)
		x.pushFront(i)
	}
	x.stuck = true
	x.broadcast()
}

// totals are the objects, and the bytes of their files and of those being written.
func (x *diskIndex) totals() (objects, bytes int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.objects, x.used + x.reserved
}

// broadcast wakes all reservations that wait. It needs x.mu, as everything below does.
func (x *diskIndex) broadcast() {
	if x.waiting {
		close(x.changed)
		x.changed, x.waiting = make(chan struct{}), false
	}
}
