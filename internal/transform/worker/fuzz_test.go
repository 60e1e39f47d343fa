package worker

import (
	"bufio"
	"bytes"
	"runtime"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// FuzzFrame reads any bytes as what a worker sends that somebody else has taken over: the parent gets as many outputs as it asked
// for, or an error, and takes no memory for what was only announced.
func FuzzFrame(f *testing.F) {
	specs := []transform.Spec{{Width: 8, Height: 8, Format: transform.PNG}, {Width: 4, Height: 4, Format: transform.JPEG}}
	for _, head := range []any{
		response{Outputs: []output{{Format: transform.PNG, Bytes: 3}, {Format: transform.JPEG, Bytes: 2}}},
		response{Outputs: []output{{Bytes: 1 << 50}, {Bytes: -1}}}, response{Failure: &failure{}}, response{}, hello{Closed: true},
	} {
		var frame bytes.Buffer
		if err := writeFrame(&frame, head, []byte("abc"), []byte("de")); err != nil {
			f.Fatal(err)
		}
		f.Add(frame.Bytes())
	}
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x03\xff\xff{"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := bufio.NewReader(bytes.NewReader(stream))
		var head response
		err := readHead(r, &head)
		var outputs []transform.Output
		if err == nil {
			outputs, err = readOutputs(r, head.Outputs, specs)
		}
		runtime.ReadMemStats(&after)
		// A head of 256 KB, twice a first megabyte, and what other goroutines take.
		if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20+16*uint64(len(stream)) {
			t.Errorf("%d bytes allocated for %d", got, len(stream))
		}
		if err == nil && len(outputs) != len(specs) {
			t.Errorf("%d outputs for %d specs", len(outputs), len(specs))
		}
	})
}
