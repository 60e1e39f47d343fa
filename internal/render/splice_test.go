package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// newSpliceRig is a rig whose renditions in JPEG are JPEGs.
func newSpliceRig(t *testing.T) (g *rig, near *mapStore) {
	t.Helper()
	g, near = newRig(t), newMapStore()
	g.engine.file = imagetest.JPEG(t, 64, 32)
	g.configure(Options{Near: near})
	return g, near
}

// with renders one spec with words and waits until everything is stored.
func (g *rig) with(t *testing.T, spec transform.Spec, w caption.Words) *Rendition {
	t.Helper()
	rends, err := g.Render(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{spec}, Words: w})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return rends[0]
}

func jpeg(width int) transform.Spec { return transform.Spec{Width: width, Format: transform.JPEG} }

// xmp is what a file says.
func xmp(t *testing.T, body []byte) caption.Words {
	t.Helper()
	found, err := caption.Extract(body)
	if err != nil {
		t.Fatal(err)
	}
	return found.XMP
}

// TestWordsAreSpliced verifies that words are in the file from 200 pixels of width on, that other words are other files of the
// same pixels, and that files with words are kept near and nowhere else.
func TestWordsAreSpliced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, near := newSpliceRig(t)
		ann, ben := caption.Words{Credit: "Ann"}, caption.Words{Credit: "Ben"}
		first := g.with(t, jpeg(320), ann)
		if got := xmp(t, first.Body); got != ann || first.Words != ann {
			t.Errorf("the file says %+v, the rendition %+v, want %+v", got, first.Words, ann)
		}
		second := g.with(t, jpeg(320), ben)
		if got := xmp(t, second.Body); got != ben || second.Outcome != Hit || first.ETag == second.ETag {
			t.Errorf("with other words: %+v, %s, ETag %s beside %s", got, second.Outcome, second.ETag, first.ETag)
		}
		if again := g.with(t, jpeg(320), ann); again.ETag != first.ETag || !bytes.Equal(again.Body, first.Body) {
			t.Error("the same words again are another file")
		}
		if _, specs := g.engine.made(); specs != 1 {
			t.Errorf("%d renditions made, want 1", specs)
		}
		if n := near.count(cache.Rendition); n != 2 {
			t.Errorf("%d files kept near, want 2", n)
		}
		for _, o := range g.store.objects {
			if bytes.Contains(o.Body, []byte("Ann")) {
				t.Error("words are in the store")
			}
		}
		for name, rend := range map[string]*Rendition{
			"a thumbnail": g.with(t, jpeg(160), ann), "no words": g.with(t, jpeg(320), caption.Words{}), "decoration": g.with(t, jpeg(320), caption.Words{Decorative: true}),
		} {
			if !bytes.Equal(rend.Body, g.engine.file) {
				t.Errorf("%s: the file is not as the engine made it", name)
			}
		}
	})
}

// TestNearAnswersAlone verifies that a file that is near is served without a look at the store, and that a damaged one is not.
func TestNearAnswersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, near := newSpliceRig(t)
		ann := caption.Words{Credit: "Ann"}
		first := g.with(t, jpeg(320), ann)
		g.store.drop(cache.Rendition)
		if again := g.with(t, jpeg(320), ann); again.ETag != first.ETag || again.Outcome != Hit {
			t.Errorf("%s, ETag %s, want a hit with %s", again.Outcome, again.ETag, first.ETag)
		}
		for k, o := range near.objects {
			near.objects[k] = &cache.Object{Meta: []byte("{"), Body: o.Body}
		}
		if again := g.with(t, jpeg(320), ann); again.ETag != first.ETag || again.Outcome != Filled {
			t.Errorf("after damage: %s, ETag %s", again.Outcome, again.ETag)
		}
	})
}

