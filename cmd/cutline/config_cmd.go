package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

func (p *program) configCommand() *cobra.Command {
	var check, origin bool
	cmd := &cobra.Command{
		Use:     "config [DIR]",
		GroupID: groupOther,
		Short:   "Print the effective configuration",
		Long: `Prints the configuration that 'cutline serve DIR' would run with, as YAML in the form of
` + configName + `.

Each key comes from the strongest source that names it: the default, ` + configName + `
in the site root, the environment (fetch.max_bytes is CUTLINE_FETCH_MAX_BYTES; an empty
variable counts as not set; commas separate lists), the flags of this run. A list of a
stronger source replaces that of a weaker one; presets and content.fields are added by
name and stand in the file alone. A relative cache.dir in the file is relative to the
file's folder.

` + keysHelp() + `
Sizes are bytes, such as 20000000, 20MB or 64MiB; durations such as 15s, 2m or 24h.
Mistakes are reported all at once, each with file and line.`,
		Example: `  cutline config                     what would serve run with?
  cutline config --origin            and where does each value come from?
  cutline config --check testdata/site`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			if check && origin {
				return &usageError{errors.New("--check prints nothing that --origin could be said of: expected one of them")}
			}
			s, err := p.openSite(cmd, siteDir(args))
			if err != nil {
				return err
			}
			defer s.close()
			if check {
				p.say("configuration ok")
				return nil
			}
			return p.output("-", func(w io.Writer) error { return writeConfig(w, s.config, origin) })
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only look for mistakes")
	cmd.Flags().BoolVar(&origin, "origin", false, "say beside each value where it comes from")
	settingFlags(cmd, serveSettings[:]...)
	return cmd
}

// keysHelp lists every key with its meaning.
func keysHelp() string {
	var b strings.Builder
	b.WriteString("Keys:\n")
	for _, s := range settings(&config{}) {
		fmt.Fprintf(&b, "  %-21s %s\n", s.key, s.about)
	}
	return b.String()
}

// writeConfig writes e as the file that would give it, with the origins as comments when asked.
func writeConfig(w io.Writer, e *effective, origin bool) error {
	top := &yaml.Node{Kind: yaml.MappingNode}
	groupNodes := map[string]*yaml.Node{}
	for _, s := range e.settings {
		parent, name := top, s.key
		if group, rest, ok := strings.Cut(s.key, "."); ok && slices.Contains(groups[:], group) {
			if groupNodes[group] == nil {
				groupNodes[group] = &yaml.Node{Kind: yaml.MappingNode}
				top.Content = append(top.Content, text(group), groupNodes[group])
			}
			parent, name = groupNodes[group], rest
		}
		key, child := text(name), s.value.show()
		switch {
		case !origin:
		case child.Kind == yaml.MappingNode && child.Style&yaml.FlowStyle == 0:
			key.LineComment = e.origin[s.key] // the value begins on the next line
		default:
			child.LineComment = e.origin[s.key]
		}
		parent.Content = append(parent.Content, key, child)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(top); err != nil {
		return err
	}
	return enc.Close()
}
