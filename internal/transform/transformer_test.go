package transform_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dd8bf596/cutline/internal/transform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeEngine says what it is told to. It never looks at its source.
type fakeEngine struct {
	info      transform.Info
	probeErr  error
	transform func(ctx context.Context, specs []transform.Spec) ([]transform.Output, error)
	calls     atomic.Int32
	closed    atomic.Bool
	gif       bool // is written too
}

func (e *fakeEngine) Can(f transform.Format) transform.Ability {
	return transform.Ability{Decode: f != transform.AVIF, Encode: f == transform.JPEG || f == transform.PNG || e.gif && f == transform.GIF}
}

func (e *fakeEngine) Probe([]byte) (transform.Info, error) { return e.info, e.probeErr }

func (e *fakeEngine) Rev(f transform.Format) string { return "fake-" + f.Ext() }

func (e *fakeEngine) Close() error { e.closed.Store(true); return nil }

func (e *fakeEngine) Transform(ctx context.Context, _ []byte, specs []transform.Spec) ([]transform.Output, error) {
	e.calls.Add(1)
	if e.transform == nil {
		return good(specs), nil
	}
	return e.transform(ctx, specs)
}

// good is what a right engine would return.
func good(specs []transform.Spec) []transform.Output {
	var outputs []transform.Output
	for _, s := range specs {
		body := []byte("\xff\xd8\xff")
		if s.Format == transform.PNG {
			body = []byte("\x89PNG\r\n\x1a\n")
		}
		outputs = append(outputs, transform.Output{Body: body, Format: s.Format, Width: s.Width, Height: s.Height, Frames: 1})
	}
	return outputs
}

var (
	jpegHead = []byte("\xff\xd8\xff\xe0")
	someInfo = transform.Info{Format: transform.JPEG, Width: 300, Height: 200, Orientation: 1, Frames: 1, Scans: 1, DecodeBytes: 1000}
	someSpec = transform.Spec{Width: 30, Height: 20, Quality: 80, Format: transform.JPEG}
)

