package cluster

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// TestOwedBehindATakeDown verifies that a purge which a node could not tell does not lift, when it can, what another took down meanwhile:
// the take-down was told first, and asked for last.
func TestOwedBehindATakeDown(t *testing.T) {
	redis := miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	a, b := open(t, Options{URL: url, Prefix: "site"}), open(t, Options{URL: url, Prefix: "site"})
	ha, hb := newHeard(), newHeard()
	a.Follow(ha)
	b.Follow(hb)
	next(t, ha.doubts)
	next(t, hb.doubts)
	a.breaker.open() // it is told nothing until Redis was asked once more
	if _, told := a.Tell(t.Context(), Forget, "/down.jpg", "/other.jpg"); told {
		t.Fatal("told")
	}
	if _, told := a.Tell(t.Context(), Restore, "/down.jpg"); told {
		t.Fatal("told")
	}
	if _, told := b.Tell(t.Context(), Withdraw, "/down.jpg"); !told {
		t.Fatal("not told")
	}
	for _, want := range []Kind{Withdraw, Forget} {
		m := next(t, hb.messages)
		if m.Kind != want || len(m.Sources) != 1 {
			t.Errorf("heard %+v, want %s of one source", m, want)
		}
	}
	if _, told := a.Tell(t.Context(), Rescan); !told {
		until(t, "told", func() bool { _, told := a.Tell(t.Context(), Rescan); return told })
	}
	if m := next(t, hb.messages); m.Kind != Rescan {
		t.Errorf("heard %+v: what was lifted is told", m)
	}
}
