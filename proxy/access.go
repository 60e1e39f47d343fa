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

// The keys under which a handler leaves what the access line tells.
const (
	logOutcome = "cutline.outcome"
	logError   = "cutline.error"
)

// access sets the headers that every response has, errors and probes included, and writes one line per request. The line
// has no query and no client address: neither is needed to run a picture server, and both are somebody's business.
func (s *Server) access(c *gin.Context) {
	start := time.Now()
	setFields(c.Writer.Header(), s.safety)
	defer s.logAccess(c, start) // also when a handler panics
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

// note says how a request is answered, for its line.
func (s *Server) note(c *gin.Context, outcome string) {
	if s.log.Enabled(c.Request.Context(), slog.LevelInfo) {
		c.Set(logOutcome, outcome)
	}
}

func (s *Server) logAccess(c *gin.Context, start time.Time) {
	level, status := slog.LevelInfo, c.Writer.Status()
	reason := c.GetString(logError)
	if reason != "" {
		level = slog.LevelWarn
	}
	if !s.log.Enabled(c.Request.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", c.Request.Method),
		slog.String("path", publicPath(c.Request.URL.EscapedPath())),
		slog.String("outcome", c.GetString(logOutcome)),
		slog.Int("status", status),
		slog.Int("bytes", max(c.Writer.Size(), 0)),
		slog.Float64("dur_ms", float64(time.Since(start).Microseconds())/1000),
	}
	if reason != "" {
		attrs = append(attrs, slog.String("error", reason))
	}
	s.log.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

// publicPath is an escaped path, as it was sent, without the query and the user of a source in it: keys for a picture stand there.
func publicPath(path string) string {
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
