package main

import (
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestPressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var live, limit uint64
		var held int64
		collections := 0
		p := &pressure{
			tier: 100, held: func() int64 { return held },
			read: func() (uint64, uint64) { return live, limit }, collect: func() { collections++ },
		}
		for _, tt := range []struct {
			live, limit uint64
			held        int64
			want        bool
		}{
			{0, 1100, 0, false},
			{849, 1100, 0, false},
			{850, 1100, 0, true},
			{850, 1100, 100, false}, // the tier's bytes are not what is short
			{950, 1100, 100, true},
			{1 << 40, math.MaxInt64, 0, false}, // no limit
		} {
			live, limit, held = tt.live, tt.limit, tt.held
			if got := p.pressed(); got != tt.want {
				t.Errorf("%+v: %t", tt, got)
			}
			synctest.Wait()
		}
		live, limit, held = 2000, 1100, 0
		before := collections
		for range 100 {
			p.pressed()
			synctest.Wait()
			time.Sleep(collectEvery / 10)
		}
		if got := collections - before; got < 9 || got > 11 {
			t.Errorf("%d collections in 10 s, want one a second", got)
		}
	})
	runtime.GC()
	if live, limit := heap(); live == 0 || limit == 0 {
		t.Errorf("the runtime's: %d live, limit %d", live, limit)
	}
}

func TestTierBytes(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct{ memory, decode, limit, want int64 }{
		{128, 256, math.MaxInt64 / mib, 128}, // none
		{128, 256, 1152, 128},                // what softLimit makes of the defaults
		{8192, 256, 8192 + 768 + 256, 8192},
		{8192, 256, 6400, 6400 - 768 - 256},
		{128, 256, 400, 100},
		{16, 256, 400, 16},
	} {
		c := defaultConfig(environ{})
		c.Cache.Memory, c.Limits.Memory = tt.memory*mib, tt.decode*mib
		if got := tierBytes(c, tt.limit*mib); got != tt.want*mib {
			t.Errorf("%+v: %d MiB", tt, got/mib)
		}
	}
}
