package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand is hidden: it is for who makes packages.
func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man [FOLDER]",
		Hidden: true,
		Short:  "Write the manual pages",
		Long: `Writes cutline(1) and a page for each command into FOLDER, which is made when it does not
exist; without FOLDER it prints cutline(1).

The pages' date is SOURCE_DATE_EPOCH, else that of the commit which the program was built
from, else 1 January 1970: the same program writes the same pages.`,
		Example: `  cutline man | man -l -
  cutline man /usr/local/share/man/man1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{fmt.Errorf("expected one folder (got %d: %q)", len(args), args)}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			date, err := p.manDate()
			if err != nil {
				return err
			}
			root := p.rootCommand() // one whose pages nobody has asked for
			if len(args) == 0 {
				return p.output("-", func(w io.Writer) error { return writeMan(w, root, date) })
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // for everybody to read
				return fmt.Errorf("make folder %q: %w", args[0], plainReason(err))
			}
			return writeManPages(args[0], root, date)
		},
	}
}

// manDate is the date that the pages bear.
func (p *program) manDate() (time.Time, error) {
	epoch := p.env.get("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return readBuild().date(), nil
	}
	n, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, &usageError{fmt.Errorf("SOURCE_DATE_EPOCH: expected seconds since 1970 (got %q)", epoch)}
	}
	return time.Unix(n, 0), nil
}

// writeManPages writes the page of cmd and those of the commands under it.
func writeManPages(folder string, cmd *cobra.Command, date time.Time) error {
	name := filepath.Join(folder, manName(cmd)+".1")
	if err := writeFile(name, func(w io.Writer) error { return writeMan(w, cmd, date) }); err != nil {
		return err
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			if err := writeManPages(folder, c, date); err != nil {
				return err
			}
		}
	}
	return nil
}

// manName is how a command's page is called: "cutline-scan".
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// writeMan writes the page of cmd in the macros of man(7). cobra's own pages take help for Markdown, which it is not.
func writeMan(w io.Writer, cmd *cobra.Command, date time.Time) error {
	cmd.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 %s %q %q\n", strings.ToUpper(manName(cmd)), date.UTC().Format(time.DateOnly), "cutline "+readBuild().Version, "cutline manual")
	// Without a hyphen in a name or an option, lines break at spaces alone, and what is copied is what was printed.
	fmt.Fprintf(&b, ".nh\n.ad l\n.SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(use))
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, cmp.Or(cmd.Long, cmd.Short))
	if cmd.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s.\n", roff(manName(c)), roff(c.Short))
			}
		}
	}
	if cmd.HasAvailableLocalFlags() {
		b.WriteString(".SH OPTIONS\n")
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { manFlag(&b, f) })
	}
	if cmd.HasExample() {
		b.WriteString(".SH EXAMPLES\n")
		manText(&b, cmd.Example)
	}
	if cmd.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(cmd.Parent())))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func manFlag(b *strings.Builder, f *pflag.Flag) {
	if f.Hidden {
		return
	}
	name, usage := pflag.UnquoteUsage(f)
	b.WriteString(".TP\n")
	if f.Shorthand != "" {
		fmt.Fprintf(b, "\\fB%s\\fR, ", roff("-"+f.Shorthand))
	}
	fmt.Fprintf(b, "\\fB%s\\fR", roff("--"+f.Name))
	if name != "" {
		fmt.Fprintf(b, " \\fI%s\\fR", roff(name))
	}
	fmt.Fprintf(b, "\n%s\n", roff(usage))
	if def := f.DefValue; def != "" && def != "false" && def != "[]" {
		fmt.Fprintf(b, "(default: %s)\n", roff(def))
	}
}

// manColumns is how long a line may be that is printed as it stands: 80 columns less a page's margins.
const manColumns = 72

// aRow matches a line of a table of help: what, two spaces or more, and what it means.
var aRow = regexp.MustCompile(`^ +(\S+(?: \S+)*)  +(\S.*)$`)

// manText writes help: its paragraphs are filled, and its indented lines stand as they are, or are entries of a list where all of
// them can be and one is too long to stand.
func manText(b *strings.Builder, text string) {
	var body strings.Builder
	for part := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		lines := strings.Split(strings.ReplaceAll(part, "\t", "    "), "\n")
		for len(lines) > 0 {
			n := 0
			indented := strings.HasPrefix(lines[0], " ")
			for n < len(lines) && strings.HasPrefix(lines[n], " ") == indented {
				n++
			}
			if indented {
				manTable(&body, lines[:n])
			} else {
				body.WriteString(".PP\n" + roffLines(lines[:n]))
			}
			lines = lines[n:]
		}
	}
	b.WriteString(strings.TrimPrefix(body.String(), ".PP\n")) // a heading begins a paragraph too
}

// roffLines is what a page has for lines.
func roffLines(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(roff(line) + "\n")
	}
	return b.String()
}

// manTable writes indented lines.
func manTable(b *strings.Builder, lines []string) {
	long := slices.ContainsFunc(lines, func(line string) bool { return len(line) > manColumns })
	if !long || slices.ContainsFunc(lines, func(line string) bool { return !aRow.MatchString(line) }) {
		b.WriteString(".PP\n.nf\n" + roffLines(lines) + ".fi\n")
		return
	}
	for _, line := range lines {
		row := aRow.FindStringSubmatch(line)
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(row[1]), roff(row[2]))
	}
}

// roff is text as roff prints it: nothing in it is a request, a quote that curls or a dash that breaks (groff_char(7)).
func roff(text string) string {
	var b strings.Builder
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		b.WriteString(`\&`)
	}
	for _, r := range text {
		switch r {
		case '\\':
			b.WriteString(`\e`)
		case '-':
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '"':
			b.WriteString(`\(dq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		default:
			if r < 0x80 {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, `\[u%04X]`, r)
			}
		}
	}
	return b.String()
}
