package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

const (
	// greetTime is how long a worker may take to be ready; 30 ms are usual.
	greetTime = 30 * time.Second
	// saidBytes is what is kept of what a worker writes to standard error: the reason is at the beginning of a trace.
	saidBytes = 1 << 10
	// leftTime is how long a worker's standard error is read after its end: where it has no sandbox, a process that it left behind
	// could hold that for ever.
	leftTime = time.Second
)

// A Sandbox is how much of one a worker has.
type Sandbox struct {
	Calls    bool   // system calls for files, sockets and processes are refused (seccomp)
	Why      string // why not
	Landlock int    // version of Landlock that guards files and TCP besides; 0 is none
}

// A child is a worker process, seen from its parent. One goroutine at a time may use it; end may be called by others.
type child struct {
	cmd     *exec.Cmd
	in      *os.File      // requests
	out     *bufio.Reader // responses
	pipes   []io.Closer
	said    *head
	exited  chan struct{} // closed when the process is no more
	ending  sync.Once
	sandbox Sandbox
	jobs    int // begun; to be made ready is none
	warmed  bool
	broken  bool // what it sends makes no sense, or it was killed
}

// newChild prepares a worker's process and pipes.
func newChild(o Options) (*child, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	c := &child{said: &head{}, exited: make(chan struct{})}
	c.cmd = &exec.Cmd{Path: path, Args: o.Args, Env: environment(), SysProcAttr: attributes()}
	c.cmd.Stderr, c.cmd.WaitDelay = c.said, leftTime
	requests, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, responses, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, requests.Close(), in.Close())
	}
	c.cmd.Stdin, c.cmd.Stdout = requests, responses
	c.in, c.out = in, bufio.NewReader(out)
	c.pipes = []io.Closer{in, out}
	widen(in)
	widen(out)
	return c, nil
}

// start starts the process. It must be called where the process is to inherit from (spawner).
func (c *child) start() error {
	err := c.cmd.Start()
	for _, theirs := range []any{c.cmd.Stdin, c.cmd.Stdout} {
		_ = theirs.(io.Closer).Close() // the child has its own
	}
	if err != nil {
		c.close()
		return err
	}
	favour(c.cmd.Process.Pid)
	go func() {
		_ = c.cmd.Wait() // the state says all
		close(c.exited)
	}()
	return nil
}

// greet sets the worker up and waits until it is ready. What it does must be what want says.
func (c *child) greet(ctx context.Context, o Options, want []ability) error {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	var h hello
	err := c.exchange(ctx, func() error {
		if err := writeFrame(c.in, setup{Procs: o.Procs, Memory: o.Memory, Open: o.Open}); err != nil {
			return err
		}
		return readHead(c.out, &h)
	})
	if err != nil {
		return err
	}
	if !slices.Equal(h.Formats, want) {
		return fmt.Errorf("its engine is another one: %+v, where this process has %+v", h.Formats, want)
	}
	c.sandbox.Calls, c.sandbox.Why = h.Closed, h.Why
	limitData(c.cmd.Process.Pid, o.MaxData)
	return nil
}

// transform has one job done. An error that is errCrash is the worker's end, and one that is errIdle too its end before the job
// began; ctx's error is too.
func (c *child) transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	c.jobs++
	var outputs []transform.Output
	failure, err := c.ask(ctx, request{Specs: specs, Source: int64(len(src))}, src, func(r response) (err error) {
		outputs, err = readOutputs(c.out, r.Outputs, specs)
		return err
	})
	if err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, failure.err()
	}
	return outputs, nil
}

// warmUp makes the worker's engine ready for formats.
func (c *child) warmUp(ctx context.Context, formats []transform.Format) error {
	c.warmed = true
	failure, err := c.ask(ctx, request{Warm: formats}, nil, func(response) error { return nil })
	if err == nil && failure != nil {
		err = failure.err()
	}
	return err
}

// ask sends a request and reads what comes back; bodies reads what belongs to a response that is no failure.
func (c *child) ask(ctx context.Context, r request, src []byte, bodies func(response) error) (*failure, error) {
	var res response
	begun := false
	err := c.exchange(ctx, func() error {
		if err := writeFrame(c.in, r, src); err != nil {
			return err
		}
		if err := readHead(c.out, &struct{}{}); err != nil {
			return err
		}
		begun = true
		if err := readHead(c.out, &res); err != nil || res.Failure != nil {
			return err
		}
		return bodies(res)
	})
	if errors.Is(err, errCrash) && !begun {
		err = fmt.Errorf("%w: %w", errIdle, err)
	}
	return res.Failure, err
}

// exchange runs talk, and kills the worker when ctx ends meanwhile, or when talk fails: nobody knows what it would say next.
func (c *child) exchange(ctx context.Context, talk func() error) error {
	stop := context.AfterFunc(ctx, c.kill)
	err := talk()
	if !stop() {
		c.broken = true
	}
	if err == nil {
		return nil
	}
	c.broken = true
	c.kill()
	<-c.exited
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errFrame) {
		return fmt.Errorf("%w: %w", errCrash, err)
	}
	return fmt.Errorf("%w: %s", errCrash, c.obituary())
}

// obituary says how the worker ended, and what it said last. It is called when it has.
func (c *child) obituary() string {
	said, _, _ := strings.Cut(strings.TrimSpace(c.said.String()), "\n\n")
	if said == "" {
		return c.cmd.ProcessState.String()
	}
	return c.cmd.ProcessState.String() + ": " + said
}

// gone reports whether the worker cannot be used any more.
func (c *child) gone() bool {
	select {
	case <-c.exited:
		return true
	default:
		return c.broken
	}
}

// resident is the memory that the process holds, in bytes; 0 where nobody knows.
func (c *child) resident() int64 { return residentBytes(c.cmd.Process.Pid) }

// kill ends the process, whatever it does. That it has ended is no error.
func (c *child) kill() { _ = c.cmd.Process.Kill() }

// end ends the process and lets go of it. It may be called again.
func (c *child) end() {
	c.ending.Do(func() {
		c.kill()
		<-c.exited
		c.close()
	})
}

// close closes the pipes.
func (c *child) close() {
	for _, p := range c.pipes {
		_ = p.Close() // nothing is buffered in them
	}
}

// A head keeps the beginning of what is written to it.
type head struct {
	mu   sync.Mutex
	text []byte
}

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, b[:min(len(b), saidBytes-len(h.text))]...)
	return len(b), nil
}

// String is what was kept, in valid UTF-8.
func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return cut(string(h.text), saidBytes)
}
