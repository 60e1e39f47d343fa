package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"testing"
	"time"
)

// heldFolder is a folder whose listings wait until they are let go.
type heldFolder struct {
	folder
	release chan struct{}
}

func (f *heldFolder) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	opened, err := f.folder.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &heldFile{opened, f.release}, nil
}

type heldFile struct {
	file
	release chan struct{}
}

func (f *heldFile) ReadDir(n int) ([]fs.DirEntry, error) {
	<-f.release
	return f.file.ReadDir(n)
}

// TestDiskOpensAtOnce opens a folder whose listing hangs: objects are found by name, can be put and deleted, and what does
// not fit into the part of the budget that is surely free is declined. Once listed, all is counted, once.
func TestDiskOpensAtOnce(t *testing.T) {
	const budget = 1 << 20
	dir := t.TempDir()
	before := openBreakable(t, dir, budget)
	for i := range 10 {
		before.mustPut(t, NewKey(Rendition, fmt.Sprint(i)), &Object{Body: []byte(fmt.Sprint("object ", i))})
	}
	release := make(chan struct{})
	d, err := openDisk(DiskOptions{Dir: dir, MaxBytes: budget}, func(dir string) (folder, bool, error) {
		f, fresh, err := openFolder(dir)
		return &heldFolder{f, release}, fresh, err
	}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b := &breakable{Disk: d}
	for i := range 5 {
		b.wantBody(t, NewKey(Rendition, fmt.Sprint(i)), []byte(fmt.Sprint("object ", i)))
	}
	b.mustPut(t, NewKey(Rendition, "0"), &Object{Body: []byte("replaced")})
	b.mustPut(t, NewKey(Rendition, "new"), &Object{Body: []byte("new")})
	if err := d.Delete(t.Context(), NewKey(Rendition, "9")); err != nil {
		t.Errorf("Delete = %v", err)
	}
	if err := d.Put(t.Context(), NewKey(Rendition, "large"), &Object{Body: make([]byte, budget/10)}); !errors.Is(err, ErrNotKept) {
		t.Errorf("Put of a tenth of the budget = %v, want ErrNotKept", err)
	}
	close(release)
	<-d.built
	if st := d.Stats(); st.Objects != 10 || st.Bytes != 10*blockBytes {
		t.Errorf("Stats = %+v; want 10 objects in a block each", st)
	}
	b.mustPut(t, NewKey(Rendition, "large"), &Object{Body: make([]byte, budget/10)})
	if err := d.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

// TestDiskPutWaits takes the whole budget by Puts that do not end, and expects of the next: that it waits, that it ends
// with its context or with the Disk, and that it goes on when there is room.
func TestDiskPutWaits(t *testing.T) {
	d := openBreakable(t, t.TempDir(), 1<<20)
	for range objectShare {
		if _, err := d.index.reserve(1 << 20 / objectShare); err != nil {
			t.Fatal(err)
		}
	}
	put := func(ctx context.Context) chan error {
		ended := make(chan error)
		go func() { ended <- d.Put(ctx, NewKey(Pointer, "waits"), &Object{}) }()
		for waits := false; !waits; runtime.Gosched() {
			d.index.mu.Lock()
			waits = d.index.waiting
			d.index.mu.Unlock()
		}
		return ended
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := put(ctx)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Put whose context ended = %v, want context.Canceled", err)
	}
	d.index.mu.Lock()
	d.index.waiting = false
	d.index.mu.Unlock()
	ended = put(t.Context())
	d.index.release(1 << 20 / objectShare)
	if err := <-ended; err != nil {
		t.Errorf("Put after room was made = %v", err)
	}
	// The object is removed: a Put would have it evicted and not wait.
	if err := d.Delete(t.Context(), NewKey(Pointer, "waits")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.index.reserve(1 << 20 / objectShare); err != nil {
		t.Fatal(err)
	}
	ended = put(t.Context())
	d.cancel()
	if err := <-ended; !errors.Is(err, ErrNotKept) {
		t.Errorf("Put when the Disk closes = %v, want ErrNotKept", err)
	}
}
