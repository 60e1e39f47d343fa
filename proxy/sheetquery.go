package proxy

import (
	"cmp"
	"math/bits"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/caption"
)

// A sheetQuery is the query of the contact sheet's address:
//
//	/?show=missing-alt&q=harbour&sort=saved&page=2    the list: filtered, searched, sorted, paged
//	/?image=ID                                        one picture, with the list's parameters where it was opened from one
//	/?post=2023-09-18-kim                             the same by the post that shows it, an address that outlives changed words
//	/?view=numbers                                    what the server did since its start
//
// Parameters that are not named here are ignored: campaigns and trackers append them to links.
type sheetQuery struct {
	show, q, sort string
	page          int // from 1
	image, post   string
	view          string
}

// maxSearch bounds a search in bytes.
const maxSearch = 200

// A sorting is an order of the list.
type sorting struct{ Name, Label string }

// sortings are the orders that there are, the default first. The slice is the caller's.
func sortings() []sorting {
	return []sorting{
		{"newest", "Newest first"}, {"oldest", "Oldest first"}, {"title", "By title"}, {"problems", "Most problems"},
		{"original", "Largest original"}, {"saved", "Most bytes saved"},
	}
}

// newSheetQuery reads a query; its error is a *usageErr.
func newSheetQuery(raw string, x *sheetIndex) (sheetQuery, error) {
	v, err := url.ParseQuery(raw)
	if err != nil {
		return sheetQuery{}, usageError("the query cannot be parsed")
	}
	q := sheetQuery{show: v.Get("show"), q: strings.TrimSpace(caption.Cut(caption.Clean(v.Get("q")), maxSearch)), image: v.Get("image"), post: v.Get("post"), view: v.Get("view")}
	if q.page, err = number(v.Get("page"), "page", 1, 1<<31-1); err != nil {
		return sheetQuery{}, err
	}
	if q.show != "" && x.filter(q.show) == nil {
		return sheetQuery{}, usageError("show %s: expected a filter of the sheet, such as missing-alt", strconv.Quote(q.show))
	}
	all := sortings()
	q.sort = cmp.Or(v.Get("sort"), all[0].Name)
	if !slices.ContainsFunc(all, func(s sorting) bool { return s.Name == q.sort }) {
		return sheetQuery{}, usageError("sort %s: expected newest, oldest, title, problems, original or saved", strconv.Quote(q.sort))
	}
	if q.view != "" && q.view != "numbers" {
		return sheetQuery{}, usageError("view %s: expected numbers, or no view", strconv.Quote(q.view))
	}
	return q, nil
}

// href is the address of q. Defaults are left out, so that one page has one address.
func (q sheetQuery) href() string {
	var b strings.Builder
	add := func(name, value string) {
		if value == "" {
			return
		}
		b.WriteByte("?&"[min(b.Len(), 1)])
		b.WriteString(name + "=" + url.QueryEscape(value))
	}
	add("view", q.view)
	add("image", q.image)
	add("post", q.post)
	add("show", q.show)
	add("q", q.q)
	if q.sort != sortings()[0].Name {
		add("sort", q.sort)
	}
	if q.page > 1 {
		add("page", strconv.Itoa(q.page))
	}
	return "/" + b.String()
}

// list is the list that a picture was opened from, at its page.
func (q sheetQuery) list(page int) sheetQuery {
	q.image, q.post, q.view, q.page = "", "", "", page
	return q
}

// of is the address of the picture of that ID in q's list.
func (q sheetQuery) of(id string) string {
	q.image, q.post, q.view, q.page = id, "", "", 1
	return q.href()
}

// A selection is what a query selects.
type selection struct {
	rows   []int32 // of the index, in order
	found  int     // by the search alone
	counts []int   // of each filter, among what the search found
	facts  []fact  // parallel to the index; nil while none are known
}

// traits are those of a row, by the posts and by what is known of its original.
func (sel *selection) traits(x *sheetIndex, row int32) traits {
	t := x.rows[row].traits
	if sel.facts != nil {
		t |= sel.facts[row].traits()
	}
	if t&hasProblem != 0 {
		t &^= isComplete
	}
	return t
}

// choose selects what q asks for. It looks at each row once, and costs some milliseconds for ten thousand.
func (x *sheetIndex) choose(q sheetQuery, facts []fact, ws *largestFiles) *selection {
	sel := &selection{facts: facts, rows: make([]int32, 0, len(x.rows))}
	var want traits
	if f := x.filter(q.show); f != nil {
		want = f.trait
	}
	search := terms(q.q)
	var perBit [64]int
	for i := range x.rows {
		row := x.at(q.sort, i)
		if len(search) > 0 && !x.rows[row].matches(search) {
			continue
		}
		sel.found++
		t := sel.traits(x, row)
		for rest := t; rest != 0; rest &= rest - 1 {
			perBit[bits.TrailingZeros64(uint64(rest))]++
		}
		if t&want == want {
			sel.rows = append(sel.rows, row)
		}
	}
	sel.counts = make([]int, len(x.filters))
	for i, f := range x.filters {
		sel.counts[i] = perBit[bits.TrailingZeros64(uint64(f.trait))]
	}
	sel.sort(x, q.sort, ws)
	return sel
}

// at is the i-th row in an order that needs no facts.
func (x *sheetIndex) at(order string, i int) int32 {
	switch order {
	case "oldest":
		return int32(i) //nolint:gosec // as in newSheetIndex
	case "title":
		return x.byTitle[i]
	case "problems":
		return x.byFault[i]
	}
	return int32(len(x.rows) - 1 - i) //nolint:gosec // as in newSheetIndex
}

// sort sorts by what is known of originals; what is not known comes last, the newest first.
func (sel *selection) sort(x *sheetIndex, order string, ws *largestFiles) {
	if sel.facts == nil || order != "original" && order != "saved" {
		return
	}
	type keyed struct {
		row   int32
		bytes int64
	}
	all := make([]keyed, len(sel.rows))
	for i, row := range sel.rows {
		f := &sel.facts[row]
		all[i] = keyed{row, f.bytes}
		if order == "saved" {
			all[i].bytes = -1
			if w := ws.of(x.rows[row].entry.ID); w != nil && w.original == f.sum {
				all[i].bytes = max(f.bytes-w.bytes, 0)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Compare(b.bytes, a.bytes) })
	for i, k := range all {
		sel.rows[i] = k.row
	}
}
