package proxy

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

const metaLeaf = "meta.json"

// meta is /i/{id}/meta.json: what a template or a client needs to show the picture with its words.
type meta struct {
	Version int             `json:"version"`
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Words   words           `json:"words"`
	Text    words           `json:"text"` // the words without markup
	Width   int             `json:"width"`
	Height  int             `json:"height"`
	Format  string          `json:"format"` // of the original
	Frames  int             `json:"frames"` // of the original; more than one in animations
	Bytes   int64           `json:"bytes"`
	SHA256  string          `json:"sha256"`
	Posts   []post          `json:"posts"` // the first 100
	Uses    int             `json:"uses"`  // posts in all
	Presets map[string]size `json:"presets"`
	// Srcset has, per extension but GIF's, which no still picture is best in, the widths of the ladder that the original can fill, ascending, and its own width where
	// that lies between two rungs.
	Srcset map[string][]candidate `json:"srcset"`
}

type words struct {
	Cutline    string `json:"cutline"`
	Credit     string `json:"credit"`
	CreditURL  string `json:"credit_url,omitempty"`
	Alt        string `json:"alt"`
	Decorative bool   `json:"decorative,omitempty"`
	Creator    string `json:"creator,omitempty"`
	Copyright  string `json:"copyright,omitempty"`
	License    string `json:"license,omitempty"`
}

func newWords(w caption.Words) words {
	return words{
		Cutline: w.Cutline, Credit: w.Credit, CreditURL: w.CreditURL, Alt: w.Alt, Decorative: w.Decorative,
		Creator: w.Creator, Copyright: w.Copyright, License: w.License,
	}
}

type post struct {
	Path  string `json:"path"`
	Slug  string `json:"slug"`
	Title string `json:"title,omitempty"`
}

// maxPosts bounds the posts that one picture lists: a theme's default card may stand in all of them.
const maxPosts = 100

func newPosts(e *catalog.Entry) []post {
	out := make([]post, min(len(e.Posts), maxPosts))
	for i := range out {
		out[i] = post{e.Posts[i].Path, e.Posts[i].Slug, e.Posts[i].Title}
	}
	return out
}

type size struct {
	Width  int               `json:"width"`
	Height int               `json:"height"`
	URLs   map[string]string `json:"urls"` // by extension
}

