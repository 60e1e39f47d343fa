package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// served is a "cutline serve" inside the test's own process, where the race detector sees it.
type served struct {
	url   string
	admin string // host:port of the admin listener
	end   context.CancelCauseFunc
	code  chan int
	quiet chan struct{} // closed when it has said all

	mu   sync.Mutex
	said strings.Builder // all of its stderr
}

// log is what the server has said so far.
func (s *served) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

// wait waits until the server has said text.
func (s *served) wait(t *testing.T, text string) {
	t.Helper()
	for !strings.Contains(s.log(), text) {
		select {
		case <-s.quiet:
			t.Fatalf("the server never said %q", text)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// startServe runs serve with args until stop. Pictures are made in this process, where codecs are compiled once for all tests, unless
// args say otherwise; TestWorkersDie, the scripts and the integration tests have workers. One may take a minute, because encoders
// take ten times as long under the race detector, unless the environment says otherwise.
func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	s := &served{end: cancel, code: make(chan int, 1), quiet: make(chan struct{})}
	p := program{stdout: io.Discard, stderr: w, env: settingsEnv()}
	if os.Getenv("CUTLINE_LIMITS_TIMEOUT") == "" {
		p.env = append(p.env, "CUTLINE_LIMITS_TIMEOUT=1m")
	}
	go func() {
		s.code <- p.run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "0"}, args...))
		_ = w.Close() // a pipe's Close cannot fail
	}()
	address := make(chan string, 1)
	go func() {
		defer close(s.quiet)
		defer close(address)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			s.mu.Lock()
			s.said.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			if m := administered.FindStringSubmatch(lines.Text()); m != nil {
				s.admin = m[1]
			}
			if m := opened.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1] + m[2]
			}
		}
	}()
	url, ok := <-address
	if !ok {
		t.Fatalf("serve ended with %d before it listened", <-s.code)
	}
	s.url = url
	return s
}

// settingsEnv is the environment, of which what begins like ours is settings alone: tests have variables of their own.
func settingsEnv() environ {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return strings.HasPrefix(name, envPrefix) && !slices.ContainsFunc(settings(&config{}), func(s setting) bool { return envName(s.key) == name })
	})
}

// stop ends the server as Ctrl-C does.
func (s *served) stop(t *testing.T) {
	t.Helper()
	s.end(interrupt{syscall.SIGINT})
	if code := <-s.code; code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	<-s.quiet
}

// A remote original is fetched once, whoever asks first and for whatever size, and never again after a restart.
func TestRemoteOriginalIsFetchedOnce(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 840, 40)) // a strip: ten widths, few pixels
	site := remoteSite(t, origin.URL("/a.jpg"))
	var paths []string
	for _, width := range []int{24, 160, 320, 480, 640} {
		// Not WebP: its encoder takes seconds under the race detector.
		paths = append(paths, fmt.Sprintf("/p/one/w%d.jpg", width), fmt.Sprintf("/p/one/w%d.png", width))
	}
	folder := t.TempDir()
	s := startServe(t, "--cache", folder, site)
	var clients sync.WaitGroup
	for i := range 100 {
		clients.Go(func() {
			path := paths[i%len(paths)]
			if status, err := status(s.url + path); err != nil || status != http.StatusOK {
				t.Errorf("%s: status %d, %v", path, status, err)
			}
		})
	}
	clients.Wait()
	if got := origin.Hits("/a.jpg"); got != 1 {
		t.Errorf("100 first requests for 10 sizes fetched the original %d times, want once", got)
	}
	s.stop(t)

	s = startServe(t, "--cache", folder, site)
	for _, path := range append(paths, "/p/one/w828.jpg") {
		if status, err := status(s.url + path); err != nil || status != http.StatusOK {
			t.Errorf("%s after a restart: status %d, %v", path, status, err)
		}
	}
	if got := origin.Hits("/a.jpg"); got != 1 {
		t.Errorf("after a restart the original has been fetched %d times, want still once", got)
	}
	s.stop(t)
}

func status(url string) (int, error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func TestInterruptedCommands(t *testing.T) {
	site := writeSite(t, "")
	for _, tt := range []struct {
		signal syscall.Signal
		want   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(interrupt{tt.signal})
		var stdout, stderr strings.Builder
		p := program{stdout: &stdout, stderr: &stderr}
		if got := p.run(ctx, []string{"scan", site}); got != tt.want || stdout.Len()+stderr.Len() > 0 {
			t.Errorf("scan after %s = %d with %q, %q; want %d in silence", tt.signal, got, stdout.String(), stderr.String(), tt.want)
		}
	}
}

// brokenWriter is a full disk.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestOutputThatCannotBeWrittenFails(t *testing.T) {
	for _, args := range [][]string{{"scan", "--format", "json"}, {"config"}, {"version"}, {"lint", "--codes"}} {
		var stderr strings.Builder
		p := program{stdout: brokenWriter{}, stderr: &stderr}
		if args[0] == "scan" || args[0] == "config" {
			args = append(args, writeSite(t, ""))
		}
		if got := p.run(t.Context(), args); got != exitFailed || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%q on a full disk = %d, %q; want %d and the reason", args, got, stderr.String(), exitFailed)
		}
	}
}
