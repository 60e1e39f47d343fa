package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// workerVerb is the hidden command that makes this program a worker. People have no use for it.
const workerVerb = "worker"

// workerCommand is what a worker process runs.
func (p *program) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    workerVerb,
		Short:  "Make pictures for the process that started this one",
		Hidden: true,
		Args:   noCommand,
		RunE: func(*cobra.Command, []string) error {
			// It would wait for requests, and a worker takes no Ctrl-C.
			if in, err := os.Stdin.Stat(); err == nil && in.Mode()&os.ModeCharDevice != 0 {
				return &usageError{errors.New("'cutline serve' starts this where it makes pictures; there is nothing in it for people")}
			}
			return worker.Serve(func() transform.Engine { return goengine.New() })
		},
	}
}

// A warmer is an engine that can be made ready for formats ahead of time; for all, where none is named.
type warmer interface {
	Warm(ctx context.Context, formats ...transform.Format) error
}

// slots are how many pictures are under way at a time.
func (c *config) slots() int {
	if c.Limits.Workers > 0 {
		return c.Limits.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// workers are how many processes there are for pictures; 0 is none but this one. One more than pictures under way takes the
// place of one that dies.
func (c *config) workers() int {
	// A process without a sandbox, and without tests on such a machine, is not what to begin with.
	if c.Limits.Workers == 0 || c.Limits.Workers == workersAuto && runtime.GOOS != "linux" {
		return 0
	}
	return c.slots() + 1
}

func parseWorkers(s string) (int, error) {
	if s == "auto" {
		return workersAuto, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1024 {
		return 0, errors.New("expected auto, or a number from 0 to 1024")
	}
	return n, nil
}

func workersText(n int) string {
	if n == workersAuto {
		return "auto"
	}
	return strconv.Itoa(n)
}

// engines are the one for readers and the one for what is made aside: in workers, or both in this process.
func (st *stack) engines(c *config, log *slog.Logger) (engine, aside transform.Engine) {
	count := c.workers()
	if count == 0 {
		local := goengine.New()
		st.engine = local
		return local, goengine.New()
	}
	o := st.workerOptions(c, log)
	o.Count = count
	first := worker.New(goengine.New(), o)
	o.Count = 1
	second := worker.New(goengine.New(), o)
	st.workers = []*worker.Engine{first, second}
	st.engine = warmers{first, second}
	return first, second
}

// workerOptions are those of engines in workers, but for how many these are.
func (st *stack) workerOptions(c *config, log *slog.Logger) worker.Options {
	side := int64(c.maxOutput())
	return worker.Options{
		Args:    []string{"cutline", workerVerb},
		Memory:  st.shareMemory(c),
		MaxData: 3*c.Limits.Memory + 2*transform.EncoderBytes(transform.AVIF, side*side), // what budgets allow, and copies on growing
		Report:  func(err error) { log.Warn("a worker is replaced", "err", err) },
	}
}

// warmers are the engine for readers and the one for what is made aside, AVIF. To be ready for that takes seconds and 100 MB
// of each worker where it runs as WebAssembly, and readers hardly ever wait for one.
type warmers struct{ readers, aside *worker.Engine }

// Warm makes the one ready for what is quick, then the other for AVIF, whatever formats says.
func (w warmers) Warm(ctx context.Context, _ ...transform.Format) error {
	if err := w.readers.Warm(ctx, transform.JPEG, transform.WebP); err != nil {
		return err
	}
	return w.aside.Warm(ctx, transform.AVIF)
}

// shareMemory divides this process's soft limit, until close, between it and its workers, of which each job may have what is
// returned: the budgets for decoding and encoding, which hold for all jobs together, or half of what there is. Without a limit
// there is nothing to divide.
func (st *stack) shareMemory(c *config) (jobs int64) {
	jobs = 3 * c.Limits.Memory
	if all := debug.SetMemoryLimit(-1); all != math.MaxInt64 {
		jobs = min(jobs, all/2)
		debug.SetMemoryLimit(all - jobs)
		st.closers = append(st.closers, func() error { debug.SetMemoryLimit(all); return nil })
	}
	return jobs
}

// startWorkers starts the workers, where there are to be any, and says what is missing of their sandbox. It returns an error
// where none can be started: no picture would be made, and to make them in this process is not for this program to decide.
func (st *stack) startWorkers(log *slog.Logger) error {
	if len(st.workers) == 0 {
		log.Warn("pictures are decoded in this process: one that breaks a decoder breaks the server (limits.workers)")
		return nil
	}
	for i, e := range st.workers {
		sandbox, err := e.Start(context.Background())
		if err != nil {
			return fmt.Errorf("cannot start a process for pictures (--workers 0 makes them in this one): %w", err)
		}
		if i > 0 {
			continue
		}
		if !sandbox.Calls {
			log.Warn("workers have no sandbox: a picture that breaks into a decoder can do what this user can", "seccomp", sandbox.Why)
		}
		if sandbox.Landlock == 0 {
			log.Warn("workers are without Landlock, which this kernel or container does not offer")
		}
	}
	return nil
}
