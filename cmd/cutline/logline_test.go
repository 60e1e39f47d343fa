package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
)

// TestLogLines logs what an origin or a post might have put into an error: every line stays one, and commands no terminal.
func TestLogLines(t *testing.T) {
	const evil = "a\r\n\x00\x1b[2J\u2028\u2029\x7f\u0085\u009b2J é 日本語 \" \\ \xff"
	for _, format := range []string{logJSON, logText} {
		conf := defaultConfig(nil)
		conf.Log.JSON = format == logJSON
		var out strings.Builder
		log := newLog(&out, conf)
		log.Warn("original", "source", evil, "err", errors.New(evil))
		line := out.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("%s: got %q, want one line", format, line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
			t.Errorf("%s: got %q", format, line)
		}
		if !strings.Contains(line, "é 日本語") {
			t.Errorf("%s: got %q, want what is no control character as it was", format, line)
		}
		if format != logJSON {
			continue
		}
		var got struct{ Source string }
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Source != strings.ToValidUTF8(evil, "\ufffd") {
			t.Errorf("got %q, %v", got.Source, err)
		}
	}
}