func TestProbeLimits(t *testing.T) {
	with := func(change func(*transform.Info)) transform.Info {
		i := someInfo
		change(&i)
		return i
	}
	for _, tt := range []struct {
		name string
		src  []byte
		info transform.Info
		err  error // of the engine
		want error
	}{
		{"good", jpegHead, someInfo, nil, nil},
		{"too many bytes", make([]byte, 20_000_001), someInfo, nil, transform.ErrTooLarge},
		{"HTML", []byte("<html>"), someInfo, nil, transform.ErrFormat},
		{"a format that is not decoded", []byte("\x00\x00\x00\x14ftypavif\x00\x00\x00\x00"), someInfo, nil, transform.ErrFormat},
		{"corrupt", jpegHead, someInfo, transform.ErrCorrupt, transform.ErrCorrupt},
		{"an error of no kind", jpegHead, someInfo, errors.New("out of cheese"), transform.ErrPanic},
		{"another format", jpegHead, with(func(i *transform.Info) { i.Format = transform.PNG }), nil, transform.ErrPanic},
		{"no pixels", jpegHead, with(func(i *transform.Info) { i.Width = 0 }), nil, transform.ErrCorrupt},
		{"wide", jpegHead, with(func(i *transform.Info) { i.Width = 16_385 }), nil, transform.ErrTooLarge},
		{"high", jpegHead, with(func(i *transform.Info) { i.Height = 16_385 }), nil, transform.ErrTooLarge},
		{"as large as may be", jpegHead, with(func(i *transform.Info) { i.Width, i.Height = 10_000, 5_000 }), nil, nil},
		{"a pixel too many", jpegHead, with(func(i *transform.Info) { i.Width, i.Height = 7_001, 7_142 }), nil, transform.ErrTooLarge},
		{"scans", jpegHead, with(func(i *transform.Info) { i.Scans = 101 }), nil, transform.ErrTooLarge},
		{"metadata", jpegHead, with(func(i *transform.Info) { i.Metadata = 1<<20 + 1 }), nil, transform.ErrTooLarge},
		{"memory", jpegHead, with(func(i *transform.Info) { i.DecodeBytes = 256<<20 + 1 }), nil, transform.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := transform.New(&fakeEngine{info: tt.info, probeErr: tt.err}, transform.Options{})
			if _, err := tr.Probe(tt.src); !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTransformChecksSpecs(t *testing.T) {
	with := func(change func(*transform.Spec)) []transform.Spec {
		s := someSpec
		change(&s)
		return []transform.Spec{someSpec, s}
	}
	for _, tt := range []struct {
		name  string
		specs []transform.Spec
		want  error
	}{
		{"none", nil, transform.ErrSpec},
		{"no format", with(func(s *transform.Spec) { s.Format = 0 }), transform.ErrSpec},
		{"a quality that is searched", with(func(s *transform.Spec) { s.Quality = 0 }), nil},
		{"dpr", with(func(s *transform.Spec) { s.DPR = 2 }), transform.ErrSpec},
		{"no height", with(func(s *transform.Spec) { s.Height = 0 }), transform.ErrSpec},
		{"another ratio", with(func(s *transform.Spec) { s.Height = 19 }), transform.ErrSpec},
		{"larger than the original", with(func(s *transform.Spec) { s.Width, s.Height = 600, 400 }), transform.ErrSpec},
		{"above the bound", with(func(s *transform.Spec) { s.Width, s.Height = 300, 200 }), transform.ErrSpec},
		{"a format that is not encoded", with(func(s *transform.Spec) { s.Format = transform.WebP }), transform.ErrFormat},
		{"good", with(func(s *transform.Spec) { s.Format, s.Quality = transform.PNG, 0 }), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &fakeEngine{info: someInfo}
			tr := transform.New(e, transform.Options{MaxOutput: 250})
			out, err := tr.Transform(t.Context(), jpegHead, tt.specs)
			if !errors.Is(err, tt.want) || (err == nil) != (len(out) == 2) {
				t.Errorf("got %d outputs and error %v, want %v", len(out), err, tt.want)
			}
			if err != nil && e.calls.Load() != 0 {
				t.Error("the engine was called")
			}
		})
	}
}

func TestTransformVerifiesOutputs(t *testing.T) {
	for name, spoil := range map[string]func([]transform.Output) []transform.Output{
		"none":           func([]transform.Output) []transform.Output { return nil },
		"one too many":   func(o []transform.Output) []transform.Output { return append(o, o[0]) },
		"another size":   func(o []transform.Output) []transform.Output { o[0].Width++; return o },
		"another format": func(o []transform.Output) []transform.Output { o[0].Format = transform.PNG; return o },
		"other bytes":    func(o []transform.Output) []transform.Output { o[0].Body = []byte("\x89PNG\r\n\x1a\n"); return o },
		"no bytes":       func(o []transform.Output) []transform.Output { o[0].Body = nil; return o },
	} {
		e := &fakeEngine{info: someInfo, transform: func(_ context.Context, s []transform.Spec) ([]transform.Output, error) {
			return spoil(good(s)), nil
		}}
		out, err := transform.New(e, transform.Options{}).Transform(t.Context(), jpegHead, []transform.Spec{someSpec})
		if !errors.Is(err, transform.ErrPanic) || out != nil {
			t.Errorf("%s: got %d outputs and error %v, want %v", name, len(out), err, transform.ErrPanic)
		}
	}
}

func TestTransformRecovers(t *testing.T) {
	e := &fakeEngine{info: someInfo, transform: func(context.Context, []transform.Spec) ([]transform.Output, error) {
		var none []int
		return nil, errors.New(string(rune(none[3])))
	}}
	tr := transform.New(e, transform.Options{Slots: 1, Queue: 1, MaxWait: time.Second})
	for range 5 { // a slot that is not given back would be missed
		_, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec})
		p, ok := errors.AsType[*transform.PanicError](err)
		if !ok || !errors.Is(err, transform.ErrPanic) || !bytes.Contains(p.Stack, []byte("transformer_test.go")) {
			t.Fatalf("got error %v, want a PanicError with this file in its stack", err)
		}
	}
}

func TestTransformTooLargeForItsBudget(t *testing.T) {
	info := someInfo
	info.DecodeBytes = 900_000
	tr := transform.New(&fakeEngine{info: info}, transform.Options{MemoryBudget: 1_000_000})
	if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); err != nil {
		t.Errorf("a small rendition: %v", err)
	}
	whole := transform.Spec{Width: 300, Height: 200, Quality: 80, Format: transform.JPEG}
	if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{whole}); !errors.Is(err, transform.ErrTooLarge) {
		t.Errorf("a rendition whose pixels need the rest: got error %v, want %v", err, transform.ErrTooLarge)
	}
}

