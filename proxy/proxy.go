// Package proxy is the HTTP edge: URL grammar, who may ask for what, negotiation, headers, the one table from errors to
// status, and the pages. Bytes come from render alone.
package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/sign"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Renderer makes renditions; *render.Renderer is the one.
type Renderer interface {
	Render(ctx context.Context, req render.Request) ([]*render.Rendition, error)
	Again(ctx context.Context, rend *render.Rendition) (body []byte, ok bool)
	Best(ctx context.Context, req render.Request, accepted []transform.Format) (*render.Rendition, error)
	Probe(ctx context.Context, src source.Source) (*render.Original, error)
	PurgeAt(ctx context.Context, p render.Purge, at render.Order, sources ...source.Source) []render.Purged
	Withdrawn(ctx context.Context, src source.Source) bool
	Glance(ctx context.Context, req render.Request) render.Glance
	Stats() render.Stats
	Made() []render.Made
	Origins() []render.Origin
	Refile(ctx context.Context, sources, shown []source.Source)
}

// Options configures a Server. Catalog and Renderer are required.
type Options struct {
	Catalog  *catalog.Catalog
	Renderer Renderer
	Presets  map[string]transform.Spec // by name, each without Format; nil means DefaultPresets
	Widths   []int                     // the ladder, in pixels; nil means DefaultWidths
	// Formats are those that can be asked for; nil means WebP, JPEG, PNG. ".auto" stands for the smallest of them that suits
	// the picture and that the client reads; GIF is one only where an animation is to keep moving.
	Formats []transform.Format
	Hosts   []string // whose pictures may be asked for although no post shows them, as CheckHost has them; nil has none
	// Keys check the signatures of addresses that are open to nobody else: other sizes and qualities, sources that no post shows. The
	// zero Keys take none.
	Keys sign.Keys
	// ImgixToken checks those of imgix's clients, in the dialect; "" takes none.
	ImgixToken sign.Token
	MaxOutput  int    // the renderer's bound on a rendition's longer side, pixels; 0 means render.DefaultMaxOutput
	PublicURL  string // scheme and host that the URLs in JSON begin with, without trailing slash; "" makes them relative
	// Scan reads the posts again, for Rescan and Follow; last is the catalog that is served. trust takes files that look as they did
	// for unchanged (catalog.Options.Trust). nil has no Rescan.
	Scan func(ctx context.Context, last *catalog.Catalog, trust bool) (*catalog.Catalog, error)
	// Ahead makes renditions of new pictures before anybody asks, for MakeAhead; nil makes none.
	Ahead Builder
	// AheadBytes is how much of the cache that may take in a day; what readers ask for shall not make room for it.
	AheadBytes int64
	// Degraded lists, in fixed words, what does not work although pictures are served; /readyz tells it. nil is nothing.
	Degraded func() []string
	// Peers are the other nodes of the site, which are told what is purged and when posts have changed; nil where there are none.
	Peers Peers
	// Observer is told of requests, scans and purges; nil is not.
	Observer Observer
	Instance string       // what the fetcher calls itself in CDN-Loop; requests that bear it are refused. "" refuses none
	Log      *slog.Logger // nil logs nothing
}

// DefaultPresets are the named specs that every site has until its configuration says otherwise.
func DefaultPresets() map[string]transform.Spec {
	return map[string]transform.Spec{
		"hero":  {Width: 1600},
		"card":  {Width: 640, Height: 360, Fit: transform.Cover},
		"thumb": {Width: 160, Height: 160, Fit: transform.Cover},
		"og":    {Width: 1200, Height: 630, Fit: transform.Cover}, // 1.91:1, what Facebook and others ask of og:image
		// The feeds' and stories' sizes of Instagram, Facebook and TikTok: 1:1 and 9:16 at 1,080 pixels.
		"square": {Width: 1080, Height: 1080, Fit: transform.Cover},
		"story":  {Width: 1080, Height: 1920, Fit: transform.Cover},
	}
}

// DefaultWidths is the ladder: the widths that may be asked for unsigned, in pixels. 24 is for placeholders, 160 for
// thumbnails; the rest steps by about a third, so that nobody downloads much more than half again what is shown.
func DefaultWidths() []int {
	return []int{24, 160, 320, 480, 640, 828, 960, 1280, 1600, 1920, 2560}
}

// A Server answers HTTP requests. It is safe for concurrent use.
type Server struct {
	o       Options // without Catalog, which current has
	grammar grammar
	choice  srcset.Choice
	current atomic.Pointer[snapshot]
	rescans rescans
	purging sync.Mutex // of telling and carrying out
	ahead   ahead
	hosts   hosts
	safety  []field // of every response
	sheet   *sheet
	tally   *tally
	log     *slog.Logger
	ready   atomic.Bool
	scanned atomic.Int64 // when the posts that are served were read, in nanoseconds since 1970
	gin     *gin.Engine
}

