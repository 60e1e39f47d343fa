package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/imgix"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// getElse answers every address that has no route of its own: pictures by their source, in the dialect of imgix
// (internal/docs/imgix.md).
func (s *Server) getElse(c *gin.Context) {
	switch c.Request.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		s.options(c)
		return
	default:
		s.fail(c, errMethod)
		return
	}
	g, err := s.admitDialect(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	p, malformed := imgix.Parse(c.Request.URL.RawQuery)
	if errors.Is(malformed, imgix.ErrSigned) {
		s.fail(c, &unsignedErr{"The address has part of a signature where none is read: expected s once, as the last parameter, and expires only with an s of imgix's kind."})
		return
	}
	at := s.snapshot()
	e, err := s.find(at, c.Request.URL.EscapedPath(), g.signed)
	switch {
	case err != nil:
		s.fail(c, err)
	case malformed != nil:
		s.fail(c, usageError("%s", malformed))
	case p.Form == imgix.JSON:
		s.getMeta(c, at, e, g)
	case p.Form == imgix.BlurHash:
		s.getBlurHash(c, at, e)
	default:
		s.getDialect(c, e, p, sending{at: at, grant: g})
	}
}

// find returns the entry whose picture an escaped path names: the first of the catalog's, or one that no post shows, where its host is
// listed or the address is signed.
func (s *Server) find(at *snapshot, escaped string, signed bool) (*catalog.Entry, error) {
	written := strings.TrimPrefix(escaped, "/")
	decoded, err := url.PathUnescape(written)
	if err != nil {
		return nil, usageError("expected percent signs only before two hexadecimal digits")
	}
	if !isURL(decoded) {
		if found := at.catalog.ByPath("/" + decoded); len(found) > 0 {
			return found[0], nil
		}
		if hasScheme(decoded) {
			if _, err := source.ParseURL(decoded); err != nil {
				return nil, usageError("source: %s", err)
			}
		}
		if src, err := source.Local("/" + decoded); err == nil && signed {
			return catalog.Unposted(src), nil
		}
		return nil, errNoRoute
	}
	// A URL as it is keeps its own percent signs. Where it was encoded whole, a proxy may have decoded what it took for needless:
	// "https:/example.org/a.jpg%3Fx=1" is left of "https%3A%2F%2Fexample.org%2Fa.jpg%3Fx%3D1".
	readings := []string{decoded}
	if isURL(written) {
		readings = []string{written, decoded}
	}
	var first source.Source
	for i, text := range readings {
		src, err := source.ParseURL(twoSlashes(text))
		switch {
		case err == nil:
		case i == 0:
			return nil, usageError("source: %s", err)
		default:
			continue
		}
		if found := at.catalog.BySource(src); len(found) > 0 {
			return found[0], nil
		}
		if i == 0 {
			first = src
		}
	}
	if !signed && !s.hosts.has(first.Host()) {
		return nil, &unsignedErr{"Without a signature only pictures of posts can be asked for, and those of listed hosts (fetch.hosts)."}
	}
	return catalog.Unposted(first), nil
}

// isURL reports whether text is meant as an absolute URL: one slash is what proxies leave of two.
func isURL(text string) bool {
	scheme, rest, ok := strings.Cut(text, ":")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) && strings.HasPrefix(rest, "/")
}

// hasScheme reports whether text begins like a URL (RFC 3986 §3.1), whatever its scheme.
func hasScheme(text string) bool {
	scheme, _, ok := strings.Cut(strings.ToLower(text), ":")
	return ok && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == "" && scheme != "" && scheme[0] >= 'a'
}

// twoSlashes is a URL with both of its slashes behind the scheme.
func twoSlashes(text string) string {
	scheme, rest, _ := strings.Cut(text, ":")
	if strings.HasPrefix(rest, "//") {
		return text
	}
	return scheme + ":/" + rest
}

