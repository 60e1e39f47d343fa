package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

var errPowerOff = errors.New("the power is off")

// powerFolder is a folder whose power fails after a number of changes. It knows what a file system has to keep then: the
// bytes of files that were synced, and the names of folders that were. Of everything else any part may be there or not, in
// any order (Pillai et al., “All File Systems Are Not Created Equal”, OSDI 2014).
//
// Syncs are noted and not passed on: what is tested is their order, and hundreds of seeds take seconds.
type powerFolder struct {
	folder
	deaf func(name string, folder bool) bool // syncs that do nothing, to see what they are for; nil is none

	mu      sync.Mutex
	left    int // changes until the power fails
	names   map[string]*node
	folders map[string]*nameList
}

// node is a file, or a folder where names is set.
type node struct {
	data, synced []byte
	names        *nameList
}

// nameList is what a folder holds after its last sync, and what was done to it since; a nil node is a removal.
type nameList struct {
	synced  map[string]*node
	pending []nameChange
}

type nameChange struct {
	name string
	node *node
}

func newPowerFolder(f folder, left int) *powerFolder {
	return &powerFolder{folder: f, left: left, names: map[string]*node{}, folders: map[string]*nameList{".": newNameList(), tempFolder: newNameList()}}
}

func newNameList() *nameList { return &nameList{synced: map[string]*node{}} }

// change is asked before each change of the medium. It needs f.mu.
func (f *powerFolder) change() error {
	if f.left <= 0 {
		return errPowerOff
	}
	f.left--
	return nil
}

// set notes that name is n from now on. It needs f.mu.
func (f *powerFolder) set(name string, n *node) {
	in := f.folders[path.Dir(name)]
	in.pending = append(in.pending, nameChange{path.Base(name), n})
	if f.names[name] = n; n == nil {
		delete(f.names, name)
	}
}

func (f *powerFolder) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flag&os.O_CREATE != 0 {
		if err := f.change(); err != nil {
			return nil, err
		}
	} else if f.names[name] == nil && f.folders[name] == nil {
		return nil, fs.ErrNotExist // as it would say itself, and slower
	}
	opened, err := f.folder.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	if flag&os.O_CREATE != 0 {
		f.set(name, &node{})
	}
	return &powerFile{opened, name, f, f.names[name]}, nil
}

func (f *powerFolder) Mkdir(name string, perm fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	err := f.folder.Mkdir(name, perm)
	if err == nil {
		f.folders[name] = newNameList()
		f.set(name, &node{names: f.folders[name]})
	}
	return err
}

func (f *powerFolder) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	err := f.folder.Rename(from, to)
	if err == nil {
		f.set(to, f.names[from])
		f.set(from, nil)
	}
	return err
}

func (f *powerFolder) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	err := f.folder.Remove(name)
	if err == nil {
		f.set(name, nil)
	}
	return err
}

type powerFile struct {
	file
	name string
	in   *powerFolder
	node *node // nil is a folder
}

func (f *powerFile) Write(b []byte) (int, error) {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	if err := f.in.change(); err != nil {
		return 0, err
	}
	n, err := f.file.Write(b)
	f.node.data = append(f.node.data, b[:n]...)
	return n, err
}

func (f *powerFile) Sync() error {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	if err := f.in.change(); err != nil {
		return err
	}
	names, isFolder := f.in.folders[f.name]
	switch {
	case f.in.deaf != nil && f.in.deaf(f.name, isFolder):
	case isFolder:
		for _, c := range names.pending {
			apply(names.synced, c)
		}
		names.pending = nil
	default:
		f.node.synced = bytes.Clone(f.node.data)
	}
	return nil
}

func apply(names map[string]*node, c nameChange) {
	if names[c.name] = c.node; c.node == nil {
		delete(names, c.name)
	}
}

// fail turns the power off and writes into dir what a start finds: of each folder what was synced and some of what was done
// since, in any order; of each file what was synced, or parts of what was not.
func (f *powerFolder) fail(t *testing.T, r *rand.Rand, dir string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = 0
	f.write(t, r, filepath.Join(dir, versionFolder), f.folders["."])
	f.write(t, r, filepath.Join(dir, versionFolder, tempFolder), f.folders[tempFolder])
}

