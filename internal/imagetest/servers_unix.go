//go:build unix

package imagetest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A Server is another project's program that a test runs, on 127.0.0.1 and a port that it keeps over restarts. Its methods are for the
// test's goroutine.
type Server struct {
	Address string // host:port

	t       testing.TB
	command func() *exec.Cmd
	cmd     *exec.Cmd
}

// Redis runs Debian's redis-server, which keeps nothing over restarts.
func Redis(t testing.TB) *Server {
	t.Helper()
	dir := t.TempDir()
	return newServer(t, func(port string) *exec.Cmd {
		return exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", dir) //nolint:noctx // until Kill
	})
}

// The credentials of S3.
const (
	S3ID     = "id"
	S3Secret = "secret"
)

// S3 runs the versitygw that ".ci/integration cluster" has built into $CUTLINE_WORK/bin, in region us-east-1, with an empty bucket
// called pictures that stays over restarts.
func S3(t testing.TB) *Server {
	t.Helper()
	work := os.Getenv("CUTLINE_WORK")
	if work == "" {
		t.Fatal("CUTLINE_WORK is not set: run .ci/integration cluster")
	}
	objects := filepath.Join(t.TempDir(), "objects")
	if err := os.MkdirAll(filepath.Join(objects, "pictures"), 0o700); err != nil {
		t.Fatal(err)
	}
	return newServer(t, func(port string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(work, "bin/versitygw"), "--port", "127.0.0.1:"+port, "--region", "us-east-1", "posix", objects) //nolint:noctx // a program of the test, until Kill
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+S3ID, "ROOT_SECRET_KEY="+S3Secret)
		return cmd
	})
}

func newServer(t testing.TB, command func(port string) *exec.Cmd) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens at once
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: l.Addr().String(), t: t}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	s.command = func() *exec.Cmd { return command(port) }
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

// Start starts the program, and returns when it listens.
func (s *Server) Start() {
	s.t.Helper()
	s.cmd = s.command()
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		s.t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.Address) //nolint:noctx,forbidigo // the test's own server; refused at once, or not
		if err == nil {
			_ = conn.Close() // nothing was sent
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s does not listen: %v", s.cmd.Path, err)
		}
	}
}

// Kill ends the program at once, if it runs.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()         // killed
	s.cmd = nil
}

// Hang has the program stand still: it takes connections and answers nothing, until Resume.
func (s *Server) Hang() { s.signal(syscall.SIGSTOP) }

// Resume ends Hang.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(what syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(what); err != nil {
		s.t.Fatal(err)
	}
}
