//go:build compare

package cache

import (
	"flag"
	"fmt"
	"testing"
)

// A reader's own site: go test -tags compare -run TestCompareScaleOwn ./cache -args -images 250000 -requests 3e7 …
var (
	ownImages    = flag.Int("images", 0, "images in the catalog")
	ownPublished = flag.Float64("published", 0, "images published a day; 0 is a 7,000th of the catalog")
	ownRequests  = flag.Float64("requests", 0, "requests a day at the edge; 0 is 100 for each image")
	ownNews      = flag.Float64("news", 0.7, "share of the requests for what was published lately")
	ownExponent  = flag.Float64("exponent", 0.9, "Zipf's exponent of the archive")
	ownEdge      = flag.Float64("edge", 500, "the CDN's cache, in GB")
	ownPlaces    = flag.Int("places", 1, "the CDN's places without a shield")
	ownNodes     = flag.Int("nodes", 2, "nodes")
	ownMemory    = flag.Float64("memory", 1, "memory tier of a node, in GB")
	ownDisk      = flag.Float64("disk", 50, "disk of a node, in GB")
	ownHashed    = flag.Bool("hashed", false, "the load balancer leads an address to one node")
	ownNoBucket  = flag.Bool("no-bucket", false, "no bucket")
)

// scaleLength is how many requests are replayed, of which the second half counts: enough that an edge of 2 TB has been filled
// three times in the sample.
const scaleLength = 6_000_000

// A scaleSite is one of the document's.
type scaleSite struct {
	name  string
	world scaleWorld
	edge  float64 // GB
	setup scaleSetup
}

func scaleSites() []scaleSite {
	world := func(images int, published, requests float64, sample int) scaleWorld {
		return scaleWorld{images: images, published: published, requests: requests, exponent: 0.9, news: 0.7, crawlers: 0.01, sample: sample, seed: 1}
	}
	setup := func(nodes int, memory, disk float64) scaleSetup {
		return scaleSetup{nodes: nodes, bucket: nodes > 1, memory: gigabytes(memory), disk: gigabytes(disk), making: 1.5}
	}
	return []scaleSite{
		{"blog", world(10_000, 3, 1e6, 1), 10, setup(1, 0.5, 40)},
		{"newspaper", world(1_000_000, 140, 1e8, 10), 500, setup(2, 1, 100)},
		{"network", world(10_000_000, 1400, 2e9, 100), 2000, setup(4, 4, 400)},
	}
}

func gigabytes(n float64) int64 { return int64(n * 1e9) }

// TestCompareScaleEdge prints what a CDN answers, by Zipf's exponent, the share of news and its size.
func TestCompareScaleEdge(t *testing.T) {
	fmt.Print("\n### Readers' hits at the edge in per cent, a network of 10 million images\n\n| exponent | news | 500 GB | 2 TB | 8 TB | 2 TB in 20 places, no shield |\n|---|---|---|---|---|---|\n")
	for _, exponent := range []float64{0.7, 0.8, 0.9, 1, 1.1} {
		for _, news := range []float64{0.7, 0.3} {
			w := scaleSites()[2].world
			w.exponent, w.news = exponent, news
			s := newScaleTrace(w)
			var edges []*scaleEdge
			for _, e := range []struct {
				places int
				gb     float64
			}{{1, 500}, {1, 2000}, {1, 8000}, {20, 2000}} {
				edges = append(edges, newScaleEdge(e.places, gigabytes(e.gb)/int64(w.sample)))
			}
			for i := range scaleLength {
				q := s.next()
				for _, e := range edges {
					e.misses(q, i >= scaleLength/2)
				}
			}
			fmt.Printf("| %.1f | %.0f %% |", exponent, 100*news)
			for _, e := range edges {
				fmt.Printf(" %.1f |", 100*float64(e.hits)/float64(e.readers))
			}
			fmt.Println()
		}
	}
}

