//go:build integration && compare

package goengine_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// The widths and formats of internal/docs/scale.md.
func scaleWidths() []int { return []int{320, 640, 960, 1280, 1920, 2560} }

func scaleFormats() []transform.Format {
	return []transform.Format{transform.JPEG, transform.WebP, transform.AVIF}
}

// searched is a spec of the quality that the engine searches, as the configuration has it by default.
func searched(t *testing.T, tr *transform.Transformer, src []byte, width int, f transform.Format) transform.Spec {
	t.Helper()
	s := resolved(t, tr, src, fmt.Sprintf("w%d.%s", width, f.Ext()))[0]
	s.Quality = 0
	return s
}

// patient makes pictures however long that takes: the machine may be busy.
func patient(t *testing.T) *transform.Transformer {
	t.Helper()
	tr := transform.New(goengine.New(), transform.Options{Timeout: 10 * time.Minute, MaxWait: 10 * time.Minute})
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// processorTime is what this process had of the processors, user and system. Other work on the machine disturbs it less than it
// does a clock.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestCompareScaleCPU prints the processor time of single renditions of the default quality in Markdown: the
// lowest of five, because what else the machine does can only add to it.
func TestCompareScaleCPU(t *testing.T) {
	tr := patient(t)
	fmt.Print("\n### Processor time of one rendition, searched quality\n\n| original | format | reading it, 24 wide |")
	for _, w := range scaleWidths() {
		fmt.Printf(" %d |", w)
	}
	fmt.Print("\n|---|---|---|" + strings.Repeat("---|", len(scaleWidths())) + "\n")
	for _, size := range []string{"p2", "p6", "p24"} {
		src := read(t, work(t, "sizes", size+".jpg"))
		for _, f := range scaleFormats() {
			fmt.Printf("| %s | %s |", size, f)
			for _, w := range append([]int{24}, scaleWidths()...) {
				spec, times := searched(t, tr, src, w, f), []time.Duration{}
				for range 5 {
					before := processorTime(t)
					if _, err := tr.Transform(t.Context(), src, []transform.Spec{spec}); err != nil {
						t.Fatal(err)
					}
					times = append(times, processorTime(t)-before)
				}
				fmt.Printf(" %d ms |", slices.Min(times).Milliseconds())
			}
			fmt.Println()
		}
	}
}

// TestCompareScaleBytes prints what renditions of the photographs weigh, in Markdown: the mean, and the standard deviation of the
// natural logarithm, which says how far pictures differ.
func TestCompareScaleBytes(t *testing.T) {
	tr := patient(t)
	sizes := map[string][]float64{}
	key := func(f transform.Format, width int) string { return fmt.Sprintf("%s %d", f, width) }
	var originals []float64
	for _, file := range files(t, 30, "photos", "*.jpg") {
		src := read(t, file)
		originals = append(originals, float64(len(src)))
		info, err := tr.Probe(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range scaleFormats() {
			for _, w := range scaleWidths() {
				if info.Width < w {
					continue // nothing is enlarged
				}
				out, err := tr.Transform(t.Context(), src, []transform.Spec{searched(t, tr, src, w, f)})
				if err != nil {
					t.Fatal(err)
				}
				sizes[key(f, w)] = append(sizes[key(f, w)], float64(len(out[0].Body)))
			}
		}
	}
	fmt.Printf("\n### Bytes, searched quality\n\n%d originals, %s\n\n| format | width | photographs | bytes, deviation of the logarithm |\n|---|---|---|---|\n", len(originals), spread(originals))
	for _, f := range scaleFormats() {
		for _, w := range scaleWidths() {
			fmt.Printf("| %s | %d | %d | %s |\n", f, w, len(sizes[key(f, w)]), spread(sizes[key(f, w)]))
		}
	}
}

// spread is a mean and the standard deviation of the logarithms.
func spread(v []float64) string {
	slices.Sort(v)
	var sum, logs, squares float64
	for _, x := range v {
		sum += x
		logs += math.Log(x)
		squares += math.Log(x) * math.Log(x)
	}
	n := float64(len(v))
	return fmt.Sprintf("%.0f, %.2f", sum/n, math.Sqrt(max(0, squares/n-logs/n*logs/n)))
}
