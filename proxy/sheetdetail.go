package proxy

import (
	"context"
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A sheetDetail is the page of one picture.
type sheetDetail struct {
	sheetFrame
	Card             card
	Position, Count  int // in the list that it was opened from, from 1; 0 where it is not in it
	Prev, Next, Back string
	Permalink        string // by the post: it outlives changed words
	Words            []wordView
	Problems         []problemView
	Uses             []usageView
	MoreUses         int
	Original         *originalView // nil where it is not here
	Files            []fileRow
	Formats          []string // the columns of Files, as extensions
	Missing          int      // files that were not made yet
	Inside           *insideView
	Snippets         []snippet
}

// A wordView is one of the picture's words, and where it comes from.
type wordView struct{ Label, Text, From string }

type problemView struct {
	catalog.Problem
	Label string
}

type usageView struct {
	Title, Path, Slug, Field string
	Line                     int
}

type originalView struct {
	Modified, Failing, Replaced string
	Pinned                      bool
	Failure                     string
	SHA256                      string
	Frames                      int
	Holds                       []blockView // the words that its file has
}

// A fileRow is a preset or a rung of the ladder.
type fileRow struct {
	Name          string
	Width, Height int
	Cells         []fileCell // parallel to sheetDetail.Formats
}

type fileCell struct {
	Ext, URL string
	Bytes    int64 // 0 where it was not made yet
}

// An insideView is what a file that readers get says of itself, read back from its bytes.
type insideView struct {
	Name   string
	Blocks []blockView
}

// A blockView is one block of metadata.
type blockView struct {
	Name   string
	Fields []fieldView
}

type fieldView struct{ Label, Text string }

func (s *Server) newSheetDetail(ctx context.Context, at *snapshot, q sheetQuery, e *catalog.Entry) (*sheetDetail, error) {
	x := at.index()
	row := x.byID[e.ID]
	r := &x.rows[row]
	v := &sheetDetail{sheetFrame: s.frame(at, q, r.title), Card: s.viewer(at).card(ctx, x, row, q)}
	v.Card.Source, v.Card.Words.Alt = e.Source.String(), e.Words.Plain().Alt
	v.place(x, x.choose(q, at.facts.of(ctx, s.o.Renderer, at.catalog.Entries), &at.largest), row, q)
	v.Permalink = sheetQuery{post: latest(e).Path, sort: sortings()[0].Name}.href()
	for _, p := range r.problems {
		label, _ := codeLabel(p.Code)
		v.Problems = append(v.Problems, problemView{p, label})
	}
	for i := range e.Posts[:min(len(e.Posts), maxPosts)] {
		p := &e.Posts[i]
		v.Uses = append(v.Uses, usageView{p.Title, p.Path, p.Slug, p.Field, p.Line})
	}
	v.MoreUses = len(e.Posts) - len(v.Uses)
	g := s.o.Renderer.Glance(ctx, render.Request{Source: e.Source})
	if g.Original == nil {
		v.Words = wordViews(e, e.Words, caption.Origins{})
		v.Snippets = s.addressSnippets(e)
		return v, nil
	}
	files, specs := s.files(e, g.Original.Info)
	g = s.o.Renderer.Glance(ctx, render.Request{Source: e.Source, Specs: specs, Words: e.Words})
	if g.Original == nil { // purged meanwhile
		return v, nil
	}
	v.Files = files
	for _, f := range s.choice.Still() {
		v.Formats = append(v.Formats, f.Ext())
	}
	v.fill(g.Renditions)
	words, origins := e.Words.Over(g.Original.Found)
	v.Words = wordViews(e, words, origins)
	v.Original = newOriginalView(g.Original)
	v.Inside = newInsideView(g.Renditions)
	snippets, err := s.snippets(e, g.Original, words, v.Card.Color)
	v.Snippets = snippets
	return v, err
}

// place finds the picture in the list that it was opened from.
func (v *sheetDetail) place(x *sheetIndex, sel *selection, row int32, q sheetQuery) {
	v.Count = len(sel.rows)
	v.Back = q.list(1).href()
	i := slices.Index(sel.rows, row)
	if i < 0 {
		return
	}
	v.Position = i + 1
	v.Back = q.list(i/sheetPage+1).href() + "#p-" + x.rows[row].entry.ID
	if i > 0 {
		v.Prev = q.of(x.rows[sel.rows[i-1]].entry.ID)
	}
	if i+1 < len(sel.rows) {
		v.Next = q.of(x.rows[sel.rows[i+1]].entry.ID)
	}
}

// files are the rows of all files that a picture has, and their specs in the rows' order.
func (s *Server) files(e *catalog.Entry, info transform.Info) (rows []fileRow, specs []transform.Spec) {
	formats := s.choice.Still()
	add := func(name string, in func(transform.Format) srcset.File) {
		row := fileRow{Name: name}
		for _, f := range formats {
			file := in(f)
			row.Width, row.Height = file.Width, file.Height
			row.Cells = append(row.Cells, fileCell{Ext: f.Ext(), URL: "/i/" + e.ID + "/" + file.Spec.String()})
			specs = append(specs, srcset.Aim(file.Spec, e.Focus.Set, transform.Point{X: e.Focus.X, Y: e.Focus.Y}))
		}
		rows = append(rows, row)
	}
	for _, name := range s.choice.PresetNames() {
		add(name, func(f transform.Format) srcset.File {
			file, _ := s.choice.Preset(info, name, f)
			return file
		})
	}
	for i, rung := range s.choice.Ladder(info, formats[0]) {
		add("w"+strconv.Itoa(rung.Spec.Width), func(f transform.Format) srcset.File { return s.choice.Ladder(info, f)[i] })
	}
	return rows, specs
}

// fill puts what the cache has into the rows.
func (v *sheetDetail) fill(rends []*render.Rendition) {
	i := 0
	for r := range v.Files {
		for c := range v.Files[r].Cells {
			if rends[i] != nil {
				v.Files[r].Cells[c].Bytes = int64(len(rends[i].Body))
			} else {
				v.Missing++
			}
			i++
		}
	}
}

func newOriginalView(o *render.Original) *originalView {
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2 January 2006, 15:04 UTC")
	}
	v := &originalView{
		Modified: day(o.Modified), Failing: day(o.Failing), Replaced: day(o.Replaced), Pinned: o.Pinned,
		SHA256: hex.EncodeToString(o.Sum[:]), Frames: max(o.Info.Frames, 1), Holds: blocks(o.Found),
	}
	if o.Failure != "" {
		v.Failure = failureText(o.Failure)
	}
	return v
}

