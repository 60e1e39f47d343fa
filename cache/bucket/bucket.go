// Package bucket is a cache.Store in an object store that several machines share: S3 and what speaks its protocol, a folder, and,
// built in by tags, Google Cloud Storage ("gcs") and Azure Blob Storage ("azure").
//
// It evicts nothing: what a bucket costs is bounded by its own lifecycle rules (internal/docs/bucket.md).
package bucket

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/dd8bf596/cutline/cache"
)

// Options configures a Store. URL is required; the zero value of all else is safe.
type Options struct {
	// URL names bucket and prefix; see Check.
	URL string
	// FirstByte bounds how long a read waits for an answer to begin, and for its turn; 0 means 2 s.
	FirstByte time.Duration
	// Timeout bounds everything else: the rest of a read, a write, a deletion. 0 means 10 s.
	Timeout time.Duration
	// MaxBytes is the largest body: a larger one is not kept, and not read. 0 means 64 MiB.
	MaxBytes int64
	// Reading is how many objects are read at a time; 0 means 32.
	Reading int
	// Report is told of every operation that the bucket failed, and once with nil when it answers again. It is called
	// concurrently. nil drops it.
	Report func(error)
}

// The figures of the breaker and of the second try.
const (
	// failuresInARow open the breaker: more than one bad connection's, and few enough that a bucket which hangs costs no more
	// than five readers their FirstByte.
	failuresInARow = 5
	// probeEvery is the time between two tries of a bucket that fails.
	probeEvery = 5 * time.Second
	// tries is how often a request is sent where its failure may be the network's or a moment's (503 SlowDown).
	tries = 2
	// pauseFrom and pauseTo bound the pause before the second try. It is drawn anew each time, so that nodes which were refused
	// together do not come back together.
	pauseFrom, pauseTo = 50 * time.Millisecond, 200 * time.Millisecond
)

// Errors that say what is wrong with a bucket, wrapped in what the store returns.
var (
	// ErrRefused says that the bucket does not accept the credentials, or that there are none.
	ErrRefused = errors.New("the bucket refuses the credentials: they are missing, expired, or may not read, write, list and delete")
	// ErrNoBucket says that there is no bucket of that name.
	ErrNoBucket = errors.New("there is no such bucket")
	// ErrSlow says that the bucket took too long.
	ErrSlow = errors.New("the bucket takes too long")
	// ErrDown says that the bucket failed so often that it is left alone for a while.
	ErrDown = errors.New("the bucket failed a moment ago and is left alone")

	errTooLarge = errors.New("larger than what is kept")
)

// Store is a cache.Store in a bucket. Its objects are prefix/v1/<kind>/<aa>/<hex of the sum>; nothing else is read or removed.
//
// The first Put of an original or a rendition counts, of whatever machine (conditional create): a later one of the same bytes is
// fine, one of others is cache.ErrExists. Pointers, and renditions without a body, are overwritten.
//
// A bucket that fails is a miss of Get and an error of all else, after FirstByte and Timeout at most; after a few failures in a
// row at once, until a try in probeEvery succeeds.
type Store struct {
	o       Options
	driver  driver
	bucket  *blob.Bucket
	prefix  string
	breaker circuitbreaker.CircuitBreaker[any]
	turns   chan struct{}

	mu   sync.Mutex
	last error // of the latest operation; nil when the bucket answered

	gets, hits, puts, deletes, dropped, corrupt, errors atomic.Int64
}

var _ cache.Store = (*Store)(nil)

// Open opens a bucket without asking it anything. Its errors are those of Check, and of credentials that cannot be read.
func Open(ctx context.Context, o Options) (*Store, error) {
	p, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	if o.FirstByte < 0 || o.Timeout < 0 || o.MaxBytes < 0 || o.Reading < 0 {
		return nil, errors.New("bucket: times, sizes and numbers must not be negative")
	}
	if o.Reading == 0 {
		o.Reading = 32
	}
	b, err := p.driver.open(ctx, p.url, o.Reading)
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	return newStore(o, p.driver, b, p.prefix), nil
}

