package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// faultyFolder is a folder on a medium that fails: fail is asked before each operation on a name.
type faultyFolder struct {
	folder
	fail func(op, name string) error
}

func (f *faultyFolder) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	if err := f.fail("open", name); err != nil {
		return nil, err
	}
	opened, err := f.folder.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultyFile{opened, name, f.fail}, nil
}

func (f *faultyFolder) Mkdir(name string, perm fs.FileMode) error {
	return errors.Join(f.fail("mkdir", name), f.folder.Mkdir(name, perm))
}

func (f *faultyFolder) Rename(from, to string) error {
	if err := f.fail("rename", to); err != nil {
		return err
	}
	return f.folder.Rename(from, to)
}

func (f *faultyFolder) Remove(name string) error {
	if err := f.fail("remove", name); err != nil {
		return err
	}
	return f.folder.Remove(name)
}

type faultyFile struct {
	file
	name string
	fail func(op, name string) error
}

func (f *faultyFile) Read(b []byte) (int, error) {
	if err := f.fail("read", f.name); err != nil {
		return 0, err
	}
	return f.file.Read(b)
}

// Write writes half of b before it fails, as a full disk does.
func (f *faultyFile) Write(b []byte) (int, error) {
	if err := f.fail("write", f.name); err != nil {
		n, _ := f.file.Write(b[:len(b)/2])
		return n, err
	}
	return f.file.Write(b)
}

func (f *faultyFile) Sync() error {
	if err := f.fail("sync", f.name); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultyFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if err := f.fail("readdir", f.name); err != nil {
		return nil, err
	}
	return f.file.ReadDir(n)
}

// fault is what goes wrong at the moment: an operation and its error. nil is nothing.
type fault struct {
	op    string
	names func(string) bool // nil is all
	err   error
}

// breakable is a Disk whose medium fails as told.
type breakable struct {
	*Disk
	now   atomic.Pointer[fault]
	clock atomic.Int64 // nanoseconds
}

func openBreakable(t *testing.T, dir string, maxBytes int64) *breakable {
	t.Helper()
	b := &breakable{}
	b.clock.Store(time.Now().UnixNano())
	open := func(dir string) (folder, bool, error) {
		f, fresh, err := openFolder(dir)
		if err != nil {
			return nil, false, err
		}
		return &faultyFolder{f, func(op, name string) error {
			if now := b.now.Load(); now != nil && now.op == op && (now.names == nil || now.names(name)) {
				return &fs.PathError{Op: op, Path: name, Err: now.err}
			}
			return nil
		}}, fresh, nil
	}
	d, err := openDisk(DiskOptions{Dir: dir, MaxBytes: maxBytes}, open, func() time.Time { return time.Unix(0, b.clock.Load()) })
	if err != nil {
		t.Fatal(err)
	}
	b.Disk = d
	<-d.built
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return b
}

func (b *breakable) mustPut(t *testing.T, k Key, o *Object) {
	t.Helper()
	if err := b.Put(t.Context(), k, o); err != nil {
		t.Fatalf("Put(%s) = %v", k, err)
	}
}

func (b *breakable) wantBody(t *testing.T, k Key, want []byte) {
	t.Helper()
	o, err := b.Get(t.Context(), k)
	if err != nil || !bytes.Equal(o.Body, want) {
		t.Fatalf("Get(%s) = %v, %v; want %d bytes", k, o, err, len(want))
	}
}

func tempFiles(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir + "/v1/tmp")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestDiskPutFaults fails each step of a Put, and expects: the medium's error, one count each, no temporary file, no byte
// of the budget lost, the earlier object or none, and success as soon as the medium works again.
func TestDiskPutFaults(t *testing.T) {
	for _, tt := range []fault{
		{op: "open", err: syscall.EROFS},
		{op: "open", err: syscall.EACCES},
		{op: "write", err: syscall.ENOSPC},
		{op: "write", err: syscall.EIO},
		{op: "sync", err: syscall.EIO},
		{op: "sync", names: func(n string) bool { return n[:4] == "rend" }, err: syscall.EIO},
		{op: "rename", err: syscall.EROFS},
		{op: "rename", err: syscall.EDQUOT},
	} {
		t.Run(fmt.Sprint(tt.op, " ", tt.err), func(t *testing.T) {
			dir := t.TempDir()
			d := openBreakable(t, dir, 1<<20)
			k := NewKey(Rendition, "k")
			first, second := []byte("first"), bytes.Repeat([]byte("second"), 1000)
			d.mustPut(t, k, &Object{Body: first})

			d.now.Store(&tt)
			if err := d.Put(t.Context(), k, &Object{Body: second}); !errors.Is(err, tt.err) {
				t.Errorf("Put = %v, want %v", err, tt.err)
			}
			d.now.Store(nil)
			if st := d.Stats(); st.Dropped != 1 || st.Errors != 1 || d.index.reserved != 0 {
				t.Errorf("Stats = %+v, %d bytes reserved; want one dropped, one error, none reserved", st, d.index.reserved)
			}
			if n := tempFiles(t, dir); n != 0 {
				t.Errorf("%d temporary files are left", n)
			}
			if o, err := d.Get(t.Context(), k); err == nil && !bytes.Equal(o.Body, first) {
				t.Errorf("Get = %d bytes, want the first object or a miss", len(o.Body))
			} else if err != nil && !errors.Is(err, ErrMiss) {
				t.Errorf("Get = %v, want ErrMiss", err)
			}
			d.mustPut(t, k, &Object{Body: second})
			d.wantBody(t, k, second)
			if st := d.Stats(); st.Objects != 1 || st.Bytes != 8192 {
				t.Errorf("Stats = %+v; want 1 object of 8192 bytes", st)
			}
		})
	}
}

