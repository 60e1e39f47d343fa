package cache

import "testing"

// A scaleSetup is how a site is served. Bytes are those of one node, before a world's sample is taken.
type scaleSetup struct {
	nodes        int
	hashed       bool // the load balancer leads an address to one node; else to any
	bucket       bool // shared by all nodes
	locks        bool // in Redis; of no use without a bucket
	empty        bool // the bucket, at the beginning; else it has all of the archive
	memory, disk int64
	// making is how long a rendition takes to be made and put into the bucket, in seconds: as long as another node cannot know.
	making float64
}

// A scaleTally is what became of the requests that the edge did not answer, by readers and crawlers; each came to an end in one
// of the first five.
type scaleTally struct {
	requests                             int64
	memory, disk, bucket, joined, filled int64
	crawled                              int64   // of the requests
	readers, near                        int64   // readers' requests, and those of them that memory or disk answered
	made, twice                          int64   // transforms, and those of a rendition that another node was making
	seconds                              float64 // of processor time that all transforms take
	fetched                              int64   // originals that were fetched from their origin
	gets, puts                           int64   // requests to the bucket, those that find nothing included
	gotten, put                          int64   // bytes
}

// A scaleNode is one machine's tiers: ristretto with the admission of Memory, and a Disk's lists.
type scaleNode struct {
	memory *Memory
	disk   *diskIndex
}

// A scaleCluster is all nodes and the bucket. It runs in one goroutine: time is the number of a request.
type scaleCluster struct {
	t       testing.TB
	setup   scaleSetup
	nodes   []scaleNode
	bucket  map[int]uint32 // by image, a bit for each part that is there
	archive int            // images that a bucket has all parts of
	window  int32          // requests to the site while a rendition is made
	making  map[scaleID]scaleWork
	tally   scaleTally
}

// A scaleWork is a rendition that is being made.
type scaleWork struct {
	node  int
	until int32
}

func newScaleCluster(t testing.TB, w scaleWorld, s scaleSetup) *scaleCluster {
	t.Helper()
	c := &scaleCluster{
		t: t, setup: s, bucket: map[int]uint32{}, making: map[scaleID]scaleWork{},
		window: int32(s.making*w.requests/86400/float64(w.sample)) + 1,
	}
	if !s.empty {
		c.archive = w.images / w.sample
	}
	for range s.nodes {
		m, err := NewMemory(MemoryOptions{MaxBytes: s.memory / int64(w.sample)})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, scaleNode{m, newDiskIndex(s.disk / int64(w.sample))})
	}
	return c
}

func (c *scaleCluster) close() {
	for _, n := range c.nodes {
		_ = n.memory.Close()
	}
}

// serve answers one request.
func (c *scaleCluster) serve(q scaleRequest) {
	c.tally.requests++
	at := mix(uint64(q.at) ^ 0xB0)
	if c.setup.hashed {
		at = mix(uint64(q.id) ^ 0xB1)
	}
	node := int(at % uint64(len(c.nodes)))
	before := c.tally.memory + c.tally.disk
	c.answer(node, q)
	if q.crawler {
		c.tally.crawled++
		return
	}
	c.tally.readers++
	c.tally.near += c.tally.memory + c.tally.disk - before
}

func (c *scaleCluster) answer(node int, q scaleRequest) {
	n := c.nodes[node]
	w, busy := c.making[q.id]
	busy = busy && q.at < w.until
	switch {
	case busy && w.node == node:
		c.tally.joined++
		return
	case n.inMemory(c.t, q.id):
		c.tally.memory++
		return
	}
	known := c.load(n, q.id.of(scalePointer))
	switch {
	case n.onDisk(q.id):
		c.tally.disk++
		n.fill(c.t, q.id)
		return
	case busy && c.setup.locks && c.setup.bucket:
		c.get(n, q.id) // in vain, and again when it has waited for the lock
		c.get(n, q.id)
		c.tally.joined++
		return
	case busy:
		c.tally.twice++
		if c.setup.bucket {
			c.tally.gets++ // in vain
		}
	case c.get(n, q.id):
		c.tally.bucket++
		return
	}
	c.tally.filled++
	c.make(node, q, known)
}

// make is a transform of an original that is looked for in all tiers first.
func (c *scaleCluster) make(node int, q scaleRequest, known bool) {
	n := c.nodes[node]
	original := q.id.of(scaleOriginal)
	if !known || !c.load(n, original) {
		c.tally.fetched++
		c.keep(n, original)
		c.keep(n, q.id.of(scalePointer))
	}
	c.tally.made++
	c.tally.seconds += q.id.seconds()
	c.keep(n, q.id)
	c.making[q.id] = scaleWork{node, q.at + c.window}
	if len(c.making) > 100_000 {
		for id, w := range c.making {
			if w.until <= q.at {
				delete(c.making, id)
			}
		}
	}
}

// load looks in all tiers, fastest first, and fills.
func (c *scaleCluster) load(n scaleNode, id scaleID) bool {
	switch {
	case n.inMemory(c.t, id):
		return true
	case n.onDisk(id):
		n.fill(c.t, id)
		return true
	}
	return c.get(n, id)
}

// keep puts into all tiers.
func (c *scaleCluster) keep(n scaleNode, id scaleID) {
	n.fill(c.t, id)
	putIndex(c.t, n.disk, id.key(), id.bytes())
	if c.setup.bucket {
		c.tally.puts++
		c.tally.put += id.bytes()
		c.bucket[id.image()] |= 1 << id.part()
	}
}

// get asks the bucket, and fills. What is being made at this moment is not there yet: see answer.
func (c *scaleCluster) get(n scaleNode, id scaleID) bool {
	if !c.setup.bucket {
		return false
	}
	c.tally.gets++
	if id.image() >= c.archive && c.bucket[id.image()]&(1<<id.part()) == 0 {
		return false
	}
	c.tally.gotten += id.bytes()
	putIndex(c.t, n.disk, id.key(), id.bytes())
	n.fill(c.t, id)
	return true
}

func (n scaleNode) inMemory(t testing.TB, id scaleID) bool {
	t.Helper()
	_, err := n.memory.Get(t.Context(), id.key())
	return err == nil
}

func (n scaleNode) onDisk(id scaleID) bool {
	known, _ := n.disk.touch(id.key(), startOfTime)
	return known
}

// fill is Memory's put of an object whose bytes are only counted.
func (n scaleNode) fill(t testing.TB, id scaleID) {
	t.Helper()
	m, k := n.memory, id.key()
	e := &memoryEntry{key: k, cost: id.bytes() + memoryOverhead}
	if e.cost > m.maxObject {
		return
	}
	m.count(e, +1)
	if !m.entries.Set(k.hash(), e, e.cost) {
		m.count(e, -1)
	}
	m.entries.Wait()
}
