//go:build !notraces

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// A traceSink takes what OTLP over HTTP brings.
type traceSink struct {
	t  *testing.T
	mu sync.Mutex
	by map[string][]*spans.Span // by trace
	of string                   // the service that they are of
}

func (s *traceSink) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var sent collector.ExportTraceServiceRequest
	if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
		s.t.Errorf("%s: %v, %d bytes that are no traces", req.URL, err, len(body))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range sent.GetResourceSpans() {
		for _, a := range r.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				s.of = a.GetValue().GetStringValue()
			}
		}
		for _, sc := range r.GetScopeSpans() {
			for _, sp := range sc.GetSpans() {
				id := string(sp.GetTraceId())
				s.by[id] = append(s.by[id], sp)
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// TestTracesOverOTLP verifies that a server whose environment asks for it sends the spans of a cold request and of a warm one to a
// collector, by their real times, that its log names the same traces, and that an origin hears of none.
func TestTracesOverOTLP(t *testing.T) {
	sink := &traceSink{t: t, by: map[string][]*spans.Span{}}
	receiver := httptest.NewServer(sink)
	defer receiver.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	t.Setenv("OTEL_SERVICE_NAME", "pictures")
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 840, 420))
	site := remoteSite(t, origin.URL("/a.jpg"))
	s := startServe(t, "--cache", filepath.Join(t.TempDir(), "cache"), "--log", "json", site)
	ask := func(traceID string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/p/one/w320.jpg", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Traceparent", "00-"+traceID+"-00000000000000ff-01")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v", resp.StatusCode, err)
		}
	}
	cold, warm := strings.Repeat("c", 32), strings.Repeat("a", 32)
	ask(cold)
	ask(warm)
	s.stop(t) // sends what waits
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if sink.of != "pictures" {
		t.Errorf("service.name is %q, want OTEL_SERVICE_NAME's", sink.of)
	}
	const route = "GET /p/{post}/{spec}"
	checkTrace(t, sink.by[strings.Repeat("\xcc", 16)], route, "lookup", "fetch", "decode", "resize", "encode", "store")
	checkTrace(t, sink.by[strings.Repeat("\xaa", 16)], route, "lookup")
	for _, id := range []string{cold, warm} {
		if said := s.log(); !strings.Contains(said, `"trace_id":"`+id+`"`) {
			t.Errorf("no line of trace %s in:\n%s", id, said)
		}
	}
	if heard := origin.Last("/a.jpg").Header; heard.Get("Traceparent") != "" {
		t.Errorf("the origin was sent %v, want no traceparent", heard)
	}
}

// checkTrace verifies that a trace has the spans that it must have, all under the first, which is under the client's.
func checkTrace(t *testing.T, all []*spans.Span, root string, stages ...string) {
	t.Helper()
	at := slices.IndexFunc(all, func(s *spans.Span) bool { return s.GetName() == root })
	if at < 0 || string(all[at].GetParentSpanId()) != "\x00\x00\x00\x00\x00\x00\x00\xff" {
		t.Errorf("no %s under the client's among %d spans", root, len(all))
		return
	}
	var names []string
	for _, s := range all {
		names = append(names, s.GetName())
		if s.GetName() == root {
			continue
		}
		if string(s.GetParentSpanId()) != string(all[at].GetSpanId()) || s.GetStartTimeUnixNano() < all[at].GetStartTimeUnixNano() ||
			s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s is not under %s, or from another time", s.GetName(), root)
		}
	}
	for _, stage := range stages {
		if !slices.Contains(names, stage) {
			t.Errorf("spans %q: no %s", names, stage)
		}
	}
	if len(stages) == 1 && len(all) != 2 {
		t.Errorf("spans %q of a warm request, want two", names)
	}
}

// TestTracesMisconfigured verifies that a variable that means nothing ends the start, and is not ignored.
func TestTracesMisconfigured(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "pigeon")
	var stderr strings.Builder
	p := program{stdout: io.Discard, stderr: &stderr, env: settingsEnv()}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--admin", "off", "--workers", "0", "--cache", "off", filepath.Join("..", "..", "testdata", "site")}
	if code := p.run(t.Context(), args); code != exitUsage || !strings.Contains(stderr.String(), "pigeon") {
		t.Errorf("exit code %d, %q; want %d and what is wrong", code, &stderr, exitUsage)
	}
}
