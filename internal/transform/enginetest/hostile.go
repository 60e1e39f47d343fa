package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
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

// truncation verifies that a cut file is ErrCorrupt at every tenth of its length and one byte before its picture's end:
// never a picture with a grey half.
func truncation(t testing.TB, e transform.Engine) error {
	for _, in := range fixtures(t) {
		if !e.Can(in.format).Decode {
			continue // case Formats verified that it is ErrFormat
		}
		for tenth := 1; tenth < 10; tenth++ {
			cut := in.body[:len(in.body)*tenth/10]
			s := transform.Spec{Width: imagetest.FileWidth, Height: imagetest.FileHeight, Format: transform.PNG}
			if _, err := e.Transform(t.Context(), cut, []transform.Spec{s}); !errors.Is(err, transform.ErrCorrupt) {
				return fmt.Errorf("%s cut at %d0 %%: got error %v, want %v", in.name, tenth, err, transform.ErrCorrupt)
			}
		}
	}
	return nil
}

// bombs verifies that files of some hundred bytes that claim up to 65,535 pixels a side cost no memory: in Probe, and in a
// Transformer, which refuses them before decoding.
func bombs(t testing.TB, e transform.Engine) error {
	for name, src := range Bombs(t) {
		limit := int64(256<<10 + 4*len(src))
		allocated := allocation(func() { _, _ = e.Probe(src) })
		if allocated > limit {
			return fmt.Errorf("%s: Probe allocated %d bytes, want at most %d", name, allocated, limit)
		}
		tr := transform.New(e, transform.Options{})
		var err error
		allocated = allocation(func() { _, err = tr.Probe(src) })
		if allocated > limit || !errors.Is(err, transform.ErrTooLarge) && !errors.Is(err, transform.ErrCorrupt) && !errors.Is(err, transform.ErrFormat) {
			return fmt.Errorf("%s: got error %v with %d bytes allocated, want a refusal with at most %d", name, err, allocated, limit)
		}
	}
	return nil
}

// Bombs are small files that claim to be large ones, by name.
func Bombs(t testing.TB) map[string][]byte {
	t.Helper()
	pngOf := func(w, h uint32, depth, colour byte) []byte {
		b := imagetest.PNG(t, 8, 8, false)
		binary.BigEndian.PutUint32(b[16:], w)
		binary.BigEndian.PutUint32(b[20:], h)
		b[24], b[25] = depth, colour
		binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
		return b
	}
	jpg := imagetest.JPEG(t, 8, 8)
	frame := bytes.Index(jpg, []byte{0xff, 0xc0})
	copy(jpg[frame+5:], "\xc3\x50\xc3\x50") // 50,000 × 50,000
	giant := imagetest.GIF(t, 8, 8, 1)
	copy(giant[6:], "\xff\xff\xff\xff")
	canvas := imagetest.File(t, "alpha.webp")
	canvas = bytes.Clone(canvas)
	copy(canvas[24:], "\x4f\xc3\x00\x4f\xc3\x00") // 50,000 × 50,000
	still := bytes.Clone(imagetest.File(t, "lossy.avif"))
	copy(still[bytes.Index(still, []byte("ispe"))+8:], "\x00\x00\xff\xff\x00\x00\xff\xff")
	items := bytes.Clone(imagetest.File(t, "alpha.avif"))
	copy(items[bytes.Index(items, []byte("iloc"))+10:], "\xff\xff")
	return map[string][]byte{
		"AVIF 65,535 × 65,535":        still,
		"AVIF of 65,535 items":        items,
		"PNG 50,000 × 50,000":         pngOf(50_000, 50_000, 8, 2),
		"PNG 1 × 2³¹-1":               pngOf(1, 1<<31-1, 8, 2),
		"PNG 2³²-1 × 2³²-1":           pngOf(1<<32-1, 1<<32-1, 16, 6),
		"PNG 65,500 × 65,500, 16-bit": pngOf(65_500, 65_500, 16, 6),
		"JPEG 50,000 × 50,000":        jpg,
		"GIF 65,535 × 65,535":         giant,
		"WebP 50,000 × 50,000":        canvas,
	}
}

// allocation is how many bytes f allocates, with whatever else the process allocates meanwhile.
func allocation(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
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
