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
	loaded     bool // in loaded, not in lists
}

// slotList is a list from the most to the least recently used. The zero value is not usable: see reset.
type slotList struct {
	first, last int32
	length      int
}

func (s *diskSlot) key() Key { return Key{Kind: s.kind, Sum: s.sum} }

func (x *diskIndex) slot(i int32) *diskSlot { return &x.chunks[i/chunkSlots][i%chunkSlots] }

// insert adds k, which must not be there, as the most recently used or among the loaded.
func (x *diskIndex) insert(k Key, bytes int64, modified time.Time, loaded bool) {
	if x.unused == none {
		x.addChunk()
	}
	i := x.unused
	s := x.slot(i)
	x.unused = s.next
	*s = diskSlot{
		sum: k.Sum, kind: k.Kind, loaded: loaded,
		blocks: uint32(min(blocksOf(bytes), math.MaxUint32)), touched: seconds(modified),
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
	first := int32(len(x.chunks) * chunkSlots)
	chunk := make([]diskSlot, chunkSlots)
	for i := range chunk {
		chunk[i].next = first + int32(i) + 1
	}
	chunk[chunkSlots-1].next = none
	x.chunks = append(x.chunks, chunk)
	x.unused = first
}

// list is the one that s is in, or is to be put into.
func (x *diskIndex) list(s *diskSlot) *slotList {
	if s.loaded {
		return &x.loaded[s.kind]
	}
	return &x.lists[s.kind]
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
}

// seconds fits t into 32 bits: a time before 1970 is 1970, one after 2106 is 2106.
func seconds(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32))
}
