package catalog

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// The codes of problems. They are an interface: people filter on them and silence them by name.
const (
	codeMissingAlt        = "missing-alt"
	codeMissingCredit     = "missing-credit"
	codeMissingCutline    = "missing-cutline"
	codeAltRepeatsCutline = "alt-repeats-cutline"
	codeLongAlt           = "long-alt"
	codeInsecureURL       = "insecure-url"
	codeWrappedURL        = "wrapped-url"
	codePageNotImage      = "page-not-image"
	codeUnsupportedFormat = "unsupported-format"
	codeMissingFile       = "missing-file"
	codeBadURL            = "bad-url"
	codeBadFrontMatter    = "bad-front-matter"
	codeBadExport         = "bad-export"
	codeDuplicateKey      = "duplicate-key"
	codeBadFocalPoint     = "bad-focal-point"
	codeUnknownSourceType = "unknown-source-type"

	codeCreditConflict      = "credit-conflict"
	codeEmbeddedCredit      = "embedded-credit"
	codeOriginalUnavailable = "original-unavailable"
	codeOriginGone          = "origin-gone"
	codeOriginalChanged     = "original-changed"
)

// A Code is a kind of problem.
type Code struct {
	Name     string
	Severity Severity // by default; a single Problem may be milder
	Meaning  string   // one line, lower-case, without full stop
}

// codes is in the order in which help prints it: words, addresses, files, originals.
var codes = []Code{
	{codeMissingAlt, Warning, "the picture has no alternative text; alt: \"\" marks it as decorative"},
	{codeMissingCredit, Warning, "nobody is credited, neither in a credit nor plainly in the cutline"},
	{codeMissingCutline, Warning, "the picture has no cutline (caption)"},
	{codeAltRepeatsCutline, Warning, "the alternative text says the same as the cutline, so a screen reader reads it twice"},
	{codeLongAlt, Warning, fmt.Sprintf("the alternative text is longer than %d characters", maxAlt)},
	{codeBadFocalPoint, Warning, "the focal point cannot be read, so crops keep what stands out"},
	{codeUnknownSourceType, Warning, "the source type is none of IPTC's vocabulary of digital source types, so nothing says it"},
	{codeInsecureURL, Warning, "the picture is fetched over http://, where anybody on the way can change it"},
	{codeWrappedURL, Warning, "the URL is a search engine's or CDN's wrapper around the picture, or its thumbnail"},
	{codePageNotImage, Error, "the URL is a web page about a picture, not the picture"},
	{codeUnsupportedFormat, Warning, "the file's extension is of a format that cutline does not serve"},
	{codeMissingFile, Error, "the file is not in the site, or its name differs in case"},
	{codeBadURL, Error, "the value is neither a usable URL nor a path in the site"},
	{codeBadFrontMatter, Error, "the post or its front matter cannot be read"},
	{codeBadExport, Error, "the export or feed cannot be read to its end, or lacks a picture that a post refers to"},
	{codeDuplicateKey, Warning, "the front matter has a key twice; the last one counts"},
	{codeCreditConflict, Warning, "--online: the post and the picture's file name different people as credit, creator or copyright owner"},
	{codeEmbeddedCredit, Warning, "--online: the picture's file names a credit or a creator that the post lacks"},
	{codeOriginalUnavailable, Error, "--online: the picture cannot be fetched, or is none that can be read"},
	{codeOriginGone, Warning, "--online: the picture is shown from the cache alone; its server does not deliver it any more"},
	{codeOriginalChanged, Warning, "--online: its server put another picture in the place of the one that was published"},
}

// Codes lists every kind of problem that a Catalog can report. The caller may modify the slice.
func Codes() []Code { return slices.Clone(codes) }

// maxAlt is the longest alternative text without a finding, in characters. A screen reader reads it in one go, without
// pause or return; of 232 real ones, 24 are longer, up to 808 bytes, and describe what belongs into the article.
const maxAlt = 300

// unservedExtensions are of formats that the engine does not read: HEIC and JPEG XL for want of a good decoder (ADR 11), the
// others on purpose, because they are programs (SVG), have decoders with a record of faults, or are no pictures for browsers.
var unservedExtensions = []string{".svg", ".heic", ".heif", ".jxl", ".tif", ".tiff", ".bmp", ".ico", ".psd", ".pdf", ".eps", ".mp4", ".webm", ".mov"}

// Lint returns all findings: the Problems of reading and what the entries' words and sources lack, sorted by file, line,
// code. It needs no network and reads no file. The caller may modify the slice.
func (c *Catalog) Lint() []Problem {
	found := slices.Clone(c.Problems)
	for _, e := range c.Entries {
		for i := range e.Posts {
			found = append(found, e.lint(&e.Posts[i])...)
		}
	}
	sortProblems(found)
	return found
}

func sortProblems(p []Problem) {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
	})
}

// lint finds what one use of an entry lacks.
func (e *Entry) lint(p *Post) []Problem {
	return append(e.lintWords(p), e.lintSource(p)...)
}

func (e *Entry) lintWords(p *Post) (found []Problem) {
	w := e.Words
	report := func(line int, code, format string, args ...any) {
		found = append(found, p.problem(code, cmp.Or(line, p.Line), format, args...))
	}
	switch length := utf8.RuneCountInString(w.Alt); {
	case w.Alt == "" && !w.Decorative:
		decoration := ", or leave it empty (\"\") for pure decoration"
		if p.Export != "" {
			decoration = "" // programs write it empty where nobody wrote one
		}
		report(p.Lines.Alt, codeMissingAlt, "no alternative text: add %s saying what one sees%s", example(p, slotAlt), decoration)
	case length > maxAlt:
		report(p.Lines.Alt, codeLongAlt, "the alternative text has %d characters: say the essential in at most %d and move the rest into the article", length, maxAlt)
	}
	if w.Alt != "" && sameWords(w.Alt, w.Cutline) {
		report(p.Lines.Alt, codeAltRepeatsCutline, "the alternative text repeats the cutline: describe what one sees, and leave who and where to the cutline")
	}
	if w.Credit == "" && !creditsInCutline(w) {
		report(p.Lines.Credit, codeMissingCredit, "nobody is credited: add %s naming who took the picture or owns it", example(p, slotCredit))
	}
	if w.Cutline == "" {
		report(p.Lines.Cutline, codeMissingCutline, "no cutline: add %s saying who and what is shown, and where", example(p, slotCutline))
	}
	return found
}

func (e *Entry) lintSource(p *Post) (found []Problem) {
	report := func(code, format string, args ...any) {
		found = append(found, p.problem(code, p.Line, format, args...))
	}
	if hint, ok := e.Source.Page(); ok {
		report(codePageNotImage, "%s is a web page, not a picture: %s", quote(e.Source.String()), hint)
		return found
	}
	if inner, wrapper, ok := e.Source.Unwrap(); ok {
		report(codeWrappedURL, "the URL is %s's wrapper, which may stop working: use the picture's own address %s", wrapper, inner)
	} else if wrapper, ok := e.Source.Opaque(); ok {
		report(codeWrappedURL, "the URL is a thumbnail of %s, which is small and expires: use the picture's own address", wrapper)
	}
	if e.Source.Insecure() {
		report(codeInsecureURL, "the picture comes over http://: write https://%s, if its server speaks it", strings.TrimPrefix(e.Source.String(), "http://"))
	}
	if hasExtension(e.Source.Base(), unservedExtensions) {
		report(codeUnsupportedFormat, "%s files are not read: export the picture as JPEG, PNG or WebP", strings.ToLower(path.Ext(e.Source.Base())))
	}
	return found
}
