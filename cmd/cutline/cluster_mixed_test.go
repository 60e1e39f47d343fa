//go:build integration && linux

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// anotherBuild compiles the program with other texts in place of some of its source: file, old, new.
func anotherBuild(t *testing.T, changes ...[3]string) (program string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for _, c := range changes {
		file := filepath.Join(root, filepath.FromSlash(c[0]))
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), c[1]) != 1 {
			t.Fatalf("%s does not have %s once", c[0], c[1])
		}
		changed := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(changed, []byte(strings.Replace(string(text), c[1], c[2], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[file] = changed
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "cutline")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// exchange ends a node and starts another build in its place, with the disk that it had.
func (f *fleet) exchange(t *testing.T, node int, program string) {
	t.Helper()
	f.nodes[node].stop(t)
	f.nodes[node].program = program
	f.nodes[node].start(t)
	soon(t, "the node has found Redis", func() bool { return f.metric(t, node, "cutline_cluster_connected") == 1 })
}

// startEmpty kills a node and starts it with nothing on its disk.
func (f *fleet) startEmpty(t *testing.T, node int) {
	t.Helper()
	n := f.nodes[node]
	n.kill(t)
	n.cache = t.TempDir()
	n.start(t)
}

// encodes is how many pictures a node has made since it started.
func (f *fleet) encodes(t *testing.T, node int) (n float64) {
	t.Helper()
	for _, format := range []string{"jpg", "webp", "png"} {
		n += f.metric(t, node, `cutline_transform_duration_seconds_count{format="`+format+`",op="encode"}`)
	}
	return n
}

// wants checks that a node has all pictures.
func (f *fleet) wants(t *testing.T, node int, when string) {
	t.Helper()
	for path, a := range f.answers(t, node, f.urls()) {
		if a.Status != http.StatusOK {
			t.Errorf("%s: %s at node %d: status %d", when, path, node, a.Status)
		}
	}
}

// TestClusterNodesOfTwoEngines exchanges one of two nodes for a build whose engine makes other bytes: it makes its own pictures of the
// originals that are there, and leaves those of the first node where they are.
func TestClusterNodesOfTwoEngines(t *testing.T) {
	f := newFleet(t, 3, true)
	f.wants(t, 0, "at first")
	asked := f.origin.Total()
	time.Sleep(4 * time.Second) // what is written behind the answers
	f.exchange(t, 1, anotherBuild(t, [3]string{"internal/transform/goengine/goengine.go", `const revision = "3"`, `const revision = "4"`}))
	f.wants(t, 1, "of another engine")
	if n := f.encodes(t, 1); n != float64(len(f.urls())) {
		t.Errorf("another engine made %v of %d pictures itself", n, len(f.urls()))
	}
	if n := f.origin.Total() - asked; n != 0 {
		t.Errorf("another engine asked the origin %d times", n)
	}
	tag := nodeAnswerOf(t, "http://"+f.nodes[1].listen+"/p/p0/w24.png").Header.Get("Etag")
	f.edition(t, "p0", 1)
	if status, answer := askAdminAs(t, http.DefaultClient, f.nodes[0].admin, "", `{"post": "p0"}`); status != http.StatusOK || strings.Contains(answer, `"note"`) {
		t.Fatalf("purge: %d %s", status, answer)
	}
	soon(t, "the purge has reached the other build", func() bool {
		return nodeAnswerOf(t, "http://"+f.nodes[1].listen+"/p/p0/w24.png").Header.Get("Etag") != tag
	})
	f.wants(t, 0, "after the purge")
	time.Sleep(4 * time.Second)
	f.origin.Close()
	for i := range f.nodes {
		f.startEmpty(t, i)
		f.wants(t, i, "with an empty disk, from the bucket")
		if n := f.encodes(t, i); n != 0 && i == 0 {
			t.Errorf("the first engine's pictures are gone: it made %v anew", n)
		}
	}
}

// TestClusterNodesOfTwoLayouts exchanges one of two nodes for a build of which every version is another: neither sees what the other
// keeps, nor removes it, and each passes over what the other tells; and then for the first build again, which finds what it left.
func TestClusterNodesOfTwoLayouts(t *testing.T) {
	f := newFleet(t, 2, true)
	f.wants(t, 0, "at first")
	f.wants(t, 1, "at first")
	asked := f.origin.Total()
	f.exchange(t, 1, anotherBuild(t,
		[3]string{"cache/cache.go", `const keySchema = "cutline key 1"`, `const keySchema = "cutline key 2"`},
		[3]string{"cache/diskfolder.go", `versionFolder = "v1"`, `versionFolder = "v2"`},
		[3]string{"cache/frame.go", `frameVersion = 1`, `frameVersion = 2`},
		[3]string{"cache/bucket/object.go", `layout = "v1"`, `layout = "v2"`},
		[3]string{"internal/cluster/message.go", `messageVersion  = 1`, `messageVersion  = 2`},
	))
	f.wants(t, 1, "of another layout")
	if n := f.origin.Total() - asked; n != len(f.posts) {
		t.Errorf("another layout asked the origin %d times, want once for each of %d pictures", n, len(f.posts))
	}
	if status, answer := askAdminAs(t, http.DefaultClient, f.nodes[0].admin, "", `{"post": "p0"}`); status != http.StatusOK {
		t.Fatalf("purge: %d %s", status, answer)
	}
	soon(t, "what the other told is passed over", func() bool {
		return f.metric(t, 1, `cutline_cluster_messages_total{result="ignored"}`) == 1
	})
	f.wants(t, 0, "after the purge")
	time.Sleep(4 * time.Second)
	f.exchange(t, 1, "")
	f.origin.Close()
	for i := range f.nodes {
		f.startEmpty(t, i)
		f.wants(t, i, "with an empty disk, from the bucket")
		if n := f.encodes(t, i); n != 0 {
			t.Errorf("node %d made %v pictures anew", i, n)
		}
	}
}

// TestClusterNodesHungNode has a node stand still while it fetches a picture and holds its lock. The other is not held up, and purges; what the
// first has in hand when it goes on is from before, and is kept nowhere.
func TestClusterNodesHungNode(t *testing.T) {
	f := newFleet(t, 1, true)
	tagAt := func(node int) string {
		a := nodeAnswerOf(t, "http://"+f.nodes[node].listen+"/p/p0/w320.jpg")
		if a.Status != http.StatusOK {
			t.Errorf("node %d: status %d", node, a.Status)
		}
		return a.Header.Get("Etag")
	}
	open := make(chan struct{})
	f.origin.Handle("/p0.jpg", imagetest.Gate(open, imagetest.Picture(imagetest.JPEG(t, 400, 300))))
	var reader sync.WaitGroup
	reader.Go(func() {
		if resp, err := http.Get("http://" + f.nodes[0].listen + "/p/p0/w320.jpg"); err == nil { //nolint:noctx // it ends with the node
			_ = resp.Body.Close()
		}
	})
	soon(t, "the first node fetches", func() bool { return f.origin.Hits("/p0.jpg") == 1 })
	hung := f.nodes[0].cmd.Process
	if err := hung.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hung.Signal(syscall.SIGCONT) }) // or it could not end
	close(open)
	f.edition(t, "p0", 1)
	before := tagAt(1)
	f.edition(t, "p0", 2)
	if status, answer := askAdminAs(t, http.DefaultClient, f.nodes[1].admin, "", `{"post": "p0"}`); status != http.StatusOK || strings.Contains(answer, `"note"`) {
		t.Fatalf("purge: %d %s", status, answer)
	}
	want := tagAt(1)
	if want == before {
		t.Fatal("the purge has changed nothing")
	}
	if err := hung.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	reader.Wait()
	soon(t, "the first node has what came after the purge", func() bool { return tagAt(0) == want })
	time.Sleep(4 * time.Second) // what is written behind the answers
	f.origin.Close()
	for i := range f.nodes {
		f.startEmpty(t, i)
		if got := tagAt(i); got != want {
			t.Errorf("node %d has %s from the bucket, want %s", i, got, want)
		}
	}
}

