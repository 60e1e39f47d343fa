//go:build integration && linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// The tests named TestClusterNodes run two processes of the built program over a real S3 server and a real Redis. They need what
// ".ci/integration cluster" prepares.

// A fleet is two nodes, each with a cache and a copy of the site of its own.
type fleet struct {
	origin    *imagetest.Origin
	s3, redis *imagetest.Server
	nodes     [2]*cdnNode
	posts     []string
}

// newFleet starts nodes of a site with so many posts; without Redis where that is not wanted.
func newFleet(t *testing.T, posts int, redis bool) *fleet {
	t.Helper()
	return newFleetBehind(t, posts, redis, func(s3 string) string { return s3 })
}

// newFleetBehind is newFleet with something between the nodes and the S3 server: front is given its host:port, and returns another.
func newFleetBehind(t *testing.T, posts int, redis bool, front func(s3 string) string) *fleet {
	t.Helper()
	f := &fleet{origin: imagetest.NewOrigin(t), s3: imagetest.S3(t)}
	env := []string{
		"AWS_ACCESS_KEY_ID=" + imagetest.S3ID, "AWS_SECRET_ACCESS_KEY=" + imagetest.S3Secret,
		"CUTLINE_CACHE_BUCKET=s3://pictures?prefix=news&region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape("http://"+front(f.s3.Address)),
	}
	if redis {
		f.redis = imagetest.Redis(t)
		env = append(env, "CUTLINE_CACHE_REDIS=redis://"+f.redis.Address+"?prefix=news")
	}
	posted := time.Unix(1_600_000_000, 0)
	for i := range f.nodes {
		site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
		f.posts = nil
		for n := range posts {
			name := fmt.Sprintf("p%d", n)
			f.posts = append(f.posts, name)
			f.edition(t, name, 0)
			writePost(t, site, name, f.origin.URL("/"+name+".jpg"))
			if err := os.Chtimes(filepath.Join(site, name+".md"), posted, posted); err != nil { // as copies have in common
				t.Fatal(err)
			}
		}
		f.nodes[i] = &cdnNode{listen: freeAddress(t), admin: freeAddress(t), cache: t.TempDir(), site: site, log: filepath.Join(t.TempDir(), "log"), env: env}
		f.nodes[i].start(t)
	}
	if redis {
		for i := range f.nodes {
			soon(t, "the nodes have found Redis", func() bool { return f.metric(t, i, "cutline_cluster_connected") == 1 })
		}
	}
	return f
}

// edition has the origin serve one of several pictures for a post, which no other post has.
func (f *fleet) edition(t *testing.T, post string, n int) {
	t.Helper()
	number, err := strconv.Atoi(strings.TrimPrefix(post, "p"))
	if err != nil {
		t.Fatal(err)
	}
	f.origin.Serve("/"+post+".jpg", imagetest.JPEG(t, 400+n*8, 300+number))
}

func (f *fleet) metric(t *testing.T, node int, series string) float64 {
	t.Helper()
	return metricOf(t, f.nodes[node].admin, series)
}

// urls are addresses of all posts, as paths.
func (f *fleet) urls() (all []string) {
	for _, post := range f.posts {
		all = append(all, "/p/"+post+"/w320.jpg", "/p/"+post+"/thumb.webp", "/p/"+post+"/w24.png")
	}
	return all
}

// answers asks a node for all of paths.
func (f *fleet) answers(t *testing.T, node int, paths []string) map[string]nodeAnswer {
	t.Helper()
	all := map[string]nodeAnswer{}
	for _, path := range paths {
		all[path] = nodeAnswerOf(t, "http://"+f.nodes[node].listen+path)
	}
	return all
}

