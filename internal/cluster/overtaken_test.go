package cluster

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// TestOwedBehindATakeDown verifies that a purge which a node could not tell does not lift, when it can, what another took down meanwhile:
// the take-down was told first, and asked for last. The node is slow to read, and can tell before it has read.
func TestOwedBehindATakeDown(t *testing.T) {
	redis := miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	a, b := open(t, Options{URL: url, Prefix: "site"}), open(t, Options{URL: url, Prefix: "site"})
	busy, read := make(chan bool), make(chan bool)
	ha, hb := &slowly{heard: newHeard(), during: func() { busy <- true; <-read }}, newHeard()
	a.Follow(ha)
	b.Follow(hb)
	next(t, ha.doubts)
	next(t, hb.doubts)
	refuses(redis, "ERR not yet", a.Name())
	if _, told := a.Tell(t.Context(), Forget, "/down.jpg", "/other.jpg"); told {
		t.Fatal("told")
	}
	if _, told := a.Tell(t.Context(), Restore, "/down.jpg"); told {
		t.Fatal("told")
	}
	if _, told := b.Tell(t.Context(), Rescan); !told {
		t.Fatal("not told")
	}
	next(t, busy)
	if _, told := b.Tell(t.Context(), Withdraw, "/down.jpg"); !told {
		t.Fatal("not told")
	}
	tries := make(chan bool, 1000)
	redis.Server().SetPreHook(func(_ *server.Peer, cmd string, args ...string) bool {
		if cmd == "EVAL" && strings.Contains(strings.Join(args, " "), a.Name()) {
			tries <- true
		}
		return false
	})
	for range 3 {
		next(t, tries)
	}
	close(read)
	for _, want := range []Kind{Rescan, Withdraw, Forget} {
		m := next(t, hb.messages)
		if m.Kind != want || want != Rescan && len(m.Sources) != 1 {
			t.Errorf("heard %+v, want %s of one source", m, want)
		}
	}
	until(t, "told at once", func() bool { _, told := a.Tell(t.Context(), Rescan); return told })
	if m := next(t, hb.messages); m.Kind != Rescan {
		t.Errorf("heard %+v: what was lifted is told", m)
	}
}

// TestOwedInAFlood verifies that purges which come one after the other, at this node and at another, do not put off for ever what this
// one owes, nor keep it from telling at once when it has told that.
func TestOwedInAFlood(t *testing.T) {
	redis := miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	a, b := open(t, Options{URL: url, Prefix: "site"}), open(t, Options{URL: url, Prefix: "site"})
	ha, hb := newHeard(), newHeard()
	a.Follow(ha)
	b.Follow(hb)
	next(t, ha.doubts)
	next(t, hb.doubts)
	a.breaker.open()
	if _, told := a.Tell(t.Context(), Forget, "/owed.jpg"); told {
		t.Fatal("told")
	}
	until(t, "told at once", func() bool {
		if _, told := b.Tell(t.Context(), Forget, "/of-b.jpg"); !told {
			t.Fatal("not told")
		}
		_, told := a.Tell(t.Context(), Forget, "/later.jpg")
		return told
	})
	var got []string
	for !slices.Contains(got, "/later.jpg") {
		if m := next(t, hb.messages); m.Sources[0] != "/of-b.jpg" {
			got = append(got, m.Sources...)
		}
	}
	if !slices.Equal(got, []string{"/owed.jpg", "/later.jpg"}) {
		t.Errorf("heard %v, want what was owed, and then what came later", got)
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
