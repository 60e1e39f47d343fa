package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/worker"
	"github.com/dd8bf596/cutline/proxy"
)

// watched are Metrics over sources that have done something.
func watched() *Metrics {
	m := NewMetrics(Build{Version: "v1.2.3", Revision: "0123"})
	load := render.FlightLoad{Working: 1, Waiting: 2, Rejected: map[string]int64{"full": 3}}
	m.Watch(Sources{
		Proxy: func() proxy.Stats {
			return proxy.Stats{Degraded: []string{"the disk is slow"}, LastScan: time.Unix(1, 0)}
		},
		Fetched:     func() render.Stats { return render.Stats{} },
		Load:        func() render.Load { return render.Load{Fetches: load, Renders: load} },
		Made:        func() []render.Made { return []render.Made{{Format: transform.WebP, Renditions: 1, Bytes: 2}} },
		Breakers:    func() fetch.Breakers { return fetch.Breakers{Open: 2} },
		Workers:     func() worker.Stats { return worker.Stats{Workers: 3, Busy: 1} },
		Connections: func() int { return 7 },
		Tiers: []Tier{{
			Name: "memory", Stats: func() cache.Stats { return cache.Stats{Gets: 3, Hits: 2} }, Queue: func() cache.Stats { return cache.Stats{Bytes: 5} },
		}},
		Lanes: []Lane{{"readers", func() transform.Stats { return transform.Stats{Waiting: 4} }}},
	})
	return m
}

func TestMetricsLint(t *testing.T) {
	m := watched()
	m.Answered(t.Context(), proxy.Answered{Route: "/", Method: "GET", Status: 200, Result: "made"})
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "cutline_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if n, err := testutil.GatherAndCount(m.registry, "cutline_workers", "cutline_cache_requests_total"); err != nil || n != 4 {
		t.Errorf("%d series, %v; want 4: the sources were not asked", n, err)
	}
}

// TestLabelsAreBounded verifies that no client makes series without end.
func TestLabelsAreBounded(t *testing.T) {
	m := NewMetrics(Build{})
	for i := range 5000 {
		m.Answered(t.Context(), proxy.Answered{
			Route: fmt.Sprint("/", i), Method: fmt.Sprint("BREW", i), Status: 100 + i%900, Result: fmt.Sprint("odd", i), ID: fmt.Sprint(i),
		})
		m.Stage(t.Context(), render.Stage{Name: fmt.Sprint(i), Format: transform.Format(i % 256), Class: render.Class(fmt.Sprint(i))})
		m.Stage(t.Context(), render.Stage{Name: "fetch", Class: render.Class(fmt.Sprint(i)), Host: fmt.Sprint(i, ".example")})
		m.Stage(t.Context(), render.Stage{Name: "encode", Format: transform.Format(i % 256)})
		m.Purged(fmt.Sprint(i), 1, 0)
		m.Rescanned(time.Second, errors.New(fmt.Sprint(i)))
	}
	for name, most := range map[string]int{
		"cutline_http_requests_total": len(statuses) + 1, "cutline_http_request_duration_seconds": len(proxy.Results()), "cutline_stage_duration_seconds": 4,
		"cutline_transform_duration_seconds": 3 * len(transform.Formats()), "cutline_fetch_requests_total": len(classes()) + 2,
		"cutline_purged_sources_total": 3, "cutline_rescans_total": 2,
	} {
		if n, err := testutil.GatherAndCount(m.registry, name); err != nil || n > most || n == 0 {
			t.Errorf("%s: %d series, %v; want at most %d", name, n, err, most)
		}
	}
	all := (len(m.requests.routes)) * (len(methods) + 1) * (len(statuses) + 1)
	for _, route := range proxy.Routes() {
		for _, method := range append(methods[:], "X") {
			for _, status := range append(statuses[:], 299) {
				m.Answered(t.Context(), proxy.Answered{Route: route, Method: method, Status: status})
			}
		}
	}
	if n, err := testutil.GatherAndCount(m.registry, "cutline_http_requests_total"); err != nil || n != all {
		t.Errorf("%d series, %v; want all %d and no more", n, err, all)
	}
}

// TestCountedInPlace verifies that a request is counted under its own labels.
func TestCountedInPlace(t *testing.T) {
	m := NewMetrics(Build{})
	for range 3 {
		m.Answered(t.Context(), proxy.Answered{Route: "/livez", Method: "HEAD", Status: 304, Result: "hit"})
	}
	if got := testutil.ToFloat64(m.requests.vec.WithLabelValues("/livez", "HEAD", "304")); got != 3 {
		t.Errorf("%v requests, want 3", got)
	}
	m.Stage(t.Context(), render.Stage{Name: "fetch", Bytes: 10})
	m.Stage(t.Context(), render.Stage{Name: "fetch", Unchanged: true})
	m.Stage(t.Context(), render.Stage{Name: "fetch", Class: render.TimedOut})
	for _, outcome := range []string{"fetched", "unchanged", "timeout"} {
		if got := testutil.ToFloat64(m.fetches[outcome]); got != 1 {
			t.Errorf("%s: %v, want 1", outcome, got)
		}
	}
	m.Purged("taken down", 3, 1)
	if got := testutil.ToFloat64(m.purged["taken_down"]); got != 2 {
		t.Errorf("%v sources taken down, want 2", got)
	}
}

func TestProfiles(t *testing.T) {
	h := Profiles()
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/debug/pprof/", 200, "goroutine ("},
		{"/debug/pprof/goroutine?debug=1", 200, "goroutine profile:"},
		{"/debug/pprof/heap?gc=1", 200, "\x1f\x8b"}, // gzip
		{"/debug/pprof/allocs", 200, "\x1f\x8b"},
		{"/debug/pprof/heap?debug=3", 400, "expected 0, 1 or 2"},
		{"/debug/pprof/cmdline", 404, "no such profile"},
		{"/debug/pprof/profile?seconds=0", 400, "from 1 to 120"},
		{"/debug/pprof/profile?seconds=121", 400, "from 1 to 120"},
		{"/debug/pprof/profile?seconds=1e9", 400, "from 1 to 120"},
		{"/debug/pprof/trace?seconds=31", 400, "from 1 to 30"},
		{"/debug/pprof/block?seconds=-1", 400, "from 1 to 120"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %.60q, want %d and %q", tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
	busy := &profiles{}
	busy.recording.Lock()
	w := httptest.NewRecorder()
	busy.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pprof/mutex", nil))
	if w.Code != http.StatusConflict {
		t.Errorf("a second recording: %d, want 409", w.Code)
	}
}

// TestRecordingEndsWithItsClient verifies that who leaves does not leave a recording behind.
func TestRecordingEndsWithItsClient(t *testing.T) {
	h := &profiles{}
	for _, path := range []string{"profile", "trace", "block", "mutex"} {
		gone := httptest.NewRequest(http.MethodGet, "/debug/pprof/"+path, nil)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, gone.WithContext(ctx))
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !h.recording.TryLock() {
			t.Errorf("%s: %d, %d bytes", path, w.Code, w.Body.Len())
			continue
		}
		h.recording.Unlock()
	}
}

func TestScrape(t *testing.T) {
	w := httptest.NewRecorder()
	watched().Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"cutline_build_info{", "go_goroutines ", "process_start_time_seconds ", `cutline_degraded_reason{reason="the disk is slow"} 1`} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d without %q", w.Code, want)
		}
	}
}
