package transform

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Options bounds a Transformer. The zero value means the defaults of each field.
type Options struct {
	MaxBytes     int64         // of an original; 0 means 20 MB (20,000,000)
	MaxPixels    int64         // width × height of an original; 0 means 50,000,000
	MaxSide      int           // of an original, pixels; 0 means 16,384
	MaxScans     int           // of a JPEG; 0 means 100
	MaxMetadata  int64         // bytes of metadata in an original; 0 means 1 MiB
	MaxOutput    int           // of a rendition's longer side, pixels; 0 means 2,560
	MaxFrames    int           // of an original that is kept moving, else its first frame is all; 0 means 300
	MaxMotion    int64         // frames × pixels of such an original; 0 means 50,000,000
	MaxMoving    int64         // frames × pixels of what is made of it, twice for GIF; 0 means 16,000,000
	MemoryBudget int64         // bytes of decoding and resizing under way at one time; 0 means 256 MiB
	EncodeBudget int64         // bytes of encoding under way at one time, see encodeBytes; 0 means twice MemoryBudget
	MaxEncode    int64         // bytes of encoding for one call with one spec, beyond which it is ErrTooLarge; 0 means no limit
	Slots        int           // transforms under way at one time; 0 means GOMAXPROCS
	Queue        int           // transforms waiting; more are ErrBusy; 0 means 64
	Timeout      time.Duration // of one transform, not counting its wait; 0 means 10 s
	MaxWait      time.Duration // in the queue; longer is ErrBusy; 0 means 5 s
}

// withDefaults fills what o leaves at 0. The figures are those of design.md, Limits.
func (o Options) withDefaults() Options {
	orDefault(&o.MaxBytes, 20_000_000)
	orDefault(&o.MaxPixels, 50_000_000)
	orDefault(&o.MaxSide, 16_384)
	orDefault(&o.MaxScans, 100)
	orDefault(&o.MaxMetadata, 1<<20)
	orDefault(&o.MaxOutput, 2_560)
	orDefault(&o.MaxFrames, 300)
	orDefault(&o.MaxMotion, 50_000_000)
	orDefault(&o.MaxMoving, 16_000_000)
	orDefault(&o.MemoryBudget, 256<<20)
	orDefault(&o.EncodeBudget, 2*o.MemoryBudget)
	orDefault(&o.Slots, runtime.GOMAXPROCS(0))
	orDefault(&o.Queue, 64)
	orDefault(&o.Timeout, 10*time.Second)
	orDefault(&o.MaxWait, 5*time.Second)
	return o
}

func orDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// checkBytes applies the limit that needs no header.
func (o Options) checkBytes(src []byte) error {
	if int64(len(src)) > o.MaxBytes {
		return fmt.Errorf("%w: %d bytes, of at most %d", ErrTooLarge, len(src), o.MaxBytes)
	}
	return nil
}

// checkInfo applies every limit that a header decides. Width and height are at most 2³¹, so their product fits.
func (o Options) checkInfo(i Info) error {
	switch pixels := int64(i.Width) * int64(i.Height); {
	case i.Width < 1 || i.Height < 1:
		return fmt.Errorf("%w: %d × %d pixels", ErrCorrupt, i.Width, i.Height)
	case i.Width > o.MaxSide || i.Height > o.MaxSide:
		return fmt.Errorf("%w: %d × %d pixels, of at most %d a side", ErrTooLarge, i.Width, i.Height, o.MaxSide)
	case pixels > o.MaxPixels:
		return fmt.Errorf("%w: %d × %d pixels, of at most %d", ErrTooLarge, i.Width, i.Height, o.MaxPixels)
	case i.Scans > o.MaxScans:
		return fmt.Errorf("%w: %d scans, of at most %d", ErrTooLarge, i.Scans, o.MaxScans)
	case i.Metadata > o.MaxMetadata:
		return fmt.Errorf("%w: %d bytes of metadata, of at most %d", ErrTooLarge, i.Metadata, o.MaxMetadata)
	case i.DecodeBytes > o.MemoryBudget:
		return fmt.Errorf("%w: decoding needs %d bytes, of at most %d", ErrTooLarge, i.DecodeBytes, o.MemoryBudget)
	}
	return nil
}

