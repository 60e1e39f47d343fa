package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/prefetch"
)

// prefetched runs prefetch in this process and returns its report.
func prefetched(t *testing.T, wantCode int, args ...string) prefetchReport {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: &stderr, env: settingsEnv()}
	args = append([]string{"prefetch", "--report", "json", "--workers", "0", "--delay", "0s", "--formats", "jpg,webp"}, args...)
	if code := p.run(t.Context(), args); code != wantCode {
		t.Fatalf("exit code %d, want %d; it said:\n%s", code, wantCode, &stderr)
	}
	var r prefetchReport
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	return r
}

// originSite is a site whose posts show pictures of origin: two of them one picture.
func originSite(t *testing.T, origin *imagetest.Origin) (site, cacheDir string) {
	t.Helper()
	site = writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\nwidths: [24, 160]\n")
	for i, name := range []string{"fox", "owl", "fox"} {
		post := fmt.Sprintf("---\nimage:\n  path: %s\n  alt: A %s\n  credit: Ann\n---\n", origin.URL("/"+name+".jpg"), name)
		if err := os.WriteFile(filepath.Join(site, fmt.Sprintf("%d-%s.md", i, name)), []byte(post), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return site, t.TempDir()
}

// siteTree is every file below dir with its bytes and its date.
func siteTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := e.Info()
		found[strings.TrimPrefix(name, dir)] = info.ModTime().String() + "\n" + string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPrefetchAsksOriginsOnce(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/fox.jpg", imagetest.JPEG(t, 90, 60))
	origin.Serve("/owl.jpg", imagetest.JPEG(t, 60, 90))
	site, cacheDir := originSite(t, origin)
	r := prefetched(t, 0, "--cache", cacheDir, site)
	if r.Images != 2 || r.Requests != 2 || r.Decodes != 2 || origin.Total() != 2 || r.Written != r.Files {
		t.Fatalf("%d requests arrived; %+v", origin.Total(), r)
	}
	checkManifest(t, filepath.Join(site, "cutline.json"), 3)

	before := siteTree(t, site)
	r = prefetched(t, 0, "--cache", cacheDir, site)
	if r.Requests+r.Decodes+r.Encodes != 0 || r.Written+r.Documents != 0 || !maps.Equal(before, siteTree(t, site)) {
		t.Errorf("the second run: %+v", r)
	}
	r = prefetched(t, 0, "--cache", cacheDir, "--max-age", "1h", site)
	if r.Requests != 0 || origin.Total() != 2 {
		t.Errorf("asked an hour before the time: %+v", r)
	}
	r = prefetched(t, 0, "--cache", cacheDir, "--refresh", site)
	if r.Requests != 2 || r.Decodes != 0 || origin.Total() != 4 || !maps.Equal(before, siteTree(t, site)) {
		t.Errorf("asked, and nothing is new: %+v", r)
	}

	// Without the origin: from the manifest alone, and where that is gone from the cache, to the same bytes.
	origin.Close()
	r = prefetched(t, 0, "--cache", "off", "--offline", site)
	if r.Images != 2 || r.Requests != 0 || !maps.Equal(before, siteTree(t, site)) {
		t.Errorf("offline, without a cache: %+v", r)
	}
	for _, name := range []string{"cutline.json", "cutline"} {
		if err := os.RemoveAll(filepath.Join(site, name)); err != nil {
			t.Fatal(err)
		}
	}
	r = prefetched(t, 0, "--cache", cacheDir, "--offline", site)
	if r.Images != 2 || r.Requests+r.Decodes+r.Encodes != 0 || !maps.Equal(bodies(before), bodies(siteTree(t, site))) {
		t.Errorf("offline, from the cache: %+v", r)
	}
}

// bodies is a snapshot without dates.
func bodies(snapshot map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range snapshot {
		_, out[name], _ = strings.Cut(text, "\n")
	}
	return out
}

// checkManifest holds a manifest against its schema, and its files against what it promises.
func checkManifest(t *testing.T, name string, pages int) {
	t.Helper()
	c := jsonschema.NewCompiler()
	tree, err := jsonschema.UnmarshalJSON(strings.NewReader(manifest.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource(manifest.SchemaURL, tree); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(manifest.SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Error(err)
	}
	m, err := manifest.Decode(text, manifest.JSON)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Pages) != pages {
		t.Errorf("%d pages, want %d", len(m.Pages), pages)
	}
	for key, i := range m.Images {
		for _, f := range i.Files() {
			if info, err := os.Stat(filepath.Join(filepath.Dir(name), f.OutputPath)); err != nil || info.Size() != f.Size {
				t.Errorf("%s: %s is not what was promised: %v", key, f.OutputPath, err)
			}
		}
	}
}

// TestPrefetchWaitsForOrigins has an origin that wants a second's rest after the first request, and says so to all that come before.
func TestPrefetchWaitsForOrigins(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	var rest atomic.Pointer[time.Time]
	for name, body := range map[string][]byte{"/fox.jpg": imagetest.JPEG(t, 90, 60), "/owl.jpg": imagetest.JPEG(t, 60, 90)} {
		good := imagetest.Picture(body)
		origin.Handle(name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			until := time.Now().Add(900 * time.Millisecond)
			if rest.CompareAndSwap(nil, &until) || time.Now().Before(*rest.Load()) {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			good.ServeHTTP(w, r)
		}))
	}
	site, cacheDir := originSite(t, origin)
	r := prefetched(t, 0, "--cache", cacheDir, site)
	if r.Images != 2 || origin.Total() > 4 {
		t.Errorf("asked %d times; %+v", origin.Total(), r)
	}
}

func TestPrefetchNamesWhatFailed(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/fox.jpg", imagetest.JPEG(t, 90, 60))
	site, cacheDir := originSite(t, origin)
	r := prefetched(t, exitFailed, "--cache", cacheDir, site)
	if r.Images != 1 || len(r.Failures) != 1 || r.Failures[0].File != "1-owl.md" || r.Failures[0].Line != 3 || r.Failures[0].Kept ||
		!strings.Contains(r.Failures[0].Message, "/owl.jpg: its server has no such file, or hands it out to nobody but its own pages") {
		t.Errorf("got %+v", r)
	}
}

func TestPrefetchIsInterrupted(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	origin.Handle("/fox.jpg", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel(interrupt{syscall.SIGINT})
		<-r.Context().Done()
	}))
	origin.Serve("/owl.jpg", imagetest.JPEG(t, 60, 90))
	site, cacheDir := originSite(t, origin)
	p := program{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), env: settingsEnv()}
	if code := p.run(ctx, []string{"prefetch", "--workers", "0", "--formats", "jpg", "--cache", cacheDir, site}); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	if _, err := os.Stat(filepath.Join(site, "cutline.json")); err == nil {
		t.Error("a manifest was written")
	}
}

