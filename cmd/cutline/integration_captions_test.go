//go:build integration

package main

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// pieces are what captions are put together from: what people write, what programs leave behind, and what gets out of places
// that were not made for it.
var pieces = []string{
	// words
	"A fox", "in the snow", "Oslo", "2026", "5 * 3 < 16", "C# & snake_case", "AT&T", "100 %", "e.g.", "1. FC Köln", "# 1", "café", "naïve", "Ångström",
	"Photo: Ann O’Neill / Agency", "© 2026 AP", "CC BY 4.0", "“quoted”", "«zitiert»", "— dash —", "…", "O'Brien", `"straight"`, "back\\slash", "it's",
	// scripts, composed and not, from the right and from the left
	"北京市朝阳区", "こんにちは", "안녕하세요", "안녕", "Привет", "Ελληνικά", "ไทยแลนด์", "हिन्दी", "தமிழ்", "ქართული", "مرحبا بالعالم", "שלום עולם", "e\u0301a\u0300o\u0302", "Z\u0351\u0343\u0310a\u0357\u0346l\u0369\u0312g\u0363\u0352o\u0364",
	// pictures of several characters, and what is beyond the basic plane
	"🦊", "👩‍👩‍👧‍👦", "👋🏽", "🇳🇴🇩🇪", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", "1️⃣", "❤️‍🔥", "𝔘𝔫𝔦", "\U0010FFFD", "\U000F0000", "𠮷",
	// directions, joiners, blanks, marks of order, what is no character
	"\u202Etxt.exe\u202C", "\u2067isolate\u2069", "\u2066", "\u202A", "\u200E\u200F", "a\u200Bb", "\u200D", "\u00ADsoft\u00ADhyphen", "a\u00A0b", "\u3000", "\u2028", "\u2029", "\uFEFF", "\uFFFE", "\uFFFF", "\uFFFD", "\u180E", "\uE000",
	// controls
	"\x00", "\x01\x02\x03", "\a\b\v\f", "\x1b[31mred\x1b[0m", "\x7f", "\u0080\u0085\u009f", "\t", "\n", "\r", "\r\n", "a\r\n\tb",
	// what would be another header, another answer
	"\r\nSet-Cookie: a=b", "\nX-Injected: 1\n\n<h1>", "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "Location: https://evil.test/", "%0d%0aSet-Cookie:a=b", "%E5%98%8A%E5%98%8DX: 1", "\u560a\u560dX: 1",
	// structured fields and URLs
	`%"caf%c3%a9"`, "%", "%%", "%c3%28", `\"`, `";a=b`, ",", ";", "=?utf-8?q?x?=", "UTF-8''x", "?1", ":cHJldGVuZA==:",
	// Markdown
	"*em*", "**strong**", "_em_", "`code`", "[link](https://example.org/a?b=c&d=e)", "<https://example.org/>", "[mail](mailto:a@b.test)", "[x](javascript:alert(1))", "![img](https://example.org/x.png)", "[a]: https://b.test", "[", "](", "***", "\\*", "~~x~~", "| a | b |",
	`[x](https://a.test/" onclick="alert(1))`, "[a](https://b.test \"title\")", "[][]", "<ann@example.org>",
	// HTML
	"<em>Reuters</em> &amp; AP", "<b>", "</b>", "<br>", "<br/>", "<a href='https://example.org/'>x</a>", `<a href="https://a.test/" onclick="alert(1)" style="x">x</a>`, `<a href="&#106;avascript:alert(1)">x</a>`, "<script>alert(1)</script>",
	"</script><script>alert(1)</script>", "<style>*{display:none}</style>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<!--", "-->", "]]>", "<![CDATA[", "<?php", "</figcaption></figure>", "</span>", `"><script>alert(1)</script>`,
	`' onerror='alert(1)`, "<textarea>", "<plaintext>", "<iframe srcdoc='<p>'>", "&lt;script&gt;", "&amp;lt;", "&#x3c;b&#62;", "&nbsp;", "&copy;", "&#0;", "&#xD800;", "&notanentity;", "<a<b>", "< b>", "<", ">", "&",
	// other languages' brackets
	"{{.}}", `{{template "figure" .}}`, "{% raw %}", "${alert(1)}", "<%= x %>", "#{x}", "$(id)", "`id`", "; rm -rf /", "' OR 1=1 --", "\\u003c/script\\u003e", "\\x00", "javascript:alert(1)", "data:text/html,x",
}

// captions are n texts of such pieces, the same ones each time. One in fifty is longer than any header takes.
func captions(r *rand.Rand, n int) []string {
	out := make([]string, n)
	for i := range out {
		var b strings.Builder
		length := r.IntN(12)
		if r.IntN(50) == 0 {
			length = 100 + r.IntN(2000)
		}
		for range length {
			switch p := pieces[r.IntN(len(pieces))]; r.IntN(8) {
			case 0: // any character
				b.WriteRune(anyRune(r))
			case 1: // a piece cut in the middle, perhaps of a character
				b.WriteString(strings.ToValidUTF8(p[:r.IntN(len(p)+1)], "\uFFFD"))
			case 2: // without a blank
				b.WriteString(p)
			default:
				b.WriteString(p + " ")
			}
		}
		out[i] = b.String()
	}
	return out
}

// anyRune is any character, those of the first blocks more often than others.
func anyRune(r *rand.Rand) rune {
	limit := [...]int{0x80, 0x100, 0x3000, 0x10000, utf8.MaxRune + 1}
	if c := rune(r.IntN(limit[r.IntN(len(limit))])); utf8.ValidRune(c) {
		return c
	}
	return utf8.RuneError
}
