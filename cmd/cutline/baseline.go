package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dd8bf596/cutline/internal/report"
)

// readBaseline reads the file of --baseline; without one, or when the first is to be written, it is empty.
func readBaseline(o lintOptions) (*report.Baseline, error) {
	if o.baseline == "" {
		return &report.Baseline{}, nil
	}
	f, err := os.Open(o.baseline) //nolint:gosec // whoever runs the program names it
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.writeBaseline:
		return &report.Baseline{}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, &usageError{fmt.Errorf("--baseline: no file %s: --write-baseline writes it", o.baseline)}
	case err != nil:
		return nil, &usageError{fmt.Errorf("--baseline: read %s: %w", o.baseline, plainReason(err))}
	}
	defer func() { _ = f.Close() }() // it was only read
	known, err := report.ReadBaseline(f)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--baseline: read %s: %w", o.baseline, plainReason(err))}
	}
	return known, nil
}

// writeBaseline replaces the file of --baseline.
func (p *program) writeBaseline(o lintOptions, known *report.Baseline) error {
	if err := writeFile(o.baseline, known.Write); err != nil {
		return err
	}
	p.say("%s in %s", count(known.Len(), "finding"), o.baseline)
	return nil
}

// sayPaid tells of what a baseline lists and nobody finds any more.
func (p *program) sayPaid(gone []report.Known) {
	if len(gone) == 0 {
		return
	}
	p.say("No longer found, so --write-baseline can take out of the baseline:")
	for _, k := range gone[:min(len(gone), maxSaid)] {
		p.say("  %s", printable(k.File+": "+k.Code))
	}
	if more := len(gone) - maxSaid; more > 0 {
		p.say("  … and %d more", more)
	}
}

// repositoryPrefix is the slash path from the root of the repository to the site in dir: "" where they are one, and where dir is
// in no repository. The root is what GitHub Actions says it is, else the nearest folder from dir upwards that has .git.
func repositoryPrefix(dir string, env environ) string {
	real, err := filepath.Abs(dir)
	if err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err != nil {
		return ""
	}
	if workspace, err := filepath.EvalSymlinks(env.get("GITHUB_WORKSPACE")); err == nil && filepath.IsAbs(workspace) {
		if prefix, ok := below(workspace, real); ok {
			return prefix
		}
	}
	for at := real; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			prefix, _ := below(at, real)
			return prefix
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

// below is the slash path from root to dir, "" where they are one; ok is false when dir is elsewhere. Both are absolute.
func below(root, dir string) (prefix string, ok bool) {
	rel, err := filepath.Rel(root, dir)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	if rel == "." {
		rel = ""
	}
	return filepath.ToSlash(rel), true
}