// AnimateAttempts is how often an engine may make an animation to keep to a Spec's MaxKB.
const AnimateAttempts = 4

// moves reports whether the animation of i may be kept for s, which asks for that. What would take too long or too much
// memory becomes a still picture instead of an error: its first frame is worth more to a reader. The defaults are for
// Timeout's: on one core of a server, a pixel of an original takes 0.09 µs to decode, draw and resize in linear light, one
// of the result 0.25 µs as WebP.
func (o Options) moves(i Info, s Spec) bool {
	frames := int64(i.Frames)
	made := frames * int64(s.Width) * int64(s.Height)
	if s.Format == GIF {
		made *= 2 // its colours are counted, cut and dithered
	}
	if s.MaxKB > 0 {
		made *= AnimateAttempts
	}
	return i.Frames <= o.MaxFrames && frames*int64(i.Width)*int64(i.Height) <= o.MaxMotion && made <= o.MaxMoving &&
		i.MotionBytes > 0 && workBytes(i, []Spec{s}) <= o.MemoryBudget
}

// still is specs without animations that may not be kept. It changes nothing in specs.
func (o Options) still(i Info, specs []Spec) []Spec {
	copied := false
	for n, s := range specs {
		if !s.Animate || i.Frames > 1 && o.moves(i, s) {
			continue
		}
		if !copied {
			specs, copied = slices.Clone(specs), true
		}
		specs[n].Animate = false
	}
	return specs
}

// What an engine holds beside the decoded original, in bytes per pixel.
const (
	// pixelBytes is one resized picture: four channels of eight bits.
	pixelBytes = 4
	// movingWebP is what libwebp works with for one frame: two copies, planes, tokens, and its own memory as it grows.
	movingWebP = 27
	// bodyBytes and losslessBytes are an encoded file: noise at quality 100, and what PNG cannot compress.
	bodyBytes     = 1
	losslessBytes = 4
	// paletteBytes is a picture in a palette beside its pixels: one byte for each, and four where its transparency has to
	// be made all or nothing. quantizeBytes is the most that the tables take in which colours are counted and cut.
	paletteBytes  = 5
	quantizeBytes = 8 << 20
)

// EncoderBytes is the memory that f's encoder works with for a picture of so many pixels: the most that was alive at one
// time around one encode, its WASM memory and the copies that are made as that grows included, measured at 200 to 2,560
// pixels' width. Per pixel, at 2,560 and at 800: jpegli 30 and 41, with chroma at full resolution 59 and 79; libwebp 26 and,
// thorough, 50; libaom 97 and 130, with full chroma, where it is used, 180 at 800. What image/png and image/gif hold is a
// palette and the tables in which colours are counted.
func EncoderBytes(f Format, pixels int64) int64 {
	switch f {
	case JPEG:
		return 8<<20 + 60*pixels
	case WebP:
		return 16<<20 + 27*pixels
	case AVIF:
		return 48<<20 + 100*pixels
	}
	return quantizeBytes + paletteBytes*pixels
}

// ParallelBytes bounds what the encoders that an engine runs at one time for one call work with, by EncoderBytes. One alone
// may need more.
const ParallelBytes = 256 << 20

// NeedBytes is an estimate of the most memory that an engine works with in one call for specs, resolved, of an original that
// i tells of: decoding and resizing, then encoding.
func NeedBytes(i Info, specs []Spec) int64 { return max(workBytes(i, specs), encodeBytes(specs)) }

// workBytes is the memory that decoding and resizing hold at one time in one call, the more of two stages: decoding; and
// resizing, beside what is left of decoding (a progressive JPEG's coefficients, 4/5 of what it takes, are gone by then).
//
// Animations are made one after the other, before or after everything else, beside the files that are done.
func workBytes(i Info, specs []Spec) int64 {
	var stills []Spec
	var moving, files int64
	for _, s := range specs {
		if s.Animate {
			moving, files = max(moving, movingBytes(i, s)), files+movingFile(i, s)
		} else {
			stills = append(stills, s)
		}
	}
	if len(stills) == 0 {
		return moving + files
	}
	return max(stillBytes(i, stills), moving) + files
}

