// Package render is the one path from (source, spec, words) to bytes: cache → fetch → transform → store → embed.
//
// serve and prefetch both call it, so a prefetched picture is a hit by construction. It knows nothing of HTTP or posts.
package render

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Fetcher brings originals; *fetch.Fetcher is the one.
type Fetcher interface {
	Fetch(ctx context.Context, src source.Source, prior fetch.Validators) (*fetch.Original, error)
}

// A Transformer makes pixels; *transform.Transformer is the one.
type Transformer interface {
	Can(f transform.Format) transform.Ability
	Rev(f transform.Format) string
	Probe(src []byte) (transform.Info, error)
	Transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error)
}

// Options configures a Renderer; Store, Fetch and Transform are required.
type Options struct {
	Store cache.Store
	// Shared is the tier of Store that several nodes share, and Private all others in one; both nil where there is none.
	Shared, Private cache.Store
	// Lock has one node at a time do a piece of work, for what Shared has of it; nil is alone.
	Lock Locker
	// Near is Store's fastest tier, in memory. It keeps renditions with their words in them, and what Again answers; nil has the words
	// put in for every answer.
	Near      cache.Store
	Fetch     Fetcher
	Transform Transformer
	MaxOutput int                      // of a rendition's longer side, pixels; 0 means DefaultMaxOutput
	Quality   map[transform.Format]int // 1…100 where a spec names none; absent or 0 has the engine search one
	MinFresh  time.Duration            // an origin's shorter freshness is raised to it; 0 means 5 minutes
	MaxFresh  time.Duration            // an origin's longer freshness is cut to it; 0 means 30 days
	Fresh     time.Duration            // where the origin says nothing; 0 means 24 hours
	Timeout   time.Duration            // for one flight, waits included; 0 means 30 s
	Slow      []transform.Format       // formats that Best lets no answer wait for
	// Archived tells the sources whose originals outlive their origin; it is called for every answer that is past its
	// freshness, from any goroutine. nil has all.
	Archived func(source.Source) bool
	// Pin has an archived original stay when its origin replaces it. The change is noted, and told by Revalidate.
	Pin bool
	// KeepAll keeps what its origin forbids keeping (no-store, private) or wants to be asked for each time (no-cache).
	KeepAll bool
	// Aside makes what is Slow, so that it takes neither place nor memory from the rest; nil means Transform does.
	Aside Transformer
	// Short reports that memory is short: no flight is begun then, and who would wait for one is refused as Busy. What the cache has
	// is answered. It is called for every flight; nil is never.
	Short func() bool
	// Observer is told of the stages of what is made; nil is not.
	Observer Observer
	// Report is told what happens behind an answer: a revalidation that failed, a store that did not keep something. It is
	// called from any goroutine; nil drops it.
	Report func(error)
}

// Outcome is how a request was answered.
type Outcome string

// The outcomes.
const (
	Hit    Outcome = "hit"    // from the cache
	Filled Outcome = "filled" // fetched or rendered for this request
	Joined Outcome = "joined" // waited for another request's work
	Stale  Outcome = "stale"  // from the cache past its freshness, while a flight revalidates behind
)

// A Request asks for renditions of one source.
type Request struct {
	Source source.Source
	Specs  []transform.Spec // each with a Format
	Words  caption.Words
}

// WithLoop returns a context whose renditions are made for a request that came through other cutlines, named by their
// instances, so that their own requests find back to them (fetch.WithLoop).
func WithLoop(ctx context.Context, instances []string) context.Context {
	return fetch.WithLoop(ctx, instances)
}

// A Rendition is an answer. Nobody may modify Body.
type Rendition struct {
	Spec      transform.Spec // resolved: the true size
	Body      []byte
	Words     caption.Words // those of the request, its gaps filled with what the original says of itself
	ETag      string        // strong, quoted; from the pixels' sum and the words
	Original  [32]byte      // SHA-256 of the original it is made from
	Weight    int64         // bytes of that original
	Modified  time.Time     // of the original, where known; else when it was first fetched
	Kept      bool          // false when the origin forbids keeping it; then nobody else may either
	Stale     bool          // made from an original past its freshness, or kept although its origin fails
	NoCache   bool          // the origin wants to be asked each time before it is shown
	Asked     bool          // what was kept was stale, and this answer waited for what the origin says of it
	Status    int           // with Asked: the origin's; 0 where it sent none
	Interim   bool          // of Best: a better one is being made, so this one is not for long
	Unsettled bool          // of Best: another format failed that may do better another day, so this answer is not for ever
	Frames    int           // ≥ 1
	Of        int           // frames of the original; more than Frames where an animation was not kept moving
	Quality   int           // 1…100; 0 in lossless formats and where the cache is from before it was noted
	Outcome   Outcome
	Timings   []Timing
	lease     lease
}

