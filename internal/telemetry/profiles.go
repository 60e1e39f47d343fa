package telemetry

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"time"
)

// profilesAt is the path below which Profiles answers; the go tool expects it.
const profilesAt = "/debug/pprof/"

// Profiles answers GET /debug/pprof/ and all below it, in what 'go tool pprof' and 'go tool trace' read: profile, trace, heap, allocs,
// goroutine, threadcreate, block, mutex. It takes the parameters of net/http/pprof that do not keep the server busy for ever, and
// is its own because that one registers itself for the whole program.
//
// One recording at a time: a second one is 409.
func Profiles() http.Handler { return &profiles{} }

type profiles struct{ recording sync.Mutex }

const (
	// maxProfile bounds what a recording takes. The admin listener has five minutes for an answer.
	maxProfile = 2 * time.Minute
	// maxTrace bounds an execution trace, of which a busy server writes megabytes a second.
	maxTrace = 30 * time.Second
)

// ServeHTTP implements http.Handler.
func (p *profiles) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch name := strings.TrimPrefix(req.URL.Path, profilesAt); name {
	case "":
		p.index(w)
	case "profile":
		p.record(w, req, 30*time.Second, maxProfile, func() error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
	case "trace":
		p.record(w, req, time.Second, maxTrace, func() error { return trace.Start(w) }, trace.Stop)
	case "block", "mutex":
		p.contention(w, req, name)
	default:
		p.lookup(w, req, name)
	}
}

func (p *profiles) index(w http.ResponseWriter) {
	var b strings.Builder
	b.WriteString("profile?seconds=30\ntrace?seconds=1\nblock?seconds=10\nmutex?seconds=10\n")
	for _, prof := range pprof.Profiles() {
		if prof.Name() != "block" && prof.Name() != "mutex" {
			fmt.Fprintf(&b, "%s (%d)\n", prof.Name(), prof.Count())
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(b.String())) // a client that is gone is no error of ours
}

// recordingTime is the parameter seconds.
func recordingTime(req *http.Request, usual, most time.Duration) (time.Duration, error) {
	text := req.URL.Query().Get("seconds")
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if d := time.Duration(n) * time.Second; err == nil && n >= 1 && n <= int(most/time.Second) {
		return d, nil
	}
	return 0, fmt.Errorf("seconds: expected a whole number from 1 to %d (got %q)", int(most/time.Second), text)
}

// record writes what is recorded from start to stop, or until the client leaves.
func (p *profiles) record(w http.ResponseWriter, req *http.Request, usual, most time.Duration, start func() error, stop func()) {
	p.during(w, req, usual, most, func(d time.Duration) error {
		download(w)
		if err := start(); err != nil {
			return err
		}
		wait(req, d)
		stop()
		return nil
	})
}

// contention is what goroutines waited for in the next seconds: it costs each wait something, so it is not noted all the time.
func (p *profiles) contention(w http.ResponseWriter, req *http.Request, name string) {
	p.during(w, req, 10*time.Second, maxProfile, func(d time.Duration) error {
		if name == "block" {
			runtime.SetBlockProfileRate(1)
			defer runtime.SetBlockProfileRate(0)
		} else {
			defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(1))
		}
		wait(req, d)
		download(w)
		return pprof.Lookup(name).WriteTo(w, 0)
	})
}

// during does what takes the seconds that req says, unless another does.
func (p *profiles) during(w http.ResponseWriter, req *http.Request, usual, most time.Duration, work func(time.Duration) error) {
	d, err := recordingTime(req, usual, most)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !p.recording.TryLock() {
		http.Error(w, "another recording is under way", http.StatusConflict)
		return
	}
	defer p.recording.Unlock()
	if req.Method == http.MethodHead {
		return
	}
	if err := work(d); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (p *profiles) lookup(w http.ResponseWriter, req *http.Request, name string) {
	debug := 0
	if text := req.URL.Query().Get("debug"); text != "" {
		var err error
		if debug, err = strconv.Atoi(text); err != nil || debug < 0 || debug > 2 {
			http.Error(w, fmt.Sprintf("debug: expected 0, 1 or 2 (got %q)", text), http.StatusBadRequest)
			return
		}
	}
	prof := pprof.Lookup(name)
	if prof == nil {
		http.Error(w, "no such profile; "+profilesAt+" lists them", http.StatusNotFound)
		return
	}
	if name == "heap" && req.URL.Query().Get("gc") == "1" {
		runtime.GC()
	}
	if debug > 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		download(w)
	}
	_ = prof.WriteTo(w, debug) // a client that is gone is no error of ours
}

func download(w http.ResponseWriter) { w.Header().Set("Content-Type", "application/octet-stream") }

// wait waits for d, or until the client leaves.
func wait(req *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-req.Context().Done():
	}
}
