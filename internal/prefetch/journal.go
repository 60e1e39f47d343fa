package prefetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/dd8bf596/cutline/internal/manifest"
)

// A journal has the pictures that are finished and not in the manifest yet, one a line, so that a run which is killed costs the next
// one nothing but what was under way, whatever the cache keeps. It stands beside the manifest and goes when that is written. It is
// safe for concurrent use.
type journal struct {
	path string
	mu   sync.Mutex
	file *os.File // nil until the first line
}

func newJournal(document string) *journal {
	return &journal{path: filepath.Join(filepath.Dir(document), "."+filepath.Base(document)+".journal")}
}

// read returns the pictures of a run that did not come to its end. A line that is broken off, or is not what was written, is none.
func (j *journal) read() ([]*manifest.Image, error) {
	text, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []*manifest.Image
	for line := range bytes.Lines(text) {
		i := new(manifest.Image)
		if json.Unmarshal(line, i) != nil {
			continue
		}
		if _, ok := i.Sealed(); ok {
			found = append(found, i)
		}
	}
	return found, err
}

// add notes a picture whose files are all there. It returns a *brokenError where nothing can be written.
func (j *journal) add(i *manifest.Image) (err error) {
	defer func() {
		if err != nil {
			err = &brokenError{err}
		}
	}()
	line, err := json.Marshal(i)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		if err := os.MkdirAll(filepath.Dir(j.path), 0o777); err != nil { //nolint:gosec // the manifest's folder
			return err
		}
		// What was broken off before ends here: a line of its own.
		if j.file, err = os.OpenFile(j.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666); err != nil { //nolint:gosec // as above
			return err
		}
		line = append([]byte{'\n'}, line...)
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// close leaves the journal for the next run.
func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}

// remove ends a run that came to its end.
func (j *journal) remove() error {
	err := j.close()
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return err
}
