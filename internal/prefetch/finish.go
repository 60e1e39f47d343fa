package prefetch

import (
	"cmp"
	"encoding/hex"
	"fmt"

	"slices"

	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/render"
)

func hexSum(o *render.Original) string { return hex.EncodeToString(o.Sum[:]) }

// finish writes the manifest when all files are there, and removes what nothing names any more.
func (r *run) finish(jobs []*job) error {
	m := manifestOf(jobs)
	r.sum(m)
	slices.SortFunc(r.result.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Entry.Posts[0].Path, b.Entry.Posts[0].Path), cmp.Compare(a.Entry.ID, b.Entry.ID))
	})
	slices.Sort(r.result.Stale)
	r.result.Stale = slices.Compact(r.result.Stale)
	texts, err := r.doc.after(m)
	if err != nil {
		return err
	}
	left, err := r.leftovers(m)
	if err != nil {
		return err
	}
	if r.o.DryRun {
		r.plan(jobs, m, texts, left)
		return nil
	}
	written, removed, err := r.doc.save(texts)
	r.result.Documents = written + removed
	if err = cmp.Or(err, r.doc.sweep()); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := r.out.remove(left); err != nil {
		return fmt.Errorf("remove files of %s: %w", r.o.Out, err)
	}
	return r.journal.remove()
}

// manifestOf is what the jobs come to.
func manifestOf(jobs []*job) *manifest.Manifest {
	m := &manifest.Manifest{Images: map[string]*manifest.Image{}, Pages: map[string]manifest.Page{}}
	for _, j := range jobs {
		if j.row == nil {
			continue
		}
		// A path need not be UTF-8, and JSON is: what it has in place of other bytes stands here already, or no manifest that is read
		// would be as it was written.
		for i, key := range j.keys {
			m.Images[key] = j.row
			m.Pages[string([]rune(j.entry.Posts[i].Path))] = manifest.Page{Image: key}
		}
	}
	return m
}

// sum counts what m names.
func (r *run) sum(m *manifest.Manifest) {
	rows, originals, files := map[*manifest.Image]bool{}, map[string]bool{}, map[string]bool{}
	res := &r.result
	for _, i := range m.Images {
		if rows[i] {
			continue
		}
		rows[i] = true
		if !originals[i.Source] {
			originals[i.Source] = true
			res.Originals += i.Original.Size
			res.Shown += shown(i)
		}
		for _, f := range i.Files() {
			if !files[f.Filename] {
				files[f.Filename] = true
				res.FileBytes += f.Size
				if r.out.wrote[f.Filename] {
					res.Written++
				}
			}
		}
	}
	res.Pictures, res.Files = len(rows), len(files)
	res.Unchanged = res.Files - res.Written
}

// shown is the size of the largest file of a picture in the format that makes it smallest.
func shown(i *manifest.Image) int64 {
	var least int64
	for _, files := range i.Formats {
		if n := files[len(files)-1].Size; least == 0 || n < least {
			least = n
		}
	}
	return least
}

// leftovers are the files to be removed; of those that are to stay, the Result has the number.
func (r *run) leftovers(m *manifest.Manifest) ([]leftover, error) {
	wanted, earlier := map[string]bool{}, map[string]bool{}
	for _, i := range m.Images {
		for _, f := range i.Files() {
			wanted[f.Filename] = true
		}
	}
	for _, i := range r.before.Images {
		for _, f := range i.Files() {
			earlier[f.Filename] = true
		}
	}
	found, err := r.out.leftovers(wanted, earlier)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", r.o.Out, err)
	}
	var left []leftover
	for _, f := range found {
		switch {
		case f.temp:
			left = append(left, f)
		case r.o.Prune:
			left = append(left, f)
			r.result.Removed++
		default:
			r.result.Leftovers++
		}
	}
	return left, nil
}

// plan says what a run would do.
func (r *run) plan(jobs []*job, m *manifest.Manifest, texts map[string][]byte, left []leftover) {
	planned := map[string]bool{}
	say := func(format string, args ...any) {
		r.result.Changes = append(r.result.Changes, fmt.Sprintf(format, args...))
	}
	for _, j := range jobs {
		if j.plan == "" {
			continue
		}
		for i, key := range j.keys {
			if !planned[key] {
				say("%s: image %q %s", j.entry.Posts[i].Path, key, j.plan)
			}
			planned[key] = true
		}
	}
	for _, c := range manifest.Diff(r.before, m) {
		switch {
		case c.Page != "":
			say("%s: the page %s", c.Page, c.What)
		case !planned[c.Image]:
			say("image %q %s", c.Image, c.What)
		}
	}
	if changed, gone := r.doc.stale(texts); len(r.result.Changes) == 0 && len(r.result.Failures) == 0 {
		for _, name := range slices.Concat(changed, gone) {
			say("%s is not as it would be written", r.doc.label(name))
		}
	}
	for _, f := range left {
		if !f.temp {
			say("file %s is named by nothing", f.name)
		}
	}
}
