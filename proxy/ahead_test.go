package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A studio is a Builder whose pictures are all of one size.
type studio struct {
	idle  chan error // one for each step; closed is always
	built []string   // sources, one for each step
	fail  error
	body  []byte
	hook  func(step int)
}

func newStudio() *studio {
	b := &studio{idle: make(chan error), body: make([]byte, 100)}
	close(b.idle)
	return b
}

func (b *studio) Idle(ctx context.Context) error {
	select {
	case err := <-b.idle:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *studio) Build(_ context.Context, r render.Build) (*render.Original, []*render.Rendition, error) {
	b.built = append(b.built, r.Source.String())
	if b.hook != nil {
		b.hook(len(b.built))
	}
	if b.fail != nil {
		return nil, nil, b.fail
	}
	o := &render.Original{Info: transform.Info{Format: transform.JPEG, Width: 2000, Height: 1000, Frames: 1}}
	var rends []*render.Rendition
	for _, spec := range r.Choose(o) {
		rends = append(rends, &render.Rendition{Spec: spec, Body: b.body, Kept: true, Outcome: render.Filled})
	}
	return o, rends, nil
}

// newAhead makes a Server of n posts, with a picture each, that makes them ahead.
func newAhead(t *testing.T, n int, b *studio, bytes int64) *Server {
	t.Helper()
	s, err := New(Options{Catalog: siteOf(t, 0, n), Renderer: &stub{}, Ahead: b, AheadBytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func siteOf(t *testing.T, from, n int) *catalog.Catalog {
	t.Helper()
	site := map[string]string{}
	for i := from; i < from+n; i++ {
		site[fmt.Sprintf("%04d.md", i)] = fmt.Sprintf("---\nimage: https://origin.example/%04d.jpg\n---\n", i)
	}
	return scan(t, site)
}

// run makes ahead until nothing is left to do.
func (s *Server) run(t *testing.T, newest int) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.MakeAhead(ctx, newest) }()
	synctest.Wait()
	cancel()
	<-done
}

const plenty = 1 << 30

// TestAhead verifies what is made ahead: the newest at the start, and then what comes, the last first.
func TestAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStudio()
		s := newAhead(t, 100, b, plenty)
		s.run(t, 2)
		if got, want := slices.Compact(slices.Clone(b.built)), []string{"https://origin.example/0099.jpg", "https://origin.example/0098.jpg"}; !slices.Equal(got, want) {
			t.Errorf("at the start %q, want %q", got, want)
		}
		b.built = nil
		s.o.Scan = func(context.Context, *catalog.Catalog, bool) (*catalog.Catalog, error) { return siteOf(t, 50, 52), nil }
		if _, err := s.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.run(t, 0)
		if got, want := slices.Compact(slices.Clone(b.built)), []string{"https://origin.example/0101.jpg", "https://origin.example/0100.jpg"}; !slices.Equal(got, want) {
			t.Errorf("of what came %q, want %q", got, want)
		}
		if st := s.AheadStats(); st.Pictures != 4 || st.Waiting != 0 || st.Renditions == 0 || st.Bytes != 100*st.Renditions || st.Dropped+st.Failed != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestAheadIsBounded verifies that what is made ahead is, in pictures that wait and in bytes, and that what cannot be had, finds no
// time, or is gone before its turn is left.
func TestAheadIsBounded(t *testing.T) {
	other := siteOf(t, 50, 1)
	for _, tt := range []struct {
		name  string
		posts int
		bytes int64
		rig   func(*Server, *studio)
		want  AheadStats
	}{
		{"many pictures", maxAhead + 7, plenty, nil, AheadStats{Pictures: maxAhead, Dropped: 7}},
		{"no room", 3, 0, nil, AheadStats{Dropped: 3}},
		{"room for a step", 3, 1, nil, AheadStats{Dropped: 3, Renditions: 6}},
		{"no time", 3, plenty, func(_ *Server, b *studio) {
			b.idle = make(chan error, 3)
			for range 3 {
				b.idle <- errors.New("busy")
			}
		}, AheadStats{Dropped: 3}},
		{"no original", 3, plenty, func(_ *Server, b *studio) { b.fail = errors.New("down") }, AheadStats{Failed: 3}},
		{"gone meanwhile", 3, plenty, func(s *Server, b *studio) {
			b.hook = func(step int) {
				if step == 1 {
					s.current.Store(newSnapshot(other, 0, nil))
				}
			}
		}, AheadStats{Dropped: 3, Renditions: 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newStudio()
				s := newAhead(t, tt.posts, b, tt.bytes)
				if tt.rig != nil {
					tt.rig(s, b)
				}
				s.run(t, tt.posts)
				got := s.AheadStats()
				if tt.want.Pictures > 0 {
					tt.want.Renditions = got.Renditions
				}
				got.Bytes = 0
				if got != tt.want {
					t.Errorf("stats %+v, want %+v", got, tt.want)
				}
			})
		})
	}
}

// TestAheadSteps verifies the order: what is above the fold, what a page has of each format, and slow ones by themselves.
func TestAheadSteps(t *testing.T) {
	s, err := New(Options{
		Catalog: siteOf(t, 0, 1), Renderer: &stub{}, Widths: []int{320, 640, 1600},
		Formats: []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, step := range s.aheadSteps(transform.Info{Format: transform.JPEG, Width: 1000, Height: 1000}, catalog.Focus{Set: true, X: 30, Y: 70}) {
		var names []string
		for _, spec := range step {
			names = append(names, spec.String())
		}
		got = append(got, names)
	}
	t.Log(got)
	if len(got) < 4 || !slices.Contains(got[0], "w640-h360-cover-fp30x70.webp") || !slices.Contains(got[0], "w1600.jpg") || len(got[len(got)-1]) != 1 {
		t.Errorf("steps %q", got)
	}
}
