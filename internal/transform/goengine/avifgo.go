//go:build wasm2go

package goengine

// avifBuiltIn is the libavif inside the program: half a million lines of Go, which take minutes to build and nothing to
// start, and which a garbage collection can interrupt (ADR 15).
const avifBuiltIn = "libavif 1.4.2 translated to Go"
