package cache

import (
	"math"
	"time"
)

// none ends a list of slots.
const none int32 = -1

// chunkSlots is how many slots are allocated at a time: 52 KB, small beside any cache, and few chunks for a million objects.
const chunkSlots = 1024

// diskSlot is one object. Lists link slots by number; none ends them.
type diskSlot struct {
	sum        [32]byte
	blocks     uint32
	touched    uint32 // the file's time in seconds since 1970, cut to 0…2106: what a restart will order by
	prev, next int32
	kind       Kind
	segment    segment
}

// segment is which of its kind's lists an object is in. Objects are given up from probation first, so that what is asked
// for once, as by a crawler that walks through all pictures, never pushes out what is asked for again and again
// (segmented LRU: Karedla, Love, Wherry, “Caching Strategies to Improve Disk System Performance”, IEEE Computer 27(3), 1994;
// ADR 23).
type segment uint8

const (
	nowhere   segment = iota // the slot is on the free list
	loaded                   // found on disk, not used by this process, unordered until the build ends
	probation                // put, or found, and not used since
	protected                // used since
	segments
)

// protectedPercent is the most of a kind's bytes that is protected. The rest is for what is new: it has to stay long
// enough to be asked for a second time. Four fifths is in the range that the paper finds best.
const protectedPercent = 80

// slotList is a list from the most to the least recently used. The zero value is not usable: see reset.
type slotList struct {
	first, last int32
	length      int
	blocks      int64
}

func (s *diskSlot) key() Key { return Key{Kind: s.kind, Sum: s.sum} }

func (x *diskIndex) slot(i int32) *diskSlot { return &x.chunks[i/chunkSlots][i%chunkSlots] }

// insert adds k, which must not be there, as the most recently used of a segment.
func (x *diskIndex) insert(k Key, bytes int64, modified time.Time, to segment) {
	if x.unused == none {
		x.addChunk()
	}
	i := x.unused
	s := x.slot(i)
	x.unused = s.next
	*s = diskSlot{
		sum: k.Sum, kind: k.Kind, segment: to,
		blocks: uint32(min(blocksOf(bytes), math.MaxUint32)), touched: seconds(modified), //nolint:gosec // no file has a negative size
	}
	x.byHash[k.hash()] = i
	x.objects++
	x.used += int64(s.blocks) * blockBytes
	x.pushFront(i)
}

// remove forgets the object in slot i.
func (x *diskIndex) remove(i int32) {
	x.unlink(i)
	s := x.slot(i)
	delete(x.byHash, s.key().hash())
	x.objects--
	x.used -= int64(s.blocks) * blockBytes
	*s = diskSlot{next: x.unused}
	x.unused = i
}

func (x *diskIndex) addChunk() {
	first := int32(len(x.chunks) * chunkSlots) //nolint:gosec // two thousand million objects are more than memory holds
	chunk := make([]diskSlot, chunkSlots)
	for i := range chunk {
		chunk[i].next = first + int32(i) + 1
	}
	chunk[chunkSlots-1].next = none
	x.chunks = append(x.chunks, chunk)
	x.unused = first
}

// list is the one that s is in, or is to be put into.
func (x *diskIndex) list(s *diskSlot) *slotList { return &x.lists[s.kind][s.segment] }

// protect makes the object in slot i the most recently used of those that were used, and puts on probation again what was
// used least recently of them, if they take more than their share.
func (x *diskIndex) protect(i int32) {
	x.move(i, protected)
	lists := &x.lists[x.slot(i).kind]
	all := lists[loaded].blocks + lists[probation].blocks + lists[protected].blocks
	for lists[protected].blocks > all*protectedPercent/100 {
		x.move(lists[protected].last, probation)
	}
}

// move puts the object in slot i at the front of a segment.
func (x *diskIndex) move(i int32, to segment) {
	x.unlink(i)
	x.slot(i).segment = to
	x.pushFront(i)
}

func (x *diskIndex) pushFront(i int32) {
	s := x.slot(i)
	l := x.list(s)
	s.prev, s.next = none, l.first
	if l.first != none {
		x.slot(l.first).prev = i
	} else {
		l.last = i
	}
	l.first = i
	l.length++
	l.blocks += int64(s.blocks)
}

func (x *diskIndex) pushBack(i int32) {
	s := x.slot(i)
	l := x.list(s)
	s.prev, s.next = l.last, none
	if l.last != none {
		x.slot(l.last).next = i
	} else {
		l.first = i
	}
	l.last = i
	l.length++
	l.blocks += int64(s.blocks)
}

func (x *diskIndex) unlink(i int32) {
	s := x.slot(i)
	l := x.list(s)
	if s.prev != none {
		x.slot(s.prev).next = s.next
	} else {
		l.first = s.next
	}
	if s.next != none {
		x.slot(s.next).prev = s.prev
	} else {
		l.last = s.prev
	}
	l.length--
	l.blocks -= int64(s.blocks)
}

// seconds fits t into 32 bits: a time before 1970 is 1970, one after 2106 is 2106.
func seconds(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32))
}
