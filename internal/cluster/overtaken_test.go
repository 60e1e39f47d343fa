package cluster

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// slowPair is two nodes, of which a carries out its first message, from when busy is closed, until goOn. hb hears what b does.
func slowPair(t *testing.T) (redis *miniredis.Miniredis, a, b *Node, hb heard, busy <-chan bool, goOn func()) {
	t.Helper()
	redis = miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	a, b = open(t, Options{URL: url, Prefix: "site"}), open(t, Options{URL: url, Prefix: "site"})
	begun, read := make(chan bool), make(chan bool)
	goOn = sync.OnceFunc(func() { close(read) })
	t.Cleanup(goOn) // or a failure would wait for ever
	ha, hb := &slowly{heard: newHeard(), during: func() { close(begun); <-read }}, newHeard()
	a.Follow(ha)
	b.Follow(hb)
	next(t, ha.doubts)
	next(t, hb.doubts)
	return redis, a, b, hb, begun, goOn
}

// TestOwedBehindATakeDown verifies that a purge which a node could not tell does not lift, when it can, what another took down meanwhile:
// the take-down was told first, and asked for last. The node is slow to read, and can tell before it has read.
func TestOwedBehindATakeDown(t *testing.T) {
	redis, a, b, hb, busy, goOn := slowPair(t)
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
	<-busy
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
	goOn()
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

// TestOwedInAFlood verifies that what a node owes waits neither until it has read the last of what others tell, nor until nobody tells anything more.
func TestOwedInAFlood(t *testing.T) {
	_, a, b, hb, busy, goOn := slowPair(t)
	for n := range 5 { // the first is being carried out, the others are not read
		if _, told := b.Tell(t.Context(), Forget, "/of-b.jpg"); !told {
			t.Fatal("not told")
		}
		if n == 0 {
			<-busy
		}
	}
	a.breaker.open()
	if _, told := a.Tell(t.Context(), Forget, "/owed.jpg"); told {
		t.Fatal("told")
	}
	var got []string
	hear := func(last string) {
		for !slices.Contains(got, last) {
			if m := next(t, hb.messages); m.Sources[0] != "/of-b.jpg" {
				got = append(got, m.Sources...)
			}
		}
	}
	hear("/owed.jpg")
	goOn()
	until(t, "told at once", func() bool { _, told := a.Tell(t.Context(), Forget, "/later.jpg"); return told })
	if hear("/later.jpg"); !slices.Equal(got, []string{"/owed.jpg", "/later.jpg"}) {
		t.Errorf("heard %v, want what was owed, and then what came later", got)
	}
}

// TestOwedIsSent verifies the script against what a stream may have in it.
func TestOwedIsSent(t *testing.T) {
	owed := outbox{owed: split("fedcba9876543210", Forget, []string{"/a.jpg"})}
	id, text, err := owed.first()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		behind []string // the texts of entries that were not read
		fields []string // of another one
		unread bool     // not even the stream's beginning was read
		want   error
	}{
		"nothing":               {},
		"purges":                {behind: []string{textOf(t, Forget, "/a.jpg"), textOf(t, Restore, "/a.jpg"), textOf(t, Rescan)}},
		"noise":                 {behind: []string{"", "[[["}, fields: []string{"x", "y", "m", "z"}},
		"as many as are read":   {behind: slices.Repeat([]string{textOf(t, Rescan)}, readMost-1)},
		"more than are read":    {behind: slices.Repeat([]string{textOf(t, Rescan)}, readMost), want: errBehind},
		"a take-down":           {behind: []string{textOf(t, Rescan), textOf(t, Withdraw, "/a.jpg")}, want: errBehind},
		"one that is spoken of": {behind: []string{textOf(t, Forget, `/"do":"withdraw"`)}},
		"the message itself":    {behind: []string{textOf(t, Rescan), text}, want: errBehind},
		"nothing was read":      {unread: true, want: errBehind},
	} {
		t.Run(name, func(t *testing.T) {
			redis := miniredis.RunT(t)
			n := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site"})
			connected(t, n)
			add := func(fields ...string) Position {
				t.Helper()
				id, err := redis.XAdd(n.stream(), "*", fields)
				at, ok := parseID(id)
				if err != nil || !ok {
					t.Fatal(id, err)
				}
				return at
			}
			n.reading.at = Position{Epoch: 1}
			if _, err := n.sendAfter(t.Context(), n.reach(), n.reading.at, id, text); !errors.Is(err, errNoStream) {
				t.Errorf("without a stream: %v", err)
			}
			tip := add(beginningField, "1")
			if tt.unread {
				tip = Position{}
			}
			for _, text := range tt.behind {
				add(messageField, text)
			}
			if tt.fields != nil {
				add(tt.fields...)
			}
			at, err := n.sendAfter(t.Context(), n.reach(), tip, id, text)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && !tip.before(at) {
				t.Errorf("sent at %v, behind %v", at, tip)
			}
		})
	}
}

