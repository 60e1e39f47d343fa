package prefetch

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dd8bf596/cutline/internal/manifest"
)

// A document is where the manifest is: one file, or a folder with one per page.
type document struct {
	path   string // of the file or the folder
	split  bool
	syntax manifest.Syntax
	write  func(path string, body []byte) error
	temp   func(name string) (of string, ok bool) // as Options.Temp

	before map[string][]byte // what was read, by path under the folder; by "" where it is one file
}

// newDocument is that of a path. Where the manifest is split, an extension of the path tells the syntax and is no part of the folder's
// name; none is JSON.
func newDocument(name string, split bool, write func(string, []byte) error) (*document, error) {
	d := &document{path: name, split: split, write: write, before: map[string][]byte{}}
	if split && path.Ext(filepath.Base(name)) == "" {
		return d, nil
	}
	var err error
	if d.syntax, err = manifest.SyntaxOf(filepath.Base(name)); err != nil {
		return nil, err
	}
	if split {
		d.path = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return d, nil
}

// read returns the manifest as it is; an empty one where there is none.
func (d *document) read() (*manifest.Manifest, error) {
	if !d.split {
		text, err := os.ReadFile(d.path)
		if errors.Is(err, fs.ErrNotExist) {
			return &manifest.Manifest{}, nil
		}
		if err != nil {
			return nil, err
		}
		d.before[""] = text
		m, err := manifest.Decode(text, d.syntax)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.path, err)
		}
		return m, nil
	}
	var parts []*manifest.Manifest
	err := filepath.WalkDir(d.path, func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == d.path:
			return nil
		case err != nil, !e.Type().IsRegular(), filepath.Ext(name) != d.syntax.Ext():
			return err
		}
		text, err := os.ReadFile(name) //nolint:gosec // in a folder that whoever runs the program names
		if err != nil {
			return err
		}
		part, err := manifest.Decode(text, d.syntax)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rel, err := filepath.Rel(d.path, name)
		if err != nil {
			return err
		}
		d.before[filepath.ToSlash(rel)] = text
		parts = append(parts, part)
		return nil
	})
	return manifest.Join(parts...), err
}

// after is what is to be there, by path as in before.
func (d *document) after(m *manifest.Manifest) (map[string][]byte, error) {
	parts := map[string]*manifest.Manifest{"": m}
	if d.split {
		parts = manifest.Split(m, d.syntax)
	}
	texts := make(map[string][]byte, len(parts))
	for name, part := range parts {
		text, err := manifest.Encode(part, d.syntax)
		if err != nil {
			return nil, err
		}
		texts[name] = text
	}
	return texts, nil
}

// stale are the paths, as in before, that do not have the bytes of texts, and those that are no part of it any more.
func (d *document) stale(texts map[string][]byte) (changed, gone []string) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if before, had := d.before[name]; !had || !bytes.Equal(before, texts[name]) {
			changed = append(changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.before)) {
		if _, has := texts[name]; !has {
			gone = append(gone, name)
		}
	}
	return changed, gone
}

// save writes what changed, and nothing else. It returns how many files it wrote and removed.
func (d *document) save(texts map[string][]byte) (written, removed int, err error) {
	changed, gone := d.stale(texts)
	for _, name := range changed {
		at := d.at(name)
		if err = os.MkdirAll(filepath.Dir(at), 0o777); err == nil { //nolint:gosec // for others to read, as the umask has it
			err = d.write(at, texts[name])
		}
		if errors.Is(err, fs.ErrNotExist) { // another run has swept
			err = d.write(at, texts[name])
		}
		if err != nil {
			return written, removed, err
		}
		written++
	}
	for _, name := range gone { // it was read, and so is a manifest
		if err := os.Remove(d.at(name)); err != nil {
			return written, removed, err
		}
		removed++
	}
	return written, removed, nil
}

// sweep removes what a run left of the manifest that was killed while it wrote it.
func (d *document) sweep() error {
	if !d.split {
		entries, err := os.ReadDir(filepath.Dir(d.path))
		for _, e := range entries {
			if of, ok := d.temp(e.Name()); ok && of == filepath.Base(d.path) && e.Type().IsRegular() {
				err = cmp.Or(err, os.Remove(filepath.Join(filepath.Dir(d.path), e.Name())))
			}
		}
		return err
	}
	root, err := os.OpenRoot(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if of, ok := d.temp(path.Base(name)); err == nil && ok && path.Ext(of) == d.syntax.Ext() && e.Type().IsRegular() {
			return root.Remove(name)
		}
		return err
	})
}

func (d *document) at(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// label is what messages call a part.
func (d *document) label(name string) string { return filepath.ToSlash(d.at(name)) }