type candidate struct {
	URL    string `json:"url"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// getMeta answers …/meta.json. It needs the original's size, so it fetches the original, but renders nothing.
func (s *Server) getMeta(c *gin.Context, e *catalog.Entry) {
	o, err := s.o.Renderer.Probe(c.Request.Context(), e.Source)
	if err != nil {
		s.fail(c, err)
		return
	}
	l := s.shelf.label(e)
	l.set(c.Writer.Header())
	s.sendJSON(c, s.newMeta(e, o), later(o.Modified, l.modified), cacheMinute)
}

func (s *Server) newMeta(e *catalog.Entry, o *render.Original) *meta {
	version := versionOf(o.Sum)
	m := &meta{
		Version: 1, ID: e.ID, Source: e.Source.String(),
		Words: newWords(e.Words), Text: newWords(e.Words.Plain()),
		Width: o.Info.Width, Height: o.Info.Height, Format: o.Info.Format.Ext(), Frames: max(o.Info.Frames, 1),
		Bytes: o.Bytes, SHA256: hex.EncodeToString(o.Sum[:]),
		Posts:   newPosts(e),
		Uses:    len(e.Posts),
		Presets: make(map[string]size, len(s.grammar.presets)),
		Srcset:  make(map[string][]candidate, len(s.grammar.formats)),
	}
	for name, spec := range s.grammar.presets {
		r := spec.Resolve(o.Info.Width, o.Info.Height, s.o.MaxOutput, 0)
		p := size{Width: r.Width, Height: r.Height, URLs: make(map[string]string)}
		for _, f := range s.stillFormats() {
			spec.Format = f
			p.URLs[f.Ext()] = s.pictureURL(e, spec, version)
		}
		m.Presets[name] = p
	}
	for _, f := range s.stillFormats() {
		m.Srcset[f.Ext()] = s.srcset(e, o.Info, f, version)
	}
	return m
}

// stillFormats are the formats that a page would show a still picture in: all but GIF, unless there is no other.
func (s *Server) stillFormats() []transform.Format {
	still := slices.DeleteFunc(slices.Clone(s.grammar.formats), func(f transform.Format) bool { return f == transform.GIF })
	if len(still) == 0 {
		return s.grammar.formats
	}
	return still
}

// srcset lists the ladder up to the first rung that the original cannot fill; that one is asked for by its own name and
// answered at the original's width, never enlarged.
func (s *Server) srcset(e *catalog.Entry, info transform.Info, f transform.Format, version string) []candidate {
	var out []candidate
	for _, w := range s.grammar.widths {
		spec := transform.Spec{Width: w, Format: f}
		r := spec.Resolve(info.Width, info.Height, s.o.MaxOutput, 0)
		if n := len(out); n > 0 && out[n-1].Width == r.Width {
			break
		}
		out = append(out, candidate{s.pictureURL(e, spec, version), r.Width, r.Height})
	}
	return out
}

// listing is /catalog.json: one page of the catalog.
type listing struct {
	Version int      `json:"version"`
	Total   int      `json:"total"` // images on all pages
	Page    int      `json:"page"`  // from 1
	Pages   int      `json:"pages"`
	Images  []listed `json:"images"`
}

type listed struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	words
	Posts []post `json:"posts"` // the first 100
	Uses  int    `json:"uses"`  // posts in all
	Meta  string `json:"meta"`  // URL of meta.json
}

const (
	perPage    = 100
	maxPerPage = 1000
)

func (s *Server) getCatalog(c *gin.Context) {
	q, err := checkQuery(c.Request.URL.RawQuery, "page", "per_page")
	if err != nil {
		s.fail(c, err)
		return
	}
	page, err := number(q.Get("page"), "page", 1, 1<<31-1)
	if err != nil {
		s.fail(c, err)
		return
	}
	per, err := number(q.Get("per_page"), "per_page", perPage, maxPerPage)
	if err != nil {
		s.fail(c, err)
		return
	}
	entries := s.o.Catalog.Entries
	l := &listing{Version: 1, Total: len(entries), Page: page, Pages: max((len(entries)+per-1)/per, 1), Images: []listed{}}
	if page > l.Pages {
		s.fail(c, usageError("page %d: expected 1 to %d", page, l.Pages))
		return
	}
	for _, e := range entries[(page-1)*per : min(page*per, len(entries))] {
		l.Images = append(l.Images, listed{e.ID, e.Source.String(), newWords(e.Words), newPosts(e), len(e.Posts), fmt.Sprintf("%s/i/%s/%s", s.o.PublicURL, e.ID, metaLeaf)})
	}
	if page < l.Pages {
		c.Header("Link", fmt.Sprintf(`<%s/catalog.json?page=%d&per_page=%d>; rel="next"`, s.o.PublicURL, page+1, per))
	}
	s.sendJSON(c, l, time.Time{}, cacheMinute)
}

// number reads a query parameter from 1 to most; "" is def.
func number(text, name string, def, most int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != text {
		return 0, usageError("%s %s: expected a number from 1 to %d", name, strconv.Quote(text), most)
	}
	return n, nil
}

// sendJSON writes v with a strong ETag; conditional requests are http.ServeContent's.
func (s *Server) sendJSON(c *gin.Context, v any, modified time.Time, control string) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		s.fail(c, fmt.Errorf("encode JSON: %w", err))
		return
	}
	s.sendPage(c, "application/json", body.Bytes(), modified, control)
}

// sendPage writes a page that was made for this request.
func (s *Server) sendPage(c *gin.Context, contentType string, body []byte, modified time.Time, control string) {
	sum := sha256.Sum256(body)
	h := c.Writer.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", control)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	h.Set("ETag", etag)
	if !modified.IsZero() {
		h.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
	}
	s.sendPart(c, etag, modified, body)
}
