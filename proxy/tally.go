package proxy

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/internal/render"
)

// A tally counts answers since the server was made, for the numbers that people look at.
type tally struct {
	since                                      time.Time
	stale, filled, joined, refused, part, lost atomic.Int64 // lost: bytes by which pictures are larger than their originals; refused: with an error's status, probes and pages included; part: bytes of parts
	stripes                                    [tallyStripes]tallyStripe
}

// tallyStripes is how many copies the counters of hits have: more than processors, so that two seldom write one line of memory at a time.
const tallyStripes = 64

// A tallyStripe is a share of the counters that every hit adds to. Together they are on one line.
type tallyStripe struct {
	hits   atomic.Int64
	sent   atomic.Int64 // bytes of pictures sent whole
	gained atomic.Int64 // bytes by which their originals are larger, or, below 0, smaller
	again  atomic.Int64 // hits whose answer was kept
	_      [32]byte
}

// tallied are the sums of a tally.
type tallied struct {
	hits, stale, filled, joined int64 // pictures, by how they were answered
	refused                     int64
	sent, gained, lost          int64 // bytes
	again                       int64
}

func newTally() *tally { return &tally{since: time.Now()} }

// stripe is any: by chance, because nothing tells which processor this is.
func (t *tally) stripe() *tallyStripe {
	return &t.stripes[rand.Uint32()%tallyStripes] //nolint:gosec // no secret hangs on it
}

// whole counts a picture that was sent whole, in a file of so many bytes.
func (t *tally) whole(rend *render.Rendition, bytes int) {
	s := t.stripe()
	t.outcome(rend.Outcome, s).Add(1)
	s.sent.Add(int64(bytes))
	s.gained.Add(rend.Weight - int64(bytes))
	if more := int64(bytes) - rend.Weight; more > 0 {
		t.lost.Add(more)
	}
}

// partly counts an answer with a part of a picture, or with none of it: to HEAD, a range, or whoever has it already.
func (t *tally) partly(rend *render.Rendition, bytes int) {
	t.outcome(rend.Outcome, t.stripe()).Add(1)
	t.part.Add(int64(max(bytes, 0)))
}

func (t *tally) outcome(o render.Outcome, s *tallyStripe) *atomic.Int64 {
	switch o {
	case render.Stale:
		return &t.stale
	case render.Filled:
		return &t.filled
	case render.Joined:
		return &t.joined
	}
	return &s.hits
}

// sum adds up what was counted. What is counted meanwhile may be in some of it.
func (t *tally) sum() tallied {
	out := tallied{stale: t.stale.Load(), filled: t.filled.Load(), joined: t.joined.Load(), refused: t.refused.Load(), sent: t.part.Load(), lost: t.lost.Load()}
	for i := range t.stripes {
		s := &t.stripes[i]
		out.hits += s.hits.Load()
		out.sent += s.sent.Load()
		out.gained += s.gained.Load()
		out.again += s.again.Load()
	}
	return out
}