func (f *powerFolder) write(t *testing.T, r *rand.Rand, dir string, l *nameList) {
	t.Helper()
	if err := os.MkdirAll(dir, dirPerm); err != nil {
		t.Fatal(err)
	}
	names := maps.Clone(l.synced)
	for _, i := range r.Perm(len(l.pending)) {
		if r.IntN(2) == 0 {
			apply(names, l.pending[i])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n, to := names[name], filepath.Join(dir, name)
		if n.names != nil {
			f.write(t, r, to, n.names)
		} else if err := os.WriteFile(to, n.torn(r), filePerm); err != nil {
			t.Fatal(err)
		}
	}
}

// torn is what is left of a file: all of it when it was synced, else a length of before or after, and of each sector what
// was before, what is, or zeros.
func (n *node) torn(r *rand.Rand) []byte {
	if bytes.Equal(n.synced, n.data) {
		return n.synced
	}
	const sector = 512
	left := make([]byte, []int{len(n.synced), len(n.data), r.IntN(len(n.data) + 1)}[r.IntN(3)])
	for at := 0; at < len(left); at += sector {
		from := [][]byte{n.synced, n.data, nil}[r.IntN(3)]
		if at < len(from) {
			copy(left[at:min(at+sector, len(left))], from[at:])
		}
	}
	return left
}

// powerLoss is what was seen over some seeds.
type powerLoss struct {
	wrong   int // objects with bytes that were never put under their key
	lost    int // objects that had been kept for sure, or come back after a Delete
	damaged int // files that only the checksum told from sound ones
	failed  int // seeds in which the power failed before the last change
}

// versioned is version v of k's object; v counts from 1.
func versioned(k Key, v int) *Object {
	return &Object{Meta: []byte{byte(v)}, Body: bytes.Repeat(fmt.Appendf(nil, "%s version %d\n", k, v), v*v%40)}
}

// losePower puts and deletes objects until the power fails, starts again, and adds to what was seen.
func (seen *powerLoss) losePower(t *testing.T, seed uint64, deaf func(string, bool) bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	var power *powerFolder
	before := openPower(t, t.TempDir(), func(f folder) folder {
		power = newPowerFolder(f, r.IntN(150))
		power.deaf = deaf
		return power
	})
	keys := make([]Key, 8) // in four folders of two kinds
	sure, perhaps := make([]int, len(keys)), make([]int, len(keys))
	for i := range keys {
		keys[i] = Key{Kind: []Kind{Pointer, Rendition}[i%2], Sum: [32]byte{byte(i / 4), byte(i)}}
	}
	for v := 1; v <= 30; v++ {
		var err error
		i := r.IntN(len(keys))
		if perhaps[i] = v; r.IntN(5) == 0 {
			perhaps[i] = 0
			err = before.Delete(t.Context(), keys[i])
		} else {
			err = before.Put(t.Context(), keys[i], versioned(keys[i], v))
		}
		if err != nil {
			if !errors.Is(err, errPowerOff) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			seen.failed++
			break
		}
		sure[i] = perhaps[i]
	}
	dir := t.TempDir()
	power.fail(t, r, dir)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	seen.look(t, dir, keys, func(i, version int) bool { return version == sure[i] || version == perhaps[i] })
}

// openPower opens a Disk in dir, which holds a cache already: a new one would be synced for real.
func openPower(t *testing.T, dir string, wrap func(folder) folder) *Disk {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, versionFolder), dirPerm); err != nil {
		t.Fatal(err)
	}
	d, err := openDisk(DiskOptions{Dir: dir}, func(dir string) (folder, bool, error) {
		f, fresh, err := openFolder(dir)
		return wrap(f), fresh, err
	}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// hastyFolder syncs nothing.
type hastyFolder struct{ folder }

func (f *hastyFolder) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	opened, err := f.folder.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return hastyFile{opened}, nil
}

type hastyFile struct{ file }

func (hastyFile) Sync() error { return nil }

// look opens what the power failure left. An object is version 0 where it is absent.
func (seen *powerLoss) look(t *testing.T, dir string, keys []Key, allowed func(i, version int) bool) {
	t.Helper()
	after := openPower(t, dir, func(f folder) folder { return &hastyFolder{f} })
	for i, k := range keys {
		o, err := after.Get(t.Context(), k)
		version := 0
		if err == nil {
			version = int(o.Meta[0])
			if !bytes.Equal(o.Body, versioned(k, version).Body) {
				seen.wrong++
			}
		}
		if !allowed(i, version) {
			seen.lost++
		}
		// Whatever it left, the next Put works.
		if err := after.Put(t.Context(), k, versioned(k, 99)); err != nil {
			t.Errorf("Put after the failure = %v", err)
		}
	}
	seen.damaged += int(after.Stats().Corrupt)
	if n := tempFiles(t, dir); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}
	if err := after.Close(); err != nil {
		t.Error(err)
	}
}

// TestDiskPowerLoss lets the power fail at 500 moments. What a Put or Delete reported is so afterwards; one under way has
// happened or not; and no file is damaged, because each was synced before it got its name.
//
// Without the syncs, the checksums alone would keep wrong bytes from being served, and the rest would not hold: that it
// can be seen here shows that the simulation tells a careless Disk from a careful one.
func TestDiskPowerLoss(t *testing.T) {
	t.Parallel() // it waits for the file system most of the time
	seeds := uint64(500)
	if testing.Short() {
		seeds = 50
	}
	var careful powerLoss
	for seed := range seeds {
		careful.losePower(t, seed, nil)
	}
	if want := (powerLoss{failed: careful.failed}); careful != want || careful.failed < int(seeds/2) {
		t.Errorf("%+v; want nothing wrong, lost or damaged, and the power to fail in half of the seeds", careful)
	}
	var noFiles, noFolders powerLoss
	for seed := range uint64(50) {
		noFiles.losePower(t, seed, func(_ string, folder bool) bool { return !folder })
		noFolders.losePower(t, seed, func(_ string, folder bool) bool { return folder })
	}
	if noFiles.wrong != 0 || noFiles.damaged == 0 {
		t.Errorf("files not synced: %+v; want damaged ones, and none served", noFiles)
	}
	if noFolders.wrong != 0 || noFolders.lost == 0 {
		t.Errorf("folders not synced: %+v; want objects lost, and none wrong", noFolders)
	}
}
