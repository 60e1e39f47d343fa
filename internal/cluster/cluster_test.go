package cluster

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// heard is a Handler that passes on what it is told.
type heard struct {
	messages chan Message
	doubts   chan Doubt
}

func newHeard() heard { return heard{make(chan Message, 1000), make(chan Doubt, 100)} }

func (h heard) Reached(Position) {}
func (h heard) Doubt(d Doubt)    { h.doubts <- d }

// Apply does not hold up the end of a test that has failed.
func (h heard) Apply(ctx context.Context, m Message) {
	select {
	case h.messages <- m:
	case <-ctx.Done():
	}
}

// next waits for what comes on c, as long as it takes within reason.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func open(t *testing.T, o Options) *Node {
	t.Helper()
	n, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// within is a context that no test outlasts.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func connected(t *testing.T, n *Node) {
	t.Helper()
	select {
	case <-n.ready:
	case <-time.After(30 * time.Second):
		t.Fatal("not connected")
	}
}

func TestTellReachesAll(t *testing.T) {
	redis := miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	a, b, other := open(t, Options{URL: url, Prefix: "site"}), open(t, Options{URL: url, Prefix: "site"}), open(t, Options{URL: url, Prefix: "other"})
	ha, hb, ho := newHeard(), newHeard(), newHeard()
	a.Follow(ha)
	b.Follow(hb)
	other.Follow(ho)
	next(t, ha.doubts)
	next(t, hb.doubts)
	next(t, ho.doubts)
	sources := make([]string, 3*maxSources+1)
	for i := range sources {
		sources[i] = fmt.Sprintf("https://origin.example/%d.jpg", i)
	}
	at, told := a.Tell(t.Context(), Withdraw, sources...)
	if !told {
		t.Fatal("not told")
	}
	for _, h := range []heard{ha, hb} {
		var got []string
		var last Position
		for len(got) < len(sources) {
			m := next(t, h.messages)
			if m.Kind != Withdraw || m.Own != (h == ha) || !last.before(m.At) {
				t.Fatalf("got %+v after %+v", m, last)
			}
			got, last = append(got, m.Sources...), m.At
		}
		if fmt.Sprint(got) != fmt.Sprint(sources) || last != at {
			t.Errorf("got %d sources up to %+v, want %d up to %+v", len(got), last, len(sources), at)
		}
	}
	if _, told := other.Tell(t.Context(), Rescan); !told {
		t.Fatal("not told")
	}
	if m := next(t, ho.messages); m.Kind != Rescan {
		t.Errorf("a node of another site heard %+v", m)
	}
}

// A keptText is what a node keeps over restarts.
type keptText struct {
	mu   sync.Mutex
	text string
}

func (k *keptText) load() string { k.mu.Lock(); defer k.mu.Unlock(); return k.text }

func (k *keptText) save(text string) { k.mu.Lock(); defer k.mu.Unlock(); k.text = text }

// TestReadsWhatItMissed restarts a node that knows how far it had come, and one that does not.
func TestReadsWhatItMissed(t *testing.T) {
	redis := miniredis.RunT(t)
	var kept keptText
	o := Options{URL: "redis://" + redis.Addr(), Prefix: "site", Load: kept.load, Save: kept.save}
	a := open(t, Options{URL: o.URL, Prefix: "site"})
	ha := newHeard()
	a.Follow(ha)
	next(t, ha.doubts)
	b, hb := open(t, o), newHeard()
	b.Follow(hb)
	next(t, hb.doubts)
	a.Tell(t.Context(), Forget, "/one.jpg")
	next(t, hb.messages)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	a.Tell(t.Context(), Forget, "/two.jpg")

	again, hagain := open(t, o), newHeard()
	again.Follow(hagain)
	if m := next(t, hagain.messages); m.Sources[0] != "/one.jpg" || !m.Learn {
		t.Errorf("after a restart: %+v, want what was applied before, to be known again", m)
	}
	if m := next(t, hagain.messages); m.Sources[0] != "/two.jpg" || m.Learn {
		t.Errorf("after a restart: %+v, want what was missed, to be applied", m)
	}
	if len(hagain.doubts) > 0 {
		t.Error("a node that knows how far it had come doubts")
	}
	fresh, hfresh := open(t, Options{URL: o.URL, Prefix: "site"}), newHeard()
	fresh.Follow(hfresh)
	next(t, hfresh.doubts)
	for _, want := range []string{"/one.jpg", "/two.jpg"} {
		if m := next(t, hfresh.messages); m.Sources[0] != want || !m.Learn {
			t.Errorf("a node that knows nothing: %+v, want %s, to be learnt", m, want)
		}
	}
}

