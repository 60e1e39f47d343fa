// Package transform makes renditions out of originals: it defines what can be asked for (Spec), what does it (Engine),
// and the limits that hold for every engine (Transformer).
//
// It knows nothing of URLs, posts, caches or networks.
package transform

import (
	"errors"
	"fmt"
	"time"
)

// Errors of this package, wrapped with what was met and what was expected. Each has one HTTP status at the edge.
var (
	ErrSpec     = errors.New("bad image spec")                      // ParseSpec: the text is not in the grammar; Transform: a Spec is not resolved
	ErrFormat   = errors.New("not an image format that is read")    // magic bytes of no allowed format, or one that the engine cannot decode or encode
	ErrTooLarge = errors.New("image exceeds a limit")               // bytes, pixels, sides, scans, metadata or decode memory; of a rendition, the bytes of its Spec
	ErrCorrupt  = errors.New("image cannot be decoded")             // truncated or damaged
	ErrBusy     = errors.New("too many images are being processed") // the queue is full, the wait was too long, or the Transformer is closed
	ErrTimeout  = errors.New("image took too long to process")      // the deadline of one transform passed
	ErrEnded    = errors.New("it ended what was to decode it")      // beside ErrCorrupt: the only sign of damage, which memory that ran short can leave too
	ErrPanic    = errors.New("image engine failed")                 // a panic or another defect inside the engine, turned into an error
)

// A PanicError is ErrPanic with what was thrown and where, for a log line; Error shows the value alone.
type PanicError struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

// Error is ErrPanic's text and the value.
func (e *PanicError) Error() string { return fmt.Sprintf("%v: panic: %v", ErrPanic, e.Value) }

// Unwrap is ErrPanic.
func (e *PanicError) Unwrap() error { return ErrPanic }

// Info is what an original's header says, read without decoding pixels.
type Info struct {
	Format      Format
	Width       int   // pixels, after EXIF orientation
	Height      int   // pixels, after EXIF orientation
	Orientation int   // EXIF 1…8; 1 when the file says nothing
	Alpha       bool  // may have transparent pixels
	Frames      int   // ≥ 1; more in animations
	Scans       int   // of a progressive JPEG: each costs a pass over the picture; 1 elsewhere
	Metadata    int64 // bytes of EXIF, XMP, ICC profile, comments and the like in the file
	DecodeBytes int64 // estimate of the memory that decoding takes, from measured bytes per pixel
	MotionBytes int64 // estimate of the memory that decoding takes where all frames are kept; 0 where none can be
	HeldBytes   int64 // what is left of DecodeBytes once decoded, beside which resizing and encoding work; 0 is all of it
}

// Output is one rendition's pixels, encoded. Nobody may modify Body.
type Output struct {
	Body    []byte
	Format  Format
	Width   int // pixels
	Height  int // pixels
	Frames  int // ≥ 1; fewer than the original's where an animation was not kept moving
	Quality int // the one asked for or found, 1…100; 0 in lossless formats
	Took    Timing
}

// Timing is where the time of one Output went. Decode is shared by all outputs of a call. Resize is 0 where another
// Output of the call has the same pixels. Encode includes the search for a quality. Began says when each was begun, by the wall
// clock, which a worker has in common with its parent; it is zero where nobody noted it. Outputs may be encoded at the same time,
// and the frames of an animation go through all three in turn.
type Timing struct {
	Decode, Resize, Encode time.Duration
	Began                  Began
}

// Began is when the stages of a Timing were begun.
type Began struct{ Decode, Resize, Encode time.Time }
