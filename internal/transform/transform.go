// Package transform makes renditions out of originals: it defines what can be asked for (Spec), what does it (Engine),
// and the limits that hold for every engine (Transformer).
//
// It knows nothing of URLs, posts, caches or networks.
package transform

import (
	"context"
	"errors"
	"time"
)

// Errors of this package, wrapped with what was met and what was expected. Each has one HTTP status at the edge.
var (
	ErrSpec     = errors.New("bad image spec")                      // ParseSpec: the text is not in the grammar
	ErrFormat   = errors.New("not an image format that is read")    // magic bytes of no allowed format, or one that the engine cannot decode or encode
	ErrTooLarge = errors.New("image exceeds a limit")               // pixels, sides, frames, scans, metadata or decode memory
	ErrCorrupt  = errors.New("image cannot be decoded")             // truncated or damaged
	ErrBusy     = errors.New("too many images are being processed") // the queue is full or the wait was too long
	ErrTimeout  = errors.New("image took too long to process")      // the deadline of one transform passed
	ErrPanic    = errors.New("image engine failed")                 // a panic inside the engine, turned into an error
)

// Info is what an original's header says, read without decoding pixels.
type Info struct {
	Format      Format
	Width       int   // pixels, after EXIF orientation
	Height      int   // pixels, after EXIF orientation
	Orientation int   // EXIF 1…8; 1 when the file says nothing
	Alpha       bool  // may have transparent pixels
	Frames      int   // ≥ 1; more in animations
	DecodeBytes int64 // estimate of the memory that decoding takes, from measured bytes per pixel
}

// Ability says what an engine does with a format.
type Ability struct{ Decode, Encode bool }

// Output is one rendition's pixels, encoded. Nobody may modify Body.
type Output struct {
	Body   []byte
	Format Format
	Width  int // pixels
	Height int // pixels
	Took   Timing
}

// Timing is where the time of one Output went. Decode is shared by all outputs of a call.
type Timing struct{ Decode, Resize, Encode time.Duration }

// An Engine decodes, resizes and encodes. Implementations are leaves: they keep no limits of their own (the Transformer
// around them does) but must not allocate for pixels in Probe, must apply EXIF orientation, must never upscale, and must
// strip all metadata. All methods are safe for concurrent use. Package enginetest holds the suite that every engine passes.
type Engine interface {
	// Can reports what the engine does with f.
	Can(f Format) Ability
	// Probe reads the header of src. It returns ErrFormat or ErrCorrupt.
	Probe(src []byte) (Info, error)
	// Transform decodes src once and makes one Output per spec, in order. Specs are resolved: Format, Width and Height
	// are set, none is larger than the original, DPR is folded in, Quality is set for lossy formats. It stops early when
	// ctx ends. It returns ErrFormat, ErrCorrupt or ctx's error, and never some outputs without the others.
	Transform(ctx context.Context, src []byte, specs []Spec) ([]Output, error)
	// Rev names the revision of everything that shapes the bytes in f; it is part of every rendition's key.
	Rev(f Format) string
	// Close releases the engine's resources. No other call may follow.
	Close() error
}

// Options bounds a Transformer. The zero value means the defaults of each field.
type Options struct {
	MaxBytes     int64         // of an original; 0 means 20 MB (20,000,000)
	MaxPixels    int64         // width × height of an original; 0 means 50,000,000
	MaxSide      int           // of an original, pixels; 0 means 16,384
	MaxOutput    int           // of a rendition's longer side, pixels; 0 means 2,560
	MemoryBudget int64         // bytes of decoding under way at one time; 0 means 256 MiB
	Slots        int           // transforms under way at one time; 0 means GOMAXPROCS
	Queue        int           // transforms waiting; more are ErrBusy; 0 means 64
	Timeout      time.Duration // of one transform, not counting its wait; 0 means 10 s
	MaxWait      time.Duration // in the queue; longer is ErrBusy; 0 means 5 s
}

// A Transformer wraps an Engine with sniffing, limits, a memory budget, a bounded queue, a deadline, and a recover, so that
// no engine can forget them. It is safe for concurrent use.
type Transformer struct{}

// New wraps e.
func New(e Engine, o Options) *Transformer { return &Transformer{} }

// Can reports what the engine does with f.
func (t *Transformer) Can(f Format) Ability { return Ability{} }

// Rev names the revision of everything that shapes the bytes in f.
func (t *Transformer) Rev(f Format) string { return "" }

// Probe reads the header of src within the limits. It returns ErrFormat, ErrCorrupt or ErrTooLarge.
func (t *Transformer) Probe(src []byte) (Info, error) { return Info{}, ErrFormat }

// Transform decodes src once and makes one Output per spec, in order. Specs must be resolved (Spec.Resolve).
// It returns every error of this package but ErrSpec, and ctx's error when ctx ends first.
func (t *Transformer) Transform(ctx context.Context, src []byte, specs []Spec) ([]Output, error) {
	return nil, ErrFormat
}

// Close closes the engine, after the transforms under way.
func (t *Transformer) Close() error { return nil }
