package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/source"
)

// failOn are the words of --fail-on: the mildest severity that fails.
var failOn = [...]string{"error", "warning", "never"}

// lintOptions are the flags of lint.
type lintOptions struct {
	failOn string // one of failOn
	codes  bool
	online bool
}

func (p *program) lintCommand() *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:     "lint [DIR]",
		GroupID: groupSite,
		Short:   "Report what the featured images and their words lack",
		Long: `Reads every post under DIR and prints one line per finding:

  FILE:LINE: SEVERITY CODE: MESSAGE

FILE is under DIR, LINE is 0 where none can be named. An error means that a picture will
not be shown, or a post cannot be read; a warning, that it is shown but something is
missing or will break.

With --online the pictures are fetched too, as serve would fetch them and into the same
cache: one that cannot be had is an error (original-unavailable); a credit, creator or
copyright notice in its file that the post contradicts (credit-conflict) or lacks
(embedded-credit) is a warning, and so is one that is shown from the cache alone because
its server does not deliver it any more (origin-gone), or that its server replaced by
another (original-changed). Without --online the network is not used.

Drafts, unpublished posts and posts of the future are read too, unlike by scan and serve:
here a newsroom sees what a story lacks before it is published.

The exit code is 1 when there is a finding of the severity of --fail-on or worse.`,
		Example: `  cutline lint
  cutline lint --fail-on warning testdata/site
  cutline lint --online              look at the originals too
  cutline lint --codes               what can be found`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE:              func(cmd *cobra.Command, args []string) error { return p.lint(cmd, siteDir(args), o) },
	}
	cmd.Flags().StringVar(&o.failOn, "fail-on", "error", "exit with 1 on findings of `SEVERITY`: "+joinOr(failOn[:]))
	cmd.Flags().BoolVar(&o.online, "online", false, "look at the originals too")
	cmd.Flags().BoolVar(&o.codes, "codes", false, "list the codes of findings and what they mean")
	settingFlags(cmd, "content", "cache", "allow-private")
	choice(cmd, "fail-on", failOn[:]...)
	return cmd
}

// lint carries out "cutline lint".
func (p *program) lint(cmd *cobra.Command, dir string, o lintOptions) error {
	if !slices.Contains(failOn[:], o.failOn) {
		return &usageError{fmt.Errorf("--fail-on: expected %s (got %q)", joinOr(failOn[:]), o.failOn)}
	}
	if o.codes {
		return p.output("-", writeCodes)
	}
	s, err := p.openSite(cmd, dir)
	if err != nil {
		return err
	}
	defer s.close()
	c, err := s.scan(cmd.Context(), withDrafts)
	if err != nil {
		return err
	}
	problems := findings(c)
	if o.online {
		originals, err := p.lookAtOriginals(cmd.Context(), s, c)
		if err != nil {
			return err
		}
		problems = printableFindings(c.LintOriginals(originals))
	}
	return p.report(c, problems, o.failOn)
}

// report prints the findings of c. It returns errFindings when one reaches the threshold.
func (p *program) report(c *catalog.Catalog, problems []catalog.Problem, threshold string) error {
	err := p.output("-", func(w io.Writer) error {
		for _, found := range problems {
			if _, err := fmt.Fprintln(w, findingLine(found)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	errorCount := 0
	for _, found := range problems {
		if found.Severity == catalog.Error {
			errorCount++
		}
	}
	warnings := len(problems) - errorCount
	p.say("%s, %s with a featured image: %s, %s",
		count(c.Posts, "post"), count(c.PostsWithImage, "post"), count(errorCount, "error"), count(warnings, "warning"))
	if threshold == "error" && errorCount > 0 || threshold == "warning" && len(problems) > 0 {
		return errFindings
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

// maskPasswords is what may be shown of a text with URLs in it.
func maskPasswords(s string) string { return source.MaskPasswords(s) }

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
