package transform

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// A Transformer wraps an Engine with sniffing, limits, a memory budget, a bounded queue, a deadline, and a recover, so that
// no engine can forget them. It is safe for concurrent use.
//
// A transform passes three gates in this order: room (Slots + Queue transforms are inside at one time, more are ErrBusy),
// a slot, and its bytes of the two budgets. All take slots first and the budgets in one order, so nobody waits for bytes
// that a waiting one holds for ever, and the gates are first come, first served: a large picture is not starved by small ones. What a transform holds it holds until
// the engine really returns. A caller whose deadline passed has long gone by then, but its memory has not.
type Transformer struct {
	engine  Engine
	o       Options
	room    *semaphore.Weighted // places inside, running or waiting
	slots   *semaphore.Weighted // transforms running
	memory  *semaphore.Weighted // bytes of decoding and resizing
	encode  *semaphore.Weighted // bytes of encoding
	running sync.WaitGroup
	end     sync.Mutex // of closed, and of what is added to running
	closed  bool

	inside, working atomic.Int64
	crowded, waited atomic.Int64
}

// Stats is what a Transformer has to do, and what it turned away since it was made.
type Stats struct {
	Working int   // in the engine
	Waiting int   // for a slot or for memory
	Crowded int64 // calls that found the queue full
	Waited  int64 // calls that waited for too long
}

// Stats is a snapshot.
func (t *Transformer) Stats() Stats {
	working := t.working.Load()
	return Stats{
		Working: int(working), Waiting: int(max(t.inside.Load()-working, 0)), Crowded: t.crowded.Load(), Waited: t.waited.Load(),
	}
}

// New wraps e, which belongs to the Transformer from then on.
func New(e Engine, o Options) *Transformer {
	o = o.withDefaults()
	return &Transformer{
		engine: e,
		o:      o,
		room:   semaphore.NewWeighted(int64(o.Slots) + int64(o.Queue)),
		slots:  semaphore.NewWeighted(int64(o.Slots)),
		memory: semaphore.NewWeighted(o.MemoryBudget),
		encode: semaphore.NewWeighted(o.EncodeBudget),
	}
}

// Can reports what the engine does with f.
func (t *Transformer) Can(f Format) Ability { return t.engine.Can(f) }

// Rev names the revision of everything that shapes the bytes in f.
func (t *Transformer) Rev(f Format) string { return t.engine.Rev(f) }

// Probe reads the header of src within the limits. It returns ErrFormat, ErrCorrupt, ErrTooLarge or ErrPanic.
func (t *Transformer) Probe(src []byte) (Info, error) {
	if err := t.o.checkBytes(src); err != nil {
		return Info{}, err
	}
	f, err := Sniff(src)
	if err != nil {
		return Info{}, err
	}
	if !t.engine.Can(f).Decode {
		return Info{}, fmt.Errorf("%w: %s", ErrFormat, f)
	}
	info, err := t.probe(src)
	if err != nil {
		return Info{}, err
	}
	if info.Format != f {
		return Info{}, fmt.Errorf("%w: %s read as %s", ErrPanic, f, info.Format)
	}
	if err := t.o.checkInfo(info); err != nil {
		return Info{}, err
	}
	return info, nil
}

// probe calls the engine under a recover.
func (t *Transformer) probe(src []byte) (info Info, err error) {
	defer recovered(&err)
	info, err = t.engine.Probe(src)
	return info, known(err)
}

// Transform decodes src once and makes one Output per spec, in order. Specs must be resolved for src (Spec.Resolve with
// the MaxOutput of the options); one that is not is ErrSpec. Of an animation beyond the limits it makes the first frame, as if
// Animate were not set: the Output has one frame where Probe tells of more. It returns every error of this package, and ctx's error when
// ctx ends first. src must not change until the engine has returned, which after ErrTimeout may be later than this call.
func (t *Transformer) Transform(ctx context.Context, src []byte, specs []Spec) ([]Output, error) {
	info, err := t.Probe(src)
	if err != nil {
		return nil, err
	}
	if err := t.checkSpecs(info, specs); err != nil {
		return nil, err
	}
	specs = t.o.still(info, specs)
	memory, encode, err := t.o.needs(info, specs)
	if err != nil {
		return t.halves(ctx, src, info, specs)
	}
	leave, err := t.enter(ctx, memory, encode)
	if err != nil {
		return nil, err
	}
	return t.run(ctx, src, specs, leave)
}

// halves makes the outputs in two calls, where together they need more memory than there is. Decoding twice is the price.
// A spec that needs too much alone is ErrTooLarge, before anything is done for the others.
func (t *Transformer) halves(ctx context.Context, src []byte, info Info, specs []Spec) ([]Output, error) {
	for _, s := range specs {
		if _, _, err := t.o.needs(info, []Spec{s}); err != nil {
			return nil, fmt.Errorf("%w for %q", err, s)
		}
	}
	half := len(specs) / 2
	first, err := t.Transform(ctx, src, specs[:half])
	if err != nil {
		return nil, err
	}
	second, err := t.Transform(ctx, src, specs[half:])
	if err != nil {
		return nil, err
	}
	return append(first, second...), nil
}

