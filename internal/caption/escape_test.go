package caption_test

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"Reuters / AP":              "Reuters / AP",
		"A & B":                     `A \& B`,
		"A &amp; B":                 `A \&amp; B`,
		"<photographed>":            `\<photographed\>`,
		"[A](https://example.org/)": `\[A\](https://example.org/)`,
		`C:\new *and* _old_`:        `C:\\new \*and\* \_old\_`,
		" a\n`b` ":                  "a \\`b\\`",
	} {
		if got := caption.Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestWebURL(t *testing.T) {
	tests := []struct{ in, want string }{
		{"https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by/4.0/"},
		{"https://example.org/a b?x=<y>&z=é", "https://example.org/a%20b?x=%3Cy%3E&z=%C3%A9"},
		{"https://example.org/>; rel=x, <https://evil.example/", "https://example.org/%3E;%20rel=x,%20%3Chttps://evil.example/"},
		{"https://example.org/é", "https://example.org/%C3%A9"},
		{"CC BY 4.0", ""},
		{"javascript:alert(1)", ""},
		{"https://user:secret@example.org/", ""},
		{"https://", ""},
		{"/relative", ""},
		{"https://example.org/\r\nX: y", ""},
	}
	for _, tt := range tests {
		if got := caption.WebURL(tt.in); got != tt.want {
			t.Errorf("WebURL(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// FuzzEscape verifies that Escape is Plain's inverse, on both sides of every text.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"A & B", "&#65; <b>x</b>", "[a](b) ![c](d)", `\*`, "***", "<!-- x", "é\u0301\x00", "`` ` ``", "https://x.example/<y>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		escaped := caption.Escape(text)
		if got, want := caption.Plain(escaped), caption.Clean(text); got != want {
			t.Errorf("Plain(%q) = %q, want %q", escaped, got, want)
		}
	})
}
