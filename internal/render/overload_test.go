package render

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestGateRefusesAtOnce verifies that whoever comes when four times as many do as can be served is refused at once or served, and not
// refused after a long wait, however long one takes: pictures of 24 megapixels as well as thumbnails. What can be served is.
func TestGateRefusesAtOnce(t *testing.T) {
	const slots, lasts, wait = 4, 60 * time.Second, 15 * time.Second
	for _, takes := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, time.Second} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(slots, waiting, wait)
				var mu sync.Mutex
				var refused []time.Duration
				served := 0
				start := time.Now()
				var wg sync.WaitGroup
				for time.Since(start) < lasts {
					wg.Go(func() {
						came := time.Now()
						leave, err := g.enter(t.Context(), "")
						mu.Lock()
						if errors.Is(err, errFull) {
							refused = append(refused, time.Since(came))
						} else if time.Since(start) < lasts {
							served++
						}
						mu.Unlock()
						if err == nil {
							time.Sleep(takes)
							leave()
						}
					})
					time.Sleep(takes / slots / 4)
				}
				wg.Wait()
				late := 0
				for _, d := range refused {
					if d > 50*time.Millisecond {
						late++
					}
				}
				t.Logf("%d served, %d refused, %d of them late, the last after %v", served, len(refused), late, slices.Max(append(refused, 0)))
				if late > len(refused)/20 {
					t.Errorf("%d of %d were refused after a wait", late, len(refused))
				}
				if most := int(lasts / takes * slots); served < most*9/10 {
					t.Errorf("%d served, of %d that could be", served, most)
				}
			})
		})
	}
}

// TestPaceForgets verifies that a queue which dissolved, and flights that are outside, keep nobody out later.
func TestPaceForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, waiting, 15*time.Second)
		first, err := g.enter(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			go func() {
				if leave, err := g.enter(ctx, ""); err == nil {
					<-ctx.Done()
					leave()
				}
			}()
		}
		synctest.Wait()
		first() // one of the three has the slot, two wait
		time.Sleep(time.Second)
		cancel()
		synctest.Wait()
		time.Sleep(time.Hour)
		var away sync.WaitGroup
		for range 5 {
			leave, err := g.enter(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			away.Go(func() {
				defer leave()
				if err := g.outside(func() { time.Sleep(time.Minute) }); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			time.Sleep(time.Second)
		}
		for i := range 5 {
			leave, err := g.enter(t.Context(), "")
			if err != nil {
				t.Fatalf("newcomer %d: %v", i, err)
			}
			leave()
		}
		away.Wait()
	})
}
