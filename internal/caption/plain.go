package caption

import (
	"strings"
	"sync"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
	nethtml "golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// Plain returns w with every field as plain text, ready for headers and metadata. Alt and Licensor are plain text already and only
// cleaned; a licence is its URL, where it has one; other URLs are left alone.
func (w Words) Plain() Words {
	w.Cutline = Plain(w.Cutline)
	w.Credit = Plain(w.Credit)
	w.Creator = Plain(w.Creator)
	w.Copyright = Plain(w.Copyright)
	w.Alt = Clean(w.Alt)
	w.Licensor = Clean(w.Licensor)
	if target := w.LicenseURL(); target != "" {
		w.License = target
	} else {
		w.License = Plain(w.License)
	}
	return w
}

// Plain turns a caption or credit as authors write it, with Markdown or HTML in it, into the text that a reader sees:
//
//	Photo by [Ian Schneider](https://example.org/ian)  →  Photo by Ian Schneider
//	<em>Reuters</em> &amp; AP                          →  Reuters & AP
//	5 * 3 < 16, C# and snake_case                      →  5 * 3 < 16, C# and snake_case
//
// Only inline markup counts: "1. FC Köln" and "# 1" are text, not a list and a heading. The result is Clean. In a text of
// more than 8 KiB, which is no caption, markup stays as written.
func Plain(text string) string {
	if !hasMarkup(text) {
		return Clean(text)
	}
	var out strings.Builder
	for _, r := range runs(fragment(text)) {
		out.WriteString(r.Text)
	}
	return Clean(out.String())
}

// hasMarkup reports whether text may hold markup and is short enough to be searched for it.
func hasMarkup(text string) bool {
	return strings.ContainsAny(text, markup) && len(text) <= maxMarkup
}

// markup are the characters that inline Markdown and HTML begin with.
const markup = "*_[]<>&`\\"

// fragment is text's Markdown as HTML.
func fragment(text string) string {
	var out strings.Builder
	if err := inlineMarkdown().Convert([]byte(Clean(text)), &out); err != nil {
		return nethtml.EscapeString(text) // goldmark fails only when its writer does, which a Builder cannot
	}
	return strings.TrimSuffix(strings.TrimPrefix(out.String(), "<p>"), "</p>\n")
}

// maxMarkup bounds the bytes that are parsed as Markdown. Nested brackets cost goldmark quadratic time: 6 ms at 4 KiB,
// 119 ms at 16 KiB, measured on "[a](" repeated.
const maxMarkup = 8 << 10

// Clean makes text fit for one line anywhere: Unicode NFC, valid UTF-8, control characters and line breaks turned into
// blanks, white space folded and trimmed. The bidirectional embeddings, overrides and isolates (UAX #9 §2) are dropped,
// because cut off in the middle they would reorder whatever is printed after them; and so are the two
// characters that XML 1.0 §2.2 has no way to write, so that a picture says the same in headers and in its file.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF, r == 0xFFFE, r == 0xFFFF:
			return -1
		case unicode.IsControl(r), r == 0x2028, r == 0x2029:
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	// Last, because what was dropped may have kept a letter and its accent apart.
	return norm.NFC.String(strings.Join(strings.Fields(text), " "))
}

// isClean reports whether text is printable ASCII with single blanks inside: most captions, and nothing to do for them.
func isClean(text string) bool {
	last := byte(' ')
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return text == "" || last != ' '
}

// inlineMarkdown parses inline Markdown only: one paragraph, with code spans, links, autolinks, HTML and emphasis. It is
// built once, read-only and safe for concurrent use.
var inlineMarkdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithParser(parser.NewParser(
			parser.WithBlockParsers(util.Prioritized(parser.NewParagraphParser(), 1000)),
			parser.WithInlineParsers(
				util.Prioritized(parser.NewCodeSpanParser(), 100),
				util.Prioritized(parser.NewLinkParser(), 200),
				util.Prioritized(parser.NewAutoLinkParser(), 300),
				util.Prioritized(parser.NewRawHTMLParser(), 400),
				util.Prioritized(parser.NewEmphasisParser(), 500),
			),
		)),
		goldmark.WithRendererOptions(html.WithUnsafe()), // the output is read for its text, never shown
	)
})

// runs returns the text that an HTML fragment shows, as it stands there, with the address of the link around each piece;
// elements separate nothing, except line breaks. Addresses are what the author wrote: nobody has looked at them.
func runs(fragment string) []Run {
	var out []Run
	var link string
	hidden := 0
	for z := nethtml.NewTokenizer(strings.NewReader(fragment)); ; {
		switch z.Next() {
		case nethtml.ErrorToken:
			return out
		case nethtml.TextToken:
			if hidden == 0 {
				out = append(out, Run{string(z.Text()), link}) // Text unescapes entities
			}
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "a":
				link = href(z)
			case "br", "p", "img":
				out = append(out, Run{" ", link})
			case "script", "style":
				hidden++
			}
		case nethtml.EndTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "a":
				link = ""
			case "script", "style":
				hidden = max(hidden-1, 0)
			}
		}
	}
}

// href is the address of the link that z has come to; the first of several attributes counts, as in HTML.
func href(z *nethtml.Tokenizer) string {
	for {
		key, val, more := z.TagAttr()
		if string(key) == "href" {
			return string(val)
		}
		if !more {
			return ""
		}
	}
}
