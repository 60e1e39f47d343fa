package caption

import (
	"slices"
	"strings"
	"testing"
)

func TestInline(t *testing.T) {
	const ian = "https://example.org/ian"
	tests := []struct {
		name, in string
		want     []Run
	}{
		{"empty", "", nil},
		{"blank", " \t ", nil},
		{"markup without text", "<br>", nil},
		{"text", "A fox  in snow", []Run{{"A fox in snow", ""}}},
		{"markdown link", "Photo by [Ian](" + ian + ")", []Run{{"Photo by ", ""}, {"Ian", ian}}},
		{"html link", `<a class=x href="` + ian + `">Ian</a>, Oslo`, []Run{{"Ian", ian}, {", Oslo", ""}}},
		{"emphasis in link", "[**Ian** *S*](" + ian + ") x", []Run{{"Ian S", ian}, {" x", ""}}},
		{"emphasis", "*A* **fox**", []Run{{"A fox", ""}}},
		{"blanks around", "a <b> b </b> [ c ](" + ian + ") ", []Run{{"a b ", ""}, {"c", ian}}},
		{"blank in the middle of a link", "a[ c ](" + ian + ")b", []Run{{"a", ""}, {" c ", ian}, {"b", ""}}},
		{"ends in a line break", "[c](" + ian + ")<br> ", []Run{{"c", ian}}},
		{"autolink", "<https://example.org/a> <ann@example.org>", []Run{{"https://example.org/a", "https://example.org/a"}, {" ", ""}, {"ann@example.org", "mailto:ann@example.org"}}},
		{"two links", "[a](http://a.test)[b](http://b.test)", []Run{{"a", "http://a.test"}, {"b", "http://b.test"}}},
		{"link in link", `[x <a href="javascript:x()">y</a> z](` + ian + ")", []Run{{"x ", ian}, {"y z", ""}}},
		{"link that is not closed", `a <a href="` + ian + `">b`, []Run{{"a ", ""}, {"b", ian}}},
		{"first attribute counts", `<a href="` + ian + `" href="http://b.test">b</a>`, []Run{{"b", ian}}},
		{"ampersand", "[a](http://a.test/?x=1&y=2)", []Run{{"a", "http://a.test/?x=1&y=2"}}},
		{"other characters", "[a](<http://a.test/ü ä?q='ö\">)", []Run{{"a", "http://a.test/%C3%BC%20%C3%A4?q='%C3%B6%22"}}},
		{"javascript", "[a](javascript:alert(1))", []Run{{"a", ""}}},
		{"javascript by entity", "[a](javascript&colon;alert(1)) <a href='&#106;avascript:x'>b</a>", []Run{{"a b", ""}}},
		{"javascript in pieces", "<a href='java\tscript:x'>a</a><a href=' javascript:x'>b</a><a href='java&#10;script:x'>c</a>", []Run{{"abc", ""}}},
		{"data", "<a href=data:text/html,x>a</a>", []Run{{"a", ""}}},
		{"relative", "[a](/about) [b](//b.test/) [c](c.html)", []Run{{"a b c", ""}}},
		{"script", "a<script>b</script><a href='" + ian + "'>c</a>", []Run{{"a", ""}, {"c", ian}}},
		{"too long for markup", strings.Repeat("*a* ", maxMarkup/4+1), []Run{{strings.TrimSpace(strings.Repeat("*a* ", maxMarkup/4+1)), ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Inline(tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("Inline(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestLinkTarget(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"https", "https://example.org/a?b=c#d", "https://example.org/a?b=c#d"},
		{"upper case", "HTTPS://example.org/", "https://example.org/"},
		{"mail", "mailto:a@example.org?subject=x y", "mailto:a@example.org?subject=x%20y"},
		{"host beyond ASCII", "https://münchen.test/ß", "https://m%C3%BCnchen.test/%C3%9F"},
		{"blanks around", " https://example.org ", "https://example.org"},
		{"quote", `https://example.org/"onclick="x`, "https://example.org/%22onclick=%22x"},
		{"quote in mail", `mailto:"><x>`, "mailto:%22%3E%3Cx%3E"},
		{"empty", "", ""},
		{"no host", "https:///a", ""},
		{"opaque", "https:example.org", ""},
		{"backslashes", `https:\\example.org`, ""},
		{"password", "https://ann:secret@example.org/", ""},
		{"javascript", "javascript:alert(1)", ""},
		{"data", "data:text/html,x", ""},
		{"file", "file:///etc/passwd", ""},
		{"scheme-relative", "//example.org/", ""},
		{"line break", "https://example.org/\n", ""},
		{"tab in scheme", "ht\ttps://example.org/", ""},
		{"NUL", "https://example.org/\x00", ""},
		{"control before", "\x01https://example.org/", ""},
		{"empty mail", "mailto:", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := LinkTarget(tt.in); got != tt.want {
				t.Errorf("LinkTarget(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzInline(f *testing.F) {
	for _, s := range []string{
		"", "a [b](c) *d*", "<a href='http://x'> y</a> ", "x<br>", "&#x0a;[a](javascript&colon;x)", "[ a ](http://b \"t\")<c@d.e>",
		"a\u202a<b>\u0301</b>", "<a href=mailto:x%20y\"'>z", "<script><a href=http://x>", "[a](https://u:p@h)", "[a](http://[::1%25\">]/)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var joined strings.Builder
		got := Inline(in)
		for i, r := range got {
			joined.WriteString(r.Text)
			if r.Text == "" || i > 0 && got[i-1].URL == r.URL {
				t.Fatalf("Inline(%q) = %q: run %d is empty or was to be joined", in, got, i)
			}
			if LinkTarget(r.URL) != r.URL || strings.ContainsAny(r.URL, "\"<> \\\n") {
				t.Fatalf("Inline(%q) = %q: URL of run %d", in, got, i)
			}
			if s, _, _ := strings.Cut(r.URL, ":"); s != "" && s != "http" && s != "https" && s != "mailto" {
				t.Fatalf("Inline(%q) = %q: scheme of run %d", in, got, i)
			}
		}
		if text, want := joined.String(), Plain(in); Clean(text) != want || strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
			t.Fatalf("Inline(%q) = %q, joined %q, want %q", in, got, text, want)
		}
	})
}
