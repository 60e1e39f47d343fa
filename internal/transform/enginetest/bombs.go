package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

const (
	// probeBytes is what looking at a file may allocate beside four times its own bytes, and refusing it.
	probeBytes = 256 << 10
	// smallBytes is what making a small picture of one may allocate beside what its header announces.
	smallBytes = 8 << 20
)

// bombs verifies that files made to do harm are refused, or are made harmless pictures of, and allocate no more than is
// reserved for them: those that are refused, hardly anything.
func bombs(t testing.TB, e transform.Engine) error {
	for _, in := range fixtures(t) { // what is made once, as code of WebAssembly, is not counted
		if e.Can(in.format).Decode {
			if _, err := run(t, e, in.body, transform.Spec{Width: 24, Format: transform.PNG}); err != nil {
				return err
			}
		}
	}
	tr := transform.New(e, transform.Options{})
	var errs []error
	for _, b := range imagetest.Bombs(t) {
		if f, err := transform.Sniff(b.Body); err == nil && !e.Can(f).Decode {
			continue // case Formats verified that it is ErrFormat
		}
		if err := bomb(t.Context(), e, tr, b); err != nil {
			errs = append(errs, fmt.Errorf("%s, %s, %d bytes: %w", b.Row, b.Name, len(b.Body), err))
		}
	}
	return errors.Join(errs...)
}

// bomb verifies one of them.
func bomb(ctx context.Context, e transform.Engine, tr *transform.Transformer, b imagetest.Bomb) error {
	limit := int64(probeBytes + 4*len(b.Body))
	if allocated := allocation(func() { _, _ = e.Probe(b.Body) }); allocated > limit {
		return fmt.Errorf("Probe of the engine allocated %d bytes, want at most %d", allocated, limit)
	}
	var info transform.Info
	var err error
	if allocated := allocation(func() { info, err = tr.Probe(b.Body) }); allocated > limit {
		return fmt.Errorf("Probe allocated %d bytes, want at most %d", allocated, limit)
	}
	if err != nil {
		if b.Want == nil || !errors.Is(err, b.Want) {
			return fmt.Errorf("Probe: got error %w, want %v", err, b.Want)
		}
		return nil
	}
	s := transform.Spec{Width: 24, Format: transform.PNG}.Resolve(info.Width, info.Height, 2_560, 80)
	var outputs []transform.Output
	allocated := allocation(func() { outputs, err = tr.Transform(ctx, b.Body, []transform.Spec{s}) })
	// Half as much again is left behind as what is alive grows.
	if limit += info.DecodeBytes*3/2 + smallBytes; allocated > limit {
		return fmt.Errorf("Transform allocated %d bytes, want at most %d", allocated, limit)
	}
	if err != nil || b.Want != nil {
		if b.Want == nil || !errors.Is(err, b.Want) {
			return fmt.Errorf("Transform: got error %w, want %v", err, b.Want)
		}
		return nil
	}
	if b.Leak != "" && bytes.Contains(outputs[0].Body, []byte(b.Leak)) {
		return fmt.Errorf("the rendition holds %q", b.Leak)
	}
	_, err = pixels(ctx, e, outputs[0])
	return err
}

// allocation is how many bytes f allocates, with whatever else the process allocates meanwhile.
func allocation(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
