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
	"github.com/dd8bf596/cutline/internal/srcset"
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
	s.answer(c, func(at *snapshot, id string) (*catalog.Entry, error) {
		if e, ok := at.catalog.ByID(id); ok {
			return e, nil
		}
		return nil, errUnknownID
	}, "v")
}

// getByPost answers /p/{post}/…. What it shows follows the post, so it is never immutable.
func (s *Server) getByPost(c *gin.Context) {
	s.answer(c, func(at *snapshot, post string) (*catalog.Entry, error) {
		e, _, err := at.catalog.ByPost(post)
		return e, err
	})
}

// answer answers an address of the entry that find finds by its subject; the query may have the parameters in names, unless the
// leaf has its own. Nothing is looked up for who may not ask.
func (s *Server) answer(c *gin.Context, find func(at *snapshot, subject string) (*catalog.Entry, error), names ...string) {
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
	at := s.snapshot()
	e, err := find(at, a.subject)
	switch {
	case err != nil:
		s.fail(c, err)
	case a.leaf == figureLeaf:
		s.getFigure(c, at, e)
	case a.leaf == metaLeaf:
		s.getMeta(c, at, e, g)
	default:
		s.getPicture(c, e, o, sending{at: at, grant: g, version: q.Get("v")})
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
		s.failOf(c, e, err)
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
	return accepted(c.Request.Header["Accept"], s.o.Formats, fallback).of(s.o.Formats)
}

// render makes spec; where there are formats, in the one of them that makes it smallest.
func (s *Server) render(c *gin.Context, e *catalog.Entry, spec transform.Spec, formats []transform.Format) (*render.Rendition, error) {
	req := render.Request{Source: e.Source, Specs: []transform.Spec{srcset.Aim(spec, e.Focus.Set, transform.Point{X: e.Focus.X, Y: e.Focus.Y})}, Words: e.Words}
	if formats != nil {
		return s.o.Renderer.Best(c.Request.Context(), req, formats)
	}
	rends, err := s.o.Renderer.Render(c.Request.Context(), req)
	if err != nil {
		return nil, err
	}
	return rends[0], nil
}

// A sending is a rendition on its way to the client.
type sending struct {
	at       *snapshot
	entry    *catalog.Entry // of at, or of none
	spec     transform.Spec // what was asked for, in the rendition's format
	rend     *render.Rendition
	grant    grant
	version  string           // of the original, as the client believes
	download bool             // to be saved, not shown
	fileName string           // under which; "" is the entry's
	fallback transform.Format // that negotiate was given
}

// send answers with a rendition, and keeps the answer for who asks the same again.
func (s *Server) send(c *gin.Context, a sending) {
	an := s.compose(a)
	varies := c.Writer.Header().Get("Vary") != ""
	if varies {
		an.modified = time.Time{} // several files at one address have one date, and a client that resumes by it would mix them
	} else {
		an.fields = append(an.fields, newField("Last-Modified", an.modified.UTC().Format(http.TimeFormat)))
	}
	s.keep(c, a, an, varies)
	a.at.weigh(a)
	s.note(c, a.rend.Outcome, a.entry.ID, a.rend.Timings)
	an.fields = append(an.fields, newField("Server-Timing", serverTiming(a.rend.Timings)))
	s.write(c, an, a.rend.Body)
}

// An answer is a rendition's, without its body: what is the same however often it is sent. It is not changed once it is kept.
type answer struct {
	fields   []field
	length   field // of the whole body
	etag     string
	id       string    // of the picture
	modified time.Time // zero where no date stands for the answer
	// rend has no Body in an answer that is kept. It is nil where the address has several answers, by what the client reads; fallback is
	// then what accepted takes.
	rend     *render.Rendition
	fallback transform.Format
}

// compose makes the header of a rendition, but for what only negotiation and the moment say.
func (s *Server) compose(a sending) *answer {
	rend := a.rend
	l := a.at.shelf.label(a.entry, rend.Words)
	an := &answer{
		length: newField("Content-Length", strconv.Itoa(len(rend.Body))), etag: rend.ETag, id: a.entry.ID, modified: later(rend.Modified, l.modified), rend: rend,
	}
	const ours = 12 // fields that are not the label's, at most
	an.fields = append(make([]field, 0, len(l.headers)+ours), l.headers...)
	add := func(name, value string) {
		if value != "" {
			an.fields = append(an.fields, newField(name, value))
		}
	}
	add("Content-Type", rend.Spec.Format.MIME())
	add("Content-Location", s.location(a.entry, a.spec, a.grant.signed))
	if a.download {
		add("Content-Disposition", l.attachment(a.fileName, rend.Spec))
	} else {
		add("Content-Disposition", l.disposition(rend.Spec))
	}
	add("Accept-Ranges", "bytes")
	add("Etag", rend.ETag)
	add("Cache-Control", bounded(cacheControl(rend, a.version), a.grant.expires))
	add("Cache-Status", cacheStatus(rend))
	add("Image-Frames", frames(rend))
	if rend.Quality > 0 {
		add("Image-Quality", strconv.Itoa(rend.Quality)) // an integer (RFC 9651): what was asked for, or was found
	}
	return an
}

// write sends an answer with its body: whole and at once where it can, since that is more than twice as fast as
// http.ServeContent, which does Range and conditional requests.
func (s *Server) write(c *gin.Context, an *answer, body []byte) {
	h := c.Writer.Header()
	setFields(h, an.fields)
	if req := c.Request; req.Method != http.MethodGet || isConditional(req.Header) {
		s.sendPart(c, an.etag, an.modified, body)
		if c.Writer.Status() < http.StatusBadRequest { // else it is counted as refused
			s.tally.partly(an.rend, c.Writer.Size())
		}
		return
	}
	h[an.length.name] = an.length.value
	c.Status(http.StatusOK)
	_, _ = c.Writer.Write(body) // a client that is gone is no error of ours
	s.tally.whole(an.rend, len(body))
}

// frames says how many of an animation's frames the picture has; "" of a still. It is an RFC 9651 integer item.
func frames(rend *render.Rendition) string {
	if rend.Of <= 1 {
		return ""
	}
	return strconv.Itoa(rend.Frames) + ";of=" + strconv.Itoa(rend.Of)
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
// that would be too long for a header, or where the address is signed: without that it may have another answer, or none.
func (s *Server) location(e *catalog.Entry, spec transform.Spec, signed bool) string {
	if posted(e) && s.grammar.canonical(spec) {
		return s.pictureURL(e, spec, "")
	}
	if signed {
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