// TestDiskGetFaults fails each step of a Get: a miss that names the error, nothing removed, and a hit again afterwards.
func TestDiskGetFaults(t *testing.T) {
	d := openBreakable(t, t.TempDir(), 1<<20)
	k := NewKey(Original, "k")
	d.mustPut(t, k, &Object{Body: []byte("sound")})
	for _, tt := range []fault{{op: "open", err: syscall.EACCES}, {op: "open", err: syscall.EMFILE}, {op: "read", err: syscall.EIO}} {
		before := d.Stats().Errors
		d.now.Store(&tt)
		if _, err := d.Get(t.Context(), k); !errors.Is(err, ErrMiss) || !errors.Is(err, tt.err) {
			t.Errorf("%s: Get = %v, want ErrMiss and %v", tt.op, err, tt.err)
		}
		d.now.Store(nil)
		if st := d.Stats(); st.Errors != before+1 || st.Corrupt != 0 {
			t.Errorf("%s: Stats = %+v; want one error more, nothing damaged", tt.op, st)
		}
		d.wantBody(t, k, []byte("sound"))
	}
}

// TestDiskDeleteFault verifies that a Delete that did not happen is said, and the object is still known.
func TestDiskDeleteFault(t *testing.T) {
	d := openBreakable(t, t.TempDir(), 1<<20)
	k := NewKey(Pointer, "k")
	d.mustPut(t, k, &Object{Body: []byte("stays")})
	d.now.Store(&fault{op: "remove", err: syscall.EROFS})
	if err := d.Delete(t.Context(), k); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Delete = %v, want EROFS", err)
	}
	d.wantBody(t, k, []byte("stays"))
	d.now.Store(nil)
	if err := d.Delete(t.Context(), k); err != nil {
		t.Errorf("Delete = %v", err)
	}
	if st := d.Stats(); st.Objects != 0 || st.Bytes != 0 {
		t.Errorf("Stats = %+v; want nothing kept", st)
	}
}

// TestDiskCannotEvict fills a disk from which nothing can be removed: a Put is declined, not delayed for ever, and the next
// one succeeds when the medium works again.
func TestDiskCannotEvict(t *testing.T) {
	d := openBreakable(t, t.TempDir(), 100<<10)
	body := make([]byte, 10_000)
	put := func(i int) error {
		return d.Put(t.Context(), NewKey(Rendition, fmt.Sprint(i)), &Object{Body: body})
	}
	for i := range 8 {
		if err := put(i); err != nil {
			t.Fatal(err)
		}
	}
	d.now.Store(&fault{op: "remove", err: syscall.EACCES})
	for i := range 3 {
		if err := put(100 + i); !errors.Is(err, ErrNotKept) {
			t.Errorf("Put without room = %v, want ErrNotKept", err)
		}
	}
	d.now.Store(nil)
	if err := put(200); err != nil {
		t.Errorf("Put when files can be removed again = %v", err)
	}
	if st := d.Stats(); st.Evicted == 0 || st.Bytes > 100<<10 {
		t.Errorf("Stats = %+v; want some evicted, at most %d bytes", st, 100<<10)
	}
}

// TestDiskFull verifies that a full file system makes a Disk give up renditions, and nothing else, before its budget asks
// for it.
func TestDiskFull(t *testing.T) {
	d := openBreakable(t, t.TempDir(), 1<<20)
	original, rendition := NewKey(Original, "o"), NewKey(Rendition, "r")
	d.mustPut(t, original, &Object{Body: []byte("archive")})
	d.mustPut(t, rendition, &Object{Body: []byte("made again")})
	d.now.Store(&fault{op: "write", err: syscall.ENOSPC})
	for range 3 {
		if err := d.Put(t.Context(), NewKey(Rendition, "new"), &Object{}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Put = %v, want ENOSPC", err)
		}
	}
	d.wantBody(t, original, []byte("archive"))
	if _, err := d.Get(t.Context(), rendition); !errors.Is(err, ErrMiss) {
		t.Errorf("Get of a rendition on a full disk = %v, want ErrMiss", err)
	}
	if st := d.Stats(); st.Dropped != 3 || st.Errors != 3 || st.Evicted != 1 || d.index.reserved != 0 {
		t.Errorf("Stats = %+v, %d bytes reserved; want one count for each Put, and one object given up", st, d.index.reserved)
	}
}

