// Package prefetch makes every picture of a site ahead: files in a folder, and the manifest that says which they are.
//
// It decides what has to be made, has it made by render, and puts it where it belongs. What it made before and nothing has changed about is
// left as it is, without a request and without decoding anything; the manifest says what that is. It knows nothing of
// command lines and configuration.
package prefetch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Renderer makes renditions; *render.Renderer is the one.
type Renderer interface {
	Build(ctx context.Context, b render.Build) (*render.Original, []*render.Rendition, error)
	Withdrawn(ctx context.Context, src source.Source) bool
}

// Options says what to make and where. All but the last group is required.
type Options struct {
	Renderer Renderer
	Entries  []*catalog.Entry
	Choice   srcset.Choice
	Rev      func(transform.Format) string // revisions of the engine
	Quality  map[transform.Format]int      // as configured; 0 or absent has it searched

	Out        string   // the folder of files
	OutputPath string   // that folder under the site root, with "/" at its end; "" where it is elsewhere
	URL        string   // what stands before a file's name in its URL, with "/" at its end
	Template   Template // of files' names
	Data       string   // the manifest's file, or with Split its folder
	// Write replaces a file as a whole; its errors name it. Temp tells the name that a file was written under when Write was killed in the middle, and the
	// file's own.
	Write func(path string, body []byte) error
	Temp  func(name string) (of string, ok bool)

	Split   bool                      // one document per page
	Only    func(*catalog.Entry) bool // the pictures to look at; all others stay as they are. nil has all
	Ask     bool                      // origins are asked for originals that are here, if they were not for MaxAge
	MaxAge  time.Duration
	Prune   bool           // files that a run made and nothing names any more are removed
	DryRun  bool           // nothing is made or written; Result.Changes says what would be
	Workers int            // pictures under way at a time; 0 means 8
	Report  func(Progress) // called at the start and for every picture that is done, one call at a time; nil drops it
}

// A Progress is how far a run is.
type Progress struct {
	Done, Total int            // pictures
	Entry       *catalog.Entry // that has just been done; nil at the start
	Err         error          // of it
	Original    int64          // bytes of the originals that are done
	Shown       int64          // bytes of the largest file of each, in its smallest format: what a reader with a large screen loads
	Waits       time.Duration  // nothing is done: its origin wants to be left alone for so long
}

// A Failure is a picture that could not be made.
type Failure struct {
	Entry *catalog.Entry
	Err   error  // a *render.Error where the original or the engine is to blame
	Kept  bool   // the manifest still has it as it was
	Lacks string // with Kept, a file that the manifest names and that is not there, or is damaged; "" where all are
}

// A Result is what came of a run.
type Result struct {
	Pictures  int // rows of the catalog that the manifest has
	Made      int // of them, those that were not there as they are
	Files     int // that it names
	FileBytes int64
	Originals int64    // bytes of the originals that they are made from, each once
	Shown     int64    // as in Progress
	Written   int      // of them, by this run
	Unchanged int      // of them
	Removed   int      // files
	Documents int      // of the manifest that were written or removed
	Leftovers int      // files that a run made and nothing names any more, and that are still there
	Stale     []string // sources whose origin does not deliver any more, made from what was kept
	Changes   []string // with DryRun, what would change
	Failures  []Failure
}

// A job is one picture.
type job struct {
	entry  *catalog.Entry
	keys   []string // by post
	recipe string
	row    *manifest.Image // nil where there is none
	plan   string          // with DryRun, what would be done
}

type run struct {
	o       Options
	recipe  recipe
	before  *manifest.Manifest
	rows    map[string]*manifest.Image // of the manifest and the journal, by recipe
	byID    map[string]*manifest.Image
	out     *folder
	doc     *document
	journal *journal

	mu       sync.Mutex
	result   Result
	progress Progress
	seen     map[source.Source]bool // those that progress has the bytes of
	silent   map[string]bool        // hosts that were waited for in vain
}

// Run makes what is to be made. Where ctx ends, it returns ctx's cause, and what is finished stays for the next run. Other errors
// are those that concern the whole: a manifest that cannot be read (manifest.ErrForeign, manifest.ErrNewer), a folder that cannot be
// written. What fails of single pictures is in the Result.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Workers == 0 {
		o.Workers = 8
	}
	r := &run{o: o, recipe: newRecipe(&o), rows: map[string]*manifest.Image{}, byID: map[string]*manifest.Image{}, seen: map[source.Source]bool{}, silent: map[string]bool{}}
	if err := r.open(); err != nil {
		return nil, err
	}
	defer r.out.close()
	defer func() { _ = r.journal.close() }() // each line is written; what is lost is made again
	jobs := r.jobs()
	if err := r.work(ctx, jobs); err != nil {
		return nil, err
	}
	return &r.result, r.finish(jobs)
}

// open reads what is there.
func (r *run) open() (err error) {
	if r.doc, err = newDocument(r.o.Data, r.o.Split, r.o.Write); err != nil {
		return err
	}
	r.doc.temp = r.o.Temp
	if r.before, err = r.doc.read(); err != nil {
		return err
	}
	if r.out, err = openFolder(r.o.Out, !r.o.DryRun); err != nil {
		return err
	}
	r.out.template, r.out.write, r.out.temp = r.o.Template, r.o.Write, r.o.Temp
	r.journal = newJournal(r.doc.path)
	finished, err := r.journal.read()
	if err != nil {
		return err
	}
	for _, i := range r.before.Images {
		r.know(i)
	}
	for _, i := range finished {
		r.know(i)
	}
	return nil
}

