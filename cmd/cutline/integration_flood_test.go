//go:build integration

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	"github.com/dd8bf596/cutline/internal/transform"
)

const (
	floodTime      = 60 * time.Second
	floodReaders   = 100       // of bombs, at one time
	floodGood      = 4         // of good pictures
	floodContainer = 768 << 20 // bytes
	floodLimit     = "512MiB"  // GOMEMLIMIT
	floodMost      = 640 << 20 // bytes that may ever be resident
)

// A flood is what is asked of a program for a while.
type flood struct {
	server      string
	bombs, good *imagetest.Origin
	all         []imagetest.Bomb
	client      *http.Client
	end         time.Time

	mu   sync.Mutex
	seen map[string]map[int]int // statuses, of bombs, good pictures and hits
	hits []time.Duration
}

// TestIntegrationFlood is row D27: the built program in a container of 768 MiB, with a hundred readers of bombs of every kind, each at
// an address of its own, small and large and in every format, beside readers of good pictures, and of one that it has. It is not killed, is never larger than
// 640 MiB, refuses good pictures by 503 alone, and always answers for the one that it has.
func TestIntegrationFlood(t *testing.T) {
	for _, tt := range []struct {
		workers  string
		duration time.Duration
	}{{"auto", floodTime}, {"0", floodTime / 2}} {
		if text := os.Getenv("CUTLINE_FLOOD"); text != "" {
			var err error
			if tt.duration, err = time.ParseDuration(text); err != nil {
				t.Fatalf("CUTLINE_FLOOD is %q: expected a duration", text)
			}
		}
		t.Run("workers "+tt.workers, func(t *testing.T) { runFlood(t, tt.workers, tt.duration) })
	}
}

func runFlood(t *testing.T, workers string, duration time.Duration) {
	f := &flood{
		bombs: imagetest.NewOrigin(t), good: imagetest.NewOrigin(t), all: imagetest.Bombs(t),
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * floodReaders}}, seen: map[string]map[int]int{},
	}
	defer f.client.CloseIdleConnections()
	p := startContained(t, floodContainer, "--workers", workers, hostileSite(t))
	f.server = p.url
	hit := f.serveGood(t)
	idle := f.latency(t, hit)
	stop := p.watch(t)
	f.end = time.Now().Add(duration)
	var readers sync.WaitGroup
	for i := range floodReaders {
		readers.Go(func() { f.loop(func(n int) { f.bomb(t, i, n) }) })
	}
	for i := range floodGood {
		readers.Go(func() { f.loop(func(n int) { f.picture(t, i, n) }) })
	}
	for range 2 {
		readers.Go(func() { f.loop(func(int) { f.hit(t, hit) }) })
	}
	readers.Wait()
	t.Logf("answers: %v", f.seen)
	t.Logf("hits: 99 %% within %s of %d; idle %s", percentile(f.hits, 99), len(f.hits), idle)
	if f.seen["good"][http.StatusOK] == 0 || f.seen["bombs"][http.StatusUnprocessableEntity] == 0 || f.seen["bombs"][http.StatusUnsupportedMediaType] == 0 {
		t.Error("no good picture came through, or no bomb was refused for what it is")
	}
	high, together := peak(t, p.cmd.Process.Pid), stop()
	t.Logf("resident at most: %d MiB in the server, %d MiB in all processes at one time", high>>20, together>>20)
	if max(high, together) > floodMost {
		t.Errorf("more resident than %d MiB at one time", int64(floodMost)>>20)
	}
	p.stop(t)
}

func (f *flood) loop(ask func(n int)) {
	for n := 0; time.Now().Before(f.end); n++ {
		ask(n)
	}
}