// needs is what a call takes of the two budgets, or ErrTooLarge. What needs more than all of EncodeBudget takes all of it, and so is
// made alone: such a rendition is large, and its pixels are our own, so how much it needs is bounded by MaxOutput (660 MB for an AVIF
// of 2,560 × 2,560) and MaxEncode.
func (o Options) needs(i Info, specs []Spec) (memory, encode int64, err error) {
	memory, encode = workBytes(i, specs), encodeBytes(specs)
	switch {
	case memory > o.MemoryBudget:
		return 0, 0, fmt.Errorf("%w: decoding and resizing need %d bytes, of at most %d", ErrTooLarge, memory, o.MemoryBudget)
	case o.MaxEncode > 0 && encode > o.MaxEncode:
		return 0, 0, fmt.Errorf("%w: encoding needs %d bytes, of at most %d", ErrTooLarge, encode, o.MaxEncode)
	}
	return memory, min(encode, o.EncodeBudget), nil
}

// encodeBytes is the memory that encoding stills holds at one time in one call, when the original is gone: every resized
// picture, once more with what is around it where it is padded, the encoders under way, and the files that are done, the
// largest twice while its buffer grows.
func encodeBytes(specs []Spec) int64 {
	var padded, bodies, largest, encoder, encoders int64
	for _, s := range specs {
		if s.Animate {
			continue
		}
		pixels := int64(s.Width) * int64(s.Height)
		body := pixels * bodyBytes
		if !s.Format.Lossy() {
			body = pixels * losslessBytes
		}
		bodies, largest = bodies+body, max(largest, body)
		if s.Fit == Pad {
			padded += pixels * pixelBytes
		}
		need := EncoderBytes(s.Format, pixels)
		encoder, encoders = max(encoder, need), encoders+need
	}
	return keptBytes(specs) + padded + max(encoder, min(encoders, ParallelBytes)) + bodies + largest
}

// movingBytes is the memory that one animation takes: its film; three of its frames, those before and after and what is
// drawn of one, and one without what is around it where it is padded; what an encoder needs for one; and its file once
// more, while its buffer grows.
func movingBytes(i Info, s Spec) int64 {
	pixels := int64(s.Width) * int64(s.Height)
	pass := int64(s.Place(i.Width, i.Height).Dx()) * int64(i.Height) * pixelBytes
	encode := pixels * movingWebP
	if s.Format == GIF {
		encode = pixels*paletteBytes + quantizeBytes
	}
	frames := int64(3)
	if s.Fit == Pad {
		frames = 4
	}
	return i.MotionBytes + frames*pixels*pixelBytes + max(pass, encode) + movingFile(i, s)
}

// movingFile bounds an animation's file: LZW of noise is a third longer than its pixels.
func movingFile(i Info, s Spec) int64 {
	n := int64(i.Frames) * int64(s.Width) * int64(s.Height)
	if s.Format == GIF {
		return n * 4 / 3
	}
	return n
}

// stillBytes is workBytes without animations. The first pass of a resize has the picture's width in the rendition and the
// original's height; it is bounded by both ways round, because a picture that EXIF turns is resized lying and turned afterwards.
func stillBytes(i Info, specs []Spec) int64 {
	held := i.HeldBytes
	if held == 0 {
		held = i.DecodeBytes
	}
	stored := keptBytes(specs)
	if i.Orientation > 1 {
		stored *= 2 // as stored, for the cascade, and turned
	}
	var pass int64
	for _, s := range specs {
		size := s.Place(i.Width, i.Height).Size()
		pass = max(pass, int64(size.X)*int64(i.Height)*pixelBytes, int64(size.Y)*int64(i.Width)*pixelBytes)
	}
	return max(i.DecodeBytes, held+stored+pass)
}

// keptBytes is the resized pictures of one call: all are kept, for the cascade and for their encoders.
func keptBytes(specs []Spec) int64 {
	type size struct {
		w, h int
		fit  Fit
	}
	seen := map[size]bool{}
	var kept int64
	for _, s := range specs {
		if key := (size{s.Width, s.Height, s.Fit}); !s.Animate && !seen[key] {
			seen[key] = true
			kept += int64(s.Width) * int64(s.Height) * pixelBytes
		}
	}
	return kept
}