// know notes a row. One that somebody changed by hand says nothing of how it was made.
func (r *run) know(i *manifest.Image) {
	r.byID[i.ID] = i
	if recipe, ok := i.Sealed(); ok {
		r.rows[recipe] = i
	}
}

// jobs are all pictures, in the order of the catalog.
func (r *run) jobs() []*job {
	keys := keysOf(r.o.Entries)
	jobs := make([]*job, len(r.o.Entries))
	for i, e := range r.o.Entries {
		jobs[i] = &job{entry: e, keys: keys[i], recipe: r.recipe.of(e)}
	}
	return jobs
}

// work does the jobs, several at a time. Those of one source are done one after the other, so that the second finds what the first made.
func (r *run) work(ctx context.Context, jobs []*job) error {
	var order []source.Source
	bySource := map[source.Source][]*job{}
	for _, j := range jobs {
		if r.o.Only != nil && !r.o.Only(j.entry) {
			if !r.o.Renderer.Withdrawn(ctx, j.entry.Source) {
				j.row = r.earlier(j)
			}
			continue
		}
		if bySource[j.entry.Source] == nil {
			order = append(order, j.entry.Source)
		}
		bySource[j.entry.Source] = append(bySource[j.entry.Source], j)
		r.progress.Total++
	}
	if r.o.Report != nil {
		r.o.Report(r.progress)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan []*job)
	var workers sync.WaitGroup
	for range min(r.o.Workers, len(order)) {
		workers.Go(func() {
			for group := range next {
				for _, j := range group {
					r.do(ctx, stop, j)
				}
			}
		})
	}
	for _, src := range order {
		select {
		case next <- bySource[src]:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// earlier is the row that an earlier run made of a picture, however it was made: of the same words, else of the same source under
// the same key.
func (r *run) earlier(j *job) *manifest.Image {
	if i := r.rows[j.recipe]; i != nil {
		return i
	}
	if i := r.byID[j.entry.ID]; i != nil {
		return i
	}
	for _, key := range j.keys {
		if i := r.before.Images[key]; i != nil && i.Source == j.entry.Source.String() {
			return i
		}
	}
	return nil
}

// do does one job and reports it. Where nothing can be written, it stops all others.
func (r *run) do(ctx context.Context, stop context.CancelCauseFunc, j *job) {
	if ctx.Err() != nil {
		return
	}
	kept, err := r.make(ctx, j)
	if broken, ok := errors.AsType[*brokenError](err); ok {
		stop(broken)
	}
	if ctx.Err() != nil {
		return // whatever failed, failed for that
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		if e, ok := errors.AsType[*render.Error](err); !ok || e.Class != render.Withdrawn { // what was taken down stays nowhere
			j.row = r.earlier(j)
		}
		f := Failure{Entry: j.entry, Err: err, Kept: j.row != nil}
		if f.Kept {
			f.Lacks = r.out.lacks(j.row)
		}
		r.result.Failures = append(r.result.Failures, f)
	} else if !kept && !r.o.DryRun {
		r.result.Made++
	}
	p := &r.progress
	p.Done++
	if src := j.entry.Source; j.row != nil && !r.seen[src] {
		r.seen[src] = true
		p.Original += j.row.Original.Size
		p.Shown += shown(j.row)
	}
	if r.o.Report != nil {
		now := *p
		now.Entry, now.Err = j.entry, err
		r.o.Report(now)
	}
}

// make finds or makes j's row. kept is true where it was there, with all its files.
func (r *run) make(ctx context.Context, j *job) (kept bool, err error) {
	if r.o.Renderer.Withdrawn(ctx, j.entry.Source) {
		return false, &render.Error{Class: render.Withdrawn, Source: j.entry.Source}
	}
	have := r.rows[j.recipe]
	lacks := ""
	if have != nil {
		lacks = r.out.lacks(have)
	}
	intact := have != nil && lacks == ""
	if intact && j.entry.Source.Remote() && !r.o.Ask {
		j.row = have
		return true, nil
	}
	if r.o.DryRun && !intact {
		j.row, j.plan = r.earlier(j), r.reason(j, have, lacks)
		return false, nil
	}
	var made *order
	original, rends, err := r.build(ctx, j.entry, func(o *render.Original) []transform.Spec {
		made = nil
		if intact && have.Original.SHA256 == hexSum(o) {
			return nil
		}
		made = newOrder(r.o.Choice, j.entry, o.Info)
		if r.o.DryRun {
			return nil
		}
		return made.specs
	})
	switch {
	case err != nil:
		return false, err
	case made == nil:
		j.row = have
		r.noteStale(original, j.entry)
		return true, nil
	case r.o.DryRun:
		j.row, j.plan = have, "is another picture"
		return false, nil
	}
	r.noteStale(original, j.entry)
	if j.row, err = r.newRow(ctx, j.entry, original, made, rends); err != nil {
		return false, err
	}
	return false, r.journal.add(j.row)
}

// reason says why a picture would be made.
func (r *run) reason(j *job, have *manifest.Image, lacks string) string {
	if have != nil {
		return fmt.Sprintf("lacks its file %s, or it is damaged", lacks)
	}
	before := r.earlier(j)
	switch {
	case before == nil:
		return "is new"
	case before.ID != j.entry.ID:
		return "has other words"
	}
	if _, ok := before.Sealed(); !ok {
		return "was changed by hand in the manifest"
	}
	return "is made otherwise: by other settings, or another release"
}

func (r *run) noteStale(o *render.Original, e *catalog.Entry) {
	if o.Failure == "" || !e.Source.Remote() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Stale = append(r.result.Stale, e.Source.Public())
}
