package render

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// An echo is a Fetcher whose originals say whose they are.
type echo struct{}

func (echo) Fetch(_ context.Context, src source.Source, _ fetch.Validators) (*fetch.Original, error) {
	return &fetch.Original{Body: []byte(src.String()), From: src}, nil
}

// T10: ten thousand requests, hundreds at once, for a thousand pictures, while the store forgets. Each answer's pixels, words and
// original belong together. Where too many originals are lost at once the answer is Busy, and no picture of another.
func TestNoMixUp(t *testing.T) {
	const pictures, requests, atOnce = 1000, 10_000, 400 // as many as the gates let in
	store := newMapStore()
	r := New(Options{Store: store, Fetch: echo{}, Transform: &fakeEngine{}})
	stop := make(chan struct{})
	var forgetting, readers sync.WaitGroup
	forgetting.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			for _, kind := range []cache.Kind{cache.Original, cache.Rendition, cache.Pointer} {
				store.drop(kind)
			}
		}
	})
	for first := range atOnce {
		readers.Go(func() {
			for i := first; i < requests; i += atOnce {
				check(t, r, mustParse(t, fmt.Sprintf("https://h%d.example/%d.jpg", i%7, i%pictures)))
			}
		})
	}
	readers.Wait()
	close(stop)
	forgetting.Wait()
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// check renders src and looks whose pixels, words and original came back.
func check(t *testing.T, r *Renderer, src source.Source) {
	t.Helper()
	req := Request{Source: src, Specs: []transform.Spec{webp(320), webp(640)}, Words: caption.Words{Alt: "alt of " + src.String()}}
	rends, err := r.Render(t.Context(), req)
	if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Class != Busy) {
		t.Error(err)
	}
	for i, rend := range rends {
		want := fmt.Sprintf("%s of %s", req.Specs[i].Resolve(2000, 1000, DefaultMaxOutput, 0), src)
		if string(rend.Body) != want || rend.Words != req.Words || rend.Original != sha256.Sum256([]byte(src.String())) {
			t.Errorf("%s: body %q, words %+v", src, rend.Body, rend.Words)
		}
	}
}
