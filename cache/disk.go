package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// DiskOptions configures a Disk.
type DiskOptions struct {
	Dir string // made when absent
	// MaxBytes bounds all files, temporary ones included, each rounded up to 4 KiB as a file system does; 0 means 2 GiB.
	// An object larger than an eighth of it is not kept. The folders themselves come on top: at most 769 of them.
	MaxBytes int64
}

const defaultDiskBytes = 2 << 30

// diskStripes is how many locks the keys share for changing a file: held for a rename and an fsync, or a removal.
const diskStripes = 256

// Disk is a Store in a folder: one checksummed file per object, dir/v1/<kind>/<aa>/<hex of the sum>.
//
// Everything in v1 but files of such names is ignored and never removed; so is everything beside v1, such as the folder of
// another format version. Recency is kept across restarts to the hour, in the files' times.
//
// Errors of the medium (full, read-only, unreadable, deleted under us) are errors of Put, misses of Get and counted in
// Stats; each operation tries anew, so that a Disk recovers when the medium does.
//
// Processes on one machine may share a folder; machines may not (rename is atomic only locally). Files appear whole and
// are verified when read, so nothing worse than a miss can come of it. Each process bounds all files that it knows of, and
// looks for those of the others whenever it wrote a twentieth of MaxBytes: by as much each may exceed it.
type Disk struct {
	dir     string
	open    func(dir string) (folder, bool, error) // openFolder, but for tests that break the medium
	now     func() time.Time                       // time.Now, but for tests that set the clock
	index   *diskIndex
	stripes [diskStripes]sync.Mutex // serialise the changes of one key's file and of its place in the index

	mu     sync.Mutex
	folder *medium // replaced by revive

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	work    sync.WaitGroup
	rebuild chan struct{} // holds one request
	evict   chan struct{} // holds one request
	built   chan struct{} // closed when the first build has ended

	gets, hits, puts, deletes, dropped, evicted, corrupt, errors atomic.Int64
}

var _ Store = (*Disk)(nil)

// OpenDisk opens or makes the folder. Its index is built in the background: objects are found by name at once, and Put
// keeps at most a twentieth of MaxBytes until it is known how full the folder is.
//
// A folder that cannot be written is opened for reading; one that cannot be opened or made is an error.
func OpenDisk(o DiskOptions) (*Disk, error) {
	return openDisk(o, openFolder, time.Now)
}

