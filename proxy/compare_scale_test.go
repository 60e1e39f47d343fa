//go:build integration && compare

package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCompareScaleHits prints the processor time that a server takes for a hit, user and system, of one picture by wrk on
// loopback: out of memory, and from disk with a verification of its pointer and its file. The lowest of the rounds counts,
// because what else the machine does can only add to it.
func TestCompareScaleHits(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "cutline")
	run(t, "go", "build", "-o", binary, "../cmd/cutline")
	site, err := filepath.Abs("../testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	memory := start(t, nil, binary, "serve", site, "--listen", addr, "--admin", "off", "--cache", filepath.Join(dir, "cache"), "--log", "warn")
	url := "http://" + addr + hitPath
	picture := filepath.Join(dir, "picture.webp")
	body := get(t, url)
	if err := os.WriteFile(picture, body, 0o600); err != nil {
		t.Fatal(err)
	}
	other := freeAddr(t)
	disk := start(t, []string{"CUTLINE_BARE=disk", "CUTLINE_ADDR=" + other, "CUTLINE_PICTURE=" + picture}, os.Args[0], "-test.run=^TestBareServer$")
	fmt.Printf("\n### Processor time of a hit of %d bytes\n\n| from | time | resident |\n|---|---|---|\n", len(body))
	for _, s := range []struct {
		name, url string
		pid       int
	}{{"memory", url, memory}, {"disk", "http://" + other + "/p/fox/w160.webp", disk}} {
		get(t, s.url)
		lowest := time.Hour
		for range compareRounds {
			before := processTime(t, s.pid)
			rate, _ := wrk(t, s.url)
			took := float64(processTime(t, s.pid)-before) / (rate * compareSeconds)
			lowest = min(lowest, time.Duration(took))
		}
		fmt.Printf("| %s | %d µs | %s |\n", s.name, lowest.Microseconds(), resident(t, s.pid))
	}
}

// processTime is what a process had of the processors (proc_pid_stat(5): fields 14 and 15, in hundredths of a second).
func processTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// resident is a process' memory.
func resident(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("no VmRSS of process %d", pid)
	return ""
}
