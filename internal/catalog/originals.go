package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
)

// An Original is what was seen of an entry's original.
type Original struct {
	Found caption.Found // the words that its file holds
	// Err says, to whoever wrote the post, why the original cannot be had: "its server has no such file". It names no
	// address that is not in the post. nil when the original was looked at.
	Err error
	// Passing says that Err may be gone in a minute.
	Passing bool
	// Gone says, like Err, why its server does not deliver an original any more that is shown nevertheless, from what was
	// kept of it; nil while it does. Since is when that began.
	Gone  error
	Since time.Time
	// Replaced is when its server put another picture in its place; zero for never, or so long ago that nobody need be told.
	Replaced time.Time
	Pinned   bool // with Replaced: the one from before is still shown
}

// LintOriginals returns what Lint returns and what the originals add, in the same order: originals that cannot be had, those
// that outlived their origin or were replaced there, those that credit somebody else than the post does, and those that credit somebody where the post does not. originals[i] is of
// c.Entries[i]. The caller may modify the slice.
func (c *Catalog) LintOriginals(originals []Original) []Problem {
	found := c.Lint()
	missing := map[string]bool{}
	for _, p := range c.Problems {
		missing[p.Subject()] = missing[p.Subject()] || p.Code == codeMissingFile
	}
	for i, e := range c.Entries {
		_, page := e.Source.Page()
		for j := range e.Posts {
			p := &e.Posts[j]
			switch o := &originals[i]; { //nolint:gosec // as long as c.Entries
			case o.Err == nil:
				found = append(found, e.lintCredits(p, o.Found)...)
				found = append(found, e.lintOrigin(p, o)...)
			case page || missing[p.Path]: // said already, and better
			default:
				found = append(found, e.unavailable(p, o))
			}
		}
	}
	found = withoutContradictions(found)
	sortProblems(found)
	return found
}

// withoutContradictions takes out that nobody is credited, of posts whose picture's file credits somebody: that says it better.
func withoutContradictions(found []Problem) []Problem {
	embedded := map[string]bool{}
	for _, p := range found {
		embedded[p.Subject()] = embedded[p.Subject()] || p.Code == codeEmbeddedCredit
	}
	return slices.DeleteFunc(found, func(p Problem) bool { return p.Code == codeMissingCredit && embedded[p.Subject()] })
}

func (e *Entry) unavailable(p *Post, o *Original) Problem {
	found := p.problem(codeOriginalUnavailable, p.Line, "%s cannot be shown: %v", quote(p.Raw), o.Err)
	if o.Passing {
		found.Severity = Warning
	}
	return found
}

// lintOrigin tells what its origin did to a picture since it was published.
func (e *Entry) lintOrigin(p *Post, o *Original) (found []Problem) {
	const format = "2006-01-02 15:04 UTC"
	if o.Gone != nil {
		found = append(found, p.problem(codeOriginGone, p.Line, "%s is shown from the cache alone, since %s: %v",
			quote(p.Raw), o.Since.UTC().Format(format), o.Gone))
	}
	if !o.Replaced.IsZero() {
		shown := "the new one is shown; do the words fit it?"
		if o.Pinned {
			shown = "the one that was published is still shown"
		}
		found = append(found, p.problem(codeOriginalChanged, p.Line, "%s became another picture (noticed %s); %s",
			quote(p.Raw), o.Replaced.UTC().Format(format), shown))
	}
	return found
}