// TestCompareScaleNodes prints what nodes do behind a CDN of 2 TB, by their number, their disks and how requests come to them.
func TestCompareScaleNodes(t *testing.T) {
	site := scaleSites()[2]
	fmt.Print("\n### A network's nodes, each with 4 GB of memory\n\n")
	const small, large = 400, 2000
	setups := []scaleSetup{
		{nodes: 1, bucket: true, disk: small}, {nodes: 4, bucket: true, disk: small}, {nodes: 4, bucket: true, hashed: true, disk: small},
	}
	for _, nodes := range []int{1, 2, 4, 16} {
		setups = append(setups, scaleSetup{nodes: nodes, bucket: true, disk: large})
		if nodes > 1 {
			setups = append(setups, scaleSetup{nodes: nodes, bucket: true, hashed: true, disk: large})
		}
	}
	setups = append(setups, scaleSetup{nodes: 4, disk: large}, scaleSetup{nodes: 4, hashed: true, disk: large},
		scaleSetup{nodes: 4, bucket: true, empty: true, disk: large}, scaleSetup{nodes: 4, bucket: true, empty: true, locks: true, disk: large})
	for _, places := range []int{1, 20} {
		stream, _ := edgeMisses(site.world, scaleLength, places, gigabytes(site.edge))
		fmt.Printf("behind %d places, 2 TB together: %.0f requests a second\n\n", places, perSecond(site.world, tail(stream)))
		fmt.Print("| nodes | disk, each | requests come to | bucket | memory | disk | bucket | joined | made | made twice | originals fetched | cores for it |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
		for _, s := range setups {
			if places == 1 && (s.nodes > 4 || !s.bucket || s.empty) {
				continue // nothing comes back soon enough for nodes to differ
			}
			s.memory, s.making = site.setup.memory, site.setup.making
			s.disk *= 1e9
			printNodes(site.world, s, replayNodes(t, site.world, s, stream, scaleLength))
		}
		fmt.Println()
	}
}

func printNodes(w scaleWorld, s scaleSetup, got scaleTally) {
	come, bucket := "any node", "none"
	if s.hashed {
		come = "one by address"
	}
	switch {
	case s.empty && s.locks:
		bucket = "empty at first, locks"
	case s.empty:
		bucket = "empty at first"
	case s.bucket:
		bucket = "has the archive"
	}
	percent := func(n int64) string { return fmt.Sprintf("%.2f %%", 100*float64(n)/float64(got.requests)) }
	days := measuredDays(w, s)
	fmt.Printf("| %d | %d GB | %s | %s | %s | %s | %s | %s | %s | %d | %.1f/s | %.1f |\n", s.nodes, s.disk/1e9, come, bucket, percent(got.memory), percent(got.disk),
		percent(got.bucket), percent(got.joined), percent(got.made), got.twice, float64(got.fetched*int64(w.sample))/days/86400, got.seconds*float64(w.sample)/days/86400)
}

// measuredDays are those that a tally is of.
func measuredDays(w scaleWorld, s scaleSetup) float64 {
	counted := scaleLength / 2
	if s.empty {
		counted = scaleLength
	}
	return float64(counted) * float64(w.sample) / w.requests
}

func tail(stream []scaleRequest) int {
	n := 0
	for _, q := range stream {
		if int(q.at) >= scaleLength/2 {
			n++
		}
	}
	return n
}

// perSecond is the rate of what happened n times in the second half.
func perSecond(w scaleWorld, n int) float64 {
	return float64(n) * float64(w.sample) / (measuredDays(w, scaleSetup{}) * 86400)
}

// TestCompareScaleOwn prints the plan of a reader's own site, or of the three of the document.
func TestCompareScaleOwn(t *testing.T) {
	sites := scaleSites()
	if *ownImages > 0 {
		sites = []scaleSite{ownSite()}
	}
	for _, site := range sites {
		length := scaleLength
		stream, edge := edgeMisses(site.world, length, *ownPlaces, gigabytes(site.edge))
		got := replayNodes(t, site.world, site.setup, stream, length)
		printPlan(site, edge, got)
	}
}

func ownSite() scaleSite {
	w := scaleWorld{
		images: *ownImages, published: *ownPublished, requests: *ownRequests, exponent: *ownExponent, news: *ownNews, crawlers: 0.01,
		sample: max(1, *ownImages/100_000), seed: 1,
	}
	if w.published == 0 {
		w.published = max(1, float64(w.images)/7000)
	}
	if w.requests == 0 {
		w.requests = 100 * float64(w.images)
	}
	return scaleSite{"own", w, *ownEdge, scaleSetup{
		nodes: *ownNodes, hashed: *ownHashed, bucket: !*ownNoBucket, memory: gigabytes(*ownMemory), disk: gigabytes(*ownDisk), making: 1.5,
	}}
}

// printPlan prints what a site needs. The formulas are scale.md's, in its order.
func printPlan(site scaleSite, edge *scaleEdge, got scaleTally) {
	w, p := site.world, planOf(site, edge, got)
	fmt.Printf("\n### %s: %d images, %.0f published a day, %.0f requests a day at an edge of %.0f GB, %d nodes\n\n| | |\n|---|---|\n", site.name, w.images, w.published, w.requests, site.edge, site.setup.nodes)
	for _, row := range []struct {
		name, format string
		value        float64
	}{
		{"hits at the edge", "%.2f %%", 100 * p.edge},
		{"requests to the nodes", "%.1f/s", p.nodes},
		{"three times that, at the busiest hour", "%.1f/s", 3 * p.nodes},
		{"of these from memory", "%.2f %%", p.share(got, got.memory)},
		{"from disk", "%.2f %%", p.share(got, got.disk)},
		{"from the bucket", "%.2f %%", p.share(got, got.bucket)},
		{"made", "%.3f %%", p.share(got, got.made)},
		{"renditions of what is published, a day", "%.0f", p.fresh},
		{"cores for hits", "%.2f", p.hitCores},
		{"cores for transforms, in the long run", "%.2f", p.makeCores},
		{"core-days to make every rendition once", "%.0f", p.allCoreDays},
		{"catalog in memory, a node", "%.2f GB", p.catalog},
		{"bucket, renditions", "%.0f GB", p.renditions},
		{"bucket, originals", "%.0f GB", p.originals},
		{"bucket reads", "%.1f/s", p.gets},
		{"bucket writes", "%.2f/s", p.puts},
		{"originals revalidated", "%.2f/s", p.revalidated},
		{"from nodes to the CDN", "%.0f GB a month", p.egress},
		{"bucket, storage", "$%.0f a month", p.storageCost},
		{"bucket, requests", "$%.0f a month", p.requestCost},
		{"to the CDN, at the price of egress", "$%.0f a month", p.egressCost},
		{"bucket, to write all of it once", "$%.0f", p.fillCost},
	} {
		fmt.Printf("| %s | "+row.format+" |\n", row.name, row.value)
	}
}

// TestCompareScaleSample prints the network's hit ratios, behind 20 places, by how many images one stands for: what a hundred may do to
// them. A sample's trace is as much shorter.
func TestCompareScaleSample(t *testing.T) {
	site := scaleSites()[2]
	fmt.Print("\n### One image for so many\n\n| images | edge | memory or disk |\n|---|---|---|\n")
	for _, sample := range []int{25, 50, 100, 200, 400} {
		w := site.world
		w.sample = sample
		length := scaleLength * 100 / sample
		stream, edge := edgeMisses(w, length, 20, gigabytes(site.edge))
		got := replayNodes(t, w, site.setup, stream, length)
		fmt.Printf("| %d | %.1f %% | %.1f %% |\n", sample, 100*float64(edge.hits)/float64(edge.readers), 100*float64(got.near)/float64(got.readers))
	}
}
