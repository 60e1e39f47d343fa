package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/prefetch"
	"github.com/dd8bf596/cutline/internal/render"
)

// A summary is what came of prefetch.
type summary struct {
	*prefetch.Result
	mill *mill
	run  prefetch.Options
	took time.Duration
}

// A prefetchReport is what "prefetch --report json" prints. Adding keys keeps its version.
type prefetchReport struct {
	Version   int              `json:"version"`
	Images    int              `json:"images"`    // that the manifest has
	Made      int              `json:"made"`      // of them, by this run
	Files     int              `json:"files"`     // that it names
	Written   int              `json:"written"`   // of them, by this run
	Unchanged int              `json:"unchanged"` // of them
	Removed   int              `json:"removed"`   // files
	Leftovers int              `json:"leftovers"` // files of earlier runs that nothing names, and --prune would remove
	Documents int              `json:"documents"` // of the manifest that were written or removed
	Requests  int64            `json:"requests"`  // originals that origins were asked for
	Decodes   int64            `json:"decodes"`
	Encodes   int64            `json:"encodes"`
	Bytes     prefetchBytes    `json:"bytes"`
	Seconds   float64          `json:"seconds"`
	Stale     []string         `json:"stale"`   // sources that their origin does not deliver any more
	Changes   []string         `json:"changes"` // with --check and --dry-run: what would change
	Failures  []prefetchFailed `json:"failures"`
}

type prefetchBytes struct {
	Originals int64 `json:"originals"`
	Largest   int64 `json:"largest"` // of each picture the largest file of the smallest format
	Files     int64 `json:"files"`
}

// A prefetchFailed is a finding as lint has them.
type prefetchFailed struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Kept     bool   `json:"kept"` // the manifest still has it
}

// sayPrefetched says what came of a run: machines' on stdout, people's on stderr. It returns errFindings where something failed, or,
// with --check, would change.
func (p *program) sayPrefetched(o prefetchOptions, c *catalog.Catalog, s *summary) error {
	r := s.report()
	if o.report == reportJSON {
		err := p.output("-", func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		})
		if err != nil {
			return err
		}
	}
	for _, f := range r.Failures {
		p.say("%s", printable(fmt.Sprintf("%s:%d: %s %s: %s", f.File, f.Line, f.Severity, f.Code, f.Message)))
	}
	for _, change := range r.Changes {
		p.say("%s", printable("would change: "+maskPasswords(change)))
	}
	if !o.quiet {
		p.sayTable(o, c, s, r)
	}
	if len(r.Failures) > 0 || o.check && len(r.Changes) > 0 {
		return errFindings
	}
	return nil
}

func (s *summary) report() *prefetchReport {
	decodes, encodes := s.mill.transformer.Made()
	r := &prefetchReport{
		Version: 1, Images: s.Pictures, Made: s.Made, Files: s.Files, Written: s.Written, Unchanged: s.Unchanged, Removed: s.Removed,
		Leftovers: s.Leftovers, Documents: s.Documents,
		Requests: s.mill.fetcher.Requests(), Decodes: decodes, Encodes: encodes,
		Bytes:   prefetchBytes{s.Originals, s.Shown, s.FileBytes},
		Seconds: float64(s.took.Milliseconds()) / 1000,
		Stale:   append([]string{}, s.Stale...), Changes: append([]string{}, s.Changes...), Failures: []prefetchFailed{},
	}
	for i := range r.Stale {
		r.Stale[i] = maskPasswords(r.Stale[i])
	}
	for _, f := range s.Failures {
		post := f.Entry.Posts[0]
		message := maskPasswords(f.Entry.Source.Public()) + ": " + whyNot(f)
		switch {
		case f.Lacks != "":
			message += "; the manifest still names what an earlier run made of it, of which " + f.Lacks + " is missing or damaged"
		case f.Kept:
			message += "; what an earlier run made of it stays"
		}
		r.Failures = append(r.Failures, prefetchFailed{
			File: post.Path, Line: post.Line, Severity: string(catalog.Error), Code: "original-unavailable", Message: message, Kept: f.Kept,
		})
	}
	return r
}

// whyNot says in plain words why there are no files of a picture.
func whyNot(f prefetch.Failure) string {
	e, ok := errors.AsType[*render.Error](f.Err)
	switch {
	case errors.Is(f.Err, prefetch.ErrOffline):
		return "it is not in the cache, and --offline asks nobody"
	case !ok:
		return maskPasswords(f.Err.Error())
	case e.Class == render.Internal, e.Class == render.BadSpec:
		return "it cannot be made: " + maskPasswords(e.Err.Error())
	}
	return unavailable(e.Class, f.Entry.Source.Remote()).Error()
}

// sayTable is the table at the end.
func (p *program) sayTable(o prefetchOptions, c *catalog.Catalog, s *summary, r *prefetchReport) {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("images", "%d of %s: %d made, %d as they were; %d failed", r.Images, count(c.PostsWithImage, "post"), r.Made, r.Images-r.Made, len(r.Failures))
	row("files", "%d: %d written, %d unchanged, %d removed", r.Files, r.Written, r.Unchanged, r.Removed)
	row("bytes", "%s of originals, %s as the largest files of their smallest formats; %s in all",
		megabytes(r.Bytes.Originals), megabytes(r.Bytes.Largest), megabytes(r.Bytes.Files))
	row("work", "%s, %s, %s, %s", count(int(r.Requests), "request"), count(int(r.Decodes), "decode"), count(int(r.Encodes), "encode"),
		s.took.Round(10*time.Millisecond))
	row("manifest", "%s: %s", s.run.Data, manifestState(o, r))
	_ = t.Flush() // into memory
	p.say("%s", strings.TrimRight(b.String(), "\n"))
	if n := len(findings(c)); n > 0 {
		p.say("%s: 'cutline lint' lists them.", count(n, "problem"))
	}
	if n := len(r.Stale); n > 0 {
		p.say("%s made from the cache, because the origin does not deliver any more: %s", count(n, "image"), printable(strings.Join(r.Stale[:min(n, maxSaid)], ", ")))
	}
	if r.Leftovers > 0 {
		p.say("%s of earlier runs in %s not named any more: --prune removes what it made itself.", count(r.Leftovers, "file"), s.run.Out)
	}
}

func manifestState(o prefetchOptions, r *prefetchReport) string {
	switch {
	case len(r.Changes) > 0:
		return count(len(r.Changes), "change") + " to be made"
	case o.check || o.dryRun:
		return "nothing to be changed"
	case r.Documents > 0:
		return "written"
	}
	return "unchanged"
}

// megabytes is a number of bytes for people.
func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
