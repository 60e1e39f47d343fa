//go:build integration && linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// The tests named TestCDN run the shipped configurations of caches in front of two nodes of the built program, which share nothing. They
// need what ".ci/integration cdn" prepares.

// A cdnNode is a "cutline serve" of its own process, at an address that it keeps over restarts.
type cdnNode struct {
	program                         string // "" is cdnProgram
	listen, admin, cache, site, log string
	env                             []string
	cmd                             *exec.Cmd
	ended                           <-chan struct{}
}

const (
	cdnKey   = "Jq8mVt3xRz6wKp1nYc5bHd9sLf2gTa7e"
	cdnToken = "token-of-sixteen"
)

func cdnEnv() []string {
	return append(settingsEnv(), "CUTLINE_KEYS="+cdnKey, "CUTLINE_LIMITS_TIMEOUT=1m")
}

func cdnProgram(t *testing.T) string {
	t.Helper()
	program := os.Getenv("CUTLINE_PROGRAM")
	if program == "" {
		t.Fatal("CUTLINE_PROGRAM is not set: run .ci/integration cdn")
	}
	return program
}

func (n *cdnNode) start(t *testing.T) {
	t.Helper()
	n.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), cmp.Or(n.program, cdnProgram(t)), "serve", "--listen", n.listen, "--admin", n.admin, "--cache", n.cache, n.site)
	n.cmd.Env = append(cdnEnv(), n.env...)
	log, err := os.OpenFile(n.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.cmd.Stderr = log
	n.ended = startListener(t, n.cmd, n.listen)
}

func (n *cdnNode) kill(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-n.ended
}

// A cdn is a cache in front of two nodes in front of an origin.
type cdn struct {
	url    string
	name   string // in Cache-Status
	origin *imagetest.Origin
	nodes  [2]*cdnNode
	clock  string // libfaketime's file
	// purge is what the cache's README says; age makes all that it has stale: "+25h" is by its clock, where it has one of its own.
	purge func(t *testing.T, keys string) string
	age   func(t *testing.T, by string)
}

// cdnPosts are the pictures, one a test, so that none finds what another left.
var cdnPosts = []string{
	"types", "conditional", "words", "page", "gone", "signed", "crowd", "kept", "purged", "aged", "removed",
	"out1", "out2", "out3", "out4", "out5", "out6",
}

const cdnWords = "Füchse – „rot“ – 狐狸 🦊 "

// newCDN starts origin and nodes; the cache is the caller's.
func newCDN(t *testing.T) *cdn {
	t.Helper()
	c := &cdn{origin: imagetest.NewOrigin(t), clock: filepath.Join(t.TempDir(), "clock")}
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	picture := imagetest.JPEG(t, 640, 480)
	for _, post := range cdnPosts {
		c.origin.Serve("/"+post+".jpg", picture)
		writePost(t, site, post, c.origin.URL("/"+post+".jpg"))
	}
	bad := imagetest.NewOrigin(t) // another host, which nodes leave alone after what it does
	bad.Handle("/broken.jpg", imagetest.Status(http.StatusInternalServerError))
	bad.Handle("/damaged.jpg", imagetest.Status(http.StatusOK)) // HTML
	bad.Handle("/paused.jpg", imagetest.With(imagetest.Status(http.StatusServiceUnavailable), "Retry-After", "7"))
	for _, post := range []string{"broken", "damaged", "paused"} {
		writePost(t, site, post, bad.URL("/"+post+".jpg"))
	}
	put(t, filepath.Join(site, "words.md"), fmt.Appendf(nil, "---\nfeatured-image:\n  path: %q\n  cutline: %q\n  credit: Zoë\n  alt-text: %q\n---\n",
		c.origin.URL("/words.jpg"), strings.Repeat(cdnWords, 200), cdnWords))
	for i := range c.nodes {
		c.nodes[i] = &cdnNode{listen: freeAddress(t), admin: freeAddress(t), cache: t.TempDir(), site: site, log: filepath.Join(t.TempDir(), "log")}
		c.nodes[i].start(t)
	}
	return c
}

// advance sets how far the cache's clock goes before: "+25h", "+9d".
func (c *cdn) advance(t *testing.T, by string) {
	t.Helper()
	put(t, c.clock+".tmp", []byte(by+"\n"))
	if err := os.Rename(c.clock+".tmp", c.clock); err != nil {
		t.Fatal(err)
	}
}