// newInsideView reads the words back from a file that readers get: a JPEG where there is one, for it has IPTC-IIM too, else the
// widest. It is nil where no file was made that has words.
func newInsideView(rends []*render.Rendition) *insideView {
	var best *render.Rendition
	rank := func(r *render.Rendition) int {
		if r.Spec.Format == transform.JPEG {
			return r.Spec.Width + 1<<20
		}
		return r.Spec.Width
	}
	for _, r := range rends {
		if r != nil && (best == nil || rank(r) > rank(best)) {
			best = r
		}
	}
	if best == nil {
		return nil
	}
	found, err := caption.Extract(best.Body)
	if err != nil {
		return nil
	}
	name := strconv.Itoa(best.Spec.Width) + " × " + strconv.Itoa(best.Spec.Height) + " " + best.Spec.Format.String()
	return &insideView{Name: name, Blocks: blocks(found)}
}

func blocks(f caption.Found) []blockView {
	var out []blockView
	for _, b := range []blockView{{"XMP", fields(f.XMP)}, {"IPTC-IIM", fields(f.IPTC)}, {"EXIF", fields(f.EXIF)}} {
		if len(b.Fields) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// fields are the words that there are.
func fields(w caption.Words) []fieldView {
	var out []fieldView
	for _, f := range []fieldView{
		{"Cutline", w.Cutline}, {"Credit", w.Credit}, {"Credit’s link", w.CreditURL}, {"Alt text", w.Alt}, {"Creator", w.Creator},
		{"Copyright", w.Copyright}, {"License", w.License}, {"Licensor", w.Licensor}, {"Licensor’s link", w.LicensorURL}, {"Source type", w.SourceType},
	} {
		if f.Text != "" {
			out = append(out, f)
		}
	}
	return out
}

// wordViews are words as they are shown: cutline, credit and alt always, the others where they are.
func wordViews(e *catalog.Entry, w caption.Words, o caption.Origins) []wordView {
	p, plain := latest(e), w.Plain()
	from := func(origin caption.Origin, line int) string {
		switch origin {
		case caption.Nowhere:
			return ""
		case caption.Post:
			where := "front matter"
			if p.Export != "" {
				where = path.Base(p.Export)
			}
			if line > 0 {
				where += ", line " + strconv.Itoa(line)
			}
			return where
		case caption.IPTC:
			return "the original’s IPTC-IIM"
		}
		return "the original’s " + map[caption.Origin]string{caption.XMP: "XMP", caption.EXIF: "EXIF"}[origin]
	}
	if (o == caption.Origins{}) { // nobody looked at the file: what there is, is the post's
		_, o = e.Words.Over(caption.Found{})
	}
	alt := plain.Alt
	if w.Decorative {
		alt = "decorative: screen readers skip it"
	}
	all := []wordView{
		{"Cutline", plain.Cutline, from(o.Cutline, p.Lines.Cutline)}, {"Credit", plain.Credit, from(o.Credit, p.Lines.Credit)},
		{"Alt text", alt, from(o.Alt, p.Lines.Alt)}, {"Credit’s link", plain.CreditURL, from(o.CreditURL, 0)},
		{"Creator", plain.Creator, from(o.Creator, p.Lines.Creator)}, {"Copyright", plain.Copyright, from(o.Copyright, p.Lines.Copyright)},
		{"License", plain.License, from(o.License, 0)}, {"Licensor", plain.Licensor, from(o.Licensor, 0)},
		{"Licensor’s link", plain.LicensorURL, from(o.LicensorURL, 0)}, {"Source type", plain.SourceType, from(o.SourceType, 0)},
	}
	const always = 3
	return slices.Concat(all[:always], slices.DeleteFunc(all[always:], func(v wordView) bool { return v.Text == "" }))
}
