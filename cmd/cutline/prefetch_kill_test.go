//go:build unix

package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestPrefetchIsKilled ends the real program at random twenty times, as nothing but a power cut does, and starts it again: it
// ends in the bytes of a run that nobody disturbed. Where a run comes to its end before it is killed, the next one begins from nothing.
// CUTLINE_SEED repeats a failure's moments, as far as a machine repeats anything.
func TestPrefetchIsKilled(t *testing.T) {
	imagetest.Long(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("CUTLINE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CUTLINE_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	site := killedSite(t)
	undisturbed, took := runToTheEnd(t, site)
	emptied(t, site)
	const kills = 20
	for killed, ended := 0, 0; killed < kills; {
		if killedAfter(t, site, time.Duration(random.Int64N(int64(took)))) {
			killed++
			continue
		}
		if ended++; ended > 10*kills {
			t.Fatalf("killed %d times only: the runs are too short", killed)
		}
		emptied(t, site)
	}
	disturbed, _ := runToTheEnd(t, site)
	if !maps.Equal(undisturbed, disturbed) {
		t.Errorf("after %d kills there are other files or bytes:\n%s\nundisturbed:\n%s", kills, namesOf(disturbed), namesOf(undisturbed))
	}
}

func namesOf(files map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(files)), "\n")
}

func killedSite(t *testing.T) string {
	t.Helper()
	site := writeSite(t, "widths: [24, 160]\nlimits: {workers: 1}\n")
	for i := range 3 {
		picture := imagetest.JPEG(t, 160+10*i, 120)
		post := fmt.Sprintf("---\nimage:\n  path: /img/%d.jpg\n  alt: A\n  credit: Ann\n---\n", i)
		if err := os.MkdirAll(filepath.Join(site, "img"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, body := range map[string][]byte{fmt.Sprintf("img/%d.jpg", i): picture, fmt.Sprintf("%d.md", i): []byte(post)} {
			if err := os.WriteFile(filepath.Join(site, name), body, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return site
}

func prefetchCommand(t *testing.T, site string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("cutline") // testscript.Main has put this very program there
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "prefetch", "--formats", "jpg,webp", "--cache", filepath.Join(site, ".cache"), "-q", site)
	cmd.Env = settingsEnv()
	return cmd
}

// runToTheEnd returns what a whole run leaves, and how long it took.
func runToTheEnd(t *testing.T, site string) (files map[string]string, took time.Duration) {
	t.Helper()
	began := time.Now()
	if out, err := prefetchCommand(t, site).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took = time.Since(began)
	files = bodies(siteTree(t, site))
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, "/.cache/") })
	return files, took
}

// killedAfter starts a run and kills it after a while. It reports whether there was anything left to kill.
func killedAfter(t *testing.T, site string, after time.Duration) (killed bool) {
	t.Helper()
	cmd := prefetchCommand(t, site)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	return cmd.Wait() != nil
}

// emptied has site as it was before the first run.
func emptied(t *testing.T, site string) {
	t.Helper()
	for _, name := range []string{"cutline", "cutline.json", ".cutline.json.journal", ".cache"} {
		if err := os.RemoveAll(filepath.Join(site, name)); err != nil {
			t.Fatal(err)
		}
	}
}
