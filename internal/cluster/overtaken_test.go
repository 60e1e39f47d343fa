package cluster

import (
	"strings"
	"sync"
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

// TestOwedAtTheEnd verifies that a node which says what it owes when it ends does not owe it when it begins again.
func TestOwedAtTheEnd(t *testing.T) {
	redis := miniredis.RunT(t)
	var mu sync.Mutex
	kept := ""
	n := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site", Save: func(s string) { mu.Lock(); defer mu.Unlock(); kept = s }})
	h := newHeard()
	n.Follow(h)
	next(t, h.doubts)
	until(t, "within reach", n.Reachable)
	n.breaker.open()
	if _, told := n.Tell(t.Context(), Forget, "/a.jpg"); told {
		t.Fatal("told")
	}
	if !strings.Contains(kept, "owes") {
		t.Fatalf("kept %q: proves nothing", kept)
	}
	n.breaker.close()
	for range 2 {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := redis.Stream(n.stream()); err != nil || len(entries) != 2 {
		t.Errorf("the stream has %v, %v; want its beginning and what was owed", entries, err)
	}
	if strings.Contains(kept, "owes") {
		t.Errorf("kept %q", kept)
	}
}
