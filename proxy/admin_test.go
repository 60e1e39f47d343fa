package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
)

// ask sends a request to the admin handler, as a program on this machine does; fields are "Name: value".
func (d *desk) ask(token, method, path, body string, fields ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	req := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1:9091"+path, strings.NewReader(body))
	req.RemoteAddr = "127.0.0.1:4711"
	req.Header.Set("Content-Type", "application/json")
	for _, f := range fields {
		if name, value, _ := strings.Cut(f, ": "); name == "Host" {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	d.AdminHandler(AdminOptions{Token: token, Volatile: d.volatile}).ServeHTTP(w, req)
	return w
}

// TestAdminAdmits verifies who may purge, K10 of the fault matrix among them: nobody by GET, without the token where there
// is one, with a large body, or from a page in a browser.
func TestAdminAdmits(t *testing.T) {
	const token = "a token of sixteen"
	const fox = `{"post": "fox"}`
	for name, tt := range map[string]struct {
		token, method, path, body string
		fields                    []string
		want                      int
	}{
		"this machine":                 {"", "POST", "/purge", fox, nil, 200},
		"localhost":                    {"", "POST", "/purge", fox, []string{"Host: localhost:9091"}, 200},
		"IPv6":                         {"", "POST", "/purge", fox, []string{"Host: [::1]:9091"}, 200},
		"IPv6 without port":            {"", "POST", "/purge", fox, []string{"Host: [::1]"}, 200},
		"a name bent to loopback":      {"", "POST", "/purge", fox, []string{"Host: evil.example:9091"}, 403},
		"a name that looks like it":    {"", "POST", "/purge", fox, []string{"Host: localhost.evil.example"}, 403},
		"another address":              {"", "POST", "/purge", fox, []string{"Host: 10.0.0.1:9091"}, 403},
		"no host":                      {"", "POST", "/purge", fox, []string{"Host: "}, 403},
		"a page":                       {"", "POST", "/purge", fox, []string{"Origin: https://evil.example"}, 403},
		"a page without origin":        {"", "POST", "/purge", fox, []string{"Origin: null"}, 403},
		"a form":                       {"", "POST", "/purge", fox, []string{"Content-Type: text/plain"}, 415},
		"GET":                          {"", "GET", "/purge", "", nil, 405},
		"PURGE":                        {"", "PURGE", "/purge", fox, nil, 405},
		"no token":                     {token, "POST", "/purge", fox, nil, 401},
		"wrong token":                  {token, "POST", "/purge", fox, []string{"Authorization: Bearer another of sixteen"}, 401},
		"the token's beginning":        {token, "POST", "/purge", fox, []string{"Authorization: Bearer a token of sixtee"}, 401},
		"another scheme":               {token, "POST", "/purge", fox, []string{"Authorization: Basic " + token}, 401},
		"token":                        {token, "POST", "/purge", fox, []string{"Authorization: bearer " + token}, 200},
		"token, from elsewhere":        {token, "POST", "/purge", fox, []string{"Authorization: Bearer " + token, "Host: admin.example"}, 200},
		"large body":                   {"", "POST", "/purge", `{"source": "` + strings.Repeat("a", 10_000_000) + `"}`, nil, 413},
		"large body, one that began":   {"", "POST", "/purge", fox + strings.Repeat(" ", 10_000_000), nil, 413},
		"no body":                      {"", "POST", "/purge", "", nil, 400},
		"no object":                    {"", "POST", "/purge", `"fox"`, nil, 400},
		"two objects":                  {"", "POST", "/purge", fox + fox, nil, 400},
		"misspelt":                     {"", "POST", "/purge", `{"posts": "fox"}`, nil, 400},
		"nothing named":                {"", "POST", "/purge", `{}`, nil, 400},
		"two named":                    {"", "POST", "/purge", `{"post": "fox", "all": true}`, nil, 400},
		"gone and restore":             {"", "POST", "/purge", `{"post": "fox", "gone": true, "restore": true}`, nil, 400},
		"everything gone":              {"", "POST", "/purge", `{"all": true, "gone": true}`, nil, 400},
		"alive":                        {"", "GET", "/livez", "", nil, 200},
		"alive, asked with POST":       {"", "POST", "/livez", "", nil, 405},
		"somewhere else":               {"", "POST", "/purge/all", fox, nil, 404},
		"pictures are not served here": {"", "GET", "/p/fox/hero.webp", "", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			w := d.ask(tt.token, tt.method, tt.path, tt.body, tt.fields...)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d: %.200s", w.Code, tt.want, w.Body)
			}
			if purged := len(d.stub.purged) > 0; purged != (tt.want == 200 && tt.path == "/purge") {
				t.Errorf("purged: %t", purged)
			}
			if got := w.Header().Get("Www-Authenticate"); (got != "") != (tt.want == 401) {
				t.Errorf("WWW-Authenticate %q", got)
			}
			audited := strings.Contains(d.log.String(), `"msg":"purge","from":"127.0.0.1:4711"`)
			if audited != (tt.path == "/purge" && tt.method == "POST") {
				t.Errorf("audited: %t", audited)
			}
			if strings.Contains(d.log.String()+w.Body.String(), token) {
				t.Error("the token shows")
			}
		})
	}
}

