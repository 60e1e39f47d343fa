package proxy

import (
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/dd8bf596/cutline/internal/render"
)

// A tally counts answers since the server was made, for the numbers that people look at. Its counters are striped: a hit writes
// no line of memory that another processor's hits write too.
type tally struct {
	since                       time.Time
	hits, stale, filled, joined *xsync.Counter // pictures, by how they were answered
	refused                     *xsync.Counter // answers with an error's status, probes and pages included
	sent                        *xsync.Counter // bytes of pictures
	gained                      *xsync.Counter // bytes by which the originals of the pictures sent whole are larger than these
}

func newTally() *tally {
	t := &tally{since: time.Now()}
	for _, c := range []**xsync.Counter{&t.hits, &t.stale, &t.filled, &t.joined, &t.refused, &t.sent, &t.gained} {
		*c = xsync.NewCounter()
	}
	return t
}

// whole counts a picture that was sent whole, in a file of so many bytes.
func (t *tally) whole(rend *render.Rendition, bytes int) {
	t.outcome(rend.Outcome).Inc()
	t.sent.Add(int64(bytes))
	t.gained.Add(rend.Weight - int64(bytes))
}

// part counts an answer with a part of a picture, or with none of it: to HEAD, a range, or whoever has it already.
func (t *tally) part(rend *render.Rendition, bytes int) {
	t.outcome(rend.Outcome).Inc()
	t.sent.Add(int64(max(bytes, 0)))
}

func (t *tally) outcome(o render.Outcome) *xsync.Counter {
	switch o {
	case render.Stale:
		return t.stale
	case render.Filled:
		return t.filled
	case render.Joined:
		return t.joined
	}
	return t.hits
}
