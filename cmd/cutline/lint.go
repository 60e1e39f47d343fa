package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/report"
)

// failOn are the words of --fail-on: the mildest severity that fails.
var failOn = [...]string{"error", "warning", "never"}

// lintOptions are the flags of lint.
type lintOptions struct {
	failOn        string // one of failOn
	codes         bool
	online        bool
	format        string // one of lintFormats
	out           string // a file, or "-"
	baseline      string // its file, "" for none
	writeBaseline bool
	fix, dryRun   bool
}

// lintFormats are the words of --format, in the order of the help.
var lintFormats = [...]string{"text", "github", "sarif", "json"}

// check refuses flags that do not go together.
func (o *lintOptions) check(given func(flag string) bool) error {
	switch {
	case !slices.Contains(failOn[:], o.failOn):
		return fmt.Errorf("--fail-on: expected %s (got %q)", joinOr(failOn[:]), o.failOn)
	case !slices.Contains(lintFormats[:], o.format):
		return fmt.Errorf("unknown format %q: expected %s", o.format, joinOr(lintFormats[:]))
	case o.writeBaseline && o.baseline == "":
		return errors.New("--write-baseline: expected --baseline FILE beside it, the file to write")
	case o.dryRun && !o.fix:
		return errors.New("--dry-run: expected --fix beside it")
	case o.dryRun && given("format"):
		return errors.New("--dry-run prints what --fix would change, as a diff: it does not go with --format")
	case o.fix && o.writeBaseline:
		return errors.New("expected --fix or --write-baseline, not both")
	}
	return nil
}

func (p *program) lintCommand() *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:     "lint [DIR]",
		GroupID: groupSite,
		Short:   "Report what the featured images and their words lack",
		Long:    lintHelp,
		Example: `  cutline lint
  cutline lint --fail-on warning testdata/site
  cutline lint --online              look at the originals too
  cutline lint --codes               what can be found
  cutline lint --format github       annotations in GitHub Actions
  cutline lint --fix --dry-run       what --fix would change
  cutline lint --baseline lint.json --write-baseline`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE:              func(cmd *cobra.Command, args []string) error { return p.lint(cmd, siteDir(args), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.failOn, "fail-on", "error", "exit with 1 on findings of `SEVERITY`: "+joinOr(failOn[:]))
	f.BoolVar(&o.online, "online", false, "look at the originals too")
	f.BoolVar(&o.codes, "codes", false, "list the codes of findings and what they mean")
	f.StringVar(&o.format, "format", "text", "`FORMAT`: "+joinOr(lintFormats[:]))
	f.StringVarP(&o.out, "output", "o", "-", "write to `FILE`")
	f.StringVar(&o.baseline, "baseline", "", "`FILE` of findings that are known: they are counted, not printed, and do not fail")
	f.BoolVar(&o.writeBaseline, "write-baseline", false, "write what is found into the file of --baseline")
	f.BoolVar(&o.fix, "fix", false, "mend in the posts what can be mended safely")
	f.BoolVar(&o.dryRun, "dry-run", false, "with --fix: change nothing, print a diff")
	settingFlags(cmd, "content", "cache", "allow-private")
	choice(cmd, "fail-on", failOn[:]...)
	choice(cmd, "format", lintFormats[:]...)
	return cmd
}

const lintHelp = `Reads every post under DIR and prints one line per finding:

  FILE:LINE: SEVERITY CODE: MESSAGE

FILE is under DIR, LINE is 0 where none can be named. An error means that a picture will
not be shown, or a post cannot be read; a warning, that it is shown but something is
missing or will break.

Formats: text; github, workflow commands that GitHub shows beside the lines of a pull
request; sarif, a SARIF 2.1.0 log for code scanners; json, one document. github and
sarif name files from the root of the repository: $GITHUB_WORKSPACE, or the nearest
folder above DIR that has .git.

With --online the pictures are fetched too, as serve would fetch them and into the same
cache. What comes in place of a picture, or does not come, is an error; so small, replaced
or orphaned pictures are found, credits in files that posts contradict or lack, and
licenses whose address is dead. Without --online the network is not used.

What a code is can be changed in ` + configName + `, as lint: {missing-credit: error, long-alt:
off}, and a post switches codes off for itself with cutline-lint: {off: [long-alt]} in
its front matter.

--baseline FILE keeps a build green on a site that has findings already: those in FILE are
counted, not printed, and do not fail. They are known by post, code and what they are
about, wherever the line moved. --write-baseline writes FILE; give it --online if the build
has that.

--fix writes the picture's own address in place of a wrapper's, & in place of &amp;, and
names of files as the files have them; with --online also https:// where that delivers the
same file, and no address that was not seen to deliver a picture. Not a byte beside the
value is touched; what cannot be changed so is left alone and said.

Drafts, unpublished posts and posts of the future are read too, unlike by scan and serve:
here a newsroom sees what a story lacks before it is published.

The exit code is 1 when there is a finding of the severity of --fail-on or worse.`

