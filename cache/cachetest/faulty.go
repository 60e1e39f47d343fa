package cachetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/dd8bf596/cutline/cache"
)

// ErrFault is the error of a Faulty store's medium.
var ErrFault = errors.New("injected fault")

// Op is an operation of a Store.
type Op string

// The operations.
const (
	Get    Op = "get"
	Put    Op = "put"
	Delete Op = "delete"
)

// Faulty is a Store over another that fails when it is told to, as a store on a failing medium does: a Get is a miss, a
// Put or Delete an error without effect. Fail is called for each operation, concurrently; nil never fails.
type Faulty struct {
	Store cache.Store
	Fail  func(op Op, k cache.Key) bool
}

var _ cache.Store = (*Faulty)(nil)

func (f *Faulty) fault(op Op, k cache.Key) error {
	if f.Fail != nil && f.Fail(op, k) {
		return fmt.Errorf("%s %s: %w", op, k, ErrFault)
	}
	return nil
}

// Get implements cache.Store.
func (f *Faulty) Get(ctx context.Context, k cache.Key) (*cache.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := f.fault(Get, k); err != nil {
		return nil, fmt.Errorf("%w: %w", cache.ErrMiss, err)
	}
	return f.Store.Get(ctx, k)
}

// Put implements cache.Store.
func (f *Faulty) Put(ctx context.Context, k cache.Key, o *cache.Object) error {
	if err := f.fault(Put, k); err != nil {
		return err
	}
	return f.Store.Put(ctx, k, o)
}

// Delete implements cache.Store.
func (f *Faulty) Delete(ctx context.Context, k cache.Key) error {
	if err := f.fault(Delete, k); err != nil {
		return err
	}
	return f.Store.Delete(ctx, k)
}
