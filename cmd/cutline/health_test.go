package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
)

// TestHealth verifies what is said of a cache folder that works, fails, hangs and works again, and how often it is tried for that.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int64
		trouble, hang := "", make(chan struct{})
		close(hang)
		h := &health{try: func() string { tries.Add(1); <-hang; return trouble }}
		ask := func(step string, want string, wantTries int) {
			t.Helper()
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if got := h.degraded(); !slices.Equal(got, []string{want}[:min(len(want), 1)]) {
						t.Errorf("%s: %q, want %q", step, got, want)
					}
				})
			}
			all.Wait()
			if n := tries.Load(); n != int64(wantTries) {
				t.Errorf("%s: %d tries, want %d", step, n, wantTries)
			}
		}
		time.Sleep(time.Hour)
		ask("sound", "", 1)
		trouble = folderUnwritable
		ask("broken a moment ago", "", 1)
		time.Sleep(tryEvery)
		ask("broken", folderUnwritable, 2)
		hang = make(chan struct{})
		time.Sleep(tryEvery)
		ask("hangs since a moment", folderUnwritable, 3)
		time.Sleep(tryTime)
		ask("hangs", folderSilent, 3)
		time.Sleep(time.Hour)
		ask("hangs for an hour", folderSilent, 3)
		trouble = ""
		close(hang)
		synctest.Wait()
		ask("works again", "", 4)
		if got := (&health{trouble: folderUnused}).degraded(); !slices.Equal(got, []string{folderUnused}) {
			t.Errorf("memory only: %q", got)
		}
		if got := (&health{}).degraded(); got != nil {
			t.Errorf("no folder wanted: %q", got)
		}
	})
}

// A balky store fails at one operation.
type balky struct {
	cache.Store
	put, get, del error
}

func (b balky) Put(ctx context.Context, k cache.Key, o *cache.Object) error {
	return errors.Join(b.put, b.Store.Put(ctx, k, o))
}

func (b balky) Delete(ctx context.Context, k cache.Key) error {
	return errors.Join(b.del, b.Store.Delete(ctx, k))
}

func (b balky) Get(ctx context.Context, k cache.Key) (*cache.Object, error) {
	if b.get != nil {
		return nil, b.get
	}
	return b.Store.Get(ctx, k)
}

// TestTryKeeping verifies which trouble is which, on a disk, and that a try leaves nothing behind.
func TestTryKeeping(t *testing.T) {
	disk, err := cache.OpenDisk(cache.DiskOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	no := errors.New("no")
	for want, b := range map[string]balky{
		"":               {put: cache.ErrNotKept},
		folderUnwritable: {put: no},
		folderUnreadable: {get: no},
	} {
		b.Store = disk
		if got, err := tryKeeping(b); got != want || (err != nil) != (want != "") {
			t.Errorf("%+v: %q, %v, want %q", b, got, err, want)
		}
	}
	if got, err := tryKeeping(balky{Store: disk, del: no}); got != folderUnwritable || !errors.Is(err, no) {
		t.Errorf("cannot delete: %q, %v", got, err)
	}
	if got, err := tryKeeping(disk); got != "" || err != nil || disk.Stats().Objects != 0 {
		t.Errorf("sound: %q, %v, %d objects left", got, err, disk.Stats().Objects)
	}
}
