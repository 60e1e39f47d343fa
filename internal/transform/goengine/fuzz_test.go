package goengine_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// seeds are small files in every variant, whole and broken.
func seeds(f *testing.F) [][]byte {
	list := [][]byte{
		imagetest.JPEG(f, 24, 17), imagetest.PNG(f, 24, 17, true), imagetest.GIF(f, 24, 17, 2),
		imagetest.WithEXIF(f, imagetest.JPEG(f, 9, 7), imagetest.EXIF(6)),
		imagetest.WithEXIF(f, imagetest.PNG(f, 9, 7, false), imagetest.EXIF(8)),
		imagetest.WithEXIF(f, imagetest.File(f, "alpha.webp"), imagetest.EXIF(3)),
	}
	list = append(list,
		imagetest.WithICC(f, imagetest.JPEG(f, 9, 7), imagetest.ICCAdobeRGB()), imagetest.WithICC(f, imagetest.PNG(f, 9, 7, true), imagetest.ICCDisplayP3()),
		imagetest.WithICC(f, imagetest.File(f, "alpha.webp"), imagetest.ICCProPhoto()),
	)
	for _, name := range []string{
		"progressive.jpg", "444.jpg", "cmyk.jpg", "lossy.webp", "alpha.webp", "animated.webp",
		"lossy.avif", "deep-444.avif", "alpha.avif", "animated.avif", "turned.avif",
	} {
		list = append(list, imagetest.File(f, name))
	}
	for _, bomb := range imagetest.Bombs(f) {
		if len(bomb.Body) < 64<<10 { // a mutation of many megabytes takes a second each
			list = append(list, bomb.Body)
		}
	}
	for _, film := range imagetest.Films(f) {
		list = append(list, film.Body, film.Body[:len(film.Body)*9/10])
	}
	for _, whole := range list[:20] {
		list = append(list, whole[:len(whole)/2])
	}
	return list
}

func FuzzProbe(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		e := goengine.New()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		info, err := e.Probe(src)
		runtime.ReadMemStats(&after)
		// Other goroutines of the fuzzer allocate too: the bound is far above them and far below any picture that is a bomb.
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20+8*uint64(len(src)) {
			t.Errorf("got %d bytes allocated for %d", got, len(src))
		}
		switch {
		case err != nil && !errors.Is(err, transform.ErrFormat) && !errors.Is(err, transform.ErrCorrupt):
			t.Errorf("got error %v of no kind", err)
		case err == nil && (info.Width < 1 || info.Height < 1 || info.Frames < 1 || info.Orientation < 1 || info.Orientation > 8 || info.DecodeBytes < 1):
			t.Errorf("got %+v", info)
		}
	})
}

func FuzzTransform(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	tr := transform.New(goengine.New(), transform.Options{MaxPixels: 1 << 16, MaxMotion: 1 << 20, MaxMoving: 1 << 17, Timeout: time.Minute, MaxWait: time.Minute})
	f.Fuzz(func(t *testing.T, src []byte) {
		info, err := tr.Probe(src)
		if err != nil {
			return
		}
		before := bytes.Clone(src)
		var specs []transform.Spec
		for _, s := range []transform.Spec{{Width: 16, Format: transform.PNG}, {Width: 7, Height: 9, Fit: transform.Cover, Format: transform.JPEG, WideGamut: true},
			{Width: 20, Format: transform.GIF, Animate: true}, {Width: 21, Height: 21, Fit: transform.Pad, Format: transform.PNG},
			{Width: 9, Height: 8, Fit: transform.Stretch, Format: transform.JPEG}} { // not WebP: its encoder takes seconds under a fuzzer's instruments
			specs = append(specs, s.Resolve(info.Width, info.Height, 0, 80))
		}
		out, err := tr.Transform(context.Background(), src, specs)
		if err != nil && !errors.Is(err, transform.ErrFormat) && !errors.Is(err, transform.ErrCorrupt) {
			t.Errorf("got error %v", err)
		}
		if err == nil && len(out) != len(specs) {
			t.Errorf("got %d outputs, want %d", len(out), len(specs))
		}
		if !bytes.Equal(before, src) {
			t.Error("the source was written to")
		}
	})
}
