//go:build linux

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestWorkersDie kills all workers between and during requests: every answer is the picture.
func TestWorkersDie(t *testing.T) {
	imagetest.Long(t) // each new worker compiles its codecs
	site := writeSite(t, "")
	writePost(t, site, "one", "/one.jpg")
	if err := os.WriteFile(filepath.Join(site, "one.jpg"), imagetest.JPEG(t, 1200, 800), 0o600); err != nil {
		t.Fatal(err)
	}
	handler := handlerOf(t, site, "auto")
	for _, width := range []string{"320", "480", "640", "828", "960"} {
		killed := killWorkers(t)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/p/one/w"+width+".webp", nil))
		if w.Code != http.StatusOK {
			t.Errorf("width %s: status %d: %s", width, w.Code, w.Body)
		}
		if killed == 0 {
			t.Errorf("width %s: there was no worker to kill", width)
		}
	}
}

// killWorkers kills the processes that this one has started, and returns how many.
func killWorkers(t *testing.T) (n int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children") // a thread may have ended
		for word := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil && syscall.Kill(pid, syscall.SIGSEGV) == nil {
				n++
			}
		}
	}
	return n
}

func TestWorkerCount(t *testing.T) {
	cpus := runtime.GOMAXPROCS(0)
	for workers, want := range map[int][2]int{workersAuto: {cpus, cpus + 1}, 0: {cpus, 0}, 2: {2, 3}, 8: {8, 9}} {
		c := defaultConfig(environ{})
		c.Limits.Workers = workers
		if got := [2]int{c.slots(), c.workers()}; got != want {
			t.Errorf("workers %d: got %d slots and %d processes, want %v", workers, got[0], got[1], want)
		}
	}
}

func TestParseWorkers(t *testing.T) {
	for text, want := range map[string]int{"auto": workersAuto, "0": 0, "12": 12} {
		got, err := parseWorkers(text)
		if err != nil || got != want || workersText(got) != text {
			t.Errorf("%q: got %d, %v, written as %q", text, got, err, workersText(got))
		}
	}
	for _, text := range []string{"", "-1", "1025", "many"} {
		if got, err := parseWorkers(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}
