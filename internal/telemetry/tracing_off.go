//go:build notraces

package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/proxy"
)

// Tracing makes no spans in this build.
type Tracing struct{}

// StartTracing returns an error: whoever asks for traces shall know that there are none.
func StartTracing(context.Context, Build, *slog.Logger) (*Tracing, error) {
	return nil, errors.New("traces: this program was built without them (-tags notraces)")
}

// Close implements what Tracing is elsewhere.
func (*Tracing) Close(context.Context) error { return nil }

// Handler is next.
func (*Tracing) Handler(next http.Handler) http.Handler { return next }

// Answered does nothing.
func (*Tracing) Answered(context.Context, proxy.Answered) {}

// Stage does nothing.
func (*Tracing) Stage(context.Context, render.Stage) {}

// LogHandler is next.
func LogHandler(next slog.Handler) slog.Handler { return next }
