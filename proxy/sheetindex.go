package proxy

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/source"
)

// A sheetIndex is what the contact sheet needs of all entries to filter, search and sort them: made once per snapshot, then only
// read. It takes about a kilobyte per entry.
type sheetIndex struct {
	rows    []sheetRow // parallel to the catalog's entries
	byID    map[string]int32
	filters []filter // those that the sheet has, in their order
	byTitle []int32  // rows by title
	byFault []int32  // rows by problems, the worst first
	others  []catalog.Problem
	more    int // problems that others has no place for
}

// A sheetRow is one entry.
type sheetRow struct {
	entry    *catalog.Entry
	title    string            // of its latest post; never empty
	text     string            // folded: what a search looks at
	traits   traits            // that hold as long as the snapshot does
	problems []catalog.Problem // of its first posts, each lack once
	errors   int               // of them
}

// maxOthers bounds the list of problems without a picture; lint lists them all.
const maxOthers = 100

// maxCardPosts bounds the posts that one card lists, and those whose problems are told.
const maxCardPosts = 5

func newSheetIndex(c *catalog.Catalog) *sheetIndex {
	x := &sheetIndex{rows: make([]sheetRow, len(c.Entries)), byID: make(map[string]int32, len(c.Entries)), filters: newFilters()}
	found := x.findings(c)
	unread := make(map[string]bool, len(c.Kept))
	for _, post := range c.Kept {
		unread[post] = true
	}
	titles := make([]string, len(c.Entries))
	for i, e := range c.Entries {
		r := &x.rows[i]
		*r = sheetRow{entry: e, title: titleOf(e), text: searched(e)}
		for j := range e.Posts {
			post := &e.Posts[j]
			for _, p := range found[post.Path] {
				r.traits |= x.traitOf(p)
				same := func(t catalog.Problem) bool { return t.Code == p.Code && t.Message == p.Message }
				if j < maxCardPosts && !slices.ContainsFunc(r.problems, same) { // posts that share a picture and its words share their lack
					r.problems = append(r.problems, p)
				}
			}
			if unread[post.Path] {
				r.traits |= isUnread
			}
		}
		r.finish()
		x.byID[e.ID] = int32(i)
		titles[i] = fold(r.title)
	}
	x.sort(titles)
	return x
}

// finish derives what follows from a row's problems.
func (r *sheetRow) finish() {
	for _, p := range r.problems {
		if p.Severity == catalog.Error {
			r.errors++
		}
	}
	if r.entry.Words.Decorative {
		r.traits |= isDecorative
	}
	if r.traits&(hasProblem|isUnread) == 0 {
		r.traits |= isComplete
	}
}

// findings are the catalog's problems by the file of the post that shows a picture. Others are kept in x.
func (x *sheetIndex) findings(c *catalog.Catalog) map[string][]catalog.Problem {
	shown := make(map[string]bool, len(c.Entries))
	for _, e := range c.Entries {
		for i := range e.Posts {
			shown[e.Posts[i].Path] = true
		}
	}
	found := make(map[string][]catalog.Problem)
	for _, p := range c.Lint() {
		p.Message = source.MaskPasswords(p.Message) // it may quote what the post has
		switch {
		case shown[p.Subject()]:
			found[p.Subject()] = append(found[p.Subject()], p)
		case len(x.others) < maxOthers:
			x.others = append(x.others, p)
		default:
			x.more++
		}
	}
	return found
}

// sort makes the orders; titles are the rows' folded titles.
func (x *sheetIndex) sort(titles []string) {
	x.byTitle, x.byFault = make([]int32, len(x.rows)), make([]int32, len(x.rows))
	for i := range x.rows {
		x.byTitle[i], x.byFault[i] = int32(i), int32(i)
	}
	slices.SortStableFunc(x.byTitle, func(a, b int32) int { return strings.Compare(titles[a], titles[b]) })
	slices.SortFunc(x.byFault, func(a, b int32) int {
		r, s := &x.rows[a], &x.rows[b]
		return cmp.Or(cmp.Compare(s.errors, r.errors), cmp.Compare(len(s.problems), len(r.problems)), cmp.Compare(b, a)) // then the newest first
	})
}

// latest is the post that a picture is shown with: the last by path, which is the newest where names begin with dates.
func latest(e *catalog.Entry) *catalog.Post { return &e.Posts[len(e.Posts)-1] }

func titleOf(e *catalog.Entry) string {
	p := latest(e)
	return cmp.Or(p.Title, p.Slug, p.Path)
}

// maxSearchedPosts bounds the posts by which a picture is found: of a theme's default card the rest would be most of the index.
const maxSearchedPosts = 200

// searched is what a search for e looks at: lines of folded text, one per thing, so that no phrase is found across two.
func searched(e *catalog.Entry) string {
	w := e.Words.Plain()
	lines := []string{w.Cutline, w.Credit, w.Alt, w.Creator, w.Copyright, w.License, w.Licensor, e.Source.String(), e.Source.Base(), e.ID}
	for i := range e.Posts[:min(len(e.Posts), maxSearchedPosts)] {
		p := &e.Posts[i]
		lines = append(lines, p.Title, p.Path, p.Slug)
	}
	for i, line := range lines { // one by one: most are plain
		lines[i] = fold(line)
	}
	return strings.Join(lines, "\n")
}

// fold is text without case and accents, for finding: "Ström" is found by "strom", "Łódź" by "lodz". It keeps line breaks.
func fold(text string) string {
	plain := true
	for i := range len(text) {
		if text[i] >= 0x80 {
			plain = false
			break
		}
	}
	if plain {
		return strings.ToLower(text)
	}
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range norm.NFKD.String(text) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if s, ok := unaccented(r); ok {
			b.WriteString(s)
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// unaccented are the letters of European languages that Unicode does not take apart, as people type them who lack the key.
func unaccented(r rune) (string, bool) {
	switch r {
	case 'ß', 'ẞ':
		return "ss", true
	case 'ø', 'Ø':
		return "o", true
	case 'ł', 'Ł':
		return "l", true
	case 'đ', 'Đ', 'ð', 'Ð':
		return "d", true
	case 'ı':
		return "i", true
	case 'æ', 'Æ':
		return "ae", true
	case 'œ', 'Œ':
		return "oe", true
	case 'þ', 'Þ':
		return "th", true
	case '’', '‘':
		return "'", true
	case '“', '”', '„':
		return `"`, true
	}
	return "", false
}

// terms are the pieces of a search that have all to be found, folded: words, and what stands between double quotes.
func terms(query string) []string {
	var out []string
	for i, part := range strings.Split(fold(caption.Clean(query)), `"`) {
		if i%2 == 1 {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

// matches reports whether all terms are in the row.
func (r *sheetRow) matches(terms []string) bool {
	for _, t := range terms {
		if !strings.Contains(r.text, t) {
			return false
		}
	}
	return true
}
