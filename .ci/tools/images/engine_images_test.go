//go:build integration && linux

package images

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestImages builds both images by the Dockerfile, and runs them and the Compose file.
func TestImages(t *testing.T) {
	e := newEngine(t)
	e.standIns(t)
	for image, target := range map[string][]string{"cutline:local": nil, "cutline:native": {"--target", "native"}} {
		e.docker(t, append(append([]string{"build", "--network", "host", "--build-arg", "VERSION=v0.0.0-test", "-t", image}, target...), root)...)
	}
	e.docker(t, "network", "create", "cutline-test")
	t.Cleanup(func() { _, _ = e.try(t, nil, "docker", "network", "rm", "cutline-test") }) // with the engine's folder
	for image, native := range map[string]bool{"cutline:local": false, "cutline:native": true} {
		t.Run(image, func(t *testing.T) { e.testImage(t, image, native) })
		t.Run("no writable code "+image, func(t *testing.T) { e.testWriteExecute(t, image) })
	}
	t.Run("compose", e.testCompose)
}

// testImage holds what the Dockerfile promises.
func (e *engine) testImage(t *testing.T, image string, native bool) {
	said := e.docker(t, "run", "--rm", "--read-only", "--network", "none", image, "version")
	if !strings.Contains(said, "v0.0.0-test") || strings.Contains(said, "libwebp.so") != native {
		t.Errorf("version: %s", said)
	}
	cache := volume(t, e, "cache-of-"+strings.ReplaceAll(image, ":", "-"))
	c := e.serve(t, image, cache)
	pictures(t, c.at)
	if who := e.docker(t, "top", c.name, "-o", "pid,uid"); !regexp.MustCompile(`(?s)^\s*PID\s+UID\s*(\d+\s+65532\s*)+$`).MatchString(who) {
		t.Errorf("it runs as: %s", who)
	}
	if warned := regexp.MustCompile(`level=(WARN|ERROR).*`).FindAllString(e.docker(t, "logs", c.name), -1); len(warned) > 0 {
		t.Errorf("warnings: %q", warned)
	}
	for line := range strings.Lines(e.docker(t, "diff", c.name)) { // places for mounts, which the engine makes
		if place := regexp.MustCompile(`^[AC] /(site|dev|etc|run)?$`); !place.MatchString(strings.TrimSpace(line)) {
			t.Errorf("written beside the volume: %s", line)
		}
	}
	start := time.Now()
	e.docker(t, "stop", "-t", "40", c.name)
	if took, code := time.Since(start), c.inspect(t, "{{.State.ExitCode}}"); code != "0" || took > 35*time.Second {
		t.Errorf("stopped in %v with exit code %s: expected 35 s at most, and 0", took, code)
	}
	e.docker(t, "rm", c.name)
	c = e.serve(t, image, cache)
	if _, header, _ := get(t, c.at, "/p/larches-turn-below-aizkorri/w320.webp"); header.Get("Cache-Status") != "cutline; hit" {
		t.Errorf("after a restart: %q, expected a hit of the volume", header.Get("Cache-Status"))
	}
}

func volume(t *testing.T, e *engine, name string) string {
	t.Helper()
	_, _ = e.try(t, nil, "docker", "volume", "rm", "-f", name) // of a run that was ended
	t.Cleanup(func() { _, _ = e.try(t, nil, "docker", "volume", "rm", "-f", name) })
	return e.docker(t, "volume", "create", name)
}