// TestFilesThatTakeNoWords verifies that such a file is served as it is, and reported.
func TestFilesThatTakeNoWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, near := newSpliceRig(t)
		rend := g.with(t, webp(320), caption.Words{Credit: "Ann"}) // a text
		if !strings.HasPrefix(string(rend.Body), "w320") {
			t.Errorf("got %q", rend.Body)
		}
		if errs := g.reported(); len(errs) != 1 || !errors.Is(errs[0], caption.ErrFormat) {
			t.Errorf("reported %v, want ErrFormat once", errs)
		}
		if n := near.count(cache.Rendition); n != 0 {
			t.Errorf("%d files kept near, want 0", n)
		}
		long := g.with(t, jpeg(320), caption.Words{Cutline: strings.Repeat("word ", 20_000), Credit: "Ann"})
		if got := xmp(t, long.Body); got.Credit != "Ann" || len(got.Cutline) < 1_990 || len(got.Cutline) > maxWord {
			t.Errorf("of words that no file takes: credit %q, cutline of %d bytes", got.Credit, len(got.Cutline))
		}
	})
}

// TestMakeRoom verifies that words count against the bytes that a file may have.
func TestMakeRoom(t *testing.T) {
	words := caption.Words{Credit: "Ann"}
	kb := (caption.Cost(words) + 999) / 1000
	for _, tt := range []struct {
		name   string
		spec   transform.Spec
		words  caption.Words
		maxKB  int
		splice bool
	}{
		{"no limit", jpeg(320), words, 0, true},
		{"no words", transform.Spec{Width: 320, MaxKB: 60, Format: transform.JPEG}, caption.Words{}, 60, false},
		{"a limit", transform.Spec{Width: 320, MaxKB: 60, Format: transform.JPEG}, words, 60 - kb, true},
		{"a limit that words would fill", transform.Spec{Width: 320, MaxKB: 2*kb - 1, Format: transform.JPEG}, words, 2*kb - 1, false},
		{"GIF", transform.Spec{Width: 320, Format: transform.GIF}, words, 0, false},
		{"200 pixels", jpeg(200), words, 0, true},
		{"199 pixels", jpeg(199), words, 0, false},
	} {
		got, splice := makeRoom(tt.spec, tt.words)
		if got.MaxKB != tt.maxKB || splice != tt.splice {
			t.Errorf("%s: %d kB, spliced %t; want %d, %t", tt.name, got.MaxKB, splice, tt.maxKB, tt.splice)
		}
	}
}

// TestWordsDoNotChoose verifies that the smallest format is that of the picture, wherever files with words are near.
func TestWordsDoNotChoose(t *testing.T) {
	for _, before := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g, _ := newSpliceRig(t)
			g.engine.sizes = map[transform.Format]int{transform.WebP: len(g.engine.file) + 200} // less than the words take
			words := caption.Words{Credit: "Ann", Cutline: strings.Repeat("words ", 100)}
			if before {
				g.with(t, jpeg(320), words)
			}
			req := Request{Source: remote(t), Specs: []transform.Spec{{Width: 320}}, Words: words}
			rend, err := g.Best(t.Context(), req, []transform.Format{transform.JPEG, transform.WebP})
			if err != nil || rend.Spec.Format != transform.JPEG {
				t.Errorf("with JPEG asked for before: %t; got %+v, %v, want JPEG", before, rend, err)
			}
			synctest.Wait()
		})
	}
}

// TestWordsGiveWay verifies that a picture that has no room for its words is served without, as often as it is asked for, and
// made no more often than that takes.
func TestWordsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newSpliceRig(t)
		words := caption.Words{Credit: "Ann"}
		g.engine.least = 60 // of thousands of bytes
		for range 3 {
			rend := g.with(t, transform.Spec{Width: 320, MaxKB: 60, Format: transform.JPEG}, words)
			if !bytes.Equal(rend.Body, g.engine.file) || rend.Spec.MaxKB != 60 || rend.Words != words {
				t.Errorf("got %d bytes of %s", len(rend.Body), rend.Spec)
			}
		}
		if _, specs := g.engine.made(); specs != 2 {
			t.Errorf("%d renditions tried, want one with room and one without", specs)
		}
		if roomy := g.with(t, transform.Spec{Width: 320, MaxKB: 90, Format: transform.JPEG}, words); xmp(t, roomy.Body) != words {
			t.Error("a picture that has room was served without words")
		}
		if _, err := g.Render(t.Context(), Request{Source: remote(t), Specs: []transform.Spec{{Width: 320, MaxKB: 50, Format: transform.JPEG}}, Words: words}); class(t, err) != TooLarge {
			t.Errorf("what fits neither way: %v, want too large", err)
		}
	})
}