// TestTransformPaddedCountsItsPicture verifies that what is around a picture costs its pixels and no more: the first pass of
// a resize is as wide as the picture.
func TestTransformPaddedCountsItsPicture(t *testing.T) {
	info := someInfo
	info.Width, info.Height, info.DecodeBytes = 100, 10_000, 1000
	tr := transform.New(&fakeEngine{info: info}, transform.Options{MemoryBudget: 1_000_000})
	padded := transform.Spec{Width: 200, Height: 200, Fit: transform.Pad, Quality: 80, Format: transform.JPEG}
	if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{padded}); err != nil {
		t.Errorf("a picture of 2 × 200 pixels in a square: %v", err)
	}
}

func TestTransformCountsWhatIsLeftOfDecoding(t *testing.T) {
	info := someInfo
	info.DecodeBytes, info.HeldBytes = 900_000, 300_000
	tr := transform.New(&fakeEngine{info: info}, transform.Options{MemoryBudget: 1_000_000})
	whole := transform.Spec{Width: 300, Height: 200, Quality: 80, Format: transform.JPEG}
	if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{whole}); err != nil {
		t.Error(err)
	}
}

// blocking is an engine that runs until its test lets it go, whatever its context says, and counts who is inside.
type blocking struct {
	fakeEngine
	inside, most atomic.Int32
	let          chan struct{}
}

func newBlocking(info transform.Info) *blocking {
	b := &blocking{let: make(chan struct{})}
	b.info = info
	b.fakeEngine.transform = func(_ context.Context, s []transform.Spec) ([]transform.Output, error) {
		b.most.Store(max(b.most.Load(), b.inside.Add(1)))
		<-b.let
		b.inside.Add(-1)
		return good(s), nil
	}
	return b
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocking(someInfo)
		tr := transform.New(b, transform.Options{Slots: 2, Queue: 3, MaxWait: 5 * time.Second, Timeout: time.Minute})
		var wg sync.WaitGroup
		var ok, busy atomic.Int32
		for range 6 {
			wg.Go(func() {
				_, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec})
				switch {
				case err == nil:
					ok.Add(1)
				case errors.Is(err, transform.ErrBusy):
					busy.Add(1)
				default:
					t.Errorf("got error %v", err)
				}
			})
		}
		synctest.Wait()
		if got := b.inside.Load(); got != 2 {
			t.Errorf("got %d inside, want 2", got)
		}
		if got := busy.Load(); got != 1 {
			t.Errorf("got %d refused at once, want 1", got)
		}
		if got, want := tr.Stats(), (transform.Stats{Working: 2, Waiting: 3, Crowded: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		time.Sleep(5 * time.Second) // in the bubble's time: the three that wait give up
		synctest.Wait()
		if got := busy.Load(); got != 4 {
			t.Errorf("got %d refused after MaxWait, want 4", got)
		}
		close(b.let)
		wg.Wait()
		if got := ok.Load(); got != 2 {
			t.Errorf("got %d done, want 2", got)
		}
		if got, want := tr.Stats(), (transform.Stats{Crowded: 1, Waited: 3}); got != want {
			t.Errorf("%+v at the end, want %+v", got, want)
		}
	})
}

func TestMemoryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		info := someInfo
		info.DecodeBytes = 40 << 20
		b := newBlocking(info)
		tr := transform.New(b, transform.Options{Slots: 8, MemoryBudget: 100 << 20, MaxWait: time.Hour, Timeout: time.Hour})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); err != nil {
					t.Error(err)
				}
			})
		}
		for range 8 {
			synctest.Wait()
			b.let <- struct{}{}
		}
		wg.Wait()
		if got := b.most.Load(); got != 2 {
			t.Errorf("got %d at once, want 2: 40 MiB each of 100", got)
		}
	})
}

// TestEncodeBudget verifies that encoders share their budget, and that what needs more than all of it is made, alone.
func TestEncodeBudget(t *testing.T) {
	padded := transform.Spec{Width: 300, Height: 300, Fit: transform.Pad, Quality: 80, Format: transform.JPEG}
	// Of each pixel: the encoder's bytes, four resized, four more with what is around them, and two of the file.
	twoPadded := 2 * (transform.EncoderBytes(transform.JPEG, 300*300) + (4+4+2)*300*300)
	for _, tt := range []struct {
		name   string
		spec   transform.Spec
		budget int64
		want   int32 // at once
	}{
		{"two fit", someSpec, 20 << 20, 2}, {"one fits", someSpec, 12 << 20, 1}, {"none fits", someSpec, 1 << 20, 1},
		{"two padded fit", padded, twoPadded, 2}, {"one padded fits", padded, twoPadded - 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBlocking(someInfo) // an encoder of JPEG has 8 MiB and more
				tr := transform.New(b, transform.Options{Slots: 8, EncodeBudget: tt.budget, MaxWait: time.Hour, Timeout: time.Hour})
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{tt.spec}); err != nil {
							t.Error(err)
						}
					})
				}
				for range 4 {
					synctest.Wait()
					b.let <- struct{}{}
				}
				wg.Wait()
				if got := b.most.Load(); got != tt.want {
					t.Errorf("got %d at once, want %d", got, tt.want)
				}
			})
		})
	}
}

