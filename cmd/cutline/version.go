package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// version is set by the linker for releases: -ldflags "-X main.version=v1.2.3". Nothing else may set it.
var version string

// A build says what this program was built from.
type build struct {
	Version  string `json:"version"`            // "v1.2.3", or "devel" for a build from a working tree
	Commit   string `json:"commit,omitempty"`   // Git's, in full; "" where the build does not know
	Modified bool   `json:"modified,omitempty"` // the working tree had changes
	Go       string `json:"go"`                 // "go1.26.8"
	Platform string `json:"platform"`           // "linux/amd64"

	time string // of the commit, as RFC 3339; "" where the build does not know
}

// readBuild reads what the linker and the Go tool wrote into the program.
func readBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.time = s.Value
		}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	return b
}

// An about is what "version" prints.
type about struct {
	build
	Engine    string            `json:"engine"`
	Reads     []string          `json:"reads"`  // extensions
	Writes    []string          `json:"writes"` // extensions
	Codecs    []codec           `json:"codecs"`
	Revisions map[string]string `json:"revisions"` // by extension: what shapes the bytes, and with them the cache's keys
}

// A codec says how the engine reads and writes a format, in its own words.
type codec struct {
	Format string `json:"format"` // extension
	Reads  string `json:"reads,omitempty"`
	Writes string `json:"writes,omitempty"`
}

// newAbout asks the engine that serve uses.
func newAbout() *about {
	engine := goengine.New()
	defer func() { _ = engine.Close() }() // it was only asked
	a := &about{build: readBuild(), Engine: "goengine", Revisions: map[string]string{}}
	for _, f := range transform.Formats() {
		can := engine.Can(f)
		if can.Decode {
			a.Reads = append(a.Reads, f.Ext())
		}
		if can.Encode {
			a.Writes = append(a.Writes, f.Ext())
			a.Revisions[f.Ext()] = engine.Rev(f)
		}
	}
	for _, c := range engine.Codecs() {
		a.Codecs = append(a.Codecs, codec{c.Format.Ext(), c.Reads, c.Writes})
	}
	return a
}

func (p *program) versionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "version",
		GroupID: groupOther,
		Short:   "Print the version, and the formats that can be read and written",
		Long: `Prints the version, the Go version, the engine, and by what each format is read and
written. As JSON it also has what shapes the bytes that are written: when one of these
revisions changes, the pictures in that format are made anew.`,
		Example: `  cutline version
  cutline version --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("expected no argument (got %q)", args[0])}
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			switch format {
			case "text":
				return p.output("-", newAbout().writeText)
			case "json":
				return p.output("-", func(w io.Writer) error {
					e := newJSON(w)
					e.SetIndent("", "  ")
					return e.Encode(newAbout())
				})
			}
			return &usageError{fmt.Errorf("--format: expected text or json (got %q)", format)}
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "print as `FORMAT`: text or json")
	choice(cmd, "format", "text", "json")
	return cmd
}

func (a *about) writeText(w io.Writer) error {
	if _, err := fmt.Fprintln(w, a.line()); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, len("cutline")+2, 0, 2, ' ', 0)
	// tabwriter keeps its first error for Flush.
	_, _ = fmt.Fprintf(t, "go\t%s %s\n", a.Go, a.Platform)
	_, _ = fmt.Fprintf(t, "engine\t%s\n", a.Engine)
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "\nformat\tread by\twritten by\n")
	for _, c := range a.Codecs {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", c.Format, cmp.Or(c.Reads, "-"), cmp.Or(c.Writes, "-"))
	}
	return t.Flush()
}

// date is when what this was built from was committed; the beginning of 1970 where that is not known.
func (b build) date() time.Time {
	if at, err := time.Parse(time.RFC3339, b.time); err == nil {
		return at
	}
	return time.Unix(0, 0)
}

// line is what "cutline --version" prints, and the first line of "cutline version".
func (b build) line() string { return "cutline  " + b.Version + b.commitText() }

// commitText is " (0123456789ab, modified)", as far as it is known.
func (b build) commitText() string {
	switch {
	case b.Commit == "":
		return ""
	case b.Modified:
		return " (" + b.Commit[:min(12, len(b.Commit))] + ", modified)"
	}
	return " (" + b.Commit[:min(12, len(b.Commit))] + ")"
}