// clockEnv is the environment of a program by that clock.
func (c *cdn) clockEnv(t *testing.T) []string {
	t.Helper()
	libraries, err := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
	if err != nil || len(libraries) != 1 {
		t.Fatalf("libfaketime: %v, %v", libraries, err)
	}
	return append(os.Environ(), "LD_PRELOAD="+libraries[0], "FAKETIME_TIMESTAMP_FILE="+c.clock, "FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1")
}

// shipped is a file of internal/deploy with what is the operator's replaced: pairs of old and new, each of which stands there once.
func shipped(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "internal", "deploy", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if n := strings.Count(string(text), pairs[i]); n != 1 {
			t.Fatalf("%s has %q %d times, want once", name, pairs[i], n)
		}
	}
	return strings.NewReplacer(pairs...).Replace(string(text))
}

func startCDNNginx(t *testing.T) *cdn {
	t.Helper()
	c := newCDN(t)
	c.advance(t, "+0")
	c.age = c.advance
	dir, address := t.TempDir(), freeAddress(t)
	c.url, c.name = "http://"+address, "nginx"
	cache := filepath.Join(dir, "cache")
	conf := shipped(t, "nginx/cutline.conf", "server 127.0.0.1:8081", "server "+c.nodes[0].listen, "server 127.0.0.1:8082", "server "+c.nodes[1].listen,
		"listen 80;", "listen "+address+";", "/var/cache/nginx/cutline", cache)
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	put(t, filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil,
		"daemon off; %[4]s worker_processes 2; pid %[1]s/pid; error_log %[1]s/error.log;\nenv FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE;\nevents {}\nhttp { access_log off; %[2]s\n%[3]s }\n",
		dir, nginxFolders(dir), conf, user))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "nginx", "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "error.log"))
	cmd.Env = c.clockEnv(t)
	startListener(t, cmd, address)
	c.purge = func(t *testing.T, keys string) string {
		t.Helper()
		return c.tell(t, keys, filepath.Join("..", "..", "internal", "deploy", "nginx", "purge.sh"), cache)
	}
	return c
}

func startCDNVarnish(t *testing.T) *cdn {
	t.Helper()
	c := newCDN(t)
	dir, address := t.TempDir(), freeAddress(t)
	c.url, c.name = "http://"+address, "varnish"
	port := func(n *cdnNode) string { return `.port = "` + n.listen[strings.LastIndex(n.listen, ":")+1:] + `"` }
	put(t, filepath.Join(dir, "default.vcl"), []byte(shipped(t, "varnish/default.vcl", `.port = "8081"`, port(c.nodes[0]), `.port = "8082"`, port(c.nodes[1]))))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "varnishd", "-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-a", address,
		"-T", "none", "-f", filepath.Join(dir, "default.vcl"), "-s", "malloc,64m")
	cmd.Env = append(os.Environ(), "VARNISH_PURGE_TOKEN="+cdnToken)
	startListener(t, cmd, address)
	purge := func(t *testing.T, keys, header string) string {
		t.Helper()
		return c.tell(t, keys, "sh", "-c", `xargs -n 100 | while read -r keys; do curl -fsS -X PURGE -H "Surrogate-Key: $keys" `+header+
			` -H "Authorization: Bearer $VARNISH_PURGE_TOKEN" `+c.url+`/; done`)
	}
	c.purge = func(t *testing.T, keys string) string { t.Helper(); return purge(t, keys, "") }
	host := ""
	for key := range strings.FieldsSeq(askOK(t, "http://"+c.nodes[0].listen+"/p/words/w24.jpg").header.Get("Surrogate-Key")) {
		if strings.HasPrefix(key, "host-") {
			host = key
		}
	}
	c.age = func(t *testing.T, _ string) {
		t.Helper()
		if said := purge(t, host, `-H "Soft-Purge: 1"`); host == "" || !strings.Contains(said, " purged") {
			t.Fatalf("soft purge of %q: %s", host, said)
		}
	}
	return c
}

