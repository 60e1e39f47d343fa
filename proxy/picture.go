package proxy

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

// The Cache-Control values of pictures. A year and "immutable" (RFC 8246) need a URL that changes with the bytes.
const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheDay     = "public, max-age=86400, stale-while-revalidate=604800, stale-if-error=2592000"
	cacheMinute  = "public, max-age=60, stale-while-revalidate=604800, stale-if-error=2592000" // stale, or a better one is on its way
	cacheAsk     = "public, no-cache, stale-if-error=2592000"                                  // the origin wants to be asked each time
	cacheNever   = "no-store"                                                                  // the origin forbids keeping it
)

// getByID answers /i/{id}/….
func (s *Server) getByID(c *gin.Context) {
	s.answer(c, func(id string) (*catalog.Entry, error) {
		if e, ok := s.o.Catalog.ByID(id); ok {
			return e, nil
		}
		return nil, errUnknownID
	}, "v")
}

// getByPost answers /p/{post}/…. What it shows follows the post, so it is never immutable.
func (s *Server) getByPost(c *gin.Context) {
	s.answer(c, func(post string) (*catalog.Entry, error) {
		e, _, err := s.o.Catalog.ByPost(post)
		return e, err
	})
}

// answer answers an address of the entry that find finds by its subject; the query may have the parameters in names, unless the
// leaf has its own. Nothing is looked up for who may not ask.
func (s *Server) answer(c *gin.Context, find func(subject string) (*catalog.Entry, error), names ...string) {
	g, err := s.admit(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	a, err := parseAddress(c.Param("address"))
	if err != nil {
		s.fail(c, err)
		return
	}
	var q url.Values
	var o order
	if a.leaf != figureLeaf {
		q, err = checkQuery(c.Request.URL.RawQuery, names...)
	}
	if a.leaf != figureLeaf && a.leaf != metaLeaf && err == nil {
		o, err = s.grammar.parse(a.leaf, g.signed)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	e, err := find(a.subject)
	switch {
	case err != nil:
		s.fail(c, err)
	case a.leaf == figureLeaf:
		s.getFigure(c, e)
	case a.leaf == metaLeaf:
		s.getMeta(c, e, g)
	default:
		s.getPicture(c, e, o, sending{closed: g.signed, version: q.Get("v")})
	}
}

// getPicture answers what o orders; a has what is known of the answer so far.
func (s *Server) getPicture(c *gin.Context, e *catalog.Entry, o order, a sending) {
	var formats []transform.Format
	if o.auto {
		formats = s.negotiate(c, 0)
	}
	rend, err := s.render(c, e, o.spec, formats)
	if err != nil {
		s.fail(c, err)
		return
	}
	o.spec.Format = rend.Spec.Format
	a.entry, a.spec, a.rend = e, s.grammar.written(o.spec), rend
	s.send(c, a)
}

// negotiate returns the formats that the answer may have by the request's Accept, and says that it varies with that. Where
// fallback is not 0, no format but that is answered to clients that name none.
func (s *Server) negotiate(c *gin.Context, fallback transform.Format) []transform.Format {
	c.Header("Vary", "Accept")
	// Several Accept fields are one list (RFC 9110 §5.3).
	return accepted(strings.Join(c.Request.Header.Values("Accept"), ","), s.o.Formats, fallback)
}

// render makes spec; where there are formats, in the one of them that makes it smallest.
func (s *Server) render(c *gin.Context, e *catalog.Entry, spec transform.Spec, formats []transform.Format) (*render.Rendition, error) {
	req := render.Request{Source: e.Source, Specs: []transform.Spec{aimed(spec, e.Focus)}, Words: e.Words}
	if formats != nil {
		return s.o.Renderer.Best(c.Request.Context(), req, formats)
	}
	rends, err := s.o.Renderer.Render(c.Request.Context(), req)
	if err != nil {
		return nil, err
	}
	return rends[0], nil
}

// aimed is spec with the focal point that the post's author marked, where spec cuts and names no place of its own. The
// entry's ID stands for the point, so that URLs need not.
func aimed(spec transform.Spec, f catalog.Focus) transform.Spec {
	if f.Set && spec.Fit == transform.Cover && spec.Crop == transform.Smart {
		spec.Crop, spec.Focus = transform.Focal, transform.Point{X: f.X, Y: f.Y}
	}
	return spec
}

// A sending is a rendition on its way to the client.
type sending struct {
	entry    *catalog.Entry
	spec     transform.Spec // what was asked for, in the rendition's format
	rend     *render.Rendition
	version  string // of the original, as the client believes
	closed   bool   // the address is signed: without that it may have another answer, or none
	download bool   // to be saved, not shown
	fileName string // under which; "" is the entry's
}

// send writes a rendition: whole and at once where it can, since that is more than twice as fast as http.ServeContent,
// which does Range and conditional requests.
func (s *Server) send(c *gin.Context, a sending) {
	rend := a.rend
	c.Set(logOutcome, string(rend.Outcome))
	h := c.Writer.Header()
	l := s.shelf.label(a.entry, rend.Words)
	l.set(h)
	modified := later(rend.Modified, l.modified)
	h["Content-Type"] = []string{rend.Spec.Format.MIME()}
	if location := s.location(a.entry, a.spec, a.closed); location != "" {
		h["Content-Location"] = []string{location}
	}
	h["Content-Disposition"] = []string{l.disposition(rend.Spec)}
	if a.download {
		h["Content-Disposition"] = []string{l.attachment(a.fileName, rend.Spec)}
	}
	h["Accept-Ranges"] = []string{"bytes"}
	h["Etag"] = []string{rend.ETag}
	if h.Get("Vary") == "" {
		h["Last-Modified"] = []string{modified.UTC().Format(http.TimeFormat)}
	} else {
		modified = time.Time{} // of auto: several files at one address have one date, and a client that resumes by it would mix them
	}
	h["Cache-Control"] = []string{bounded(c, cacheControl(rend, a.version))}
	h["Cache-Status"] = []string{cacheStatus(rend)}
	h["Server-Timing"] = []string{serverTiming(rend.Timings)}
	setMaking(h, rend)
	req := c.Request
	if req.Method == http.MethodGet && !isConditional(req.Header) {
		h["Content-Length"] = []string{strconv.Itoa(len(rend.Body))}
		c.Status(http.StatusOK)
		_, _ = c.Writer.Write(rend.Body) // a client that is gone is no error of ours
		return
	}
	s.sendPart(c, rend.ETag, modified, rend.Body)
}

// setMaking says how the picture was made where its bytes alone do not show it: how many of the original's frames it has,
// and the quality that was asked for or found. Both are RFC 9651 integer items.
func setMaking(h http.Header, rend *render.Rendition) {
	if rend.Of > 1 {
		h["Image-Frames"] = []string{strconv.Itoa(rend.Frames) + ";of=" + strconv.Itoa(rend.Of)}
	}
	if rend.Quality > 0 {
		h["Image-Quality"] = []string{strconv.Itoa(rend.Quality)}
	}
}

// versionOf is the value of "?v=" under which an original's pictures may be kept for ever: 40 bits of its SHA-256. The
// words need none: they are in the ID.
func versionOf(original [32]byte) string { return hex.EncodeToString(original[:5]) }

func cacheControl(rend *render.Rendition, version string) string {
	switch {
	case !rend.Kept:
		return cacheNever
	case rend.Interim:
		return cacheMinute
	case version != "" && version == versionOf(rend.Original) && !rend.Unsettled:
		return cacheForever
	case rend.NoCache:
		return cacheAsk
	case rend.Stale:
		return cacheMinute
	}
	return cacheDay
}

// cacheStatus is RFC 9211's account of how the answer came about. "hit" is an answer that waited for nobody, fresh or stale;
// "fwd=stale" one that waited for what the origin says of the original that is kept. There is no Age header beside it: it
// would be subtracted from our own Cache-Control, which holds from now on, since the answer was judged just now (RFC 9111
// §4.2.3).
func cacheStatus(rend *render.Rendition) string {
	status := "cutline; fwd=miss"
	if rend.Asked {
		status = "cutline; fwd=stale"
		if rend.Status > 0 {
			status += "; fwd-status=" + strconv.Itoa(rend.Status)
		}
	}
	switch {
	case rend.Outcome == render.Hit, rend.Outcome == render.Stale:
		if !rend.Asked {
			status = "cutline; hit"
		}
	case rend.Outcome == render.Joined:
		status += "; collapsed"
	case rend.Kept:
		status += "; stored"
	}
	switch {
	case rend.Stale:
		status += "; detail=stale"
	case rend.Interim:
		status += "; detail=interim"
	}
	return status
}

// serverTiming is the Server-Timing header: stages and milliseconds, nothing else.
func serverTiming(timings []render.Timing) string {
	var b strings.Builder
	for i, t := range timings {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.Stage)
		b.WriteString(";dur=")
		b.WriteString(strconv.FormatFloat(float64(t.Took.Microseconds())/1000, 'f', -1, 64))
	}
	return b.String()
}

// location is the Content-Location of a rendition: its canonical address, or, where it has none, the dialect's. It is "" where
// that would be too long for a header, or where a closed answer has only the address that was asked for.
func (s *Server) location(e *catalog.Entry, spec transform.Spec, closed bool) string {
	if posted(e) && s.grammar.canonical(spec) {
		return s.pictureURL(e, spec, "")
	}
	if closed {
		return ""
	}
	if u := s.dialectURL(e, spec); len(u)-len(s.o.PublicURL) <= maxLocation {
		return u
	}
	return ""
}

// maxLocation bounds a Content-Location in bytes, without PublicURL, so that what is not a label's stays within what maxLabel
// leaves.
const maxLocation = 150

// posted reports whether a post shows e, so that /i/{id}/… leads to it.
func posted(e *catalog.Entry) bool { return len(e.Posts) > 0 }

// pictureURL is the address of a rendition; with an original's version it may be kept for ever. Where no post shows the
// picture it is the dialect's, and "" for a spec that the dialect cannot say.
func (s *Server) pictureURL(e *catalog.Entry, spec transform.Spec, version string) string {
	if !posted(e) {
		return s.dialectURL(e, spec)
	}
	u := fmt.Sprintf("%s/i/%s/%s", s.o.PublicURL, e.ID, spec)
	if version != "" {
		u += "?v=" + url.QueryEscape(version)
	}
	return u
}