func TestEpochs(t *testing.T) {
	redis := miniredis.RunT(t)
	a := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site"})
	h := newHeard()
	a.Follow(h)
	before := next(t, h.doubts)
	a.Tell(t.Context(), Rescan)
	next(t, h.messages)
	redis.FlushAll()
	after := next(t, h.doubts)
	if after.Private.Epoch == before.Private.Epoch || a.Stats().Epochs != 1 {
		t.Errorf("after Redis lost its data: %+v, %d epochs", after, a.Stats().Epochs)
	}
	if _, told := a.Tell(t.Context(), Forget, "/x.jpg"); !told || next(t, h.messages).At.Epoch != after.Private.Epoch {
		t.Error("nothing is heard in the epoch that follows")
	}
}

func TestHostileEntries(t *testing.T) {
	redis := miniredis.RunT(t)
	a := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site"})
	h := newHeard()
	a.Follow(h)
	next(t, h.doubts)
	for _, fields := range [][]string{{"m", "{}"}, {"m", strings.Repeat("[", 10_000)}, {"x", "y"}, {"epoch", "1", "m", ""}} {
		if _, err := redis.XAdd(a.stream(), "*", fields); err != nil {
			t.Fatal(err)
		}
	}
	a.Tell(t.Context(), Rescan)
	if m := next(t, h.messages); m.Kind != Rescan {
		t.Errorf("got %+v", m)
	}
	if s := a.Stats(); s.Ignored != 4 || s.Received != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestLocks(t *testing.T) {
	redis := miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	a, b := open(t, Options{URL: url, Prefix: "s"}), open(t, Options{URL: url, Prefix: "s"})
	connected(t, a)
	connected(t, b)
	release, look := a.Lock(within(t, 30*time.Second), "one", "two")
	if !look {
		t.Fatal("Redis had no say")
	}
	if _, look := b.Lock(within(t, 100*time.Millisecond), "two"); !look || b.Stats().TimedOut != 1 {
		t.Errorf("a lock that is held: look %t, %+v", look, b.Stats())
	}
	got := make(chan bool)
	go func() {
		release, look := b.Lock(within(t, 30*time.Second), "two", "three")
		release()
		got <- look
	}()
	release()
	if !next(t, got) {
		t.Error("Redis had no say")
	}
	redis.Set("cutline:s:lock:stuck", "for ever")
	if _, look := b.Lock(within(t, 30*time.Second), "stuck"); look {
		t.Error("a lock that never runs out was waited for")
	}
	redis.Lpush("cutline:s:lock:list", "of another type")
	redis.SetTTL("cutline:s:lock:list", time.Second)
	if _, look := b.Lock(within(t, 200*time.Millisecond), "list"); !look {
		t.Error("a key of another type is not waited for")
	}
}

// TestAbsent begins without Redis, and has it come, go and come again.
func TestAbsent(t *testing.T) {
	redis := miniredis.NewMiniRedis()
	if err := redis.Start(); err != nil {
		t.Fatal(err)
	}
	addr := redis.Addr()
	redis.Close()
	reports := make(chan error, 10)
	a := open(t, Options{URL: "redis://" + addr, Prefix: "s", Report: func(err error) { reports <- err }})
	h := newHeard()
	a.Follow(h)
	if next(t, reports) == nil || a.Reachable() {
		t.Error("an absent Redis was not reported")
	}
	if _, look := a.Lock(t.Context(), "k"); look {
		t.Error("an absent Redis had a say")
	}
	if _, told := a.Tell(t.Context(), Withdraw, "/a.jpg"); told {
		t.Error("an absent Redis was told")
	}
	if _, told := a.Tell(t.Context(), Restore, "/a.jpg"); told {
		t.Error("an absent Redis was told")
	}
	redis = miniredis.NewMiniRedis() // one that was closed answers no blocking read
	if err := redis.StartAddr(addr); err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	for _, want := range []Kind{Withdraw, Restore} {
		if m := next(t, h.messages); m.Kind != want {
			t.Errorf("got %+v, want %s", m, want)
		}
	}
	if err := next(t, reports); err != nil {
		t.Errorf("reported %v, want that it is back", err)
	}
}

// TestLyingServers has servers that send what no Redis sends. Nothing ends the process, and nobody waits.
func TestLyingServers(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing": "", "noise": "HTTP/1.1 400 Bad Request\r\n\r\n", "too much": strings.Repeat("+OK\r\n", 5), "an array of all there is": "*2147483647\r\n",
		"a string of all there is": "$2147483647\r\n", "a deep one": strings.Repeat("*1\r\n", 1000), "of other types": ":1\r\n", "nil": "$-1\r\n",
		"an odd boolean": "#true\r\n", "a push of nothing": ">0\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			asked := make(chan bool, 1)
			go func() {
				for {
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						for r := bufio.NewReader(conn); ; {
							line, err := r.ReadString('\n')
							if err != nil {
								return
							}
							if line[0] == '*' {
								_, _ = conn.Write([]byte(answer))
								select {
								case asked <- true:
								default:
								}
							}
						}
					}()
				}
			}()
			n := open(t, Options{URL: "redis://" + ln.Addr().String(), Prefix: "s"})
			n.Follow(newHeard())
			next(t, asked)
			for range 5 {
				release, _ := n.Lock(within(t, time.Second), "k")
				release()
			}
			if _, told := n.Tell(t.Context(), Rescan); told {
				t.Error("told")
			}
		})
	}
}

