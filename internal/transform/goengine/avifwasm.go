//go:build !wasm2go

package goengine

// avifBuiltIn is the libavif inside the program: run by wazero, ready after 2 to 3 seconds of compiling, and in the way of a
// garbage collection for as long as one call of it takes (ADR 15).
const avifBuiltIn = "libavif 1.4.2 in WASM"