// lintCredits compares what a post and its picture's file say of who made the picture and who owns it.
func (e *Entry) lintCredits(p *Post, found caption.Found) (problems []Problem) {
	c := newComparison(e.Words, found)
	report := func(line int, code, format string, args ...any) {
		problems = append(problems, p.problem(code, cmp.Or(line, p.Line), format, args...))
	}
	const mend = "correct the post, or have the file corrected"
	w := &c.post
	switch {
	case !c.agreesOnCredit():
		report(p.Lines.Credit, codeCreditConflict, "the post credits %s, the file %s: %s", quote(w.Credit), c.says(), mend)
	case !agrees(w.Creator, c.created, c.all):
		report(p.Lines.Creator, codeCreditConflict, "the post has the creator %s, the file %s: %s", quote(w.Creator), c.says(), mend)
	case w.Credit == "" && c.lacks(c.credit()):
		report(p.Lines.Credit, codeEmbeddedCredit, "the file %s, the post has no credit: add %s with %s", c.says(), example(p, slotCredit), quote(c.credit()))
	case w.Creator == "" && c.lacks(c.file.Creator):
		creator := quote(c.file.Creator)
		report(p.Lines.Creator, codeEmbeddedCredit, "the file has the creator %s, whom the post does not name: add %s with %s", creator, example(p, slotCreator), creator)
	}
	if !agrees(w.Copyright, c.owned, c.owned) {
		report(p.Lines.Copyright, codeCreditConflict, "the post has the copyright notice %s, the file %s: %s", quote(w.Copyright), quote(c.file.Copyright), mend)
	}
	return problems
}

// A comparison is of one post's words with those that its picture's file holds. The lists are of all that XMP, IPTC and EXIF
// say, without what names nobody.
type comparison struct {
	post     caption.Words // as plain text
	file     caption.Words // the first of XMP, IPTC and EXIF that says something
	credited []string      // credits and creators
	created  []string      // creators
	owned    []string      // copyright notices
	all      []string      // all three
}

func newComparison(post caption.Words, found caption.Found) *comparison {
	c := &comparison{post: post.Plain()}
	take := func(at *string, text string, to ...*[]string) {
		if len(named(text)) == 0 {
			return
		}
		*at = cmp.Or(*at, text)
		for _, list := range append(to, &c.all) {
			*list = append(*list, text)
		}
	}
	for _, w := range [...]caption.Words{found.XMP, found.IPTC, found.EXIF} {
		take(&c.file.Credit, w.Credit, &c.credited)
		take(&c.file.Creator, w.Creator, &c.credited, &c.created)
		take(&c.file.Copyright, w.Copyright, &c.owned)
	}
	return c
}

// agrees reports whether what a post says is compatible with what its file says of the same: one of them is silent, all that
// the post names is somewhere in pool, or all that one text of the file names is named by the post. A credit that names an
// agency and one that names its photographer leave something out; they do not disagree as long as one of them has both.
func agrees(post string, file, pool []string) bool {
	if post == "" || len(file) == 0 || peopleIn(post).within(peopleIn(strings.Join(pool, " / "))) {
		return true
	}
	return slices.ContainsFunc(file, func(text string) bool {
		return sameWords(post, text) || isCutFrom(text, post) || named(text).within(peopleIn(post))
	})
}

// agreesOnCredit reports whether post and file agree on who is to be credited. The rest of the post counts too: it may name
// the photographer as creator, and the agency as owner.
func (c *comparison) agreesOnCredit() bool {
	return agrees(c.post.Credit, c.credited, c.all) || slices.ContainsFunc(c.credited, func(text string) bool { return !c.lacks(text) })
}

// lacks reports whether a text of the file names somebody whom the post does not.
func (c *comparison) lacks(text string) bool {
	n := named(text)
	return len(n) > 0 && !n.within(peopleIn(c.post.Credit+" / "+c.post.Creator+" / "+c.post.Copyright)) && !n.runIn(c.post.Cutline)
}

// credit is the file's credit, made of its creator and its credit as agencies write it: "Jane Doe / AP".
func (c *comparison) credit() string {
	switch {
	case c.file.Credit == "", named(c.file.Credit).within(named(c.file.Creator)):
		return c.file.Creator
	case c.file.Creator == "", named(c.file.Creator).within(named(c.file.Credit)):
		return c.file.Credit
	}
	return c.file.Creator + " / " + c.file.Credit
}

// says is what the file says of who is to be credited, for a message.
func (c *comparison) says() string {
	credit, creator := c.file.Credit, c.file.Creator
	if credit == "" {
		return "has the creator " + quote(creator)
	}
	if creator == "" || named(creator).within(named(credit)) {
		return "credits " + quote(credit)
	}
	return fmt.Sprintf("credits %s and has the creator %s", quote(credit), quote(creator))
}
