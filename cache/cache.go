// Package cache keeps immutable objects by key: in memory, on disk, or in a stack of such tiers.
//
// It knows nothing of images, HTTP or time: nothing in it expires. What expires (pointers) is judged by render.
package cache

import (
	"context"
	"errors"
)

// ErrMiss says that a store does not hold a key, or no longer holds it intact; the reason is wrapped with it.
var ErrMiss = errors.New("not in the cache")

// Kind is what an object is, and with that the order in which a full store gives objects up: renditions first, then
// originals, pointers last. A rendition can be made again, an original perhaps not, and a pointer is a few hundred bytes.
type Kind uint8

// The kinds.
const (
	Pointer   Kind = iota + 1 // source → original; the only kind that is overwritten
	Original                  // fetched bytes, under their own SHA-256
	Rendition                 // encoded pixels
)

// A Key names an object: its kind and a SHA-256.
type Key struct {
	Kind Kind
	Sum  [32]byte
}

// NewKey hashes fields into a key. Fields are length-prefixed, so ("ab", "c") and ("a", "bc") differ, and so is the
// key schema's version: a change of the schema is a miss, never a wrong hit.
func NewKey(kind Kind, fields ...string) Key { return Key{} }

// String is "rendition/0123…": the kind and the sum in hex.
func (k Key) String() string { return "" }

// An Object is what a store keeps. It is immutable: nobody modifies it or its slices after Put or Get.
type Object struct {
	Meta []byte // small: at most MaxMeta bytes; the owner's own encoding
	Body []byte // may be empty
}

// MaxMeta bounds Object.Meta in bytes.
const MaxMeta = 64 << 10

// A Store keeps objects by key. It may forget any object at any time and may never return other bytes than were put.
// All methods are safe for concurrent use; concurrent Puts of one key leave one of them, whole.
type Store interface {
	// Get returns the object for k, or an error that is ErrMiss: absent, forgotten, damaged or unreadable. It does not
	// return other errors than ErrMiss and ctx's.
	Get(ctx context.Context, k Key) (*Object, error)
	// Put keeps o under k, replacing what was there. An error means that it was not kept and is no reason to fail a
	// request. When Put returns nil a Get may still miss.
	Put(ctx context.Context, k Key, o *Object) error
	// Delete forgets k. It does not return an error when k is absent.
	Delete(ctx context.Context, k Key) error
}

// Stats counts what a store did since it was made. Counters only grow; Bytes and Objects are as of now.
type Stats struct {
	Gets, Hits, Puts, Deletes int64
	Dropped                   int64 // Puts that were not kept: too large, admission, queue, error
	Evicted                   int64 // objects given up for space
	Corrupt                   int64 // objects found damaged on Get and removed
	Errors                    int64 // operations that the medium failed
	Objects                   int64
	Bytes                     int64
}