func openDisk(o DiskOptions, open func(string) (folder, bool, error), now func() time.Time) (*Disk, error) {
	if o.Dir == "" || o.MaxBytes < 0 {
		return nil, fmt.Errorf("cache: disk %q of %d bytes: needs a folder and no negative size", o.Dir, o.MaxBytes)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultDiskBytes
	}
	f, fresh, err := open(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("cache: open disk: %w", err)
	}
	d := &Disk{
		dir: o.Dir, open: open, now: now, folder: &medium{folder: f},
		index:   newDiskIndex(o.MaxBytes),
		rebuild: make(chan struct{}, 1), evict: make(chan struct{}, 1), built: make(chan struct{}),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.index.reset(!fresh)
	ask(d.rebuild)
	d.work.Go(d.keepHouse)
	return d, nil
}

// ask puts a request into c, unless one is waiting there.
func ask(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (d *Disk) current() *medium {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.folder
}

func (d *Disk) stripe(k Key) *sync.Mutex { return &d.stripes[k.hash()%diskStripes] }

// Get returns the object for k, having verified its checksum. A file that is short, long or altered is removed and
// reported as ErrMiss wrapping the reason, so a damaged cache costs time and nothing else.
func (d *Disk) Get(ctx context.Context, k Key) (*Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.gets.Add(1)
	f := d.current()
	o, info, err := d.read(ctx, f, k)
	if err == nil {
		d.hits.Add(1)
		now := d.now()
		known, renew := d.index.touch(k, now)
		if !known {
			d.adopt(f, k, info)
		}
		if renew {
			// Recency is approximate: a file system that refuses this is asked again in an hour.
			_ = f.Chtimes(objectName(k), now, now)
		}
		return o, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		d.forgetGone(f, k)
		return nil, ErrMiss
	case errors.Is(err, ErrDamaged):
		d.corrupt.Add(1)
		d.removeDamaged(f, k, info)
	case errors.Is(err, ErrVersion):
	default:
		d.errors.Add(1)
	}
	return nil, fmt.Errorf("%w: %s: %w", ErrMiss, k, err)
}

// read opens and verifies k's file. It returns the file's info with ErrDamaged, and never waits for a FIFO or a device.
func (d *Disk) read(ctx context.Context, f folder, k Key) (*Object, fs.FileInfo, error) {
	r, err := f.OpenFile(objectName(k), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, info, errForeign
	}
	if blocksOf(info.Size()) > d.index.max/blockBytes {
		return nil, info, fmt.Errorf("%w: larger than the cache", errForeign)
	}
	if err := ctx.Err(); err != nil {
		return nil, info, err
	}
	o, err := readObject(r, info.Size(), k)
	return o, info, err
}

// adopt puts k into the index if its file still is the one with info: the build has not come to it, or another process
// wrote it.
func (d *Disk) adopt(f folder, k Key, info fs.FileInfo) {
	s := d.stripe(k)
	s.Lock()
	defer s.Unlock()
	if there, err := f.Lstat(objectName(k)); err == nil && os.SameFile(there, info) {
		d.index.adopt(k, info.Size(), info.ModTime())
	}
}

// removeDamaged removes k's file if it still is the one with info: a Put may have replaced it since it was read.
func (d *Disk) removeDamaged(f folder, k Key, info fs.FileInfo) {
	s := d.stripe(k)
	s.Lock()
	defer s.Unlock()
	there, err := f.Lstat(objectName(k))
	if err != nil || !os.SameFile(there, info) {
		return
	}
	if err := f.Remove(objectName(k)); err != nil {
		d.errors.Add(1)
		return
	}
	d.index.drop(k)
}

// forgetGone drops k from the index if its file is gone: somebody removed it behind our back.
func (d *Disk) forgetGone(f folder, k Key) {
	if !d.index.has(k) {
		return
	}
	s := d.stripe(k)
	s.Lock()
	defer s.Unlock()
	if _, err := f.Lstat(objectName(k)); errors.Is(err, fs.ErrNotExist) {
		d.index.drop(k)
	}
}

// Delete implements Store. When it returns nil the object stays deleted after a crash.
func (d *Disk) Delete(ctx context.Context, k Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.deletes.Add(1)
	f := d.current()
	s := d.stripe(k)
	s.Lock()
	defer s.Unlock()
	err := f.Remove(objectName(k))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		d.index.drop(k)
		// Also when there was no file: whoever removed it (an earlier Delete, an eviction) may not have got to this.
		err = syncFolder(f, parent(objectName(k)))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.errors.Add(1)
		return fmt.Errorf("cache: delete %s: %w", k, err)
	}
	return nil
}

// Stats returns counters. Bytes includes files being written; Objects and Bytes grow while the index is built.
func (d *Disk) Stats() Stats {
	st := Stats{
		Gets: d.gets.Load(), Hits: d.hits.Load(), Puts: d.puts.Load(), Deletes: d.deletes.Load(),
		Dropped: d.dropped.Load(), Evicted: d.evicted.Load(), Corrupt: d.corrupt.Load(), Errors: d.errors.Load(),
	}
	st.Objects, st.Bytes = d.index.totals()
	return st
}

// Close ends background work and waits for it. Puts that wait for room fail. Calls that follow are misses and errors; a
// second Close does nothing.
func (d *Disk) Close() error {
	d.cancel()
	d.work.Wait()
	return d.current().Close()
}
