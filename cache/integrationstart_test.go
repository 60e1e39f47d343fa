//go:build integration && linux

package cache

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestIntegrationDiskMillion opens a folder of a million objects: the first is read while the index is far from complete,
// and the index takes no more memory than 200 MB. Times are logged only.
func TestIntegrationDiskMillion(t *testing.T) {
	const objects = 1_000_000
	dir := scratch(t)
	began := time.Now()
	generate(t, dir, objects)
	t.Logf("%d files written in %s", objects, time.Since(began).Round(time.Second))
	before := resident(t)

	began = time.Now()
	d, err := OpenDisk(DiskOptions{Dir: dir, MaxBytes: 8 << 30})
	if err != nil {
		t.Fatal(err)
	}
	wantGenerated(t, d, objects-1)
	first, early := time.Since(began), d.Stats().Objects
	<-d.built
	t.Logf("first hit after %s, with %d in the index; index complete after %s; %d MB more resident memory",
		first.Round(time.Microsecond), early, time.Since(began).Round(time.Millisecond), (resident(t)-before)>>20)
	if early >= objects/2 {
		t.Errorf("%d objects were in the index at the first hit, want it to be building still", early)
	}
	if st := d.Stats(); st.Objects != objects || st.Errors != 0 {
		t.Errorf("Stats = %+v; want %d objects", st, objects)
	}
	if more := resident(t) - before; more > 200<<20 {
		t.Errorf("%d bytes more resident memory, want at most 200 MB", more)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// scratch is a folder for more files than anybody wants to remove: in CUTLINE_SCRATCH, where that is set and which is thrown away
// whole, else a temporary one.
func scratch(t *testing.T) string {
	t.Helper()
	parent := os.Getenv("CUTLINE_SCRATCH")
	if parent == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(parent, "disk") //nolint:usetesting // not below TMPDIR, and not removed
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// resident is the process's resident memory in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