// checkSpecs reports the first spec that the engine cannot be given.
func (t *Transformer) checkSpecs(info Info, specs []Spec) error {
	if len(specs) == 0 {
		return fmt.Errorf("%w: no spec", ErrSpec)
	}
	for _, s := range specs {
		if s.Format == 0 || s != s.Resolve(info.Width, info.Height, t.o.MaxOutput, 0) {
			return fmt.Errorf("%w: %q is not resolved for %d × %d pixels", ErrSpec, s, info.Width, info.Height)
		}
		if !t.engine.Can(s.Format).Encode {
			return fmt.Errorf("%w: %s cannot be written", ErrFormat, s.Format)
		}
	}
	return nil
}

// enter waits for a slot and for bytes of both budgets, at most MaxWait. The caller must call leave once.
func (t *Transformer) enter(ctx context.Context, memory, encode int64) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !t.room.TryAcquire(1) {
		t.crowded.Add(1)
		return nil, fmt.Errorf("%w: %d are waiting", ErrBusy, t.o.Queue)
	}
	t.inside.Add(1)
	wait, cancel := context.WithTimeout(ctx, t.o.MaxWait)
	defer cancel()
	gates := []struct {
		gate *semaphore.Weighted
		n    int64
	}{{t.slots, 1}, {t.memory, memory}, {t.encode, encode}}
	taken := 0
	leave = func() {
		t.inside.Add(-1)
		if taken == len(gates) {
			t.working.Add(-1)
		}
		for _, g := range gates[:taken] {
			g.gate.Release(g.n)
		}
		t.room.Release(1)
	}
	for _, g := range gates {
		if g.gate.Acquire(wait, g.n) != nil {
			leave()
			return nil, t.busy(ctx)
		}
		taken++
	}
	t.working.Add(1)
	return leave, nil
}

// busy is the error of a wait that ended: ctx's own, or ErrBusy.
func (t *Transformer) busy(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.waited.Add(1)
	return fmt.Errorf("%w: waited %s", ErrBusy, t.o.MaxWait)
}

// A result is what the engine's goroutine hands back.
type result struct {
	outputs []Output
	err     error
}

// run calls the engine in a goroutine of its own and waits for it, at most Timeout.
func (t *Transformer) run(ctx context.Context, src []byte, specs []Spec, leave func()) ([]Output, error) {
	limited, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	done := make(chan result, 1)
	if !t.begin() {
		leave()
		return nil, fmt.Errorf("%w: the engine is closed", ErrBusy)
	}
	go func() {
		defer t.running.Done()
		outputs, err := t.call(limited, src, specs)
		leave() // before the caller knows: what it asks for next finds the slot free
		done <- result{outputs, err}
	}()
	select {
	case r := <-done:
		return t.settle(ctx, r)
	case <-limited.Done():
	}
	// Both may have happened at once, and then the work is not thrown away.
	select {
	case r := <-done:
		return t.settle(ctx, r)
	default:
		return t.settle(ctx, result{err: limited.Err()})
	}
}

// settle tells whose end a context error was: the caller's, or the deadline's.
func (t *Transformer) settle(ctx context.Context, r result) ([]Output, error) {
	if !errors.Is(r.err, context.DeadlineExceeded) && !errors.Is(r.err, context.Canceled) {
		return r.outputs, r.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: longer than %s", ErrTimeout, t.o.Timeout)
}

// call runs the engine under a recover and verifies what it returns.
func (t *Transformer) call(ctx context.Context, src []byte, specs []Spec) (outputs []Output, err error) {
	defer recovered(&err)
	outputs, err = t.engine.Transform(ctx, src, specs)
	if err != nil {
		return nil, known(err)
	}
	if len(outputs) != len(specs) {
		return nil, fmt.Errorf("%w: %d outputs for %d specs", ErrPanic, len(outputs), len(specs))
	}
	for i, o := range outputs {
		s := specs[i]
		f, err := Sniff(o.Body)
		if err != nil || f != s.Format || o.Format != f || o.Width != s.Width || o.Height != s.Height || o.Frames < 1 ||
			o.Frames > 1 && !s.Animate {
			return nil, fmt.Errorf("%w: %s of %d × %d pixels for %q", ErrPanic, o.Format, o.Width, o.Height, s)
		}
	}
	return outputs, nil
}

// recovered turns a panic into a *PanicError. It must be deferred itself.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// known passes the errors that the Engine contract names and makes every other one ErrPanic.
func known(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range []error{ErrFormat, ErrCorrupt, ErrTooLarge, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrPanic, err)
}

// begin counts a call of the engine that Close waits for, and reports whether there still is one.
func (t *Transformer) begin() bool {
	t.end.Lock()
	defer t.end.Unlock()
	if !t.closed {
		t.running.Add(1)
	}
	return !t.closed
}

// Close closes the engine, after the transforms under way, those that nobody waits for included. What waits, or comes later, is ErrBusy.
// It may be called once.
func (t *Transformer) Close() error {
	t.end.Lock()
	t.closed = true
	t.end.Unlock()
	t.running.Wait()
	return t.engine.Close()
}
