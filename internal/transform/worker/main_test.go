package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// TestMain runs the tests; as a worker, what their workers do; and as "parent", a process that has a worker and is killed;
// as "try", something that no worker may.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "worker":
		newEngine := func() transform.Engine { return goengine.New() }
		if os.Args[2] == "rogue" {
			newEngine = func() transform.Engine { return &rogue{goengine.New()} }
		}
		if err := worker.Serve(newEngine); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case len(os.Args) == 2 && os.Args[1] == "parent":
		parent()
	case len(os.Args) == 4 && os.Args[1] == "try":
		fmt.Println(attempt(os.Args[2], os.Args[3]))
	default:
		os.Exit(m.Run())
	}
}

// args make the test program a worker with an engine.
func args(engine string) []string { return []string{os.Args[0], "worker", engine} }

// newEngine makes an Engine for one test.
func newEngine(t testing.TB, engine string, o worker.Options) *worker.Engine {
	t.Helper()
	o.Args = args(engine)
	e := worker.New(goengine.New(), o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

// start starts e's workers and waits for the first.
func start(t testing.TB, e *worker.Engine) worker.Sandbox {
	t.Helper()
	s, err := e.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A rogue is an engine that does on demand what a broken one, or one that was broken into, might do. What it is to do is
// the source, after the magic number of a GIF.
type rogue struct{ *goengine.Engine }

const (
	magic    = "GIF89a"
	workTime = 200 * time.Millisecond
)

// order is a source that has a rogue do something.
func order(format string, a ...any) []byte { return []byte(magic + fmt.Sprintf(format, a...)) }

// says is the answer of a rogue: what it did, as a file.
func says(format string, a ...any) ([]transform.Output, error) {
	return []transform.Output{{Body: fmt.Appendf(nil, format, a...), Format: transform.GIF, Width: 1, Height: 1, Frames: 1}}, nil
}

// one is a spec for a rogue.
func one() []transform.Spec { return []transform.Spec{{Width: 1, Height: 1, Format: transform.GIF}} }

// Probe tells of the smallest picture.
func (r *rogue) Probe([]byte) (transform.Info, error) {
	return transform.Info{Format: transform.GIF, Width: 1, Height: 1, Orientation: 1, Frames: 1, Scans: 1}, nil
}

// Transform does what src says.
func (r *rogue) Transform(_ context.Context, src []byte, _ []transform.Spec) ([]transform.Output, error) {
	verb, arg, _ := strings.Cut(strings.TrimPrefix(string(src), magic), " ")
	switch verb {
	case "pid":
		return says("%d", os.Getpid())
	case "panic":
		panic(arg)
	case "panic-elsewhere": // where no recover can be
		go func() { panic(arg) }()
		select {}
	case "hang":
		for n := 0; ; n++ { // and burns a processor
			_ = n
		}
	case "work":
		time.Sleep(workTime)
		return says("%s is done", arg)
	case "sleep":
		time.Sleep(time.Hour)
	case "leave": // a process that holds standard error, and hang
		c := exec.Command("/bin/sleep", arg)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			return nil, err
		}
		time.Sleep(time.Hour)
	case "grow":
		grow()
	case "print": // as libraries do
		fmt.Println(arg)
		return says("printed")
	case "babble": // writes what is no frame: descriptor 3 is the lowest that was free
		_, _ = syscall.Write(3, []byte("\xff\xff\xff\xff what is this?"))
		time.Sleep(time.Hour)
	case "huge":
		return []transform.Output{{Body: make([]byte, 8<<20), Format: transform.GIF, Width: 1, Height: 1, Frames: 1}}, nil
	case "error":
		return nil, fmt.Errorf("%w: %s", transform.ErrTooLarge, arg)
	case "environment":
		return says("%q", os.Environ())
	default:
		return says("%v", attempt(verb, arg))
	}
	return nil, nil
}

// grow takes memory until there is none, and uses it.
func grow() {
	var all [][]byte
	for {
		b := make([]byte, 16<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		_ = all
	}
}

// attempt does what no worker may, and says what came of it.
func attempt(verb, arg string) error {
	switch verb {
	case "read":
		_, err := os.ReadFile(arg)
		return err
	case "write":
		return os.WriteFile(arg, []byte("x"), 0o600)
	case "remove":
		return os.Remove(arg)
	case "list":
		_, err := os.ReadDir(arg)
		return err
	case "dial":
		c, err := net.Dial("tcp", arg)
		if err == nil {
			_ = c.Close()
		}
		return err
	case "listen":
		_, err := net.Listen("tcp", arg)
		return err
	case "unix":
		_, err := net.Dial("unix", arg)
		return err
	case "exec":
		return exec.Command(arg).Run()
	case "replace":
		return syscall.Exec(arg, []string{arg}, nil)
	case "kill-parent":
		return syscall.Kill(os.Getppid(), syscall.SIGUSR1)
	case "trace-parent":
		return syscall.PtraceAttach(os.Getppid())
	}
	return errors.New("no such order: " + verb)
}

// parent starts a worker that hangs, prints its process number, and waits to be killed.
func parent() {
	e := worker.New(goengine.New(), worker.Options{Args: args("rogue"), Count: 1})
	out, err := e.Transform(context.Background(), order("pid"), one())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("%s\n", out[0].Body)
	go func() { _, _ = e.Transform(context.Background(), order("hang"), one()) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
