package goengine

import (
	"context"
	"image"

	"github.com/dd8bf596/cutline/internal/transform"
)

// Window is the part of src, as shown, that the engine cuts for s, and the size of it all.
func Window(ctx context.Context, src []byte, s transform.Spec) (window image.Rectangle, visible image.Point, err error) {
	h, err := parse(src)
	if err != nil {
		return window, visible, err
	}
	o, err := decode(ctx, src, h, shrinkFor(h, []transform.Spec{s}))
	if err != nil {
		return window, visible, err
	}
	window, err = (&resizer{original: o}).window(ctx, s)
	return window, o.visible(), err
}
