package watch

import (
	"errors"
	"fmt"
	"os"

	"github.com/fsnotify/fsnotify"
)

// maxMoved bounds Watcher.moved; beyond it all folders are taken for moved.
const maxMoved = 1000

// pump takes what the system tells, without delay: its queue is finite.
func (w *Watcher) pump(n *native) {
	events, errs := n.events, n.errors
	for events != nil || errs != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			w.note(e)
		case err, ok := <-errs:
			switch {
			case !ok:
				errs = nil
				continue
			case err == nil:
				continue
			case errors.Is(err, fsnotify.ErrEventOverflow):
				// What was dropped may have been the news of a folder.
			default:
				w.o.Report(fmt.Errorf("watch: %w", err))
			}
			w.mu.Lock()
			w.lost = true
			w.mu.Unlock()
			w.tell()
		}
	}
}

// note takes one event.
func (w *Watcher) note(e fsnotify.Event) {
	if e.Name == "" || e.Op == 0 {
		return
	}
	folder := false
	switch {
	case e.Has(fsnotify.Create):
		info, err := os.Stat(e.Name) // through a link: one to a folder may take a folder's place
		folder = err == nil && info.IsDir()
	case e.Has(fsnotify.Remove), e.Has(fsnotify.Rename), e.Has(fsnotify.Chmod): // the last may make one readable
		folder = w.follows(e.Name)
	}
	if folder {
		w.mu.Lock()
		if w.moved = append(w.moved, e.Name); len(w.moved) > maxMoved {
			w.moved, w.lost = nil, true
		}
		w.mu.Unlock()
	}
	if folder || w.o.Matters(e.Name) {
		w.tell()
	}
}

// follows reports whether path is a followed folder, or was on the way to one.
func (w *Watcher) follows(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.real[path]; ok {
		return true
	}
	if w.o.Matters(path) {
		return false // a file, by its name
	}
	for dir, real := range w.real {
		if anyAbove([]string{path}, dir) || anyAbove([]string{path}, real) {
			return true
		}
	}
	return false
}