// TestMaxEncode verifies that a rendition whose encoding takes more than there may be is refused, alone or in company, and that
// several which take it together are made one after the other.
func TestMaxEncode(t *testing.T) {
	whole := transform.Spec{Width: 300, Height: 200, Quality: 80, Format: transform.JPEG}
	need := transform.EncoderBytes(transform.JPEG, 300*200) + (4+2)*300*200
	for _, tt := range []struct {
		name  string
		most  int64
		specs []transform.Spec
		want  error
	}{
		{"enough", need, []transform.Spec{whole}, nil},
		{"a byte too few", need - 1, []transform.Spec{whole}, transform.ErrTooLarge},
		{"in company", need - 1, []transform.Spec{someSpec, whole}, transform.ErrTooLarge},
		{"enough for each", need, []transform.Spec{someSpec, whole}, nil},
	} {
		e := &fakeEngine{info: someInfo}
		_, err := transform.New(e, transform.Options{MaxEncode: tt.most}).Transform(t.Context(), jpegHead, tt.specs)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
		if calls := int(e.calls.Load()); tt.want == nil && calls != len(tt.specs) || tt.want != nil && calls != 0 {
			t.Errorf("%s: %d calls of the engine", tt.name, calls)
		}
	}
}

func TestTimeoutKeepsTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocking(someInfo)
		tr := transform.New(b, transform.Options{Slots: 1, Queue: 4, MaxWait: time.Second, Timeout: 10 * time.Second})
		start := time.Now()
		_, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec})
		if !errors.Is(err, transform.ErrTimeout) || time.Since(start) != 10*time.Second {
			t.Fatalf("got error %v after %s, want %v after 10 s", err, time.Since(start), transform.ErrTimeout)
		}
		if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); !errors.Is(err, transform.ErrBusy) {
			t.Errorf("while the engine still runs: got error %v, want %v", err, transform.ErrBusy)
		}
		b.let <- struct{}{}
		synctest.Wait()
		go func() { b.let <- struct{}{} }()
		if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); err != nil {
			t.Errorf("after the engine's end: %v", err)
		}
	})
}

func TestCallersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocking(someInfo)
		tr := transform.New(b, transform.Options{Slots: 1, Queue: 4, MaxWait: time.Hour, Timeout: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 2 { // one inside, one waiting
			wg.Go(func() {
				_, err := tr.Transform(ctx, jpegHead, []transform.Spec{someSpec})
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, transform.ErrTimeout) {
					t.Errorf("got error %v, want the caller's own %v", err, context.DeadlineExceeded)
				}
			})
		}
		wg.Wait()
		if _, err := tr.Transform(ctx, jpegHead, []transform.Spec{someSpec}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a context that has ended before: got error %v", err)
		}
		if got := b.calls.Load(); got != 1 {
			t.Errorf("got %d calls of the engine, want 1", got)
		}
		close(b.let)
	})
}

func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocking(someInfo)
		tr := transform.New(b, transform.Options{Timeout: time.Second})
		if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); !errors.Is(err, transform.ErrTimeout) {
			t.Fatalf("got error %v, want %v", err, transform.ErrTimeout)
		}
		done := make(chan error, 1)
		go func() { done <- tr.Close() }()
		synctest.Wait()
		if b.closed.Load() {
			t.Error("closed under a running transform")
		}
		close(b.let)
		if err := <-done; err != nil || !b.closed.Load() {
			t.Errorf("got error %v and closed %t", err, b.closed.Load())
		}
	})
}