// late are peers that note how long they have.
type late struct{ until chan time.Time }

func (p late) Purged(ctx context.Context, _ render.Purge, _ []source.Source) render.Order {
	until, _ := ctx.Deadline()
	p.until <- until
	return render.Order{}
}

func (late) Rescanned(context.Context) {}

// TestPurgeThatWaited verifies that a purge has all of its time, however long the one before it took.
func TestPurgeThatWaited(t *testing.T) {
	d := newDesk(t)
	peers := late{make(chan time.Time, 1)}
	d.o.Peers = peers
	answer := make(chan int)
	d.purging.Lock()
	go func() { answer <- d.ask("", http.MethodPost, "/purge", `{"post": "fox"}`).Code }()
	time.Sleep(50 * time.Millisecond) // it waits; where it is slower, there is nothing to see
	over := time.Now()
	d.purging.Unlock()
	if status, until := <-answer, <-peers.until; status != http.StatusOK || until.Before(over.Add(purgeTime)) {
		t.Errorf("status %d, and %s to do it in, want %s", status, until.Sub(over), purgeTime)
	}
}

// TestNothingOfAdminIsPublic is K12 of the fault matrix.
func TestNothingOfAdminIsPublic(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/metrics", "/debug/pprof", "/debug/pprof/", "/debug/vars", "/purge", "/rescan", "/admin"} {
		if resp, _ := d.get(path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, resp.StatusCode)
		}
		if resp, _ := d.do(http.MethodPost, path); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d, want 405", path, resp.StatusCode)
		}
	}
	if len(d.stub.purged) > 0 {
		t.Error("something was purged")
	}
}

