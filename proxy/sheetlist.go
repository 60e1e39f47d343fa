package proxy

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
)

// sheetPage is how many pictures one page of the contact sheet shows.
const sheetPage = 60

// A sheetView is one page of the list.
type sheetView struct {
	sheetFrame
	Filters     []filterView
	Found       int    // by the search
	Count       int    // by search and filter
	Label       string // of the filter
	First, Last int    // of those on this page, from 1
	Page, Pages int
	Prev, Next  string
	Numbers     []pageView
	Cards       []card
	Others      []catalog.Problem // of posts without a picture
	MoreOthers  int               // not listed
	Known       bool              // what is known of originals has been looked up
}

// A filterView is a filter with how many pictures it selects.
type filterView struct {
	Label, Href, Name string
	Count             int
	Current           bool
}

// A pageView is a link to a page, or, with N 0, a gap between two.
type pageView struct {
	N       int
	Href    string
	Current bool
}

// A badge is a problem, or something else that people should see at a glance.
type badge struct {
	Kind  string // "error", "warning", "note"
	Label string
	Title string // the whole of it
}

// A place is a post's path with the slug in it, or behind it.
type place struct{ Before, Slug, After string }

func newPlace(p *catalog.Post) place {
	i := strings.LastIndex(p.Path, p.Slug)
	if i < 0 || p.Slug == "" {
		return place{Before: p.Path + " ", Slug: p.Slug}
	}
	return place{p.Path[:i], p.Slug, p.Path[i+len(p.Slug):]}
}

// A card is one picture of the list.
type card struct {
	ID, Title, Href string
	Words           words
	Place           place
	More            int // posts beside that one
	Source          string
	Badges          []badge
	Withdrawn       bool
	Failure         string // why there is no picture
	Color           string
	ThumbHash       string
	sizes
}

// sizes are what is known of a picture's files.
type sizes struct {
	Width, Height int   // of the original; 0 where it is not known
	Original      int64 // bytes
	Format        string
	Reader        int64 // bytes of the largest file that was made of the whole picture; 0 where none is known
	ReaderWidth   int
	ReaderFormat  string
	Saved         int // per cent of Original; negative where the file is larger
	Share         int // per cent of Original that Reader is, 1 to 100, for a bar
}

func newSizes(f *fact, w *largestFile) sizes {
	if !f.known() {
		return sizes{}
	}
	z := sizes{Width: f.info.Width, Height: f.info.Height, Original: f.bytes, Format: f.info.Format.String()}
	if w != nil && f.bytes > 0 {
		z.Reader, z.ReaderWidth, z.ReaderFormat = w.bytes, w.width, w.format.String()
		z.Saved = int(100 - (100*w.bytes+f.bytes/2)/f.bytes)
		z.Share = min(max(100-z.Saved, 1), 100)
	}
	return z
}

// newSheetView makes the page that q asks for; beyond the last one it has no cards.
func (s *Server) newSheetView(ctx context.Context, at *snapshot, q sheetQuery) *sheetView {
	x := at.index()
	facts := at.facts.of(ctx, s.o.Renderer, at.catalog.Entries)
	sel := x.choose(q, facts, &at.largest)
	v := &sheetView{
		sheetFrame: s.frame(at, q, "Contact sheet"), Found: sel.found, Count: len(sel.rows), Known: facts != nil,
		Page: q.page, Pages: max((len(sel.rows)+sheetPage-1)/sheetPage, 1),
	}
	v.Tab = "list"
	v.Filters = newFilterViews(x, sel, q)
	if f := x.filter(q.show); f != nil {
		v.Label = f.label
	}
	if q.page > v.Pages {
		return v
	}
	v.paginate(q)
	start, end := (q.page-1)*sheetPage, min(q.page*sheetPage, len(sel.rows))
	v.First, v.Last = start+1, end
	viewer := s.viewer(at)
	for _, row := range sel.rows[start:end] {
		v.Cards = append(v.Cards, viewer.card(ctx, x, row, q))
	}
	if q.page == 1 && q.q == "" && (q.show == "" || q.show == "problems" || q.show == "errors") {
		v.Others, v.MoreOthers = x.others, x.more
	}
	return v
}

