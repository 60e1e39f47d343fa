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
