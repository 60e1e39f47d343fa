//go:build linux

package worker_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// TestSandbox has a worker try what somebody would who had broken into it. Where the kernel refuses nothing, there is no
// sandbox, and the worker must have said so.
func TestSandbox(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{})
	s := start(t, e)
	if !s.Calls {
		t.Fatalf("no sandbox: %s", s.Why)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	for _, try := range []string{
		"read " + file, "read /etc/passwd", "read /proc/self/environ", "read /dev/null", "list " + dir, "write " + filepath.Join(dir, "new"),
		"write " + file, "remove " + file, "dial 127.0.0.1:1", "dial [::1]:1", "listen 127.0.0.1:0", "unix /run/socket",
		"exec /bin/true", "replace /bin/true", "kill-parent", "trace-parent",
	} {
		if got := ask(t, e, "%s", try); !strings.Contains(got, "operation not permitted") {
			t.Errorf("%s: got %q, want a refusal", try, got)
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	select {
	case <-signals:
		t.Error("a worker sent a signal")
	default:
	}
	if got := ask(t, e, "environment"); got != "[]" && !strings.Contains(got, "LD_LIBRARY_PATH") {
		t.Errorf("environment %s, want none", got)
	}
}

// TestStatus verifies what the kernel says of a worker: no new privileges, a filter in every thread, limits.
func TestStatus(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{MaxData: 1 << 30})
	start(t, e)
	p := pid(t, e)
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p))
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, error %v", len(threads), err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			t.Fatal(err)
		}
		if nice := niceOf(t, filepath.Dir(thread)); nice <= 0 {
			t.Errorf("%s: niceness %d, want it to stand back", thread, nice)
		}
		for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %q in\n%s", thread, want, text)
			}
		}
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p))
	if err != nil {
		t.Fatal(err)
	}
	for what, most := range map[string]int64{"Max core file size": 0, "Max file size": 0, "Max open files": 16, "Max data size": 8 << 30} {
		_, rest, _ := strings.Cut(string(limits), what)
		soft, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		if raced := what == "Max data size" && underRace; !raced && (err != nil || soft > most) {
			t.Errorf("%s: got %d and %v, want at most %d", what, soft, err, most)
		}
	}
}

// niceOf is the niceness of a thread (proc_pid_stat(5)).
func niceOf(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	nice, err := strconv.Atoi(strings.Fields(rest)[16])
	if err != nil {
		t.Fatal(err)
	}
	return nice
}

// TestLandlock verifies that files are out of reach without the filter too, from the first instruction of a worker on.
func TestLandlock(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{})
	s := start(t, e)
	if s.Landlock == 0 {
		t.Fatal("no Landlock")
	}
	out, err := worker.Confined(t.Context(), "/proc/self/exe", "try", "read", "/etc/passwd")
	if err != nil || !strings.Contains(string(out), "permission denied") {
		t.Errorf("got %q and error %v, want this program to start and to be refused the file", out, err)
	}
	if _, err := worker.Confined(t.Context(), "/bin/true"); !errors.Is(err, os.ErrPermission) {
		t.Errorf("another program: got error %v, want %v", err, os.ErrPermission)
	}
}

// TestOpen verifies that there is a way without a sandbox, that it is what it says, and that the suite above would notice.
func TestOpen(t *testing.T) {
	e := newEngine(t, "rogue", worker.Options{Open: true})
	if s := start(t, e); s.Calls || s.Landlock != 0 || s.Why == "" {
		t.Errorf("got %+v, want none", s)
	}
	if got := ask(t, e, "read /etc/passwd"); got != "<nil>" {
		t.Errorf("got %q", got)
	}
}

// TestParentKilled verifies that workers do not outlive a parent that had no time to end them, even one in a loop.
func TestParentKilled(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "parent")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !alive(p) {
		t.Fatalf("no worker: %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	gone(t, p)
}
