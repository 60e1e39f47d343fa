package cache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// killDirEnv makes the test binary a writer instead of running tests: a number that its versions count from, and a folder.
const killDirEnv = "CUTLINE_CACHE_TEST_KILL_DIR"

const (
	killKeys    = 1000
	killWriters = 4
)

func killKey(i int) cache.Key {
	return cache.NewKey([]cache.Kind{cache.Pointer, cache.Original, cache.Rendition}[i%3], fmt.Sprint("killed ", i))
}

// writeForEver puts objects of all sizes from several goroutines until it is killed, and prints the number of the key and
// the version of each that was kept.
func writeForEver(from string) error {
	text, dir, _ := strings.Cut(from, " ")
	var base int
	if _, err := fmt.Sscan(text, &base); err != nil {
		return err
	}
	d, err := cache.OpenDisk(cache.DiskOptions{Dir: dir})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for g := range killWriters {
		go func() {
			r := rand.New(rand.NewPCG(uint64(base), uint64(g)))
			for v := base; ; v++ {
				i := r.IntN(killKeys/killWriters)*killWriters + g
				if err := d.Put(context.Background(), killKey(i), cachetest.Object(killKey(i), v, r.IntN(60_000))); err != nil {
					failed <- err
				}
				fmt.Println(i, v)
			}
		}()
	}
	return <-failed
}

// killCycles kills a writing process again and again, each time at a random moment. What it reported of a key, or something
// later, must be there, whole; no temporary file may stay; and nothing may be damaged. It returns how many reads were verified.
func killCycles(t *testing.T, cycles int) (verified int) {
	t.Helper()
	dir := t.TempDir()
	var reported [killKeys]int
	r := rand.New(rand.NewPCG(1, 1))
	for cycle := range cycles {
		runAndKill(t, fmt.Sprint((cycle+1)*1_000_000, " ", dir), &reported, 1+r.IntN(60), time.Duration(r.IntN(3000))*time.Microsecond)
		d := openDisk(t, dir, 0)
		for i, least := range reported {
			version := 0
			o, err := d.Get(t.Context(), killKey(i))
			if err == nil {
				version, err = cachetest.Verify(killKey(i), o)
			}
			if err != nil && !(least == 0 && errors.Is(err, cache.ErrMiss)) || version < least {
				t.Errorf("cycle %d, key %d: version %d, %v; want at least %d, which was reported", cycle, i, version, err, least)
			}
			verified++
		}
		if temps, err := os.ReadDir(filepath.Join(dir, "v1", "tmp")); len(temps) != 0 || err != nil {
			t.Errorf("temporary files: %v, %v; want none", temps, err)
		}
		if st := d.Stats(); st.Corrupt != 0 || st.Errors != 0 {
			t.Errorf("Stats = %+v; want nothing damaged or failed", st)
		}
		closeStore(t, d)
	}
	return verified
}

func TestDiskKilled(t *testing.T) {
	t.Parallel() // it waits for the file system most of the time
	killCycles(t, 8)
}

// runAndKill starts a writer, kills it some time after it reported that many Puts, and notes what it reported.
func runAndKill(t *testing.T, from string, reported *[killKeys]int, puts int, later time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killDirEnv+"="+from)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, seen := bufio.NewScanner(out), 0
	for lines.Scan() {
		var i, version int
		if _, err := fmt.Sscan(lines.Text(), &i, &version); err != nil {
			t.Errorf("the writer says %q", lines.Text())
			continue
		}
		reported[i] = max(reported[i], version)
		if seen++; seen == puts {
			// What it prints until it dies is read too.
			time.AfterFunc(later, func() { _ = cmd.Process.Kill() })
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() || seen < puts {
		t.Fatalf("the writer ended with %v after %d Puts; want it killed after %d", err, seen, puts)
	}
}
