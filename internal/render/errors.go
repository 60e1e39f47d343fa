package render

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Class says why there is no picture. Classes are what negative entries remember, what the HTTP edge maps to a status,
// and what metrics count; they are words of the cache format and do not change.
type Class string

// The classes.
const (
	Refused     Class = "refused"      // the address may not be fetched: its text, the dial or a redirect shows it
	NotFound    Class = "not-found"    // the origin or the site has no such original
	Gone        Class = "gone"         // the origin says that it is gone for good
	Withdrawn   Class = "withdrawn"    // taken down here, by a purge
	NotAnImage  Class = "not-an-image" // fetched, but of no format that is read
	TooLarge    Class = "too-large"    // bytes, pixels, frames or memory over a limit
	Undecodable Class = "undecodable"  // an image format, but damaged
	Unreachable Class = "unreachable"  // DNS, connect, TLS, protocol
	Upstream    Class = "upstream"     // the origin answered with an error
	Broken      Class = "broken"       // the transfer broke off
	TimedOut    Class = "timeout"      // the origin, or the picture, took too long
	Down        Class = "down"         // the origin is not asked at the moment: it failed too often, or wanted a pause
	Busy        Class = "busy"         // over capacity here, or the origin asked to come back later
	BadSpec     Class = "bad-spec"     // asked for what the engine cannot write
	Canceled    Class = "canceled"     // the caller left
	Internal    Class = "internal"     // a fault of ours
)

// An Error is the error of Render and Probe.
type Error struct {
	Class      Class
	Source     source.Source
	RetryAfter time.Duration // for Busy, where the origin said, and Down: when to come back; else 0
	Err        error         // the reason, for the log; may name addresses, so not for clients
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("render %s: %s", e.Source.Public(), e.Class)
	}
	return fmt.Sprintf("render %s: %v", e.Source.Public(), e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

var (
	errPanic      = errors.New("panic in a flight")
	errUnfinished = errors.New("flight ended without a result")
	errRemembered = errors.New("failed a moment ago and is not tried again yet")
)

// classes maps the errors of the packages below, first match wins. It is read-only.
var classes = []struct {
	err   error
	class Class
}{
	{fetch.ErrRefused, Refused},
	{fetch.ErrNotFound, NotFound},
	{fetch.ErrGone, Gone},
	{fetch.ErrTooLarge, TooLarge},
	{fetch.ErrTimeout, TimedOut},
	{fetch.ErrBroken, Broken},
	{fetch.ErrEncoding, NotAnImage},
	{fetch.ErrUpstream, Upstream},
	{fetch.ErrDown, Down},
	{fetch.ErrUnreachable, Unreachable},
	{transform.ErrSpec, BadSpec},
	{transform.ErrFormat, NotAnImage},
	{transform.ErrTooLarge, TooLarge},
	{transform.ErrCorrupt, Undecodable},
	{transform.ErrBusy, Busy},
	{errFull, Busy},
	{transform.ErrTimeout, TimedOut},
	{context.DeadlineExceeded, TimedOut},
	{context.Canceled, Canceled},
	{errPurged, Canceled}, // only where the caller left, too
}

// newError gives err its class. An *Error passes through.
func newError(src source.Source, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Class: Internal, Source: src, Err: err}
	for _, c := range classes {
		if errors.Is(err, c.err) {
			e.Class = c.class
			break
		}
	}
	if retry, ok := errors.AsType[*fetch.RetryError](err); ok {
		e.Class, e.RetryAfter = Busy, retry.After
	}
	if down, ok := errors.AsType[*fetch.DownError](err); ok {
		e.RetryAfter = down.After
	}
	return e
}

// ofOneRendition reports whether e, which a transform of several renditions ended in, may be the fault of one of them: no
// quality that fits into its bytes, a search that takes too long, an encoder that fails.
func (e *Error) ofOneRendition() bool {
	return e.Class == TooLarge || e.Class == TimedOut || e.Class == Internal
}

// pause is for how long a failure is remembered before the source is tried again. Faults of the content keep longer than
// faults of the way there, which may be gone in seconds; the figures are the error contract's (design.md, Errors). Files
// of the site are looked at again as soon as anything about them is: whoever mends one wants to see it.
func (e *Error) pause() time.Duration {
	switch e.Class {
	case Canceled, BadSpec:
		return 0
	case Busy, Down:
		return e.RetryAfter // the origin's wish, or the breaker's; our own overload is over when it is over
	case TimedOut, Internal:
		return 10 * time.Second
	}
	if !e.Source.Remote() {
		return localFresh
	}
	switch e.Class {
	case NotFound, TooLarge, Undecodable:
		return time.Minute
	case Gone, NotAnImage:
		return 5 * time.Minute
	}
	return 10 * time.Second
}

// errChanged says that the original turned out to be another one while renditions of the old were being made.
var errChanged = errors.New("the original changed")

// A changedError is errChanged where the other original is known. A flight that asks for news may be under way since before it came, and
// knows nothing of it.
type changedError struct{ to located }

func (e *changedError) Error() string { return errChanged.Error() }
func (e *changedError) Unwrap() error { return errChanged }
