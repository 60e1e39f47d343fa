// Package render is the one path from (source, spec, words) to bytes: cache → fetch → transform → store.
//
// serve and prefetch both call it, so a prefetched picture is a hit by construction. It knows nothing of HTTP or posts.
package render

import (
	"context"
	"errors"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Fetcher brings originals; *fetch.Fetcher is the one.
type Fetcher interface {
	Check(src source.Source) error
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
	Store     cache.Store
	Fetch     Fetcher
	Transform Transformer
	MaxOutput int                      // of a rendition's longer side, pixels; 0 means 2,560
	Quality   map[transform.Format]int // 1…100 where a spec names none; absent means 80
	MinFresh  time.Duration            // an origin's shorter freshness is raised to it; 0 means 5 minutes
	MaxFresh  time.Duration            // an origin's longer freshness is cut to it; 0 means 30 days
	Fresh     time.Duration            // where the origin says nothing; 0 means 24 hours
	Timeout   time.Duration            // for one flight, fetch and transform and waits together; 0 means 30 s
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

// A Rendition is an answer. Nobody may modify Body.
type Rendition struct {
	Spec     transform.Spec // resolved: the true size
	Body     []byte
	ETag     string    // strong, quoted; from the pixels' sum and the words
	Modified time.Time // of the original, where known; else when it was first fetched
	Outcome  Outcome
	Timings  []Timing
}

// A Timing is one stage's duration: "lookup", "queue", "fetch", "decode", "resize", "encode".
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
	Outcome  Outcome
}

// A Renderer renders. It is safe for concurrent use.
type Renderer struct{}

// New makes a Renderer.
func New(o Options) *Renderer { return &Renderer{} }

// Render returns one Rendition per spec, in order; errors are *Error.
func (r *Renderer) Render(ctx context.Context, req Request) ([]*Rendition, error) {
	return nil, errors.New("render: not built")
}

// Probe returns what is known of the original, fetching it when need be; errors are *Error.
func (r *Renderer) Probe(ctx context.Context, src source.Source) (*Original, error) {
	return nil, errors.New("render: not built")
}

// Close waits for the flights under way, at most until ctx ends.
func (r *Renderer) Close(ctx context.Context) error { return nil }
