package proxy

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/render"
)

// access sets the headers that every response has, errors and probes included, and writes one line per request. The line
// has no query and no client address: neither is needed to run a picture server, and both are somebody's business.
func (s *Server) access(c *gin.Context) {
	start := time.Now()
	setFields(c.Writer.Header(), s.safety)
	defer s.account(c, start) // also when a handler panics
	skipBody(c)
	others, loops := s.through(c.Request.Header)
	switch {
	case len(c.Request.RequestURI) > maxURI:
		s.fail(c, errURI)
		c.Abort()
	case loops:
		s.fail(c, errLoop)
		c.Abort()
	case len(others) > 0:
		c.Request = c.Request.WithContext(render.WithLoop(c.Request.Context(), others))
	}
	c.Next()
}

// maxURI bounds a request's target in bytes. Nothing here has an address half as long; 8,000 is what RFC 9110 §4.1 asks
// servers to take at least.
const maxURI = 8000

// account ends a request's account: for who looks on, and for its line.
func (s *Server) account(c *gin.Context, start time.Time) {
	if s.o.Observer == nil {
		s.logAccess(c, start)
		return
	}
	c.Request.Pattern = routeOf(c.FullPath()) // where OpenTelemetry looks for it
	s.observe(c, start)
	s.logAccess(c, start)
}

// note says how a request is answered, for its line.
func (s *Server) note(c *gin.Context, outcome render.Outcome, id string, timings []render.Timing) {
	if s.log.Enabled(c.Request.Context(), slog.LevelInfo) {
		c.Set(visitKey, &visit{outcome: string(outcome), id: id, request: sentID(c.Request.Header), timings: timings})
	}
}

// logAccess writes the line of a request. Its fields are documented in internal/docs/operations.md.
func (s *Server) logAccess(c *gin.Context, start time.Time) {
	level, v := slog.LevelInfo, visitOf(c)
	if v == nil {
		v = &visit{}
	}
	if v.reason != "" {
		level = slog.LevelWarn
	}
	if !s.log.Enabled(c.Request.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("method", c.Request.Method),
		slog.String("path", PublicPath(c.Request.URL.EscapedPath())),
		slog.String("route", routeOf(c.FullPath())),
		slog.String("outcome", v.outcome),
		slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", max(c.Writer.Size(), 0)),
		slog.Float64("dur_ms", float64(time.Since(start).Microseconds())/1000),
	)
	for _, word := range [...][2]string{{"id", v.id}, {"request_id", v.request}, {"error", v.reason}} {
		if word[1] != "" {
			attrs = append(attrs, slog.String(word[0], word[1]))
		}
	}
	if len(v.timings) > 0 {
		attrs = append(attrs, timed(v.timings))
	}
	s.log.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

// timed is where the time of an answer went, in milliseconds by stage.
func timed(timings []render.Timing) slog.Attr {
	var stages []slog.Attr
	for _, t := range timings {
		stages = append(stages, slog.Float64(t.Stage, float64(t.Took.Microseconds())/1000))
	}
	return slog.Attr{Key: "timings", Value: slog.GroupValue(stages...)}
}

// sentID is the name that a proxy or CDN gave a request, "" where that is none or could be anything: it is written into logs. We
// give none ourselves: answers are kept by others, and would come to many under the name of one request.
func sentID(h http.Header) string {
	const most = 64
	values := h["X-Request-Id"]
	if len(values) != 1 || len(values[0]) > most {
		return ""
	}
	for _, b := range []byte(values[0]) {
		if (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'z') && b != '-' && b != '_' && b != '.' {
			return ""
		}
	}
	return values[0]
}

// PublicPath is an escaped path, as it was sent, without the query and the user of a source in it: keys for a picture stand there.
func PublicPath(path string) string {
	if strings.HasPrefix(path, "/i/") || strings.HasPrefix(path, "/p/") {
		return path
	}
	if i := strings.Index(strings.ToLower(path), "%3f"); i >= 0 {
		path = path[:i] + "?…"
	}
	if i := max(strings.LastIndex(path, "@"), strings.LastIndex(path, "%40")); i >= 0 {
		path = "/…" + path[i:]
	}
	return path
}

// guard turns a panic into a 500. The connection is left to net/http when the answer has begun, so that half a picture is
// never taken for a whole one.
func (s *Server) guard(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares the value itself
			panic(p)
		}
		s.log.LogAttrs(c.Request.Context(), slog.LevelError, "panic", slog.String("value", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
		c.Abort()
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		s.fail(c, errPanic)
	}()
	c.Next()
}

// exposed lists the headers that scripts of other sites may read.
const exposed = "Image-Alt, Image-Credit, Image-Cutline, Image-Frames, Image-Quality, Link, ETag, Cache-Status, Server-Timing, Content-Location, Content-Length"

// safety is what keeps a response from being taken for anything but what it is. CSP keeps a picture that is opened as
// a page from running anything; CORP and CORS let every site show it and read its words.
func safety() []field {
	return []field{
		newField("X-Content-Type-Options", "nosniff"),
		newField("Content-Security-Policy", "default-src 'none'; sandbox"),
		newField("Cross-Origin-Resource-Policy", "cross-origin"),
		newField("Access-Control-Allow-Origin", "*"),
		newField("Access-Control-Expose-Headers", exposed),
		newField("Timing-Allow-Origin", "*"),
		newField("Cache-Status", "cutline; detail=made"), // of pages and probes; pictures and errors have their own
	}
}
