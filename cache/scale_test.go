package cache

import (
	"math"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// edgeMisses is what a CDN leaves of a trace, and what it answered in the second half.
func edgeMisses(w scaleWorld, length, places int, maxBytes int64) ([]scaleRequest, *scaleEdge) {
	s, e := newScaleTrace(w), newScaleEdge(places, maxBytes/int64(w.sample))
	var left []scaleRequest
	for i := range length {
		if q := s.next(); e.misses(q, i >= length/2) {
			left = append(left, q)
		}
	}
	return left, e
}

// replayNodes is what became of the requests of the trace's second half; the first fills the caches.
func replayNodes(t testing.TB, w scaleWorld, setup scaleSetup, stream []scaleRequest, length int) scaleTally {
	t.Helper()
	c := newScaleCluster(t, w, setup)
	defer c.close()
	counting := false
	for _, q := range stream {
		if !counting && int(q.at) >= length/2 {
			counting = true
			if !setup.empty {
				c.tally = scaleTally{} // of a beginning, the beginning counts
			}
		}
		c.serve(q)
	}
	return c.tally
}

// smallWorld has 100,000 images, of which one in four is replayed, and smallTrace requests to them.
func smallWorld() scaleWorld {
	return scaleWorld{
		images: 100_000, published: 40, requests: 10e6, exponent: 0.9, news: 0.5, crawlers: 0.01, sample: 4, seed: 1,
	}
}

const smallTrace = 40_000

// smallNode is a node of that world: too small for what it is asked for, or nothing would be seen.
func smallNode(nodes int) scaleSetup {
	return scaleSetup{nodes: nodes, bucket: true, memory: 128 << 20, disk: 4 << 30, making: 1}
}

func smallStream(t *testing.T) []scaleRequest {
	t.Helper()
	stream, edge := edgeMisses(smallWorld(), smallTrace, 4, 1<<30)
	if len(stream) < smallTrace/20 || edge.hits == 0 || edge.hits == edge.readers {
		t.Fatalf("%d of %d requests are left, %d of %d readers' hit: too few of either to say anything", len(stream), smallTrace, edge.hits, edge.readers)
	}
	return stream
}

// TestScaleConserves verifies that every request has one end, in all kinds of clusters, and that what the kinds promise holds.
func TestScaleConserves(t *testing.T) {
	imagetest.Long(t)
	w, stream := smallWorld(), smallStream(t)
	for _, nodes := range []int{1, 3} {
		for bits := range 16 {
			s := smallNode(nodes)
			s.hashed, s.bucket, s.locks, s.empty = bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0
			got := replayNodes(t, w, s, stream[:len(stream)/4], smallTrace/4)
			if sum := got.memory + got.disk + got.bucket + got.joined + got.filled; sum != got.requests || got.readers+got.crawled != got.requests {
				t.Errorf("%+v: %d requests, %d ends, %d of readers and crawlers", s, got.requests, sum, got.readers+got.crawled)
			}
			if got.made != got.filled || got.twice > got.made || got.fetched > got.made {
				t.Errorf("%+v: %d filled, %d made, %d twice, %d fetched", s, got.filled, got.made, got.twice, got.fetched)
			}
			if (nodes == 1 || s.hashed || s.bucket && s.locks) && got.twice != 0 {
				t.Errorf("%+v: %d made twice: want none, by one node's flight or by the lock", s, got.twice)
			}
			if !s.bucket && got.gets+got.puts+got.bucket != 0 {
				t.Errorf("%+v: %d gets and %d puts of no bucket", s, got.gets, got.puts)
			}
		}
	}
}

// TestScaleMakesOnce verifies that with a bucket a rendition is made once by all nodes, and without locks twice only while it is
// being made.
func TestScaleMakesOnce(t *testing.T) {
	imagetest.Long(t)
	w, stream := smallWorld(), smallStream(t)
	distinct := map[scaleID]bool{}
	for _, q := range stream {
		distinct[q.id] = true
	}
	for _, nodes := range []int{1, 3} {
		s := smallNode(nodes)
		s.empty, s.making = true, 60 // so long that some meet
		for _, s.locks = range []bool{false, true} {
			got := replayNodes(t, w, s, stream, smallTrace)
			if got.made-got.twice != int64(len(distinct)) {
				t.Errorf("%d nodes, locks %v: %d renditions are made, %d of them twice: want each of %d once", nodes, s.locks, got.made, got.twice, len(distinct))
			}
			if meet := nodes > 1 && !s.locks; meet != (got.twice > 0) {
				t.Errorf("%d nodes, locks %v: %d made twice", nodes, s.locks, got.twice)
			}
		}
	}
}

// TestScaleMoreIsNoWorse verifies that a larger tier answers no less, but for noise, and that nodes which each see their own
// addresses keep more than nodes which all see the same.
func TestScaleMoreIsNoWorse(t *testing.T) {
	imagetest.Long(t)
	w, stream := smallWorld(), smallStream(t)
	near := func(s scaleSetup) float64 {
		got := replayNodes(t, w, s, stream, smallTrace)
		return float64(got.near) / float64(got.readers)
	}
	const noise = 0.01
	last := 0.0
	for _, memory := range []int64{32 << 20, 128 << 20, 512 << 20} {
		s := smallNode(2)
		s.memory, s.disk = memory, 64<<20
		if got := near(s); got < last-noise {
			t.Errorf("%d MiB of memory: %.3f answered near, with less %.3f", memory>>20, got, last)
		} else {
			last = got
		}
	}
	last = 0
	for _, disk := range []int64{1 << 30, 8 << 30, 64 << 30} {
		s := smallNode(2)
		s.disk = disk
		if got := near(s); got < last-noise {
			t.Errorf("%d GiB of disk: %.3f answered near, with less %.3f", disk>>30, got, last)
		} else {
			last = got
		}
	}
	random := near(smallNode(4))
	s := smallNode(4)
	s.hashed = true
	if hashed := near(s); hashed <= random {
		t.Errorf("four nodes answer %.3f near by hashed addresses, by any node %.3f: want more", hashed, random)
	}
}

// TestScaleSample verifies what all larger figures rest on: a sample of a world with caches as much smaller has its hit ratios.
func TestScaleSample(t *testing.T) {
	imagetest.Long(t)
	ratios := func(sample int) (edge, near float64) {
		w := smallWorld()
		w.sample = sample
		length := 400_000 / sample
		stream, e := edgeMisses(w, length, 4, 1<<30)
		got := replayNodes(t, w, smallNode(1), stream, length)
		return float64(e.hits) / float64(e.readers), float64(got.near) / float64(got.readers)
	}
	edge, near := ratios(1)
	sampledEdge, sampledNear := ratios(4)
	t.Logf("edge %.3f, of a sample %.3f; near %.3f, of a sample %.3f", edge, sampledEdge, near, sampledNear)
	if math.Abs(edge-sampledEdge) > 0.015 || math.Abs(near-sampledNear) > 0.03 {
		t.Errorf("edge %.3f, of a sample %.3f; near %.3f, of a sample %.3f: want the same but for a hundredth or two", edge, sampledEdge, near, sampledNear)
	}
}

// TestZipfRank verifies the popularity: what the first tenth, hundredth and thousandth of the ranks have of all requests.
func TestZipfRank(t *testing.T) {
	const n, draws = 10_000, 200_000
	for _, exponent := range []float64{0.7, 0.9, 1, 1.1} {
		total := 0.0
		for k := 1; k <= n; k++ {
			total += math.Pow(float64(k), -exponent)
		}
		for _, first := range []int{10, 100, 1000} {
			want, got := 0.0, 0
			for k := 1; k <= first; k++ {
				want += math.Pow(float64(k), -exponent) / total
			}
			for i := range draws {
				if zipfRank(fraction(uint64(i)), n, exponent) <= first {
					got++
				}
			}
			if share := float64(got) / draws; math.Abs(share-want) > 0.05 {
				t.Errorf("exponent %v: the first %d of %d ranks have %.3f of the requests, want %.3f", exponent, first, n, share, want)
			}
		}
	}
}
