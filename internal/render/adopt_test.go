package render

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestAdopted verifies that an answer has another machine's pixels and tag once the store has them, although its own are near, with
// words in them, and although the answer could be given again.
func TestAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, near := newSpliceRig(t)
		ann := caption.Words{Credit: "Ann"}
		g.with(t, jpeg(320), ann)
		own := g.with(t, jpeg(320), ann)
		if !own.Lasting() || near.count(cache.Rendition) == 0 {
			t.Fatal("nothing is near that could hide the other one: proves nothing")
		}
		other := newRig(t)
		other.engine.file = imagetest.JPEG(t, 32, 64)
		other.with(t, jpeg(320), ann)
		theirs := other.with(t, jpeg(320), ann)
		for k, o := range other.store.objects {
			if k.Kind != cache.Rendition {
				continue
			}
			if g.store.objects[k] == nil {
				t.Fatal("the machines name a rendition differently")
			}
			g.store.objects[k] = o
			g.Adopted(k)
		}
		if _, ok := g.Again(t.Context(), own); ok {
			t.Error("its own answer is given again")
		}
		if got := g.with(t, jpeg(320), ann); got.ETag != theirs.ETag || !bytes.Equal(got.Body, theirs.Body) || got.Outcome != Hit {
			t.Errorf("%s, ETag %s; want a hit with the other's, %s", got.Outcome, got.ETag, theirs.ETag)
		}
	})
}

// TestSecondMachineTakesTheDate verifies that who finds, after a fetch, that another machine knows the same bytes takes the earlier
// of the two dates.
func TestSecondMachineTakesTheDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		first, err := g.one(t, remote(t), 100)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		k := pointerKey(remote(t))
		p := g.loadPointer(context.Background(), remote(t))
		p.Current.Modified = first.Modified.Add(-1e9 * 3600)
		o, err := pointerObject(p)
		if err != nil {
			t.Fatal(err)
		}
		g.store.objects[k] = o
		later := *p.Current
		later.Modified = first.Modified
		p.Current = &later
		g.keep(context.Background(), remote(t), located{ptr: p, body: []byte("x"), keep: true, token: g.purges.now()})
		if got := g.loadPointer(context.Background(), remote(t)).Current.Modified; !got.Equal(first.Modified.Add(-1e9 * 3600)) {
			t.Errorf("modified %v, want the earlier, an hour before %v", got, first.Modified)
		}
	})
}
