//go:build windows && !nodynamic

package goengine

import "syscall"

// The names that gen2brain/webp and gen2brain/avif load.
const (
	webpName = "libwebp.dll"
	avifName = "libavif.dll"
)

// openShared is the handle of a library that is loaded already.
func openShared(name string) (uintptr, error) {
	handle, err := syscall.LoadLibrary(name)
	return uintptr(handle), err
}
