package proxy

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Builder makes renditions that nobody asked for; *render.Renderer is the one.
type Builder interface {
	Idle(ctx context.Context) error
	Build(ctx context.Context, b render.Build) (*render.Original, []*render.Rendition, error)
}

const (
	// maxAhead bounds how many pictures wait to be made ahead. When more come, those that came first are left to their readers: what
	// was published last is what is read next.
	maxAhead = 500
	// aheadWindow is the time in which Options.AheadBytes may be made.
	aheadWindow = 24 * time.Hour
)

// AheadStats counts what was made before anybody asked. All but Waiting only grow.
type AheadStats struct {
	Waiting    int   // pictures
	Pictures   int64 // of which all was made, or had been
	Renditions int64 // made
	Bytes      int64 // of these
	Failed     int64 // pictures whose original cannot be had or made into pixels at the moment
	Dropped    int64 // pictures left to their readers: too many, too many bytes, no idle time, gone meanwhile
}

// An aheadKey is what of an entry makes a difference to pixels.
type aheadKey struct {
	source string
	focus  catalog.Focus
}

func aheadKeyOf(e *catalog.Entry) aheadKey {
	return aheadKey{source: e.Source.String(), focus: e.Focus}
}

// An ahead is the pictures that are to be made ahead, last come first.
type ahead struct {
	mu     sync.Mutex
	queue  []*catalog.Entry
	wake   chan struct{} // holds one when something came
	stats  AheadStats
	spent  int64     // bytes in the window
	window time.Time // its beginning
}

// add has the pictures of entries made, unless they wait already.
func (a *ahead) add(entries []*catalog.Entry) {
	if len(entries) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	waiting := make(map[aheadKey]bool, len(a.queue))
	for _, e := range a.queue {
		waiting[aheadKeyOf(e)] = true
	}
	for _, e := range entries {
		if k := aheadKeyOf(e); !waiting[k] {
			waiting[k] = true
			a.queue = append(a.queue, e)
		}
	}
	if more := len(a.queue) - maxAhead; more > 0 {
		a.stats.Dropped += int64(more)
		a.queue = slices.Delete(a.queue, 0, more)
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// next waits for a picture to make; ok is false when ctx ends.
func (a *ahead) next(ctx context.Context) (e *catalog.Entry, ok bool) {
	for ctx.Err() == nil {
		a.mu.Lock()
		if last := len(a.queue) - 1; last >= 0 {
			e, a.queue[last], a.queue = a.queue[last], nil, a.queue[:last]
			a.mu.Unlock()
			return e, true
		}
		a.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-a.wake:
		}
	}
	return nil, false
}

// within reports whether fewer than most bytes were made in the window.
func (a *ahead) within(most int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); now.Sub(a.window) >= aheadWindow {
		a.window, a.spent = now, 0
	}
	return a.spent < most
}

// count notes what came of one step, or of a picture.
func (a *ahead) count(f func(*AheadStats)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.stats.Bytes
	f(&a.stats)
	a.spent += a.stats.Bytes - before
}

// AheadStats is a snapshot.
func (s *Server) AheadStats() AheadStats {
	s.ahead.mu.Lock()
	defer s.ahead.mu.Unlock()
	st := s.ahead.stats
	st.Waiting = len(s.ahead.queue)
	return st
}

// MakeAhead makes what pages will ask for of pictures that posts come to show, and of the newest that they show, before anybody asks:
// one picture at a time, in steps, and each when nothing else is being made. It returns when ctx ends, or at once where
// Options.Ahead is nil.
func (s *Server) MakeAhead(ctx context.Context, newest int) {
	if s.o.Ahead == nil {
		return
	}
	s.ahead.add(newestOf(s.snapshot().catalog, newest))
	for {
		e, ok := s.ahead.next(ctx)
		if !ok {
			return
		}
		s.makeAhead(ctx, e)
	}
}