func newFilterViews(x *sheetIndex, sel *selection, q sheetQuery) []filterView {
	link := func(name string) string {
		to := q.list(1)
		to.show = name
		return to.href()
	}
	out := []filterView{{Label: "All", Href: link(""), Count: sel.found, Current: q.show == ""}}
	for i, f := range x.filters {
		if f.rare && sel.counts[i] == 0 && f.name != q.show {
			continue
		}
		out = append(out, filterView{Label: f.label, Name: f.name, Href: link(f.name), Count: sel.counts[i], Current: f.name == q.show})
	}
	return out
}

// paginate links the first pages, those around this one, and the last.
func (v *sheetView) paginate(q sheetQuery) {
	if v.Pages == 1 {
		return
	}
	if q.page > 1 {
		v.Prev = q.list(q.page - 1).href()
	}
	if q.page < v.Pages {
		v.Next = q.list(q.page + 1).href()
	}
	last := 0
	for n := 1; n <= v.Pages; n++ {
		if n > 1 && n < v.Pages && (n < q.page-1 || n > q.page+1) {
			continue
		}
		if n > last+1 {
			v.Numbers = append(v.Numbers, pageView{})
		}
		v.Numbers = append(v.Numbers, pageView{N: n, Href: q.list(n).href(), Current: n == q.page})
		last = n
	}
}

// card is that of a row.
func (v *viewer) card(ctx context.Context, x *sheetIndex, row int32, q sheetQuery) card {
	r := &x.rows[row]
	e, p := r.entry, latest(r.entry)
	f := newFact(v.s.o.Renderer.Glance(ctx, render.Request{Source: e.Source}))
	k := card{
		ID: e.ID, Title: brief(r.title), Href: q.of(e.ID), Words: newWords(e.Words.Plain()), Place: newPlace(p),
		More: len(e.Posts) - 1, Source: brief(e.Source.String()), Badges: x.badges(r, &f), Withdrawn: f.failure == render.Withdrawn,
		sizes: newSizes(&f, v.largest(ctx, e, &f)),
	}
	k.Words.Cutline, k.Words.Credit, k.Words.Alt = brief(k.Words.Cutline), brief(k.Words.Credit), brief(k.Words.Alt)
	if !f.known() && f.failure != "" {
		k.Failure = failureText(f.failure)
	}
	look := v.placeholder(ctx, e, &f)
	if !look.Transparent { // through the others it would be seen for good
		k.Color, k.ThumbHash = look.Color, look.ThumbHash
	}
	return k
}

// maxBrief is what a card says of one word, in bytes: more than a lint without findings allows. The picture's page has all of it.
const maxBrief = 800

func brief(text string) string {
	if len(text) <= maxBrief {
		return text
	}
	return caption.Cut(text, maxBrief) + " …"
}

// failureText says why there is no picture, in the words that its readers get.
func failureText(class render.Class) string {
	return cmp.Or(verdicts[class].text, verdicts[render.Internal].text)
}

// badges are what is wrong with a row's picture, errors first, and what else marks it.
func (x *sheetIndex) badges(r *sheetRow, f *fact) []badge {
	var out []badge
	switch t := f.traits(); {
	case t&isWithdrawn != 0:
		out = append(out, badge{"note", "Taken down", failureText(render.Withdrawn)})
	case t&isBroken != 0 && r.traits&isBroken == 0: // else lint says why
		out = append(out, badge{"error", "Broken", failureText(f.failure)})
	case t&isFailing != 0:
		out = append(out, badge{"warning", "Origin fails", "Its server does not deliver it at the moment; what was kept of it is shown."})
	}
	if r.traits&isUnread != 0 {
		out = append(out, badge{"error", "Broken edit", "The post cannot be read at the moment; its last good version is shown."})
	}
	for _, severity := range []catalog.Severity{catalog.Error, catalog.Warning} {
		for _, p := range r.problems {
			if p.Severity == severity {
				label, _ := codeLabel(p.Code)
				out = append(out, badge{string(severity), label, p.Message})
			}
		}
	}
	if r.traits&isDecorative != 0 {
		out = append(out, badge{"note", "Decorative", "The post has an empty alternative text: screen readers skip the picture."})
	}
	return out
}

// Range is the part of a list that a page shows, for people.
func (v *sheetView) Range() string {
	if v.Pages == 1 {
		return ""
	}
	return strconv.Itoa(v.First) + "–" + strconv.Itoa(v.Last)
}
