package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// sharedSite is a copy of one site for a machine of its own: a post with a remote picture, and one with a file that is as old as
// the copy.
func sharedSite(t *testing.T, src, bucket string, picture []byte, made time.Time) string {
	t.Helper()
	site := remoteSite(t, src)
	for name, text := range map[string]string{
		"cutline.yaml": "fetch: {allow_private: [127.0.0.0/8]}\ncache: {bucket: \"file://" + bucket + "?create_dir=1&prefix=news\"}\n",
		"two.md":       "---\ntitle: Two\nimage: /two.jpg\n---\n",
		"two.jpg":      string(picture),
	} {
		if err := os.WriteFile(filepath.Join(site, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What says when the words changed is the posts' dates, which copies have in common (rsync -t, an image).
	posted := time.Unix(1_600_000_000, 0)
	for name, at := range map[string]time.Time{"two.jpg": made, "one.md": posted, "two.md": posted} {
		if err := os.Chtimes(filepath.Join(site, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	return site
}

// A nodeAnswer is what a reader has of an answer, without what says how and when it came about.
type nodeAnswer struct {
	Status int
	Header http.Header
	Body   []byte
}

func nodeAnswerOf(t *testing.T, url string) nodeAnswer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Date", "Age", "Cache-Status", "Server-Timing"} {
		resp.Header.Del(name)
	}
	return nodeAnswer{resp.StatusCode, resp.Header, body}
}

// TestBucketWarmsANode verifies that a machine with nothing of its own answers from the bucket, while the origin is dead, what another
// answered: the same bytes, tags, dates and all other headers; also of a file of which its copy is younger.
func TestBucketWarmsANode(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 400, 300))
	bucket, file := t.TempDir(), imagetest.JPEG(t, 300, 200)
	paths := []string{"/p/one/w320.jpg", "/p/one/w24.png", "/p/two/w160.jpg"}

	first := startServe(t, "--cache", "off", sharedSite(t, origin.URL("/a.jpg"), bucket, file, time.Unix(1_700_000_000, 0)))
	want := map[string]nodeAnswer{}
	for _, path := range paths {
		if want[path] = nodeAnswerOf(t, first.url+path); want[path].Status != http.StatusOK {
			t.Fatalf("%s: status %d", path, want[path].Status)
		}
	}
	first.stop(t)

	asked := origin.Total()
	origin.Handle("/a.jpg", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	second := startServe(t, "--cache", t.TempDir(), sharedSite(t, origin.URL("/a.jpg"), bucket, file, time.Unix(1_710_000_000, 0)))
	defer second.stop(t)
	for _, path := range paths {
		if diff := cmp.Diff(want[path], nodeAnswerOf(t, second.url+path)); diff != "" {
			t.Errorf("%s (-first +second):\n%s", path, diff)
		}
	}
	// A size that nobody has made yet is made of the original in the bucket.
	if got := nodeAnswerOf(t, second.url+"/p/one/w160.jpg"); got.Status != http.StatusOK {
		t.Errorf("a size of its own: status %d", got.Status)
	}
	if n := origin.Total() - asked; n != 0 {
		t.Errorf("the second asked the origin %d times, want never", n)
	}
}

// TestBucketThatIsNotThere verifies that a server starts without its bucket, answers, and says so in /readyz.
func TestBucketThatIsNotThere(t *testing.T) {
	dead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer dead.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "expired")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "expired")
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	site := remoteSite(t, origin.URL("/a.jpg"))
	text := "fetch: {allow_private: [127.0.0.0/8]}\ncache: {bucket: \"s3://news?prefix=site&region=us-east-1&use_path_style=true&endpoint=" +
		dead.URL + "\"}\n"
	if err := os.WriteFile(filepath.Join(site, "cutline.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	if code, err := status(s.url + "/p/one/w24.jpg"); err != nil || code != http.StatusOK {
		t.Errorf("status %d, %v", code, err)
	}
	if got := nodeAnswerOf(t, s.url+"/readyz"); got.Status != http.StatusOK || !bytes.Contains(got.Body, []byte(bucketRefused)) {
		t.Errorf("/readyz: %d %q, want 200 and %q", got.Status, got.Body, bucketRefused)
	}
}
