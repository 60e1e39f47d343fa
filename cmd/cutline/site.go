package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// A site is an opened site folder with its configuration. Close it after use.
type site struct {
	dir    string // as typed
	root   *os.Root
	config *effective
	own    []netip.AddrPort // what serve listens on, which is no source; the other verbs listen on nothing
}

// close closes the folder. It was only read: there is nothing that an error could lose.
func (s *site) close() { _ = s.root.Close() }

// siteDir is the DIR of a command line.
func siteDir(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// oneSite refuses more than one DIR.
func oneSite(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return &usageError{fmt.Errorf("expected one site folder (got %d: %q)", len(args), args)}
	}
	return nil
}

// siteCompletion completes DIR with folders.
func siteCompletion(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// settingFlags adds --config and the flags of the named settings to cmd. Their values are left to loadConfig, which
// reads and judges file, environment and flags alike.
func settingFlags(cmd *cobra.Command, names ...string) {
	cmd.Flags().String("config", "", "read `FILE` instead of DIR/"+configName)
	for _, s := range settings(&config{}) {
		for _, name := range names {
			switch {
			case s.flagName() != name:
			case s.value.kind() == yaml.SequenceNode:
				cmd.Flags().StringArray(name, nil, s.flagUsage()+", repeatable")
			default:
				cmd.Flags().String(name, "", s.flagUsage())
			}
		}
	}
}

// openSite opens dir, the site of cmd, and reads its configuration with cmd's flags over it.
func (p *program) openSite(cmd *cobra.Command, dir string) (*site, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &usageError{fmt.Errorf("cannot open the site folder %q: %w", dir, plainReason(err))}
	}
	effective, err := p.loadConfig(cmd, dir)
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &site{dir: dir, root: root, config: effective}, nil
}

// loadConfig reads the configuration of the site in dir, with cmd's flags over it.
func (p *program) loadConfig(cmd *cobra.Command, dir string) (*effective, error) {
	src := configSources{dir: dir, env: p.env}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "config":
			src.file = f.Value.String()
		case isSetting(f.Name):
			given := flagValue{name: f.Name, text: []string{f.Value.String()}}
			if many, ok := f.Value.(pflag.SliceValue); ok {
				given.text = many.GetSlice()
			}
			src.flags = append(src.flags, given)
		}
	})
	return loadConfig(src)
}

func isSetting(flag string) bool {
	for _, s := range settings(&config{}) {
		if s.flagName() == flag {
			return true
		}
	}
	return false
}

// Which posts a command reads.
const (
	publishedOnly = false // what may be announced
	withDrafts    = true  // what will be, too, for those who check it before
)

// scan reads the site's posts.
func (s *site) scan(ctx context.Context, drafts bool) (*catalog.Catalog, error) {
	return s.scanAfter(ctx, drafts, nil)
}

// rescan reads the published posts once more; what cannot be read is as in last.
func (s *site) rescan(ctx context.Context, last *catalog.Catalog) (*catalog.Catalog, error) {
	// The folder that was opened is read, not whatever has its name today: pictures come from it too.
	opened, err := s.root.Stat(".")
	if err != nil {
		return nil, fmt.Errorf("site folder %q: %w", s.dir, plainReason(err))
	}
	if named, err := os.Stat(s.dir); err != nil || !os.SameFile(opened, named) {
		return nil, fmt.Errorf("site folder %q: another folder has that name than at the start, or none; restart the server", s.dir)
	}
	return s.scanAfter(ctx, publishedOnly, last)
}

func (s *site) scanAfter(ctx context.Context, drafts bool, last *catalog.Catalog) (*catalog.Catalog, error) {
	o := s.catalogOptions(drafts)
	o.Last = last
	c, err := catalog.Scan(ctx, s.root, o)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, &usageError{fmt.Errorf("site folder %q: %w", s.dir, err)}
	}
	return c, nil
}

// catalogOptions are how s is configured to be scanned.
func (s *site) catalogOptions(drafts bool) catalog.Options {
	return catalog.Options{
		Content:      s.config.Content.Folders,
		Fields:       s.config.Content.Fields,
		ImageBase:    s.config.Content.ImageBase,
		Placeholders: s.config.Content.Placeholders,
		Rules:        s.config.Lint,
		Drafts:       drafts,
	}
}

// plainReason takes operation and paths off an error of the operating system: the message names them already, in the
// user's words.
func plainReason(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		return linkErr.Err
	}
	return err
}