// A Timing is one stage's duration: "lookup", "queue", "fetch", "decode", "resize", "encode", "embed".
type Timing struct {
	Stage string
	Took  time.Duration
}

// Original is what is known of a source's original without its bytes.
type Original struct {
	Info     transform.Info
	Sum      [32]byte // SHA-256
	Bytes    int64
	Modified time.Time
	Found    caption.Found // the words that the file holds
	Outcome  Outcome
	Failure  Class     // why the origin does not deliver it any more; "" while it does
	Failing  time.Time // since when; zero while it does
	Replaced time.Time // when another took its place behind the same address; zero where that was not seen
	Pinned   bool      // with Replaced: this is the one from before
}

// A Renderer renders. It is safe for concurrent use.
type Renderer struct {
	o        Options
	fetches  *flights[fetchKey, located]
	renders  *flights[cache.Key, made]
	failures failures
	behind   *behind                    // slow renditions of Best, and its choices
	locks    [pointerLocks]sync.RWMutex // of pointers, by source
	changes  [changeStripes]atomic.Uint64
	adopted  [256]atomic.Uint64 // by rendition: how often the store took another's in place of ours
	purges   purges
	order    order
	tombs    tombs
	counters counters
	tallies  tallies
}

const (
	// fetching is how many originals are fetched at one time: at 20 MB each, 480 MB at the very most.
	fetching = 24
	// fetchingOfHost is how many of them may be of one host: two hosts that hang leave as much for the rest. It is what a
	// browser, with its six connections, and a reload ask of a host; more is no politeness.
	fetchingOfHost = 8
	// waiting is how many flights of a kind may wait: pages of a few hundred new pictures, not more.
	waiting = 512
	// insideOfHost is how many flights to one host may work or wait: half of all.
	insideOfHost = waiting / 2
)

// DefaultMaxOutput bounds a rendition's longer side, in pixels: the widest rung of the ladder.
const DefaultMaxOutput = 2560

// New makes a Renderer.
func New(o Options) *Renderer {
	o.MaxOutput = cmp.Or(o.MaxOutput, DefaultMaxOutput)
	o.MinFresh = cmp.Or(o.MinFresh, 5*time.Minute)
	o.MaxFresh = cmp.Or(o.MaxFresh, 30*24*time.Hour)
	o.Fresh = cmp.Or(o.Fresh, 24*time.Hour)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	r := &Renderer{o: o, order: order{run: rand.Text()}}
	r.behind = newBehind(r)
	r.fetches = newFlights[fetchKey, located](o.Timeout, newGate(fetching, waiting, o.Timeout/2), r.report)
	r.fetches.gate.share = share{working: fetchingOfHost, inside: insideOfHost}
	r.fetches.host = func(k fetchKey) string { return k.src.Host() }
	// Twice as many as there are processors: one decodes while another's original is read.
	r.renders = newFlights[cache.Key, made](o.Timeout, newGate(2*runtime.GOMAXPROCS(0), waiting, o.Timeout/2), r.report)
	r.fetches.gate.short, r.renders.gate.short = o.Short, o.Short
	if o.Observer != nil {
		r.fetches.queued = r.queued
		r.renders.queued = r.queued
	}
	return r
}

// Render returns one Rendition per spec, in order, or none of them and an *Error. It returns when ctx ends; the work goes on
// for whoever else waits, and for the cache.
func (r *Renderer) Render(ctx context.Context, req Request) ([]*Rendition, error) {
	return r.answer(ctx, req, func(c *call) ([]*Rendition, error) { return r.make(ctx, c, req.Specs) })
}

// make makes the renditions of a call.
func (r *Renderer) make(ctx context.Context, c *call, specs []transform.Spec) ([]*Rendition, error) {
	wishes := make([]*wish, len(specs))
	for i, s := range specs {
		w, err := r.wish(c, s)
		if err != nil {
			return nil, err
		}
		if r.look(ctx, c, w); w.err != nil {
			return nil, w.err
		}
		wishes[i] = w
	}
	r.hasLooked(ctx, c)
	r.fill(ctx, c, wishes)
	rends := make([]*Rendition, len(wishes))
	for i, w := range wishes {
		if w.err != nil {
			return nil, w.err
		}
		rends[i] = r.rendition(ctx, c, w)
	}
	return rends, nil
}

// A call is one answer on its way.
type call struct {
	req      Request
	located  located
	words    caption.Words // of the post, and of the original where the post is silent
	wordsSum sum
	outcome  Outcome   // of locating
	start    time.Time // of the whole
	found    time.Time // when the original was located
	looked   time.Time // when the cache had been asked for the renditions
}