func newStore(o Options, d driver, b *blob.Bucket, prefix string) *Store {
	if o.FirstByte == 0 {
		o.FirstByte = 2 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Reading == 0 {
		o.Reading = 32
	}
	return &Store{
		o: o, driver: d, bucket: b, prefix: prefix, turns: make(chan struct{}, o.Reading),
		breaker: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(failuresInARow).WithSuccessThreshold(1).WithDelay(probeEvery).Build(),
	}
}

// An asking asks the bucket once. What it returns beside an error is dropped.
type asking func(context.Context, *watch) (*cache.Object, error)

// do runs ask within limit; once more where its failure may be a moment's. Nothing is asked while the breaker is open. An error
// says what it means.
func (s *Store) do(ctx context.Context, limit time.Duration, ask asking) (*cache.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !s.breaker.TryAcquirePermit() {
		return nil, s.down()
	}
	o, err := s.attempt(ctx, limit, ask)
	for try := 1; try < tries && again(err) && pause(ctx); try++ {
		o, err = s.attempt(ctx, limit, ask)
	}
	s.record(ctx, err)
	return o, err
}

// attempt asks once. It returns when ctx ends or the time is up, even if ask does not notice, as a file system that hangs does
// not; it then ends by itself.
func (s *Store) attempt(ctx context.Context, limit time.Duration, ask asking) (*cache.Object, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &watch{timer: time.AfterFunc(limit, func() { cancel(ErrSlow) })}
	defer w.timer.Stop()
	type answer struct {
		o   *cache.Object
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		o, err := ask(ctx, w)
		answers <- answer{o, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil && errors.Is(context.Cause(ctx), ErrSlow) {
			return nil, ErrSlow
		}
		return a.o, s.meaning(a.err)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// A watch bounds the time of one attempt.
type watch struct{ timer *time.Timer }

// extend gives it as long again as limit, unless the time is up.
func (w *watch) extend(limit time.Duration) {
	if w.timer.Stop() {
		w.timer.Reset(limit)
	}
}

// meaning says what an error of the service means.
func (s *Store) meaning(err error) error {
	switch {
	case err == nil:
		return nil
	case s.driver.noBucket(s.bucket, err):
		return fmt.Errorf("%w: %w", ErrNoBucket, err)
	case gcerrors.Code(err) == gcerrors.PermissionDenied, s.driver.refused(s.bucket, err):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// absent reports whether err says that there is no such object, and exists that there is one.
func absent(err error) bool {
	return gcerrors.Code(err) == gcerrors.NotFound && !errors.Is(err, ErrNoBucket)
}

func exists(err error) bool { return gcerrors.Code(err) == gcerrors.FailedPrecondition }

// ours reports whether err is what a bucket that works may answer: also that what it keeps is not what was put.
func ours(err error) bool {
	return err == nil || absent(err) || exists(err) ||
		errors.Is(err, cache.ErrDamaged) || errors.Is(err, cache.ErrVersion) || errors.Is(err, errTooLarge)
}

// again reports whether a second try may end otherwise. What took too long has had its time.
func again(err error) bool {
	switch {
	case errors.Is(err, cache.ErrDamaged): // perhaps on the way
		return true
	case ours(err), errors.Is(err, ErrSlow), errors.Is(err, ErrRefused), errors.Is(err, ErrNoBucket),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return true
}

// pause waits before a second try. It reports false when ctx ends first.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(pauseFrom + rand.N(pauseTo-pauseFrom)) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// record tells the breaker how an operation ended. What the caller broke off says nothing about the bucket; where that was the one
// try of an open breaker, the next is in probeEvery.
func (s *Store) record(ctx context.Context, err error) {
	switch {
	case ours(err):
		s.breaker.RecordSuccess()
	case ctx.Err() != nil:
		if s.breaker.IsHalfOpen() {
			s.breaker.Open()
		}
		return
	default:
		s.errors.Add(1)
		s.breaker.RecordFailure()
	}
	if ours(err) {
		err = nil
	}
	s.mu.Lock()
	changed := err != nil || s.last != nil
	s.last = err
	s.mu.Unlock()
	if changed && s.o.Report != nil {
		s.o.Report(err)
	}
}

// down is the error while the breaker is open: it says why.
func (s *Store) down() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		return ErrDown
	}
	return fmt.Errorf("%w: %w", ErrDown, s.last)
}

// Try asks the bucket for something that is not there. It returns nil when the bucket answers, else what is wrong.
func (s *Store) Try(ctx context.Context) error {
	_, err := s.do(ctx, s.o.FirstByte, func(ctx context.Context, _ *watch) (*cache.Object, error) {
		// A HEAD has no body that tells a bucket that is missing from an object that is.
		r, err := s.bucket.NewReader(ctx, s.prefix+"/try", nil)
		if err != nil {
			return nil, err
		}
		return nil, r.Close()
	})
	if ours(err) {
		return nil
	}
	return fmt.Errorf("bucket: %w", err)
}

// Stats returns counters. How much the bucket holds is not known here: Objects and Bytes are 0. Dropped counts renditions that
// another machine had put first, too.
func (s *Store) Stats() cache.Stats {
	return cache.Stats{
		Gets: s.gets.Load(), Hits: s.hits.Load(), Puts: s.puts.Load(), Deletes: s.deletes.Load(),
		Dropped: s.dropped.Load(), Corrupt: s.corrupt.Load(), Errors: s.errors.Load(),
	}
}

// Close closes connections. It is called once, after the last call.
func (s *Store) Close() error { return s.bucket.Close() }
