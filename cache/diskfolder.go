package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// folder is what a Disk does to its medium. There is one real implementation, rootFolder; tests put one that fails
// between. Names are slash paths under v1.
type folder interface {
	OpenFile(name string, flag int, perm fs.FileMode) (file, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	Lstat(name string) (fs.FileInfo, error)
	Chtimes(name string, accessed, modified time.Time) error
	Shared() bool // whether others may have the folder open
	Close() error
}

// file is what a Disk does to a file or a folder that it opened; *os.File is one.
type file interface {
	io.ReadWriteCloser
	Stat() (fs.FileInfo, error)
	ReadDir(n int) ([]fs.DirEntry, error)
	Sync() error
}

const (
	versionFolder = "v1"
	tempFolder    = "tmp"
	lockName      = "LOCK"
	tagName       = "CACHEDIR.TAG"

	// Pictures and words may be unpublished yet: the folder is its owner's alone.
	dirPerm  = 0o700
	filePerm = 0o600

	// strayAge is how old a temporary file of a live process can hardly be: writing one takes seconds.
	strayAge = time.Hour
)

// tagText marks the folder for backup programs, so that they leave it out (https://bford.info/cachedir/).
const tagText = "Signature: 8a477f597d28d172789f06886806bc55\n# Cached pictures of cutline; they can be deleted at any time.\n"

// rootFolder is a folder through os.Root: no name and no symbolic link in it leads out.
type rootFolder struct {
	*os.Root
	lock *os.File // nil when there could be none
}

var _ folder = (*rootFolder)(nil)

// openFolder opens dir/v1, making what is missing, and removes temporary files of processes that ended. It reports
// whether the folder is fresh: there are no objects in it.
//
// The lock tells whether others have the folder open: everybody holds it shared. Who gets it alone knows that every
// temporary file is a stray. Otherwise only old ones are removed. Where there is no such lock (other systems, a read-only
// folder) nobody is alone.
func openFolder(dir string) (folder, bool, error) {
	versioned := filepath.Join(dir, versionFolder)
	_, err := os.Lstat(versioned)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(versioned, dirPerm); err != nil {
		return nil, false, err
	}
	base, err := os.OpenRoot(dir)
	if err != nil {
		return nil, false, err
	}
	defer base.Close()
	root, err := base.OpenRoot(versionFolder)
	if err != nil {
		return nil, false, err
	}
	f := &rootFolder{Root: root}
	f.prepare()
	if fresh {
		for _, made := range []string{dir, filepath.Dir(dir)} {
			syncOutside(made)
		}
	}
	return f, fresh, nil
}

// prepare does what a read-only folder does not need: its errors are those that Put will meet.
func (f *rootFolder) prepare() {
	_ = f.Mkdir(tempFolder, dirPerm)
	if tag, err := f.Root.OpenFile(tagName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm); err == nil {
		_, _ = tag.WriteString(tagText)
		_ = tag.Close()
	}
	alone := false
	// For reading: a file open for writing would keep the file system from being remounted read-only.
	if lock, err := f.Root.OpenFile(lockName, os.O_RDONLY|os.O_CREATE|syscall.O_NONBLOCK, filePerm); err == nil {
		f.lock = lock
		alone = lockAlone(lock)
	}
	f.removeStrays(alone)
	if f.lock != nil {
		lockShared(f.lock)
	}
}

// Shared reports whether another process has the folder open, or may have, where there is no lock.
func (f *rootFolder) Shared() bool {
	if f.lock == nil {
		return true
	}
	alone := lockAlone(f.lock)
	lockShared(f.lock)
	return !alone
}

func (f *rootFolder) removeStrays(alone bool) {
	dir, err := f.Root.Open(tempFolder)
	if err != nil {
		return
	}
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(scanBatch)
		for _, e := range entries {
			info, err := e.Info()
			if err == nil && info.Mode().IsRegular() && (alone || time.Since(info.ModTime()).Abs() > strayAge) {
				_ = f.Remove(tempFolder + "/" + e.Name())
			}
		}
		if err != nil {
			return
		}
	}
}

// OpenFile returns a file only without an error, never a nil *os.File in it.
func (f *rootFolder) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	opened, err := f.Root.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// Close releases the folder and the lock.
func (f *rootFolder) Close() error {
	err := f.Root.Close()
	if f.lock != nil {
		if lockErr := f.lock.Close(); !errors.Is(lockErr, fs.ErrClosed) {
			err = errors.Join(err, lockErr)
		}
	}
	return err
}

func parent(name string) string { return path.Dir(name) }

// medium is a folder and what is known of it.
type medium struct {
	folder
	// kinds and fans tell which folders such as "rendition" and "rendition/01" are there and synced into their parents.
	// Finding one there is not enough: the process or the Put that made it may not have come to syncing it.
	kinds [Rendition + 1]atomic.Bool
	fans  [Rendition + 1][256]atomic.Bool
}

// ready reports whether a file of k can be renamed into place and will be found after a crash.
func (m *medium) ready(k Key) bool { return m.fans[k.Kind][k.Sum[0]].Load() }

// makeReady makes the folder of k's file, and what is above it, each synced into its parent. It costs one fsync for each
// folder and process, two for the first of a kind.
func (m *medium) makeReady(k Key) error {
	fan := parent(objectName(k))
	if !m.kinds[k.Kind].Load() {
		if err := m.makeFolder(parent(fan)); err != nil {
			return err
		}
		m.kinds[k.Kind].Store(true)
	}
	if err := m.makeFolder(fan); err != nil {
		return err
	}
	m.fans[k.Kind][k.Sum[0]].Store(true)
	return nil
}

// remake is makeReady after somebody deleted folders under us.
func (m *medium) remake(k Key) error {
	m.kinds[k.Kind].Store(false)
	return m.makeReady(k)
}

func (m *medium) makeFolder(name string) error {
	if err := m.Mkdir(name, dirPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(m, parent(name))
}

// syncFolder makes the names in a folder durable (fsync(2): syncing a file does not sync its entry in the folder).
func syncFolder(f folder, name string) error {
	dir, err := f.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // a file system without that notion
	}
	if err = errors.Join(err, dir.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", name, err)
	}
	return nil
}

// syncOutside makes a new cache folder's own name durable. It is best effort: the folder above may not be ours to open,
// and a cache folder that a crash undoes is an empty cache.
func syncOutside(dir string) {
	if f, err := os.Open(dir); err == nil { //nolint:gosec // the folder above the one that the operator named
		_ = f.Sync()
		_ = f.Close()
	}
}
