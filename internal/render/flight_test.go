package render

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

const flightTime = time.Minute

func TestFlightsShareOnePieceOfWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFlights[string, int](flightTime, newGate(4, 4, time.Second), func(err error) { t.Error(err) })
		release := make(chan struct{})
		var runs atomic.Int32
		ask := func(ctx context.Context) (int, error) {
			all, led := g.claim("k")
			if len(led) == 1 {
				g.start(ctx, []string{"k"}, all, func(context.Context) func() {
					runs.Add(1)
					<-release
					all[0].finish(42, nil)
					return nil
				})
			}
			return all[0].wait(ctx)
		}
		got := make(chan int, 100)
		for range 100 {
			go func() {
				v, err := ask(t.Context())
				if err != nil {
					t.Error(err)
				}
				got <- v
			}()
		}
		synctest.Wait()
		close(release)
		for range 100 {
			if v := <-got; v != 42 {
				t.Errorf("got %d, want 42", v)
			}
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("work ran %d times, want 1", n)
		}
	})
}

func TestFlightsOutliveTheirLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFlights[string, int](flightTime, newGate(4, 4, time.Second), func(err error) { t.Error(err) })
		ctx, leave := context.WithCancel(t.Context())
		all, _ := g.claim("k")
		g.start(ctx, []string{"k"}, all, func(ctx context.Context) func() {
			time.Sleep(time.Second)
			all[0].finish(1, ctx.Err())
			return nil
		})
		synctest.Wait() // it has begun
		leave()
		if _, err := all[0].wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("leader: got error %v, want context.Canceled", err)
		}
		joined, led := g.claim("k")
		if len(led) != 0 {
			t.Fatal("the flight ended with its leader")
		}
		if v, err := joined[0].wait(t.Context()); v != 1 || err != nil {
			t.Errorf("follower: got %d, %v, want 1 and no error", v, err)
		}
	})
}

func TestFlightsEndAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFlights[string, int](flightTime, newGate(4, 4, time.Second), func(err error) { t.Error(err) })
		stuck := make(chan struct{})
		settled := false
		all, _ := g.claim("k")
		g.start(t.Context(), []string{"k"}, all, func(context.Context) func() {
			<-stuck // deaf to its context
			all[0].finish(1, nil)
			return func() { settled = true }
		})
		start := time.Now()
		if _, err := all[0].wait(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want context.DeadlineExceeded", err)
		}
		if d := time.Since(start); d != flightTime {
			t.Errorf("waited %v, want %v", d, flightTime)
		}
		synctest.Wait()
		if _, led := g.claim("k"); len(led) != 1 {
			t.Error("the key is not free after the deadline")
		}
		close(stuck)
		synctest.Wait()
		if settled {
			t.Error("work settled after its deadline")
		}
	})
}

func TestFlightsTurnPanicsIntoErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFlights[string, int](flightTime, newGate(4, 4, time.Second), func(err error) { t.Error(err) })
		all, _ := g.claim("a", "b")
		g.start(t.Context(), []string{"a", "b"}, all, func(context.Context) func() {
			all[0].finish(1, nil)
			panic("engine")
		})
		if v, err := all[0].wait(t.Context()); v != 1 || err != nil {
			t.Errorf("finished flight: got %d, %v, want 1 and no error", v, err)
		}
		if _, err := all[1].wait(t.Context()); !errors.Is(err, errPanic) {
			t.Errorf("unfinished flight: got error %v, want errPanic", err)
		}
	})
}

func TestFlightsNameUnfinishedWork(t *testing.T) {
	g := newFlights[string, int](flightTime, newGate(4, 4, time.Second), func(err error) { t.Error(err) })
	all, _ := g.claim("k")
	g.start(t.Context(), []string{"k"}, all, func(context.Context) func() { return nil })
	if _, err := all[0].wait(t.Context()); !errors.Is(err, errUnfinished) {
		t.Errorf("got error %v, want errUnfinished", err)
	}
}

func TestFlightsPublishBeforeTheySettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFlights[string, int](flightTime, newGate(4, 4, time.Second), func(err error) { t.Error(err) })
		slow := make(chan struct{})
		all, _ := g.claim("k")
		g.start(t.Context(), []string{"k"}, all, func(context.Context) func() {
			all[0].finish(1, nil)
			return func() { <-slow }
		})
		if v, err := all[0].wait(t.Context()); v != 1 || err != nil {
			t.Fatalf("got %d, %v, want 1 and no error while settling", v, err)
		}
		synctest.Wait()
		if _, led := g.claim("k"); len(led) != 0 {
			t.Error("a flight that settles cannot be joined")
		}
		close(slow)
		synctest.Wait()
		if _, led := g.claim("k"); len(led) != 1 {
			t.Error("a settled flight is still there")
		}
	})
}

func TestFlightsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFlights[string, int](flightTime, newGate(4, 4, time.Second), func(err error) { t.Error(err) })
		slow := make(chan struct{})
		all, _ := g.claim("k")
		g.start(t.Context(), []string{"k"}, all, func(context.Context) func() {
			<-slow
			all[0].finish(1, nil)
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close with work under way: got %v, want context.DeadlineExceeded", err)
		}
		close(slow)
		if err := g.close(t.Context()); err != nil {
			t.Errorf("close after the work: got %v, want no error", err)
		}
		late, led := g.claim("k")
		if len(led) != 1 {
			t.Fatal("after close a caller must lead")
		}
		g.start(t.Context(), []string{"k"}, late, func(context.Context) func() {
			late[0].finish(2, nil)
			return nil
		})
		if v, err := late[0].wait(t.Context()); v != 2 || err != nil {
			t.Errorf("after close: got %d, %v, want 2 and no error", v, err)
		}
	})
}

// queued claims k behind a gate whose only slot is taken. ran is set when the work runs after all.
func queued(t *testing.T, g *flights[string, int]) (f *flight[int], ran *atomic.Bool) {
	t.Helper()
	all, led := g.claim("k")
	if len(led) != 1 {
		t.Fatal("the key is taken")
	}
	ran = new(atomic.Bool)
	g.start(t.Context(), []string{"k"}, all, func(context.Context) func() {
		ran.Store(true)
		all[0].finish(1, nil)
		return nil
	})
	synctest.Wait()
	return all[0], ran
}

// What nobody waits for any more is dropped while it is queued, and only then.
func TestFlightsDropWhatNobodyWaitsFor(t *testing.T) {
	for _, tt := range []struct {
		name    string
		waiters int  // besides the leader, who leaves
		leaving int  // of them
		behind  bool // somebody claimed and does not wait
		dropped bool
	}{
		{"the leader leaves", 0, 0, false, true},
		{"all leave", 3, 3, false, true},
		{"one stays", 3, 2, false, false},
		{"wanted for its own sake", 0, 0, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newFlights[string, int](flightTime, newGate(1, 4, flightTime), func(err error) { t.Error(err) })
				free, err := g.gate.enter(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				f, ran := queued(t, g)
				if tt.behind {
					g.claim("k")
				}
				ctx, leave := context.WithCancel(t.Context())
				go func() { _, _ = f.wait(ctx) }()
				stayed := make(chan error, tt.waiters)
				for i := range tt.waiters {
					joined, _ := g.claim("k")
					waiting := t.Context()
					if i < tt.leaving {
						waiting = ctx
					}
					go func() {
						_, err := joined[0].wait(waiting)
						stayed <- err
					}()
				}
				synctest.Wait()
				leave()
				synctest.Wait()
				if inside := len(g.gate.room); (inside == 1) != tt.dropped {
					t.Errorf("%d inside the gate, dropped: %t", inside, tt.dropped)
				}
				if tt.dropped {
					again, ranAgain := queued(t, g)
					free()
					if v, err := again.wait(t.Context()); v != 1 || err != nil || !ranAgain.Load() {
						t.Errorf("the next reader: %d, %v", v, err)
					}
				} else {
					free()
				}
				synctest.Wait()
				if ran.Load() == tt.dropped {
					t.Errorf("the work ran: %t, dropped: %t", ran.Load(), tt.dropped)
				}
				for range tt.waiters {
					if err := <-stayed; err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				}
			})
		})
	}
}

// Readers come and go while work is queued: whoever stays has the result, and never the end of work that others left.
func TestFlightsNobodyJoinsWhatIsDropped(t *testing.T) {
	g := newFlights[string, int](flightTime, newGate(1, 1000, flightTime), func(err error) { t.Error(err) })
	gone, leave := context.WithCancel(t.Context())
	leave()
	ask := func(ctx context.Context) (int, error) {
		all, led := g.claim("k")
		if len(led) == 1 {
			g.start(ctx, []string{"k"}, all, func(context.Context) func() {
				all[0].finish(1, nil)
				return nil
			})
		}
		return all[0].wait(ctx)
	}
	var readers sync.WaitGroup
	for i := range 100 {
		readers.Go(func() {
			for range 200 {
				if i%4 > 0 {
					_, _ = ask(gone)
				} else if v, err := ask(t.Context()); v != 1 || err != nil {
					t.Errorf("who stays: %d, %v, want 1 and no error", v, err)
				}
			}
		})
	}
	readers.Wait()
	if err := g.close(t.Context()); err != nil || len(g.byKey) != 0 || len(g.gate.room) != 0 {
		t.Errorf("at the end: %v, %d keys, %d inside the gate, want none", err, len(g.byKey), len(g.gate.room))
	}
}

// A leader who waits long holds no follower past the follower's own deadline.
func TestFlightsFollowersKeepTheirDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		defer g.hang()()
		go func() { _, _ = g.one(t, remote(t), 320) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := g.Render(ctx, Request{Source: remote(t), Specs: []transform.Spec{webp(320)}})
		if waited := time.Since(start); class(t, err) != TimedOut || waited != time.Second {
			t.Errorf("the follower: %v after %v, want class %s after its second", err, waited, TimedOut)
		}
	})
}
