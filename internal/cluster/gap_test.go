package cluster

import (
	"context"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// slowly is a Handler to which something happens while it carries out its first message.
type slowly struct {
	heard
	during func()
}

func (s *slowly) Apply(ctx context.Context, m Message) {
	if s.during != nil {
		s.during()
		s.during = nil
	}
	s.heard.Apply(ctx, m)
}

// TestOvertakenWhileReading trims the stream past a node that is slow, and always has more to read.
func TestOvertakenWhileReading(t *testing.T) {
	redis := miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	a := open(t, Options{URL: url, Prefix: "site"})
	ha := newHeard()
	a.Follow(ha)
	next(t, ha.doubts)
	b := open(t, Options{URL: url, Prefix: "site"})
	hb := &slowly{heard: newHeard(), during: func() {
		for range 3 * readMost {
			if _, told := a.Tell(t.Context(), Rescan); !told {
				t.Error("not told")
			}
		}
		c := a.reach()
		if err := c.Do(t.Context(), c.B().Xtrim().Key(a.stream()).Maxlen().Threshold("2").Build()).Error(); err != nil {
			t.Error(err)
		}
	}}
	b.Follow(hb)
	next(t, hb.doubts)
	if _, told := a.Tell(t.Context(), Forget, "/a.jpg"); !told {
		t.Fatal("not told")
	}
	next(t, hb.messages)
	if d := next(t, hb.doubts); d.Private.Time == 0 || d.Shared != d.Private {
		t.Errorf("in doubt: %+v, want all from before what is left of the stream", d)
	}
}
