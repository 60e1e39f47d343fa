package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/source"
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
	// Page says, with Err, that HTML came in place of a picture.
	Page bool
	// Width and Height are the original's, in pixels and upright; 0 where it could not be looked at. Wants says in plain words
	// how large it would have to be for the hero preset, "at least 1600 pixels wide"; "" where it is large enough.
	Width, Height int
	Wants         string
	// Extension is that of the original's format, "webp"; "" where it could not be looked at.
	Extension string
	// Better is the address that was seen to deliver the same picture without a wrapper, or over https; zero where there is
	// none or none was looked for. BetterErr says, like Err, why what is inside a wrapper cannot be had.
	Better    source.Source
	BetterErr error
	// License says, like Err, why the license's URL leads nowhere; nil where it leads somewhere, or is none.
	License error
}

// LintOriginals returns what Lint returns and what the originals add, in the same order: originals that cannot be had, are
// pages or too small, those that outlived their origin or were replaced there, those that credit somebody else than the post
// does, those that credit somebody where the post does not, and licenses whose URL leads nowhere. originals[i] is of
// c.Entries[i]. The caller may modify the slice.
func (c *Catalog) LintOriginals(originals []Original) []Problem {
	found := c.lint(originals)
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
				found = append(found, e.lintPixels(p, o)...)
			case page || missing[p.Path]: // said already, and better
			default:
				found = append(found, e.unavailable(p, o))
			}
			if err := originals[i].License; err != nil { //nolint:gosec // as above
				found = append(found, valued(e.Words.License,
					p.problem(codeDeadLicense, p.Line, "the license %s leads nowhere: %v: write its present address", quote(e.Words.License), err)))
			}
		}
	}
	return withoutContradictions(c.rule(found))
}

// valued is p about value.
func valued(value string, p Problem) Problem {
	p.Value = value
	return p
}

// withoutContradictions takes out that nobody is credited, of posts whose picture's file credits somebody: that says it better,
// unless it is the milder of the two.
func withoutContradictions(found []Problem) []Problem {
	embedded := map[string]Severity{}
	for _, p := range found {
		if p.Code == codeEmbeddedCredit {
			embedded[p.Subject()] = p.Severity
		}
	}
	return slices.DeleteFunc(found, func(p Problem) bool {
		better, ok := embedded[p.Subject()]
		return p.Code == codeMissingCredit && ok && (better == Error || p.Severity != Error)
	})
}

func (e *Entry) unavailable(p *Post, o *Original) Problem {
	if o.Page {
		return valued(p.Raw, p.problem(codeNotAnImage, p.Line,
			"%s is a web page (HTML), not a picture: open it in a browser and take the picture's own address, or save the picture in the site", quote(p.Raw)))
	}
	found := valued(p.Raw, p.problem(codeOriginalUnavailable, p.Line, "%s cannot be shown: %v", quote(p.Raw), o.Err))
	if o.Passing {
		found.Severity = Warning
	}
	return found
}

// lintPixels finds what is wrong with a file that can be shown.
func (e *Entry) lintPixels(p *Post, o *Original) (found []Problem) {
	if o.Wants != "" {
		found = append(found, valued(p.Raw, p.problem(codeSmallOriginal, p.Line,
			"the picture is %d × %d pixels, too small for the hero preset: use a file that is %s", o.Width, o.Height, o.Wants)))
	}
	name := e.Source.Path() // servers choose formats by who asks; files do not
	if name != "" && o.Extension != "" && hasExtension(name, imageExtensions) && !hasExtension(name, sameFormat(o.Extension)) {
		found = append(found, valued(p.Raw, p.problem(codeWrongExtension, p.Line,
			"%s holds a picture of another format (%s), which web servers announce wrongly: rename it to end in .%s", quote(name), o.Extension, o.Extension)))
	}
	return found
}

// sameFormat lists the extensions of the format that has ext.
func sameFormat(ext string) []string {
	if ext == "jpg" {
		return []string{".jpg", ".jpeg", ".jpe", ".jfif"}
	}
	return []string{"." + ext}
}

// lintOrigin tells what its origin did to a picture since it was published.
func (e *Entry) lintOrigin(p *Post, o *Original) (found []Problem) {
	const format = "2006-01-02 15:04 UTC"
	if o.Gone != nil {
		found = append(found, valued(p.Raw, p.problem(codeOriginGone, p.Line, "%s is shown from the cache alone, since %s: %v: save the picture in the site",
			quote(p.Raw), o.Since.UTC().Format(format), o.Gone)))
	}
	if !o.Replaced.IsZero() {
		shown := "the new one is shown; do the words fit it?"
		if o.Pinned {
			shown = "the one that was published is still shown: save it in the site"
		}
		found = append(found, valued(p.Raw, p.problem(codeOriginalChanged, p.Line, "%s became another picture (noticed %s); %s",
			quote(p.Raw), o.Replaced.UTC().Format(format), shown)))
	}
	return found
}

// lintCredits compares what a post and its picture's file say of who made the picture and who owns it.
func (e *Entry) lintCredits(p *Post, found caption.Found) (problems []Problem) {
	c := newComparison(e.Words, found)
	report := func(line int, code, value, format string, args ...any) {
		problems = append(problems, valued(value, p.problem(code, cmp.Or(line, p.Line), format, args...)))
	}
	const mend = "correct the post, or have the file corrected"
	w := &c.post
	switch {
	case !c.agreesOnCredit():
		report(p.Lines.Credit, codeCreditConflict, w.Credit, "the post credits %s, the file %s: %s", quote(w.Credit), c.says(), mend)
	case !agrees(w.Creator, c.created, c.all):
		report(p.Lines.Creator, codeCreditConflict, w.Creator, "the post has the creator %s, the file %s: %s", quote(w.Creator), c.says(), mend)
	case w.Credit == "" && c.lacks(c.credit()):
		report(p.Lines.Credit, codeEmbeddedCredit, c.credit(), "the file %s, the post has no credit: add %s with %s", c.says(), example(p, slotCredit), quote(c.credit()))
	case w.Creator == "" && c.lacks(c.file.Creator):
		creator := quote(c.file.Creator)
		report(p.Lines.Creator, codeEmbeddedCredit, c.file.Creator, "the file has the creator %s, whom the post does not name: add %s with %s", creator, example(p, slotCreator), creator)
	}
	if !agrees(w.Copyright, c.owned, c.owned) {
		report(p.Lines.Copyright, codeCreditConflict, w.Copyright, "the post has the copyright notice %s, the file %s: %s", quote(w.Copyright), quote(c.file.Copyright), mend)
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
