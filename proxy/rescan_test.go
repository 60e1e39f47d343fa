package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/transform"
)

// scans makes d scan what find returns.
func (d *desk) scans(find func(last *catalog.Catalog) (*catalog.Catalog, error)) {
	d.o.Scan = func(_ context.Context, last *catalog.Catalog, _ bool) (*catalog.Catalog, error) { return find(last) }
}

// rescan has the admin listener read the posts again.
func (d *desk) rescan(want int) (r RescanResult, body string) {
	d.t.Helper()
	w := d.ask("", http.MethodPost, "/rescan", "")
	body = w.Body.String()
	if w.Code != want {
		d.t.Fatalf("status %d, want %d: %s", w.Code, want, body)
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		d.t.Fatal(err)
	}
	return r, body
}

// TestRescan verifies that what the posts say is served from the answer on, and what the answer and the log say of it.
func TestRescan(t *testing.T) {
	d := newDesk(t)
	fox, logo, broken := d.id("fox"), d.id("logo"), d.id("broken")
	if _, body := d.get("/"); !strings.Contains(body, "A red fox") {
		t.Fatal("no fox on the sheet")
	}
	d.get("/p/fox/hero.webp")
	site := maps.Clone(posts)
	site["_posts/2026-01-02-fox.md"] = strings.Replace(posts["_posts/2026-01-02-fox.md"], "A red fox", "A grey fox", 1)
	site["_posts/2026-01-05-owl.md"] = "---\nimage: https://origin.example/owl.jpg\n---\n"
	delete(site, "_posts/2026-01-04-broken.md")
	c := scan(t, site)
	c.Kept = []string{"_posts/2026-01-03-logo.md"}
	c.Problems = []catalog.Problem{{File: "_posts/2026-01-03-logo.md", Line: 3, Severity: catalog.Error, Code: "bad-front-matter", Message: "…"}, {Severity: catalog.Warning}}
	d.scans(func(*catalog.Catalog) (*catalog.Catalog, error) { return c, nil })
	got, _ := d.rescan(http.StatusOK)
	want := RescanResult{
		Images: 3, Posts: 3, Added: 1, Removed: 1, Changed: 1, Kept: c.Kept, Problems: c.Problems[:1],
		SurrogateKeys: []string{"img-" + min(fox, broken), "img-" + max(fox, broken)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	d.rescan(http.StatusOK) // which begins when the one before has done all it does
	d.stub.set(func(s *stub) {
		want := []string{"https://origin.example/owl.jpg shown true", "https://origin.example/broken.jpg shown false"}
		if diff := cmp.Diff(want, s.refiled); diff != "" {
			t.Errorf("refiled (-want +got):\n%s", diff)
		}
	})
	resp, _ := d.get("/p/fox/hero.webp")
	if alt, loc := resp.Header.Get("Image-Alt"), resp.Header.Get("Content-Location"); alt != `%"A grey fox"` || d.id("fox") == fox || loc != "/i/"+d.id("fox")+"/w1600.webp" {
		t.Errorf("Image-Alt %s, Content-Location %s", alt, loc)
	}
	for path, status := range map[string]int{
		"/i/" + fox + "/hero.webp": 404, "/i/" + logo + "/hero.webp": 200, "/p/owl/hero.webp": 200, "/p/broken/hero.webp": 404,
		"/https%3A%2F%2Forigin.example%2Fbroken.jpg": 403, "/i/" + d.id("fox") + "/meta.json": 200, "/p/fox/figure.html": 200,
	} {
		if resp, _ := d.get(path); resp.StatusCode != status {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, status)
		}
	}
	for _, path := range []string{"/", "/catalog.json"} {
		if _, body := d.get(path); !strings.Contains(body, "A grey fox") || !strings.Contains(body, "owl.jpg") || strings.Contains(body, "broken.jpg") {
			t.Errorf("%s is of the scan before", path)
		}
	}
	d.http.Close() // whose requests write their lines after their answers
	for _, line := range []string{
		`"msg":"rescan","from":"127.0.0.1:4711"}`, `"msg":"posts read again","images":3,"posts":3,"added":1,"removed":1,"changed":1,"kept":1,`,
		`"msg":"a post cannot be read; what was read of it before is still shown","post":"_posts/2026-01-03-logo.md"`,
	} {
		if !strings.Contains(d.log.String(), line) {
			t.Errorf("the log lacks %s", line)
		}
	}
}

// TestRescanRemembers verifies that a snapshot has the memories of the one before, of entries that are the same, and no others.
func TestRescanRemembers(t *testing.T) {
	d := newDesk(t)
	first := d.snapshot()
	for _, post := range []string{"fox", "logo"} {
		d.get("/p/" + post + "/hero.png")
		d.get("/p/" + post + "/meta.json")
	}
	fox, _ := first.catalog.ByID(d.id("fox"))
	changed := *fox
	changed.Posts = append([]catalog.Post{{Path: "another.md", Slug: "another"}}, fox.Posts...)
	logo, _ := first.catalog.ByID(d.id("logo"))
	d.scans(func(*catalog.Catalog) (*catalog.Catalog, error) {
		return &catalog.Catalog{Entries: []*catalog.Entry{&changed, logo}}, nil
	})
	asked := len(d.stub.asked)
	d.rescan(http.StatusOK)
	if _, ok := d.snapshot().shelf.labels.Load(logo.ID); !ok {
		t.Error("the label of an entry that is the same is forgotten")
	}
	if resp, _ := d.get("/p/fox/meta.json"); !strings.Contains(resp.Header.Get("Surrogate-Key"), "post-another") {
		t.Errorf("the label of an entry with other posts: %s", resp.Header.Get("Surrogate-Key"))
	}
	if len(d.stub.asked) != asked {
		t.Error("the placeholder of the same picture was made again")
	}
	d.scans(func(*catalog.Catalog) (*catalog.Catalog, error) {
		return &catalog.Catalog{Entries: []*catalog.Entry{logo}}, nil
	})
	d.rescan(http.StatusOK)
	n := d.snapshot()
	_, label := n.shelf.labels.Load(fox.ID)
	if _, placed := n.placeholders.byID.Load(fox.ID); label || placed {
		t.Error("something is remembered of an entry that is gone")
	}
}

// TestRescanFails verifies that a scan that fails, or finds nothing, changes nothing.
func TestRescanFails(t *testing.T) {
	d := newDesk(t)
	if _, body := d.rescan(http.StatusNotImplemented); !strings.Contains(body, ErrNoRescan.Error()) {
		t.Errorf("without Scan: %s", body)
	}
	for _, tt := range []struct {
		name string
		find func(*catalog.Catalog) (*catalog.Catalog, error)
		want string
	}{
		{"an error", func(*catalog.Catalog) (*catalog.Catalog, error) { return nil, errors.New("no such folder") }, "what was read before is still served: no such folder"},
		{"nothing", func(*catalog.Catalog) (*catalog.Catalog, error) { return &catalog.Catalog{}, nil }, "what was read before is still served: " + ErrNoPictures.Error()},
		{"a panic", func(*catalog.Catalog) (*catalog.Catalog, error) { panic("oops") }, "what was read before is still served: scan: panic: oops"},
	} {
		before := d.snapshot()
		d.scans(tt.find)
		if _, body := d.rescan(http.StatusInternalServerError); !strings.Contains(body, tt.want) {
			t.Errorf("%s: %s", tt.name, body)
		}
		if resp, _ := d.get("/p/fox/hero.webp"); resp.StatusCode != http.StatusOK || d.snapshot() != before {
			t.Errorf("%s: afterwards status %d", tt.name, resp.StatusCode)
		}
	}
	if got := strings.Count(d.log.String(), "the posts cannot be read again"); got != 3 {
		t.Errorf("%d lines in the log, want 3", got)
	}
	d.scans(func(last *catalog.Catalog) (*catalog.Catalog, error) { return last, nil })
	if r, _ := d.rescan(http.StatusOK); r.Images != 3 || r.Added+r.Removed+r.Changed > 0 {
		t.Errorf("a scan that found the same: %+v", r)
	}
}

// TestRescanAdmits verifies that the rules are those of purges.
func TestRescanAdmits(t *testing.T) {
	const token = "a token of sixteen"
	for name, tt := range map[string]struct {
		token, method, body string
		fields              []string
		want                int
	}{
		"this machine":    {"", "POST", "", nil, 200},
		"a bent name":     {"", "POST", "", []string{"Host: evil.example:9091"}, 403},
		"a page":          {"", "POST", "", []string{"Origin: https://evil.example"}, 403},
		"GET":             {"", "GET", "", nil, 405},
		"no token":        {token, "POST", "", nil, 401},
		"wrong token":     {token, "POST", "", []string{"Authorization: Bearer another of sixteen"}, 401},
		"token":           {token, "POST", "", []string{"Authorization: Bearer " + token, "Host: admin.example"}, 200},
		"with what it is": {"", "POST", `{"post": "fox"}`, nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			scanned := false
			d.scans(func(last *catalog.Catalog) (*catalog.Catalog, error) { scanned = true; return last, nil })
			w := d.ask(tt.token, tt.method, "/rescan", tt.body, tt.fields...)
			if w.Code != tt.want || scanned != (tt.want == 200) || (w.Header().Get("Www-Authenticate") != "") != (tt.want == 401) {
				t.Errorf("status %d, scanned %t, want %d: %s", w.Code, scanned, tt.want, w.Body)
			}
			if audited := strings.Contains(d.log.String(), `"msg":"rescan","from":"127.0.0.1:4711"`); audited != (tt.method == "POST") {
				t.Errorf("audited: %t", audited)
			}
		})
	}
}

