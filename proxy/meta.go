package proxy

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/markup"
	"github.com/dd8bf596/cutline/internal/srcset"
)

const metaLeaf = "meta.json"

// meta is /i/{id}/meta.json: what a template or a client needs to show the picture with its words.
type meta struct {
	Version int             `json:"version"`
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Words   words           `json:"words"`   // the post's, its gaps filled with the file's own
	Text    words           `json:"text"`    // the words without markup
	Origins caption.Origins `json:"origins"` // where each word comes from
	Width   int             `json:"width"`
	Height  int             `json:"height"`
	Format  string          `json:"format"` // of the original
	Frames  int             `json:"frames"` // of the original; more than one in animations
	Bytes   int64           `json:"bytes"`
	SHA256  string          `json:"sha256"`
	markup.Placeholder
	Posts   []post          `json:"posts"` // the first 100
	Uses    int             `json:"uses"`  // posts in all
	Presets map[string]size `json:"presets"`
	// Srcset has, per extension but GIF's, which no still picture is best in, the widths of the ladder that the original can fill, ascending, and its own width where
	// that lies between two rungs.
	Srcset map[string][]candidate `json:"srcset"`
	// Formats has those that a page offers, in the shape of eleventy-img's stats, whose generateHTML takes it as it is.
	Formats map[string][]stat `json:"formats"`
	Figure  string            `json:"figure,omitempty"` // URL of figure.html
	Preload string            `json:"preload"`          // a Link header for pages whose hero the picture is
	Social  []markup.Meta     `json:"social"`           // Open Graph and Twitter; none without a public URL
	JSONLD  json.RawMessage   `json:"jsonld"`           // schema.org's ImageObject
}

// A stat is one file in the shape of eleventy-img's stats.
type stat struct {
	Format     string `json:"format"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	URL        string `json:"url"`
	SourceType string `json:"sourceType"`
	Srcset     string `json:"srcset"`
}

type words struct {
	Cutline     string `json:"cutline"`
	Credit      string `json:"credit"`
	CreditURL   string `json:"credit_url,omitempty"`
	Alt         string `json:"alt"`
	Decorative  bool   `json:"decorative,omitempty"`
	Creator     string `json:"creator,omitempty"`
	Copyright   string `json:"copyright,omitempty"`
	License     string `json:"license,omitempty"`
	Licensor    string `json:"licensor,omitempty"`
	LicensorURL string `json:"licensor_url,omitempty"`
	SourceType  string `json:"source_type,omitempty"`
}

func newWords(w caption.Words) words {
	return words{
		Cutline: w.Cutline, Credit: w.Credit, CreditURL: w.CreditURL, Alt: w.Alt, Decorative: w.Decorative,
		Creator: w.Creator, Copyright: w.Copyright, License: w.License, Licensor: w.Licensor, LicensorURL: w.LicensorURL, SourceType: w.SourceType,
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

// getMeta answers …/meta.json. It needs the original, and of renditions those that make the placeholder.
func (s *Server) getMeta(c *gin.Context, at *snapshot, e *catalog.Entry, g grant) {
	v, err := s.view(c.Request.Context(), at, e, g)
	if err != nil {
		s.failOf(c, e, err)
		return
	}
	m, err := s.newMeta(v)
	if err != nil {
		s.fail(c, err)
		return
	}
	l := at.shelf.label(e, v.words)
	l.set(c.Writer.Header())
	s.sendJSON(c, m, v.control)
}

func (s *Server) newMeta(v *view) (*meta, error) {
	e, o := v.entry, v.original
	m := &meta{
		Version: 1, ID: e.ID, Source: e.Source.String(),
		Words: newWords(v.words), Text: newWords(v.words.Plain()), Origins: v.origins,
		Width: o.Info.Width, Height: o.Info.Height, Format: o.Info.Format.Ext(), Frames: max(o.Info.Frames, 1),
		Bytes: o.Bytes, SHA256: hex.EncodeToString(o.Sum[:]),
		Placeholder: v.placeholder,
		Posts:       newPosts(e),
		Uses:        len(e.Posts),
		Presets:     make(map[string]size, len(s.grammar.presets)),
		Srcset:      make(map[string][]candidate, len(s.grammar.formats)),
		Formats:     make(map[string][]stat),
		Figure:      s.figureURL(e),
	}
	for name := range s.grammar.presets {
		p := size{URLs: make(map[string]string)}
		for _, f := range s.choice.Still() {
			file, _ := s.choice.Preset(o.Info, name, f)
			p.Width, p.Height = file.Width, file.Height
			if u := v.url(file.Spec); u != "" {
				p.URLs[f.Ext()] = u
			}
		}
		if len(p.URLs) > 0 {
			m.Presets[name] = p
		}
	}
	for _, f := range s.choice.Still() {
		m.Srcset[f.Ext()] = candidates(v, s.choice.Ladder(o.Info, f))
	}
	p := s.markupOf(v)
	for _, f := range p.Formats {
		name := strings.TrimPrefix(f.MIME, "image/")
		for _, k := range f.Candidates {
			m.Formats[name] = append(m.Formats[name], stat{name, k.Width, k.Height, k.URL, f.MIME, k.URL + " " + strconv.Itoa(k.Width) + "w"})
		}
	}
	m.Social = []markup.Meta{}
	if s.o.PublicURL != "" { // crawlers take absolute addresses only
		m.Social = markup.Social(p)
	}
	hero := markup.Options{Hero: true}
	var err error
	if m.Preload, err = markup.Preload(p, hero); err != nil {
		return nil, err
	}
	m.JSONLD, err = markup.JSONLD(p, hero)
	return m, err
}

// candidates are those files that have a URL, with it.
func candidates(v *view, files []srcset.File) []candidate {
	var out []candidate
	for _, f := range files {
		if u := v.url(f.Spec); u != "" {
			out = append(out, candidate{u, f.Width, f.Height})
		}
	}
	return out
}

// sendJSON writes v with a strong ETag; conditional requests are http.ServeContent's.
func (s *Server) sendJSON(c *gin.Context, v any, control string) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		s.fail(c, fmt.Errorf("encode JSON: %w", err))
		return
	}
	s.sendPage(c, "application/json", body.Bytes(), control)
}

// sendPage writes a page that was made for this request. It has no date: configuration and programs change it too.
func (s *Server) sendPage(c *gin.Context, contentType string, body []byte, control string) {
	sum := sha256.Sum256(body)
	h := c.Writer.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", bounded(control, expiryOf(c)))
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	h.Set("ETag", etag)
	s.sendPart(c, etag, time.Time{}, body)
}
