//go:build unix && !darwin && !nodynamic

package goengine

import "github.com/ebitengine/purego"

// The names that gen2brain/webp and gen2brain/avif load.
const (
	webpName = "libwebp.so"
	avifName = "libavif.so"
)

// openShared is the handle of a library that is loaded already.
func openShared(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
}
