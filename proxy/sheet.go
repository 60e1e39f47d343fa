package proxy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
)

//go:embed sheet.html
var sheetHTML string

//go:embed sheet.css
var sheetCSS string

// sheetPage is how many pictures one page of the contact sheet shows.
const sheetPage = 60

// A sheet is the contact sheet's template, parsed once.
type sheet struct {
	page     *template.Template
	policy   string          // Content-Security-Policy: our style and our pictures, nothing else
	findings func() findings // linted once, when first shown
}

// findings are the catalog's problems by post.
type findings map[string][]catalog.Problem

func newFindings(c *catalog.Catalog) findings {
	f := make(findings)
	for _, p := range c.Lint() {
		f[p.File] = append(f[p.File], p)
	}
	return f
}

// others are the findings about posts that show no picture, in the catalog's order.
func (f findings) others(c *catalog.Catalog) []catalog.Problem {
	shown := make(map[string]bool)
	for _, e := range c.Entries {
		for _, p := range e.Posts {
			shown[p.Path] = true
		}
	}
	var out []catalog.Problem
	for _, file := range slices.Sorted(maps.Keys(f)) {
		if !shown[file] {
			out = append(out, f[file]...)
		}
	}
	return out
}

func newSheet(c *catalog.Catalog) *sheet {
	sum := sha256.Sum256([]byte(sheetCSS))
	return &sheet{
		page: template.Must(template.New("sheet").Parse(sheetHTML)),
		policy: fmt.Sprintf("default-src 'none'; img-src 'self' data:; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			base64.StdEncoding.EncodeToString(sum[:])),
		findings: sync.OnceValue(func() findings { return newFindings(c) }),
	}
}

// sheetView is what sheet.html shows.
type sheetView struct {
	CSS         template.CSS
	Layout      string
	Posts       int
	Total       int
	Page, Pages int
	Prev, Next  int // page numbers; 0 for none
	Presets     []string
	Formats     []string
	Cards       []card
	Others      []catalog.Problem // of posts without a picture
}

// A card is one picture of the sheet.
type card struct {
	ID       string
	Source   string
	Words    words
	Posts    []post
	Problems []catalog.Problem
}

// getSheet answers "/": every featured image with its words and its problems.
func (s *Server) getSheet(c *gin.Context) {
	q, err := checkQuery(c.Request.URL.RawQuery, "page")
	if err != nil {
		s.fail(c, err)
		return
	}
	page, err := number(q.Get("page"), "page", 1, 1<<31-1)
	if err != nil {
		s.fail(c, err)
		return
	}
	view := s.newSheetView(page)
	if page > view.Pages {
		s.fail(c, usageError("page %d: expected 1 to %d", page, view.Pages))
		return
	}
	var body bytes.Buffer
	if err := s.sheet.page.Execute(&body, view); err != nil {
		s.fail(c, fmt.Errorf("render the contact sheet: %w", err))
		return
	}
	c.Header("Content-Security-Policy", s.sheet.policy)
	s.sendPage(c, "text/html; charset=utf-8", body.Bytes(), time.Time{}, "no-cache")
}

func (s *Server) newSheetView(page int) *sheetView {
	entries := s.o.Catalog.Entries
	v := &sheetView{
		CSS: template.CSS(sheetCSS), Layout: s.o.Catalog.Layout, Posts: s.o.Catalog.Posts, Total: len(entries),
		Page: page, Pages: max((len(entries)+sheetPage-1)/sheetPage, 1), Presets: s.presetNames(),
	}
	for _, f := range s.grammar.formats {
		v.Formats = append(v.Formats, f.Ext())
	}
	if page > v.Pages {
		return v
	}
	if page > 1 {
		v.Prev = page - 1
	}
	if page < v.Pages {
		v.Next = page + 1
	}
	byFile := s.sheet.findings()
	for _, e := range entries[(page-1)*sheetPage : min(page*sheetPage, len(entries))] {
		k := card{ID: e.ID, Source: e.Source.String(), Words: newWords(e.Words.Plain()), Posts: newPosts(e)}
		for _, p := range e.Posts {
			k.Problems = append(k.Problems, byFile[p.Path]...)
		}
		v.Cards = append(v.Cards, k)
	}
	if page == 1 {
		v.Others = byFile.others(s.o.Catalog)
	}
	return v
}
