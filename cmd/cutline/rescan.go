package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/proxy"
)

func (p *program) rescanCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "rescan [DIR]",
		GroupID: groupSite,
		Short:   "Make a running server read its posts again",
		Long: `Tells the 'cutline serve' of this machine, or the one at --admin, to read the posts
again. When this returns, all answers are by what they say. A post that cannot be
read, such as one that somebody is writing at the moment, keeps the picture and the
words that it had; if the whole site cannot be read, or no post shows a picture any
more, nothing changes.

Added, removed and changed are posts. What a CDN in front has to be purged of, by
Surrogate-Key or Cache-Tag, is printed.

The address is that of admin in DIR/` + configName + ` and the environment. A token comes from
CUTLINE_KEYS, or from keys in that file (admin:TOKEN). The exit code is 1 when the site
or a post could not be read.`,
		Example: `  cutline rescan
  cutline rescan --format json`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkAdminFormat(format); err != nil {
				return err
			}
			conf, err := p.adminConfig(cmd, args)
			if err != nil {
				return err
			}
			return p.rescan(cmd.Context(), conf, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT` of the output: text, json, or keys: one a line, for a CDN")
	settingFlags(cmd, "admin")
	choice(cmd, "format", "text", "json", "keys")
	return cmd
}

// rescan asks the admin listener and prints what it says.
func (p *program) rescan(ctx context.Context, conf *effective, format string) error {
	var result proxy.RescanResult
	answer, status, err := askAdmin(ctx, conf, "/rescan", nil, &result)
	if err != nil {
		return err
	}
	if result.SurrogateKeys == nil {
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
		return writeRescanned(w, &result)
	})
	if err == nil && len(result.Kept) > 0 {
		p.say("cutline: %s could not be read, and shows what it showed before", count(len(result.Kept), "post"))
		return errFindings
	}
	return err
}

// writeRescanned prints r for people.
func writeRescanned(w io.Writer, r *proxy.RescanResult) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s from %s: %d added, %d removed, %d changed\n", count(r.Images, "image"), count(r.Posts, "post"), r.Added, r.Removed, r.Changed)
	for _, p := range printableFindings(r.Problems) {
		fmt.Fprintln(&b, findingLine(p))
	}
	if len(r.SurrogateKeys) > 0 {
		fmt.Fprintf(&b, "\nA CDN in front has to be purged too, by Surrogate-Key or Cache-Tag:\n%s\n", strings.Join(r.SurrogateKeys, " "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
