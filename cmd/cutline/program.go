package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes beside 0. An interrupted program has interrupt.exitCode.
const (
	exitFailed = 1 // findings, or something that was asked for rightly could not be done
	exitUsage  = 2 // the command line, the configuration or the site folder is wrong: trying again will not help
)

// errFindings says that a command has done its work and that what it found counts as failure. All has been said then.
var errFindings = errors.New("findings")

// A usageError is a mistake of whoever typed the command or wrote the configuration.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// A program is one run of cutline: what it reads beside files, and where it writes. Output that others may parse goes to
// stdout, all else to stderr. Nothing is coloured, so NO_COLOR has nothing to switch off.
type program struct {
	stdout, stderr io.Writer
	env            environ
}

// run carries out a command line, without the program's name, and returns the exit code. ctx's end stops it; with an
// interrupt as the cause the code says so.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.rootCommand()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return p.exitCode(ctx, cmd, err)
}

// exitCode reports err on stderr, where that is still to be done, and returns its exit code.
func (p *program) exitCode(ctx context.Context, cmd *cobra.Command, err error) int {
	var stop interrupt
	var usage *usageError
	var config *configError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFindings):
		return exitFailed
	case errors.As(err, &stop):
		return stop.exitCode()
	case errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &stop):
		return stop.exitCode()
	case errors.As(err, &config):
		p.say("%s", config) // the lines begin with file and line, as editors want it
		return exitUsage
	case errors.As(err, &usage):
		p.say("cutline: %s\nRun '%s --help' for usage.", err, cmd.CommandPath())
		return exitUsage
	}
	p.say("cutline: %s", err)
	return exitFailed
}

// say writes lines for people to stderr. An error of writing there has nowhere to go.
func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, format+"\n", args...)
}

// rootCommand returns the tree of commands.
func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "cutline",
		Short: "Featured images with their words: scanned, checked, served",
		Long: `cutline reads a site's posts, collects their featured images with caption, credit and
alternative text, and serves the pictures resized, re-encoded and cached, with the
words in the response headers and inside the files; or makes them ahead, for static sites.

DIR is the site's root folder, by default the current one.

Exit codes: 0 ok, 1 findings or failure, 2 wrong usage or configuration, 130 interrupted.`,
		Example: `  cutline scan                        list the featured images of the site in this folder
  cutline lint --fail-on warning      fail when a picture lacks its words
  cutline prefetch                    make all files of them, for a site without a server
  cutline serve testdata/site         serve them at http://127.0.0.1:8080/`,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       readBuild().line(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetHelpTemplate(helpTemplate)
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version; 'cutline version' says more") // cobra's own would take -v too
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddGroup(&cobra.Group{ID: groupSite, Title: "Commands:"}, &cobra.Group{ID: groupOther, Title: "More:"})
	root.AddCommand(p.scanCommand(), p.lintCommand(), p.prefetchCommand(), p.serveCommand(), p.purgeCommand(), p.rescanCommand(),
		p.signCommand(), p.configCommand(), p.healthcheckCommand(), p.versionCommand(), p.workerCommand(), p.manCommand())
	root.SetHelpCommand(helpCommand(root))
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	root.InitDefaultCompletionCmd()
	requireShell(root)
	return root
}

// The groups of commands in the root's help.
const (
	groupSite  = "site"
	groupOther = "other"
)

// helpTemplate puts the examples first (clig.dev, Help): most who ask for help want the line to copy.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}{{if .HasExample}}Examples:
{{.Example}}

{{end}}Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND [DIR]{{else}}{{.UseLine}}{{end}}
{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if .Groups}}{{range $group := .Groups}}
{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) .IsAvailableCommand)}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{else}}
Commands:{{range $cmds}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableSubCommands}}
Run '{{.CommandPath}} COMMAND --help' for more about a command.
{{end}}`

// noCommand refuses what follows the root and is no command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{unknownCommand(cmd, args[0])}
}

func unknownCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, c := range parent.Commands() {
		names = append(names, c.Name())
	}
	return fmt.Errorf("unknown command %q%s", name, didYouMean(name, names))
}

// helpCommand is "cutline help [COMMAND]".
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND]",
		Short:             "Help about a command",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return &usageError{unknownCommand(root, strings.Join(args, " "))}
			}
			found.InitDefaultHelpFlag() // or the page would not list --help
			return found.Help()
		},
	}
}

// requireShell makes "completion" fail when no shell follows that it knows; by itself it would print its help and succeed.
func requireShell(root *cobra.Command) {
	completion, _, err := root.Find([]string{"completion"})
	if err != nil || completion == root {
		return
	}
	completion.Args = cobra.ArbitraryArgs
	completion.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var shells []string
		for _, c := range cmd.Commands() {
			shells = append(shells, c.Name())
		}
		return &usageError{fmt.Errorf("unknown shell %q: expected %s", args[0], joinOr(shells))}
	}
}

// choice completes a flag with a closed set of words. RegisterFlagCompletionFunc fails only for a flag that does not exist.
func choice(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}
