//go:build integration

package goengine_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image/gif"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

const (
	stressRuns    = 100_000
	stressWorkers = 8
	// stressSlow is how many of a thousand transforms write AVIF, which takes many times as long as the other formats.
	stressSlow = 10
	// stressGrowth is what resident memory may grow by between a tenth and the end, in bytes: heaps breathe by a few
	// MiB, while a leak of 400 bytes per transform is more.
	stressGrowth = 32 << 20
)

// A job is an original and what is made of it.
type job struct {
	src  []byte
	spec transform.Spec
}

// smallOriginals are the photographs at 160 pixels, in every format that is written and in GIF.
func smallOriginals(t *testing.T, tr *transform.Transformer) [][]byte {
	t.Helper()
	var list [][]byte
	names := files(t, 30, "photos", "*.jpg")
	for i, f := range encodes(t, tr) {
		for j := range 4 {
			list = append(list, render(t, tr, read(t, names[(4*i+j)%len(names)]), "w160."+f.Ext())[0].Body)
		}
	}
	var buf bytes.Buffer
	if err := gif.Encode(&buf, pixels(t, tr, list[0]), nil); err != nil {
		t.Fatal(err)
	}
	return append(list, buf.Bytes())
}

// stressJobs are every original in every format and several sizes: quick ones, and those that write AVIF.
func stressJobs(t *testing.T, tr *transform.Transformer) (quick, slow []job) {
	t.Helper()
	for _, src := range smallOriginals(t, tr) {
		if f, err := transform.Sniff(src); err != nil || !tr.Can(f).Decode {
			continue
		}
		for _, f := range encodes(t, tr) {
			for _, text := range []string{"w24.", "w64.", "w40-h40-cover."} {
				j := job{src, resolved(t, tr, src, text+f.Ext())[0]}
				if f == transform.AVIF {
					slow = append(slow, j)
				} else {
					quick = append(quick, j)
				}
			}
		}
	}
	return quick, slow
}

// resident is the memory of this process that is not given back after a collection, in bytes (proc(5), statm).
func resident(t *testing.T) int64 {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	fields := strings.Fields(string(read(t, filepath.Join("/proc", "self", "statm"))))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestIntegrationStress makes a hundred thousand small renditions (CUTLINE_STRESS: another number) on eight goroutines:
// what is made of one original by one spec has the same bytes every time, nothing fails, memory does not grow.
func TestIntegrationStress(t *testing.T) {
	tr := newTransformer(t)
	mode(t)
	runs := stressRuns
	if text := os.Getenv("CUTLINE_STRESS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 10 {
			t.Fatalf("CUTLINE_STRESS is %q: expected a number, at least 10", text)
		}
		runs = n
	}
	quick, slow := stressJobs(t, tr)
	sums := make([]atomic.Pointer[[sha256.Size]byte], len(quick)+len(slow))
	stress(t, tr, quick, slow, sums, 0, runs/10)
	warm := resident(t)
	stress(t, tr, quick, slow, sums, runs/10, runs)
	end := resident(t)
	t.Logf("%d transforms of %d jobs; resident %d MiB after a tenth, %d MiB at the end", runs, len(sums), warm>>20, end>>20)
	if end-warm > stressGrowth {
		t.Errorf("resident memory grew from %d to %d bytes: expected at most %d more", warm, end, int64(stressGrowth))
	}
	missed := 0
	for i := range sums {
		if sums[i].Load() == nil {
			missed++
		}
	}
	if runs >= stressRuns && missed > 0 {
		t.Errorf("%d of %d jobs were never run", missed, len(sums))
	}
}

// stress runs the transforms with the numbers from…to; sums holds the first result of each job.
func stress(t *testing.T, tr *transform.Transformer, quick, slow []job, sums []atomic.Pointer[[sha256.Size]byte], from, to int) {
	t.Helper()
	var next atomic.Int64
	next.Store(int64(from))
	var group sync.WaitGroup
	for range stressWorkers {
		group.Go(func() {
			for n := next.Add(1) - 1; n < int64(to) && !t.Failed(); n = next.Add(1) - 1 {
				if err := stressOne(t, tr, quick, slow, sums, uint64(n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// stressOne runs the job that the number n draws.
func stressOne(t *testing.T, tr *transform.Transformer, quick, slow []job, sums []atomic.Pointer[[sha256.Size]byte], n uint64) error {
	draw := rand.New(rand.NewPCG(n, 1))
	at := draw.IntN(len(quick))
	if len(slow) > 0 && draw.IntN(1000) < stressSlow {
		at = len(quick) + draw.IntN(len(slow))
	}
	var j job
	if at < len(quick) {
		j = quick[at]
	} else {
		j = slow[at-len(quick)]
	}
	outputs, err := tr.Transform(t.Context(), j.src, []transform.Spec{j.spec})
	if err != nil {
		return fmt.Errorf("transform %d, job %d (%s): %w", n, at, j.spec, err)
	}
	sum := sha256.Sum256(outputs[0].Body)
	if !sums[at].CompareAndSwap(nil, &sum) && *sums[at].Load() != sum {
		return fmt.Errorf("transform %d, job %d (%s): other bytes than the first time", n, at, j.spec)
	}
	return nil
}
