package proxy

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
)

// An Observer is told of what a Server does. It is called from any goroutine, and answers wait for it: it must return soon.
type Observer interface {
	// Answered is told of every request of the public listener, once. ctx is the request's.
	Answered(ctx context.Context, a Answered)
	// Rescanned is told of every scan of the posts that ended; err is nil where its posts are served.
	Rescanned(took time.Duration, err error)
	// Purged is told of every purge: what became of so many sources, "forgotten", "taken down" or "restored", and of how many the
	// cache could not let go.
	Purged(how string, sources, failed int)
}

// Answered is one request and what came of it. All but Method, Status and ID are of closed sets.
type Answered struct {
	Route  string // of Routes
	Method string // as it was sent
	Status int
	Result string // of Results
	ID     string // of the picture; "" where the answer is none, or where nobody logs
	Bytes  int    // of the body
	Took   time.Duration
}

// The routes, as OpenTelemetry's http.route and metrics name them.
const (
	routeSheet   = "/"
	routeCatalog = "/catalog.json"
	routeLive    = "/livez"
	routeReady   = "/readyz"
	routeID      = "/i/{id}/{spec}"
	routePost    = "/p/{post}/{spec}"
	routeSource  = "/{source}"
)

// Routes lists the names of addresses. What is none of the others is "/{source}".
func Routes() []string {
	return []string{routeSheet, routeCatalog, routeLive, routeReady, routeID, routePost, routeSource}
}

// routeOf is the name of the route that the router found.
func routeOf(full string) string {
	switch full {
	case "/i/*address":
		return routeID
	case "/p/*address":
		return routePost
	case "":
		return routeSource
	}
	return full
}

// The results.
const (
	resultHit         = "hit"
	resultStale       = "stale"
	resultRevalidated = "revalidated"
	resultMiss        = "miss"
	resultCollapsed   = "collapsed"
	resultMade        = "made"
	resultError       = "error"
)

// Results lists how a request can be answered, as Cache-Status (RFC 9211) says it: from the cache, fresh or past its freshness;
// after its origin was asked about what is kept; made for this request, or with another's work; a page or a probe; an error.
func Results() []string {
	return []string{resultHit, resultStale, resultRevalidated, resultMiss, resultCollapsed, resultMade, resultError}
}

// resultOf reads a response's own Cache-Status.
func resultOf(status int, h http.Header) string {
	if status >= http.StatusBadRequest {
		return resultError
	}
	said := ""
	if values := h["Cache-Status"]; len(values) > 0 {
		said = strings.TrimPrefix(values[0], "cutline; ")
	}
	switch {
	case strings.HasPrefix(said, "hit"):
		if strings.HasSuffix(said, "detail=stale") {
			return resultStale
		}
		return resultHit
	case strings.HasPrefix(said, "fwd=stale"):
		return resultRevalidated
	case strings.Contains(said, "collapsed"):
		return resultCollapsed
	case strings.HasPrefix(said, "fwd="):
		return resultMiss
	}
	return resultMade
}

// observe tells the observer of a request that is answered.
func (s *Server) observe(c *gin.Context, start time.Time) {
	if s.o.Observer == nil {
		return
	}
	a := Answered{
		Route: routeOf(c.FullPath()), Method: c.Request.Method, Status: c.Writer.Status(), Bytes: max(c.Writer.Size(), 0), Took: time.Since(start),
	}
	a.Result = resultOf(a.Status, c.Writer.Header())
	if v := visitOf(c); v != nil {
		a.ID = v.id
	}
	s.o.Observer.Answered(c.Request.Context(), a)
}

// Stats is what a Server did since it was made, and what it serves at the moment.
type Stats struct {
	Hits, Stale, Filled, Joined int64 // pictures, by outcome
	Again                       int64 // of Hits, answers that were kept
	Sent                        int64 // bytes of pictures
	Saved, Added                int64 // bytes by which whole pictures were smaller, or larger, than their originals
	Ahead                       AheadStats
	Images, Posts               int // of the catalog
	Errors, Warnings            int // problems that lint finds in it
	Ready                       bool
	Degraded                    []string // in fixed words
	LastScan                    time.Time
}

// Stats is a snapshot. It may try what health rests on, as /readyz does.
func (s *Server) Stats() Stats {
	t, at := s.tally.sum(), s.snapshot()
	found := at.findings()
	return Stats{
		Hits: t.hits, Stale: t.stale, Filled: t.filled, Joined: t.joined, Again: t.again,
		Sent: t.sent, Saved: t.gained + t.lost, Added: t.lost,
		Ahead: s.AheadStats(), Images: len(at.catalog.Entries), Posts: at.catalog.Posts,
		Errors: found.errors, Warnings: found.warnings,
		Ready: s.unready() == "", Degraded: s.degraded(), LastScan: time.Unix(0, s.scanned.Load()),
	}
}

// severities are how many problems of each severity a catalog has.
type severities struct{ errors, warnings int }

func countFindings(c *catalog.Catalog) (n severities) {
	for _, p := range c.Lint() {
		if p.Severity == catalog.Error {
			n.errors++
		} else {
			n.warnings++
		}
	}
	return n
}

// unready says why no request is welcome; "" where they are.
func (s *Server) unready() string {
	switch {
	case !s.ready.Load():
		return "shutting down"
	case len(s.snapshot().catalog.Entries) == 0 && len(s.o.Hosts) == 0 && s.o.Keys.Len() == 0 && s.o.ImgixToken == "":
		return "no picture may be served"
	}
	return ""
}

// A visit is what a request's log line and trace tell beside its answer.
type visit struct {
	outcome string
	reason  string // why there is no picture
	id      string // of the picture
	request string // its name, for whoever compares logs
	timings []render.Timing
}

const visitKey = "cutline.visit"

// visitOf is c's visit, nil where nothing is told of it.
func visitOf(c *gin.Context) *visit {
	v, _ := c.Keys[visitKey].(*visit)
	return v
}
