//go:build !unix

package main

// openFiles is 0: nobody knows.
func openFiles() uint64 { return 0 }
