package proxy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
)

//go:embed sheet.html
var sheetHTML string

//go:embed sheetlist.html
var sheetListHTML string

//go:embed sheetdetail.html
var sheetDetailHTML string

//go:embed sheetnumbers.html
var sheetNumbersHTML string

//go:embed sheet.css
var sheetCSS string

//go:embed sheet.js
var sheetJS string

// A sheet is the contact sheet's templates, parsed once.
type sheet struct {
	pages  *template.Template
	policy string // Content-Security-Policy: our style, our script and our pictures, nothing else
}

func newSheet() *sheet {
	pages := template.New("sheet").Funcs(template.FuncMap{"bytes": bytesText, "thousands": thousands})
	for _, text := range []string{sheetHTML, sheetListHTML, sheetDetailHTML, sheetNumbersHTML} {
		template.Must(pages.Parse(text))
	}
	return &sheet{pages: pages, policy: "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src " + hashSource(sheetCSS) +
		"; script-src " + hashSource(sheetJS) + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"}
}

// hashSource is a CSP source that allows an element with that text alone.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// A sheetFrame is what all pages of the contact sheet have.
type sheetFrame struct {
	CSS   template.CSS
	JS    template.JS
	Title string
	Tab   string // "list", "numbers"; "" is none

	Layout       string
	Posts, Total int
	Query        string // of the search
	Show, Sort   string // of the list; Sort is "" for the default
	Sorts        []sortOption
	Reset        string // address of the list without filter and search
	Notice       string // said instead of a page
}

type sortOption struct {
	sorting
	Selected bool
}

// frame is that of a page for q.
func (s *Server) frame(at *snapshot, q sheetQuery, title string) sheetFrame {
	f := sheetFrame{
		CSS: template.CSS(sheetCSS), JS: template.JS(sheetJS), //nolint:gosec // our own
		Title: title, Layout: at.catalog.Layout, Posts: at.catalog.Posts, Total: len(at.catalog.Entries),
		Query: q.q, Show: q.show, Sort: q.sort, Reset: sheetQuery{sort: q.sort}.href(),
	}
	for _, o := range sortings() {
		f.Sorts = append(f.Sorts, sortOption{o, o.Name == q.sort})
	}
	return f
}

// getSheet answers "/": every featured image with its words and its problems, one of them, or the server's numbers.
func (s *Server) getSheet(c *gin.Context) {
	c.Header("X-Robots-Tag", "noindex, nofollow") // it is the newsroom's, and shows what lacks
	at := s.snapshot()
	q, err := newSheetQuery(c.Request.URL.RawQuery, at.index())
	if err != nil {
		s.fail(c, err)
		return
	}
	switch {
	case q.view == "numbers":
		s.sendSheet(c, http.StatusOK, "numbers", s.numbers(c.Request.Context(), at, q))
	case q.image != "" || q.post != "":
		s.getSheetDetail(c, at, q)
	default:
		view := s.newSheetView(c.Request.Context(), at, q)
		if q.page > view.Pages {
			s.fail(c, usageError("page %d: expected 1 to %d", q.page, view.Pages))
			return
		}
		s.sendSheet(c, http.StatusOK, "list", view)
	}
}

// getSheetDetail answers with the page of one picture, or says that there is none.
func (s *Server) getSheetDetail(c *gin.Context, at *snapshot, q sheetQuery) {
	var e *catalog.Entry
	err := errUnknownID
	if q.image != "" {
		if known, ok := at.catalog.ByID(q.image); ok {
			e, err = known, nil
		}
	} else {
		e, _, err = at.catalog.ByPost(q.post)
	}
	if err != nil {
		s.tally.refused.Add(1)
		view := s.frame(at, q, "No such picture")
		view.Notice = judge(err).text
		s.sendSheet(c, judge(err).status, "notice", &view)
		return
	}
	view, err := s.newSheetDetail(c.Request.Context(), at, q, e)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.sendSheet(c, http.StatusOK, "detail", view)
}

// sendSheet sends a page of the contact sheet.
func (s *Server) sendSheet(c *gin.Context, status int, name string, view any) {
	var body bytes.Buffer
	if err := s.sheet.pages.ExecuteTemplate(&body, name, view); err != nil {
		s.fail(c, fmt.Errorf("render the contact sheet: %w", err))
		return
	}
	c.Header("Content-Security-Policy", s.sheet.policy)
	if status != http.StatusOK {
		c.Header("Cache-Control", "no-store")
		c.Header("Content-Length", strconv.Itoa(body.Len()))
		c.Header("Content-Type", "text/html; charset=utf-8")
		c.Status(status)
		if c.Request.Method == http.MethodHead {
			c.Writer.WriteHeaderNow()
			return
		}
		_, _ = c.Writer.Write(body.Bytes()) // a client that is gone is no error of ours
		return
	}
	s.sendPage(c, "text/html; charset=utf-8", body.Bytes(), "no-cache")
}

// bytesText is a number of bytes for people: "0 B", "950 B", "86 kB", "1.2 MB".
func bytesText(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "−", -n
	}
	if n < 1000 {
		return sign + strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.5 && unit < 4 {
		value, unit = value/1000, unit+1
	}
	digits := 0
	if value < 9.95 && unit > 0 {
		digits = 1
	}
	return sign + strconv.FormatFloat(value, 'f', digits, 64) + " " + [...]string{"kB", "MB", "GB", "TB", "PB"}[unit]
}

// thousands is an int or int64 with commas: "12,345".
func thousands(n any) string {
	text := fmt.Sprint(n)
	digits, sign := strings.TrimPrefix(text, "-"), ""
	if digits != text {
		sign = "−"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
