//go:build darwin && !nodynamic

package goengine

import "github.com/ebitengine/purego"

// The names that gen2brain/webp and gen2brain/avif load.
const (
	webpName = "libwebp.dylib"
	avifName = "libavif.dylib"
)

// openShared is the handle of a library that is loaded already.
func openShared(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
}