// noWritableCode is the filter of system calls that systemd makes of MemoryDenyWriteExecute=yes (systemd 252,
// seccomp_memory_deny_write_execute): no memory that can be written and run, and none that can be run later on.
func noWritableCode(t *testing.T) string {
	t.Helper()
	type arg struct {
		Index    uint   `json:"index"`
		Value    uint64 `json:"value"`
		ValueTwo uint64 `json:"valueTwo"`
		Op       string `json:"op"`
	}
	type rule struct {
		Names  []string `json:"names"`
		Action string   `json:"action"`
		Args   []arg    `json:"args"`
	}
	const shmExec = 0o100000 // SHM_EXEC
	masked := func(index uint, bits uint64) []arg {
		return []arg{{index, bits, bits, "SCMP_CMP_MASKED_EQ"}}
	}
	profile, err := json.Marshal(map[string]any{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []rule{
		{[]string{"mmap"}, "SCMP_ACT_ERRNO", masked(2, unix.PROT_WRITE|unix.PROT_EXEC)},
		{[]string{"mprotect", "pkey_mprotect"}, "SCMP_ACT_ERRNO", masked(2, unix.PROT_EXEC)},
		{[]string{"shmat"}, "SCMP_ACT_ERRNO", masked(2, shmExec)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(name, profile, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// testWriteExecute holds that MemoryDenyWriteExecute, which the unit leaves out because it costs time, costs no more: all formats are made
// without code that is written while the program runs, with and without a libwebp. That the filter filters is seen by a program that
// does write code.
func (e *engine) testWriteExecute(t *testing.T, image string) {
	profile := "seccomp=" + noWritableCode(t)
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, filtered := range []bool{false, true} {
		args := []string{"run", "--rm", "--network", "none", "--entrypoint", "/test", "-e", "CUTLINE_WRITES_CODE=1", "-v", test + ":/test:ro"}
		if filtered {
			args = append(args, "--security-opt", profile)
		}
		if out, err := e.try(t, nil, "docker", append(args, image)...); (err != nil) != filtered {
			t.Fatalf("with the filter %v, a program that writes code: %v\n%s", filtered, err, out)
		}
	}
	c := e.serve(t, image, volume(t, e, "no-writable-code"), "--security-opt", profile)
	pictures(t, c.at)
	if warned := regexp.MustCompile(`level=(WARN|ERROR).*`).FindAllString(e.docker(t, "logs", c.name), -1); len(warned) > 0 {
		t.Errorf("warnings: %q", warned)
	}
}

// TestMain is, in a container, a program that needs memory which can be written and run.
func TestMain(m *testing.M) {
	if os.Getenv("CUTLINE_WRITES_CODE") == "" {
		os.Exit(m.Run())
	}
	memory, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		err = unix.Munmap(memory)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// testCompose runs the Compose file by Compose, as README.md beside it says, and takes away one after the other what cutline can do
// without.
func (e *engine) testCompose(t *testing.T) {
	up := newFleet(t, e)
	for _, node := range []string{"cutline-1", "cutline-2"} {
		within(t, time.Minute, node+" is ready, with Redis and the bucket", func() bool {
			said, err := up.in(t, node, "/cutline", "healthcheck")
			return err == nil && said == "ready"
		})
	}
	pictures(t, up.at)
	status, header, _ := get(t, up.at, "/p/larches-turn-below-aizkorri/w320.webp")
	if said := header.Values("Cache-Status"); status != http.StatusOK || said[len(said)-1] != "nginx; hit" {
		t.Errorf("the second time: status %d, %q", status, said)
	}
	if said := up.must(t, "s3", "find", "/data/pictures/site/v1", "-type", "f"); strings.Count(said, "/rendition/") < 4 {
		t.Errorf("the bucket has: %s", said)
	}
	if said := up.must(t, "cutline-2", "/cutline", "purge", "--all", "/site"); !strings.Contains(said, "purged") {
		t.Errorf("purge: %s", said)
	}
	if said := up.compose(t, "ps", "--format", "{{.Service}} {{.Ports}}"); strings.Count(said, "->") != 1 {
		t.Errorf("published: %s", said)
	}
	cold := []string{"/p/larches-turn-below-aizkorri/w480.webp", "/p/larches-turn-below-aizkorri/w640.webp", "/p/larches-turn-below-aizkorri/w160.jpg"}
	for i, gone := range []string{"cutline-1", "redis", "s3"} {
		up.compose(t, "stop", gone)
		if status, _, body := get(t, up.at, cold[i]); status != http.StatusOK {
			t.Errorf("without %s: status %d, %.200q", gone, status, body)
		}
	}
	within(t, 2*time.Minute, "cutline-2 says that something is missing, and is well", func() bool {
		said, err := up.in(t, "cutline-2", "/cutline", "healthcheck")
		return err == nil && strings.HasPrefix(said, "degraded: ")
	})
	up.compose(t, "stop")
	for _, line := range strings.Split(up.compose(t, "ps", "-a", "--format", "{{.Service}} {{.ExitCode}}"), "\n") {
		if !strings.HasSuffix(line, " 0") {
			t.Errorf("it ended with: %s", line)
		}
	}
}
