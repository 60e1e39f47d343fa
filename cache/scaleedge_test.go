package cache

// A scaleEdge is a CDN: places that each keep what was asked for there last, in a least recently used order. A request comes to
// one of them at random.
type scaleEdge struct {
	places         []*byteLRU
	readers, hits  int64 // of readers
	bytes, missing int64 // sent to readers; brought for them
}

// newScaleEdge shares maxBytes among places. One place is a CDN whose places ask one shield.
func newScaleEdge(places int, maxBytes int64) *scaleEdge {
	e := &scaleEdge{}
	for range places {
		e.places = append(e.places, newByteLRU(maxBytes/int64(places)))
	}
	return e
}

// misses reports whether the request goes on to the nodes. Only those from a place's second half of life count.
func (e *scaleEdge) misses(q scaleRequest, count bool) bool {
	size := q.id.bytes()
	hit := e.places[mix(uint64(q.at))%uint64(len(e.places))].use(q.id, size)
	if count && !q.crawler {
		e.readers++
		e.bytes += size
		if hit {
			e.hits++
		} else {
			e.missing += size
		}
	}
	return !hit
}

// A byteLRU holds the objects that were used last, as many as fit. Its lists are slots, so that millions fit in memory.
type byteLRU struct {
	max, used   int64
	slots       []lruSlot
	at          map[scaleID]int32
	first, last int32
}

type lruSlot struct {
	id         scaleID
	size       uint32
	prev, next int32
}

func newByteLRU(maxBytes int64) *byteLRU {
	return &byteLRU{max: maxBytes, at: map[scaleID]int32{}, first: none, last: none}
}

// use reports whether id was held. Afterwards it is, unless it is larger than all.
func (l *byteLRU) use(id scaleID, size int64) bool {
	i, hit := l.at[id]
	if hit {
		l.unlink(i)
		l.pushFront(i)
		return true
	}
	if size > l.max {
		return false
	}
	spare := none
	for l.used+size > l.max {
		spare = l.last
		l.unlink(spare)
		delete(l.at, l.slots[spare].id)
		l.used -= int64(l.slots[spare].size)
		if l.used+size > l.max {
			l.slots[spare].id = 0 // lost: sizes differ little enough that a slot now and then does not matter
		}
	}
	if spare == none {
		l.slots = append(l.slots, lruSlot{})
		spare = int32(len(l.slots) - 1)
	}
	l.slots[spare] = lruSlot{id: id, size: uint32(size)}
	l.at[id] = spare
	l.used += size
	l.pushFront(spare)
	return false
}

func (l *byteLRU) pushFront(i int32) {
	l.slots[i].prev, l.slots[i].next = none, l.first
	if l.first == none {
		l.last = i
	} else {
		l.slots[l.first].prev = i
	}
	l.first = i
}

func (l *byteLRU) unlink(i int32) {
	s := l.slots[i]
	if s.prev == none {
		l.first = s.next
	} else {
		l.slots[s.prev].next = s.next
	}
	if s.next == none {
		l.last = s.prev
	} else {
		l.slots[s.next].prev = s.prev
	}
}
