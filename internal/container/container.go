// Package container walks the containers of image files: the segments of JPEG, the chunks of PNG and of RIFF (WebP), the boxes
// and items of ISO base media files (AVIF). Whoever looks for pixels and whoever looks for words
// takes the same steps.
//
// It decodes no pixels and judges no picture. Every length that a file states is held against the bytes that there are before
// anything is sliced or made, so that what a walk costs is bounded by the file, never by a number in it. Bodies are parts of the
// bytes walked through, never copies; nobody may change them who does not own those.
//
// All functions may run concurrently. Their errors wrap ErrCorrupt or ErrUnsupported.
package container

import (
	"errors"
	"fmt"
)

// What is wrong with a file.
var (
	ErrCorrupt     = errors.New("damaged file")
	ErrUnsupported = errors.New("not supported")
)

// A fault is what is wrong, in words that callers put behind words of their own for its kind.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

func corrupt(format string, args ...any) error {
	return &fault{ErrCorrupt, fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &fault{ErrUnsupported, fmt.Sprintf(format, args...)}
}
