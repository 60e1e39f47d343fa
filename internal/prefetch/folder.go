package prefetch

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dd8bf596/cutline/internal/manifest"
)

// A folder is where the files are put. It is safe for concurrent use.
type folder struct {
	dir      string
	root     *os.Root // nil where there is no such folder yet
	template Template
	write    func(path string, body []byte) error
	temp     func(name string) (of string, ok bool)

	mu    sync.Mutex
	known map[string]bool   // by name: the file is what its name says
	wrote map[string]bool   // by name: it was put there
	names map[string]string // by name: the hash of what is to be there
}

// openFolder opens dir; where make is set, it is made.
func openFolder(dir string, create bool) (*folder, error) {
	if create {
		if err := os.MkdirAll(dir, 0o777); err != nil { //nolint:gosec // for others to read, as the umask has it
			return nil, err
		}
	}
	f := &folder{dir: dir, known: map[string]bool{}, wrote: map[string]bool{}, names: map[string]string{}}
	root, err := os.OpenRoot(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !create {
			return f, nil
		}
		return nil, err
	}
	f.root = root
	return f, nil
}

func (f *folder) close() {
	if f.root != nil {
		_ = f.root.Close() // of a folder nothing is lost
	}
}

// lacks is the name of a file of i that is not there, or is not what its name says; "" where all are.
func (f *folder) lacks(i *manifest.Image) string {
	for _, file := range i.Files() {
		if !f.holds(file.Filename, file.Size) {
			return file.Filename
		}
	}
	return ""
}

// holds reports whether the file of that name is there, has that many bytes and those that its name says.
func (f *folder) holds(name string, size int64) bool {
	f.mu.Lock()
	ok, known := f.known[name]
	f.mu.Unlock()
	if known {
		return ok
	}
	hash, ours := f.template.hash(name)
	ok = ours && f.has(name, size, hash)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known[name] = ok
	return ok
}

// has compares a file with a size, -1 for any, and the beginning of its hash.
func (f *folder) has(name string, size int64, hash string) bool {
	if f.root == nil {
		return false
	}
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || size >= 0 && info.Size() != size {
		return false
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return false
	}
	return strings.HasPrefix(hex.EncodeToString(sum.Sum(nil)), hash)
}

// A brokenError is of a place that cannot be written: no picture is to blame, and the next would fare no better.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// put makes the file of that name, whose bytes have that hash, be body. It returns a *brokenError where nothing can be written.
func (f *folder) put(name, hash string, body []byte) error {
	f.mu.Lock()
	other, taken := f.names[name]
	f.names[name] = hash
	f.mu.Unlock()
	if taken && other != hash {
		return fmt.Errorf("write %s: two files would have the name %s: a template with {hash} instead of {hash8} tells them apart", name, name)
	}
	if f.holds(name, int64(len(body))) {
		return nil
	}
	err := f.writeAt(name, body)
	for again := 0; errors.Is(err, fs.ErrNotExist) && again < 3; again++ {
		err = f.writeAt(name, body) // another run took what was half written for what a killed one left, or an empty folder away
	}
	if err != nil {
		return &brokenError{err}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known[name], f.wrote[name] = true, true
	return nil
}

func (f *folder) writeAt(name string, body []byte) error {
	if err := f.root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o777); err != nil {
		return err
	}
	return f.write(filepath.Join(f.dir, filepath.FromSlash(name)), body)
}

// A leftover is a file that a run made and nobody names any more.
type leftover struct {
	name string
	size int64
	temp bool // a file that was being written when a run ended
}

// leftovers are the files that are not wanted and that were made by a run for certain: an earlier manifest names them, or their name
// is one that the template makes and says which bytes they have. Whatever else is in the folder is somebody else's.
func (f *folder) leftovers(wanted, earlier map[string]bool) (found []leftover, err error) {
	if f.root == nil {
		return nil, nil
	}
	return f.look(f.root.FS(), wanted, earlier)
}

func (f *folder) look(files fs.FS, wanted, earlier map[string]bool) (found []leftover, err error) {
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if name != "." && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)) {
			return fs.SkipDir // a folder that is not for us to read, or is gone
		}
		if err != nil || !d.Type().IsRegular() || wanted[name] {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // somebody else removed it
		}
		if err != nil {
			return err
		}
		if of, ok := f.temp(path.Base(name)); ok {
			if _, ours := f.template.hash(path.Join(path.Dir(name), of)); ours {
				found = append(found, leftover{name, info.Size(), true})
			}
			return nil
		}
		hash, ours := f.template.hash(name)
		if earlier[name] || ours && f.has(name, -1, hash) {
			found = append(found, leftover{name, info.Size(), false})
		}
		return nil
	})
	return found, err
}

// remove removes files, and folders that are empty then.
func (f *folder) remove(files []leftover) error {
	var failed error
	for _, file := range files {
		failed = cmp.Or(failed, f.root.Remove(filepath.FromSlash(file.name)))
		for dir := path.Dir(file.name); dir != "."; dir = path.Dir(dir) {
			if f.root.Remove(filepath.FromSlash(dir)) != nil {
				break // it holds something else
			}
		}
	}
	return failed
}