// answer locates the original and has work make renditions of it; once more where that original turns out to be replaced.
func (r *Renderer) answer(ctx context.Context, req Request, work func(*call) ([]*Rendition, error)) ([]*Rendition, error) {
	return r.answerFrom(ctx, req, r.locate, work)
}

// answerFrom is answer with another way to locate an original.
func (r *Renderer) answerFrom(
	ctx context.Context, req Request,
	first func(context.Context, source.Source) (located, Outcome, error),
	work func(*call) ([]*Rendition, error),
) ([]*Rendition, error) {
	locate, changed := first, false
	for {
		rends, err := r.try(ctx, req, locate, work)
		switch {
		case errors.Is(err, errPurged) && ctx.Err() == nil: // once more for each purge
			locate = first
		case errors.Is(err, errChanged) && !changed:
			// Another original took the place of the one that was looked up. The flight that brought it tells which.
			locate, changed = r.refetch, true
			if e, ok := errors.AsType[*changedError](err); ok {
				locate = func(context.Context, source.Source) (located, Outcome, error) { return e.to, Joined, nil }
			}
		case err != nil:
			return nil, newError(req.Source, err)
		default:
			return rends, nil
		}
	}
}

func (r *Renderer) try(
	ctx context.Context, req Request,
	locate func(context.Context, source.Source) (located, Outcome, error),
	work func(*call) ([]*Rendition, error),
) ([]*Rendition, error) {
	c := &call{req: req, start: time.Now()}
	err := r.hopeless(ctx, req.Source)
	if err != nil {
		return nil, err
	}
	if c.located, c.outcome, err = locate(ctx, req.Source); err != nil {
		return nil, err
	}
	c.words, _ = req.Words.Over(c.located.ptr.Current.Found)
	c.wordsSum = wordsSum(c.words)
	c.found = time.Now()
	rends, err := work(c)
	if r.purges.since(req.Source, c.located.token) {
		return nil, errPurged // it is no answer any more
	}
	return rends, err
}

// hopeless returns errFull where nothing is known of src, not even why it cannot be had, and no picture could be made in time: to
// fetch it would cost others, and whoever asks would be sent away only then.
func (r *Renderer) hopeless(ctx context.Context, src source.Source) error {
	err := r.renders.gate.hopeless()
	if err == nil || r.failures.get(pointerKey(src), src, time.Now()) != nil {
		return nil
	}
	if p := r.loadPointer(ctx, src); p.Current != nil || p.Failure != nil || p.Withdrawn != nil {
		return nil
	}
	return err
}

// refetch locates an original by the flight that brings it.
func (r *Renderer) refetch(ctx context.Context, src source.Source) (located, Outcome, error) {
	if l, ok := r.fetches.peek(fetchKey{src: src, whole: true}); ok && !r.purges.since(src, l.token) { // and has yet to store it
		return l, Joined, nil
	}
	return r.waitFetch(ctx, fetchKey{src: src})
}

func (r *Renderer) rendition(ctx context.Context, c *call, w *wish) *Rendition {
	l, embed := c.located, r.splice(ctx, c, w)
	rend := &Rendition{
		Spec: w.spec, Body: w.made.body, Words: c.words, ETag: etag(w.made.sum, c.wordsSum, w.spliced), Outcome: w.outcome,
		Frames: max(w.made.frames, 1), Of: max(l.ptr.Current.Info.Frames, 1), Quality: w.made.quality,
		Original: l.ptr.Current.Sum, Weight: l.ptr.Current.Bytes, Modified: l.ptr.Current.Modified, Kept: l.keep, Stale: l.stale,
		NoCache: l.ptr.Said.NoCache, Asked: l.asked, Status: l.status, lease: r.lease(c, w),
	}
	if c.outcome == Filled || c.outcome == Joined {
		rend.Timings = []Timing{{"lookup", c.looked.Sub(c.found)}, {"fetch", c.found.Sub(c.start)}}
	} else {
		rend.Timings = []Timing{{"lookup", c.looked.Sub(c.start)}}
	}
	for _, t := range []Timing{
		{"queue", w.made.queue}, {"decode", w.made.took.Decode}, {"resize", w.made.took.Resize}, {"encode", w.made.took.Encode},
		{"embed", embed},
	} {
		if t.Took > 0 {
			rend.Timings = append(rend.Timings, t)
		}
	}
	return rend
}

// Close waits for the flights under way, at most until ctx ends. Calls that come later are answered, unshared.
func (r *Renderer) Close(ctx context.Context) error {
	return errors.Join(r.behind.stop(ctx), r.fetches.close(ctx), r.renders.close(ctx))
}

func (r *Renderer) report(err error) {
	if r.o.Report != nil {
		r.o.Report(err)
	}
}
