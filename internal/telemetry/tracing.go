//go:build !notraces

package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/proxy"
)

// scope names what makes the spans.
const scope = "github.com/dd8bf596/cutline"

// Tracing makes spans of requests and of the stages of what is made for them. Its zero value, and nil, make none. It is safe for
// concurrent use.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// StartTracing exports traces as the process's OTEL_ variables say. What cannot be exported is logged. Close ends it.
func StartTracing(ctx context.Context, b Build, log *slog.Logger) (*Tracing, error) {
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_TRACES_EXPORTER: expected otlp, console or none (got %q), and OTEL_EXPORTER_OTLP_PROTOCOL http/protobuf or grpc: %w",
			os.Getenv("OTEL_TRACES_EXPORTER"), err)
	}
	// The only way to hear of an exporter's failures; the default writes to standard error in a form of its own.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "err", err) }))
	return newTracing(ctx, b, sdktrace.WithBatcher(exporter))
}

// newTracing is Tracing with what becomes of its spans.
func newTracing(ctx context.Context, b Build, to sdktrace.TracerProviderOption) (*Tracing, error) {
	what, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("cutline"), semconv.ServiceVersion(b.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv()) // OTEL_SERVICE_NAME goes over ours
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("traces: %w", err)
	}
	t := &Tracing{provider: sdktrace.NewTracerProvider(sdktrace.WithResource(what), to)}
	t.tracer = t.provider.Tracer(scope, trace.WithInstrumentationVersion(b.Version))
	return t, nil
}

// Close sends what was not sent, at most until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil || t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Handler is next with a span for each request. A trace that the client is in (traceparent, W3C Trace Context) is gone on with; baggage is
// left alone. Probes have none.
func (t *Tracing) Handler(next http.Handler) http.Handler {
	if t == nil || t.provider == nil {
		return next
	}
	return otelhttp.NewHandler(next, "cutline",
		otelhttp.WithTracerProvider(discreet{TracerProvider: t.provider}),
		otelhttp.WithMeterProvider(noop.NewMeterProvider()), // metrics are Prometheus'
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithFilter(func(req *http.Request) bool { return req.URL.Path != "/livez" && req.URL.Path != "/readyz" }))
}

// Answered tells a request's span what came of it.
func (t *Tracing) Answered(ctx context.Context, a proxy.Answered) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(semconv.HTTPRoute(a.Route), attribute.String("cutline.result", a.Result))
	if a.ID != "" {
		span.SetAttributes(attribute.String("cutline.image.id", a.ID))
	}
}

// Stage makes a span of a stage, under the request that led the work. Work of no request, and of one that is not sampled, has none.
func (t *Tracing) Stage(ctx context.Context, s render.Stage) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return
	}
	kind, attrs := trace.SpanKindInternal, make([]attribute.KeyValue, 0, 4)
	if s.Format != 0 {
		attrs = append(attrs, attribute.String("cutline.format", s.Format.Ext()))
	}
	if s.Bytes > 0 {
		attrs = append(attrs, attribute.Int("cutline.bytes", s.Bytes))
	}
	if s.Name == "fetch" {
		attrs = append(attrs, attribute.Bool("cutline.unchanged", s.Unchanged))
		if s.Host != "" {
			kind = trace.SpanKindClient
			attrs = append(attrs, semconv.ServerAddress(s.Host))
		}
	}
	_, span := t.tracer.Start(ctx, s.Name, trace.WithTimestamp(s.Begun), trace.WithSpanKind(kind), trace.WithAttributes(attrs...))
	if s.Class != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(string(s.Class)))
		span.SetStatus(codes.Error, string(s.Class))
	}
	span.End(trace.WithTimestamp(s.Ended))
}
