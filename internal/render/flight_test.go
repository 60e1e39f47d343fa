package render

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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