// TestWordsAreReadAgain verifies that a pointer of an earlier release learns the words of its original when the origin is asked
// next, without its bytes.
func TestWordsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newSpliceRig(t)
		file := embedded(t, g.engine.file, caption.Words{Credit: "Ann"})
		g.origin.set(func(o *fakeOrigin) { o.body, o.fresh = file, time.Hour })
		g.with(t, jpeg(320), caption.Words{})
		g.change(t.Context(), remote(t), g.purges.now(), func(p pointer) (pointer, bool) {
			current := *p.Current
			current.Found, current.Read = caption.Found{}, ""
			p.Current = &current
			return p, true
		})
		time.Sleep(2 * time.Hour)
		if got := g.with(t, jpeg(320), caption.Words{}).Words.Credit; got != "" {
			t.Fatalf("the pointer says %q before the origin was asked", got)
		}
		if got := g.with(t, jpeg(320), caption.Words{}).Words.Credit; got != "Ann" {
			t.Errorf("got %q, want the credit in the file", got)
		}
		if asked := g.origin.asked; len(asked) != 2 || asked[1].ETag == "" {
			t.Errorf("asked the origin with %+v, want one condition", asked)
		}
	})
}

// TestOriginalsSpeakWherePostsAreSilent verifies that words of the file fill the gaps, in the rendition as in the probe, that they
// are kept over a restart, and that the most that a file can say has room beside the pointer.
func TestOriginalsSpeakWherePostsAreSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newSpliceRig(t)
		quoted := caption.Escape(strings.Repeat(`"<&\`, 550))
		full := caption.Words{
			Cutline: quoted, Credit: "Embedded & Co", Alt: quoted, Creator: quoted, Copyright: quoted, License: quoted, Licensor: quoted,
			LicensorURL: "https://example.org/" + strings.Repeat("a", 1900), SourceType: "https://example.org/" + strings.Repeat("b", 1900),
		}
		file := embedded(t, imagetest.JPEG(t, 8, 8), full)
		g.origin.set(func(o *fakeOrigin) { o.body = file })
		post := caption.Words{Cutline: "From the post"}
		for _, when := range []string{"at first", "after a restart"} {
			rend := g.with(t, jpeg(320), post)
			got := rend.Words.Plain()
			if got.Cutline != "From the post" || got.Credit != "Embedded & Co" || !strings.HasPrefix(got.Creator, `"<&\`) {
				t.Errorf("%s: %.200v", when, got)
			}
			if in := xmp(t, rend.Body); in.Credit != "Embedded & Co" || in.Cutline != "From the post" {
				t.Errorf("%s, the file says %.200v", when, in)
			}
			o, err := g.Probe(t.Context(), remote(t))
			if err != nil || o.Found.XMP.Credit != "Embedded & Co" {
				t.Errorf("%s: probed %.200v, %v", when, o, err)
			}
			g.restart()
		}
		if errs := g.reported(); len(errs) > 0 {
			t.Errorf("reported %v", errs)
		}
		for k, o := range g.store.objects {
			if len(o.Meta) > cache.MaxMeta {
				t.Errorf("%s has %d bytes of meta, the most is %d", k, len(o.Meta), cache.MaxMeta)
			}
		}
	})
}

func embedded(t *testing.T, file []byte, w caption.Words) []byte {
	t.Helper()
	out, err := caption.Embed(file, w)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWordsFollowAChangedOriginal verifies that words of a file go with its pixels: never old ones with new pixels.
func TestWordsFollowAChangedOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newSpliceRig(t)
		for i := range 2 {
			credit := fmt.Sprint("Author ", i)
			file := embedded(t, imagetest.JPEG(t, 8, 8+i), caption.Words{Credit: credit})
			g.origin.set(func(o *fakeOrigin) { o.body, o.etag = file, fmt.Sprint(i) })
			r := g.Renderer
			r.fetch(context.Background(), fetchKey{src: remote(t), whole: true})
			synctest.Wait()
			rend := g.with(t, jpeg(320), caption.Words{})
			if got := xmp(t, rend.Body); got.Credit != credit || rend.Words.Credit != credit {
				t.Errorf("the file says %q, the rendition %q, want %q", got.Credit, rend.Words.Credit, credit)
			}
		}
	})
}
