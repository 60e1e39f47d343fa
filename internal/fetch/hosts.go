package fetch

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/dd8bf596/cutline/internal/source"
)

// A DownError carries the time until a host is asked again. It wraps ErrDown.
type DownError struct {
	Host   string        // and port
	After  time.Duration // from 1 s to 5 minutes
	Paused bool          // the host is up and asked for it (Retry-After), rather than failed
	Last   string        // the host's latest failure, for the log
}

// Error names the host, the time, and why it is so.
func (e *DownError) Error() string {
	return fmt.Sprintf("%v: %s, for another %s, after: %s", ErrDown, e.Host, e.After.Round(time.Millisecond), e.Last)
}

// Unwrap is ErrDown.
func (e *DownError) Unwrap() error { return ErrDown }

// The figures of the breaker (ADR 22).
const (
	// failuresInARow open a host's breaker: more than a page's handful of pictures from a host that is being restarted, and
	// fewer than the 16 connections that a host which hangs could hold until their timeout.
	failuresInARow = 10
	// probeEvery is the time between two requests to a host whose breaker is open: what a failed source rests in render.
	probeEvery = 10 * time.Second
	// knownHosts bounds how many hosts that failed are remembered: some 500 bytes each. Beyond it the one that failed longest
	// ago is forgotten, which costs it as many failures as before.
	knownHosts = 1024
)

// hosts remembers the hosts that failed lately: how often in a row, and for how long they want to be left alone. Hosts that
// answer take no memory. It starts no goroutine and is safe for concurrent use.
type hosts struct {
	mu     sync.Mutex
	byName map[string]*list.Element // of *host
	order  *list.List               // latest failure first
}

// A host is one that failed.
type host struct {
	name    string
	breaker circuitbreaker.CircuitBreaker[any]
	until   time.Time // left alone until then; zero when it did not ask for it
	last    string    // its latest failure
}

func newHosts() *hosts {
	return &hosts{byName: map[string]*list.Element{}, order: list.New()}
}

// A visit is one request to a host, from enter to end.
type visit struct {
	hosts *hosts
	name  string
	probe bool // the only one that an open breaker lets through
}

// enter asks whether src's host may be asked, and returns a *DownError when not. The caller must end the visit.
func (h *hosts) enter(src source.Source) (visit, error) {
	name := net.JoinHostPort(src.Host(), strconv.Itoa(int(src.Port())))
	v := visit{hosts: h, name: name}
	h.mu.Lock()
	defer h.mu.Unlock()
	found := h.find(name)
	if found == nil {
		return v, nil
	}
	if wait := time.Until(found.until); wait > 0 {
		return visit{}, &DownError{Host: name, After: max(wait, time.Second), Paused: true, Last: found.last}
	}
	if !found.breaker.TryAcquirePermit() {
		wait := max(found.breaker.RemainingDelay(), time.Second) // 0 while a probe is on its way
		return visit{}, &DownError{Host: name, After: wait, Last: found.last}
	}
	v.probe = found.breaker.IsHalfOpen()
	return v, nil
}

// errOurs ends a visit that our own system had no means for. It says nothing about the host.
var errOurs = errors.New("too few file descriptors")

// end says how the host answered: status is 0 where there was no response header. What the asker broke off, and errOurs, says
// nothing about the host; a probe that ended so is made up for after the next interval. What the guard refused counts like
// what cannot be reached: else the eleventh answer would tell strangers which of the two a name behind us is.
func (v visit) end(ctx context.Context, status int, err error) {
	v.hosts.mu.Lock()
	defer v.hosts.mu.Unlock()
	found := v.hosts.find(v.name)
	switch {
	case leftEarly(ctx), errors.Is(err, errOurs):
		if v.probe && found != nil && found.breaker.IsHalfOpen() {
			found.breaker.Open()
		}
	case hostFailed(status, err):
		if found == nil {
			found = v.hosts.add(v.name)
		}
		v.hosts.order.MoveToFront(v.hosts.byName[v.name])
		found.last = err.Error()
		if retry, ok := errors.AsType[*RetryError](err); ok {
			found.until = time.Now().Add(retry.After)
		}
		found.breaker.RecordFailure()
	case found != nil:
		found.breaker.RecordSuccess()
		if found.breaker.IsClosed() && time.Until(found.until) <= 0 {
			v.hosts.remove(v.name)
		}
	}
}

// leftEarly reports whether whoever asked broke the request off, rather than a limit of the fetch itself.
func leftEarly(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return cause != nil && !errors.Is(cause, errDeadline) && !errors.Is(cause, errSlow)
}

// hostFailed reports whether an answer is a failure of the host and not of one picture. A 404 or a page instead of a picture
// comes from a host that is well; too many requests and errors of the server do not, nor does what takes too long or
// breaks off.
func hostFailed(status int, err error) bool {
	switch {
	case status == 0:
		return err != nil
	case status == http.StatusTooManyRequests, status >= 500 && status != http.StatusLoopDetected:
		return err != nil
	}
	return errors.Is(err, ErrTimeout) || errors.Is(err, ErrBroken)
}

func (h *hosts) find(name string) *host {
	if e, ok := h.byName[name]; ok {
		return e.Value.(*host)
	}
	return nil
}

func (h *hosts) add(name string) *host {
	if h.order.Len() >= knownHosts {
		h.remove(h.order.Back().Value.(*host).name)
	}
	added := &host{
		name: name,
		breaker: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(failuresInARow).WithSuccessThreshold(1).WithDelay(probeEvery).Build(),
	}
	h.byName[name] = h.order.PushFront(added)
	return added
}

func (h *hosts) remove(name string) {
	if e, ok := h.byName[name]; ok {
		h.order.Remove(e)
		delete(h.byName, name)
	}
}

// Breakers is how many hosts are not asked at the moment, by why. Hosts that answer are in none of them.
type Breakers struct {
	Open    int // failed too often in a row
	Probing int // the same, and a request is on its way that may end it
	Paused  int // asked to be left alone
	Failing int // failed lately, and are asked as ever
}

// Breakers is a snapshot.
func (f *Fetcher) Breakers() (b Breakers) {
	f.hosts.mu.Lock()
	defer f.hosts.mu.Unlock()
	for e := f.hosts.order.Front(); e != nil; e = e.Next() {
		switch h := e.Value.(*host); {
		case time.Until(h.until) > 0:
			b.Paused++
		case h.breaker.IsOpen():
			b.Open++
		case h.breaker.IsHalfOpen():
			b.Probing++
		default:
			b.Failing++
		}
	}
	return b
}