func TestCheckURL(t *testing.T) {
	for _, url := range []string{"", "redis", "http://x", "redis://u:secret@h:1/x", "redis://h/1/2", "://secret"} {
		if err := Check(url); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", url, err)
		}
	}
	for _, url := range []string{"redis://h", "rediss://u:p@h:6380/2", "unix:///run/redis.sock?db=1", "redis://a:26379?addr=b:26379&master_set=m"} {
		if err := Check(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, w := range split("0123456789abcdef", Forget, []string{"/a.jpg", "https://origin.example/b.jpg"}) {
		text, _ := w.text()
		f.Add(text)
	}
	f.Add(`{"v":1,"id":"0123456789abcdef","from":"0123456789abcdef","do":"rescan"}`)
	f.Add("[[[")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := parseMessage(text)
		if err != nil {
			return
		}
		again, err := w.text()
		if err != nil {
			t.Fatal(err)
		}
		if w2, err := parseMessage(again); err != nil || fmt.Sprint(w) != fmt.Sprint(w2) {
			t.Errorf("%+v is read again as %+v, %v", w, w2, err)
		}
	})
}

// FuzzCounter has the same bytes in one part and in many.
func FuzzCounter(f *testing.F) {
	f.Add([]byte("*2\r\n$1\r\na\r\n:1\r\n+OK\r\n"), 3)
	f.Add([]byte(">2\r\n$1\r\na\r\n_\r\n%1\r\n#t\r\n,1.5\r\n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, part int) {
		var whole, parts counter
		err := whole.count(data)
		var err2 error
		for rest := data; len(rest) > 0; {
			n := min(max(part, 1), len(rest))
			err2 = parts.count(rest[:n])
			rest = rest[n:]
		}
		if err != err2 || whole.done.Load() != parts.done.Load() { //nolint:errorlint // one of two
			t.Errorf("%d, %v in one part; %d, %v in many", whole.done.Load(), err, parts.done.Load(), err2)
		}
	})
}