// newestOf are the n entries of posts that were written last, the newest last.
func newestOf(c *catalog.Catalog, n int) []*catalog.Entry {
	if n <= 0 {
		return nil
	}
	written := func(e *catalog.Entry) (at time.Time) {
		for _, p := range e.Posts {
			at = later(at, p.Modified)
		}
		return at
	}
	all := slices.Clone(c.Entries)
	slices.SortStableFunc(all, func(a, b *catalog.Entry) int {
		// After a checkout all are of one time; names by date are in order.
		return cmp.Or(written(a).Truncate(time.Minute).Compare(written(b).Truncate(time.Minute)), cmp.Compare(a.Posts[0].Path, b.Posts[0].Path))
	})
	return all[max(len(all)-n, 0):]
}

// makeAhead makes one picture's files.
func (s *Server) makeAhead(ctx context.Context, e *catalog.Entry) {
	made := 0
	for step, steps := 0, 1; step < steps; step++ {
		if err := s.o.Ahead.Idle(ctx); ctx.Err() != nil {
			return
		} else if err != nil || !s.shows(e) || !s.ahead.within(s.o.AheadBytes) {
			s.ahead.count(func(st *AheadStats) { st.Dropped++ })
			return
		}
		look := step == 0 && !e.Source.Remote() // it may be in the place of one that was looked at a moment ago
		_, rends, err := s.o.Ahead.Build(ctx, render.Build{Source: e.Source, Words: e.Words, Ask: look, Idle: true, Choose: func(o *render.Original) []transform.Spec {
			all := s.aheadSteps(o.Info, e.Focus)
			if steps = len(all); step >= steps {
				return nil
			}
			return all[step]
		}})
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.LogAttrs(ctx, slog.LevelDebug, "not made ahead", slog.String("id", e.ID), slog.String("err", err.Error()))
			s.ahead.count(func(st *AheadStats) { st.Failed++ })
			return
		}
		if len(rends) > 0 && !rends[0].Kept {
			s.ahead.count(func(st *AheadStats) { st.Dropped++ })
			return // its origin forbids keeping it
		}
		made += s.countMade(rends)
	}
	s.ahead.count(func(st *AheadStats) { st.Pictures++ })
	s.log.LogAttrs(ctx, slog.LevelDebug, "made ahead", slog.String("id", e.ID), slog.String("post", e.Posts[0].Path), slog.Int("renditions", made))
}

// countMade counts those that were not there before.
func (s *Server) countMade(rends []*render.Rendition) (n int) {
	for _, r := range rends {
		if r.Outcome == render.Filled {
			n++
			s.ahead.count(func(st *AheadStats) { st.Renditions++; st.Bytes += int64(len(r.Body)) })
		}
	}
	return n
}

// shows reports whether a post still shows e's picture, whatever its words.
func (s *Server) shows(e *catalog.Entry) bool {
	return slices.ContainsFunc(s.snapshot().catalog.BySource(e.Source), func(other *catalog.Entry) bool { return other.Focus == e.Focus })
}

// aheadSteps are the files that pages ask for, in the order of how soon: what is above the fold and its placeholder, the widths of each
// format, and AVIF, which takes many times as long, one by one. Each step is one decode, and readers who come meanwhile wait for
// no more than that.
func (s *Server) aheadSteps(info transform.Info, focus catalog.Focus) (steps [][]transform.Spec) {
	placeholder := srcset.Placeholder()
	first, slow := placeholder[:], []transform.Spec(nil)
	var rest [][]transform.Spec
	all := s.choice.All(info)
	for _, f := range s.choice.Page(info) {
		var of []transform.Spec
		for _, name := range []string{"hero", "card"} {
			if file, ok := s.choice.Preset(info, name, f); ok {
				of = append(of, file.Spec)
			}
		}
		top := len(of)
		for _, spec := range all {
			if spec.Format == f && !slices.Contains(of, spec) {
				of = append(of, spec)
			}
		}
		for i := range of {
			of[i] = srcset.Aim(of[i], focus.Set, transform.Point{X: focus.X, Y: focus.Y})
		}
		if f == transform.AVIF {
			slow = of
			continue
		}
		first, rest = append(first, of[:top]...), append(rest, of[top:])
	}
	steps = append([][]transform.Spec{first}, rest...)
	for _, spec := range slow {
		steps = append(steps, []transform.Spec{spec})
	}
	return steps
}