// getDialect answers a picture; a has what is known of the answer so far.
func (s *Server) getDialect(c *gin.Context, e *catalog.Entry, p imgix.Params, a sending) {
	if p.Format != 0 && !slices.Contains(s.o.Formats, p.Format) {
		s.fail(c, usageError("fm=%s: expected one of %s, json or blurhash", p.Format.Ext(), s.grammar.fileExtensions()))
		return
	}
	var formats []transform.Format
	if p.Auto {
		formats = s.negotiate(c, p.Format)
	}
	spec, err := s.dialectSpec(c, e, p, a.grant.signed)
	if err != nil {
		s.failOf(c, e, err)
		return
	}
	rend, err := s.render(c, e, spec, formats)
	if err != nil {
		s.failOf(c, e, err)
		return
	}
	spec.Format = rend.Spec.Format
	if !spec.Format.Lossy() && !s.grammar.isPresetIn(spec) {
		spec.Quality = 0 // no address can say it, and the picture is the same; a preset is only with all that it has
	}
	a.entry, a.spec, a.rend, a.fallback = e, spec, rend, p.Format
	a.download, a.fileName = p.Download, p.FileName
	s.send(c, a)
}

// dialectSpec is the spec that p is answered with; its Format is 0 where it is negotiated. It looks at the original only where
// it has to, and not for what is refused whatever the original is.
func (s *Server) dialectSpec(c *gin.Context, e *catalog.Entry, p imgix.Params, signed bool) (transform.Spec, error) {
	if !signed {
		if err := s.grammar.refuse(p); err != nil {
			return transform.Spec{}, err
		}
	}
	var info transform.Info
	spec := transform.Spec{}
	needsFormat := p.Format == 0 && !p.Auto
	known := !p.NeedsSize() && !needsFormat
	if known {
		spec = p.Resolve(0, 0)
		known = signed || !needsInfo(spec)
	}
	if !known {
		o, err := s.o.Renderer.Probe(c.Request.Context(), e.Source)
		if err != nil {
			return transform.Spec{}, err
		}
		info = o.Info
		spec = p.Resolve(info.Width, info.Height)
	}
	switch {
	case p.Auto:
		spec.Format = 0
	case needsFormat:
		spec.Format = s.ownFormat(info)
		if !spec.Format.Lossy() {
			spec.Quality = 0
		}
	}
	if e.Focus.Set && spec.Crop == transform.Center {
		spec.Crop = transform.Smart // which the author's focal point goes before; imgix's centre is where nobody knows better
	}
	if signed {
		return spec, nil
	}
	return s.grammar.open(spec, info)
}

// ownFormat is the original's, where it can be asked for.
func (s *Server) ownFormat(info transform.Info) transform.Format {
	if slices.Contains(s.o.Formats, info.Format) {
		return info.Format
	}
	return s.choice.Fallback(info)
}

// getBlurHash answers the picture's BlurHash as text.
func (s *Server) getBlurHash(c *gin.Context, at *snapshot, e *catalog.Entry) {
	ctx := c.Request.Context()
	o, err := s.o.Renderer.Probe(ctx, e.Source)
	if err != nil {
		s.failOf(c, e, err)
		return
	}
	p, err := at.placeholders.of(ctx, s.o.Renderer, e, o.Sum)
	if err != nil {
		s.failOf(c, e, err)
		return
	}
	words, _ := e.Words.Over(o.Found)
	l := at.shelf.label(e, words)
	l.set(c.Writer.Header())
	s.sendPage(c, "text/plain; charset=utf-8", []byte(p.BlurHash), cacheMinute)
}

// dialectURL is a rendition's address in the dialect, or "" where the dialect cannot say it.
func (s *Server) dialectURL(e *catalog.Entry, spec transform.Spec) string {
	if e.Focus.Set && spec.Crop == transform.Center {
		spec.Crop, spec.Focus = transform.Focal, middle() // no crop would be the author's point: dialectSpec
	}
	p, ok := imgix.FromSpec(spec)
	name := e.Source.String()
	if !ok || strings.HasPrefix(name, "/i/") || strings.HasPrefix(name, "/p/") { // folders that have the names of our routes
		return ""
	}
	path := (&url.URL{Path: name}).EscapedPath()
	if e.Source.Remote() {
		// As JavaScript's encodeURIComponent, and so the clients, have it.
		path = "/" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	u := s.o.PublicURL + path
	if query := p.Canonical(); query != "" {
		u += "?" + query
	}
	return u
}