// serveGood puts the good pictures at their origin and waits for the address of one that is a hit from then on.
func (f *flood) serveGood(t *testing.T) (hit string) {
	t.Helper()
	body := imagetest.JPEG(t, 1_200, 800)
	f.good.Serve("/hit.jpg", body)
	for i := range floodGood {
		f.good.Serve(fmt.Sprintf("/%d.jpg", i), body)
	}
	for i, b := range f.all {
		f.bombs.Serve(fmt.Sprintf("/%d", i), b.Body)
	}
	hit = strings.Replace(sourceURL(f.server, f.good.URL("/hit.jpg"), transform.JPEG), "w=24", "w=640", 1)
	var a reply
	if a.ask(t.Context(), f.client, hit, nil); a.status != http.StatusOK {
		t.Fatalf("a good picture: status %d, %s %v", a.status, a.body, a.err)
	}
	return hit
}

// latency is the 99th percentile of hits while nothing else happens.
func (f *flood) latency(t *testing.T, hit string) time.Duration {
	for range 200 {
		f.hit(t, hit)
	}
	defer func() { f.hits = nil }()
	return percentile(f.hits, 99)
}

func percentile(list []time.Duration, p int) time.Duration {
	list = slices.Sorted(slices.Values(list))
	if len(list) == 0 {
		return 0
	}
	return list[(len(list)-1)*p/100]
}

// note counts an answer and fails the test where it is none of those that are allowed, or is not sound.
func (f *flood) note(t *testing.T, kind string, a *reply, format transform.Format, allowed ...int) {
	defer func() {
		if a.status == http.StatusServiceUnavailable {
			time.Sleep(50 * time.Millisecond) // the program is what shall be busy, not the test
		}
	}()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[kind] == nil {
		f.seen[kind] = map[int]int{}
	}
	f.seen[kind][a.status]++
	if err := a.soundness(format); err != nil {
		t.Errorf("%s: %v", kind, err)
	} else if !slices.Contains(allowed, a.status) {
		t.Errorf("%s: status %d, want one of %v: %s", kind, a.status, allowed, a.body)
	}
}

// bomb asks for one of them, at an address that nobody asked for before.
func (f *flood) bomb(t *testing.T, reader, n int) {
	i := (reader + n*7) % len(f.all)
	to := transform.Formats()[n%len(transform.Formats())]
	where := sourceURL(f.server, f.bombs.URL(fmt.Sprintf("/%d?%d.%d", i, reader, n)), to)
	if n%3 == 0 {
		where = strings.Replace(where, "w=24", "w=2560", 1)
	}
	var a reply
	a.ask(t.Context(), f.client, where, nil)
	allowed := []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	if f.all[i].Want != nil {
		allowed = append(allowed, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType)
	} else {
		// Harmless, but for AVIF where that is not read, and what takes too much to be made large.
		allowed = append(allowed, http.StatusOK, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	f.note(t, "bombs", &a, to, allowed...)
}

// picture asks for a good one that has to be fetched and made.
func (f *flood) picture(t *testing.T, reader, n int) {
	var a reply
	where := sourceURL(f.server, f.good.URL(fmt.Sprintf("/%d.jpg?%d", reader, n)), transform.JPEG)
	a.ask(t.Context(), f.client, strings.Replace(where, "w=24", "w=320", 1), nil)
	f.note(t, "good", &a, transform.JPEG, http.StatusOK, http.StatusServiceUnavailable)
}

// hit asks for the picture that the program has, ten times a second.
func (f *flood) hit(t *testing.T, where string) {
	time.Sleep(10 * time.Millisecond)
	var a reply
	start := time.Now()
	a.ask(t.Context(), f.client, where, nil)
	took := time.Since(start)
	f.note(t, "hits", &a, transform.JPEG, http.StatusOK)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hits = append(f.hits, took)
}

// A contained program runs in a memory cgroup of its own.
type contained struct {
	cmd   *exec.Cmd
	url   string
	group string // its folder; "" for none
	ended chan error
}

// startContained runs "serve" of the program that CUTLINE_PROGRAM names.
func startContained(t *testing.T, limit int64, args ...string) *contained {
	t.Helper()
	program := os.Getenv("CUTLINE_PROGRAM")
	if program == "" {
		t.Fatal("CUTLINE_PROGRAM is not set: run make integration")
	}
	p := &contained{group: newGroup(t, limit), ended: make(chan error, 1)}
	enter := "true"
	if p.group != "" {
		enter = `echo $$ > "` + filepath.Join(p.group, "cgroup.procs") + `"`
	}
	serve := []string{"-c", enter + ` && exec "$@"`, "sh", program, "serve", "--listen", "127.0.0.1:0", "--admin", "off", "--cache", t.TempDir(), "--log", "error"}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sh", append(serve, args...)...)
	ours := func(v string) bool { return strings.HasPrefix(v, "CUTLINE_") } // the tests'; the program would ask what they are
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), ours), "GOMEMLIMIT="+floodLimit)
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(address)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if m := opened.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			} else if !strings.HasPrefix(lines.Text(), "time=") {
				fmt.Fprintln(os.Stderr, lines.Text()) // a crash
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // an error says that it has ended
	select {
	case p.url = <-address:
	case <-time.After(time.Minute):
	}
	if p.url == "" {
		t.Fatal("the program does not serve")
	}
	return p
}

