package cache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// killDirEnv makes the test binary a writer in that folder instead of running tests.
const killDirEnv = "CUTLINE_CACHE_TEST_KILL_DIR"

// writeForEver puts objects until it is killed, and prints the number of each that was kept.
func writeForEver(dir string) error {
	d, err := cache.OpenDisk(cache.DiskOptions{Dir: dir})
	if err != nil {
		return err
	}
	ctx, k := context.Background(), cache.NewKey(cache.Pointer, "killed")
	for i := 1; ; i++ {
		if err := d.Put(ctx, k, cachetest.Object(k, i, 200_000)); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// TestDiskKilled kills a writing process again and again, each time after a Put that it reported. What was reported last,
// or something later, must be there, whole; no temporary file may stay; and nothing may be damaged.
func TestDiskKilled(t *testing.T) {
	dir := t.TempDir()
	k := cache.NewKey(cache.Pointer, "killed")
	for cycle := range 8 {
		reported := runAndKill(t, dir, 1+cycle*3)
		d := openDisk(t, dir, 0)
		version, err := cachetest.Verify(k, get(t, d, k))
		if err != nil || version < reported {
			t.Errorf("version %d, %v; want at least %d, which was reported", version, err, reported)
		}
		if temps, err := os.ReadDir(filepath.Join(dir, "v1", "tmp")); len(temps) != 0 || err != nil {
			t.Errorf("temporary files: %v, %v; want none", temps, err)
		}
		if st := d.Stats(); st.Corrupt != 0 {
			t.Errorf("Stats = %+v; want nothing damaged", st)
		}
		closeStore(t, d)
	}
}

// runAndKill starts a writer, kills it after it reported that many Puts, and returns the last that it reported.
func runAndKill(t *testing.T, dir string, puts int) (reported int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killDirEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &reported); err != nil {
			t.Errorf("the writer says %q", lines.Text())
		}
		if reported == puts {
			// It may be anywhere in the next Put. What it prints until it dies is read too.
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() || reported < puts {
		t.Fatalf("the writer ended with %v after %d Puts; want it killed after %d", err, reported, puts)
	}
	return reported
}
