// Package proxy is the HTTP edge: URL grammar, authorisation, negotiation, headers, the one table from errors to status,
// and the pages. Bytes come from render alone.
package proxy

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Renderer makes renditions; *render.Renderer is the one.
type Renderer interface {
	Render(ctx context.Context, req render.Request) ([]*render.Rendition, error)
	Probe(ctx context.Context, src source.Source) (*render.Original, error)
}

// Options configures a Server. Catalog and Renderer are required.
type Options struct {
	Catalog   *catalog.Catalog
	Renderer  Renderer
	Presets   map[string]transform.Spec   // by name, without Format; nil means DefaultPresets
	Widths    []int                       // the ladder, ascending; nil means DefaultWidths
	Formats   []transform.Format          // offered for ".auto", best first; nil means WebP, JPEG
	Encodable func(transform.Format) bool // nil means all
	PublicURL string                      // scheme and host that absolute URLs begin with; "" makes them relative
	Log       *slog.Logger                // nil logs nothing
}

// A Server answers HTTP requests.
type Server struct{}

// New makes a Server; it returns an error for a bad preset or width.
func New(o Options) (*Server, error) { return &Server{}, nil }

// Handler is the public listener's handler.
func (s *Server) Handler() http.Handler { return http.NotFoundHandler() }

// SetReady tells /readyz whether to answer 200; a new Server is ready.
func (s *Server) SetReady(ready bool) {}
