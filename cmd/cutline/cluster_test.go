package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// A pair is two machines with one site, one bucket and one Redis, each with a disk and a copy of the site of its own.
type pair struct {
	redis  *miniredis.Miniredis
	origin *imagetest.Origin
	sites  [2]string
	nodes  [2]*served
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{redis: miniredis.RunT(t), origin: imagetest.NewOrigin(t)}
	p.edition(t, 40)
	bucket, file := t.TempDir(), imagetest.JPEG(t, 30, 20)
	for i := range p.nodes {
		p.sites[i] = sharedSite(t, p.origin.URL("/a.jpg"), bucket, file, time.Unix(1_700_000_000, 0))
		config := filepath.Join(p.sites[i], configName)
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte("cache: {"), []byte("cache: {redis: \"redis://"+p.redis.Addr()+"?prefix=news\", "), 1)
		if err := os.WriteFile(config, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p.nodes[i] = startServe(t, "--cache", t.TempDir(), p.sites[i])
	}
	return p
}

func (p *pair) stop(t *testing.T) {
	for _, n := range p.nodes {
		n.stop(t)
	}
}

// edition has the origin serve a picture of another height.
func (p *pair) edition(t *testing.T, height int) {
	p.origin.Serve("/a.jpg", imagetest.JPEG(t, 80, height))
}

// picture is the status and the tag of the picture at a machine.
func (p *pair) picture(t *testing.T, node int) (status int, tag string) {
	a := nodeAnswerOf(t, p.nodes[node].url+"/p/one/w24.jpg")
	return a.Status, a.Header.Get("Etag")
}

// hears reports whether a machine reads what others tell.
func (p *pair) hears(t *testing.T, node int) bool {
	t.Helper()
	_, text := tell(t, http.MethodGet, "http://"+p.nodes[node].admin+"/metrics", "")
	return strings.Contains(text, "\ncutline_cluster_connected 1\n")
}

// purge asks the first machine.
func (p *pair) purge(t *testing.T, body string) (answer string) {
	t.Helper()
	status, answer := askAdminAs(t, http.DefaultClient, p.nodes[0].admin, "", body)
	if status != http.StatusOK {
		t.Fatalf("purge %s: %d %s", body, status, answer)
	}
	return answer
}

// soon waits until what is true; machines hear of each other in milliseconds, of a busy machine in seconds.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Errorf("not so: %s", what)
}

// TestMachinesHearOfPurges purges, takes down and restores at one machine and asks another, also after Redis was away.
func TestMachinesHearOfPurges(t *testing.T) {
	p := newPair(t)
	defer p.stop(t)
	for i := range p.nodes {
		soon(t, "the machines have found Redis", func() bool {
			return p.hears(t, i)
		})
	}
	_, first := p.picture(t, 0)
	if status, tag := p.picture(t, 1); status != http.StatusOK || tag != first {
		t.Fatalf("the second machine: %d, tag %s, want the first one's, %s", status, tag, first)
	}
	p.edition(t, 50)
	p.purge(t, `{"post": "one"}`)
	_, second := p.picture(t, 0)
	soon(t, "the second machine has the second edition", func() bool { _, tag := p.picture(t, 1); return tag == second && tag != first })
	if n := p.origin.Hits("/a.jpg"); n > 4 {
		t.Errorf("the origin was asked %d times for two editions, want once by each machine for each edition at most", n)
	}
	// Redis that takes longer than a second, on a machine that is busy enough, is told later, and the answer says so.
	soon(t, "the first machine tells of a purge at once", func() bool { return !strings.Contains(p.purge(t, `{"post": "one"}`), `"note"`) })

	p.purge(t, `{"post": "one", "gone": true}`)
	soon(t, "the second machine has taken it down", func() bool { status, _ := p.picture(t, 1); return status == http.StatusGone })
	p.purge(t, `{"post": "one", "restore": true}`)
	soon(t, "the second machine has restored it", func() bool { status, _ := p.picture(t, 1); return status == http.StatusOK })

	addr := p.redis.Addr()
	p.redis.Close()
	p.edition(t, 60)
	if answer := p.purge(t, `{"post": "one"}`); !strings.Contains(answer, "other machines have not been told") {
		t.Errorf("purge without Redis: %s, want a note", answer)
	}
	_, third := p.picture(t, 0)
	if third == second {
		t.Error("the first machine has the second edition after a purge")
	}
	again := miniredis.NewMiniRedis()
	if err := again.StartAddr(addr); err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	soon(t, "the second machine hears when Redis is back", func() bool { _, tag := p.picture(t, 1); return tag == third })
}

