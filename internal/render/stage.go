package render

import (
	"context"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// An Observer is told of every stage of what is made, after it ended. ctx has the values of the request that led the work, also
// where that is gone. It is called from any goroutine, and answers wait for it: it must return soon.
type Observer interface {
	Stage(ctx context.Context, s Stage)
}

// A Stage is a step on the way to an answer, with the times at which it really was under way.
type Stage struct {
	Name      string // "lookup", "queue", "fetch", "decode", "resize", "encode", "embed", "store"
	Begun     time.Time
	Ended     time.Time
	Format    transform.Format // of the original for "decode", else of the rendition; 0 where there is none
	Host      string           // of "fetch": the origin's; "" of the site's own files
	Bytes     int              // that came, were made, or were stored
	Unchanged bool             // of "fetch": the origin said that what is kept is current
	Class     Class            // why it failed; "" when it did not
}

// stage tells the observer of a stage that ends with the call.
func (r *Renderer) stage(ctx context.Context, s Stage) {
	if r.o.Observer != nil {
		s.Ended = time.Now()
		r.o.Observer.Stage(ctx, s)
	}
}

// staged tells the observer of a stage that took so long.
func (r *Renderer) staged(ctx context.Context, s Stage, took time.Duration) {
	if r.o.Observer != nil && took > 0 && !s.Begun.IsZero() {
		s.Ended = s.Begun.Add(took)
		r.o.Observer.Stage(ctx, s)
	}
}

// fetchStage tells of a fetch that began then.
func (r *Renderer) fetchStage(ctx context.Context, src source.Source, begun time.Time, o *fetch.Original, err error) {
	if r.o.Observer == nil {
		return
	}
	s := Stage{Name: "fetch", Begun: begun, Host: src.Host()}
	if err != nil {
		s.Class = newError(src, err).Class
	} else {
		s.Bytes, s.Unchanged = len(o.Body), o.NotModified
	}
	r.stage(ctx, s)
}

// transformStages tells of a transform that was asked for then. What it waited for lies before its decoding.
func (r *Renderer) transformStages(ctx context.Context, original transform.Format, asked time.Time, outs []transform.Output) {
	if r.o.Observer == nil {
		return
	}
	for i, o := range outs {
		at := o.Took.Began
		if i == 0 {
			r.staged(ctx, Stage{Name: "queue", Begun: asked}, at.Decode.Sub(asked))
			r.staged(ctx, Stage{Name: "decode", Begun: at.Decode, Format: original}, o.Took.Decode)
		}
		r.staged(ctx, Stage{Name: "resize", Begun: at.Resize, Format: o.Format}, o.Took.Resize)
		r.staged(ctx, Stage{Name: "encode", Begun: at.Encode, Format: o.Format, Bytes: len(o.Body)}, o.Took.Encode)
	}
}

// Load is how much is under way, and what was turned away since the Renderer was made.
type Load struct {
	Fetches, Renders FlightLoad
	Behind           int // slow renditions that wait for an idle machine
}

// A FlightLoad is that of one kind of flights.
type FlightLoad struct {
	Working, Waiting int
	Rejected         map[string]int64 // by reason, of Rejections
}

// Rejections are the reasons for which a flight is turned away: memory that is short, a host that has its share, a queue that is
// full or moves too slowly, a wait that was too long.
func Rejections() []string { return []string{"memory", "host", "full", "slow", "waited"} }

// Load is a snapshot.
func (r *Renderer) Load() Load {
	r.behind.mu.Lock()
	behind := len(r.behind.queue)
	r.behind.mu.Unlock()
	return Load{Fetches: r.fetches.gate.load(), Renders: r.renders.gate.load(), Behind: behind}
}

// The places of Rejections in gate.rejected.
const (
	byMemory = iota
	byHost
	byQueue
	byPace
	byWait
	rejections
)

// load is a snapshot.
func (g *gate) load() FlightLoad {
	l := FlightLoad{Working: len(g.slots), Waiting: max(g.waiting(), 0), Rejected: map[string]int64{}}
	for i, reason := range Rejections() {
		l.Rejected[reason] = g.rejected[i].Load()
	}
	return l
}

// hasLooked notes that the cache was asked for the renditions of c.
func (r *Renderer) hasLooked(ctx context.Context, c *call) {
	c.looked = time.Now()
	if r.o.Observer == nil {
		return
	}
	s := Stage{Name: "lookup", Begun: c.start, Ended: c.looked}
	if c.outcome == Filled || c.outcome == Joined {
		s.Begun = c.found
	}
	r.o.Observer.Stage(ctx, s)
}

// queued tells of a flight that waited at its gate since then, unless it was let in at once.
func (r *Renderer) queued(ctx context.Context, since time.Time) {
	const atOnce = 100 * time.Microsecond // the scheduler's
	if time.Since(since) > atOnce {
		r.stage(ctx, Stage{Name: "queue", Begun: since})
	}
}
