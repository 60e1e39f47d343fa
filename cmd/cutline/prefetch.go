package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/prefetch"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// prefetchOptions are the flags of prefetch.
type prefetchOptions struct {
	out, data, url, filename, formats, maxAge, report string
	only                                              []string
	delay                                             time.Duration
	split, offline, check, prune, refresh, dryRun     bool
	quiet, schema                                     bool
}

// reportJSON is the one word of --report.
const reportJSON = "json"

func (p *program) prefetchCommand() *cobra.Command {
	var o prefetchOptions
	cmd := &cobra.Command{
		Use:     "prefetch [DIR]",
		GroupID: groupSite,
		Short:   "Make every picture ahead, for a site that needs no server",
		Long: `Makes all files of all featured images under DIR, in every width, preset and format that
serve offers, and the manifest, from which the site's generator takes their names, words,
placeholders and markup. README, Static sites, says how.

Where both go by default depends on the generator:

` + placesTable() + `
Pictures of the web are fetched once, through the cache that serve has, and not again
while the manifest and their files are there: an unchanged site costs no request and
decodes nothing. A run that was ended at any moment goes on where it was. Nothing is
written that has the right bytes already, and the manifest comes last.

A picture that cannot be had is named at the end with its post, and keeps the files of an
earlier run. Drafts, unpublished posts and posts of the future are left out.

The exit code is 1 when a picture failed or, with --check, something would change.`,
		Example: `  cutline prefetch
  cutline prefetch --out static/img --data data/img.yaml --formats webp,jpg
  cutline prefetch --check           fail if a run would change anything
  cutline prefetch --max-age 7d      ask origins for what is a week old`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE:              func(cmd *cobra.Command, args []string) error { return p.prefetch(cmd, siteDir(args), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "`FOLDER` of the files; by default the generator's")
	f.StringVar(&o.data, "data", "", "the manifest's `FILE`, .json or .yaml; by default the generator's")
	f.StringVar(&o.url, "url", "", "`PREFIX` of the files' URLs: a path or an http(s) URL; by default the folder's under the site")
	f.StringVar(&o.filename, "filename", prefetch.DefaultTemplate, "`TEMPLATE` of the files' names, of {name} {id} {preset} {width} {height} {hash8} {hash} {ext}")
	f.StringVar(&o.formats, "formats", "", "`LIST` such as webp,jpg instead of the configuration's formats")
	f.BoolVar(&o.split, "split", false, "one manifest per page, in a folder that has --data's name without its extension")
	f.StringArrayVar(&o.only, "only", nil, "make the picture of `POST` alone, leave all others as they are; repeatable")
	f.BoolVar(&o.offline, "offline", false, "ask nobody: what is neither in the site nor in the cache fails")
	f.BoolVar(&o.refresh, "refresh", false, "ask the origins of all pictures whether they are still the same")
	f.StringVar(&o.maxAge, "max-age", "", "ask the origins of pictures that they were not asked for in `DURATION` such as 12h or 7d")
	f.DurationVar(&o.delay, "delay", 100*time.Millisecond, "`DURATION` between two requests to one host")
	f.BoolVar(&o.check, "check", false, "write nothing, say what would change, and exit with 1 if anything would")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing and say what would change")
	f.BoolVar(&o.prune, "prune", false, "remove files of earlier runs that the manifest does not name any more")
	f.StringVar(&o.report, "report", "", "print what came of it on standard output as `FORMAT`: "+reportJSON)
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but what went wrong")
	f.BoolVar(&o.schema, "schema", false, "print the manifest's JSON Schema")
	settingFlags(cmd, "cache", "allow-private", "content", "workers", "log")
	choice(cmd, "report", reportJSON)
	choice(cmd, "log", logWords()...)
	return cmd
}

// prefetch carries out "cutline prefetch".
func (p *program) prefetch(cmd *cobra.Command, dir string, o prefetchOptions) error {
	if o.schema {
		return p.output("-", func(w io.Writer) error { _, err := io.WriteString(w, manifest.Schema()); return err })
	}
	s, err := p.openSite(cmd, dir)
	if err != nil {
		return err
	}
	defer s.close()
	c, err := s.scan(cmd.Context(), publishedOnly)
	if err != nil {
		return err
	}
	if len(c.Entries) == 0 {
		// A folder that is not the site's, or not mounted, shall not empty a manifest.
		p.sayProblems(findings(c))
		return &usageError{fmt.Errorf("nothing to make: no post under %q has a featured image (%s found); 'cutline scan' says more", s.dir, count(c.Posts, "post"))}
	}
	run, err := o.options(s, c)
	if err != nil {
		return &usageError{err}
	}
	log := newLog(p.stderr, s.config.config)
	limitMemory(s.config.config, memlimit.FromCgroup, log)
	shown := p.newProgress(o, time.Now)
	run.Report = shown.report
	began := time.Now()
	b := &mill{run: cmd.Context(), offline: o.offline, delay: o.delay}
	result, err := p.makeFiles(cmd.Context(), s, b, run, log)
	shown.end()
	if err != nil {
		return err
	}
	return p.sayPrefetched(o, c, &summary{Result: result, mill: b, took: time.Since(began), run: run})
}

// makeFiles runs the build.
func (p *program) makeFiles(ctx context.Context, s *site, b *mill, run prefetch.Options, log *slog.Logger) (_ *prefetch.Result, err error) {
	st, err := newRenderStack(s, renderUse{build: b}, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, st.close()) }() // of a run that was broken off, that it was is enough
	run.Renderer, run.Rev = st.renderer, b.transformer.Rev
	result, err := prefetch.Run(ctx, run)
	if ctx.Err() != nil {
		st.grace = 0 // whoever pressed Ctrl-C does not wait for what is on its way
		return nil, context.Cause(ctx)
	}
	if b.failed() != nil {
		return nil, b.failed()
	}
	if err != nil {
		st.grace = 0 // nor does who learns that nothing can be written
	}
	if err != nil && (errors.Is(err, manifest.ErrForeign) || errors.Is(err, manifest.ErrNewer)) {
		return nil, &usageError{fmt.Errorf("%w; 'git checkout' or a backup brings it back, and without it everything is made anew", err)}
	}
	return result, err
}

// options are what the flags, the configuration and the generator come to. Its errors are mistakes of the command line.
func (o *prefetchOptions) options(s *site, c *catalog.Catalog) (prefetch.Options, error) {
	if err := o.together(); err != nil {
		return prefetch.Options{}, err
	}
	formats, err := o.formatList(s.config.Formats)
	if err != nil {
		return prefetch.Options{}, fmt.Errorf("--formats: %w", err)
	}
	template, err := prefetch.ParseTemplate(o.filename)
	if err != nil {
		return prefetch.Options{}, fmt.Errorf("--filename: %w", err)
	}
	age, err := parseAge(o.maxAge)
	if err != nil {
		return prefetch.Options{}, fmt.Errorf("--max-age: %w", err)
	}
	only, err := onlyThose(c, o.only)
	if err != nil {
		return prefetch.Options{}, fmt.Errorf("--only: %w", err)
	}
	at, err := o.places(s.dir, c.Layout)
	if err != nil {
		return prefetch.Options{}, err
	}
	if _, err := manifest.SyntaxOf(at.data); err != nil && (!o.split || filepath.Ext(at.data) != "") {
		return prefetch.Options{}, fmt.Errorf("--data: %w", err)
	}
	return prefetch.Options{
		Entries: c.Entries,
		Choice:  srcset.Choice{Presets: s.config.Presets, Widths: s.config.Widths, Formats: formats, MaxOutput: s.config.maxOutput()},
		Quality: s.config.Quality,
		Out:     at.out, OutputPath: at.under, URL: at.url, Template: template, Data: at.data,
		Write: writeBytes, Temp: tempOf,
		Split: o.split, Only: only, Ask: o.refresh || o.maxAge != "", MaxAge: age, Prune: o.prune, DryRun: o.check || o.dryRun,
		Workers: max(8, 2*s.config.slots()),
	}, nil
}

// together looks at flags that are good alone but not together.
func (o *prefetchOptions) together() error {
	switch {
	case o.offline && (o.refresh || o.maxAge != ""):
		return errors.New("--offline asks nobody, --refresh and --max-age ask origins: expected one of them")
	case o.refresh && o.maxAge != "":
		return errors.New("--refresh asks all origins, --max-age some: expected one of them")
	case o.report != "" && o.report != reportJSON:
		return fmt.Errorf("--report: expected %s (got %q)", reportJSON, o.report)
	case o.delay < 0 || o.delay > time.Minute:
		return fmt.Errorf("--delay: expected 0 to 1m (got %s)", o.delay)
	}
	return nil
}

func (o *prefetchOptions) formatList(configured []transform.Format) ([]transform.Format, error) {
	if o.formats == "" {
		return configured, nil
	}
	var formats []transform.Format
	for word := range strings.SplitSeq(o.formats, ",") {
		f, err := parseFormat(strings.TrimSpace(word))
		if err != nil {
			return nil, fmt.Errorf("%w (got %q)", err, word)
		}
		formats = append(formats, f)
	}
	return formats, nil
}

// parseAge is a duration, in days too.
func parseAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	const most = 10 * 365 * 24 * time.Hour
	wrong := fmt.Errorf("expected a duration such as 12h or 7d, at most %s (got %q)", formatDuration(most), text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := intBetween(0, int(most/(24*time.Hour)))(days)
		if err != nil {
			return 0, wrong
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 || age > most {
		return 0, wrong
	}
	return age, nil
}

// onlyThose tells the entries of posts; nil where none are named.
func onlyThose(c *catalog.Catalog, posts []string) (func(*catalog.Entry) bool, error) {
	if len(posts) == 0 {
		return nil, nil
	}
	named := map[*catalog.Entry]bool{}
	for _, post := range posts {
		e, _, err := c.ByPost(filepath.ToSlash(post))
		if err != nil {
			return nil, err
		}
		named[e] = true
	}
	return func(e *catalog.Entry) bool { return named[e] }, nil
}

// writeBytes is writeFile of what is in memory.
func writeBytes(name string, body []byte) error {
	return writeFile(name, func(w io.Writer) error { _, err := io.Copy(w, bytes.NewReader(body)); return err })
}
