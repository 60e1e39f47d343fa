package main

import (
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

func TestWritableIsWhatTheEngineEncodes(t *testing.T) {
	engine := goengine.New()
	for _, f := range transform.Formats() {
		if got, want := slices.Contains(writable(), f), engine.Can(f).Encode; got != want {
			t.Errorf("%s can be configured: %t, but the engine encodes it: %t", f, got, want)
		}
	}
}

func TestParseBytes(t *testing.T) {
	tests := []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"20000000", 20_000_000, true},
		{"20_000_000", 20_000_000, true},
		{"20MB", 20_000_000, true},
		{"64MiB", 64 << 20, true},
		{"1KB", 1000, true},
		{"1kB", 1000, true},
		{"7B", 7, true},
		{"9223372036854775807", 1<<63 - 1, true},
		{"9223372036854775808", 0, false},
		{"9007199254740993KiB", 0, false},
		{"", 0, false},
		{"MB", 0, false},
		{"1.5GB", 0, false},
		{"20 MB", 0, false},
		{"20M", 0, false},
		{"20mb", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1MBMB", 0, false},
	}
	for _, tt := range tests {
		got, err := parseBytes(tt.text)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("parseBytes(%q) = %d, %v; want %d, ok %t", tt.text, got, err, tt.want, tt.ok)
		}
	}
}

func FuzzBytes(f *testing.F) {
	for _, seed := range []string{"0", "20MB", "64MiB", "1KB", "999999999999999999GiB", "_1_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseBytes(text)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("parseBytes(%q) = %d", text, n)
		}
		if again, err := parseBytes(formatBytes(n)); err != nil || again != n {
			t.Errorf("parseBytes(formatBytes(%d)) = %d, %v", n, again, err)
		}
	})
}

func TestDidYouMean(t *testing.T) {
	known := []string{"listen", "fetch.timeout", "fetch.max_bytes", "limits.timeout", "content.image_base"}
	tests := []struct{ written, want string }{
		{"lissten", "; did you mean listen?"},
		{"litsen", "; did you mean listen?"},
		{"max_bytes", "; did you mean fetch.max_bytes?"},
		{"cache.max_bytes", "; did you mean fetch.max_bytes?"},
		{"content.imagebas", "; did you mean content.image_base?"},
		{"something.else", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := didYouMean(tt.written, known); got != tt.want {
			t.Errorf("didYouMean(%q) = %q, want %q", tt.written, got, tt.want)
		}
	}
}
