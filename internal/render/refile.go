package render

import (
	"context"
	"fmt"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
)

// Refile moves the originals of sources to where they belong since the answers of Options.Archived changed: into the archive, or
// out of it, among what a full store gives up first. Sources that are where they belong stay there; shown are all that posts
// show, for two of them may have the same bytes. It returns when all is done, or ctx has ended; what is left then is moved when
// it is fetched again, and no answer depends on it.
func (r *Renderer) Refile(ctx context.Context, sources, shown []source.Source) {
	var out []sum
	for _, src := range sources {
		if ctx.Err() != nil {
			return
		}
		if s, moved := r.refile(ctx, src); moved && !r.archived(src) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return
	}
	needed := make(map[sum]bool, len(shown))
	for _, src := range shown {
		if ctx.Err() != nil {
			return
		}
		if p := r.loadPointer(ctx, src); p.Current != nil && !p.Loose {
			needed[p.Current.Sum] = true
		}
	}
	for _, s := range out {
		if needed[s] {
			continue
		}
		// A source that is fetched meanwhile, with the same bytes, still finds them where they are now.
		if err := r.o.Store.Delete(ctx, s.key()); err != nil {
			r.report(fmt.Errorf("take an original out of the archive: %w", err))
		}
	}
}

// refile keeps the original of src where it belongs too, and notes that in its pointer.
func (r *Renderer) refile(ctx context.Context, src source.Source) (s sum, moved bool) {
	t, p, archived := r.purges.now(), r.loadPointer(ctx, src), r.archived(src)
	if p.Current == nil || p.Loose != archived {
		return s, false
	}
	s = p.Current.Sum
	body, ok := r.loadOriginal(ctx, s)
	if !ok {
		return s, false
	}
	k := s.looseKey()
	if archived {
		k = s.key()
	}
	r.commit(src, t, func() { r.put(ctx, k, &cache.Object{Body: body}) })
	r.change(ctx, src, t, func(latest pointer) (pointer, bool) {
		moved = latest.Current != nil && latest.Current.Sum == s // else a flight has brought another one, which it filed itself
		latest.Loose = !archived
		return latest, moved
	})
	return s, moved
}
