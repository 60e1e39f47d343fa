package caption_test

import (
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want string
	}{
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
		{"", 5, ""},
		{"aé", 2, "a"},
		{"e\u0301x", 2, ""},   // a letter and its accent
		{"a👩‍🔬b", 11, "a"},    // a woman, a joiner, a microscope
		{"a👩‍🔬b", 12, "a👩‍🔬"}, // 1 + 11 bytes
		{"🇳🇴🇸🇪", 10, "🇳🇴"},    // flags are two letters each
	} {
		if got := caption.Cut(tt.text, tt.most); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}

// TestWordsCut verifies that words are cut after their markup was taken away, that what is left means what it says, and that
// URLs are whole or not there.
func TestWordsCut(t *testing.T) {
	long := strings.Repeat("x", 3_000)
	got := caption.Words{
		Cutline: "[" + long + "](https://example.org/) & more", Credit: "*A* \\& B", Alt: "a *b*" + long, CreditURL: "https://example.org/" + long,
		License: "https://example.org/l", LicensorURL: "https://example.org/b", Decorative: false,
	}.Cut(2_000)
	want := caption.Words{
		Cutline: long[:2_000], Credit: `A \& B`, Alt: "a *b*" + long[:1_995], License: "https://example.org/l", LicensorURL: "https://example.org/b",
	}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := (caption.Words{License: "<" + long}).Cut(10).Plain().License; got != "<xxxxxxxxx" {
		t.Errorf("a licence's name is cut to %q", got)
	}
}
