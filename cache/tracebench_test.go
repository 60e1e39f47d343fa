package cache

import (
	"fmt"
	"testing"
)

// BenchmarkHitRatio replays what readers ask for, alone, with a crawler among them, and with a change of what is
// popular, on the memory tier, the disk's index
// and a plain LRU, each with room for a tenth of the pictures, and reports the readers' hits in per cent.
func BenchmarkHitRatio(b *testing.B) {
	for _, tt := range []struct {
		name  string
		trace []request
	}{{"readers", zipfTrace(false)}, {"crawler", zipfTrace(true)}, {"shift", shiftedTrace()}} {
		trace := tt.trace
		for name, hits := range map[string]func() float64{
			"lru":    func() float64 { lru := newPlainLRU(); return replay(trace, lru.get, lru.put) },
			"disk":   func() float64 { return replayIndex(b, trace) },
			"memory": func() float64 { return replayMemory(b, trace) },
		} {
			b.Run(tt.name+"/"+name, func(b *testing.B) {
				ratio := 0.0
				for b.Loop() {
					ratio = hits()
				}
				b.ReportMetric(100*ratio, "hit-%")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(trace)), "ns/request")
			})
		}
	}
}

// replayMemory replays a trace on a Memory, with objects of the size that its counters are made for.
func replayMemory(t testing.TB, trace []request) float64 {
	t.Helper()
	m, err := NewMemory(MemoryOptions{MaxBytes: traceHeld * meanObjectBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	o := &Object{Body: make([]byte, meanObjectBytes-memoryOverhead)}
	key := func(picture int) Key { return NewKey(Rendition, fmt.Sprint(picture)) }
	get := func(picture int) bool {
		_, err := m.Get(t.Context(), key(picture))
		return err == nil
	}
	put := func(picture int) { _ = m.Put(t.Context(), key(picture), o) } // what it does not admit it does not admit
	return replay(trace, get, put)
}
