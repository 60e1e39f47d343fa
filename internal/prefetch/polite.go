package prefetch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// ErrOffline says that an original would have to be fetched, and nobody may be asked.
var ErrOffline = errors.New("nobody is asked")

// A Fetcher brings originals for a build: it counts requests, leaves a host alone between two of them, and asks nobody where
// Offline is set. How many requests are under way to a host at one time, and for how long a host that wants a pause has it, is
// render's and fetch's affair. It is safe for concurrent use.
type Fetcher struct {
	Next    render.Fetcher
	Run     context.Context // whose end ends requests under way; nil has none
	Offline bool            // only files of the site are brought
	Delay   time.Duration   // between the beginnings of two requests to one host; 0 is none

	requests atomic.Int64
	mu       sync.Mutex
	hosts    map[string]*rate.Limiter
}

// Fetch is render.Fetcher's. What Offline refuses is fetch.ErrDown too, which nothing remembers.
func (f *Fetcher) Fetch(ctx context.Context, src source.Source, prior fetch.Validators) (*fetch.Original, error) {
	if !src.Remote() {
		return f.Next.Fetch(ctx, src, prior)
	}
	if f.Offline {
		return nil, fmt.Errorf("%w: %w", fetch.ErrDown, ErrOffline)
	}
	ctx, cancel := until(ctx, f.Run)
	defer cancel()
	if err := f.host(src.Host()).Wait(ctx); err != nil {
		if ctx.Err() == nil { // its turn comes after its time
			return nil, fmt.Errorf("%w: %w", fetch.ErrDown, err)
		}
		return nil, context.Cause(ctx)
	}
	f.requests.Add(1)
	o, err := f.Next.Fetch(ctx, src, prior)
	if _, spared := errors.AsType[*fetch.DownError](err); spared {
		f.requests.Add(-1) // nobody was asked
	}
	return o, err
}

// Requests is how many originals origins were asked for.
func (f *Fetcher) Requests() int64 { return f.requests.Load() }

func (f *Fetcher) host(name string) *rate.Limiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.hosts[name]
	if l == nil {
		if f.hosts == nil {
			f.hosts = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Inf, 1)
		if f.Delay > 0 {
			l = rate.NewLimiter(rate.Every(f.Delay), 1)
		}
		f.hosts[name] = l
	}
	return l
}

// until is ctx, which ends when run ends too.
func until(ctx, run context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if run == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(run, cancel)
	return ctx, func() { stop(); cancel() }
}

// A Transformer counts what another makes. It is safe for concurrent use.
type Transformer struct {
	render.Transformer
	Run   context.Context // whose end ends what is under way; nil has none
	Start func() error    // called before anything is made, and has the same answer each time; nil is nothing

	decodes, encodes atomic.Int64
}

// Transform is render.Transformer's.
func (t *Transformer) Transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	ctx, cancel := until(ctx, t.Run)
	defer cancel()
	if t.Start != nil {
		if err := t.Start(); err != nil {
			return nil, err
		}
	}
	t.decodes.Add(1)
	out, err := t.Transformer.Transform(ctx, src, specs)
	t.encodes.Add(int64(len(out)))
	return out, err
}

// Made is how many originals were decoded, and how many renditions were encoded of them.
func (t *Transformer) Made() (decodes, encodes int64) { return t.decodes.Load(), t.encodes.Load() }
