package telemetry

import (
	"context"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/proxy"
)

// Both are Metrics and Tracing as one observer.
type Both struct {
	Metrics *Metrics
	Tracing *Tracing
}

var (
	_ proxy.Observer  = Both{}
	_ render.Observer = Both{}
)

// Answered implements proxy.Observer.
func (b Both) Answered(ctx context.Context, a proxy.Answered) {
	b.Metrics.Answered(ctx, a)
	b.Tracing.Answered(ctx, a)
}

// Rescanned implements proxy.Observer. A scan is part of no request, and has no span.
func (b Both) Rescanned(took time.Duration, err error) { b.Metrics.Rescanned(took, err) }

// Purged implements proxy.Observer. The admin listener is not traced.
func (b Both) Purged(how string, sources, failed int) { b.Metrics.Purged(how, sources, failed) }

// Stage implements render.Observer.
func (b Both) Stage(ctx context.Context, s render.Stage) {
	b.Metrics.Stage(ctx, s)
	b.Tracing.Stage(ctx, s)
}

// TracingWanted reports whether the environment asks for traces, by OpenTelemetry's variables: an exporter (OTEL_TRACES_EXPORTER, other
// than none) or an endpoint to send them to. OTEL_SDK_DISABLED=true and everything else leaves them off; get returns a variable.
func TracingWanted(get func(name string) string) bool {
	if strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	if exporter := get("OTEL_TRACES_EXPORTER"); exporter != "" {
		return exporter != "none"
	}
	return get("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}
