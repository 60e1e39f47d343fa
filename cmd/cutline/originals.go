package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
)

// lookers is how many originals lint looks at a time: as many as the renderer fetches from one host at a time, so that none
// waits there and fails for it.
const lookers = 8

// lookAtOriginals brings the originals of all entries, each source once, through the cache that serve has. The result is in
// the order of c.Entries. The error is for what stops the whole: a cache that cannot be opened, ctx's end.
func (p *program) lookAtOriginals(ctx context.Context, s *site, c *catalog.Catalog) (_ []catalog.Original, err error) {
	log := newLog(p.stderr, s.config.config)
	st, err := newRenderStack(s, renderUse{}, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	index := map[source.Source]int{}
	var sources []source.Source
	for _, e := range c.Entries {
		if _, known := index[e.Source]; !known {
			index[e.Source] = len(sources)
			sources = append(sources, e.Source)
		}
	}
	p.say("looking at %s; cache: %s", count(len(sources), "original"), st.cacheDir)
	seen := lookAt(ctx, sources, func(ctx context.Context, src source.Source) catalog.Original { return st.look(ctx, src, log) })
	if ctx.Err() != nil {
		st.grace = 0 // whoever pressed Ctrl-C does not wait for what is on its way
		return nil, context.Cause(ctx)
	}
	originals := make([]catalog.Original, len(c.Entries))
	for i, e := range c.Entries {
		originals[i] = seen[index[e.Source]]
	}
	return originals, nil
}

// lookAt calls look for all sources, lookers at a time, until ctx ends. The results are in the order of sources.
func lookAt(ctx context.Context, sources []source.Source, look func(context.Context, source.Source) catalog.Original) []catalog.Original {
	seen := make([]catalog.Original, len(sources))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(lookers, len(sources)) {
		wg.Go(func() {
			for i := range next {
				seen[i] = look(ctx, sources[i])
			}
		})
	}
	for i := 0; i < len(sources) && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return seen
}

// look brings one original. What exactly went wrong may name addresses, and is for the log.
func (st *stack) look(ctx context.Context, src source.Source, log *slog.Logger) catalog.Original {
	o, err := st.renderer.Revalidate(ctx, src)
	if err == nil {
		return seenOriginal(o, src)
	}
	class := render.Internal
	if e, ok := errors.AsType[*render.Error](err); ok {
		class = e.Class
	}
	level := slog.LevelDebug
	if class == render.Internal {
		level = slog.LevelError
	}
	log.Log(ctx, level, "original", "source", maskPasswords(src.Public()), "class", string(class), "err", maskPasswords(err.Error()))
	return catalog.Original{Err: unavailable(class, src.Remote()), Passing: passing(class, err)}
}

// passing reports whether an original that is missing now may well be there in an hour: no reason to change the post. That a
// host which failed for ten other pictures was not asked for this one is a failure like theirs.
func passing(class render.Class, err error) bool {
	down, ok := errors.AsType[*fetch.DownError](err)
	return class == render.Busy || class == render.TimedOut || class == render.Down && (!ok || down.Paused)
}

const (
	// outage is how long an origin may be slow or busy before its pictures count as orphaned.
	outage = time.Hour
	// news is how long lint tells of a picture that was replaced and is shown: who has not looked at it by then will not.
	news = 30 * 24 * time.Hour
)

// seenOriginal is what lint says of an original that was had.
func seenOriginal(o *render.Original, src source.Source) catalog.Original {
	seen := catalog.Original{Found: o.Found}
	if o.Failure != "" && src.Remote() && (!passing(o.Failure, nil) || time.Since(o.Failing) > outage) {
		seen.Gone, seen.Since = unavailable(o.Failure, true), o.Failing
	}
	if o.Pinned || time.Since(o.Replaced) < news {
		seen.Replaced, seen.Pinned = o.Replaced, o.Pinned
	}
	return seen
}

// unavailable says in plain words, to whoever wrote the post, why an original cannot be had.
func unavailable(class render.Class, remote bool) error {
	text := map[render.Class]string{
		render.Refused:     "its address may not be fetched; only public ones are, on ports 80 and 443, unless fetch.allow_private lists them",
		render.NotFound:    "its server has no such file, or hands it out to nobody but its own pages",
		render.Gone:        "its server says that it is gone for good",
		render.Withdrawn:   "it was taken down here; 'cutline purge --restore' undoes that",
		render.NotAnImage:  "what is there is no picture of a format that is read",
		render.TooLarge:    "it is larger than the limits for originals",
		render.Undecodable: "the file is damaged",
		render.Unreachable: "its server cannot be reached",
		render.Upstream:    "its server answers with an error",
		render.Broken:      "its server breaks off in the middle",
		render.TimedOut:    "its server takes too long",
		render.Busy:        "its server asks to come back later",
		render.Down:        "its server failed too often, or wants to be left alone, and is not asked at the moment",
	}[class]
	switch {
	case text == "":
		text = "it cannot be looked at for a fault of cutline's own, which the log names"
	case remote:
	case class == render.NotFound:
		text = "the site has no such file, or it may not be read"
	case class == render.Broken:
		text = "the file is empty or cannot be read to its end"
	case class == render.TimedOut:
		text = "reading it takes too long"
	}
	return errors.New(text)
}
