package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// family verifies that specs rendered in one call look as they do rendered alone, in whatever order they are asked for.
func family(t testing.TB, e transform.Engine) error {
	src := imagetest.JPEG(t, 420, 280)
	var specs []transform.Spec
	for _, s := range []transform.Spec{
		{Width: 80}, {Width: 320}, {Width: 160}, {Width: 200, Height: 200, Fit: transform.Cover}, {Width: 120},
		{Width: 100, Height: 100, Fit: transform.Cover}, {Width: 2000},
		{Width: 160, Height: 300, Fit: transform.Pad}, {Width: 400, Height: 213, Fit: transform.Pad},
		{Width: 160, Height: 60, Fit: transform.Stretch},
	} {
		s.Format = transform.PNG // lossless: what differs is the pixels
		s, err := resolve(e, src, s)
		if err != nil {
			return err
		}
		specs = append(specs, s)
	}
	for _, f := range written(e) { // and every encoder beside others, on pixels that are shared
		specs = append(specs, transform.Spec{Width: 120, Format: f}.Resolve(420, 280, 0, 95))
	}
	together, err := e.Transform(t.Context(), src, specs)
	if err != nil {
		return err
	}
	for i, s := range specs {
		got, err := pixels(t.Context(), e, together[i])
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		alone, err := run(t, e, src, s)
		if err == nil {
			tol := imagetest.Tolerance{SSIM: 0.97, Mean: 2}
			if s.Format == transform.GIF { // pixels that hardly differ may have another palette
				tol.Mean = 3
			}
			err = imagetest.Differ(got, alone, tol)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// extremes verifies pictures of one pixel in a direction, and their renditions.
func extremes(t testing.TB, e transform.Engine) error {
	for _, size := range [][2]int{{1, 1}, {1, 10_000}, {10_000, 1}} {
		src := imagetest.JPEG(t, size[0], size[1])
		for _, f := range written(e) {
			for _, s := range []transform.Spec{
				{}, {Width: 1}, {Height: 100}, {Width: 5, Height: 5, Fit: transform.Cover}, {Width: 4, Height: 6, Fit: transform.Stretch},
				{Width: 9, Height: 9, Fit: transform.Pad},
			} {
				s.Format = f
				if _, err := run(t, e, src, s); err != nil {
					return fmt.Errorf("%d × %d as %q: %w", size[0], size[1], s, err)
				}
			}
		}
	}
	return nil
}

// truncation verifies that a cut file is no picture with a grey half: it is ErrCorrupt at fifty places, and where too little
// is left to tell what it was, ErrFormat.
func truncation(t testing.TB, e transform.Engine) error {
	for _, in := range fixtures(t) {
		if !e.Can(in.format).Decode {
			continue // case Formats verified that it is ErrFormat
		}
		for _, cut := range imagetest.Cuts(in.body, 50) {
			want := transform.ErrCorrupt
			if _, err := transform.Sniff(cut); err != nil {
				want = transform.ErrFormat
			}
			s := transform.Spec{Width: imagetest.FileWidth, Height: imagetest.FileHeight, Format: transform.PNG}
			if _, err := e.Transform(t.Context(), cut, []transform.Spec{s}); !errors.Is(err, want) {
				return fmt.Errorf("%s, %d bytes of %d: got error %v, want %v", in.name, len(cut), len(in.body), err, want)
			}
		}
	}
	return nil
}

// foreign verifies that what is no picture, or of a kind that is off on purpose, is ErrFormat.
func foreign(t testing.TB, e transform.Engine) error {
	for name, src := range map[string]string{
		"nothing": "", "HTML": "<!DOCTYPE html><p>404", "SVG": `<svg xmlns="http://www.w3.org/2000/svg"/>`,
		"TIFF": "II*\x00\x08\x00\x00\x00\x00\x00", "BMP": "BM\x46\x00\x00\x00\x00\x00\x00\x00", "PDF": "%PDF-1.7\n",
	} {
		if _, err := e.Probe([]byte(src)); !errors.Is(err, transform.ErrFormat) {
			return fmt.Errorf("probe of %s: got error %v, want %v", name, err, transform.ErrFormat)
		}
		s := []transform.Spec{{Width: 1, Height: 1, Format: transform.PNG}}
		if _, err := e.Transform(t.Context(), []byte(src), s); !errors.Is(err, transform.ErrFormat) {
			return fmt.Errorf("transform of %s: got error %v, want %v", name, err, transform.ErrFormat)
		}
	}
	return nil
}

// cancelled verifies that a context that has ended is its error and no picture.
func cancelled(t testing.TB, e transform.Engine) error {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, in := range fixtures(t) {
		s := transform.Spec{Width: 60, Height: 40, Quality: 80, Format: transform.JPEG}
		if !e.Can(in.format).Decode {
			continue // case Formats verified that it is ErrFormat
		}
		if out, err := e.Transform(ctx, in.body, []transform.Spec{s}); !errors.Is(err, context.Canceled) || out != nil {
			return fmt.Errorf("%s: got %d outputs and error %v, want %v", in.name, len(out), err, context.Canceled)
		}
	}
	return nil
}

// parallel verifies that 32 calls at once write the bytes that one call writes.
func parallel(t testing.TB, e transform.Engine) error {
	src := imagetest.JPEG(t, 160, 120)
	var specs []transform.Spec
	fits := []transform.Fit{transform.Contain, transform.Pad, transform.Stretch}
	for i, f := range written(e) {
		s := transform.Spec{Width: 80, Height: 60 + i, Fit: fits[i%len(fits)], Quality: 80, Format: f}
		specs = append(specs, s.Resolve(160, 120, 0, 80))
	}
	want, err := e.Transform(t.Context(), src, specs)
	if err != nil {
		return err
	}
	errs := make([]error, 32)
	var wg sync.WaitGroup
	for n := range errs {
		wg.Go(func() {
			got, err := e.Transform(t.Context(), src, specs)
			errs[n] = err
			for i := range got {
				if !bytes.Equal(got[i].Body, want[i].Body) {
					errs[n] = fmt.Errorf("%s: other bytes in parallel", specs[i])
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// revisions verifies that every format that is written has a revision, and no other has.
func revisions(_ testing.TB, e transform.Engine) error {
	for _, f := range transform.Formats() {
		if got := e.Rev(f); (got != "") != e.Can(f).Encode {
			return fmt.Errorf("%s: got revision %q, and Can says %+v", f, got, e.Can(f))
		}
	}
	return nil
}

// sourceUntouched verifies that the original's bytes are as before: they may be in a cache at the same time.
func sourceUntouched(t testing.TB, e transform.Engine) error {
	for _, in := range fixtures(t) {
		before := bytes.Clone(in.body)
		_, err := run(t, e, in.body, transform.Spec{Width: 50, Format: transform.PNG})
		if e.Can(in.format).Decode && err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		if !bytes.Equal(before, in.body) {
			return fmt.Errorf("%s: the engine wrote into its source", in.name)
		}
	}
	return nil
}