// New makes a Server; it returns an error for a bad preset, width or format, or a required option that is missing.
func New(o Options) (*Server, error) {
	if o.Catalog == nil || o.Renderer == nil {
		return nil, errors.New("proxy: a catalog and a renderer are required")
	}
	if o.Presets == nil {
		o.Presets = DefaultPresets()
	}
	if o.Widths == nil {
		o.Widths = DefaultWidths()
	}
	if o.Formats == nil {
		o.Formats = []transform.Format{transform.WebP, transform.JPEG, transform.PNG}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.MaxOutput = cmp.Or(o.MaxOutput, render.DefaultMaxOutput)
	g, err := newGrammar(o.Presets, o.Widths, o.Formats)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	listed, err := newHosts(o.Hosts)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	s := &Server{o: o, grammar: g, hosts: listed, safety: safety(), sheet: newSheet(), tally: newTally(), log: o.Log}
	s.choice = srcset.Choice{Presets: g.presets, Widths: g.widths, Formats: g.formats, MaxOutput: o.MaxOutput}
	s.o.Catalog = nil
	s.ahead.wake = make(chan struct{}, 1)
	s.current.Store(newSnapshot(o.Catalog, s.room(), nil))
	s.ready.Store(true)
	s.scanned.Store(time.Now().UnixNano())
	s.gin = s.routes()
	return s, nil
}

// Handler is the public listener's handler.
func (s *Server) Handler() http.Handler { return s.gin }

// SetReady tells /readyz whether to answer 200; a new Server is ready.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

func (s *Server) routes() *gin.Engine {
	gin.SetMode(gin.ReleaseMode) //nolint:forbidigo // the only way to keep gin from printing its routes on stdout
	e := gin.New()
	// Paths arrive as they are on the wire and are decoded once, by us: a decoded "%2F" must not become a separator, and
	// a redirect to a "fixed" path would change what was signed or cached.
	e.UseEscapedPath = true
	e.UnescapePathValues = false
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	e.RemoveExtraSlash = false
	e.HandleMethodNotAllowed = true
	if err := e.SetTrustedProxies(nil); err != nil {
		panic(err) // an empty list cannot be malformed
	}
	e.Use(s.access, s.guard, s.again)
	for path, h := range map[string]gin.HandlerFunc{
		"/":             s.getSheet,
		"/catalog.json": s.getCatalog,
		"/livez":        s.getLive,
		"/readyz":       s.getReady,
		"/i/*address":   s.getByID,
		"/p/*address":   s.getByPost,
	} {
		e.GET(path, h)
		e.HEAD(path, h)
		e.OPTIONS(path, s.options)
	}
	e.NoRoute(s.getElse)
	e.NoMethod(func(c *gin.Context) { s.fail(c, errMethod) })
	return e
}

// getLive answers as long as the process can.
func (s *Server) getLive(c *gin.Context) { s.probe(c, http.StatusOK, "alive") }

// getReady answers 200 while new requests are welcome, and says in which respects they are served worse than they could be: a
// load balancer that took such a server out would serve them not at all, for what befalls one befalls the others.
func (s *Server) getReady(c *gin.Context) {
	if why := s.unready(); why != "" {
		s.probe(c, http.StatusServiceUnavailable, why)
		return
	}
	if reasons := s.degraded(); len(reasons) > 0 {
		s.probe(c, http.StatusOK, "degraded: "+strings.Join(reasons, "; "))
		return
	}
	s.probe(c, http.StatusOK, "ready")
}

// degraded lists, in fixed words, what does not work although pictures are served.
func (s *Server) degraded() (reasons []string) {
	if s.o.Degraded != nil {
		reasons = s.o.Degraded()
	}
	if s.rescans.haveFailed() {
		reasons = append(reasons, "the posts could not be read again")
	}
	return reasons
}

func (s *Server) probe(c *gin.Context, code int, text string) {
	c.Header("Cache-Control", "no-store")
	c.String(code, "%s\n", text)
}

// options answers a CORS preflight: everything here may be read from anywhere.
func (s *Server) options(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Allow", allowed)
	h.Set("Access-Control-Allow-Methods", allowed)
	h.Set("Access-Control-Allow-Headers", "*")
	h.Set("Access-Control-Max-Age", "86400")
	c.Status(http.StatusNoContent)
}

// allowed lists the methods of every route.
const allowed = "GET, HEAD, OPTIONS"
