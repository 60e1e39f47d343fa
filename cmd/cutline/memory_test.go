package main

import (
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestSoftLimit(t *testing.T) {
	const mib = 1 << 20
	of := func(memory, decode int64) *config {
		c := defaultConfig(environ{})
		c.Cache.Memory, c.Limits.Memory = memory*mib, decode*mib
		return c
	}
	for _, tt := range []struct {
		name      string
		config    *config
		container memlimit.Provider
		want      uint64
	}{
		{"defaults", defaultConfig(environ{}), fails(memlimit.ErrNoLimit), 1216 * mib},
		{"configured", of(1024, 512), fails(memlimit.ErrNoLimit), 2880 * mib},
		{"no container", defaultConfig(environ{}), fails(errors.New("no cgroup")), 1216 * mib},
		{"a large container", defaultConfig(environ{}), memlimit.Limit(64 << 30), 1216 * mib},
		{"a small container", defaultConfig(environ{}), memlimit.Limit(500 * mib), 400 * mib},
	} {
		if got, err := softLimit(tt.config, tt.container)(); got/mib != tt.want/mib || err != nil {
			t.Errorf("%s: %d MiB, %v, want %d MiB", tt.name, got/mib, err, tt.want/mib)
		}
	}
}

func fails(err error) memlimit.Provider {
	return func() (uint64, error) { return 0, err }
}

func TestLimitMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	log := slog.New(slog.DiscardHandler)
	t.Setenv("GOMEMLIMIT", "7GiB")
	limitMemory(defaultConfig(environ{}), memlimit.Limit(10<<30), log)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("with GOMEMLIMIT: limit %d, want it left alone", got)
	}
	if err := os.Unsetenv("GOMEMLIMIT"); err != nil { // t.Setenv puts back what was there
		t.Fatal(err)
	}
	limitMemory(defaultConfig(environ{}), memlimit.Limit(10<<30), log)
	if got := debug.SetMemoryLimit(-1); got != 1216<<20 {
		t.Errorf("without: limit %d, want %d", got, 1216<<20)
	}
}

func TestEncodeBudgets(t *testing.T) {
	const mib = 1 << 20
	for limit, want := range map[int64][2]int64{
		math.MaxInt64: {}, 1216 * mib: {}, 1000 * mib: {296 * mib, 552 * mib}, 512 * mib: {64 * mib, 320 * mib}, 0: {64 * mib, 320 * mib},
	} {
		if all, most := encodeBudgets(defaultConfig(environ{}), limit); all != want[0] || most != want[1] {
			t.Errorf("within %d bytes: %d and %d MiB, want %d", limit, all/mib, most/mib, want)
		}
	}
}

func TestHeadroom(t *testing.T) {
	for limit, want := range map[int64]int{math.MaxInt64: headroom, 512 << 20: headroom, 511 << 20: 0, 0: 0} {
		if got := len(newHeadroom(limit)); got != want {
			t.Errorf("within %d bytes: %d, want %d", limit, got, want)
		}
	}
}
