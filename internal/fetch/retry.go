package fetch

import (
	"errors"
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

// A StatusError is any other status that brings no picture. It wraps one of this package's errors.
type StatusError struct {
	Status int
	Err    error
}

// Error is what the status means, and the status.
func (e *StatusError) Error() string { return fmt.Sprintf("%v: status %d", e.Err, e.Status) }

// Unwrap is the error of this package that the status means.
func (e *StatusError) Unwrap() error { return e.Err }

// StatusOf is the status that an origin answered where err comes of one, else 0.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status
	}
	if e, ok := errors.AsType[*RetryError](err); ok {
		return e.Status
	}
	return 0
}

// errLeadsBack is what 508 means.
var errLeadsBack = fmt.Errorf("%w: the source leads back here", ErrRefused)

// statusError maps a status that brings no picture to this package's errors. 401 and 403 are how many hosts say 404.
func statusError(status int, h http.Header, now time.Time) error {
	err := ErrUpstream
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		err = ErrNotFound
	case http.StatusGone:
		err = ErrGone
	case http.StatusLoopDetected:
		err = errLeadsBack
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if after, ok := retryAfter(h, now); ok {
			return &RetryError{After: after, Status: status}
		}
	}
	return &StatusError{Status: status, Err: err}
}
