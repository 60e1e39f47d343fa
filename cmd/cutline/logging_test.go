package main

import (
	"log/slog"
	"testing"
)

func TestParseLogging(t *testing.T) {
	for text, want := range map[string]logging{
		"info":       {},
		"json":       {JSON: true},
		"debug json": {Level: slog.LevelDebug, JSON: true},
		"json,error": {Level: slog.LevelError, JSON: true},
		"warn text":  {Level: slog.LevelWarn},
	} {
		got, err := parseLogging(text)
		if err != nil || got != want {
			t.Errorf("parseLogging(%q) = %+v, %v, want %+v", text, got, err, want)
		}
		if again, err := parseLogging(got.String()); err != nil || again != got {
			t.Errorf("parseLogging(%q) = %+v, %v, want %+v", got, again, err, got)
		}
	}
	for _, text := range []string{"", " ", "verbose", "info debug", "json text", "INFO", "info json json"} {
		if got, err := parseLogging(text); err == nil {
			t.Errorf("parseLogging(%q) = %+v, want an error", text, got)
		}
	}
}
