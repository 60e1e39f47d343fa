//go:build integration && linux

package main

import (
	"bufio"
	"fmt"
	"image"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// pressedLimit is the soft limit of the server under pressure: far less than its budgets add up to, as in a container that is too small.
const pressedLimit = 128 << 20

// A pressedServer is a "cutline serve" of its own process, so that its memory is its own.
type pressedServer struct {
	cmd   *exec.Cmd
	url   string
	ended chan struct{} // stderr is closed

	mu    sync.Mutex
	gc    int // percent of the processors' time since the start, as gctrace last said
	short int // requests that were refused because memory was short
}

// said is what the server has said of its memory.
func (s *pressedServer) said() (short, gc int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.short, s.gc
}

// hear takes one line of what the server says.
func (s *pressedServer) hear(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := collected.FindStringSubmatch(line); m != nil {
		s.gc, _ = strconv.Atoi(m[1]) // digits
	}
	if strings.Contains(line, "msg=request") && strings.Contains(line, "memory is short") {
		s.short++
	}
}

var collected = regexp.MustCompile(`^gc \d+ @[\d.]+s (\d+)%`)

func startPressed(t *testing.T, site string) *pressedServer {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &pressedServer{cmd: exec.CommandContext(t.Context(), exe), ended: make(chan struct{})}
	s.cmd.Args = []string{"cutline", "serve", "--listen", "127.0.0.1:0", "--admin", "off", "--workers", "0", "--cache", t.TempDir(), site} // which TestMain takes for main
	s.cmd.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", pressedLimit), "GODEBUG=gctrace=1")
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if m := opened.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
			s.hear(lines.Text())
		}
	}()
	select {
	case s.url = <-address:
	case <-s.ended:
		t.Fatal("serve ended before it listened")
	}
	return s
}

// largePictures makes a site of n pictures that each need some 100 MB for a moment, and one that does not.
func largePictures(t *testing.T, n int) (site string) {
	t.Helper()
	site = writeSite(t, "")
	img := image.NewNRGBA(image.Rect(0, 0, 4000, 3000))
	for i := range img.Pix {
		img.Pix[i] = uint8(i>>9) | 0x80 // with transparency: four bytes a pixel
	}
	large := imagetest.EncodePNG(t, img)
	for i := range n {
		put(t, filepath.Join(site, fmt.Sprintf("%d.png", i)), append(slices.Clone(large), byte(i)))
		writePost(t, site, fmt.Sprintf("large%d", i), fmt.Sprintf("/%d.png", i))
	}
	put(t, filepath.Join(site, "small.jpg"), imagetest.JPEG(t, 640, 480))
	writePost(t, site, "small", "/small.jpg")
	return site
}

// TestIntegrationMemoryPressure is L33: where memory is far too small for what is asked, misses are refused, what is in the cache is
// answered, the garbage collector leaves the processors to the rest, and when it is over it is over.
func TestIntegrationMemoryPressure(t *testing.T) {
	const pictures, load = 40, 15 * time.Second
	s := startPressed(t, largePictures(t, pictures))
	c, ctx := client(t), t.Context()
	hit := func() {
		var a reply
		if a.ask(ctx, c, s.url+"/p/small/w320.jpg", nil); a.status != http.StatusOK {
			t.Errorf("a picture in the cache: status %d, %v", a.status, a.err)
		}
	}
	hit()
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses := map[int]int{}
	end := time.Now().Add(load)
	for i := range 32 {
		all.Go(func() {
			for n := i; time.Now().Before(end); n++ {
				var a reply
				a.ask(ctx, c, fmt.Sprintf("%s/p/large%d/w%d.jpg", s.url, n%pictures, []int{2560, 1920, 1600, 1280}[i%4]), nil)
				mu.Lock()
				statuses[a.status]++
				mu.Unlock()
				hit()
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	all.Wait()
	short, gc := s.said()
	t.Logf("answers to misses by status: %v; %d refused because memory was short; GC %d %%; at most %d MiB resident", statuses, short, gc, peak(t, s.cmd.Process.Pid)>>20)
	if short == 0 || statuses[http.StatusServiceUnavailable] < short {
		t.Errorf("%d refused because memory was short, want some, as 503", short)
	}
	for status := range statuses {
		if status != http.StatusOK && status != http.StatusServiceUnavailable && status != http.StatusGatewayTimeout {
			t.Errorf("status %d: %d times", status, statuses[status])
		}
	}
	if gc > 25 {
		t.Errorf("the garbage collector took %d %% of the processors, want at most 25", gc)
	}
	for wait := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		var a reply
		a.ask(ctx, c, s.url+"/p/small/w480.jpg", nil)
		if a.status == http.StatusOK {
			break
		}
		if time.Now().After(wait) {
			t.Fatalf("a minute afterwards: status %d, %v", a.status, a.err)
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-s.ended
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
}
