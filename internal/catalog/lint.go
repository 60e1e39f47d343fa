package catalog

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dd8bf596/cutline/internal/source"
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
	codeUnknownRule       = "unknown-rule"

	codeCreditConflict      = "credit-conflict"
	codeEmbeddedCredit      = "embedded-credit"
	codeOriginalUnavailable = "original-unavailable"
	codeOriginGone          = "origin-gone"
	codeOriginalChanged     = "original-changed"
	codeNotAnImage          = "not-an-image"
	codeSmallOriginal       = "small-original"
	codeWrongExtension      = "wrong-extension"
	codeDeadLicense         = "dead-license"
)

// A Code is a kind of problem.
type Code struct {
	Name     string
	Severity Severity // by default; a single Problem may be milder
	Meaning  string   // one line, lower-case, without full stop
	Remedy   string   // what to do, one sentence
}

// Online reports whether the code is found by looking at originals alone (LintOriginals).
func (c Code) Online() bool { return strings.HasPrefix(c.Meaning, online) }

// online begins the meanings of such codes.
const online = "--online: "

// codes is in the order in which help prints it: words, addresses, files, originals.
var codes = []Code{
	{codeMissingAlt, Warning, "the picture has no alternative text; alt: \"\" marks it as decorative", "Write what one sees in the picture, for people who do not; an empty text marks pure decoration."},
	{codeMissingCredit, Warning, "nobody is credited, neither in a credit nor plainly in the cutline", "Name who took the picture or owns it."},
	{codeMissingCutline, Warning, "the picture has no cutline (caption)", "Say who and what is shown, and where."},
	{codeAltRepeatsCutline, Warning, "the alternative text says the same as the cutline, so a screen reader reads it twice", "Describe what one sees, and leave who and where to the cutline."},
	{codeLongAlt, Warning, fmt.Sprintf("the alternative text is longer than %d characters", maxAlt), "Say the essential, and move the rest into the article."},
	{codeBadFocalPoint, Warning, "the focal point cannot be read, so crops keep what stands out", "Write it as 0.3 0.7, 30% 70% or top left."},
	{codeUnknownSourceType, Warning, "the source type is none of IPTC's vocabulary of digital source types, so nothing says it", "Write a term of the vocabulary, such as digitalCapture or trainedAlgorithmicMedia."},
	{codeInsecureURL, Warning, "the picture is fetched over http://, where anybody on the way can change it", "Write https://, if its server speaks it; lint --online --fix tries."},
	{codeWrappedURL, Warning, "the URL is a search engine's or CDN's wrapper around the picture, or its thumbnail", "Write the picture's own address; lint --fix does."},
	{codePageNotImage, Error, "the URL is a web page about a picture, not the picture", "Write the address of the picture itself, or save the picture in the site."},
	{codeUnsupportedFormat, Warning, "the file's extension is of a format that cutline does not serve", "Export the picture as JPEG, PNG or WebP."},
	{codeMissingFile, Error, "the file is not in the site, or its name differs in case", "Add the file, or correct the path; lint --fix corrects case."},
	{codeBadURL, Error, "the value is neither a usable URL nor a path in the site", "Write the picture's https:// address or its path under the site root."},
	{codeBadFrontMatter, Error, "the post or its front matter cannot be read", "Correct the line that the message names."},
	{codeBadExport, Error, "the export or feed cannot be read to its end, or lacks a picture that a post refers to", "Export it again, whole and with the media."},
	{codeDuplicateKey, Warning, "the front matter has a key twice; the last one counts", "Delete one of the two."},
	{codeUnknownRule, Warning, "the post switches off (cutline-lint: {off: […]}) what is no code", "Write one of the codes of cutline lint --codes."},
	{codeCreditConflict, Warning, online + "the post and the picture's file name different people as credit, creator or copyright owner", "Correct the post, or have the file corrected."},
	{codeEmbeddedCredit, Warning, online + "the picture's file names a credit or a creator that the post lacks", "Write into the post what the file says."},
	{codeOriginalUnavailable, Error, online + "the picture cannot be fetched, or is none that can be read", "Correct the address, or save the picture in the site."},
	{codeNotAnImage, Error, online + "a web page (HTML) comes in place of the picture", "Open the address in a browser, and take the picture's own address from there, or save the picture in the site."},
	{codeOriginGone, Warning, online + "the picture is shown from the cache alone; its server does not deliver it any more", "Save the picture in the site, or find another address for it."},
	{codeOriginalChanged, Warning, online + "its server put another picture in the place of the one that was published", "Look whether the words still fit it."},
	{codeSmallOriginal, Warning, online + "the picture is smaller than the hero preset", "Use a larger file of the picture."},
	{codeWrongExtension, Warning, online + "a file of the site is of another format than its extension says", "Rename the file, and write the new name into the post."},
	{codeDeadLicense, Warning, online + "the license's URL leads nowhere", "Write the license's present address."},
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
// code, as Options.Rules has them. It needs no network and reads no file. The caller may modify the slice.
func (c *Catalog) Lint() []Problem { return c.rule(c.lint(nil)) }

// Read returns the Problems of reading alone, sorted and as Options.Rules has them, as Lint does. The caller may modify the slice.
func (c *Catalog) Read() []Problem { return c.rule(slices.Clone(c.Problems)) }

// lint finds everything; originals, one per entry, or nil, are what was seen of them.
func (c *Catalog) lint(originals []Original) []Problem {
	found := slices.Clone(c.Problems)
	for i, e := range c.Entries {
		var o *Original
		if originals != nil {
			o = &originals[i]
		}
		for j := range e.Posts {
			found = append(found, e.lint(&e.Posts[j], o)...)
		}
	}
	return found
}

// rule gives findings the severities that Options.Rules has for them, takes out what is off, there or in the post itself, and
// sorts.
func (c *Catalog) rule(found []Problem) []Problem {
	for i := range found {
		p := &found[i]
		severity, ok := c.rules[p.Code]
		if milder := p.Severity == Warning && defaultSeverity(p.Code) == Error; ok && (!milder || severity == Off) {
			p.Severity = severity
		}
		if slices.Contains(c.silenced[p.File], p.Code) {
			p.Severity = Off
		}
	}
	found = slices.DeleteFunc(found, func(p Problem) bool { return p.Severity == Off })
	sortProblems(found)
	return found
}

// defaultSeverity is a code's own.
func defaultSeverity(code string) Severity {
	for i := range codes {
		if codes[i].Name == code {
			return codes[i].Severity
		}
	}
	return Warning
}

// Unwraps reports whether p.Fix is what was inside a wrapper.
func (p Problem) Unwraps() bool {
	return p.Fix != "" && (p.Code == codeWrappedURL || p.Code == codePageNotImage)
}

// checkRules refuses what names no code or no severity.
func checkRules(rules map[string]Severity) error {
	for code, severity := range rules {
		if !slices.ContainsFunc(codes, func(c Code) bool { return c.Name == code }) {
			return fmt.Errorf("rule %q: no such code", code)
		}
		if severity != Error && severity != Warning && severity != Off {
			return fmt.Errorf("rule %q: expected %s, %s or %s (got %q)", code, Error, Warning, Off, severity)
		}
	}
	return nil
}

func sortProblems(p []Problem) {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
	})
}

