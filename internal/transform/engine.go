package transform

import "context"

// Ability says what an engine does with a format.
type Ability struct{ Decode, Encode bool }

// An Engine decodes, resizes and encodes. Implementations are leaves: they keep no limits of their own (the Transformer
// around them does) but must not allocate for pixels in Probe, must apply EXIF orientation, must never upscale, and must
// strip all metadata. All methods are safe for concurrent use. Package enginetest holds the suite that every engine passes.
type Engine interface {
	// Can reports what the engine does with f.
	Can(f Format) Ability
	// Probe reads the header of src. It returns ErrFormat or ErrCorrupt. It takes time and memory in proportion to the
	// length of src, never to what src claims.
	Probe(src []byte) (Info, error)
	// Transform decodes src once and makes one Output per spec, in order. Specs are resolved: Format, Width and Height
	// are set, in none is the picture (Spec.Place) larger than the original, DPR is folded in. Where Quality of a lossy
	// format is 0, the engine searches one. It stops early when ctx ends. It returns ErrFormat, ErrCorrupt, ErrTooLarge
	// where the bytes that a spec allows are not enough, or ctx's error, and never some outputs without the others. It must
	// not modify src or keep it after returning.
	Transform(ctx context.Context, src []byte, specs []Spec) ([]Output, error)
	// Rev names the revision of everything that shapes the bytes in f; it is part of every rendition's key.
	Rev(f Format) string
	// Close releases the engine's resources. No other call may follow.
	Close() error
}
