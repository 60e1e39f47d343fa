package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
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

// An unsignedErr says that what was asked for is in the grammar, but not open to everybody.
type unsignedErr struct{ text string }

func (e *unsignedErr) Error() string { return e.text }

var (
	errNoRoute   = errors.New("no such address")
	errMethod    = errors.New("method not allowed")
	errUnknownID = errors.New("no such picture")
	// The two that conditional and range requests end in (RFC 9110 §13.1.1, §15.5.17).
	errPrecondition = errors.New("precondition failed")
	errRange        = errors.New("range not satisfiable")

	errPanic = errors.New("panic in a handler")
	errURI   = errors.New("address too long")
	errLoop  = errors.New("asked by ourselves") // RFC 8586
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
var unavailable = verdict{http.StatusBadGateway, "The original could not be fetched from its source, and no copy of it is kept here.", 0, "unavailable"}

// verdicts maps the classes of render.Error. It is read-only.
var verdicts = map[render.Class]verdict{
	render.Refused:     unavailable,
	render.Unreachable: unavailable,
	render.Upstream:    unavailable,
	render.Broken:      unavailable,
	render.TimedOut:    {http.StatusGatewayTimeout, "The original took too long to arrive or to process.", 0, "timeout"},
	render.NotFound:    {http.StatusNotFound, "There is no original at its source.", 60, "not-found"},
	render.Gone:        {http.StatusGone, "The original is gone from its source.", 300, "gone"},
	render.Withdrawn:   {http.StatusGone, "This picture was taken down.", 300, "withdrawn"},
	render.NotAnImage:  {http.StatusUnsupportedMediaType, "What is at the source is not an image of a format that is read here.", 300, "not-an-image"},
	render.TooLarge:    {http.StatusUnprocessableEntity, "The original exceeds a limit on bytes, pixels, frames or memory, or the picture cannot be made as small as was asked for.", 60, "too-large"},
	render.Undecodable: {http.StatusUnprocessableEntity, "The original is damaged and cannot be decoded.", 60, "undecodable"},
	render.BadSpec:     {http.StatusBadRequest, "This format cannot be written here.", 0, "bad-request"},
	render.Busy:        {http.StatusServiceUnavailable, "Too much to do at the moment.", 0, "busy"},
	render.Down:        {http.StatusServiceUnavailable, "The original's source is not asked at the moment, and no copy of it is kept here.", 0, "down"},
	render.Canceled:    {statusClientClosed, "", 0, "canceled"},
	render.Internal:    {http.StatusInternalServerError, "Internal error.", 0, "internal"},
}

// statusClientClosed is what logs show for a client that left; nobody receives it. The number is nginx's.
const statusClientClosed = 499

// judge is the one table from errors to answers. An error that it does not know is 500.
func judge(err error) verdict {
	if usage, ok := errors.AsType[*usageErr](err); ok {
		return verdict{http.StatusBadRequest, short(usage.text), 0, "bad-request"}
	}
	if unsigned, ok := errors.AsType[*unsignedErr](err); ok {
		return verdict{http.StatusForbidden, unsigned.text, 0, "unsigned"}
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
		return verdict{http.StatusNotFound, short(err.Error()), 60, "not-found"}
	case errors.Is(err, errURI):
		return verdict{http.StatusRequestURITooLong, fmt.Sprintf("Expected an address of at most %d bytes.", maxURI), 0, "bad-request"}
	case errors.Is(err, errLoop):
		return verdict{http.StatusLoopDetected, "An original here is served by cutline itself: the sources form a loop.", 0, "loop"}
	case errors.Is(err, errPrecondition):
		return verdict{http.StatusPreconditionFailed, "The picture is not the one that the request's precondition names.", 0, "precondition"}
	case errors.Is(err, errRange):
		return verdict{http.StatusRequestedRangeNotSatisfiable, "The range begins behind the picture's end.", 0, "range"}
	case errors.Is(err, errMethod):
		return verdict{http.StatusMethodNotAllowed, "Expected one of " + allowed + ".", 0, "bad-request"}
	}
	return verdicts[render.Internal]
}

// short cuts a text that repeats what the client sent, which may be long.
func short(text string) string {
	const most = 600
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}

// answerHeaders belong to a picture or a page, not to an error that takes its place. Vary is none of them: a format that fails
// for one client may do for the next. The list is read-only.
var answerHeaders = []string{
	"ETag", "Last-Modified", "Content-Location", "Content-Disposition", "Accept-Ranges", "Server-Timing",
	"Image-Alt", "Image-Credit", "Image-Cutline", "Image-Frames", "Image-Quality", "Link", "Surrogate-Key", "Cache-Tag",
}

// fail answers with err's verdict.
func (s *Server) fail(c *gin.Context, err error) { s.failOf(c, nil, err) }

// failOf is fail for want of e's picture: a cache that keeps the answer finds it by the tags that a purge of the picture names.
func (s *Server) failOf(c *gin.Context, e *catalog.Entry, err error) {
	v := judge(err)
	s.tally.refused.Add(1)
	seen := &visit{outcome: v.outcome, request: sentID(c.Request.Header)}
	c.Set(visitKey, seen)
	if _, ours := errors.AsType[*render.Error](err); ours || v.status >= http.StatusInternalServerError {
		seen.reason = err.Error() // what stands in the way of a picture; a client's mistakes are its own
	}
	h := c.Writer.Header()
	for _, name := range answerHeaders {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if v.maxAge > 0 {
		h.Set("Cache-Control", bounded("public, max-age="+strconv.Itoa(v.maxAge), expiryOf(c)))
		if e != nil {
			setFields(h, tagFields(e))
		}
	}
	h.Set("Cache-Status", "cutline; detail="+v.outcome)
	switch v.status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfter(err))
	case http.StatusMethodNotAllowed:
		h.Set("Allow", allowed)
	}
	contentType, text := "text/plain; charset=utf-8", v.text
	if strings.HasSuffix(c.Request.URL.Path, "/"+figureLeaf) {
		// An include puts whatever it gets into the article, and its readers need not read why there is no picture.
		contentType, text = "text/html; charset=utf-8", "<!-- cutline: "+inComment.Replace(text)+" -->"
	}
	h.Set("Content-Type", contentType)
	body := []byte(text + "\n")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Status(v.status)
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return
	}
	_, _ = c.Writer.Write(body) // a client that is gone is no error of ours
}

// inComment keeps a text that repeats what the client sent from ending the HTML comment that it stands in: none ends without ">", and
// one without any "--" is one for XML's readers too.
var inComment = strings.NewReplacer("<", "&lt;", ">", "&gt;", "-", "\u2010")

// retryAfter is whole seconds, 1 to 300, as the origin asked or as our own queue needs.
func retryAfter(err error) string {
	wait := time.Second
	if e, ok := errors.AsType[*render.Error](err); ok {
		wait = e.RetryAfter
	}
	return strconv.Itoa(int(min(max(wait.Round(time.Second), time.Second), 5*time.Minute) / time.Second))
}
