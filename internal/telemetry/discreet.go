//go:build !notraces

package telemetry

import (
	"context"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/dd8bf596/cutline/proxy"
)

// discreet is a TracerProvider whose spans do not have what a log line has not: who the client is, and the query and the user of a
// source in a path, where keys for a picture stand.
type discreet struct{ trace.TracerProvider }

// Tracer implements trace.TracerProvider.
func (d discreet) Tracer(name string, o ...trace.TracerOption) trace.Tracer {
	return discreetTracer{d.TracerProvider.Tracer(name, o...)}
}

type discreetTracer struct{ trace.Tracer }

// Start implements trace.Tracer.
func (d discreetTracer) Start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	conf := trace.NewSpanStartConfig(o...)
	var kept []attribute.KeyValue
	for _, a := range conf.Attributes() {
		switch a.Key {
		case semconv.ClientAddressKey, semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey, semconv.UserAgentOriginalKey:
			continue
		case semconv.URLPathKey:
			a.Value = attribute.StringValue(proxy.PublicPath((&url.URL{Path: a.Value.AsString()}).EscapedPath()))
		}
		kept = append(kept, a)
	}
	again := []trace.SpanStartOption{trace.WithAttributes(kept...), trace.WithSpanKind(conf.SpanKind()), trace.WithLinks(conf.Links()...)}
	if at := conf.Timestamp(); !at.IsZero() {
		again = append(again, trace.WithTimestamp(at))
	}
	if conf.NewRoot() {
		again = append(again, trace.WithNewRoot())
	}
	return d.Tracer.Start(ctx, name, again...)
}
