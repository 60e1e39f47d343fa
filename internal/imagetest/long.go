package imagetest

import "testing"

// Long skips t in short runs. `make check` runs all tests whole, and short once more with the race detector, under which
// encoders in Go take ten times as long and the compiler of WebAssembly half a minute, while neither starts a goroutine.
func Long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("long: runs without -short")
	}
}
