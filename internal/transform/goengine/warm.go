package goengine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/dd8bf596/cutline/internal/transform"
)

// Warm compiles the WASM modules that the first picture of a format would wait for, 0.1 to 1 s each, by encoding a tiny one: of
// all formats, or of those that are named. It stops between two when ctx ends. It may run beside all else.
func (e *Engine) Warm(ctx context.Context, formats ...transform.Format) error {
	var errs []error
	tiny := &plate{pixels: image.NewNRGBA(image.Rect(0, 0, 16, 16)), opaque: true}
	for i := 3; i < len(tiny.pixels.Pix); i += 4 {
		tiny.pixels.Pix[i] = 0xff
	}
	for _, f := range transform.Formats() {
		c, ok := codecFor(f)
		if !ok || !e.Can(f).Encode || len(formats) > 0 && !slices.Contains(formats, f) {
			continue
		}
		if _, err := c.encode(ctx, tiny, 50, false); err != nil {
			errs = append(errs, fmt.Errorf("encode %s: %w", f, err))
		}
	}
	return errors.Join(errs...)
}
