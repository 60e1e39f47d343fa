package cluster

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// refuses has redis answer all commands that write and have a word in an argument with an error, as a replica does, or a server whose memory
// is full.
func refuses(redis *miniredis.Miniredis, with, word string) {
	redis.Server().SetPreHook(func(c *server.Peer, cmd string, args ...string) bool {
		if with == "" || !slices.Contains([]string{"SET", "XADD", "EVAL", "DEL"}, strings.ToUpper(cmd)) || !strings.Contains(strings.Join(args, " "), word) {
			return false
		}
		c.WriteError(with)
		return true
	})
}

// TestRefused verifies that a Redis which is there, and takes nothing, counts as one that cannot be used: told once, and not again and
// again as it answers other commands.
func TestRefused(t *testing.T) {
	for _, with := range []string{
		"READONLY You can't write against a read only replica.",
		"OOM command not allowed when used memory > 'maxmemory'.",
		"NOPERM User default has no permissions to run the 'xadd' command",
	} {
		t.Run(with[:4], func(t *testing.T) {
			redis := miniredis.RunT(t)
			var mu sync.Mutex
			var reports []error
			told := func() []error {
				mu.Lock()
				defer mu.Unlock()
				return slices.Clone(reports)
			}
			n := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site", Report: func(err error) {
				mu.Lock()
				defer mu.Unlock()
				reports = append(reports, err)
			}})
			h := newHeard()
			n.Follow(h)
			next(t, h.doubts)
			refuses(redis, with, "")
			if _, told := n.Tell(t.Context(), Forget, "/a.jpg"); told {
				t.Fatal("told")
			}
			until(t, "out of reach", func() bool {
				release, _ := n.Lock(within(t, time.Second), "k")
				release()
				return !n.Reachable()
			})
			refuses(redis, "", "")
			if m := next(t, h.messages); m.Kind != Forget {
				t.Errorf("heard %+v", m)
			}
			until(t, "within reach", n.Reachable)
			until(t, "told that it is back", func() bool { return len(told()) > 1 })
			if got := told(); len(got) != 2 || got[0] == nil || !strings.Contains(got[0].Error(), with) || got[1] != nil {
				t.Errorf("told %v, want once why, and once that it is back", got)
			}
		})
	}
}

// TestOneSlowOperation verifies that what is told once because of a moment does not keep the next outage from being told.
func TestOneSlowOperation(t *testing.T) {
	redis := miniredis.RunT(t)
	reports := make(chan error, 100)
	n := open(t, Options{URL: "redis://" + redis.Addr(), Prefix: "site", Report: func(err error) { reports <- err }})
	h := newHeard()
	n.Follow(h)
	next(t, h.doubts)
	n.report(errNonsense)
	if next(t, reports) == nil {
		t.Fatal("told that all is well")
	}
	if err := next(t, reports); err != nil {
		t.Errorf("told %v, want that it is back", err)
	}
}

// until waits until what is so, as long as it takes within reason.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for ctx := within(t, 30*time.Second); !so(); {
		select {
		case <-ctx.Done():
			t.Fatalf("never %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
