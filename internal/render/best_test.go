package render

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

var (
	everything = []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF}
	modern     = []transform.Format{transform.WebP, transform.JPEG, transform.PNG}
	classic    = []transform.Format{transform.JPEG, transform.PNG}
)

// newBestRig is a rig whose engine writes AVIF, slowly, and whose formats have sizes of their own.
func newBestRig(t *testing.T) *rig {
	g := newRig(t)
	g.engine.avif = true
	g.engine.sizes = map[transform.Format]int{transform.AVIF: 500, transform.WebP: 700, transform.JPEG: 900, transform.PNG: 2000, transform.GIF: 3000}
	g.configure(Options{Slow: []transform.Format{transform.AVIF}})
	t.Cleanup(func() { _ = g.Close(context.Background()) }) // a bubble ends when nothing waits in it any more
	return g
}

// rest waits until what is made and stored behind answers is, where nothing stands in its way.
func rest() {
	synctest.Wait()
	time.Sleep(2 * quietPoll)
	synctest.Wait()
}

// best answers with the smallest 320 pixels wide.
func (g *rig) best(t *testing.T, src source.Source, accepted []transform.Format) *Rendition {
	t.Helper()
	rend, err := g.Best(t.Context(), Request{Source: src, Specs: []transform.Spec{{Width: 320}}}, accepted)
	if err != nil {
		t.Fatal(err)
	}
	return rend
}

// made lists the formats of the renditions that were made, in order.
func (g *rig) formats() (out []transform.Format) {
	g.engine.mu.Lock()
	defer g.engine.mu.Unlock()
	for _, call := range g.engine.calls {
		for _, s := range call {
			out = append(out, s.Format)
		}
	}
	return out
}

func TestBestSuitsThePicture(t *testing.T) {
	photo := transform.Info{Format: transform.JPEG, Width: 2000, Height: 1000, Frames: 1}
	drawing := transform.Info{Format: transform.PNG, Width: 2000, Height: 1000, Frames: 1}
	cutout := transform.Info{Format: transform.WebP, Width: 2000, Height: 1000, Frames: 1, Alpha: true}
	film := transform.Info{Format: transform.GIF, Width: 2000, Height: 1000, Frames: 24, Alpha: true}
	red := transform.Opaque | 0xff0000
	for _, tt := range []struct {
		name     string
		info     transform.Info
		spec     transform.Spec
		accepted []transform.Format
		made     []transform.Format // at once
		want     transform.Format
	}{
		{"photo", photo, transform.Spec{}, modern, []transform.Format{transform.WebP, transform.JPEG}, transform.WebP},
		{"photo, nothing named", photo, transform.Spec{}, classic, []transform.Format{transform.JPEG}, transform.JPEG},
		{"photo, only JPEG offered", photo, transform.Spec{}, []transform.Format{transform.JPEG}, []transform.Format{transform.JPEG}, transform.JPEG},
		{"photo, only PNG offered", photo, transform.Spec{}, []transform.Format{transform.PNG}, []transform.Format{transform.PNG}, transform.PNG},
		{"photo, only GIF offered", photo, transform.Spec{}, []transform.Format{transform.GIF}, []transform.Format{transform.GIF}, transform.GIF},
		{"photo, only AVIF offered", photo, transform.Spec{}, []transform.Format{transform.AVIF}, []transform.Format{transform.AVIF}, transform.AVIF},
		{"drawing", drawing, transform.Spec{}, classic, []transform.Format{transform.JPEG, transform.PNG}, transform.JPEG},
		{"transparent", cutout, transform.Spec{}, classic, []transform.Format{transform.PNG}, transform.PNG},
		{"transparent, WebP too", cutout, transform.Spec{}, modern, []transform.Format{transform.WebP, transform.PNG}, transform.WebP},
		{"transparent, no PNG", cutout, transform.Spec{}, []transform.Format{transform.JPEG}, []transform.Format{transform.JPEG}, transform.JPEG},
		{"on a background", cutout, transform.Spec{Background: red}, classic, []transform.Format{transform.JPEG}, transform.JPEG},
		{"padded with nothing", photo, transform.Spec{Height: 320, Fit: transform.Pad}, classic, []transform.Format{transform.PNG}, transform.PNG},
		{"padded with a colour", photo, transform.Spec{Height: 320, Fit: transform.Pad, Background: red}, classic, []transform.Format{transform.JPEG}, transform.JPEG},
		{"in a box that it fills", photo, transform.Spec{Height: 160, Fit: transform.Pad}, classic, []transform.Format{transform.JPEG}, transform.JPEG},
		{"film, first frame", film, transform.Spec{}, modern, []transform.Format{transform.WebP, transform.PNG}, transform.WebP},
		{"film", film, transform.Spec{Animate: true}, everything, []transform.Format{transform.WebP, transform.GIF}, transform.WebP},
		{"film that cannot move", film, transform.Spec{Animate: true}, classic, []transform.Format{transform.PNG}, transform.PNG},
		{"photo as a film", photo, transform.Spec{Animate: true}, modern, []transform.Format{transform.WebP, transform.JPEG}, transform.WebP},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newBestRig(t)
				g.engine.info = tt.info
				tt.spec.Width = 320
				var got []transform.Format
				for i := range 2 {
					rend, err := g.Best(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{tt.spec}}, tt.accepted)
					if err != nil {
						t.Fatal(err)
					}
					if i == 0 {
						got = g.formats()
					}
					if rend.Spec.Format != tt.want || rend.Of != tt.info.Frames || rend.Frames != 1 {
						t.Errorf("got %s, %d of %d frames, want %s", rend.Spec.Format, rend.Frames, rend.Of, tt.want)
					}
					rest()
				}
				if !slices.Equal(got, tt.made) {
					t.Errorf("made %v, want %v", got, tt.made)
				}
			})
		})
	}
}

func TestBestKeepsItsChoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		first := g.best(t, remote(t), modern)
		if first.Outcome != Filled || first.Interim || first.Quality != 71 {
			t.Errorf("first: %+v, want it filled, final, at quality 71", first)
		}
		rest()
		g.restart()
		g.store.drop(cache.Original) // nothing but the chosen one is looked at
		g.store.mu.Lock()
		g.store.gets = 0
		g.store.mu.Unlock()
		again := g.best(t, remote(t), modern)
		if again.Outcome != Hit || again.ETag != first.ETag || again.Quality != 71 || again.Interim {
			t.Errorf("again: %+v, want a hit of the same", again)
		}
		if calls, _ := g.engine.made(); calls != 1 {
			t.Errorf("%d transforms, want 1", calls)
		}
		if g.store.gets != 3 {
			t.Errorf("%d objects read, want 3: the pointer, the choice, the rendition", g.store.gets)
		}
		g.best(t, remote(t), classic) // another class of clients
		if calls, _ := g.engine.made(); calls != 1 {
			t.Errorf("%d transforms, want 1: the JPEG is there", calls)
		}
	})
}

func TestBestTakesTheSlowOneOver(t *testing.T) {
	for _, tt := range []struct {
		size int
		want transform.Format
	}{{500, transform.AVIF}, {800, transform.WebP}, {700, transform.WebP}} {
		synctest.Test(t, func(t *testing.T) {
			g := newBestRig(t)
			g.engine.sizes[transform.AVIF] = tt.size
			g.engine.slow = make(chan struct{})
			for range 20 {
				if rend := g.best(t, remote(t), everything); rend.Spec.Format != transform.WebP || !rend.Interim {
					t.Errorf("before: got %s, interim %v, want WebP for now", rend.Spec.Format, rend.Interim)
				}
				rest()
			}
			close(g.engine.slow)
			rest()
			for range 3 {
				if rend := g.best(t, remote(t), everything); rend.Spec.Format != tt.want || rend.Interim {
					t.Errorf("AVIF of %d bytes: got %s, interim %v, want %s for good", tt.size, rend.Spec.Format, rend.Interim, tt.want)
				}
				rest()
			}
			want := []transform.Format{transform.WebP, transform.JPEG, transform.AVIF}
			if got := g.formats(); !slices.Equal(got, want) {
				t.Errorf("made %v, want %v", got, want)
			}
		})
	}
}

func TestBestMakesAnEvictedOneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		for range 2 {
			g.best(t, remote(t), everything)
			rest()
		}
		g.best(t, remote(t), modern)
		rest()
		g.store.mu.Lock()
		for k, o := range g.store.objects {
			if k.Kind == cache.Rendition && len(o.Body) > 0 {
				delete(g.store.objects, k)
			}
		}
		g.store.mu.Unlock()
		if rend := g.best(t, remote(t), modern); rend.Spec.Format != transform.WebP || rend.Outcome != Filled {
			t.Errorf("a quick choice: got %s, %s, want WebP filled", rend.Spec.Format, rend.Outcome)
		}
		if n := len(g.formats()); n != 4 {
			t.Errorf("%v made, want WebP alone again", g.formats())
		}
		time.Sleep(triedFor)
		if rend := g.best(t, remote(t), everything); rend.Spec.Format != transform.WebP || !rend.Interim {
			t.Errorf("a slow choice: got %s, interim %v, want WebP for now", rend.Spec.Format, rend.Interim)
		}
		rest()
		if rend := g.best(t, remote(t), everything); rend.Spec.Format != transform.AVIF {
			t.Errorf("got %s, want AVIF again", rend.Spec.Format)
		}
	})
}

func TestBestDoesNotRepeatASlowFailure(t *testing.T) {
	for _, fault := range []string{"encoder", "store"} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newBestRig(t)
				if fault == "encoder" {
					g.engine.fails = map[transform.Format]error{transform.AVIF: transform.ErrTimeout}
				} else {
					g.store.refuses = 500 // the AVIF's size
				}
				for i := range 100 {
					rend := g.best(t, remote(t), everything)
					if rend.Spec.Format != transform.WebP || rend.Interim != (i == 0) {
						t.Errorf("reader %d: got %s, interim %v, want WebP, for now only at first", i, rend.Spec.Format, rend.Interim)
					}
					rest()
					time.Sleep(30 * time.Second)
				}
				if calls, _ := g.engine.made(); calls != 2 {
					t.Errorf("%d transforms in 50 minutes, want 2", calls)
				}
				if len(g.reported()) == 0 {
					t.Error("the failure was not reported")
				}
				g.engine.fails, g.store.refuses = nil, 0
				time.Sleep(triedFor)
				g.best(t, remote(t), everything)
				rest()
				if rend := g.best(t, remote(t), everything); rend.Spec.Format != transform.AVIF {
					t.Errorf("an hour later: got %s, want AVIF", rend.Spec.Format)
				}
			})
		})
	}
}

func TestBestAnswersThoughOneFormatFails(t *testing.T) {
	for _, tt := range []struct {
		err   error
		later transform.Format // an hour on, when it does not fail any more
	}{
		{transform.ErrTooLarge, transform.JPEG}, // no quality fits: that stays so
		{transform.ErrTimeout, transform.WebP},
		{transform.ErrPanic, transform.WebP},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newBestRig(t)
				g.engine.fails = map[transform.Format]error{transform.WebP: tt.err}
				for range 40 {
					if rend := g.best(t, remote(t), modern); rend.Spec.Format != transform.JPEG || rend.Interim {
						t.Errorf("got %s, interim %v, want JPEG for good", rend.Spec.Format, rend.Interim)
					}
					rest()
					time.Sleep(time.Minute)
				}
				if calls, _ := g.engine.made(); calls != 3 {
					t.Errorf("%d transforms in 40 minutes, want 3: both together, then each", calls)
				}
				g.engine.fails = map[transform.Format]error{}
				time.Sleep(triedFor)
				if rend := g.best(t, remote(t), modern); rend.Spec.Format != tt.later {
					t.Errorf("an hour later: got %s, want %s", rend.Spec.Format, tt.later)
				}
				rest()
				g.engine.fails[transform.WebP] = tt.err
				g.engine.fails[transform.JPEG] = tt.err
				_, err := g.Best(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{{Width: 640}}}, modern)
				if want := newError(remote(t), tt.err).Class; class(t, err) != want {
					t.Errorf("both fail: got %v, want class %s", err, want)
				}
				_, err = g.Render(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{webp(480), {Width: 480, Format: transform.PNG}}})
				if class(t, err) == "" {
					t.Error("Render answered without one of its renditions")
				}
			})
		})
	}
}

