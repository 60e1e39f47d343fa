//go:build !notraces

package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/proxy"
)

// traced is Tracing whose spans are kept in memory.
func traced(t *testing.T) (*Tracing, *tracetest.InMemoryExporter) {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	tr, err := newTracing(t.Context(), Build{Version: "v1"}, sdktrace.WithSyncer(kept))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close(context.Background()) })
	return tr, kept
}

func attributes(s tracetest.SpanStub) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

// TestSpans verifies what a request's span and those of its stages have, and what they must not.
func TestSpans(t *testing.T) {
	tr, kept := traced(t)
	begun := time.Now().Add(-time.Hour).Round(0)
	h := tr.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Pattern = "/{source}"
		ctx := context.WithoutCancel(req.Context()) // a flight's
		tr.Stage(ctx, render.Stage{Name: "fetch", Begun: begun, Ended: begun.Add(time.Second), Host: "origin.example", Bytes: 7})
		tr.Stage(ctx, render.Stage{Name: "fetch", Begun: begun, Ended: begun, Class: render.TimedOut})
		tr.Stage(ctx, render.Stage{Name: "encode", Begun: begun, Ended: begun, Format: transform.WebP})
		w.WriteHeader(http.StatusBadGateway)
		tr.Answered(req.Context(), proxy.Answered{Route: "/{source}", Status: http.StatusBadGateway, Result: "error", ID: "abc"})
	}))
	req := httptest.NewRequest(http.MethodGet, "/https%3A%2F%2Fme:hunter2@origin.example%2Fa.jpg%3Fkey%3Dhunter2?s=hunter2", nil)
	req.Header.Set("Traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	req.Header.Set("Baggage", "who=hunter2")
	req.Header.Set("User-Agent", "hunter2")
	req.Header.Set("X-Forwarded-For", "192.0.2.77")
	h.ServeHTTP(httptest.NewRecorder(), req)

	spans := kept.GetSpans()
	var names []string
	for _, s := range spans {
		names = append(names, s.Name)
	}
	if want := []string{"fetch", "fetch", "encode", "GET /{source}"}; !slices.Equal(names, want) {
		t.Fatalf("spans %q, want %q", names, want)
	}
	server := spans[3]
	if server.Parent.SpanID().String() != "0123456789abcdef" || server.SpanContext.TraceID().String() != "0123456789abcdef0123456789abcdef" {
		t.Errorf("parent %v: want the client's", server.Parent)
	}
	for i, s := range spans[:3] {
		if s.Parent.SpanID() != server.SpanContext.SpanID() {
			t.Errorf("%d: parent %s, want the request's", i, s.Parent.SpanID())
		}
	}
	if !spans[0].StartTime.Equal(begun) || spans[0].EndTime.Sub(begun) != time.Second {
		t.Errorf("fetch from %s to %s, want the real times", spans[0].StartTime, spans[0].EndTime)
	}
	got := attributes(server)
	for key, want := range map[string]string{
		"http.route": "/{source}", "cutline.result": "error", "cutline.image.id": "abc", "http.request.method": "GET", "http.response.status_code": "502",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if got := attributes(spans[0]); got["server.address"] != "origin.example" || got["cutline.bytes"] != "7" || spans[0].SpanKind != trace.SpanKindClient {
		t.Errorf("fetch: %v", got)
	}
	if got := attributes(spans[1]); got["error.type"] != "timeout" || spans[1].Status.Description != "timeout" {
		t.Errorf("failed fetch: %v, %v", got, spans[1].Status)
	}
	for _, s := range spans {
		for key, value := range attributes(s) {
			if strings.Contains(value, "hunter2") || strings.Contains(value, "192.0.2.") {
				t.Errorf("%s of %s tells %q", key, s.Name, value)
			}
		}
	}
}

// TestNoSpans verifies that work of no request, of one that is not sampled, and probes have none.
func TestNoSpans(t *testing.T) {
	tr, kept := traced(t)
	stage := render.Stage{Name: "decode", Begun: time.Now(), Ended: time.Now()}
	tr.Stage(t.Context(), stage)
	h := tr.Handler(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		tr.Stage(req.Context(), stage)
		tr.Answered(req.Context(), proxy.Answered{})
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/readyz", nil))
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00")
	h.ServeHTTP(httptest.NewRecorder(), req)
	if spans := kept.GetSpans(); len(spans) > 0 {
		t.Errorf("%d spans, want none", len(spans))
	}
	var off *Tracing
	next := http.NewServeMux()
	if off.Handler(next) != http.Handler(next) {
		t.Error("without traces there is something before the handler")
	}
	off.Stage(t.Context(), stage)
	off.Answered(t.Context(), proxy.Answered{})
	if err := off.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLogHandler(t *testing.T) {
	tr, _ := traced(t)
	var out bytes.Buffer
	log := slog.New(LogHandler(slog.NewJSONHandler(&out, nil))).With("a", 1)
	log.InfoContext(t.Context(), "outside")
	if strings.Contains(out.String(), "trace_id") {
		t.Errorf("a line of no trace: %s", &out)
	}
	ctx, span := tr.tracer.Start(t.Context(), "x")
	log.InfoContext(ctx, "inside")
	at := span.SpanContext()
	if want := `"trace_id":"` + at.TraceID().String() + `","span_id":"` + at.SpanID().String() + `"`; !strings.Contains(out.String(), want) {
		t.Errorf("no %s in %s", want, &out)
	}
}

// TestDiscreetKeepsTheRest verifies that what is no secret passes, links and time included.
func TestDiscreetKeepsTheRest(t *testing.T) {
	tr, kept := traced(t)
	at := time.Now().Add(-time.Minute).Round(0)
	link := trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})}
	outer, _ := tr.tracer.Start(t.Context(), "outer")
	_, span := discreet{tr.provider}.Tracer("x").Start(outer, "y", trace.WithTimestamp(at), trace.WithNewRoot(), trace.WithLinks(link),
		trace.WithAttributes(attribute.String("k", "v"), attribute.String("url.path", "/i/a/hero.webp")))
	span.End()
	got := kept.GetSpans()[0]
	if !got.StartTime.Equal(at) || got.Parent.IsValid() || len(got.Links) != 1 || attributes(got)["k"] != "v" || attributes(got)["url.path"] != "/i/a/hero.webp" {
		t.Errorf("%+v", got)
	}
}
