package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

const (
	// baseMemory is what a job may have beside its estimate and what is in use before it.
	baseMemory = 64 << 20
	// compileMemory is for WebAssembly, which is compiled for the first picture of a format: that of AVIF takes 200 MB.
	compileMemory = 256 << 20
	// garbage is how much the heap may grow by before it is collected, in percent of what is in use, within a job's limit. Little
	// is in use between jobs: with Go's 100, a picture of 1,600 pixels' width was collected often enough to take a tenth longer.
	garbage = 400
	// largeJob is the job after which memory goes back to the system at once, when no other follows.
	largeJob = 32 << 20
	// idleTime is how long a worker waits for the next job until then. To get memory anew takes the next job of that size
	// twice as long.
	idleTime = 5 * time.Second
	// tightMemory is the bound of a job below which the machine has too little for all workers to keep what they had for their last
	// large job: then it goes back after tightTime, and the next job has less beside its estimate.
	tightMemory = 512 << 20
	tightTime   = 50 * time.Millisecond
)

// A warmer is an Engine that can be made ready ahead of time.
type warmer interface {
	Warm(ctx context.Context, formats ...transform.Format) error
}

// Serve is the worker: it makes an engine, closes the sandbox around the process, and does one job after the other, from
// requests on standard input, which it answers on standard output, until the requests end. It changes the process for good:
// no file can be opened any more, no connection made, no program started. The caller must end the process when it returns.
//
// It returns nil when the requests end, also in the middle of a job: nobody waits for that any more.
func Serve(newEngine func() transform.Engine) error {
	signal.Ignore(endings()...) // they are for the parent, which ends the requests
	w, err := takeStdout()
	if err != nil {
		return fmt.Errorf("take standard output: %w", err)
	}
	in := bufio.NewReader(os.Stdin)
	var s setup
	if err := readHead(in, &s); err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	debug.SetTraceback("single") // its end is told in one log line
	debug.SetGCPercent(garbage)
	if s.Procs > 0 {
		runtime.GOMAXPROCS(s.Procs)
	}
	engine := newEngine()
	h := hello{Formats: abilities(engine)}
	time.Sleep(time.Microsecond) // the first timer opens what timers need
	if s.Open {
		h.Why = "left open"
	} else if err := closeSandbox(); err != nil {
		h.Why = cut(err.Error(), maxText)
	} else {
		h.Closed = true
	}
	if err := writeFrame(w, h); err != nil {
		return fmt.Errorf("write hello: %w", err)
	}
	l := &loop{engine: engine, memory: s.Memory, jobs: make(chan job), results: make(chan result, 1), seen: map[transform.Format]bool{}}
	go l.read(in)
	return l.run(w)
}

// A loop does a worker's jobs.
type loop struct {
	engine  transform.Engine
	memory  int64
	jobs    chan job
	results chan result
	seen    map[transform.Format]bool // that a job has had
}

// A job is a request with its source, or the end of them all.
type job struct {
	request
	source []byte
	err    error
}

// A result is a response with its bodies.
type result struct {
	response
	bodies [][]byte
	need   int64 // bytes that the job took, as estimated
}

// read hands on requests until there are no more. It reads beside the job under way, so that the end is seen at once.
func (l *loop) read(in *bufio.Reader) {
	for {
		var j job
		if j.err = readHead(in, &j.request); j.err == nil {
			j.source = make([]byte, j.Source) // the parent is believed
			_, j.err = io.ReadFull(in, j.source)
		}
		l.jobs <- j
		if j.err != nil {
			return
		}
	}
}

// run does job after job.
func (l *loop) run(w io.Writer) error {
	large := false
	for {
		j, ok := l.next(large)
		if !ok {
			debug.FreeOSMemory()
			large = false
			continue
		}
		if j.err != nil {
			return ended(j.err)
		}
		if err := writeFrame(w, struct{}{}); err != nil { // begun: what happens from here on is the source's fault
			return fmt.Errorf("write response: %w", err)
		}
		go func() { l.results <- l.do(j.request, j.source) }()
		select {
		case res := <-l.results:
			if err := writeFrame(w, res.response, res.bodies...); err != nil {
				return fmt.Errorf("write response: %w", err)
			}
			large = res.need > largeJob || len(j.Warm) > 0
		case j := <-l.jobs:
			return ended(j.err)
		}
	}
}

// next waits for a job; after a large one, for a short time only.
func (l *loop) next(large bool) (job, bool) {
	if !large {
		return <-l.jobs, true
	}
	wait := idleTime
	if l.tight() {
		wait = tightTime
	}
	idle := time.NewTimer(wait)
	defer idle.Stop()
	select {
	case j := <-l.jobs:
		return j, true
	case <-idle.C:
		return job{}, false
	}
}

// tight reports whether memory is bounded by less than pictures may need.
func (l *loop) tight() bool { return l.memory > 0 && l.memory < tightMemory }

// ended is nil for the end of the requests, and for a parent that died while it wrote one.
func ended(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("read request: %w", err)
}

// do does one job under a recover.
func (l *loop) do(r request, src []byte) (res result) {
	defer func() {
		if v := recover(); v != nil {
			res = result{response: response{Failure: newFailure(&transform.PanicError{Value: v, Stack: debug.Stack()})}}
		}
	}()
	outputs, err := l.transform(r, src, &res.need)
	if err != nil {
		res.Failure = newFailure(err)
		return res
	}
	for _, o := range outputs {
		res.Outputs = append(res.Outputs, output{o.Format, o.Width, o.Height, o.Frames, o.Quality, o.Took, int64(len(o.Body))})
		res.bodies = append(res.bodies, o.Body)
	}
	return res
}

// transform calls the engine, within a soft limit of memory that follows from the job: without one, the heap grows to twice
// what is in use before anything is collected. The parent stops what takes too long by ending the process.
func (l *loop) transform(r request, src []byte, need *int64) ([]transform.Output, error) {
	ctx := context.Background()
	if len(r.Warm) > 0 {
		l.limit(0, r.Warm)
		if e, ok := l.engine.(warmer); ok {
			return nil, e.Warm(ctx, r.Warm...)
		}
		return nil, nil
	}
	info, err := l.engine.Probe(src)
	if err != nil {
		return nil, err
	}
	*need = transform.NeedBytes(info, r.Specs)
	formats := []transform.Format{info.Format}
	for _, s := range r.Specs {
		formats = append(formats, s.Format)
	}
	l.limit(*need, formats)
	return l.engine.Transform(ctx, src, r.Specs)
}

// limit sets the soft limit of a job of formats, so that it collects its own garbage and not what is in use anyway, over and
// over: a compiled libavif is 100 MB.
func (l *loop) limit(need int64, formats []transform.Format) {
	samples := [...]metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples[:])
	base := int64(baseMemory)
	if l.tight() {
		base = min(base, l.memory/8)
	}
	limit := int64(samples[0].Value.Uint64()) + base + need //nolint:gosec // bytes of memory
	for _, f := range formats {
		if !l.seen[f] {
			l.seen[f] = true
			limit += compileMemory
		}
	}
	if l.memory > 0 {
		limit = min(limit, max(l.memory, compileMemory))
	}
	debug.SetMemoryLimit(limit)
}
