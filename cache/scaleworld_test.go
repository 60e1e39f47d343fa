package cache

import (
	"math"
	"math/rand/v2"
)

// A scaleWorld is a site as internal/docs/scale.md assumes it: its catalog, and what readers and crawlers ask for. Every figure
// stands for the whole site; sample makes it smaller.
type scaleWorld struct {
	images    int     // in the catalog
	published float64 // a day
	requests  float64 // a day, of readers and crawlers, at the edge
	exponent  float64 // of Zipf's law, by which readers come to the archive
	news      float64 // share of the requests that is for what was published lately
	crawlers  float64 // share of the requests that walks through the archive
	// sample is how many images one stands for: images, requests and all caches are a sample-th (spatial sampling: Waldspurger,
	// Park, Garthwaite, Ahmad, “Efficient MRC Construction with SHARDS”, FAST 2015). An image stands for neighbours in
	// popularity and has their mean, so that it does not matter which of the most popular is in the sample.
	sample int
	seed   uint64
}

// Popularity falls with age after a power law: half of the readers of a day's articles come on the first two days, a tenth after
// 20 days.
const (
	newsDays  = 2.0
	newsDecay = 1.0
	// dayExponent is how unequal one day's articles are.
	dayExponent = 1.0
)

// scaleStride is how many numbers an image has: 30 renditions, its original, its pointer.
const (
	scaleStride   = 32
	scaleOriginal = 30
	scalePointer  = 31
)

// A scaleID is an image's number times scaleStride plus that of a rendition, the original or the pointer.
type scaleID uint32

func (id scaleID) image() int { return int(id / scaleStride) }
func (id scaleID) part() int  { return int(id % scaleStride) }

// of is another part of the same image.
func (id scaleID) of(part int) scaleID { return id - id%scaleStride + scaleID(part) }

// key is the object's name in a store. A real sum is uniform, as this is.
func (id scaleID) key() Key {
	k := Key{Kind: Rendition}
	switch id.part() {
	case scaleOriginal:
		k.Kind = Original
	case scalePointer:
		k.Kind = Pointer
	}
	for word := range 4 {
		h := mix(uint64(id) + uint64(word)<<32)
		for i := range 8 {
			k.Sum[8*word+i] = byte(h >> (8 * i))
		}
	}
	return k
}

// mix spreads x over 64 bits (the finalizer of splitmix64: Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// fraction is a number in [0, 1) that belongs to x.
func fraction(x uint64) float64 { return float64(mix(x)>>11) / (1 << 53) }

// A share is a number with its part of the whole.
type share struct {
	of     int
	weight float64
}

// pick is the number that u in [0, 1) falls to.
func pick(shares []share, u float64) int {
	total := 0.0
	for _, s := range shares {
		total += s.weight
	}
	for _, s := range shares {
		if u -= s.weight / total; u < 0 {
			return s.of
		}
	}
	return shares[len(shares)-1].of
}

// What clients ask for: the ladder's widths, for phones of two and three pixels a point, lists and desktops; and the format of
// the <source> that they take. Assumptions, not measurements: see scale.md.
var (
	scaleWidths = []share{
		{160, 5}, {320, 18}, {480, 12}, {640, 12}, {828, 20}, {960, 12}, {1280, 12}, {1600, 6}, {1920, 2}, {2560, 1},
	}
	scaleFormats = []share{{jpeg, 5}, {webp, 25}, {avif, 70}}
	// scaleOriginals are the widths of originals: of photographs of 1, 2, 6 and 24 megapixels.
	scaleOriginals = []share{{1200, 10}, {1920, 30}, {3000, 40}, {6000, 20}}
)

const (
	jpeg = iota
	webp
	avif
)

// width is that of the original.
func (id scaleID) width() int { return pick(scaleOriginals, fraction(uint64(id.image())^0xA1)) }

// rendition is the one of an image in the i-th width and a format. What would be larger than the original is the original's
// size, which is one rendition however it was asked for.
func rendition(image, i, format int) scaleID {
	id := scaleID(image * scaleStride)
	for i > 0 && scaleWidths[i-1].of >= id.width() {
		i--
	}
	return id + scaleID(format*len(scaleWidths)+i)
}

// A scaleRequest is for a rendition; crawlers' count for no hit ratio, but take room. at is its number in the trace.
type scaleRequest struct {
	id      scaleID
	at      int32
	crawler bool
}

// A scaleTrace makes the requests to a world, one after the other.
type scaleTrace struct {
	world  scaleWorld
	r      *rand.Rand
	at     int32
	old    int     // images at the beginning
	perDay float64 // images published
	pace   float64 // images published per request
	walk   int     // where the crawler is
}

func newScaleTrace(w scaleWorld) *scaleTrace {
	return &scaleTrace{
		world: w, r: rand.New(rand.NewPCG(w.seed, 5)), old: w.images / w.sample,
		perDay: max(1, w.published/float64(w.sample)), pace: w.published / w.requests,
	}
}

// newest is the youngest image.
func (s *scaleTrace) newest() int { return s.old - 1 + int(float64(s.at)*s.pace) }

func (s *scaleTrace) next() scaleRequest {
	q := scaleRequest{at: s.at}
	s.at++
	u := s.r.Float64()
	if u < s.world.crawlers {
		s.walk = (s.walk + 1) % s.old
		q.id, q.crawler = rendition(s.walk, 6, jpeg), true // what stands in a page's src
		return q
	}
	image := -1
	if u < s.world.crawlers+s.world.news {
		image = s.recent()
	}
	if image < 0 {
		image = s.archived()
	}
	q.id = rendition(image, s.pickWidth(), pick(scaleFormats, s.r.Float64()))
	return q
}

// pickWidth is an index of scaleWidths.
func (s *scaleTrace) pickWidth() int {
	width := pick(scaleWidths, s.r.Float64())
	for i, w := range scaleWidths {
		if w.of == width {
			return i
		}
	}
	return 0
}

// recent is an image by its age; negative where the site is not that old.
func (s *scaleTrace) recent() int {
	age := newsDays * (math.Pow(1-s.r.Float64(), -1/newsDecay) - 1)
	newest := s.newest()
	if age*s.perDay > float64(newest) {
		return -1
	}
	day := math.Floor((float64(newest) - age*s.perDay) / s.perDay)
	first, after := int(day*s.perDay), min(int((day+1)*s.perDay), newest+1)
	rank := (zipfRank(s.r.Float64(), max(1, int(s.world.published)), dayExponent) - 1) / s.world.sample
	return first + int((uint64(rank)+mix(uint64(day)))%uint64(max(1, after-first)))
}

// archived is an image by its popularity, which has nothing to do with its age.
func (s *scaleTrace) archived() int {
	rank := (zipfRank(s.r.Float64(), s.old*s.world.sample, s.world.exponent) - 1) / s.world.sample
	const prime = 1_000_003 // larger than any step that a crawler or a day takes, and no divisor of a round number
	return int(uint64(rank) * prime % uint64(s.old))
}

// zipfRank is the rank in 1…n that u in [0, 1) falls to by Zipf's law with any exponent: the inverse of the continuous
// distribution between a half and n and a half, which is exact in the tail and within a tenth for the first rank.
func zipfRank(u float64, n int, exponent float64) int {
	first, last := 0.5, float64(n)+0.5
	x := first * math.Pow(last/first, u)
	if e := 1 - exponent; math.Abs(e) > 1e-9 {
		low, high := math.Pow(first, e), math.Pow(last, e)
		x = math.Pow(low+u*(high-low), 1/e)
	}
	return min(max(int(x+0.5), 1), n)
}
