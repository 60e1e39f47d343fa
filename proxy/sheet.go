package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"

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
	page   *template.Template
	policy string // Content-Security-Policy: our style and our pictures, nothing else
}

// findings are the catalog's problems, as the sheet shows them.
type findings struct {
	byFile map[string][]catalog.Problem
	others []catalog.Problem // about posts that show no picture: the first maxOthers
	more   int               // the rest of those
}

// maxOthers bounds the list of problems without a picture; lint lists them all.
const maxOthers = 100

func newFindings(c *catalog.Catalog) findings {
	shown := make(map[string]bool)
	for _, e := range c.Entries {
		for _, p := range e.Posts {
			shown[p.Path] = true
		}
	}
	f := findings{byFile: make(map[string][]catalog.Problem)}
	for _, p := range c.Lint() {
		switch {
		case shown[p.File]:
			f.byFile[p.File] = append(f.byFile[p.File], p)
		case len(f.others) < maxOthers:
			f.others = append(f.others, p)
		default:
			f.more++
		}
	}
	return f
}

// of are the findings about p that are not among told: posts that share a picture and its words share their lack.
func (f findings) of(p post, told []catalog.Problem) []catalog.Problem {
	return slices.DeleteFunc(slices.Clone(f.byFile[p.Path]), func(found catalog.Problem) bool {
		return slices.ContainsFunc(told, func(t catalog.Problem) bool { return t.Code == found.Code && t.Message == found.Message })
	})
}

func newSheet() *sheet {
	sum := sha256.Sum256([]byte(sheetCSS))
	return &sheet{
		page: template.Must(template.New("sheet").Parse(sheetHTML)),
		policy: fmt.Sprintf("default-src 'none'; img-src 'self' data:; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			base64.StdEncoding.EncodeToString(sum[:])),
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
	MoreOthers  int               // not listed
}

// A card is one picture of the sheet.
type card struct {
	ID        string
	Source    string
	Words     words
	Posts     []post // the first maxCardPosts
	More      int    // posts not listed
	Problems  []catalog.Problem
	Withdrawn bool // taken down: there is no picture to show
}

// maxCardPosts bounds the posts that one card lists, with their problems.
const maxCardPosts = 5

// getSheet answers "/": every featured image with its words and its problems.
func (s *Server) getSheet(c *gin.Context) {
	// A page for people takes what campaigns and trackers append to links.
	page, err := number(c.Query("page"), "page", 1, 1<<31-1)
	if err != nil {
		s.fail(c, err)
		return
	}
	view := s.newSheetView(c.Request.Context(), page)
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
	s.sendPage(c, "text/html; charset=utf-8", body.Bytes(), "no-cache")
}

func (s *Server) newSheetView(ctx context.Context, page int) *sheetView {
	at := s.snapshot()
	entries := at.catalog.Entries
	v := &sheetView{
		CSS:    template.CSS(sheetCSS), //nolint:gosec // our own
		Layout: at.catalog.Layout, Posts: at.catalog.Posts, Total: len(entries),
		Page: page, Pages: max((len(entries)+sheetPage-1)/sheetPage, 1), Presets: s.grammar.presetNames(),
	}
	for _, f := range s.choice.Still() {
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
	found := at.findings()
	// Last first: where posts are named by date, that is newest first.
	first, end := max(len(entries)-page*sheetPage, 0), len(entries)-(page-1)*sheetPage
	for _, e := range slices.Backward(entries[first:end]) {
		k := card{ID: e.ID, Source: e.Source.String(), Words: newWords(e.Words.Plain()), More: max(len(e.Posts)-maxCardPosts, 0)}
		k.Withdrawn = s.o.Renderer.Withdrawn(ctx, e.Source)
		k.Posts = newPosts(e)[:min(len(e.Posts), maxCardPosts)]
		for _, p := range k.Posts {
			k.Problems = append(k.Problems, found.of(p, k.Problems)...)
		}
		v.Cards = append(v.Cards, k)
	}
	if page == 1 {
		v.Others, v.MoreOthers = found.others, found.more
	}
	return v
}
