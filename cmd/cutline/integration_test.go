//go:build integration

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
)

// The tests of this build tag need what ".ci/integration clients" prepares, and fail without it: CUTLINE_WORK is the folder
// with node_modules.

// work is a path in the prepared folder.
func work(t testing.TB, parts ...string) string {
	t.Helper()
	dir := os.Getenv("CUTLINE_WORK")
	if dir == "" {
		t.Fatal("CUTLINE_WORK is not set: run make integration")
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}

// command runs a program and returns what it prints on stdout; that it is missing or fails is a failure.
func command(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	os.Stderr.Write(stderr.Bytes())
	return out
}

// peak is the most memory that a process ever had resident, in bytes.
func peak(t *testing.T, pid int) int64 {
	t.Helper()
	most, ok := highWater(pid)
	if !ok {
		t.Fatalf("there is no VmHWM of %d", pid)
	}
	return most
}

// highWater is peak of a process that may have ended (proc_pid_status(5), VmHWM). What getrusage says of an ended one begins with
// what its parent had when it started it.
func highWater(pid int) (most int64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	figure, _, _ := strings.Cut(strings.TrimSpace(rest), " kB")
	kb, err := strconv.ParseInt(figure, 10, 64)
	return kb << 10, err == nil
}

// nodeScript runs testdata/integration/NAME with one value as JSON in a file, and reads into got what it prints as JSON.
func nodeScript(t testing.TB, name string, value, got any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "value.json")
	put(t, file, text)
	work(t) // the script finds its packages there
	out := command(t, "node", filepath.Join("..", "..", "testdata", "integration", name), file)
	if err := json.Unmarshal(out, got); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out[:min(len(out), 2000)])
	}
}

func put(t testing.TB, path string, body []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

// An answer is a response with its body.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask gets a URL; header has names and values in turn.
func ask(t testing.TB, url string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// askOK gets a URL that has to be there.
func askOK(t testing.TB, url string, header ...string) answer {
	t.Helper()
	a := ask(t, url, header...)
	if a.status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", url, a.status, a.body[:min(len(a.body), 500)])
	}
	return a
}

// askJSON gets a JSON document into got.
func askJSON(t testing.TB, url string, got any) {
	t.Helper()
	if err := json.Unmarshal(askOK(t, url).body, got); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// scanned are the words of a site's posts as "cutline scan" has them, by the post's path.
func scanned(t testing.TB, site string) map[string]caption.Words {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: &stderr}
	if code := p.run(t.Context(), []string{"scan", "--format", "json", site}); code != 0 {
		t.Fatalf("scan: exit code %d: %s", code, &stderr)
	}
	var doc scanDocument
	if err := json.Unmarshal(stdout.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	words := map[string]caption.Words{}
	for _, im := range doc.Images {
		for _, post := range im.Posts {
			words[post] = caption.Words{
				Cutline: im.Cutline, Credit: im.Credit, CreditURL: im.CreditURL, Alt: im.Alt, Decorative: im.Decorative,
				Creator: im.Creator, Copyright: im.Copyright, License: im.License,
			}
		}
	}
	return words
}

// startNginx runs nginx with its defaults but for what server, a part of its configuration, says. It returns its URL.
func startNginx(t *testing.T, server string) string {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	put(t, filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil,
		"daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;\nevents {}\nhttp { access_log off; %[2]s\nserver { listen %[3]s;\n%[4]s\n} }\n",
		dir, nginxFolders(dir), address, server))
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(dir, "error.log")); err != nil || len(log) > 0 {
			t.Errorf("nginx: %v\n%s", err, log)
		}
	})
	startListener(t, exec.CommandContext(context.WithoutCancel(t.Context()), "nginx", "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "error.log")), address)
	return "http://" + address
}

// nginxFolders puts what nginx writes beside its log into dir.
func nginxFolders(dir string) string {
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	return temp.String()
}

// freeAddress is one of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// startListener starts a program and waits until it listens on address. It ends with the test, or when it is killed; ended is closed
// then.
func startListener(t *testing.T, cmd *exec.Cmd, address string) (ended <-chan struct{}) {
	t.Helper()
	var said bytes.Buffer
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	cmd.WaitDelay = 5 * time.Second // processes of its own may have its stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { defer close(gone); _ = cmd.Wait() }() // how it ends is how it was told to
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-gone
	})
	for range 400 {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			_ = conn.Close() // nothing was sent
			return gone
		}
		select {
		case <-gone:
			t.Fatalf("%s ended\n%s", cmd.Path, &said)
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not listen", cmd.Path)
	return nil
}