// A slowBucket is between nodes and an S3 server, and keeps what changes something waiting.
type slowBucket struct {
	mu     sync.Mutex
	open   chan struct{} // closed while nothing is kept waiting
	events []string      // "begin", "end" or "given up", method and path
}

// front begins with the gate shut.
func (s *slowBucket) front(t *testing.T, s3 string) string {
	s.shut()
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s3})
		r.Out.Host = r.In.Host // it is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.note("begin", r)
			s.mu.Lock()
			open := s.open
			s.mu.Unlock()
			select {
			case <-open:
			case <-r.Context().Done():
				s.note("given up", r)
				return
			}
			defer s.note("end", r)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func (s *slowBucket) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = make(chan struct{})
}

func (s *slowBucket) unshut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.open)
}

func (s *slowBucket) note(what string, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, what+" "+r.Method+" "+r.URL.Path)
}

// index is where the first event is that begins so and has part in it, -1 where none does.
func (s *slowBucket) index(begins, part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.IndexFunc(s.events, func(e string) bool { return strings.HasPrefix(e, begins) && strings.Contains(e, part) })
}

func (s *slowBucket) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// TestClusterNodesSlowBucket keeps all that the nodes write waiting. Answers do not wait, a pointer never comes before its original, and a
// purge says when it failed.
func TestClusterNodesSlowBucket(t *testing.T) {
	var slow slowBucket
	f := newFleetBehind(t, 2, false, func(s3 string) string { return slow.front(t, s3) })
	if a := nodeAnswerOf(t, "http://"+f.nodes[0].listen+f.urls()[0]); a.Status != http.StatusOK || slow.index("end", "") >= 0 || slow.index("given up", "") >= 0 {
		t.Fatalf("status %d, or the answer waited for a write: %q", a.Status, slow.all())
	}
	for i := range f.nodes {
		f.wants(t, i, "while nothing can be written")
	}
	slow.unshut()
	soon(t, "all is written", func() bool {
		return slow.index("end PUT", "/pointer/") >= 0 && slow.index("end PUT", "/rendition/") >= 0
	})
	if original, pointer := slow.index("end PUT", "/original/"), slow.index("begin PUT", "/pointer/"); original < 0 || pointer < original {
		t.Errorf("a pointer came before its original: %q", slow.all())
	}
	time.Sleep(4 * time.Second) // the rest of it
	slow.shut()
	status, answer := askAdminAs(t, http.DefaultClient, f.nodes[0].admin, "", `{"post": "p0"}`)
	t.Logf("a purge of a bucket that lets nothing go: %d %s", status, answer)
	if status == http.StatusOK || f.metric(t, 0, "cutline_purge_failures_total") != 1 {
		t.Error("it does not say that it failed")
	}
	slow.unshut()
	if status, answer := askAdminAs(t, http.DefaultClient, f.nodes[0].admin, "", `{"post": "p0"}`); status != http.StatusOK {
		t.Errorf("after it: %d %s", status, answer)
	}
	f.wants(t, 0, "after it")
}
