package main

import (
	"flag"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

var updateMetrics = flag.Bool("update-metrics", false, "write the list of metrics anew")

// metricsGolden lists what is scraped: a metric a line, its type, its labels, and the values of labels of which all are always there.
// Names and labels are a promise to dashboards and alerts: what is changed here is changed for whoever has some.
const metricsGolden = "../../internal/telemetry/testdata/metrics.golden"

// TestMetricsGolden compares what a server tells after it has done something of each kind.
func TestMetricsGolden(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 840, 40))
	s := startServe(t, "--cache", t.TempDir(), remoteSite(t, origin.URL("/a.jpg")))
	defer s.stop(t)
	for _, req := range [][2]string{
		{"GET", "/p/one/w320.jpg"}, {"GET", "/p/one/w320.jpg"}, {"GET", "/p/one/w320.jpg"}, {"HEAD", "/p/one/w320.jpg"}, {"GET", "/p/one/w160.png"},
		{"GET", "/p/two/hero.jpg"}, {"GET", "/"}, {"GET", "/readyz"}, {"BREW", "/livez"}, {"GET", "/https%3A%2F%2Felsewhere.example%2Fx.jpg?w=100"},
	} {
		tell(t, req[0], s.url+req[1], "")
	}
	tell(t, "POST", "http://"+s.admin+"/purge", `{"post": "one"}`)
	tell(t, "POST", "http://"+s.admin+"/rescan", "")
	status, text := tell(t, "GET", "http://"+s.admin+"/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("GET /metrics: %d %s", status, text)
	}
	got := outline(text)
	if *updateMetrics {
		if err := os.WriteFile(metricsGolden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(metricsGolden)
	if err != nil {
		t.Fatalf("%v; go test -run TestMetricsGolden ./cmd/cutline -update-metrics writes it", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("metrics (-want +got); -update-metrics writes the file:\n%s", diff)
	}
	for _, sample := range []string{
		`cutline_http_requests_total{code="200",method="GET",route="/p/{post}/{spec}"} 4`,
		`cutline_http_requests_total{code="405",method="other",route="/{source}"} 1`,
		`cutline_pictures_total{outcome="filled"} 2`, `cutline_fetch_requests_total{outcome="fetched"} 1`,
		`cutline_purged_sources_total{action="forgotten"} 1`, `cutline_rescans_total{result="ok"} 1`, `cutline_ready 1`, `cutline_degraded 0`,
		`cutline_catalog_images 1`, `cutline_http_request_duration_seconds_count{result="miss"} 2`,
	} {
		if !strings.Contains(text, "\n"+sample+"\n") {
			t.Errorf("no %q in:\n%s", sample, grepLines(text, sample[:strings.IndexAny(sample, "{ ")]))
		}
	}
}

// tell sends a request and reads the answer.
func tell(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

func grepLines(text, part string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

var (
	sampleLine = regexp.MustCompile(`^([a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	labelPair  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// outline is the metrics of a scrape in the golden file's form. Of the runtime's and the process's it has those that dashboards use.
func outline(text string) string {
	open := []string{"route", "method", "code", "version", "revision", "goversion", "format", "le"} // what has been there, or differs by build
	types, values := map[string]string{}, map[string]map[string]map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if word := strings.Fields(line); strings.HasPrefix(line, "# TYPE ") {
			types[word[2]] = word[3]
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := m[1]
		if full := line[:strings.IndexAny(line, "{ ")]; types[full] != "" {
			name = full // a name that only looks like a part of a histogram
		}
		if values[name] == nil {
			values[name] = map[string]map[string]bool{}
		}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			if values[name][pair[1]] == nil {
				values[name][pair[1]] = map[string]bool{}
			}
			values[name][pair[1]][pair[2]] = true
		}
	}
	used := []string{"go_goroutines", "go_memstats_heap_inuse_bytes", "process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds"}
	values["cutline_degraded_reason"], types["cutline_degraded_reason"] = map[string]map[string]bool{"reason": {}}, "gauge" // absent while all works
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !strings.HasPrefix(name, "cutline_") && !slices.Contains(used, name) {
			continue
		}
		b.WriteString(name + " " + types[name])
		for _, label := range slices.Sorted(maps.Keys(values[name])) {
			b.WriteString(" " + label)
			if all := slices.Sorted(maps.Keys(values[name][label])); len(all) > 0 && !slices.Contains(open, label) {
				b.WriteString("=" + strings.Join(all, "|"))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestMetricsAreGuarded verifies that metrics and profiles are for whom may purge.
func TestMetricsAreGuarded(t *testing.T) {
	s := startServe(t, "--cache", "off", filepath.Join("..", "..", "testdata", "site"))
	defer s.stop(t)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
		if status, _ := tell(t, "GET", s.url+path, ""); status != http.StatusNotFound && status != http.StatusForbidden {
			t.Errorf("%s on the public listener: %d, want nothing there", path, status)
		}
		if status, _ := tell(t, "POST", "http://"+s.admin+path, ""); status != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d, want 405", path, status)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.admin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://evil.example")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s for a page in a browser: %d, want 403", path, resp.StatusCode)
		}
		if status, _ := tell(t, "GET", "http://"+s.admin+path, ""); status != http.StatusOK {
			t.Errorf("%s: %d, want 200", path, status)
		}
	}
}
