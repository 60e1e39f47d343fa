package proxy

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// isConditional reports whether a request needs more than the whole body.
func isConditional(h http.Header) bool {
	for _, name := range []string{"Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

// sendPart answers conditional and range requests and HEAD (RFC 9110 §13, §14). http.ServeContent does the work; what it
// would answer with errors of its own, under the headers of a picture, is settled before.
func (s *Server) sendPart(c *gin.Context, etag string, modified time.Time, body []byte) {
	req := c.Request
	if failsPrecondition(req.Header, etag, modified) {
		s.fail(c, errPrecondition)
		return
	}
	first, ok := singleRange(req)
	switch {
	case !ok, !rangeApplies(req.Header, etag, modified):
		req.Header.Del("Range")
	case first >= int64(len(body)):
		c.Header("Content-Range", "bytes */"+strconv.Itoa(len(body)))
		s.fail(c, errRange)
		return
	}
	http.ServeContent(c.Writer, req, "", modified, bytes.NewReader(body))
}

// failsPrecondition evaluates If-Match, by strong comparison, and If-Unmodified-Since where that is absent.
func failsPrecondition(h http.Header, etag string, modified time.Time) bool {
	if match := h.Values("If-Match"); len(match) > 0 {
		for tag := range strings.SplitSeq(strings.Join(match, ","), ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || tag == etag {
				return false
			}
		}
		return true
	}
	since, err := http.ParseTime(h.Get("If-Unmodified-Since"))
	return err == nil && modified.Truncate(time.Second).After(since)
}

// singleRange returns the first byte of a GET's Range, 0 for a suffix. ok is false for everything that is answered with the
// whole: no GET, another unit, several ranges (a mistake or an attack), what is not in the grammar.
func singleRange(req *http.Request) (first int64, ok bool) {
	spec, isBytes := strings.CutPrefix(req.Header.Get("Range"), "bytes=")
	from, to, isRange := strings.Cut(spec, "-")
	if req.Method != http.MethodGet || !isBytes || !isRange || len(req.Header["Range"]) > 1 {
		return 0, false
	}
	last, err := strconv.ParseUint(to, 10, 63)
	switch {
	case from == "":
		return 0, err == nil && last > 0
	case to != "" && err != nil:
		return 0, false
	}
	start, err := strconv.ParseUint(from, 10, 63)
	return int64(start), err == nil && (to == "" || start <= last)
}

// rangeApplies evaluates If-Range, by strong comparison.
func rangeApplies(h http.Header, etag string, modified time.Time) bool {
	condition := h.Get("If-Range")
	if condition == "" || condition == etag {
		return true
	}
	date, err := http.ParseTime(condition)
	return err == nil && modified.Truncate(time.Second).Equal(date)
}
