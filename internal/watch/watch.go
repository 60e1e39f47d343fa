// Package watch tells that something changed in a set of folders.
//
// It never says what: whoever asks looks at the files, which have the last word. It is told which folders, so that it has no opinion
// on what belongs to a site, and it does not look into files.
package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// ErrLimit says that the system has no more watches to give, or none at all: changes are looked for every Options.Poll from then on.
var ErrLimit = errors.New("folders cannot be watched")

// Options configures a Watcher. The zero value watches everything in the folders.
type Options struct {
	// Matters reports whether a change of the file at an absolute path may mean anything. It is called from any goroutine; nil means
	// that all do. Folders always matter.
	Matters func(path string) bool
	// Quiet is how long nothing may have happened before Wait returns; 0 means DefaultQuiet.
	Quiet time.Duration
	// Most is how long Wait puts off what goes on happening; 0 means DefaultMost.
	Most time.Duration
	// Poll is how often Wait returns where the system tells nothing, or not all; 0 means DefaultPoll.
	Poll time.Duration
	// Report is told what went wrong, from any goroutine; nil drops it.
	Report func(error)

	open func() (*native, error) // nil is fsnotify's
	far  func(path string) bool  // whether others may write there unnoticed; nil asks the system
}

const (
	// DefaultQuiet is longer than an editor takes to save: to empty, write, sync and rename a file.
	DefaultQuiet = 100 * time.Millisecond
	// DefaultMost has what somebody copies for an hour show up meanwhile.
	DefaultMost = time.Second
	// DefaultPoll is what somebody who saved a post waits for without asking why, and each time costs a look at every file.
	DefaultPoll = 5 * time.Second
)

// A native is what the system offers.
type native struct {
	notifier
	events <-chan fsnotify.Event // closed by Close, as errors is
	errors <-chan error
}

type notifier interface {
	Add(path string) error
	Remove(path string) error
	Close() error
}

// A Watcher watches folders. One goroutine may use it at a time. Close it after use.
type Watcher struct {
	o       Options
	native  *native        // nil where it only polls
	uses    map[string]int // real paths of followed folders → by how many they are followed
	far     bool           // others may write there, of which the system tells nothing
	pumping sync.WaitGroup
	changed chan struct{} // holds one when something changed

	mu    sync.Mutex        // never held in a call of native, which waits for pump
	real  map[string]string // followed folder → what it is without symbolic links; "" where it cannot be watched; pump reads it
	moved []string          // folders that came to be, or ceased to be, what they were
	lost  bool              // all may be
}

// New makes a Watcher of no folder.
func New(o Options) *Watcher {
	o.Quiet, o.Most, o.Poll = cmp.Or(o.Quiet, DefaultQuiet), cmp.Or(o.Most, DefaultMost), cmp.Or(o.Poll, DefaultPoll)
	if o.Matters == nil {
		o.Matters = func(string) bool { return true }
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	if o.open == nil {
		o.open = open
	}
	if o.far == nil {
		o.far = far
	}
	w := &Watcher{o: o, real: map[string]string{}, uses: map[string]int{}, changed: make(chan struct{}, 1)}
	n, err := o.open()
	if err != nil {
		o.Report(fmt.Errorf("%w: %w", ErrLimit, err))
		return w
	}
	w.native = n
	w.pumping.Go(func() { w.pump(n) })
	return w
}

func open() (*native, error) {
	f, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &native{notifier: f, events: f.Events, errors: f.Errors}, nil
}

// Polls reports whether Wait returns every Options.Poll, because the system does not tell of all changes.
func (w *Watcher) Polls() bool { return w.native == nil || w.far }

// Follow watches these folders and no others; their paths are absolute. What changed in one before it was watched, nobody knows: where
// there are such, Wait returns as if something had. Folders that are not there are left out.
func (w *Watcher) Follow(folders []string) {
	if w.native == nil {
		return
	}
	w.mu.Lock()
	moved, lost := w.moved, w.lost
	w.moved, w.lost = nil, false
	w.mu.Unlock()
	wanted := make(map[string]bool, len(folders))
	for _, dir := range folders {
		wanted[dir] = true
	}
	// First those that go: what was renamed is watched under its old name, and cannot be under both.
	for dir, real := range w.real {
		if !wanted[dir] || lost || anyAbove(moved, dir) || anyAbove(moved, real) {
			w.leave(dir)
		}
	}
	added := false
	for _, dir := range folders {
		if _, known := w.real[dir]; known {
			continue
		}
		if err := w.enter(dir); err != nil {
			w.giveUp(err)
			return
		}
		added = added || w.real[dir] != ""
	}
	if added {
		w.tell()
	}
}

// anyAbove reports whether dir is one of paths, or in one.
func anyAbove(paths []string, dir string) bool {
	for _, p := range paths {
		if dir == p || strings.HasPrefix(dir, p+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// enter watches dir; it returns an error where no folder can be watched any more.
func (w *Watcher) enter(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil // it is gone, and whoever lists folders will notice
	}
	if w.uses[real] == 0 {
		switch err := w.native.Add(real); {
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOMEM):
			return err
		case errors.Is(err, os.ErrNotExist):
			return nil
		case err != nil:
			w.o.Report(fmt.Errorf("watch %s: %w", dir, err))
			w.set(dir, "") // not to be told again
			return nil
		}
		w.far = w.far || w.o.far(real)
	}
	w.set(dir, real)
	w.uses[real]++
	return nil
}

func (w *Watcher) set(dir, real string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.real[dir] = real
}

// leave stops watching dir.
func (w *Watcher) leave(dir string) {
	w.mu.Lock()
	real := w.real[dir]
	delete(w.real, dir)
	w.mu.Unlock()
	if real == "" {
		return
	}
	if w.uses[real]--; w.uses[real] == 0 {
		delete(w.uses, real)
		_ = w.native.Remove(real) // it is often gone already
	}
}

// giveUp polls from here on.
func (w *Watcher) giveUp(err error) {
	w.o.Report(fmt.Errorf("%w: %w", ErrLimit, err))
	n := w.native
	w.native = nil
	w.mu.Lock()
	clear(w.real)
	w.mu.Unlock()
	clear(w.uses)
	if err := n.Close(); err != nil {
		w.o.Report(fmt.Errorf("watch: %w", err))
	}
	w.tell()
}

// Wait returns when something changed since it returned last, and has gone on changing for as long as Options.Quiet and Most say;
// when it polls; or at a time, where that is not zero. Its error is ctx's.
func (w *Watcher) Wait(ctx context.Context, at time.Time) error {
	var polled, due <-chan time.Time
	if w.Polls() {
		polled = time.After(w.o.Poll)
	}
	if !at.IsZero() {
		due = time.After(max(time.Until(at), time.Millisecond))
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-polled:
		return nil
	case <-due:
		return nil
	case <-w.changed:
	}
	most := time.NewTimer(w.o.Most)
	defer most.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-most.C:
			return nil
		case <-time.After(w.o.Quiet):
			return nil
		case <-w.changed:
		}
	}
}

// Close ends the watching. Whoever waits is not woken.
func (w *Watcher) Close() error {
	var err error
	if w.native != nil {
		err = w.native.Close()
		w.native = nil
	}
	w.pumping.Wait()
	return err
}

// tell has Wait return.
func (w *Watcher) tell() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}