// TestDiskFullOnce verifies that a Put that meets a full file system gives up as much as it needs, and is kept.
func TestDiskFullOnce(t *testing.T) {
	for _, reason := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		dir := t.TempDir()
		d := openBreakable(t, dir, 1<<20)
		key := func(i int) Key { return NewKey(Rendition, fmt.Sprint(i)) }
		for i := range 10 {
			d.mustPut(t, key(i), &Object{Body: make([]byte, 10_000)})
		}
		// Full until three objects of three blocks each are gone: what a body of 30,000 bytes needs.
		d.now.Store(&fault{op: "write", names: func(string) bool { return d.Stats().Evicted < 3 }, err: reason})
		large := bytes.Repeat([]byte("x"), 30_000)
		d.mustPut(t, key(100), &Object{Body: large})
		d.wantBody(t, key(100), large)
		if st := d.Stats(); st.Evicted != 3 || st.Puts != 11 || st.Dropped != 0 || st.Errors != 0 || st.Objects != 8 {
			t.Errorf("%v: Stats = %+v; want three given up, and no failure", reason, st)
		}
		if n := tempFiles(t, dir); n != 0 {
			t.Errorf("%v: %d temporary files are left", reason, n)
		}
	}
}

// TestDiskUnreadableFolder opens a folder of which a part cannot be listed: the rest is indexed, and the part is found by
// name all the same.
func TestDiskUnreadableFolder(t *testing.T) {
	dir := t.TempDir()
	d := openBreakable(t, dir, 0)
	one, two := Key{Kind: Rendition}, Key{Kind: Rendition}
	two.Sum[0] = 0x80
	d.mustPut(t, one, &Object{Body: []byte("one")})
	d.mustPut(t, two, &Object{Body: []byte("two")})
	d.now.Store(&fault{op: "readdir", names: func(n string) bool { return n == "rendition/00" }, err: syscall.EACCES})
	d.index.reset(true)
	d.build()
	if st := d.Stats(); st.Objects != 1 || st.Errors != 1 {
		t.Errorf("Stats = %+v; want 1 object and 1 error", st)
	}
	d.wantBody(t, one, []byte("one"))
	if st := d.Stats(); st.Objects != 2 {
		t.Errorf("Stats = %+v; want the object known once it was read", st)
	}
}

// TestDiskClock sets the clock forth and back. Nothing expires and nothing is lost; a file's time is renewed when it is
// more than an hour from the clock, in either direction, and not more often.
func TestDiskClock(t *testing.T) {
	dir := t.TempDir()
	d := openBreakable(t, dir, 1<<20)
	k := NewKey(Pointer, "k")
	d.mustPut(t, k, &Object{Body: []byte("timeless")})
	start := time.Unix(0, d.clock.Load())
	for _, jump := range []struct {
		to      time.Duration
		renewed bool
	}{
		{10 * time.Minute, false}, {-10 * time.Minute, false}, {-2 * time.Hour, true}, {-2 * time.Hour, false},
		{24 * time.Hour, true}, {10 * 365 * 24 * time.Hour, true}, {0, true}, {59 * time.Minute, false},
		{-100 * 365 * 24 * time.Hour, true}, {200 * 365 * 24 * time.Hour, true}, {0, true},
	} {
		now := start.Add(jump.to)
		d.clock.Store(now.UnixNano())
		before, err := os.Stat(dir + "/v1/" + objectName(k))
		if err != nil {
			t.Fatal(err)
		}
		d.wantBody(t, k, []byte("timeless"))
		after, err := os.Stat(dir + "/v1/" + objectName(k))
		if err != nil {
			t.Fatal(err)
		}
		if got := !after.ModTime().Equal(before.ModTime()); got != jump.renewed {
			t.Errorf("clock at %+v: time renewed: %t, want %t", jump.to, got, jump.renewed)
		}
	}
	if st := d.Stats(); st.Evicted != 0 || st.Corrupt != 0 || st.Errors != 0 {
		t.Errorf("Stats = %+v; want nothing evicted, damaged or failed", st)
	}
}

// A Delete whose folder could not be synced is not done: the next one has no file to remove, and the sync still to do.
func TestDeleteSyncsWhatAnEarlierOneRemoved(t *testing.T) {
	b := openBreakable(t, t.TempDir(), 1<<20)
	k := NewKey(Pointer, "x")
	b.mustPut(t, k, &Object{Body: []byte("x")})
	b.now.Store(&fault{op: "sync", err: syscall.EIO})
	for range 2 {
		if err := b.Delete(t.Context(), k); !errors.Is(err, syscall.EIO) {
			t.Errorf("with a folder that cannot be synced: got %v, want EIO", err)
		}
	}
	if n := b.Stats().Objects; n != 0 {
		t.Errorf("%d objects in the index, want 0", n)
	}
	b.now.Store(nil)
	if err := b.Delete(t.Context(), k); err != nil {
		t.Errorf("with a sound folder: %v", err)
	}
}
