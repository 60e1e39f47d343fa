package goengine

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/dd8bf596/cutline/internal/transform"
)

// TestCrew verifies how many encoders are at work at one time: as many as are spare and one, and no more than there are bytes
// for, but always one.
func TestCrew(t *testing.T) {
	const pixels = 100
	one := transform.EncoderBytes(transform.JPEG, pixels)
	for _, tt := range []struct {
		name   string
		spare  int
		pixels int64
		want   int32
	}{
		{"one processor", 0, pixels, 1},
		{"three processors", 2, pixels, 3},
		{"bytes for two", 7, (transform.ParallelBytes/2 - one) / 60, 2},
		{"more than all bytes", 7, transform.ParallelBytes, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spare, hold := make(chan struct{}, tt.spare), make(chan struct{})
				var now, most, done atomic.Int32
				finished := make(chan error)
				go func() {
					c := newCrew(spare)
					for i := range 9 {
						c.do(transform.JPEG, tt.pixels, i == 8, func() error {
							n := now.Add(1)
							for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
							}
							<-hold
							now.Add(-1)
							done.Add(1)
							return nil
						})
					}
					finished <- c.wait()
				}()
				for range 9 {
					synctest.Wait()
					hold <- struct{}{}
				}
				if err := <-finished; err != nil || most.Load() != tt.want || done.Load() != 9 || len(spare) != 0 {
					t.Errorf("got %d at one time, %d done, %d tokens left behind and error %v, want %d, 9, 0", most.Load(), done.Load(), len(spare), err, tt.want)
				}
			})
		})
	}
}

// TestCrewFails verifies that the first failure is told, that a panic is one, and that what comes behind it is not begun.
func TestCrewFails(t *testing.T) {
	boom := errors.New("boom")
	for _, tt := range []struct {
		name  string
		spare int
		fail  func() error
		want  error
	}{
		{"error", 0, func() error { return boom }, boom},
		{"error elsewhere", 1, func() error { return boom }, boom},
		{"panic", 0, func() error { panic(boom) }, transform.ErrPanic},
		{"panic elsewhere", 1, func() error { panic(boom) }, transform.ErrPanic},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrew(make(chan struct{}, tt.spare))
			c.do(transform.JPEG, 1, false, tt.fail)
			c.wg.Wait()
			begun := c.do(transform.JPEG, 1, true, func() error { t.Error("begun all the same"); return nil })
			if err := c.wait(); !errors.Is(err, tt.want) || begun {
				t.Errorf("got error %v and %v, want %v and false", err, begun, tt.want)
			}
		})
	}
}
