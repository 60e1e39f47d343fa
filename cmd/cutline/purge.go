package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/proxy"
)

func (p *program) purgeCommand() *cobra.Command {
	var req proxy.PurgeRequest
	var format string
	cmd := &cobra.Command{
		Use:     "purge [DIR]",
		GroupID: groupSite,
		Short:   "Make a running server forget pictures, or take them down",
		Long: `Tells the 'cutline serve' of this machine, or the one at --admin, to forget pictures in all
tiers of its cache: the next reader has them fetched anew. With --gone they are taken
down: every address of them answers 410, over restarts too, until --restore or a purge
without --gone.

What is named, by exactly one flag, are originals. All posts that show an original are
affected, whatever their words. --host and --all mean the originals of posts; others, of
the hosts in fetch.hosts, are purged by --source.

A CDN in front keeps copies of its own. What to purge there, by Surrogate-Key or
Cache-Tag, is printed.

The address is that of admin in DIR/` + configName + ` and the environment. A token comes from
CUTLINE_KEYS, or from keys in that file (admin:TOKEN). The exit code is 1 when nothing
is known by the name, or something could not be purged.`,
		Example: `  cutline purge --source https://origin.example/fox.jpg
  cutline purge --post 2023-09-18-kim --gone
  cutline purge --host origin.example --format json`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkAdminFormat(format); err != nil {
				return err
			}
			if err := req.Check(); err != nil { // as the server would
				return &usageError{err}
			}
			conf, err := p.adminConfig(cmd, args)
			if err != nil {
				return err
			}
			return p.purge(cmd.Context(), conf, &req, format)
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Source, "source", "", "the original at `URL`, or a path under the site root")
	f.StringVar(&req.Post, "post", "", "the picture of `POST`: its path under the site root, its file name, or its slug")
	f.StringVar(&req.ID, "id", "", "the picture with `ID`, as in /i/ID/hero.webp")
	f.StringVar(&req.Host, "host", "", "the pictures of `HOST`; *.example.org is every host below example.org")
	f.BoolVar(&req.All, "all", false, "every picture that a post shows")
	f.BoolVar(&req.Gone, "gone", false, "take down: answer 410 from here on")
	f.BoolVar(&req.Restore, "restore", false, "undo --gone, and leave alone what was not taken down")
	f.StringVar(&format, "format", "text", "`FORMAT` of the output: text, json, or keys: one a line, for a CDN")
	settingFlags(cmd, "admin")
	choice(cmd, "format", "text", "json", "keys")
	return cmd
}

// purge asks the admin listener and prints what it says.
func (p *program) purge(ctx context.Context, conf *effective, req *proxy.PurgeRequest, format string) error {
	var result proxy.PurgeResult
	answer, status, err := askAdmin(ctx, conf, "/purge", req, &result)
	if err != nil {
		return err
	}
	if result.How == "" {
		return notCutline(conf, status)
	}
	err = p.output("-", func(w io.Writer) error {
		switch format {
		case "json":
			_, err := w.Write(answer)
			return err
		case "keys":
			return writeKeys(w, result.SurrogateKeys)
		}
		return writePurged(w, &result)
	})
	if err == nil && result.Failed > 0 {
		p.say("cutline: %s could not be purged", count(result.Failed, "source"))
		return errFindings
	}
	return err
}

// writePurged prints r for people.
func writePurged(w io.Writer, r *proxy.PurgeResult) error {
	var b strings.Builder
	for _, src := range r.Sources {
		if src.Error != "" {
			fmt.Fprintf(&b, "not purged  %s: %s\n", maskPasswords(src.Source), maskPasswords(src.Error))
			continue
		}
		fmt.Fprintf(&b, "%-10s  %s\n", r.How, maskPasswords(src.Source))
	}
	if len(r.SurrogateKeys) > 0 {
		fmt.Fprintf(&b, "\nA CDN in front has to be purged too, by Surrogate-Key or Cache-Tag:\n%s\n", strings.Join(r.SurrogateKeys, " "))
	}
	if r.Note != "" {
		fmt.Fprintf(&b, "\nNote: %s.\n", r.Note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