// TestPurgeNames verifies which sources a wish names, and what the answer tells of them.
func TestPurgeNames(t *testing.T) {
	const fox, logo, broken = "https://origin.example/fox.jpg", "https://origin.example/logo.png", "https://origin.example/broken.jpg"
	for name, tt := range map[string]struct {
		body string
		want []string // with the purge's number: 0 forget, 1 withdraw, 2 restore
		code int
	}{
		"post":                    {`{"post": "fox"}`, []string{"0 " + fox}, 200},
		"source":                  {`{"source": "` + fox + `"}`, []string{"0 " + fox}, 200},
		"source, spelt otherwise": {`{"source": "HTTPS://Origin.Example:443/fox.jpg"}`, []string{"0 " + fox}, 200},
		"source of no post":       {`{"source": "https://seen.example/fox.jpg"}`, []string{"0 https://seen.example/fox.jpg"}, 200},
		"source never seen":       {`{"source": "https://seen.example/cat.jpg"}`, []string{"0 https://seen.example/cat.jpg"}, 404},
		"taken down in advance":   {`{"source": "https://seen.example/cat.jpg", "gone": true}`, []string{"1 https://seen.example/cat.jpg"}, 200},
		"file of no post":         {`{"source": "/img/cat.jpg"}`, nil, 404},
		"no source":               {`{"source": "ftp://origin.example/fox.jpg"}`, nil, 400},
		"host":                    {`{"host": "origin.example"}`, []string{"0 " + fox, "0 " + logo, "0 " + broken}, 200},
		"hosts below":             {`{"host": "*.example.net"}`, nil, 404},
		"no host":                 {`{"host": "https://origin.example"}`, nil, 400},
		"all":                     {`{"all": true}`, []string{"0 " + fox, "0 " + logo, "0 " + broken}, 200},
		"gone":                    {`{"post": "logo", "gone": true}`, []string{"1 " + logo}, 200},
		"restore":                 {`{"all": true, "restore": true}`, []string{"2 " + broken}, 200},
		"nothing to restore":      {`{"post": "fox", "restore": true}`, nil, 404},
		"unknown post":            {`{"post": "fux"}`, nil, 404},
		"unknown id":              {`{"id": "0000000000000000"}`, nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			gone, _, err := d.snapshot().catalog.ByPost("broken")
			if err != nil {
				t.Fatal(err)
			}
			d.stub.gone[gone.Source] = true
			w := d.ask("", "POST", "/purge", tt.body)
			got := slices.Sorted(slices.Values(d.stub.purged))
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); w.Code != tt.code || diff != "" {
				t.Errorf("status %d, want %d; purged (-want +got):\n%s\n%s", w.Code, tt.code, diff, w.Body)
			}
			if tt.code == 404 && !strings.Contains(w.Body.String(), `"error": "`) {
				t.Errorf("no reason: %s", w.Body)
			}
		})
	}
}

// TestPurgeAnswers verifies the answer as a whole: each source once, with the images that show it and the keys to purge a
// CDN by; and that what the cache could not let go is not told as done.
func TestPurgeAnswers(t *testing.T) {
	d := newDesk(t)
	shared := scan(t, map[string]string{
		"_posts/2026-01-01-a.md": "---\nimage: https://origin.example/fox.jpg\n---\n",
		"_posts/2026-01-02-b.md": "---\nimage: {path: \"https://origin.example/fox.jpg\", alt: A fox}\n---\n",
	})
	s, err := New(Options{Catalog: shared, Renderer: d.stub, Hosts: []string{"images.example.org"}, Log: d.Server.log})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	ids := make([]string, 0, 2)
	for _, e := range shared.Entries {
		ids = append(ids, e.ID)
	}
	want := PurgeResult{
		How: "forgotten", Purged: 1,
		Sources:       []PurgedSource{{Source: "https://origin.example/fox.jpg", Cached: true, Images: ids}},
		SurrogateKeys: []string{"img-" + ids[0], "img-" + ids[1]},
		Note:          "pictures of fetch.hosts that no post shows are not listed anywhere: purge each by its source",
	}
	check := func(w *httptest.ResponseRecorder, code int) {
		t.Helper()
		var got PurgeResult
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); w.Code != code || diff != "" {
			t.Errorf("status %d, want %d; answer (-want +got):\n%s", w.Code, code, diff)
		}
	}
	check(d.ask("", "POST", "/purge", `{"all": true}`), 200)
	want.SurrogateKeys = []string{"host-origin.example"}
	check(d.ask("", "POST", "/purge", `{"host": "origin.example"}`), 200)
	want.Note = ""
	want.SurrogateKeys = []string{"img-" + ids[0], "img-" + ids[1]}
	check(d.ask("", "POST", "/purge", `{"id": "`+ids[1]+`"}`), 200)
	want.How, want.Note = "taken down", "the cache is in memory only: what was taken down is back when the server starts again"
	d.volatile = true
	check(d.ask("", "POST", "/purge", `{"post": "a", "gone": true}`), 200)
	want.How, want.Note = "forgotten", ""
	d.stub.set(func(s *stub) { s.stuck = errors.New("disk on fire") })
	want.Purged, want.Failed, want.SurrogateKeys = 0, 1, []string{}
	want.Sources[0].Error = "disk on fire"
	check(d.ask("", "POST", "/purge", `{"post": "a"}`), 500)
	if !strings.Contains(d.log.String(), `"purged":0,"failed":1`) || !strings.Contains(d.log.String(), "disk on fire") {
		t.Errorf("not in the log:\n%s", d.log)
	}
}
