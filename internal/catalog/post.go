package catalog

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
	"github.com/dd8bf596/cutline/internal/source"
)

// A result is what one post yields. The zero source means that it has no usable image.
type result struct {
	source   source.Source
	words    caption.Words
	focus    Focus
	post     Post
	problems []Problem
	silenced []string // codes that the post switches off
}

// post turns front matter into a result.
func (s *scanner) post(doc *frontmatter.Document, file string, j job) result {
	var r result
	for _, d := range doc.Duplicates {
		r.problems = append(r.problems, valued(d.Key, problem(codeDuplicateKey, file, d.Last,
			"%s stands in line %d already; the last one counts, so delete the other", quote(d.Key), d.First)))
	}
	r.silence(doc.Root, file)
	f := finder{s: s, root: doc.Root, dir: j.dir}
	if s.layout.bundles && isIndex(path.Base(file)) {
		f.index, f.art = true, j.art
	}
	h, ok := f.find()
	if !ok {
		return r
	}
	if h.line == 0 {
		h.line = doc.Line
	}
	target := s.resolve(h, &f)
	if target.code != "" {
		p := valued(h.raw, problem(target.code, file, h.line, "%s", target.message))
		p.Fix = target.fix
		if target.severity != "" {
			p.Severity = target.severity
		}
		r.problems = append(r.problems, p)
	}
	if target.source.IsZero() {
		return r
	}
	r.source = target.source
	r.post = Post{Path: file, Slug: slugOf(file, doc.Root), Field: fieldName(h.field), Raw: h.raw, Line: h.line, inside: len(h.inside) > 0}
	if title := lookup(doc.Root, "title"); title != nil {
		r.post.Title, _ = wordsOf(title.Value)
	}
	if h.raw == r.source.String() {
		r.post.Raw = r.source.String() // one string in memory instead of two
	}
	var unread said
	if r.words, r.post.Lines, unread = f.words(h); unread.text != "" {
		r.problems = append(r.problems, valued(unread.text,
			problem(codeUnknownSourceType, file, unread.line, "%s is no digital source type: expected %s", quote(unread.text), wantSourceType)))
	}
	var bad *frontmatter.Pair
	if r.focus, bad = f.focus(h); bad != nil {
		r.problems = append(r.problems, valued(bad.Key,
			problem(codeBadFocalPoint, file, bad.Line, "%s is no focal point: expected %s", fieldName(bad.Key), wantFocus)))
	}
	return r
}

// maxField bounds Post.Field in bytes, far above what keys of people make of it.
const maxField = 200

// fieldName is a field as people may see it, in a terminal too: without control characters and marks that turn the
// direction of writing, and not longer than maxField. The names in it are keys, which may hold anything.
func fieldName(field string) string {
	if len(field) > maxField {
		field = strings.ToValidUTF8(field[:maxField], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, field)
}

// maxSlug is the longest slug of a post's own: no file system has longer names.
const maxSlug = 255

// slugOf is the last part of the post's URL as far as the file tells: the front matter's slug, else the file's name without
// extension and date, else, for an index file, its folder's name.
func slugOf(file string, root *frontmatter.Node) string {
	if n := valueOf(lookup(root, "slug")); n != nil && (n.Kind == frontmatter.String || n.Kind == frontmatter.Number) {
		slug := strings.Trim(strings.TrimSpace(n.Text), "/")
		if slug != "" && len(slug) <= maxSlug && !strings.ContainsFunc(slug, unicode.IsControl) {
			return slug
		}
	}
	return withoutDate(fileName(file))
}

// fileName is what people call the post: the file's name without extension, or its folder's name when it is an index.
func fileName(file string) string {
	base := path.Base(file)
	if isIndex(base) {
		if dir := path.Dir(file); dir != "." {
			return path.Base(dir)
		}
	}
	return strings.TrimSuffix(base, path.Ext(base))
}

// withoutDate cuts "2023-09-18-" from the front of a name, in the spellings that Jekyll accepts (2023-9-18, 23-09-18).
func withoutDate(name string) string {
	rest := name
	for _, digits := range [...][2]int{{2, 4}, {1, 2}, {1, 2}} {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n < digits[0] || n > digits[1] || n == len(rest) || rest[n] != '-' {
			return name
		}
		rest = rest[n+1:]
	}
	if rest == "" {
		return name
	}
	return rest
}

// entryID names a source with its words and its focal point. Each text is preceded by its length, so that no two entries give the same bytes;
// eighty bits of SHA-256 make a chance collision among a million entries a matter of 10⁻¹².
func entryID(src source.Source, w caption.Words, focus Focus) string {
	var buf [1024]byte
	b := buf[:0]
	for _, text := range [...]string{src.String(), w.Cutline, w.Credit, w.CreditURL, w.Alt, w.Creator, w.Copyright, w.License} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	if w.Decorative {
		b = append(b, 1)
	}
	if focus.Set {
		b = append(b, 2, focus.X, focus.Y)
	}
	if w.Licensor != "" || w.LicensorURL != "" || w.SourceType != "" {
		b = append(b, 3)
		for _, text := range [...]string{w.Licensor, w.LicensorURL, w.SourceType} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	}
	sum := sha256.Sum256(b)
	var id [16]byte
	idEncoding.Encode(id[:], sum[:10])
	return string(id[:])
}

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// wordsOf reads words from a value: text and numbers as they stand, a list as its texts with commas. present is false for
// null, booleans and maps, which say nothing.
func wordsOf(n *frontmatter.Node) (text string, present bool) {
	switch n.Kind {
	case frontmatter.String, frontmatter.Number:
		return fold(n.Text), true
	case frontmatter.List:
		var parts []string
		for _, each := range n.List[:min(len(n.List), 20)] {
			if each.Kind == frontmatter.String && strings.TrimSpace(each.Text) != "" {
				parts = append(parts, fold(each.Text))
			}
		}
		return strings.Join(parts, ", "), len(parts) > 0
	}
	return "", false
}

// fold trims text, makes every run of white space and control characters one blank, and composes it (NFC). No-break
// spaces stay: French and German typography mean them.
func fold(text string) string {
	plain, blank := true, true
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c >= utf8.RuneSelf || c == 0x7f || c == ' ' && blank {
			plain = false
			break
		}
		blank = c == ' '
	}
	if plain && !blank || text == "" {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	pending := false
	for _, r := range text {
		if r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			pending = b.Len() > 0
			continue
		}
		if pending {
			b.WriteByte(' ')
			pending = false
		}
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}

// problem makes a Problem with its code's own severity.
func problem(code, file string, line int, format string, args ...any) Problem {
	return Problem{File: file, Line: line, Code: code, Severity: defaultSeverity(code), Message: fmt.Sprintf(format, args...)}
}