func TestProgressIsTold(t *testing.T) {
	var stderr bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := (&program{stderr: &stderr}).newProgress(prefetchOptions{}, func() time.Time { return now })
	for i := range 4 {
		now = now.Add(3 * time.Second)
		s.report(prefetch.Progress{Done: i + 1, Total: 4, Original: int64(i+1) * 1e6, Shown: int64(i+1) * 1e5})
	}
	want := "prefetch: 2 of 4 images, 1.8 MB saved, about 6s left\nprefetch: 4 of 4 images, 3.6 MB saved\n"
	if s.end(); stderr.String() != want {
		t.Errorf("got %q, want %q", &stderr, want)
	}
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ layout, out, url, wantOut, wantURL, wantUnder string }{
		{"jekyll", "", "", "assets/cutline", "/assets/cutline/", "assets/cutline/"},
		{"hugo", "", "", "static/cutline", "/cutline/", "static/cutline/"},
		{"astro", "", "", "public/cutline", "/cutline/", "public/cutline/"},
		{"zola", "", "", "static/cutline", "/cutline/", "static/cutline/"},
		{"hexo", "", "", "source/cutline", "/cutline/", "source/cutline/"},
		{"eleventy", "", "", "assets/cutline", "/assets/cutline/", "assets/cutline/"},
		{"plain", "", "", "cutline", "/cutline/", "cutline/"},
		{"eleventy", "public/a b", "", "public/a b", "/a%20b/", "public/a b/"},
		{"jekyll", "../x", "", "../x", "/cutline/", ""},
		{"jekyll", ".", "", ".", "/cutline/", ""},
		{"hugo", "", "https://cdn.example/x", "static/cutline", "https://cdn.example/x/", "static/cutline/"},
		{"hugo", "", "/blog/cutline/", "static/cutline", "/blog/cutline/", "static/cutline/"},
	} {
		o := prefetchOptions{url: tt.url}
		if tt.out != "" {
			o.out = filepath.Join(dir, tt.out)
		}
		got, err := o.places(dir, tt.layout)
		if err != nil || got.out != filepath.Join(dir, tt.wantOut) || got.url != tt.wantURL || got.under != tt.wantUnder {
			t.Errorf("%s %q %q: got %+v, error %v", tt.layout, tt.out, tt.url, got, err)
		}
	}
}

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "7d": 7 * 24 * time.Hour, "12h": 12 * time.Hour, "0s": 0, "1h30m": 90 * time.Minute} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("%q: got %s, error %v", text, got, err)
		}
	}
	for _, text := range []string{"7", "d", "-1h", "-1d", "1.5d", "99999d", "soon"} {
		if got, err := parseAge(text); err == nil {
			t.Errorf("%q: got %s, want an error", text, got)
		}
	}
}

func TestTempOf(t *testing.T) {
	for name, want := range map[string]string{
		tempName("a.jpg"): "a.jpg", ".a.jpg.tmp": "", "a.jpg": "", ".a.jpg." + strings.Repeat("1", 26) + ".tmp": "",
	} {
		if got, ok := tempOf(name); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, ok, want)
		}
	}
}