// lint finds what one use of an entry lacks. o is what was seen of its original; nil where nobody looked.
func (e *Entry) lint(p *Post, o *Original) []Problem {
	found := append(e.lintWords(p), e.lintSource(p, o)...)
	for i := range found {
		found[i].Value = p.Raw
	}
	return found
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

func (e *Entry) lintSource(p *Post, o *Original) (found []Problem) {
	report := func(code, fix, format string, args ...any) {
		added := p.problem(code, p.Line, format, args...)
		if p.Export == "" { // what an export says is mended in the program that made it
			added.Fix = fix
		}
		found = append(found, added)
	}
	inner, wrapper, wrapped := e.Source.Unwrap()
	if hint, ok := e.Source.Page(); ok {
		_, another := inner.Page()
		fix := ""
		if wrapped && !another {
			fix = e.better(inner, o)
		}
		report(codePageNotImage, fix, "%s is a web page, not a picture: %s", quote(e.Source.String()), hint)
		return found
	}
	if wrapped {
		fix := e.better(inner, o)
		if fix != "" {
			report(codeWrappedURL, fix, "the URL is %s's wrapper, which may stop working: use the picture's own address %s", wrapper, fix)
		} else {
			report(codeWrappedURL, "", "the URL is %s's wrapper, which may stop working, and the picture cannot be had from its own address %s (%v): save the picture in the site",
				wrapper, inner, o.BetterErr)
		}
	} else if wrapper, ok := e.Source.Opaque(); ok {
		report(codeWrappedURL, "", "the URL is a thumbnail of %s, which is small and expires: use the picture's own address", wrapper)
	}
	if e.Source.Insecure() {
		e.lintInsecure(o, report)
	}
	if hasExtension(e.Source.Base(), unservedExtensions) {
		report(codeUnsupportedFormat, "", "%s files are not read: export the picture as JPEG, PNG or WebP", strings.ToLower(path.Ext(e.Source.Base())))
	}
	return found
}

// better is the address to write in place of a wrapper: inner, unless somebody looked and found another, or none ("").
func (e *Entry) better(inner source.Source, o *Original) string {
	switch {
	case o == nil:
		return inner.String()
	case o.BetterErr != nil:
		return ""
	}
	return cmp.Or(o.Better.String(), inner.String())
}

func (e *Entry) lintInsecure(o *Original, report func(code, fix, format string, args ...any)) {
	secure := "https://" + strings.TrimPrefix(e.Source.String(), "http://")
	_, _, wrapped := e.Source.Unwrap()
	switch {
	case o == nil || o.Err != nil || o.Gone != nil || wrapped:
		report(codeInsecureURL, "", "the picture comes over http://: write %s, if its server speaks it", secure)
	case !o.Better.IsZero():
		report(codeInsecureURL, o.Better.String(), "the picture comes over http://: write %s, which delivers the same file", o.Better)
	default:
		report(codeInsecureURL, "", "the picture comes over http://, and its server does not deliver the same file over https://: save the picture in the site")
	}
}
