package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
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
	l := &looker{renderer: st.renderer, fetcher: st.fetcher, hero: s.config.Presets[heroPreset], log: log}
	seen := lookAt(ctx, sources, l.look)
	dead := l.deadLicenses(ctx, c)
	if ctx.Err() != nil {
		st.grace = 0 // whoever pressed Ctrl-C does not wait for what is on its way
		return nil, context.Cause(ctx)
	}
	originals := make([]catalog.Original, len(c.Entries))
	for i, e := range c.Entries {
		originals[i] = seen[index[e.Source]]
		originals[i].License = dead[e.Words.License]
	}
	return originals, nil
}

// A looker looks at originals for lint.
type looker struct {
	renderer interface {
		Revalidate(ctx context.Context, src source.Source) (*render.Original, error)
	}
	fetcher interface {
		Reach(ctx context.Context, src source.Source) error
	}
	hero transform.Spec // for which originals have to be large enough
	log  *slog.Logger
}

// heroPreset is the preset for what the reader sees first.
const heroPreset = "hero"

// lookAt calls look for all sources, lookers at a time, until ctx ends. The results are in the order of sources.
func lookAt[T any](ctx context.Context, sources []source.Source, look func(context.Context, source.Source) T) []T {
	seen := make([]T, len(sources))
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

// look brings one original, and looks for a better address of it.
func (l *looker) look(ctx context.Context, src source.Source) catalog.Original {
	o, err := l.renderer.Revalidate(ctx, src)
	if err != nil {
		class := l.failed(ctx, src, err)
		seen := catalog.Original{Err: unavailable(class, src.Remote()), Passing: passing(class, err), Page: errors.Is(err, transform.ErrPage)}
		l.better(ctx, src, nil, &seen)
		return seen
	}
	seen := seenOriginal(o, src)
	seen.Width, seen.Height, seen.Extension = o.Info.Width, o.Info.Height, o.Info.Format.Ext()
	seen.Wants = wants(l.hero, o.Info.Width, o.Info.Height)
	l.better(ctx, src, o, &seen)
	return seen
}

// failed logs why an original cannot be had, which may name addresses, and returns the class of it.
func (l *looker) failed(ctx context.Context, src source.Source, err error) render.Class {
	class := render.Internal
	if e, ok := errors.AsType[*render.Error](err); ok {
		class = e.Class
	}
	level := slog.LevelDebug
	if class == render.Internal {
		level = slog.LevelError
	}
	l.log.Log(ctx, level, "original", "source", maskPasswords(src.Public()), "class", string(class), "err", maskPasswords(err.Error()))
	return class
}

// better looks for an address to write in place of src: what is inside a wrapper, if a picture comes from there, and https in
// place of http, if the same file does. o is what came from src; nil where nothing did.
func (l *looker) better(ctx context.Context, src source.Source, o *render.Original, seen *catalog.Original) {
	at, _, wrapped := src.Unwrap()
	if wrapped {
		var err error
		if o, err = l.renderer.Revalidate(ctx, at); err != nil {
			why, _, _ := strings.Cut(unavailable(l.failed(ctx, at, err), true).Error(), ": ") // what to do, the finding says
			seen.BetterErr = errors.New(why)
			return
		}
		seen.Better = at
	} else {
		at = src
	}
	if o == nil || !at.Insecure() || o.Failure != "" {
		return
	}
	secure, err := source.ParseURL("https://" + strings.TrimPrefix(at.String(), "http://"))
	if err != nil {
		return
	}
	if same, err := l.renderer.Revalidate(ctx, secure); err == nil && same.Failure == "" && same.Sum == o.Sum {
		seen.Better = secure
	}
}

// wants says how large an original of w × h pixels would have to be for spec, which enlarges nothing; "" where it is.
func wants(spec transform.Spec, w, h int) string {
	spec = spec.Fold()
	missing := func(have, box int) bool { return box > have }
	small := missing(w, spec.Width) || missing(h, spec.Height)
	if spec.Fit == transform.Contain { // one side is enough
		small = (spec.Width > 0 || spec.Height > 0) && (spec.Width == 0 || missing(w, spec.Width)) && (spec.Height == 0 || missing(h, spec.Height))
	}
	switch {
	case !small:
		return ""
	case spec.Height == 0:
		return fmt.Sprintf("at least %d pixels wide", spec.Width)
	case spec.Width == 0:
		return fmt.Sprintf("at least %d pixels high", spec.Height)
	case spec.Fit == transform.Contain:
		return fmt.Sprintf("at least %d pixels wide or %d high", spec.Width, spec.Height)
	}
	return fmt.Sprintf("at least %d × %d pixels", spec.Width, spec.Height)
}

// deadLicenses asks for the licenses that are URLs, each once, and returns why those lead nowhere that do not. A server that is
// slow, busy or fails at the moment says nothing about a license.
func (l *looker) deadLicenses(ctx context.Context, c *catalog.Catalog) map[string]error {
	var named []string
	var pages []source.Source
	for _, e := range c.Entries {
		address, _, _ := strings.Cut(e.Words.License, "#") // no server sees more
		if page, err := source.ParseURL(address); err == nil && !slices.Contains(named, e.Words.License) {
			named, pages = append(named, e.Words.License), append(pages, page)
		}
	}
	found := lookAt(ctx, pages, func(ctx context.Context, page source.Source) error { return l.fetcher.Reach(ctx, page) })
	dead := map[string]error{}
	for i, err := range found {
		if err == nil {
			continue
		}
		l.log.Debug("license", "url", maskPasswords(pages[i].Public()), "err", maskPasswords(err.Error()))
		for kind, why := range map[error]string{
			fetch.ErrNotFound:    "its server has no such page",
			fetch.ErrGone:        "its server says that it is gone for good",
			fetch.ErrUnreachable: "its server cannot be reached",
			fetch.ErrRefused:     "its address may not be fetched, or redirects without end",
		} {
			if errors.Is(err, kind) {
				dead[named[i]] = errors.New(why)
			}
		}
	}
	return dead
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
	const own = "correct the address, or save the picture in the site"
	text := map[render.Class]string{
		render.Refused:     "its address may not be fetched; only public ones are, on ports 80 and 443, unless fetch.allow_private lists them",
		render.NotFound:    "its server has no such file, or hands it out to nobody but its own pages: " + own,
		render.Gone:        "its server says that it is gone for good: use another picture, or save it in the site",
		render.Withdrawn:   "it was taken down here; 'cutline purge --restore' undoes that",
		render.NotAnImage:  "what is there is no picture of a format that is read: export it as JPEG, PNG or WebP",
		render.TooLarge:    "it is larger than the limits for originals: use a smaller file, or raise fetch.max_bytes and limits.pixels",
		render.Undecodable: "the file is damaged: export the picture again",
		render.Unreachable: "its server cannot be reached: " + own,
		render.Upstream:    "its server answers with an error: if it goes on, save the picture in the site",
		render.Broken:      "its server breaks off in the middle: if it goes on, save the picture in the site",
		render.TimedOut:    "its server takes too long: if it goes on, save the picture in the site",
		render.Busy:        "its server asks to come back later: run this again",
		render.Down:        "its server failed too often, or wants to be left alone, and is not asked at the moment: run this again",
	}[class]
	switch {
	case text == "":
		text = "it cannot be looked at for a fault of cutline's own, which the log names"
	case remote:
	case class == render.NotFound:
		text = "the site has no such file, or it may not be read: add it, or correct its rights"
	case class == render.Broken:
		text = "the file is empty or cannot be read to its end: export the picture again"
	case class == render.TimedOut:
		text = "reading it takes too long: run this again"
	}
	return errors.New(text)
}