func textOf(t *testing.T, kind Kind, sources ...string) string {
	t.Helper()
	text, err := split("0123456789abcdef", kind, sources)[0].text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestOwedAtTheEnd verifies that a node which says what it owes when it ends does not owe it when it begins again.
func TestOwedAtTheEnd(t *testing.T) {
	redis := miniredis.RunT(t)
	var kept keptText
	n := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site", Save: kept.save})
	h := newHeard()
	n.Follow(h)
	next(t, h.doubts)
	until(t, "within reach", n.Reachable)
	n.breaker.open()
	if _, told := n.Tell(t.Context(), Forget, "/a.jpg"); told {
		t.Fatal("told")
	}
	if !strings.Contains(kept.load(), "owes") {
		t.Fatalf("kept %q: proves nothing", kept.load())
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
	if strings.Contains(kept.load(), "owes") {
		t.Errorf("kept %q", kept.load())
	}
}

// TestOwedAfterARestart verifies that a node which takes back, before it has found Redis again, what an earlier run had heard of, tells that.
func TestOwedAfterARestart(t *testing.T) {
	redis := miniredis.RunT(t)
	var kept keptText
	o := Options{URL: "redis://" + redis.Addr(), Prefix: "site", Load: kept.load, Save: kept.save}
	b, hb := open(t, Options{URL: o.URL, Prefix: "site"}), newHeard()
	b.Follow(hb)
	next(t, hb.doubts)
	a, ha := open(t, o), newHeard()
	a.Follow(ha)
	next(t, ha.doubts)
	if _, told := b.Tell(t.Context(), Withdraw, "/a.jpg"); !told {
		t.Fatal("not told")
	}
	next(t, ha.messages)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	o.Save = nil // before Follow it would not know how far the run before had come
	again := open(t, o)
	if _, told := again.Tell(t.Context(), Restore, "/a.jpg"); told {
		t.Fatal("told by a node that has read nothing")
	}
	again.Follow(newHeard())
	for _, want := range []Kind{Withdraw, Restore} {
		if m := next(t, hb.messages); m.Kind != want {
			t.Errorf("heard %+v, want %s", m, want)
		}
	}
}

// TestEmptiedStream verifies that a stream which somebody has emptied, and which is still there, is given up for another.
func TestEmptiedStream(t *testing.T) {
	redis := miniredis.RunT(t)
	n := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site"})
	h := newHeard()
	n.Follow(h)
	next(t, h.doubts)
	c := n.reach()
	if err := c.Do(t.Context(), c.B().Xtrim().Key(n.stream()).Maxlen().Threshold("0").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	if !redis.Exists(n.stream()) {
		t.Fatal("proves nothing: the stream is gone")
	}
	next(t, h.doubts)
	until(t, "told", func() bool { _, told := n.Tell(t.Context(), Rescan); return told })
}
