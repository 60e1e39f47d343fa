package render

import (
	"testing"
	"testing/synctest"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestETagFollowsPixelsAndWords(t *testing.T) {
	base := caption.Words{Cutline: "a", Credit: "b", Alt: "c"}
	tag := func(body byte, w caption.Words) string { return etag(sum{body}, wordsSum(w), false) }
	seen := map[string]string{}
	for name, e := range map[string]string{
		"base":         tag(1, base),
		"other pixels": tag(2, base),
		"in the file":  etag(sum{1}, wordsSum(base), true),
		"cutline":      tag(1, caption.Words{Cutline: "A", Credit: "b", Alt: "c"}),
		"moved":        tag(1, caption.Words{Cutline: "ab", Alt: "c"}),
		"none":         tag(1, caption.Words{}),
		"decorative":   tag(1, caption.Words{Decorative: true}),
		"license":      tag(1, caption.Words{License: "1"}),
		"copyright":    tag(1, caption.Words{Copyright: "1"}),
		"creator":      tag(1, caption.Words{Creator: "1"}),
		"credit url":   tag(1, caption.Words{CreditURL: "1"}),
		"licensor":     tag(1, caption.Words{Licensor: "1"}),
		"licensor url": tag(1, caption.Words{LicensorURL: "1"}),
		"source type":  tag(1, caption.Words{SourceType: "1"}),
	} {
		if other, ok := seen[e]; ok {
			t.Errorf("%s and %s share the ETag %s", name, other, e)
		}
		seen[e] = name
	}
	if a, b := tag(1, base), tag(1, base); a != b {
		t.Errorf("the same pixels and words have the ETags %s and %s", a, b)
	}
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		o, err := g.Probe(t.Context(), remote(t))
		if err != nil {
			t.Fatal(err)
		}
		if o.Info.Width != 2000 || o.Info.Height != 1000 || o.Bytes != 3 || o.Outcome != Filled {
			t.Errorf("got %+v, want 2000 × 1000, 3 bytes, filled", o)
		}
		synctest.Wait()
		if o, err = g.Probe(t.Context(), remote(t)); err != nil || o.Outcome != Hit {
			t.Errorf("again: got %+v, %v, want a hit", o, err)
		}
		if calls, _ := g.engine.made(); calls != 0 {
			t.Errorf("%d transforms, want 0", calls)
		}
	})
}
