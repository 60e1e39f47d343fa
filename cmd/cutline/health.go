package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/bucket"
)

// What /readyz says of the cache folder. A server without it works: its pictures are made anew after a restart.
const (
	folderUnused     = "the cache folder cannot be used, the cache is in memory only"
	folderUnwritable = "the cache folder cannot be written"
	folderUnreadable = "the cache folder cannot be read"
	folderSilent     = "the cache folder does not answer"
)

// What /readyz says of the bucket. A server without it works: what others have made it makes anew.
const (
	bucketRefused = "the bucket refuses the credentials"
	bucketMissing = "the bucket does not exist"
	bucketSilent  = "the bucket does not answer"
	bucketFailing = "the bucket fails"
)

const (
	// tryTime bounds one try of the cache folder: a few fsyncs, that a busy disk answers within a second.
	tryTime = 5 * time.Second
	// tryEvery is how often the folder is tried when somebody asks: as often as Kubernetes does by default (periodSeconds). A try is
	// three fsyncs.
	tryEvery = 10 * time.Second
	// tryWait is how long an answer waits for a try: below the second that Kubernetes gives a probe (timeoutSeconds).
	tryWait = 500 * time.Millisecond
)

// A health tells whether the cache folder works, or the bucket. Nothing is tried unless somebody asks. Its zero value has none, and
// tells nothing. It is safe for concurrent use.
type health struct {
	try    func() (trouble string) // tries it; "" is none; nil has nothing to try
	silent string                  // what is said while a try does not end; "" is folderSilent

	mu      sync.Mutex
	trouble string    // of the last try that ended
	begun   time.Time // when the last try began
	trying  chan struct{}
}

// degraded lists what does not work, in fixed words.
func (h *health) degraded() []string {
	h.mu.Lock()
	if h.try != nil && h.trying == nil && time.Since(h.begun) >= tryEvery {
		h.begin()
	}
	trying := h.trying
	h.mu.Unlock()
	if trying != nil {
		select {
		case <-trying:
		case <-time.After(tryWait):
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.trying != nil && time.Since(h.begun) > tryTime:
		return []string{cmp.Or(h.silent, folderSilent)} // a disk that hangs does not mind a context's end
	case h.trouble != "":
		return []string{h.trouble}
	}
	return nil
}

// degraded is what all of them tell, tried at one time.
func degraded(all ...*health) []string {
	told := make([][]string, len(all))
	var tries sync.WaitGroup
	for i, h := range all {
		tries.Go(func() { told[i] = h.degraded() })
	}
	tries.Wait()
	return slices.Concat(told...)
}

// tryBucket says what is wrong with b.
func tryBucket(ctx context.Context, b *bucket.Store) (trouble string) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	switch err := b.Try(ctx); {
	case err == nil:
		return ""
	case errors.Is(err, bucket.ErrRefused):
		return bucketRefused
	case errors.Is(err, bucket.ErrNoBucket):
		return bucketMissing
	case errors.Is(err, bucket.ErrSlow):
		return bucketSilent
	}
	return bucketFailing
}

// begin begins a try. It needs h.mu.
func (h *health) begin() {
	done := make(chan struct{})
	h.begun, h.trying = time.Now(), done
	go func() {
		trouble := h.try()
		h.mu.Lock()
		defer h.mu.Unlock()
		h.trouble, h.trying = trouble, nil
		close(done)
	}()
}

// tryKeeping keeps an object in a folder's store, reads it and forgets it again. A folder that cannot be written is opened for
// reading, and whoever runs the server shall know before a picture was made twice.
func tryKeeping(store cache.Store) (trouble string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), tryTime)
	defer cancel()
	k := cache.NewKey(cache.Pointer, "cutline's try") // no source is spelled like that
	err = store.Put(ctx, k, &cache.Object{})
	switch {
	case errors.Is(err, cache.ErrNotKept):
		return "", nil // full to its bound; it will make room
	case err != nil:
		return folderUnwritable, err
	}
	if _, err := store.Get(ctx, k); err != nil {
		return folderUnreadable, errors.Join(err, store.Delete(ctx, k))
	}
	if err := store.Delete(ctx, k); err != nil {
		return folderUnwritable, err
	}
	return "", nil
}
