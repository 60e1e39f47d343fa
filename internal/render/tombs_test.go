package render

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A lateStore has one who reads a pointer wait before it is told.
type lateStore struct {
	*mapStore
	hold chan struct{} // takes one that is to wait
	read chan struct{} // it has been read
	goOn chan struct{}
}

func (s *lateStore) Get(ctx context.Context, k cache.Key) (*cache.Object, error) {
	o, err := s.mapStore.Get(ctx, k)
	if k.Kind == cache.Pointer {
		select {
		case <-s.hold:
			close(s.read)
			<-s.goOn
		default:
		}
	}
	return o, err
}

// TestLateReaderOfATombstone has somebody read a tombstone just before it is lifted, and say so afterwards: nobody takes it for news.
func TestLateReaderOfATombstone(t *testing.T) {
	for name, lift := range map[string]func(r *Renderer){
		"restored":           func(r *Renderer) { r.Purge(t.Context(), Restore, remote(t)) },
		"forgotten":          func(r *Renderer) { r.Purge(t.Context(), Forget, remote(t)) },
		"restored elsewhere": func(r *Renderer) { r.Apply(t.Context(), Restore, Position{Epoch: 1, Time: 2}, false, remote(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			store := &lateStore{mapStore: newMapStore(), hold: make(chan struct{}, 1), read: make(chan struct{}), goOn: make(chan struct{})}
			o := Options{Store: store, Fetch: &countingOrigin{}, Transform: &fakeEngine{}}
			New(o).Purge(t.Context(), Withdraw, remote(t))
			r := New(o) // which has yet to hear of it
			store.hold <- struct{}{}
			var reader sync.WaitGroup
			reader.Go(func() { r.Withdrawn(t.Context(), remote(t)) })
			<-store.read
			lift(r)
			close(store.goOn)
			reader.Wait()
			if r.Withdrawn(t.Context(), remote(t)) {
				t.Error("withdrawn for ever")
			}
		})
	}
}

// TestRestoreRaces has readers ask without pause for a picture that is taken down and restored again and again.
func TestRestoreRaces(t *testing.T) {
	store, near := newMapStore(), newMapStore()
	r := New(Options{Store: cache.NewTiers(cache.TiersOptions{}, near, store), Near: near, Fetch: &countingOrigin{}, Transform: &fakeEngine{}})
	src := remote(t)
	read := func() error {
		_, err := r.Render(t.Context(), Request{Source: src, Specs: []transform.Spec{webp(320)}})
		return err
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if err := read(); err != nil && !errors.Is(err, errWithdrawn) {
						t.Error(err)
					}
				}
			}
		})
	}
	steps := 1000
	if testing.Short() {
		steps = 100
	}
	for n := range steps {
		r.Purge(t.Context(), Withdraw, src)
		if err := read(); !errors.Is(err, errWithdrawn) {
			t.Errorf("step %d: %v after a take-down", n, err)
		}
		r.Purge(t.Context(), []Purge{Restore, Forget}[n%2], src)
		if err := read(); err != nil {
			t.Errorf("step %d: %v after it was lifted", n, err)
		}
		if t.Failed() {
			break
		}
	}
	close(stop)
	readers.Wait()
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
