//go:build integration && compare

package goengine_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// How often each job runs; the median counts.
const (
	compareRuns       = 11
	compareFamilyRuns = 3
)

// text is the target as a Spec.
func (o target) text() string {
	q := ""
	if quality, ok := o.Options["quality"]; ok {
		q = fmt.Sprintf("-q%v", quality)
	}
	return fmt.Sprintf("w%d%s.%s", o.Width, q, strings.Replace(o.Format, "jpeg", "jpg", 1))
}

func (m measure) String() string {
	if m.Bytes == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f ms, %d MiB", m.MS, m.KiB>>10)
}

// TestChildOfCompare is one workload of cutline in a process of its own; TestCompare starts it.
func TestChildOfCompare(t *testing.T) {
	text := os.Getenv("CUTLINE_CHILD")
	if text == "" {
		t.Fatal("only TestCompare starts this: CUTLINE_CHILD is not set")
	}
	var child struct {
		workload
		Together bool
	}
	if err := json.Unmarshal([]byte(text), &child); err != nil {
		t.Fatal(err)
	}
	tr := transform.New(goengine.New(), transform.Options{MaxWait: time.Minute, Timeout: time.Minute})
	defer func() { _ = tr.Close() }()
	src := read(t, child.Src)
	var texts []string
	for _, o := range child.Outputs {
		texts = append(texts, o.text())
	}
	var m measure
	var times []time.Duration
	for range child.Runs {
		start := time.Now()
		m.Bytes = childRun(t, tr, src, texts, child.Together, child.Parallel)
		times = append(times, time.Since(start))
	}
	m.MS = median(times)
	for line := range strings.Lines(string(read(t, "/proc/self/status"))) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			m.KiB, _ = strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(t, os.Getenv("CUTLINE_CHILD_OUT"), out)
}

// childRun makes all outputs once and returns their bytes.
func childRun(t *testing.T, tr *transform.Transformer, src []byte, texts []string, together, parallel bool) int {
	total := 0
	if together {
		for _, o := range render(t, tr, src, texts...) {
			total += len(o.Body)
		}
		return total
	}
	sizes := make([]int, len(texts))
	var group sync.WaitGroup
	for i, text := range texts {
		one := func() { sizes[i] = len(render(t, tr, src, text)[0].Body) }
		if parallel {
			group.Go(one)
		} else {
			one()
		}
	}
	group.Wait()
	for _, n := range sizes {
		total += n
	}
	return total
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds()) / 1000
}

// cutline runs a workload in a process of the given mode, on the given number of cores.
func cutline(t *testing.T, mode string, cores int, w workload) measure {
	t.Helper()
	text, err := json.Marshal(struct {
		workload
		Together bool
	}{w, w.Together})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "measure.json")
	cmd := exec.CommandContext(t.Context(), work(t, "engine-"+mode), "-test.run", "^TestChildOfCompare$")
	cmd.Env = append(os.Environ(), "CUTLINE_CHILD="+string(text), "CUTLINE_CHILD_OUT="+out, "GOMAXPROCS="+strconv.Itoa(cores))
	if mode == native {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+work(t, "lib"))
	}
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cutline, %s: %v\n%s", mode, err, msg)
	}
	var m measure
	if err := json.Unmarshal(read(t, out), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// vipsThumbnail runs a workload of one output, a process per run on one thread: its time has the start of the process in it.
func vipsThumbnail(t *testing.T, w workload) measure {
	t.Helper()
	var m measure
	var times []time.Duration
	o := w.Outputs[0]
	file := o.File
	if file == "" {
		file = filepath.Join(t.TempDir(), "out."+o.Format)
	}
	option := "[strip"
	for name, value := range map[string]any{"Q": o.Options["quality"], "effort": o.Options["effort"]} {
		if value != nil && o.Format != "png" {
			option += fmt.Sprintf(",%s=%v", name, value)
		}
	}
	for range w.Runs {
		cmd := exec.CommandContext(t.Context(), "vipsthumbnail", w.Src, "--size", fmt.Sprintf("%dx", o.Width), "-o", file+option+"]")
		cmd.Env = append(os.Environ(), "VIPS_CONCURRENCY=1")
		start := time.Now()
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("vipsthumbnail: %v\n%s", err, msg)
		}
		times = append(times, time.Since(start))
		m.KiB = max(m.KiB, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	m.MS, m.Bytes = median(times), len(read(t, file))
	return m
}

// machine names what the figures hold for.
func machine(t *testing.T) string {
	t.Helper()
	model := "unknown processor"
	for line := range strings.Lines(string(read(t, "/proc/cpuinfo"))) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	version, _ := sharp(t)
	return fmt.Sprintf("%s, %d × %s, %s, sharp %s, %s", time.Now().Format(time.DateOnly), runtime.NumCPU(), model, runtime.Version(),
		version, strings.TrimSpace(command(t, "vips", "--version")))
}