// TestClusterNodesColdKey has 200 clients at each of two nodes ask for one cold picture.
func TestClusterNodesColdKey(t *testing.T) {
	for _, redis := range []bool{true, false} {
		t.Run(fmt.Sprint("redis ", redis), func(t *testing.T) {
			f := newFleet(t, 1, redis)
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 400}}
			var readers sync.WaitGroup
			var failed atomic.Int64
			for i := range 400 {
				readers.Go(func() {
					var a reply
					if a.ask(t.Context(), client, "http://"+f.nodes[i%2].listen+"/p/p0/w320.jpg", nil); a.err != nil || a.status != http.StatusOK {
						failed.Add(1)
					}
				})
			}
			readers.Wait()
			most, made := 1.0, 0.0
			for i := range f.nodes {
				made += f.metric(t, i, `cutline_transform_duration_seconds_count{format="jpg",op="encode"}`)
				for _, result := range []string{"bypassed", "timeout"} { // of a machine that is too busy
					if n := f.metric(t, i, `cutline_cluster_locks_total{result="`+result+`"}`); n > 0 {
						t.Logf("node %d: %v locks %s", i, n, result)
						most = 2
					}
				}
			}
			if !redis {
				most = 2
			}
			asked := f.origin.Hits("/p0.jpg")
			t.Logf("400 clients: %d requests at the origin, made %v times", asked, made)
			if failed.Load() > 0 || float64(asked) > most || made > most || made < 1 {
				t.Errorf("%d failed, %d requests at the origin, made %v times: want 0, and %v at most", failed.Load(), asked, made, most)
			}
		})
	}
}

// TestClusterNodesPurges measures how long a purge takes to reach the other node.
func TestClusterNodesPurges(t *testing.T) {
	f := newFleet(t, 1, true)
	path := "http://" + f.nodes[1].listen + "/p/p0/w24.png"
	tag := nodeAnswerOf(t, path).Header.Get("Etag")
	var took []time.Duration
	for n := range 50 {
		f.edition(t, "p0", n+1)
		start := time.Now()
		if status, answer := askAdminAs(t, http.DefaultClient, f.nodes[0].admin, "", `{"post": "p0"}`); status != http.StatusOK || strings.Contains(answer, `"note"`) {
			t.Fatalf("purge: %d %s", status, answer)
		}
		soon(t, "the purge has reached the other node", func() bool {
			next := nodeAnswerOf(t, path).Header.Get("Etag")
			defer func() { tag = next }()
			return next != tag
		})
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("the other node has the next edition after %v (p50), %v (p99), its own work included", took[len(took)/2], took[len(took)*99/100])
}

// TestClusterNodesAreOne compares all answers of both nodes, and of one that has lost its disk while the origin is dead.
func TestClusterNodesAreOne(t *testing.T) {
	f := newFleet(t, 6, true)
	paths := f.urls()
	for _, post := range f.posts {
		paths = append(paths, "/p/"+post+"/w320.auto", "/p/"+post+"/meta.json", "/p/"+post+"/figure.html", "/p/"+post+"/w99.tiff", "/p/"+post)
	}
	paths = append(paths, "/catalog.json", "/p/none/w320.jpg")
	var both sync.WaitGroup
	for i := range f.nodes {
		both.Go(func() { f.answers(t, i, paths) }) // cold, at the same time
	}
	both.Wait()
	time.Sleep(2 * time.Second) // what is written behind the answers
	want := f.answers(t, 0, paths)
	if diff := cmp.Diff(want, f.answers(t, 1, paths)); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	for _, path := range f.urls() {
		if want[path].Status != http.StatusOK {
			t.Errorf("%s: status %d", path, want[path].Status)
		}
	}
	asked := f.origin.Total()
	f.origin.Close()
	f.startEmpty(t, 1)
	if diff := cmp.Diff(want, f.answers(t, 1, paths)); diff != "" {
		t.Errorf("with an empty disk (-first +second):\n%s", diff)
	}
	if n := f.origin.Total() - asked; n != 0 {
		t.Errorf("the origin was asked %d times", n)
	}
	t.Logf("%d answers with an empty disk: %v objects of the bucket", len(paths), f.metric(t, 1, `cutline_cache_requests_total{result="hit",tier="bucket"}`))
}

// A crowdOfReaders asks for known pictures all the time, at one node after the other, and at the other one where a node has no answer, as
// a balancer would. It checks every byte.
type crowdOfReaders struct {
	f      *fleet
	want   map[string][sha256.Size]byte
	failed atomic.Int64
	first  atomic.Pointer[string] // failure
	retry  atomic.Int64
	asked  atomic.Int64
	mu     sync.Mutex
	took   map[string][]time.Duration
	phase  atomic.Pointer[string]
	end    context.CancelFunc
	idle   sync.WaitGroup
}

func (f *fleet) readers(t *testing.T) *crowdOfReaders {
	t.Helper()
	c := &crowdOfReaders{f: f, want: map[string][sha256.Size]byte{}, took: map[string][]time.Duration{}}
	for path, a := range f.answers(t, 0, f.urls()) {
		if a.Status != http.StatusOK {
			t.Fatalf("%s: status %d", path, a.Status)
		}
		c.want[path] = sha256.Sum256(a.Body)
	}
	c.in("calm")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	c.end = cancel
	paths := slices.Sorted(maps.Keys(c.want))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: 30 * time.Second}
	for i := range 6 {
		c.idle.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				c.read(ctx, client, n%2, paths[n%len(paths)])
				time.Sleep(3 * time.Millisecond) // the rest of the machine is the nodes'
			}
		})
	}
	t.Cleanup(func() { cancel(); c.idle.Wait() })
	return c
}

