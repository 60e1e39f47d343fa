package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Put implements Store. When it returns nil the object survives a crash: the file was written beside its place, synced,
// renamed, and its folder synced. An error is ErrNotKept, ctx's, or the medium's.
//
// It waits for room when the budget is used up, at most until ctx ends. Where the file system is full, it has renditions given up
// for as much as it needs, and tries once more.
func (d *Disk) Put(ctx context.Context, k Key, o *Object) error {
	d.puts.Add(1)
	err := d.put(ctx, k, o)
	if full(err) && d.ease(ctx, o) {
		err = d.put(ctx, k, o)
	}
	if err == nil {
		return nil
	}
	d.dropped.Add(1)
	if ctx.Err() == nil && !errors.Is(err, ErrNotKept) {
		d.errors.Add(1)
	}
	return fmt.Errorf("cache: put %s: %w", k, err)
}

func (d *Disk) put(ctx context.Context, k Key, o *Object) error {
	if err := Check(k, o); err != nil {
		return err
	}
	n := diskBytes(o)
	if err := d.reserve(ctx, n); err != nil {
		return err
	}
	f, temp, err := d.writeTemp(ctx, k, o)
	if err == nil {
		err = d.commit(ctx, f, temp, k, n)
	}
	if err != nil {
		if temp != "" {
			// What cannot be removed is a stray that the next start removes; after a rename there is nothing.
			_ = f.Remove(temp)
		}
		d.index.release(n)
	}
	return err
}

// diskBytes is what o takes of the budget.
func diskBytes(o *Object) int64 {
	return blocksOf(int64(headerBytes+len(o.Meta)+len(o.Body))) * blockBytes
}

// full reports whether a Put failed because the file system, or the user's share of it, is full.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// ease has renditions given up for o, and more, so that the next Put finds room. It reports whether any was.
func (d *Disk) ease(ctx context.Context, o *Object) bool {
	before := d.evicted.Load()
	tried := d.index.squeeze(diskBytes(o))
	ask(d.evict)
	if tried == nil {
		return false
	}
	select {
	case <-tried:
		return d.evicted.Load() > before
	case <-ctx.Done():
	case <-d.ctx.Done():
	}
	return false
}

// reserve takes n bytes from the budget, having objects evicted when there is no room.
func (d *Disk) reserve(ctx context.Context, n int64) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		again, err := d.index.reserve(n)
		if again == nil {
			return err
		}
		ask(d.evict)
		select {
		case <-again:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.ctx.Done():
			return fmt.Errorf("%w: disk is closed", ErrNotKept)
		}
	}
}

// writeTemp writes and syncs a temporary file. It returns the folder that it is in, and its name once there is one.
func (d *Disk) writeTemp(ctx context.Context, k Key, o *Object) (*medium, string, error) {
	const exclusive = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	temp := tempFolder + "/" + rand.Text()
	f := d.current()
	w, err := f.OpenFile(temp, exclusive, filePerm)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = d.revive(f); err == nil {
			w, err = f.OpenFile(temp, exclusive, filePerm)
		}
	}
	if err != nil {
		return f, "", err
	}
	err = writeObject(w, k, o)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = w.Sync()
	}
	return f, temp, errors.Join(err, w.Close())
}

// commit gives the temporary file its name, for good, and its place in the index.
func (d *Disk) commit(ctx context.Context, f *medium, temp string, k Key, n int64) error {
	name := objectName(k)
	s := d.stripe(k)
	s.Lock()
	defer s.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if !f.ready(k) {
		if err := f.makeReady(k); err != nil {
			return err
		}
	}
	err := f.Rename(temp, name)
	if errors.Is(err, fs.ErrNotExist) { // somebody deleted the folder since
		if err = f.remake(k); err == nil {
			err = f.Rename(temp, name)
		}
	}
	if err != nil {
		return err
	}
	if err := syncFolder(f, parent(name)); err != nil {
		// It is there, but perhaps not after a crash. An error means not kept, so it goes.
		if f.Remove(name) == nil {
			d.index.drop(k)
		}
		return err
	}
	if other, ok := d.index.commit(k, n, d.now()); ok {
		// Best effort: a file that stays is found again by the next start.
		_ = f.Remove(objectName(other))
	}
	if d.index.lookDue() {
		ask(d.evict)
	}
	return nil
}

// revive makes the temporary folder again, or the whole cache folder, after somebody deleted them under us: a handle to
// a deleted folder would fail for ever. It returns the folder to go on with.
func (d *Disk) revive(failed *medium) (*medium, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.folder != failed {
		return d.folder, nil // another Put did it
	}
	if d.ctx.Err() != nil {
		return failed, fmt.Errorf("%w: disk is closed", ErrNotKept)
	}
	switch err := failed.Mkdir(tempFolder, dirPerm); {
	case err == nil || errors.Is(err, fs.ErrExist):
		return failed, nil
	case !errors.Is(err, fs.ErrNotExist):
		return failed, err // the folder is there and cannot be written
	}
	f, fresh, err := d.open(d.dir)
	if err != nil {
		return failed, err
	}
	_ = failed.Close() // of a folder that is gone
	d.folder = &medium{folder: f}
	d.index.reset(!fresh)
	ask(d.rebuild)
	return d.folder, nil
}
