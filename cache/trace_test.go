package cache

import (
	"container/list"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// The traces are of pictures asked for by readers, whose popularity follows Zipf's law with an exponent near 1 (Breslau et
// al., “Web Caching and Zipf-like Distributions”, INFOCOM 1999), in a cache that holds a tenth of them.
const (
	tracePictures = 20_000
	traceHeld     = tracePictures / 10
	traceLength   = 200_000
)

// request asks for a picture. What a crawler asks for counts for no hit ratio, but takes room.
type request struct {
	picture int
	crawler bool
}

// zipfTrace is what readers ask for. With scan, a crawler asks for a picture that nobody else asks for between each two
// requests in the second half: one walk through an archive of five times the pictures and 50 times the cache.
func zipfTrace(scan bool) []request {
	r := rand.New(rand.NewPCG(5, 5))
	z := rand.NewZipf(r, 1.01, 1, tracePictures-1)
	trace := make([]request, 0, 2*traceLength)
	for i := range traceLength {
		trace = append(trace, request{picture: int(z.Uint64())})
		if scan && i >= traceLength/2 {
			trace = append(trace, request{picture: tracePictures + i, crawler: true})
		}
	}
	return trace
}

// shiftedTrace is what readers ask for, and in the second half other pictures are as popular as those of the first were: the
// price of remembering what was popular.
func shiftedTrace() []request {
	trace := zipfTrace(false)
	for i := traceLength / 2; i < len(trace); i++ {
		trace[i].picture = tracePictures - 1 - trace[i].picture
	}
	return trace
}

// replay asks a cache for the trace, puts what it misses, and returns the share of the second half's readers who hit.
func replay(trace []request, get func(picture int) bool, put func(picture int)) float64 {
	asked, hits := 0, 0
	for i, r := range trace {
		hit := get(r.picture)
		if !hit {
			put(r.picture)
		}
		if i >= traceLength/2 && !r.crawler {
			asked++
			if hit {
				hits++
			}
		}
	}
	return float64(hits) / float64(asked)
}

// plainLRU is what the caches here are compared with: least recently used, nothing else.
type plainLRU struct {
	held  map[int]*list.Element
	order list.List
}

func newPlainLRU() *plainLRU { return &plainLRU{held: map[int]*list.Element{}} }

func (l *plainLRU) get(picture int) bool {
	e, ok := l.held[picture]
	if ok {
		l.order.MoveToFront(e)
	}
	return ok
}

func (l *plainLRU) put(picture int) {
	if len(l.held) == traceHeld {
		delete(l.held, l.order.Remove(l.order.Back()).(int))
	}
	l.held[picture] = l.order.PushFront(picture)
}

// replayIndex replays a trace on a Disk's index, without files.
func replayIndex(t testing.TB, trace []request) float64 {
	x := newDiskIndex(traceHeld * blockBytes)
	keys := make(map[int]Key)
	key := func(picture int) Key {
		if _, ok := keys[picture]; !ok {
			keys[picture] = NewKey(Rendition, fmt.Sprint(picture))
		}
		return keys[picture]
	}
	get := func(picture int) bool {
		known, _ := x.touch(key(picture), startOfTime)
		return known
	}
	put := func(picture int) { putIndex(t, x, key(picture), blockBytes) }
	return replay(trace, get, put)
}

// putIndex is a Disk's Put and its eviction, without files. It reports whether k was kept.
func putIndex(t testing.TB, x *diskIndex, k Key, size int64) bool {
	t.Helper()
	size = blocksOf(size) * blockBytes
	for {
		again, err := x.reserve(size)
		if errors.Is(err, ErrNotKept) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if again == nil {
			break
		}
		for plan := x.plan(); ; {
			cold, ok := x.coldest(plan)
			if !ok {
				break
			}
			x.drop(cold)
		}
	}
	x.commit(k, size, startOfTime)
	return true
}

// TestIndexScanResistance replays what readers ask for, alone and with a crawler among them. The crawler costs a plain LRU a
// good part of its hits, and the index little; alone, the index is not the worse of the two.
func TestIndexScanResistance(t *testing.T) {
	ratio := map[string]float64{}
	for _, tt := range []struct {
		name string
		scan bool
	}{{"readers", false}, {"readers and crawler", true}} {
		trace := zipfTrace(tt.scan)
		lru := newPlainLRU()
		plain, index := replay(trace, lru.get, lru.put), replayIndex(t, trace)
		ratio["plain, "+tt.name], ratio["index, "+tt.name] = plain, index
		t.Logf("%s: index %.1f %% hits, plain LRU %.1f %%", tt.name, 100*index, 100*plain)
		if index < plain {
			t.Errorf("%s: index %.3f, plain LRU %.3f; want at least as many hits", tt.name, index, plain)
		}
	}
	lostPlain := ratio["plain, readers"] - ratio["plain, readers and crawler"]
	lostIndex := ratio["index, readers"] - ratio["index, readers and crawler"]
	if lostIndex > lostPlain/4 {
		t.Errorf("the crawler costs the index %.3f of its hits and a plain LRU %.3f; want a quarter of that at most", lostIndex, lostPlain)
	}
}
