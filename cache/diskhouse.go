package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// scanBatch is how many names of a folder are read at a time: bounds memory, and how long Close waits.
const scanBatch = 1024

// keepHouse is the one background goroutine: it builds the index and evicts. Because it does both, they never overlap.
func (d *Disk) keepHouse() {
	for first := true; ; {
		select {
		case <-d.ctx.Done():
			return
		case <-d.rebuild:
			d.build()
			if first {
				close(d.built)
				first = false
			}
			d.evictPass()
		case <-d.evict:
			if d.index.lookDue() {
				d.look()
			}
			d.evictPass()
		}
	}
}

// build reads the folder into the index: names, sizes and times, not contents. What it cannot read it counts and leaves
// out. It ends early with Close, or when revive put another folder in place.
//
// A Delete between reading a name and loading it leaves an object in the index that is not there. It costs its bytes of
// the budget until a Get or an eviction notices.
func (d *Disk) build() {
	f := d.current()
	if !d.scanAll(f) {
		return
	}
	d.index.finish()
	d.index.looked(f.Shared())
}

// look finds what other processes put into the folder since the last time. Alone it need not.
func (d *Disk) look() {
	f := d.current()
	shared := f.Shared()
	if shared && !d.scanAll(f) {
		return
	}
	d.index.looked(shared)
}

// scanAll loads all folders. It reports false when it ended early.
func (d *Disk) scanAll(f *medium) bool {
	for kind := Pointer; kind <= Rendition; kind++ {
		if _, err := f.Lstat(kind.String()); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for fan := range 256 {
			if d.ctx.Err() != nil || d.current() != f {
				return false
			}
			err := d.scan(f, kind, fmt.Sprintf("%02x", fan))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				d.errors.Add(1)
			}
		}
	}
	return true
}

// scan loads one folder such as "rendition/01".
func (d *Disk) scan(f folder, kind Kind, fan string) error {
	dir, err := f.OpenFile(kind.String()+"/"+fan, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer dir.Close()
	for d.ctx.Err() == nil {
		entries, err := dir.ReadDir(scanBatch)
		for _, e := range entries {
			k, ok := parseName(kind, fan, e.Name())
			if !ok {
				continue
			}
			// A file that vanished since is no object; neither is a folder or a link of such a name.
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
				d.index.load(k, info.Size(), info.ModTime())
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// evictPass gives objects up until the index is content, or until a file cannot be removed.
func (d *Disk) evictPass() {
	plan := d.index.plan()
	if plan.tried != nil {
		defer close(plan.tried)
	}
	for d.ctx.Err() == nil {
		k, ok := d.index.coldest(plan)
		if !ok || !d.evictOne(plan, k) {
			return
		}
	}
}

// evictOne removes k, if it still is the one to go, and then its bytes from the budget: in this order, so that the files
// are never more than the budget says. It reports whether to go on.
func (d *Disk) evictOne(plan evictionPlan, k Key) bool {
	s := d.stripe(k)
	s.Lock()
	defer s.Unlock()
	if now, ok := d.index.coldest(plan); !ok || now != k {
		return true // used or replaced meanwhile
	}
	err := d.current().Remove(objectName(k))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.errors.Add(1)
		d.index.keep(k)
		return false
	}
	d.index.drop(k)
	d.evicted.Add(1)
	return true
}
