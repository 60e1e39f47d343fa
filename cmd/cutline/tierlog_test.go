package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTierLog(t *testing.T) {
	full, gone := errors.New("no space left"), errors.New("no such folder")
	type step struct {
		after time.Duration
		err   error
		times int
	}
	tests := []struct {
		name  string
		steps []step
		want  []string
	}{
		{"sound", []step{{0, nil, 3}}, nil},
		{"first failure at once", []step{{0, full, 1}},
			[]string{`WARN tier=disk failures=1 err="no space left"`}},
		{"a line per interval, with the failures since", []step{{0, full, 50}, {9 * time.Second, full, 49}, {time.Second, gone, 10}},
			[]string{`WARN tier=disk failures=1 err="no space left"`, `WARN tier=disk failures=99 err="no such folder"`}},
		{"works again", []step{{0, full, 3}, {time.Second, nil, 1}, {time.Minute, full, 1}},
			[]string{`WARN tier=disk failures=1 err="no space left"`, `INFO tier=disk failures=2`, `WARN tier=disk failures=1 err="no space left"`}},
		{"now and then", []step{{0, full, 1}, {0, nil, 1}, {0, full, 1}, {0, nil, 1}, {0, full, 1}, {0, nil, 1}, {10 * time.Second, full, 1}},
			[]string{`WARN tier=disk failures=1 err="no space left"`, `INFO tier=disk failures=0`, `WARN tier=disk failures=3 err="no space left"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var text strings.Builder
				l := tierLog{tier: "disk", log: slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{
					ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
						if a.Key == slog.TimeKey || a.Key == slog.MessageKey {
							return slog.Attr{}
						}
						return a
					},
				}))}
				for _, s := range tt.steps {
					time.Sleep(s.after) // of the bubble's clock
					for range s.times {
						l.report(s.err)
					}
				}
				var got []string
				for line := range strings.Lines(text.String()) {
					got = append(got, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "level="))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
			})
		})
	}
}