// TestTransformWhileItCloses has callers that Close does not wait for: none of them reaches an engine that is closed.
func TestTransformWhileItCloses(t *testing.T) {
	for range 100 {
		e := &fakeEngine{info: someInfo}
		e.transform = func(_ context.Context, specs []transform.Spec) ([]transform.Output, error) {
			if e.closed.Load() {
				t.Error("the engine was used after it was closed")
			}
			return good(specs), nil
		}
		tr := transform.New(e, transform.Options{Slots: 4})
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for range 5 {
					if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); err != nil && !errors.Is(err, transform.ErrBusy) {
						t.Errorf("got error %v", err)
					}
				}
			})
		}
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		callers.Wait()
		if _, err := tr.Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); !errors.Is(err, transform.ErrBusy) {
			t.Fatalf("after Close: got error %v, want %v", err, transform.ErrBusy)
		}
		if s := tr.Stats(); s.Working != 0 || s.Waiting != 0 {
			t.Fatalf("after Close: %+v", s)
		}
	}
}

// TestTransformStill verifies that animations beyond a limit reach the engine as stills, and others as they are.
func TestTransformStill(t *testing.T) {
	moving := transform.Info{
		Format: transform.GIF, Width: 400, Height: 300, Orientation: 1, Frames: 50, Scans: 1, DecodeBytes: 1000, MotionBytes: 1_000_000,
	}
	with := func(change func(*transform.Info)) transform.Info {
		i := moving
		change(&i)
		return i
	}
	for _, tt := range []struct {
		name string
		info transform.Info
		o    transform.Options
		kb   int
		want bool
	}{
		{"within all limits", moving, transform.Options{}, 0, true},
		{"one frame", with(func(i *transform.Info) { i.Frames = 1 }), transform.Options{}, 0, false},
		{"frames that nobody can decode", with(func(i *transform.Info) { i.MotionBytes = 0 }), transform.Options{}, 0, false},
		{"as many frames as may be", moving, transform.Options{MaxFrames: 50}, 0, true},
		{"a frame too many", moving, transform.Options{MaxFrames: 49}, 0, false},
		{"fifty thousand frames", with(func(i *transform.Info) { i.Frames = 50_000 }), transform.Options{}, 0, false},
		{"pixels in", moving, transform.Options{MaxMotion: 50*400*300 - 1}, 0, false},
		{"pixels out, twice for GIF", moving, transform.Options{MaxMoving: 50*40*30*2 - 1}, 0, false},
		{"pixels out, four times for a limit of bytes", moving, transform.Options{MaxMoving: 50*40*30*2*transform.AnimateAttempts - 1}, 9, false},
		{"and no more than that", moving, transform.Options{MaxMoving: 50 * 40 * 30 * 2 * transform.AnimateAttempts}, 9, true},
		{"memory", moving, transform.Options{MemoryBudget: 1_000_000}, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []transform.Spec
			e := &fakeEngine{info: tt.info, gif: true, transform: func(_ context.Context, specs []transform.Spec) ([]transform.Output, error) {
				got = specs
				return []transform.Output{{Body: []byte("GIF89a"), Format: transform.GIF, Width: 40, Height: 30, Frames: 1}}, nil
			}}
			specs := []transform.Spec{{Width: 40, Height: 30, Format: transform.GIF, Animate: true, MaxKB: tt.kb}}
			if _, err := transform.New(e, tt.o).Transform(t.Context(), []byte("GIF89a"), specs); err != nil {
				t.Fatal(err)
			}
			if got[0].Animate != tt.want || !specs[0].Animate {
				t.Errorf("got animate %t, want %t; the caller's is %t", got[0].Animate, tt.want, specs[0].Animate)
			}
		})
	}
}

// TestTransformMoving verifies that an animation that nobody asked for is a defect of the engine, and that a limit of bytes
// is not.
func TestTransformMoving(t *testing.T) {
	e := &fakeEngine{info: someInfo, transform: func(_ context.Context, specs []transform.Spec) ([]transform.Output, error) {
		outputs := good(specs)
		outputs[0].Frames = 2
		return outputs, nil
	}}
	if _, err := transform.New(e, transform.Options{}).Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); !errors.Is(err, transform.ErrPanic) {
		t.Errorf("two frames: got error %v, want %v", err, transform.ErrPanic)
	}
	e.transform = func(context.Context, []transform.Spec) ([]transform.Output, error) { return nil, transform.ErrTooLarge }
	if _, err := transform.New(e, transform.Options{}).Transform(t.Context(), jpegHead, []transform.Spec{someSpec}); !errors.Is(err, transform.ErrTooLarge) || errors.Is(err, transform.ErrPanic) {
		t.Errorf("too many bytes: got error %v, want %v", err, transform.ErrTooLarge)
	}
}