// TestColdPictureIsMadeOnce has a hundred readers at each of two machines ask for one cold picture.
func TestColdPictureIsMadeOnce(t *testing.T) {
	p := newPair(t)
	defer p.stop(t)
	for i := range p.nodes {
		soon(t, "the machines have found Redis", func() bool { return p.hears(t, i) })
	}
	tags := make(chan string, 200)
	var readers sync.WaitGroup
	for i := range cap(tags) {
		readers.Go(func() {
			var a reply
			a.ask(t.Context(), http.DefaultClient, p.nodes[i%2].url+"/p/one/w24.png", nil)
			if a.err != nil || a.status != http.StatusOK {
				t.Errorf("status %d, %v", a.status, a.err)
			}
			tags <- a.header.Get("Etag")
		})
	}
	readers.Wait()
	close(tags)
	seen := map[string]bool{}
	for tag := range tags {
		seen[tag] = true
	}
	most, made, taken := 1.0, 0.0, 0.0
	for i := range p.nodes {
		made += p.metric(t, i, `cutline_transform_duration_seconds_count{format="png",op="encode"}`)
		taken += p.metric(t, i, `cutline_cluster_locks_total{result="taken"}`)
		// On a machine that is busy enough, Redis takes longer than an answer waits for it.
		if p.metric(t, i, `cutline_cluster_locks_total{result="bypassed"}`)+p.metric(t, i, `cutline_cluster_locks_total{result="timeout"}`) > 0 {
			most = 2
		}
	}
	if n := p.origin.Hits("/a.jpg"); n < 1 || float64(n) > most || made < 1 || made > most || len(seen) != 1 || taken == 0 && most == 1 {
		t.Errorf("%d fetches, made %v times, %v at most, %d tags, %v locks; want one tag", n, made, most, len(seen), taken)
	}
}

// metric is the value of a series at a machine; 0 where it is not there.
func (p *pair) metric(t *testing.T, node int, series string) float64 {
	t.Helper()
	return metricOf(t, p.nodes[node].admin, series)
}

// metricOf is the value of a series at an admin listener; 0 where it is not there.
func metricOf(t *testing.T, admin, series string) (value float64) {
	t.Helper()
	_, text := tell(t, http.MethodGet, "http://"+admin+"/metrics", "")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return value
}

// TestMachinesHearOfPosts has one machine read its posts again and finds that the other has, too.
func TestMachinesHearOfPosts(t *testing.T) {
	p := newPair(t)
	defer p.stop(t)
	for _, site := range p.sites {
		writePost(t, site, "new", "/two.jpg")
	}
	soon(t, "the first machine has told of its posts", func() bool {
		status, _ := tell(t, http.MethodPost, "http://"+p.nodes[0].admin+"/rescan", "")
		return status == http.StatusOK
	})
	soon(t, "the second machine knows the new post", func() bool {
		return nodeAnswerOf(t, p.nodes[1].url+"/p/new/w24.jpg").Status == http.StatusOK
	})
}

// TestRedisThatIsNotThere verifies that a machine starts and purges without its Redis.
func TestRedisThatIsNotThere(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	site := remoteSite(t, origin.URL("/a.jpg"))
	text := "fetch: {allow_private: [127.0.0.0/8]}\ncache: {redis: \"redis://ann:hush-hush@127.0.0.1:1?prefix=site\"}\n"
	if err := os.WriteFile(filepath.Join(site, configName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, "--cache", t.TempDir(), site)
	if code, err := status(s.url + "/p/one/w24.jpg"); err != nil || code != http.StatusOK {
		t.Errorf("status %d, %v", code, err)
	}
	code, answer := askAdminAs(t, http.DefaultClient, s.admin, "", `{"post": "one"}`)
	if code != http.StatusOK || !strings.Contains(answer, "other machines have not been told") {
		t.Errorf("purge: %d %s", code, answer)
	}
	if code, err := status(s.url + "/p/one/w24.jpg"); err != nil || code != http.StatusOK || origin.Total() != 2 {
		t.Errorf("after a purge: status %d, %v, the origin was asked %d times", code, err, origin.Total())
	}
	s.stop(t)
	if log := s.log(); strings.Contains(log, "hush-hush") || !strings.Contains(log, "Redis cannot be used") {
		t.Errorf("log: %s", log)
	}
}

func TestParseRedis(t *testing.T) {
	for in, want := range map[string]string{
		"redis://127.0.0.1:6379?prefix=news":                        "redis://127.0.0.1:6379?prefix=news",
		"redis://ann:hush@redis.example:6379/2?prefix=news":         "redis://ann:***@redis.example:6379/2?prefix=news",
		"rediss://redis.example:6379?addr=b.example:1&prefix=n.e-w": "rediss://redis.example:6379?addr=b.example:1&prefix=n.e-w",
		"unix:///run/redis.sock?prefix=news":                        "unix:///run/redis.sock?prefix=news",
	} {
		got, err := parseRedis(in)
		if err != nil || got != in {
			t.Errorf("parseRedis(%q) = %q, %v", in, got, err)
		}
		if shown := redisText(got).Value; shown != want {
			t.Errorf("%q is shown as %q, want %q", in, shown, want)
		}
	}
	for _, in := range []string{
		"redis", "http://127.0.0.1?prefix=news", "redis://127.0.0.1:6379", "redis://127.0.0.1?prefix=", "redis://127.0.0.1?prefix=a&prefix=b",
		"redis://127.0.0.1?prefix={a}", "redis://ann:hush@%zz?prefix=a", "redis://127.0.0.1:x?prefix=a",
	} {
		got, err := parseRedis(in)
		if err == nil {
			t.Errorf("parseRedis(%q) = %q, want an error", in, got)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("parseRedis(%q): the error has the password: %v", in, err)
		}
	}
}
