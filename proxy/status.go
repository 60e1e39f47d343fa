package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
)

// A usageErr says that the URL is not in the grammar. Its text is made of what the client sent and of what was expected,
// and is shown to the client.
type usageErr struct{ text string }

func (e *usageErr) Error() string { return e.text }

func usageError(format string, args ...any) error {
	return &usageErr{fmt.Sprintf(format, args...)}
}

var (
	errNoRoute   = errors.New("no such address")
	errMethod    = errors.New("method not allowed")
	errUnknownID = errors.New("no such picture")
	errUnsigned  = errors.New("needs a signature") // in the grammar, but neither a preset nor a plain width
	errPanic     = errors.New("panic in a handler")
	errLoop      = errors.New("asked by ourselves") // RFC 8586
)

// A verdict is how an error is answered.
type verdict struct {
	status  int
	text    string // fixed words: no address, no path, nothing of the origin's answer
	maxAge  int    // seconds that the answer may be cached; 0 is no-store
	outcome string // for Cache-Status and the log
}

// unavailable is the answer for every way in which an origin fails to deliver, whether it refused, could not be reached,
// or may not be asked: different answers would let strangers scan the network behind us.
var unavailable = verdict{http.StatusBadGateway, "The original could not be fetched from where the post says it is, and no copy of it is kept here.", 0, "unavailable"}

// verdicts maps the classes of render.Error. It is read-only.
var verdicts = map[render.Class]verdict{
	render.Refused:     unavailable,
	render.Unreachable: unavailable,
	render.Upstream:    unavailable,
	render.Broken:      unavailable,
	render.TimedOut:    {http.StatusGatewayTimeout, "The original took too long to arrive or to process.", 0, "timeout"},
	render.NotFound:    {http.StatusNotFound, "The post's picture is not where the post says it is.", 60, "not-found"},
	render.Gone:        {http.StatusGone, "The post's picture is gone from its origin.", 300, "gone"},
	render.NotAnImage:  {http.StatusUnsupportedMediaType, "What the post points to is not an image of a format that is read here.", 300, "not-an-image"},
	render.TooLarge:    {http.StatusUnprocessableEntity, "The original exceeds a limit on bytes, pixels, frames or memory.", 60, "too-large"},
	render.Undecodable: {http.StatusUnprocessableEntity, "The original is damaged and cannot be decoded.", 60, "undecodable"},
	render.BadSpec:     {http.StatusBadRequest, "This format cannot be written here.", 0, "bad-request"},
	render.Busy:        {http.StatusServiceUnavailable, "Too much to do at the moment.", 0, "busy"},
	render.Canceled:    {statusClientClosed, "", 0, "canceled"},
	render.Internal:    {http.StatusInternalServerError, "Internal error.", 0, "internal"},
}

// statusClientClosed is what logs show for a client that left; nobody receives it. The number is nginx's.
const statusClientClosed = 499

// judge is the one table from errors to answers. An error that it does not know is 500.
func judge(err error) verdict {
	if usage, ok := errors.AsType[*usageErr](err); ok {
		return verdict{http.StatusBadRequest, usage.text, 0, "bad-request"}
	}
	if e, ok := errors.AsType[*render.Error](err); ok {
		if v, ok := verdicts[e.Class]; ok {
			return v
		}
	}
	switch {
	case errors.Is(err, errNoRoute):
		return verdict{http.StatusNotFound, "There is nothing at this address.", 60, "not-found"}
	case errors.Is(err, errUnknownID):
		return verdict{http.StatusNotFound, "No picture has this ID. IDs change when the words beside a picture do.", 60, "not-found"}
	case errors.Is(err, catalog.ErrUnknownPost), errors.Is(err, catalog.ErrAmbiguousPost):
		return verdict{http.StatusNotFound, err.Error(), 60, "not-found"}
	case errors.Is(err, errLoop):
		return verdict{http.StatusLoopDetected, "An original here is served by cutline itself: the sources form a loop.", 0, "loop"}
	case errors.Is(err, errMethod):
		return verdict{http.StatusMethodNotAllowed, "Expected one of " + allowed + ".", 0, "bad-request"}
	}
	return verdicts[render.Internal]
}

// fail answers with err's verdict.
func (s *Server) fail(c *gin.Context, err error) {
	v := judge(err)
	if errors.Is(err, errUnsigned) {
		v = verdict{http.StatusForbidden, s.unsigned(), 0, "unsigned"}
	}
	c.Set(logOutcome, v.outcome)
	if v.status >= http.StatusInternalServerError || v.status == http.StatusUnprocessableEntity || v.status == http.StatusUnsupportedMediaType {
		c.Set(logError, err.Error())
	}
	h := c.Writer.Header()
	for _, name := range []string{"ETag", "Last-Modified", "Vary"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if v.maxAge > 0 {
		h.Set("Cache-Control", "public, max-age="+strconv.Itoa(v.maxAge))
	}
	h.Set("Cache-Status", "cutline; detail="+v.outcome)
	switch v.status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfter(err))
	case http.StatusMethodNotAllowed:
		h.Set("Allow", allowed)
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	body := []byte(v.text + "\n")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Status(v.status)
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return
	}
	_, _ = c.Writer.Write(body) // a client that is gone is no error of ours
}

func (s *Server) unsigned() string {
	return fmt.Sprintf("Without a signature only presets (%s) and widths (w%d … w%d) can be asked for.",
		s.grammar.presetNames(), s.grammar.widths[0], s.grammar.widths[len(s.grammar.widths)-1])
}

// retryAfter is whole seconds, 1 to 300, as the origin asked or as our own queue needs.
func retryAfter(err error) string {
	wait := time.Second
	if e, ok := errors.AsType[*render.Error](err); ok {
		wait = e.RetryAfter
	}
	return strconv.Itoa(int(min(max(wait.Round(time.Second), time.Second), 5*time.Minute) / time.Second))
}
