//go:build compare

package cache

// Prices are assumptions: list prices of Amazon S3, us-east-1, as remembered in November 2026, in dollars. Put in your own.
const (
	priceStorage = 0.023        // a GB and month
	pricePut     = 0.005 / 1000 // a request
	priceGet     = 0.0004 / 1000
	priceEgress  = 0.09 // a GB
	monthSeconds = 30 * 86400.0
)

// Measured: internal/docs/scale.md says how.
const (
	hitSeconds   = 62e-6  // of processor time for one hit in memory, its sockets included
	diskSeconds  = 377e-6 // for one on disk, verified
	catalogBytes = 1263   // of memory for one entry
	// revalidateDays is cache.fresh.
	revalidateDays = 1
)

// A scalePlan is what a site needs, in the order of scale.md's formulas: shares, rates a second, GB, dollars.
type scalePlan struct {
	edge, nodes, fresh                             float64
	hitCores, makeCores, allCoreDays               float64
	catalog, renditions, originals, gets, puts     float64
	revalidated, egress                            float64
	storageCost, requestCost, egressCost, fillCost float64
}

func (p scalePlan) share(got scaleTally, n int64) float64 {
	return 100 * float64(n) / float64(max(1, got.requests))
}

func planOf(site scaleSite, edge *scaleEdge, got scaleTally) scalePlan {
	w := site.world
	asked := float64(edge.readers) / (1 - w.crawlers) // of the trace's second half
	second := asked / w.requests * 86400              // that it would take if the sample were all
	rate := func(n int64) float64 { return float64(n) / second }
	family, bytes, originals, seconds := scaleFamily()
	p := scalePlan{edge: float64(edge.hits) / float64(max(1, edge.readers)), nodes: rate(got.requests), fresh: w.published * family}
	p.hitCores = rate(got.memory)*hitSeconds + rate(got.requests-got.memory)*diskSeconds
	p.makeCores = w.published * seconds / 86400
	if !site.setup.bucket {
		p.makeCores = got.seconds / second
	}
	p.allCoreDays = float64(w.images) * seconds / 86400
	p.catalog = float64(w.images) * catalogBytes / 1e9
	if site.setup.bucket {
		p.renditions, p.originals = float64(w.images)*bytes/1e9, float64(w.images)*originals/1e9
		p.fillCost = float64(w.images) * (family + 2) * pricePut
		p.revalidated = p.sources(w) / (revalidateDays * 86400)
		p.gets = rate(got.gets)
		p.puts = w.published*(family+2)/86400 + p.revalidated
	}
	p.egress = float64(edge.missing) / second * monthSeconds / 1e9
	p.storageCost = (p.renditions + p.originals) * priceStorage
	p.requestCost = (p.gets*priceGet + p.puts*pricePut) * monthSeconds
	p.egressCost = p.egress * priceEgress
	return p
}

// sources are those that are asked for in a time of freshness: readers' and crawlers', all images at the most.
func (p scalePlan) sources(w scaleWorld) float64 {
	return min(float64(w.images), p.nodes*86400*revalidateDays)
}

// scaleFamily is what all renditions of an image are, on average: how many, their bytes, the original's, and the processor time
// to make them.
func scaleFamily() (count, bytes, originals, seconds float64) {
	const pictures = 10_000
	for image := range pictures {
		seen := map[scaleID]bool{}
		for i := range scaleWidths {
			for _, f := range scaleFormats {
				seen[rendition(image, i, f.of)] = true
			}
		}
		for id := range seen {
			count, bytes, seconds = count+1, bytes+float64(id.bytes()), seconds+id.seconds()
		}
		originals += float64(scaleID(image * scaleStride).of(scaleOriginal).bytes())
	}
	return count / pictures, bytes / pictures, originals / pictures, seconds / pictures
}