// lint carries out "cutline lint".
func (p *program) lint(cmd *cobra.Command, dir string, o lintOptions) error {
	if err := o.check(cmd.Flags().Changed); err != nil {
		return &usageError{err}
	}
	if o.codes {
		return p.output(o.out, writeCodes)
	}
	known, err := readBaseline(o)
	if err != nil {
		return err
	}
	s, err := p.openSite(cmd, dir)
	if err != nil {
		return err
	}
	defer s.close()
	c, problems, err := p.look(cmd.Context(), s, o)
	if err != nil {
		return err
	}
	if o.fix {
		changed, err := p.fix(s, problems, o)
		if err != nil {
			return err
		}
		if changed && !o.dryRun {
			if c, problems, err = p.look(cmd.Context(), s, o); err != nil {
				return err
			}
		}
	}
	if o.writeBaseline {
		return p.writeBaseline(o, report.NewBaseline(problems, known, o.online))
	}
	fresh, ignored, gone := known.Split(problems, o.online)
	p.sayPaid(gone)
	return p.report(&report.Run{
		Problems: fresh, Posts: c.Posts, PostsWithImage: c.PostsWithImage, Known: ignored,
		Prefix: repositoryPrefix(dir, p.env), Version: readBuild().Version,
	}, o)
}

// look reads the posts and finds what they lack, with --online what their originals lack too.
func (p *program) look(ctx context.Context, s *site, o lintOptions) (*catalog.Catalog, []catalog.Problem, error) {
	c, err := s.scan(ctx, withDrafts)
	if err != nil {
		return nil, nil, err
	}
	if !o.online {
		return c, findings(c), nil
	}
	originals, err := p.lookAtOriginals(ctx, s, c)
	if err != nil {
		return nil, nil, err
	}
	return c, printableFindings(c.LintOriginals(originals)), nil
}

// report writes what was found, in the format that was asked for. It returns errFindings when a finding reaches the threshold.
func (p *program) report(run *report.Run, o lintOptions) error {
	write := map[string]func(io.Writer) error{
		"text":   func(w io.Writer) error { return writeFindings(w, run.Problems) },
		"github": run.WriteGitHub,
		"sarif":  run.WriteSARIF,
		"json":   run.WriteJSON,
	}[o.format]
	if !o.dryRun { // whose output is a diff
		if err := p.output(o.out, write); err != nil {
			return err
		}
	}
	errorCount, warnings := run.Counts()
	ignored := ""
	if run.Known > 0 {
		ignored = fmt.Sprintf("; %d more in the baseline", run.Known)
	}
	p.say("%s, %s with a featured image: %s, %s%s", count(run.Posts, "post"), count(run.PostsWithImage, "post"),
		count(errorCount, "error"), count(warnings, "warning"), ignored)
	if o.failOn == "error" && errorCount > 0 || o.failOn == "warning" && errorCount+warnings > 0 {
		return errFindings
	}
	return nil
}

func writeFindings(w io.Writer, problems []catalog.Problem) error {
	for _, found := range problems {
		if _, err := fmt.Fprintln(w, findingLine(found)); err != nil {
			return err
		}
	}
	return nil
}

// findings are those of c without a look at the originals.
func findings(c *catalog.Catalog) []catalog.Problem { return printableFindings(c.Lint()) }

// printableFindings makes problems fit to be shown: a message may quote a URL with a password in it, and builds keep what
// lint prints.
func printableFindings(problems []catalog.Problem) []catalog.Problem {
	for i := range problems {
		problems[i].Message = maskPasswords(problems[i].Message)
	}
	return problems
}

func findingLine(found catalog.Problem) string {
	return printable(fmt.Sprintf("%s:%d: %s %s: %s", found.File, found.Line, found.Severity, found.Code, found.Message))
}

// userInfo matches the part of a URL before its host that names a user (RFC 3986 §3.2.1).
var userInfo = regexp.MustCompile(`(://)([^/?#\s@:"']*:)?[^/?#\s@"']*@`)

// maskPasswords replaces the passwords of URLs in s by "…". A user name without a password is replaced itself: it may be
// an access token.
func maskPasswords(s string) string { return userInfo.ReplaceAllString(s, "${1}${2}…@") }

// maxSaid is how many problems sayProblems prints.
const maxSaid = 10

// sayProblems prints, on stderr, why nothing was found.
func (p *program) sayProblems(problems []catalog.Problem) {
	for _, found := range problems[:min(len(problems), maxSaid)] {
		p.say("%s", findingLine(found))
	}
	if more := len(problems) - maxSaid; more > 0 {
		p.say("… and %s more: 'cutline lint' lists them.", count(more, "problem"))
	}
}

// writeCodes lists what can be found.
func writeCodes(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, code := range catalog.Codes() {
		// tabwriter keeps its first error for Flush.
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", code.Name, code.Severity, code.Meaning)
	}
	return t.Flush()
}
