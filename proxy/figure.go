package proxy

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/markup"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

const figureLeaf = "figure.html"

// figurePolicy lets the figure show its picture where somebody opens it as a page. Where another page includes it, that page's
// policy holds.
const figurePolicy = "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; sandbox"

// getFigure answers …/figure.html: the picture with its words, for a page to include.
func (s *Server) getFigure(c *gin.Context, at *snapshot, e *catalog.Entry) {
	names := []string{"role", "sizes"}
	if strings.HasPrefix(c.FullPath(), "/i/") {
		names = append(names, "v") // as on whatever else is there; pages are never immutable
	}
	q, err := checkQuery(c.Request.URL.RawQuery, names...)
	if err != nil {
		s.fail(c, err)
		return
	}
	o := markup.Options{Sizes: q.Get("sizes"), Hero: q.Get("role") == "hero"}
	switch {
	case q.Has("role") && !o.Hero:
		err = usageError("role %s: expected hero, or no role for a picture further down the page", strconv.Quote(q.Get("role")))
	case q.Has("sizes"):
		err = markup.CheckSizes(o.Sizes)
		if err != nil {
			err = usageError("%s", err)
		}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	v, err := s.view(c.Request.Context(), at, e, grant{})
	if err != nil {
		s.failOf(c, e, err)
		return
	}
	body, err := markup.Figure(s.markupOf(v), o)
	if err != nil {
		s.fail(c, err)
		return
	}
	h := c.Writer.Header()
	l := at.shelf.label(e, v.words)
	l.set(h)
	h.Set("Content-Security-Policy", figurePolicy)
	s.sendPage(c, "text/html; charset=utf-8", body, v.control)
}

// A view is what pages say of a picture.
type view struct {
	entry       *catalog.Entry
	original    *render.Original
	words       caption.Words // the post's, and the file's where the post is silent
	origins     caption.Origins
	placeholder markup.Placeholder
	control     string                      // Cache-Control
	url         func(transform.Spec) string // of a rendition that is open to everybody, or to who has the view
}

// view looks at the original and at the placeholder that is made of it. Without a placeholder a page is still a page: where
// none can be made, it has none and is not kept.
func (s *Server) view(ctx context.Context, at *snapshot, e *catalog.Entry, g grant) (*view, error) {
	o, err := s.o.Renderer.Probe(ctx, e.Source)
	if err != nil {
		return nil, err
	}
	v := &view{entry: e, original: o, control: cacheMinute}
	version := versionOf(o.Sum)
	v.url = func(spec transform.Spec) string { return s.pictureURL(e, spec, version) }
	if s.closed(e) {
		v.url = func(spec transform.Spec) string { return s.signedURL(s.dialectURL(e, spec), g) }
	}
	v.words, v.origins = e.Words.Over(o.Found)
	if v.placeholder, err = at.placeholders.of(ctx, s.o.Renderer, e, o.Sum); err != nil {
		v.control = cacheNever
		s.log.LogAttrs(ctx, slog.LevelWarn, "no placeholder", slog.String("id", e.ID), slog.String("err", err.Error()))
	}
	return v, nil
}

// placeholders keeps each entry's placeholder, so that it is made once.
type placeholders struct {
	byID sync.Map // ID → *placed; at most one per entry
}

type placed struct {
	original    [32]byte
	placeholder markup.Placeholder
}

// known returns e's placeholder where it was made before.
func (p *placeholders) known(e *catalog.Entry, original [32]byte) (markup.Placeholder, bool) {
	if known, ok := p.byID.Load(e.ID); ok && known.(*placed).original == original {
		return known.(*placed).placeholder, true
	}
	return markup.Placeholder{}, false
}

func (p *placeholders) of(ctx context.Context, r Renderer, e *catalog.Entry, original [32]byte) (markup.Placeholder, error) {
	if known, ok := p.known(e, original); ok {
		return known, nil
	}
	specs := srcset.Placeholder()
	rends, err := r.Render(ctx, render.Request{Source: e.Source, Specs: specs[:]})
	if err != nil {
		return markup.Placeholder{}, err
	}
	return p.make(e, rends)
}

// make makes e's placeholder of the renditions that srcset.Placeholder names.
func (p *placeholders) make(e *catalog.Entry, rends []*render.Rendition) (markup.Placeholder, error) {
	made, err := markup.NewPlaceholder(rends[0].Body, rends[1].Body, rends[1].Spec.Format.MIME())
	if err != nil {
		return markup.Placeholder{}, err
	}
	if posted(e) { // of all others there may be any number
		p.byID.Store(e.ID, &placed{original: rends[0].Original, placeholder: made})
	}
	return made, nil
}

// markupOf is v as package markup takes it.
func (s *Server) markupOf(v *view) markup.Picture {
	p := markup.Picture{ID: v.entry.ID, Words: v.words, Placeholder: v.placeholder}
	info := v.original.Info
	for _, f := range s.choice.Page(info) {
		shown := markup.Format{MIME: f.MIME()}
		for _, c := range candidates(v, srcset.Shown(s.choice.Ladder(info, f))) {
			shown.Candidates = append(shown.Candidates, markup.Candidate(c))
		}
		p.Formats = append(p.Formats, shown)
	}
	if card, ok := s.choice.Preset(info, "og", s.choice.Fallback(info)); ok {
		if u := v.url(card.Spec); u != "" {
			p.Card = markup.File{MIME: card.Spec.Format.MIME(), URL: u, Width: card.Width, Height: card.Height}
		}
	}
	return p
}

// figureURL is where getFigure answers; "" where no post shows the picture.
func (s *Server) figureURL(e *catalog.Entry) string {
	if !posted(e) {
		return ""
	}
	return s.o.PublicURL + "/i/" + e.ID + "/" + figureLeaf
}