// tell runs a command that reads keys.
func (c *cdn) tell(t *testing.T, keys, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(keys)
	cmd.Env = append(os.Environ(), "VARNISH_PURGE_TOKEN="+cdnToken)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// cutline runs the program.
func (c *cdn) cutline(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), cdnProgram(t), args...)
	cmd.Env = cdnEnv()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cutline %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// forget purges a post at both nodes and returns what to purge at the cache.
func (c *cdn) forget(t *testing.T, args ...string) (keys string) {
	t.Helper()
	for _, n := range c.nodes {
		keys = c.cutline(t, append([]string{"purge", "--admin", n.admin, "--format", "keys"}, append(args, n.site)...)...)
	}
	return keys
}

// asked are the statuses by which the nodes have answered GETs of a path, from their logs, and the bytes of their bodies.
func (c *cdn) asked(t *testing.T, path string) (statuses []string, bytes []string) {
	t.Helper()
	line := regexp.MustCompile(`msg=request method=(?:GET|HEAD) path=` + regexp.QuoteMeta(path) + ` route=\S+ outcome=\S+ status=(\d+) bytes=(\d+)`)
	for _, n := range c.nodes {
		log, err := os.ReadFile(n.log)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range line.FindAllStringSubmatch(string(log), -1) {
			statuses, bytes = append(statuses, m[1]), append(bytes, m[2])
		}
	}
	return statuses, bytes
}

// wait waits until the nodes have answered n requests for a path: their log comes after their answers.
func (c *cdn) wait(t *testing.T, path string, n int) (statuses, bytes []string) {
	t.Helper()
	for range 500 {
		if statuses, bytes = c.asked(t, path); len(statuses) >= n {
			return statuses, bytes
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: the nodes have answered %v, want %d", path, statuses, n)
	return nil, nil
}

func (c *cdn) ask(t *testing.T, path string, header ...string) answer {
	t.Helper()
	return ask(t, c.url+path, header...)
}

// said is what the cache says of itself in Cache-Status, the last of the list (RFC 9211 §2).
func (c *cdn) said(a answer) string {
	all := strings.Join(a.header.Values("Cache-Status"), ", ")
	return strings.TrimPrefix(all[strings.LastIndex(all, ", ")+2:], c.name+"; ")
}

func (c *cdn) isHit(t *testing.T, path string, want string, header ...string) answer {
	t.Helper()
	a := c.ask(t, path, header...)
	if got := c.said(a); a.status != http.StatusOK || got != want {
		t.Errorf("%s: status %d, %q, want %q; all of it: %q", path, a.status, got, want, a.header.Values("Cache-Status"))
	}
	return a
}

// miss is what the cache says of what it has fetched.
func (c *cdn) miss() string {
	if c.name == "varnish" {
		return "fwd=miss; stored"
	}
	return "fwd=miss"
}

func TestCDNNginx(t *testing.T)   { testCDN(t, startCDNNginx(t)) }
func TestCDNVarnish(t *testing.T) { testCDN(t, startCDNVarnish(t)) }

func testCDN(t *testing.T, c *cdn) {
	t.Run("types", c.testTypes)
	t.Run("nodes", c.testNodes)
	t.Run("conditional", c.testConditional)
	t.Run("words", c.testWords)
	t.Run("errors", c.testErrors)
	t.Run("signed", c.testSigned)
	t.Run("crowd", c.testCrowd)
	t.Run("purge", c.testPurge)
	if c.name == "varnish" {
		t.Run("strangers", c.testStrangers)
	}
	t.Run("revalidation", c.testRevalidation)
	t.Run("removed", c.testRemoved)
	t.Run("outage", c.testOutage)
}

// crowd asks n times at once and returns how often each status came.
func (c *cdn) crowd(t *testing.T, path string, n int) map[int]int {
	t.Helper()
	var mu sync.Mutex
	got := map[int]int{}
	var group sync.WaitGroup
	client := client(t)
	for range n {
		group.Go(func() {
			var a reply
			a.ask(t.Context(), client, c.url+path, nil)
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	group.Wait()
	return got
}

// sameBut are two headers without what is of the moment.
func sameBut(a, b http.Header, names ...string) bool {
	a, b = a.Clone(), b.Clone()
	for _, name := range names {
		a.Del(name)
		b.Del(name)
	}
	return maps.EqualFunc(a, b, slices.Equal)
}
