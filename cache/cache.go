// Package cache keeps immutable objects by key: in memory, on disk, or in a stack of such tiers.
//
// It knows nothing of images, HTTP or time: nothing in it expires. What expires (pointers) is judged by render.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Errors of this package, wrapped with the reason.
var (
	// ErrMiss says that a store does not hold a key, or no longer holds it intact.
	ErrMiss = errors.New("not in the cache")
	// ErrNotKept says that a sound store declined an object: too large, no room, not admitted, closed.
	ErrNotKept = errors.New("not kept in the cache")
	// ErrExists says, beside ErrNotKept, that a store of which the first Put of a key counts (a shared one) keeps another
	// object under it. That one is as good, and what everybody else has.
	ErrExists = errors.New("another object is kept under its key")
)

// Kind is what an object is, and with that the order in which a full store gives objects up: renditions first, then
// originals, pointers last. A rendition can be made again, an original perhaps not, and a pointer is a few hundred bytes.
type Kind uint8

// The kinds. The zero Kind is none; no store keeps it.
const (
	Pointer   Kind = iota + 1 // source → original; the only kind that is overwritten with something else
	Original                  // fetched bytes, under their own SHA-256
	Rendition                 // encoded pixels
)

// String is "pointer", "original" or "rendition", and "unknown" for anything else. The names are folders on disk.
func (k Kind) String() string {
	switch k {
	case Pointer:
		return "pointer"
	case Original:
		return "original"
	case Rendition:
		return "rendition"
	}
	return "unknown"
}

// A Key names an object: its kind and a SHA-256. Keys are comparable. Objects of different kinds under one sum are
// different objects.
type Key struct {
	Kind Kind
	Sum  [sha256.Size]byte
}

// keySchema is hashed into every key of NewKey. It changes whenever the meaning of the fields does.
const keySchema = "cutline key 1"

// NewKey hashes fields into a key. Fields are length-prefixed, so ("ab", "c") and ("a", "bc") differ, and so is the
// key schema's version: a change of the schema is a miss, never a wrong hit.
//
// An original does not need it: its key is Key{Original, sum of its bytes}.
func NewKey(kind Kind, fields ...string) Key {
	text := make([]byte, 0, 512)
	text = appendField(text, keySchema)
	for _, f := range fields {
		text = appendField(text, f)
	}
	return Key{Kind: kind, Sum: sha256.Sum256(text)}
}

func appendField(text []byte, field string) []byte {
	text = binary.AppendUvarint(text, uint64(len(field)))
	return append(text, field...)
}

// String is "rendition/0123…": the kind and the sum in lower-case hex.
func (k Key) String() string {
	return k.Kind.String() + "/" + hex.EncodeToString(k.Sum[:])
}

// hash spreads keys over tables and locks. A sum is uniformly distributed already, so eight bytes of it do; the kind is
// mixed in by Knuth's multiplicative constant. Whoever looks up by hash compares the whole key afterwards.
func (k Key) hash() uint64 {
	return binary.LittleEndian.Uint64(k.Sum[:8]) ^ uint64(k.Kind)*0x9E3779B97F4A7C15
}

// An Object is what a store keeps. It is immutable: nobody modifies it or its slices after Put or Get.
type Object struct {
	Meta []byte // small: at most MaxMeta bytes; the owner's own encoding
	Body []byte // may be empty
	// Public is what others are told who read a shared store without us. Get does not return it; nil tells nothing, and so
	// do the stores that nobody else reads.
	Public *Public
}

// Public is what an object's body is to those who know nothing of its meta.
type Public struct {
	ContentType string            // a MIME type
	Labels      map[string]string // texts by name, as they were when the object was put; a store may shorten them, or leave them out
}

// MaxMeta bounds Object.Meta in bytes.
const MaxMeta = 64 << 10

// objectShare is the part of a store's budget that one object may take: an eighth. A larger one would push out, on
// average, everything that a store of eight such objects is asked for.
const objectShare = 8

// A Store keeps objects by key. It may forget any object at any time and may never return other bytes than were put.
// All methods are safe for concurrent use; concurrent Puts of one key leave one of them, whole.
//
// Package cachetest holds the suite that every Store passes.
type Store interface {
	// Get returns the object for k, or an error that is ErrMiss: absent, forgotten, damaged or unreadable. It does not
	// return other errors than ErrMiss and ctx's.
	Get(ctx context.Context, k Key) (*Object, error)
	// Put keeps o under k, replacing what was there: once it returned nil, no Get that begins later returns an earlier
	// object. An error means that o was not kept, that an earlier object may be there still, and is no reason to fail a
	// request. When Put returns nil a Get may still miss. A store of which the first Put counts says ErrExists where it did
	// not replace.
	Put(ctx context.Context, k Key, o *Object) error
	// Delete forgets k: once it returned nil, no Get that begins later returns what was there. It does not return an
	// error when k is absent.
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

// Check refuses, as ErrNotKept, what no store keeps: a key of no kind, and too much metadata.
func Check(k Key, o *Object) error {
	switch {
	case k.Kind < Pointer || k.Kind > Rendition:
		return fmt.Errorf("%w: kind %d", ErrNotKept, k.Kind)
	case len(o.Meta) > MaxMeta:
		return fmt.Errorf("%w: %d bytes of metadata, at most %d", ErrNotKept, len(o.Meta), MaxMeta)
	}
	return nil
}