// watch samples what all processes in the container have resident together, without what they share with files; the function returns
// the most, in bytes. Where there is no container it is 0.
func (p *contained) watch(t *testing.T) (high func() int64) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	most := make(chan int64, 1)
	rss := regexp.MustCompile(`(?m)^(?:total_rss|anon) (\d+)$`) // version 1, version 2
	go func() {
		var high int64
		for ctx.Err() == nil && p.group != "" {
			text, err := os.ReadFile(filepath.Join(p.group, "memory.stat"))
			m := rss.FindSubmatch(text)
			if m == nil {
				t.Errorf("memory.stat: %v\n%s", err, text)
				break
			}
			n, _ := strconv.ParseInt(string(m[1]), 10, 64) // digits
			high = max(high, n)
			time.Sleep(20 * time.Millisecond)
		}
		most <- high
	}()
	return func() int64 { stop(); return <-most }
}

// stop ends the program, which must have lived until now, and asks the kernel whether it killed anything.
func (p *contained) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("the program has ended: %v", err)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("the program: %v", err)
	}
	if p.group == "" {
		return
	}
	for _, name := range []string{"memory.oom_control", "memory.events"} { // version 1, version 2
		text, err := os.ReadFile(filepath.Join(p.group, name))
		if err != nil {
			continue
		}
		if m := regexp.MustCompile(`(?m)^oom_kill (\d+)$`).FindSubmatch(text); m == nil || string(m[1]) != "0" {
			t.Errorf("%s: %s", name, text)
		}
		return
	}
	t.Errorf("%s does not say whether the kernel killed anything", p.group)
}

// newGroup makes a memory cgroup of either version. Where the machine has none to give it says so and returns "".
func newGroup(t *testing.T, limit int64) string {
	t.Helper()
	root, file := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if controllers, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && slices.Contains(strings.Fields(string(controllers)), "memory") {
		root, file = "/sys/fs/cgroup", "memory.max"
		// In the root of the hierarchy it is so already, as a rule; where it cannot be, the limit's file will be missing.
		_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+memory"), 0)
	}
	group := filepath.Join(root, fmt.Sprintf("cutline-flood-%d-%d", os.Getpid(), time.Now().UnixNano()))
	err := os.Mkdir(group, 0o755)
	if err == nil {
		t.Cleanup(func() {
			if err := os.Remove(group); err != nil {
				t.Errorf("remove the cgroup: %v", err)
			}
		})
		err = os.WriteFile(filepath.Join(group, file), []byte(strconv.FormatInt(limit, 10)), 0)
	}
	if err == nil {
		return group
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		t.Fatalf("no memory cgroup: %v", err)
	}
	t.Logf("NO MEMORY CGROUP: %v; what is resident is measured, and nothing bounds it", err)
	return ""
}
