package caption

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"text", "Kim Jong Un and Vladimir Putin during their recent meeting in Russia.", "Kim Jong Un and Vladimir Putin during their recent meeting in Russia."},
		{"empty", "", ""},
		{"markdown link", "Photo by [Joshua Earle](https://example.org/joshua)", "Photo by Joshua Earle"},
		{"emphasis in link", "Photo by [**Ian Schneider**](https://example.org/@goian)", "Photo by Ian Schneider"},
		{"link with title", `[Ian](https://example.org "at work")`, "Ian"},
		{"autolink", "<https://example.org/a>", "https://example.org/a"},
		{"html link", `<a href="https://example.org/">You need a shipyard.</a> Image courtesy of the <em>Navy</em>`, "You need a shipyard. Image courtesy of the Navy"},
		{"entities", "Reuters &amp; AP &copy; 2026", "Reuters & AP © 2026"},
		{"line break", "one<br>two<br/>three", "one two three"},
		{"script", "a<script>alert(1)</script>b", "ab"},
		{"list lookalike", "1. FC Köln beats 3) others", "1. FC Köln beats 3) others"},
		{"heading lookalike", "# 1 in *sales*", "# 1 in sales"},
		{"indented", "    four blanks", "four blanks"},
		{"arithmetic", "5 * 3 < 16 & snake_case_name", "5 * 3 < 16 & snake_case_name"},
		{"brackets", "(Megan Cai/Photo editor) [file photo]", "(Megan Cai/Photo editor) [file photo]"},
		{"escape", `5 \* 3`, "5 * 3"},
		{"quotes", `He said "go" – ‘now’`, `He said "go" – ‘now’`},
		{"crlf", "x\r\nSet-Cookie: a=1", "x Set-Cookie: a=1"},
		{"controls", "a\x00b\x7fc\u0085d\u2028e", "a b c d e"},
		{"bidi", "\u202eevil\u202c \u2066x\u2069", "evil x"},
		{"folding", "  a \t b\n\nc  ", "a b c"},
		{"nfd", "Cafe\u0301", "Café"},
		{"invalid utf-8", "a\xffb", "a\uFFFDb"},
		{"raw text element", "<title>abc", "abc"},
		{"bidi between letter and accent", "e\u202a\u0301", "é"},
		{"byte order mark", "\uFEFFa", "a"},
		{"too long for markup", strings.Repeat("*a* ", maxMarkup/4+1), strings.TrimSpace(strings.Repeat("*a* ", maxMarkup/4+1))},
		{"unclosed tag", `a < b <img src=x onerror=alert(1)`, "a < b <img src=x onerror=alert(1)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Plain(tt.in); got != tt.want {
				t.Errorf("Plain(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestWordsPlain(t *testing.T) {
	in := Words{
		Cutline: "*A* fox", Credit: "[Ann](https://example.org)", CreditURL: "https://example.org/?a=1&b=2",
		Alt: "A *fox*\nin snow", Creator: "<b>Ann</b>", Copyright: "&copy; Ann", License: "https://example.org/by_sa_4",
	}
	want := Words{
		Cutline: "A fox", Credit: "Ann", CreditURL: in.CreditURL,
		Alt: "A *fox* in snow", Creator: "Ann", Copyright: "© Ann", License: in.License,
	}
	if got := in.Plain(); got != want {
		t.Errorf("Plain() = %+v\nwant %+v", got, want)
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"", "a [b](c) *d*", "<a href='x'>y</a>", "\u202e\r\n", "&#x0a;&#13;", "`x` \\", "<!-- x", "a&#8238;b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := Plain(in)
		if !utf8.ValidString(out) {
			t.Fatalf("Plain(%q) = %q: not UTF-8", in, out)
		}
		if strings.ContainsAny(out, "\x00\r\n\t\x7f\u2028\u2029\u202e") {
			t.Fatalf("Plain(%q) = %q: control characters", in, out)
		}
		if clean := Clean(in); Clean(clean) != clean {
			t.Fatalf("Clean(%q) = %q: not stable", in, clean)
		}
		if again := Clean(out); again != out {
			t.Fatalf("Clean(%q) = %q: not stable", out, again)
		}
	})
}

func BenchmarkPlain(b *testing.B) {
	for _, bm := range []struct{ name, in string }{
		{"text", "Kim Jong Un and Vladimir Putin during their recent meeting in Russia."},
		{"markdown", "Photo by [Joshua Earle](https://example.org/joshua)"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Plain(bm.in)
			}
		})
	}
}
