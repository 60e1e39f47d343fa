package render

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A countingOrigin serves a file that says which edition it is.
type countingOrigin struct{ edition atomic.Int64 }

func (o *countingOrigin) Fetch(_ context.Context, src source.Source, _ fetch.Validators) (*fetch.Original, error) {
	body := fmt.Appendf(nil, "edition %d", o.edition.Load())
	for range 20 { // the time that the bytes take; others are busy meanwhile
		runtime.Gosched()
	}
	return &fetch.Original{Body: body, From: src}, nil
}

// editionOf is the edition that an original or a rendition of one is; -1 for what is neither.
func editionOf(body []byte) int64 {
	_, number, found := bytes.Cut(body, []byte("edition "))
	n, err := strconv.ParseInt(string(number), 10, 64)
	if !found || err != nil {
		return -1
	}
	return n
}

// A latestStore notes Puts that begin with an edition that is not to be stored any more.
type latestStore struct {
	*mapStore
	least atomic.Int64
	late  atomic.Int64
}

func (s *latestStore) Put(ctx context.Context, k cache.Key, o *cache.Object) error {
	if n := editionOf(o.Body); n >= 0 && n < s.least.Load() {
		s.late.Add(1)
	}
	return s.mapStore.Put(ctx, k, o)
}

// TestPurgeRaces has readers ask without pause for a picture that is replaced and purged again and again: whoever asks after
// a purge returned has no older edition, and no older edition is stored.
func TestPurgeRaces(t *testing.T) {
	const purges, readers = 300, 4
	origin, engine := &countingOrigin{}, &fakeEngine{}
	slow := &latestStore{mapStore: newMapStore()}
	near := newMapStore()
	r := New(Options{Store: cache.NewTiers(cache.TiersOptions{}, near, slow), Near: near, Fetch: origin, Transform: engine})
	src := remote(t)
	var again atomic.Int64
	kept := make([]atomic.Pointer[Rendition], 400) // by width: what Again is asked for
	read := func(width int) {
		least := slow.least.Load()
		if k := kept[width].Load(); k != nil {
			if body, ok := r.Again(t.Context(), k); ok {
				again.Add(1)
				if n := editionOf(body); n < least {
					t.Errorf("read edition %d again after edition %d was the oldest", n, least)
				}
				return
			}
		}
		rends, err := r.Render(t.Context(), Request{Source: src, Specs: []transform.Spec{webp(width)}})
		if err != nil {
			t.Error(err)
		} else if n := editionOf(rends[0].Body); n < least {
			t.Errorf("read edition %d after edition %d was the oldest", n, least)
		} else if rends[0].Lasting() {
			kept[width].Store(rends[0])
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			for width := 320; ; width = 320 + (width+1)%(2+i) {
				select {
				case <-stop:
					return
				default:
					read(width)
				}
			}
		})
	}
	for range purges {
		edition := origin.edition.Add(1)
		if d := r.Purge(t.Context(), Forget, src); !d[0].Done {
			t.Fatalf("purged %+v, want done", d[0])
		}
		slow.least.Store(edition)
		read(320)
	}
	close(stop)
	wg.Wait()
	if again.Load() == 0 {
		t.Error("nothing was answered again")
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := slow.late.Load(); n > 0 {
		t.Errorf("%d objects of a purged edition were stored", n)
	}
}
