package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dd8bf596/cutline/cache"
)

// Get implements cache.Store. An object that is damaged, cut off, or another one's is read a second time, and then removed.
func (s *Store) Get(ctx context.Context, k cache.Key) (*cache.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.gets.Add(1)
	leave, err := s.turn(ctx)
	if err == nil {
		defer leave()
		var o *cache.Object
		if o, err = s.get(ctx, k); err == nil {
			s.hits.Add(1)
			return o, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case absent(err):
		return nil, cache.ErrMiss
	}
	return nil, fmt.Errorf("%w: bucket: %s: %w", cache.ErrMiss, k, err)
}

// turn waits until less than Options.Reading objects are being read, as long as an answer may take to begin.
func (s *Store) turn(ctx context.Context) (leave func(), err error) {
	leave = func() { <-s.turns }
	select {
	case s.turns <- struct{}{}:
		return leave, nil
	default:
	}
	if s.breaker.IsOpen() {
		return nil, s.down() // those who read do so in vain
	}
	timer := time.NewTimer(s.o.FirstByte)
	defer timer.Stop()
	select {
	case s.turns <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, fmt.Errorf("%w: too much is read from it", ErrSlow)
	}
}

// Put implements cache.Store. Where another machine was first, the same bytes are fine, and others are cache.ErrExists.
func (s *Store) Put(ctx context.Context, k cache.Key, o *cache.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.puts.Add(1)
	err := cache.Check(k, o)
	if n := int64(len(o.Body)); err == nil && n > s.o.MaxBytes {
		err = fmt.Errorf("%w: %d bytes, at most %d", cache.ErrNotKept, n, s.o.MaxBytes)
	}
	if err == nil {
		err = s.put(ctx, k, o)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	s.dropped.Add(1)
	return fmt.Errorf("bucket: put %s: %w", k, err)
}

func (s *Store) put(ctx context.Context, k cache.Key, o *cache.Object) error {
	sealed := s.seal(k, o)
	for range tries {
		_, err := s.do(ctx, s.o.Timeout, func(ctx context.Context, _ *watch) (*cache.Object, error) {
			options := sealed.options // the library writes into it
			return nil, s.bucket.WriteAll(ctx, s.name(k), sealed.content, &options)
		})
		switch {
		case !exists(err):
			return err
		case k.Kind == cache.Original:
			return nil // under their own sum the bytes are the same
		}
		// Also our own: the answer to the first try may have been lost.
		first, err := s.get(ctx, k)
		switch {
		case err == nil && bytes.Equal(first.Meta, o.Meta) && bytes.Equal(first.Body, o.Body):
			return nil
		case err == nil:
			return fmt.Errorf("%w: %w", cache.ErrNotKept, cache.ErrExists)
		case !absent(err) && !errors.Is(err, cache.ErrDamaged):
			return err
		} // it is gone, or was damaged: once more
	}
	return fmt.Errorf("%w: it comes and goes", cache.ErrNotKept)
}

// Delete implements cache.Store.
func (s *Store) Delete(ctx context.Context, k cache.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.deletes.Add(1)
	err := s.remove(ctx, k)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("bucket: delete %s: %w", k, err)
}
