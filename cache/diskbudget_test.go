package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// meteredFolder knows at every moment what its files take in blocks, temporary ones included. A walk of the real folder
// would not: it counts files that went while it was on its way.
type meteredFolder struct {
	folder
	mu          sync.Mutex
	sizes       map[string]int64
	total, peak int64
}

// resize needs f.mu.
func (f *meteredFolder) resize(name string, size int64) {
	f.total += (blocksOf(size) - blocksOf(f.sizes[name])) * blockBytes
	f.sizes[name] = size
	f.peak = max(f.peak, f.total)
}

func (f *meteredFolder) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	opened, err := f.folder.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &meteredFile{opened, name, f}, nil
}

func (f *meteredFolder) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.folder.Rename(from, to)
	if err == nil {
		size := f.sizes[from]
		f.resize(from, 0)
		f.resize(to, size)
	}
	return err
}

func (f *meteredFolder) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.folder.Remove(name)
	if err == nil {
		f.resize(name, 0)
	}
	return err
}

type meteredFile struct {
	file
	name string
	in   *meteredFolder
}

func (f *meteredFile) Write(b []byte) (int, error) {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	n, err := f.file.Write(b)
	f.in.resize(f.name, f.in.sizes[f.name]+int64(n))
	return n, err
}

// usage is what the files in dir take, in blocks, as du(1) has it.
func usage(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // evicted meanwhile
		}
		if err != nil || e.IsDir() {
			return err
		}
		if info, err := e.Info(); err == nil {
			total += blocksOf(info.Size()) * blockBytes
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// TestDiskBudget writes ten times the budget from four goroutines, new objects and replacements, and expects that the
// files, temporary ones included, never take more than it at any moment.
func TestDiskBudget(t *testing.T) {
	const budget = 4 << 20
	dir := t.TempDir()
	var meter *meteredFolder
	d, err := openDisk(DiskOptions{Dir: dir, MaxBytes: budget}, func(dir string) (folder, bool, error) {
		f, fresh, err := openFolder(dir)
		meter = &meteredFolder{folder: f, sizes: map[string]int64{}}
		return meter, fresh, err
	}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for g := range 4 {
		writers.Go(func() {
			for i := range 100 {
				k := NewKey(Rendition, fmt.Sprint(g, i%90))
				if err := d.Put(t.Context(), k, &Object{Body: make([]byte, 60_000+i*1000)}); err != nil {
					t.Errorf("Put = %v", err)
				}
			}
		})
	}
	writers.Wait()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if meter.peak > budget || meter.peak < budget*9/10 {
		t.Errorf("peak of %d bytes, want about %d and not more", meter.peak, budget)
	}
	st := d.Stats()
	if st.Evicted < 300 || st.Bytes != meter.total {
		t.Errorf("Stats = %+v; want most of 400 evicted, and the %d bytes that are there", st, meter.total)
	}
	// Beside the objects there is the tag; the lock is empty.
	if got := usage(t, filepath.Join(dir, versionFolder)) - blockBytes; got != st.Bytes {
		t.Errorf("files take %d bytes, Stats say %d", got, st.Bytes)
	}
}

// TestDiskBudgetShared writes ten times the budget through two Disks on one folder, in turns, and looks at the folder again
// and again: each may add a twentieth that the other does not know of yet.
func TestDiskBudgetShared(t *testing.T) {
	t.Parallel() // it waits for the file system most of the time
	const budget, size = 4 << 20, 40_000
	dir := t.TempDir()
	var disks [2]*Disk
	for i := range disks {
		d, err := openDisk(DiskOptions{Dir: dir, MaxBytes: budget}, func(dir string) (folder, bool, error) {
			f, _, err := openFolder(dir)
			return &hastyFolder{f}, false, err // both find a folder that was there
		}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		<-d.built
		disks[i] = d
	}
	disks[0].look() // the other came later
	peak := int64(0)
	for i := range 10 * budget / size {
		k := NewKey(Rendition, fmt.Sprint(i))
		if err := disks[i/7%2].Put(t.Context(), k, &Object{Body: make([]byte, size)}); err != nil {
			t.Fatalf("Put = %v", err)
		}
		if i%5 == 0 {
			peak = max(peak, usage(t, filepath.Join(dir, versionFolder))-blockBytes)
		}
	}
	t.Logf("peak of %d bytes, %.2f of the budget", peak, float64(peak)/budget)
	if peak > budget*110/100 || peak < budget*9/10 {
		t.Errorf("peak of %d bytes, want about %d and at most a tenth more", peak, budget)
	}
	for _, d := range disks {
		if st := d.Stats(); st.Evicted == 0 || st.Errors != 0 {
			t.Errorf("Stats = %+v; want some evicted and nothing failed", st)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