// TestRescansCollapse verifies that calls during a scan share the next one, that a caller who leaves takes nothing along, and that
// nobody gets the result of a scan that began before the call.
func TestRescansCollapse(t *testing.T) {
	c := scan(t, posts)
	synctest.Test(t, func(t *testing.T) {
		begun, end := 0, make(chan error)
		s, err := New(Options{Catalog: c, Renderer: &stub{}, Scan: func(ctx context.Context, last *catalog.Catalog, _ bool) (*catalog.Catalog, error) {
			begun++
			return last, errors.Join(<-end, ctx.Err())
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		errs := make(chan error, 20)
		call := func(ctx context.Context) { _, err := s.Rescan(ctx); errs <- err }
		go call(ctx)
		synctest.Wait()
		for range 10 {
			go call(t.Context())
		}
		synctest.Wait()
		leave()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("who left: %v", err)
		}
		if begun != 1 {
			t.Errorf("%d scans began, want 1", begun)
		}
		end <- nil
		synctest.Wait()
		if begun != 2 || len(errs) > 0 {
			t.Errorf("after the first: %d scans began, %d calls returned, want 2 and 0", begun, len(errs))
		}
		end <- errors.New("no")
		for range 10 {
			if err := <-errs; err == nil || err.Error() != "no" {
				t.Errorf("who shared the second: %v", err)
			}
		}
		synctest.Wait()
		if begun != 2 || s.rescans.running {
			t.Errorf("in the end: %d scans began, running: %t", begun, s.rescans.running)
		}
	})
}

// TestNoMixedWords verifies, with ten thousand requests during a hundred rescans, that all of an answer is of one scan.
func TestNoMixedWords(t *testing.T) {
	const requests, readers, swaps = 10_000, 20, 100
	d := newDesk(t)
	catalogs, ids := make([]*catalog.Catalog, 5), map[string]string{}
	for i := range catalogs {
		site := maps.Clone(posts)
		site["_posts/2026-01-02-fox.md"] = fmt.Sprintf("---\nimage: {path: https://origin.example/fox.jpg, alt: alt %d, credit: credit %d, caption: cutline %d}\n---\n", i, i, i)
		catalogs[i] = scan(t, site)
		e, _, err := catalogs[i].ByPost("fox")
		if err != nil {
			t.Fatal(err)
		}
		ids[e.ID] = fmt.Sprint(i)
	}
	ids[d.id("fox")] = "first"
	scanned := 0
	d.scans(func(*catalog.Catalog) (*catalog.Catalog, error) {
		scanned++
		return catalogs[scanned%len(catalogs)], nil
	})
	var asked atomic.Int64
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for asked.Add(1) <= requests {
				d.checkOneScan(ids)
			}
		})
	}
	for n := range int64(swaps) { // spread over the requests
		for asked.Load() < n*requests/swaps {
			runtime.Gosched()
		}
		if _, err := d.Rescan(t.Context()); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}

// checkOneScan asks for the fox and compares what its answer says of words and picture.
func (d *desk) checkOneScan(ids map[string]string) {
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, httptest.NewRequestWithContext(d.t.Context(), http.MethodGet, "/p/fox/w320."+transform.WebP.Ext(), nil))
	h := w.Header()
	id, _, _ := strings.Cut(strings.TrimPrefix(h.Get("Content-Location"), "/i/"), "/")
	k, ok := ids[id]
	want := [3]string{`%"alt ` + k + `"`, `%"credit ` + k + `"`, `%"cutline ` + k + `"`}
	if k == "first" {
		want = [3]string{`%"A red fox"`, `%"Ann Str%c3%b6m"`, `%"A fox in Oslo"`}
	}
	got := [3]string{h.Get("Image-Alt"), h.Get("Image-Credit"), h.Get("Image-Cutline")}
	if w.Code != http.StatusOK || !ok || got != want || !strings.HasPrefix(h.Get("Surrogate-Key"), "img-"+id+" ") {
		d.t.Errorf("status %d, ID %s, words %q, %s", w.Code, id, got, h.Get("Surrogate-Key"))
	}
}
