package fetch

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what an origin may ask for: a host that says "tomorrow" is asked again after five minutes.
const maxRetryAfter = 5 * time.Minute

// A RetryError carries the time that an overloaded origin asked for (429 or 503 with Retry-After). It wraps ErrUpstream.
type RetryError struct {
	After  time.Duration // from 1 s to 5 minutes
	Status int           // 429 or 503
}

// Error says which status was met and when to come back.
func (e *RetryError) Error() string {
	return fmt.Sprintf("%v: status %d, retry after %s", ErrUpstream, e.Status, e.After)
}

// Unwrap is ErrUpstream.
func (e *RetryError) Unwrap() error { return ErrUpstream }

// retryAfter reads Retry-After (RFC 9110 §10.2.3): seconds, or a date. ok is false when it is absent or neither.
func retryAfter(h http.Header, now time.Time) (after time.Duration, ok bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter, true
		}
		return max(time.Duration(seconds)*time.Second, time.Second), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), time.Second), maxRetryAfter), true
}

// statusError maps a status that brings no picture to this package's errors. 401 and 403 are how many hosts say 404.
func statusError(status int, h http.Header, now time.Time) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return fmt.Errorf("%w: status %d", ErrNotFound, status)
	case http.StatusGone:
		return ErrGone
	case http.StatusLoopDetected:
		return fmt.Errorf("%w: status %d: the source leads back here", ErrRefused, status)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if after, ok := retryAfter(h, now); ok {
			return &RetryError{After: after, Status: status}
		}
	}
	return fmt.Errorf("%w: status %d", ErrUpstream, status)
}
