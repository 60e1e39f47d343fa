package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/source"
)

// A call is one visit in a test of hosts: it may enter or not, and ends with status and err.
func (h *hosts) call(ctx context.Context, src source.Source, status int, err error) error {
	v, down := h.enter(src)
	if down != nil {
		return down
	}
	v.end(ctx, status, err)
	return nil
}

// fail has the host of src fail n times, each let through.
func (h *hosts) fail(t *testing.T, src source.Source, n int) {
	t.Helper()
	for i := range n {
		if err := h.call(t.Context(), src, 0, ErrUnreachable); err != nil {
			t.Fatalf("failure %d of %d was not let through: %v", i+1, n, err)
		}
	}
}

// wantDown proves that src's host is not asked, for after.
func (h *hosts) wantDown(t *testing.T, src source.Source, after time.Duration) {
	t.Helper()
	_, err := h.enter(src)
	down, ok := errors.AsType[*DownError](err)
	if !ok || !errors.Is(err, ErrDown) || down.After != after {
		t.Errorf("enter: got %v, want a DownError for %s", err, after)
	}
}

func TestBreakerOpensAfterFailuresInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		bad, good := parse(t, "https://bad.example/a.jpg"), parse(t, "https://good.example/a.jpg")
		h.fail(t, bad, failuresInARow-1)
		if err := h.call(t.Context(), bad, http.StatusOK, nil); err != nil {
			t.Errorf("before the tenth failure: %v", err)
		}
		h.fail(t, bad, failuresInARow)
		h.wantDown(t, bad, probeEvery)
		h.wantDown(t, parse(t, "https://bad.example/other.jpg"), probeEvery)
		if _, err := h.enter(good); err != nil {
			t.Errorf("another host: %v", err)
		}
		if _, err := h.enter(parse(t, "http://bad.example/a.jpg")); err != nil {
			t.Errorf("another port of that host: %v", err)
		}
		time.Sleep(3 * time.Second)
		h.wantDown(t, bad, probeEvery-3*time.Second)
	})
}

func TestBreakerProbesOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		src := parse(t, "https://bad.example/a.jpg")
		h.fail(t, src, failuresInARow)
		for range 3 {
			time.Sleep(probeEvery)
			probe, err := h.enter(src)
			if err != nil {
				t.Fatalf("after the interval: %v", err)
			}
			h.wantDown(t, src, time.Second) // while the probe is on its way
			probe.end(t.Context(), http.StatusBadGateway, ErrUpstream)
			h.wantDown(t, src, probeEvery)
		}
		time.Sleep(probeEvery)
		if err := h.call(t.Context(), src, http.StatusNotFound, ErrNotFound); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err := h.enter(src); err != nil {
				t.Fatalf("after a probe that was answered: %v", err)
			}
		}
		if n := h.order.Len(); n != 0 {
			t.Errorf("%d hosts remembered after all is well, want 0", n)
		}
	})
}

func TestBreakerSurvivesAProbeThatIsBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		src := parse(t, "https://bad.example/a.jpg")
		left, leave := context.WithCancel(t.Context())
		leave()
		for name, end := range map[string]func(visit){
			"the asker left": func(v visit) { v.end(left, 0, ErrTimeout) },
			"no file left":   func(v visit) { v.end(t.Context(), 0, errOurs) },
		} {
			h.fail(t, src, failuresInARow)
			time.Sleep(probeEvery)
			probe, err := h.enter(src)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			end(probe)
			h.wantDown(t, src, probeEvery)
			time.Sleep(probeEvery)
			if err := h.call(t.Context(), src, http.StatusOK, nil); err != nil {
				t.Errorf("%s: the next probe: %v", name, err)
			}
		}
	})
}

// What says nothing about a host, or says that it is well, opens no breaker.
func TestWhatIsAFailureOfTheHost(t *testing.T) {
	ended := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		return ctx
	}
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		status int
		err    error
		opens  bool
	}{
		{"unreachable", t.Context(), 0, ErrUnreachable, true},
		{"no header in time", t.Context(), 0, ErrTimeout, true},
		{"whole time over", ended(errDeadline), 0, ErrTimeout, true},
		{"body too slow", ended(errSlow), 200, ErrTimeout, true},
		{"broke off", t.Context(), 200, ErrBroken, true},
		{"500", t.Context(), 500, ErrUpstream, true},
		{"503", t.Context(), 503, ErrUpstream, true},
		{"429", t.Context(), 429, ErrUpstream, true},
		{"508", t.Context(), 508, ErrRefused, false},
		{"404", t.Context(), 404, ErrNotFound, false},
		{"410", t.Context(), 410, ErrGone, false},
		{"400", t.Context(), 400, ErrUpstream, false},
		{"too large", t.Context(), 200, ErrTooLarge, false},
		{"coding", t.Context(), 200, ErrEncoding, false},
		{"refused by the guard", t.Context(), 0, ErrRefused, true},
		{"no file to open", t.Context(), 0, errOurs, false},
		{"the asker left", ended(context.Canceled), 0, ErrTimeout, false},
		{"well", t.Context(), 200, nil, false},
	} {
		h := newHosts()
		src := parse(t, "https://origin.example/a.jpg")
		for range 2 * failuresInARow {
			_ = h.call(tt.ctx, src, tt.status, tt.err) // whether it is let in is looked at below
		}
		if _, err := h.enter(src); (err != nil) != tt.opens {
			t.Errorf("%s: enter = %v, want down: %t", tt.name, err, tt.opens)
		}
	}
}

func TestRetryAfterPausesTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		src := parse(t, "https://busy.example/a.jpg")
		under, err := h.enter(src)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.call(t.Context(), src, 429, &RetryError{After: 90 * time.Second, Status: 429}); err != nil {
			t.Fatal(err)
		}
		h.wantDown(t, src, 90*time.Second)
		under.end(t.Context(), http.StatusOK, nil) // sent before, answered behind: the wish stands
		time.Sleep(time.Minute)
		h.wantDown(t, src, 30*time.Second)
		time.Sleep(30 * time.Second)
		if err := h.call(t.Context(), src, http.StatusOK, nil); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

func TestKnownHostsAreBounded(t *testing.T) {
	h := newHosts()
	for i := range knownHosts + 10 {
		src := parse(t, fmt.Sprintf("https://h%d.example/a.jpg", i))
		h.fail(t, src, failuresInARow)
	}
	if len(h.byName) != knownHosts || h.order.Len() != knownHosts {
		t.Errorf("%d and %d hosts remembered, want %d", len(h.byName), h.order.Len(), knownHosts)
	}
	if _, err := h.enter(parse(t, "https://h9.example/a.jpg")); err != nil {
		t.Errorf("the host that failed longest ago is remembered: %v", err)
	}
	if _, err := h.enter(parse(t, "https://h10.example/a.jpg")); err == nil {
		t.Error("a host that failed later is forgotten")
	}
}

// TestFetchLeavesAFailingHostAlone goes through the network: the eleventh request does not reach the origin, and another
// origin is asked as before.
func TestFetchLeavesAFailingHostAlone(t *testing.T) {
	bad, good := imagetest.NewOrigin(t), imagetest.NewOrigin(t)
	bad.Handle("/a.jpg", imagetest.Status(http.StatusInternalServerError))
	bad.Serve("/b.jpg", picture)
	good.Handle("/to-bad.jpg", imagetest.Redirect(http.StatusFound, bad.URL("/b.jpg")))
	good.Serve("/a.jpg", picture)
	f := loopback(t, Options{})
	for range failuresInARow {
		o, err := f.Fetch(t.Context(), parse(t, bad.URL("/a.jpg")), Validators{})
		wantError(t, o, err, ErrUpstream)
	}
	for _, text := range []string{bad.URL("/a.jpg"), bad.URL("/b.jpg"), good.URL("/to-bad.jpg")} {
		o, err := f.Fetch(t.Context(), parse(t, text), Validators{})
		wantError(t, o, err, ErrDown)
		if !strings.Contains(fmt.Sprint(err), "status 500") {
			t.Errorf("error %v does not name the host's latest failure", err)
		}
	}
	if n := bad.Total(); n != failuresInARow {
		t.Errorf("the failing origin was asked %d times, want %d", n, failuresInARow)
	}
	if _, err := f.Fetch(t.Context(), parse(t, good.URL("/a.jpg")), Validators{}); err != nil {
		t.Errorf("another origin: %v", err)
	}
}

func TestFetchLeavesABusyHostAlone(t *testing.T) {
	for name, after := range map[string]string{"seconds": "120", "date": time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat)} {
		origin := imagetest.NewOrigin(t)
		origin.Handle("/a.jpg", imagetest.With(imagetest.Status(http.StatusServiceUnavailable), "Retry-After", after))
		origin.Serve("/b.jpg", picture)
		f := loopback(t, Options{})
		o, err := f.Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{})
		wantError(t, o, err, ErrUpstream)
		o, err = f.Fetch(t.Context(), parse(t, origin.URL("/b.jpg")), Validators{})
		wantError(t, o, err, ErrDown)
		if down, ok := errors.AsType[*DownError](err); ok && (down.After > 2*time.Minute || down.After < time.Minute) {
			t.Errorf("%s: down for %s, want about 2 minutes", name, down.After)
		}
		if n := origin.Total(); n != 1 {
			t.Errorf("%s: asked %d times, want once", name, n)
		}
	}
}

// TestBreakersAreCounted verifies that hosts are counted by what is done about them, and that those that answer are not.
func TestBreakersAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Fetcher{hosts: newHosts()}
		want := func(b Breakers) {
			t.Helper()
			if got := f.Breakers(); got != b {
				t.Errorf("%+v, want %+v", got, b)
			}
		}
		if err := f.hosts.call(t.Context(), parse(t, "https://well.example/a.jpg"), http.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		want(Breakers{})
		down, wobbly, shy := parse(t, "https://down.example/a.jpg"), parse(t, "https://wobbly.example/a.jpg"), parse(t, "https://shy.example/a.jpg")
		f.hosts.fail(t, down, failuresInARow)
		f.hosts.fail(t, wobbly, 1)
		if err := f.hosts.call(t.Context(), shy, http.StatusTooManyRequests, &RetryError{After: time.Minute}); err != nil {
			t.Fatal(err)
		}
		want(Breakers{Open: 1, Failing: 1, Paused: 1})
		time.Sleep(probeEvery)
		probe, err := f.hosts.enter(down)
		if err != nil {
			t.Fatal(err)
		}
		want(Breakers{Probing: 1, Failing: 1, Paused: 1})
		probe.end(t.Context(), http.StatusOK, nil)
		want(Breakers{Failing: 1, Paused: 1})
	})
}