func (c *crowdOfReaders) in(phase string) { c.phase.Store(&phase) }

func (c *crowdOfReaders) read(ctx context.Context, client *http.Client, node int, path string) {
	start := time.Now()
	var why string
	for range 2 {
		if why = c.ask(ctx, client, node, path); why == "" || ctx.Err() != nil {
			break
		}
		c.retry.Add(1)
		node = 1 - node
	}
	c.asked.Add(1)
	phase := *c.phase.Load()
	if why != "" && ctx.Err() == nil {
		c.failed.Add(1)
		text := phase + ": " + path + ": " + why
		c.first.CompareAndSwap(nil, &text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took[phase] = append(c.took[phase], time.Since(start))
}

// ask returns what was wrong, "" for nothing.
func (c *crowdOfReaders) ask(ctx context.Context, client *http.Client, node int, path string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.f.nodes[node].listen+path, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err.Error()
	case resp.StatusCode != http.StatusOK:
		return fmt.Sprintf("status %d: %s", resp.StatusCode, bytes.TrimSpace(body))
	case sha256.Sum256(body) != c.want[path]:
		return "other bytes"
	}
	return ""
}

// report ends the readers and tells what they met.
func (c *crowdOfReaders) report(t *testing.T) {
	t.Helper()
	c.end()
	c.idle.Wait()
	for _, phase := range slices.Sorted(maps.Keys(c.took)) {
		took := c.took[phase]
		slices.Sort(took)
		t.Logf("%-28s %6d requests, p50 %8v, p99 %8v, most %8v", phase, len(took), took[len(took)/2].Round(10*time.Microsecond),
			took[len(took)*99/100].Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond))
	}
	t.Logf("%d requests, %d asked of the other node, %d failed", c.asked.Load(), c.retry.Load(), c.failed.Load())
	if c.failed.Load() > 0 {
		t.Errorf("%d requests failed, the first: %s", c.failed.Load(), *c.first.Load())
	}
}

// TestClusterNodesOutages has readers ask without pause while Redis, the bucket and the nodes are killed, hang, and come back, and while
// pictures that nobody has asked for before are made.
func TestClusterNodesOutages(t *testing.T) {
	f := newFleet(t, 24, true)
	cold := f.posts[8:]
	f.posts = f.posts[:8]
	c := f.readers(t)
	fresh := func(phase string) { // one that is in no cache
		post := cold[0]
		cold = cold[1:]
		for i, n := range f.nodes {
			if a := nodeAnswerOf(t, "http://"+n.listen+"/p/"+post+"/w320.jpg"); a.Status != http.StatusOK {
				t.Errorf("%s: a cold picture at node %d: status %d", phase, i, a.Status)
			}
		}
	}
	during := func(phase string, begin, end func()) {
		c.in(phase)
		begin()
		fresh(phase)
		time.Sleep(2 * time.Second)
		fresh(phase)
		end()
		c.in("after: " + phase)
		time.Sleep(time.Second)
		fresh("after: " + phase)
	}
	time.Sleep(time.Second)
	during("Redis is killed", f.redis.Kill, f.redis.Start)
	during("Redis hangs", f.redis.Hang, f.redis.Resume)
	during("the bucket is killed", f.s3.Kill, f.s3.Start)
	during("the bucket hangs", f.s3.Hang, f.s3.Resume)
	for range 2 {
		for i, n := range f.nodes {
			c.in("a node is restarted")
			n.stop(t)
			n.start(t)
			c.in("a node is killed")
			f.nodes[1-i].kill(t)
			f.nodes[1-i].start(t)
		}
	}
	c.report(t)
	for i := range f.nodes {
		soon(t, "the nodes are well again", func() bool {
			a := nodeAnswerOf(t, "http://"+f.nodes[i].listen+"/readyz")
			return a.Status == http.StatusOK && strings.TrimSpace(string(a.Body)) == "ready"
		})
	}
}

// stop ends a node as an operator does, and waits for it.
func (n *cdnNode) stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-n.ended
}