// Overload is over when it is over: who was answered with what is there does not keep it for long.
func TestBestUnderOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.best(t, remote(t), classic)
		rest()
		g.engine.fails = map[transform.Format]error{transform.WebP: transform.ErrBusy}
		if rend := g.best(t, remote(t), modern); rend.Spec.Format != transform.JPEG || !rend.Interim {
			t.Errorf("got %s, interim %v, want the JPEG that is there, for now", rend.Spec.Format, rend.Interim)
		}
		rest()
		g.engine.fails = nil
		if rend := g.best(t, remote(t), modern); rend.Spec.Format != transform.WebP || rend.Interim {
			t.Errorf("got %s, interim %v, want WebP for good", rend.Spec.Format, rend.Interim)
		}
	})
}

func TestBestFailsAsRenderDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.origin.set(func(o *fakeOrigin) { o.body = []byte("bad") })
		req := Request{Source: remote(t), Specs: []transform.Spec{{Width: 320}}}
		if _, err := g.Best(t.Context(), req, everything); class(t, err) != Undecodable {
			t.Errorf("damaged: got %v, want class %s", err, Undecodable)
		}
		rest()
		if calls, _ := g.engine.made(); calls != 1 {
			t.Errorf("%d transforms, want 1: the picture is to blame, not a format", calls)
		}
		req.Source = mustParse(t, "https://origin.example/other.jpg")
		g.origin.set(func(o *fakeOrigin) { o.body = []byte("one") })
		g.engine.avif = false
		if _, err := g.Best(t.Context(), req, everything); class(t, err) != BadSpec {
			t.Errorf("AVIF cannot be written: got %v, want class %s", err, BadSpec)
		}
		if _, err := g.Best(t.Context(), req, nil); class(t, err) != BadSpec {
			t.Errorf("no format: got %v, want class %s", err, BadSpec)
		}
		g.engine.gate = make(chan struct{}) // what is made in time is had by who left, too
		defer close(g.engine.gate)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		if _, err := g.Best(ctx, req, modern); class(t, err) != Canceled {
			t.Errorf("who left: got %v, want class %s", err, Canceled)
		}
	})
}

func TestBestOfWhatMayNotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.origin.never, g.origin.etag = true, ""
		for range 3 {
			if rend := g.best(t, remote(t), everything); rend.Spec.Format != transform.WebP || rend.Interim || rend.Kept {
				t.Errorf("got %+v, want WebP, final, not kept", rend)
			}
			rest()
		}
		if got := g.formats(); slices.Contains(got, transform.AVIF) {
			t.Errorf("made %v: nobody would see the AVIF", got)
		}
		if n := g.store.count(cache.Rendition); n != 0 {
			t.Errorf("%d objects kept, want 0", n)
		}
	})
}

func TestBestOfAChangedOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.engine.slow = make(chan struct{})
		g.best(t, local(t), everything)
		rest() // the AVIF of the first is under way
		time.Sleep(2 * time.Second)
		g.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
		if rend := g.best(t, local(t), everything); !strings.Contains(string(rend.Body), "of two") || !rend.Interim {
			t.Errorf("got %q, interim %v, want the new picture for now", rend.Body[:20], rend.Interim)
		}
		close(g.engine.slow)
		rest()
		if rend := g.best(t, local(t), everything); !strings.Contains(string(rend.Body), "of two") || rend.Spec.Format != transform.AVIF {
			t.Errorf("got %q, want the AVIF of the new picture", rend.Body[:30])
		}
	})
}

func TestBestIsRenderedOnceForAllReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		errs := make(chan error, 200)
		for i := range 200 {
			accepted := [][]transform.Format{everything, modern, classic}[i%3]
			go func() {
				_, err := g.Best(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{{Width: 320}}}, accepted)
				errs <- err
			}()
		}
		for range 200 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		rest()
		got := g.formats()
		slices.Sort(got)
		if want := []transform.Format{transform.JPEG, transform.WebP, transform.AVIF}; !slices.Equal(got, want) {
			t.Errorf("made %v, want each once", got)
		}
	})
}

func TestSlowRenditionsWaitForQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.best(t, remote(t), modern)
		rest()
		busy := func(n int) (leave func()) {
			leaves := make([]func(), n)
			for i := range leaves {
				var err error
				if leaves[i], err = g.renders.gate.enter(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
			}
			return func() {
				for _, leave := range leaves {
					leave()
				}
			}
		}
		slots := cap(g.renders.gate.slots)
		made := func() bool { rest(); return slices.Contains(g.formats(), transform.AVIF) }

		leave := busy(slots)
		g.best(t, remote(t), everything)
		time.Sleep(longest - time.Second)
		if made() {
			t.Error("made although all places are taken")
		}
		time.Sleep(2 * time.Second)
		leave()
		time.Sleep(time.Second)
		if made() {
			t.Errorf("made although it was to be dropped after %s", longest)
		}
		if slots >= 4 { // with one processor there is no spare one while anything is made
			leave = busy(1)
			g.best(t, remote(t), everything)
			time.Sleep(patience - time.Second)
			if made() {
				t.Error("made at once although something else is")
			}
			time.Sleep(2 * time.Second)
			if !made() {
				t.Errorf("not made after %s although a processor is free", patience)
			}
			leave()
			return
		}
		g.best(t, remote(t), everything)
		if !made() {
			t.Error("not made in the quiet")
		}
	})
}

func TestSlowRenditionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.engine.slow = make(chan struct{})
		ask := func(i int) {
			g.origin.set(func(o *fakeOrigin) { o.body, o.etag = fmt.Appendf(nil, "picture %d", i), "" })
			src := mustParse(t, fmt.Sprintf("https://origin.example/%d.jpg", i))
			if rend := g.best(t, src, everything); !rend.Interim {
				t.Errorf("picture %d: got %s, want WebP for now", i, rend.Spec.Format)
			}
		}
		for i := range 2 * waitingBehind {
			ask(i)
			rest()
		}
		g.behind.mu.Lock()
		queued := len(g.behind.queue)
		g.behind.mu.Unlock()
		if queued != waitingBehind {
			t.Errorf("%d wait, want %d", queued, waitingBehind)
		}
		close(g.engine.slow)
		rest()
		time.Sleep(time.Second)
		ask(2*waitingBehind - 1) // was dropped; asked for again
		rest()
		avifs := 0
		for _, f := range g.formats() {
			if f == transform.AVIF {
				avifs++
			}
		}
		if want := 1 + waitingBehind + 1; avifs != want {
			t.Errorf("%d made, want %d", avifs, want)
		}
	})
}

func TestCloseGivesUpWhatWaitsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		leave, err := g.renders.gate.enter(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			g.behind.add(slowJob{src: remote(t), spec: transform.Spec{Width: i + 1, Format: transform.AVIF}, key: cache.NewKey(cache.Rendition, fmt.Sprint(i))})
		}
		rest()
		start := time.Now()
		if err := g.behind.stop(t.Context()); err != nil || time.Since(start) > 0 {
			t.Errorf("stop: %v after %s, want none at once", err, time.Since(start))
		}
		leave()
		g.best(t, remote(t), everything) // late callers are answered, and begin nothing
		rest()
		if slices.Contains(g.formats(), transform.AVIF) {
			t.Error("a slow rendition was made after stop")
		}
		if err := g.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseWaitsForASlowRenditionNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.engine.slow = make(chan struct{})
		g.best(t, remote(t), everything)
		rest()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close with an encoder at work: got %v, want context.DeadlineExceeded", err)
		}
		close(g.engine.slow)
	})
}

func TestBestChoosesAgainWhereAChoiceCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newBestRig(t)
		g.best(t, remote(t), modern)
		rest()
		for _, meta := range []string{"x", `{"format":"tiff"}`, `{"format":"avif"}`} {
			g.store.mu.Lock()
			for k, o := range g.store.objects {
				if k.Kind == cache.Rendition && len(o.Body) == 0 {
					g.store.objects[k] = &cache.Object{Meta: []byte(meta)}
				}
			}
			g.store.mu.Unlock()
			if rend := g.best(t, remote(t), modern); rend.Spec.Format != transform.WebP {
				t.Errorf("choice %s: got %s, want WebP", meta, rend.Spec.Format)
			}
			rest()
		}
	})
}
