package imagetest

import (
	"embed"
	"testing"
)

// files are the variants that Go's encoders cannot write; testdata/PROVENANCE.md says how each was made.
//
//go:embed testdata/*.jpg testdata/*.png testdata/*.webp testdata/*.avif
var files embed.FS

// FileWidth and FileHeight are the size of every picture that File returns, in pixels.
const (
	FileWidth  = 120
	FileHeight = 80
)

// File is a picture of FileWidth × FileHeight pixels in a variant that Go cannot write, showing Photo, or Fade where its
// name says alpha: "progressive.jpg", "444.jpg", "cmyk.jpg", "interlaced.png", "lossy.webp", "lossless.webp",
// "alpha.webp", "alpha-lossless.webp", "animated.webp" (two frames), "lossy.avif", "deep-444.avif" (10 bits), "alpha.avif",
// "alpha-premultiplied.avif", "animated.avif" (two frames), and "turned.avif", which shows Quadrants, transposed by its container.
func File(t testing.TB, name string) []byte {
	t.Helper()
	body, err := files.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatalf("fixture: %v", err)
	}
	return body
}

// WebP is File's lossy WebP, or the one with transparency.
func WebP(t testing.TB, alpha bool) []byte {
	t.Helper()
	if alpha {
		return File(t, "alpha.webp")
	}
	return File(t, "lossy.webp")
}
