package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestRoff(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"plain text", "plain text"},
		{".SH no heading", `\&.SH no heading`},
		{"'no request", `\&\(aqno request`},
		{`a\fBc`, `a\efBc`},
		{`--fail-on "x"`, `\-\-fail\-on \(dqx\(dq`},
		{"`a^~", `\(gaa\(ha\(ti`},
		{"credit … 800 × 450", `credit \[u2026] 800 \[u00D7] 450`},
	} {
		if got := roff(tt.text); got != tt.want {
			t.Errorf("roff(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestManText(t *testing.T) {
	const text = `First of
two lines.

Keys:
  one    what this first one of the two means is too long to stand in a line of its own
  two    short

  cutline scan    stands
  cutline lint

Last.
`
	const want = `First of
two lines.
.PP
Keys:
.TP
\fBone\fR
what this first one of the two means is too long to stand in a line of its own
.TP
\fBtwo\fR
short
.PP
.nf
  cutline scan    stands
  cutline lint
.fi
.PP
Last.
`
	var b strings.Builder
	manText(&b, text)
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

// TestManPages: each command that is listed has a page, each flag of it is in there, and no line of help became a request.
func TestManPages(t *testing.T) {
	root := (&program{env: settingsEnv()}).rootCommand()
	folder := t.TempDir()
	date := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	if err := writeManPages(folder, root, date); err != nil {
		t.Fatal(err)
	}
	request := regexp.MustCompile(`(?m)^\.(?:TH|nh|ad l|SH|B|BR|PP|TP|nf|fi)\b.*$`)
	seen := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		text, err := os.ReadFile(filepath.Join(folder, manName(cmd)+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		seen++
		page := string(text)
		if !strings.HasPrefix(page, ".TH "+strings.ToUpper(manName(cmd))+" 1 2026-11-27 ") {
			t.Errorf("%s begins with %.60q", manName(cmd), page)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(page, roff("--"+f.Name)) {
				t.Errorf("%s: no --%s", manName(cmd), f.Name)
			}
		})
		for line := range strings.Lines(request.ReplaceAllString(page, "")) {
			if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
				t.Errorf("%s: a request: %q", manName(cmd), line)
			}
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				look(c)
			}
		}
	}
	look(root)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != seen || seen < 10 {
		t.Errorf("%d pages for %d commands", len(entries), seen)
	}
}
