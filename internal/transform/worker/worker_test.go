package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/enginetest"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// A kept engine outlives the cases of a suite: its workers compile their codecs once.
type kept struct{ transform.Engine }

func (kept) Close() error { return nil }

func TestEngine(t *testing.T) {
	imagetest.Long(t) // and of the codecs' time, which their own package has under the race detector
	e := newEngine(t, "goengine", worker.Options{Count: 2})
	enginetest.Run(t, func(testing.TB) transform.Engine { return kept{e} })
}

// TestSameBytes verifies that a worker makes the very bytes that an engine in this process makes.
func TestSameBytes(t *testing.T) {
	e, local := newEngine(t, "goengine", worker.Options{}), goengine.New()
	src := imagetest.JPEG(t, 420, 280)
	var specs []transform.Spec
	for _, f := range []transform.Format{transform.PNG, transform.WebP, transform.GIF, transform.JPEG} {
		specs = append(specs, transform.Spec{Width: 100, Format: f}.Resolve(420, 280, 0, 80))
	}
	want, err := local.Transform(t.Context(), src, specs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Transform(t.Context(), src, specs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if want[i].Took, got[i].Took = (transform.Timing{}), (transform.Timing{}); !bytes.Equal(got[i].Body, want[i].Body) {
			t.Errorf("%s: other bytes", specs[i])
		}
		if got[i].Body, want[i].Body = nil, nil; got[i].Format != want[i].Format || got[i].Width != want[i].Width ||
			got[i].Height != want[i].Height || got[i].Frames != want[i].Frames || got[i].Quality != want[i].Quality {
			t.Errorf("%s: got %+v, want %+v", specs[i], got[i], want[i])
		}
	}
}

// ask has a rogue do something and returns what it says.
func ask(t testing.TB, e *worker.Engine, format string, a ...any) string {
	t.Helper()
	outputs, err := e.Transform(t.Context(), order(format, a...), one())
	if err != nil {
		t.Fatalf("%s: %v", order(format, a...), err)
	}
	return string(outputs[0].Body)
}

// pid is the process that would have the next job.
func pid(t testing.TB, e *worker.Engine) int {
	t.Helper()
	n, err := strconv.Atoi(ask(t, e, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// alive reports whether a process is there.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// gone waits until a process is no more.
func gone(t testing.TB, pid int) {
	t.Helper()
	for range 1000 {
		if !alive(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there after 10 s", pid)
}

// events collects what an Engine reports.
type events struct {
	mu   sync.Mutex
	list []error
}

func (e *events) add(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, err)
}

func (e *events) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return fmt.Sprint(errors.Join(e.list...))
}

func TestErrorsKeepTheirClass(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{})
	_, err := e.Transform(t.Context(), order("error by a lot"), one())
	if !errors.Is(err, transform.ErrTooLarge) || !strings.Contains(err.Error(), "by a lot") {
		t.Errorf("got %v, want %v: by a lot", err, transform.ErrTooLarge)
	}
	_, err = e.Transform(t.Context(), order("panic on board"), one())
	p, ok := errors.AsType[*transform.PanicError](err)
	if !ok || !strings.Contains(err.Error(), "on board") || !bytes.Contains(p.Stack, []byte("Transform")) {
		t.Errorf("got %v, want a panic with its stack", err)
	}
}

// TestPanicElsewhere covers panics in goroutines that a decoder started, which no recover can catch: the worker dies, twice,
// and this process does not. From then on the picture is refused without a worker.
func TestPanicElsewhere(t *testing.T) {
	said := &events{}
	e := newEngine(t, "rogue", worker.Options{Report: said.add})
	bad := order("panic-elsewhere below deck")
	for range 2 {
		if _, err := e.Transform(t.Context(), bad, one()); !errors.Is(err, transform.ErrCorrupt) || !errors.Is(err, transform.ErrEnded) {
			t.Errorf("got %v, want %v and %v", err, transform.ErrCorrupt, transform.ErrEnded)
		}
	}
	if got := strings.Count(said.String(), "panic: below deck"); got != 2 {
		t.Errorf("%d workers died of it, want 2: %s", got, said)
	}
	pid(t, e)
}

// TestKilled covers workers that a signal ends in the middle of a job: that job is done again by another one, and the others
// notice nothing.
func TestKilled(t *testing.T) {
	said := &events{}
	e := newEngine(t, "rogue", worker.Options{Count: 2, Report: said.add})
	start(t, e)
	workers := children(t, 2)
	var jobs sync.WaitGroup
	for job := range 2 {
		jobs.Go(func() {
			for n := range 4 {
				if got := ask(t, e, "work %d-%d", job, n); got != fmt.Sprintf("%d-%d is done", job, n) {
					t.Errorf("job %d-%d: got %q", job, n, got)
				}
			}
		})
	}
	time.Sleep(workTime / 2)
	for i, p := range workers { // in the middle of a job each
		if i > 0 {
			time.Sleep(workTime)
		}
		if err := syscall.Kill(p, syscall.SIGSEGV); err != nil {
			t.Error(err)
		}
	}
	jobs.Wait()
	ended := func() int { return strings.Count(said.String(), "SIGSEGV") }
	for end := time.Now().Add(30 * time.Second); ended() < 2 && time.Now().Before(end); { // one that was between two jobs is told of later
		time.Sleep(10 * time.Millisecond)
	}
	if got := ended(); got != 2 {
		t.Errorf("%d workers are said to have ended by SIGSEGV, want 2: %s", got, said)
	}
}

// A worker that ends between its answer and its return to the pool is told of, and replaced, like every other one.
func TestEndsAfterItsAnswer(t *testing.T) {
	said := &events{}
	e := newEngine(t, "rogue", worker.Options{Report: said.add})
	start(t, e)
	if err := worker.EndInHand(e); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); !strings.Contains(got, "killed") {
		t.Errorf("said %q of a worker that was killed", got)
	}
	pid(t, e)
}

// children are the processes that this one has started, of which there must be n.
func children(t testing.TB, n int) []int {
	t.Helper()
	for range 1000 {
		var list []int
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
			return nil
		}
		for _, task := range tasks {
			text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children") // a thread may have ended
			for word := range strings.FieldsSeq(string(text)) {
				if p, err := strconv.Atoi(word); err == nil {
					list = append(list, p)
				}
			}
		}
		if len(list) == n {
			return list
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("there are no %d workers after 10 s", n)
	return nil
}

// TestReplaced verifies that a dead worker's place is filled before anybody asks.
func TestReplaced(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{Count: 2, Report: func(err error) { t.Log(err) }})
	start(t, e)
	before := children(t, 2)
	if _, err := e.Transform(t.Context(), order("panic-elsewhere"), one()); !errors.Is(err, transform.ErrCorrupt) {
		t.Fatal(err)
	}
	// Both workers died of it, or the same place's twice: the second try may have met a new one already.
	if after := children(t, 2); slices.Equal(before, after) {
		t.Errorf("workers %v are still there", before)
	}
	for _, p := range children(t, 2) {
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	first := pid(t, e) // by one that is started now
	if after := children(t, 2); !slices.Contains(after, first) {
		t.Errorf("worker %d is not among %v", first, after)
	}
}

// TestGrowth verifies that a worker that takes memory without end meets its limit, and that this process has not grown.
func TestGrowth(t *testing.T) {
	said := &events{}
	e := newEngine(t, "rogue", worker.Options{MaxData: 256 << 20, Report: said.add})
	pid(t, e)
	before := resident(t)
	if _, err := e.Transform(t.Context(), order("grow"), one()); !errors.Is(err, transform.ErrCorrupt) {
		t.Errorf("got %v, want %v", err, transform.ErrCorrupt)
	}
	if !underRace && !strings.Contains(said.String(), "out of memory") {
		t.Errorf("it died of something else: %s", said)
	}
	if grown := resident(t) - before; grown > 32<<20 {
		t.Errorf("this process has grown by %d bytes", grown)
	}
}

// resident is the memory of this process.
func resident(t testing.TB) int64 {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestDeadline verifies that a job that hangs ends with its context, and its worker with it: nothing goes on burning a
// processor. Nobody tries it again.
func TestDeadline(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{})
	for _, verb := range []string{"hang", "sleep"} {
		p := pid(t, e)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := e.Transform(ctx, order("%s", verb), one())
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want %v", verb, err, context.DeadlineExceeded)
		}
		if alive(p) {
			t.Errorf("%s: worker %d lives on", verb, p)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := pid(t, e)
	if _, err := e.Transform(ctx, order("hang"), one()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if got := pid(t, e); got != p {
		t.Errorf("worker %d was replaced by %d for a job that never began", p, got)
	}
}

// TestLies covers workers that were broken into: nothing that they send is believed, nor costs memory.
func TestLies(t *testing.T) {
	said := &events{}
	e := newEngine(t, "rogue", worker.Options{Report: said.add})
	for _, verb := range []string{"babble", "huge"} {
		if _, err := e.Transform(t.Context(), order("%s", verb), one()); !errors.Is(err, transform.ErrCorrupt) {
			t.Errorf("%s: got %v, want %v", verb, err, transform.ErrCorrupt)
		}
	}
	if got := strings.Count(said.String(), "malformed frame"); got != 4 {
		t.Errorf("%d malformed frames, want 4: %s", got, said)
	}
}

// TestPrinting verifies that what a library prints does not get among the frames.
func TestPrinting(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{})
	if got := ask(t, e, "print hello"); got != "printed" {
		t.Errorf("got %q", got)
	}
}

// TestRecycling verifies that a worker is replaced after so many jobs, and after one that left it too large.
func TestRecycling(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{MaxJobs: 3})
	seen := map[int]int{}
	for range 9 {
		seen[pid(t, e)]++
	}
	for p, n := range seen {
		if n != 3 {
			t.Errorf("worker %d had %d jobs, want 3", p, n)
		}
	}
	small := newEngine(t, "rogue", worker.Options{MaxResident: 1})
	if first, second := pid(t, small), pid(t, small); first == second {
		t.Errorf("worker %d is larger than it may be, and was not replaced", first)
	}
}

// TestOtherEngine verifies that a worker whose engine is another than this process's is not used.
func TestOtherEngine(t *testing.T) {
	e := worker.New(other{goengine.New()}, worker.Options{Args: args("goengine")})
	defer func() { _ = e.Close() }() // it was never started
	if _, err := e.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Errorf("got %v, want an error", err)
	}
}

type other struct{ transform.Engine }

func (o other) Rev(f transform.Format) string { return o.Engine.Rev(f) + " patched" }

func TestClose(t *testing.T) {
	e := worker.New(goengine.New(), worker.Options{Args: args("rogue"), Count: 2, Report: func(error) {}})
	start(t, e)
	workers := children(t, 2)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := e.Transform(context.Background(), order("hang"), one()); err == nil {
			t.Error("a job that hangs has ended without an error")
		}
	})
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for _, p := range workers {
		if alive(p) {
			t.Errorf("worker %d outlives Close", p)
		}
	}
	if _, err := e.Start(context.Background()); err == nil {
		t.Error("started after Close")
	}
}
