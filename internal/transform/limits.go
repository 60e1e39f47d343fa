package transform

import (
	"fmt"
	"runtime"
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
	MemoryBudget int64         // bytes of decoding under way at one time; 0 means 256 MiB
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
	orDefault(&o.MemoryBudget, 256<<20)
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

// What an engine holds beside the decoded original, in bytes per pixel.
const (
	// pixelBytes is one resized picture: four channels of eight bits.
	pixelBytes = 4
	// encodeBytes is what an encoder works with, per pixel of its picture, measured with runtime.MemStats around one
	// encode of 1600 × 1066 pixels: libwebp in Go 26.5 (two copies, planes, tokens, its own memory as it grows),
	// image/png 0.5 and image/jpeg 0.003, which count for nothing.
	encodeBytes = 27
	// avifBytes and avifFixed are that of libavif in WebAssembly: its memory, 33 to 34 bytes per pixel and 5 MB, which
	// grows by copying into one that may be a quarter larger, and a copy of the pixels. Measured as the most that was
	// alive at one time, from 200 × 133 to 2560 × 1700 pixels.
	avifBytes = 80
	avifFixed = 11_000_000
	// bodyBytes and losslessBytes are an encoded file: noise at quality 100, and what PNG cannot compress.
	bodyBytes     = 1
	losslessBytes = 4
)

// needBytes is the memory that is alive at one time in one call, the most of three stages: decoding; resizing, beside what
// is left of decoding (a progressive JPEG's coefficients, 4/5 of what it takes, are gone by then); encoding, when the
// original is gone.
func needBytes(i Info, specs []Spec) int64 {
	held := i.HeldBytes
	if held == 0 {
		held = i.DecodeBytes
	}
	kept, pass, encode := workBytes(i, specs)
	stored := kept
	if i.Orientation > 1 {
		stored *= 2 // as stored, for the cascade, and turned
	}
	return max(i.DecodeBytes, held+stored+pass, kept+encode)
}

// workBytes is the memory that the outputs of one call need: every resized picture is kept, for the cascade and for its
// encoder; the first pass of a resize has the rendition's width and the original's height; one encoder runs at a time, beside the files
// that are done, and the largest is there twice while its buffer grows.
func workBytes(i Info, specs []Spec) (kept, pass, encode int64) {
	type size struct {
		w, h int
		fit  Fit
	}
	seen := map[size]bool{}
	var bodies, largest int64
	for _, s := range specs {
		pixels := int64(s.Width) * int64(s.Height)
		body := pixels * bodyBytes
		if !s.Format.Lossy() {
			body = pixels * losslessBytes
		}
		bodies, largest = bodies+body, max(largest, body)
		if key := (size{s.Width, s.Height, s.Fit}); !seen[key] {
			seen[key] = true
			kept += pixels * pixelBytes
		}
		// The pass is bounded by both ways round: a picture that EXIF turns is resized lying and turned afterwards.
		pass = max(pass, int64(s.Width)*int64(i.Height)*pixelBytes, int64(s.Height)*int64(i.Width)*pixelBytes)
		switch s.Format {
		case WebP:
			encode = max(encode, pixels*encodeBytes)
		case AVIF:
			encode = max(encode, pixels*avifBytes+avifFixed)
		}
	}
	return kept, pass, encode + bodies + largest
}
