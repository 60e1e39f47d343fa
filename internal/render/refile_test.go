package render

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
)

// TestRefile verifies that an original is in the archive as long as a post shows it, and among the rest otherwise, at once and
// without its origin, whether another source has the same bytes or not.
func TestRefile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		twin := mustParse(t, "https://another.example/twin.jpg") // the origin sends the same for it
		shown := []source.Source{remote(t), twin}
		g.configure(Options{Archived: func(src source.Source) bool { return slices.Contains(shown, src) }})
		g.warm(t, remote(t))
		g.warm(t, twin)
		g.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrUnreachable })
		for i, tt := range []struct {
			shown []source.Source
			want  int // originals in the archive
		}{
			{[]source.Source{remote(t), twin}, 1},
			{[]source.Source{twin}, 1}, // which has the same bytes
			{nil, 0},
			{[]source.Source{remote(t)}, 1},
			{nil, 0},
			{[]source.Source{remote(t), twin}, 1},
		} {
			shown = tt.shown
			g.Refile(t.Context(), []source.Source{remote(t), twin, mustParse(t, "https://origin.example/never.jpg")}, shown)
			if n := g.store.count(cache.Original); n != tt.want {
				t.Errorf("step %d: %d originals in the archive, want %d", i, n, tt.want)
			}
			if p := g.loadPointer(t.Context(), twin); p.Loose == slices.Contains(shown, twin) {
				t.Errorf("step %d: loose: %t", i, p.Loose)
			}
			if rend, err := g.one(t, remote(t), 400+i); err != nil || !strings.HasSuffix(string(rend.Body), "of one") {
				t.Errorf("step %d: %+v, %v, want the picture", i, rend, err)
			}
			synctest.Wait()
		}
		time.Sleep(25 * time.Hour)
		g.store.drop(cache.Rendition)
		if rend, err := g.one(t, remote(t), 960); err != nil || !strings.HasSuffix(string(rend.Body), "of one") {
			t.Errorf("after all else was given up: %+v, %v, want the picture", rend, err)
		}
		if got := g.reported(); len(got) > 1 { // the origin, once
			t.Errorf("reports %v", got)
		}
	})
}
