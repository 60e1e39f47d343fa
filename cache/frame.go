package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// An object that is kept outside of memory is one run of bytes, a frame, the same on every machine:
//
//	offset  bytes  what
//	     0      7  "cutline"
//	     7      1  format version, 1
//	     8      1  kind
//	     9      3  zero
//	    12      4  length of meta, big-endian
//	    16      8  length of body, big-endian
//	    24     32  the key's sum
//	    56     32  SHA-256 of the 56 bytes before, meta and body
//	    88         meta, then body, then nothing
//
// What stands before the body is its head; a store may keep the two apart.
//
// One digest covers everything, because everything is read on every Get. It is SHA-256 rather than something faster:
// 58 µs for 100 KB (1.8 GB/s, measured on a 2-core amd64 with SHA instructions), little beside reading a file, and
// nothing to depend on. It finds accidents; whoever may write the store can forge a frame.
const (
	frameMagic   = "cutline"
	frameVersion = 1
	digestAt     = 56
	headerBytes  = digestAt + sha256.Size
)

// MaxHead bounds the head of a frame in bytes.
const MaxHead = headerBytes + MaxMeta

// Errors of reading a frame.
var (
	// ErrDamaged says that bytes are not what was put under a key: cut off, altered, or another object's.
	ErrDamaged = errors.New("damaged object")
	// ErrVersion says that bytes are a frame of another format version, which another build may want.
	ErrVersion = errors.New("object of another format version")
)

// Head is what stands before o's body in the frame of o under k.
func Head(k Key, o *Object) []byte {
	h := make([]byte, headerBytes, headerBytes+len(o.Meta))
	copy(h, frameMagic)
	h[7] = frameVersion
	h[8] = byte(k.Kind)
	binary.BigEndian.PutUint32(h[12:], uint32(len(o.Meta))) //nolint:gosec // at most MaxMeta
	binary.BigEndian.PutUint64(h[16:], uint64(len(o.Body)))
	copy(h[24:], k.Sum[:])
	sum := digest(h[:digestAt], o.Meta, o.Body)
	copy(h[digestAt:], sum[:])
	return append(h, o.Meta...)
}

// CutHead cuts a frame where its body begins. ok is false of what is none, or ends before.
func CutHead(frame []byte) (head, body []byte, ok bool) {
	if len(frame) < headerBytes || string(frame[:len(frameMagic)]) != frameMagic {
		return nil, frame, false
	}
	n := headerBytes + int64(binary.BigEndian.Uint32(frame[12:]))
	if n > int64(len(frame)) {
		return nil, frame, false
	}
	return frame[:n:n], frame[n:], true
}

// Unframe is the object of k with this head and body, of which it is made; or ErrDamaged, or ErrVersion.
func Unframe(k Key, head, body []byte) (*Object, error) {
	if len(head) < headerBytes {
		return nil, fmt.Errorf("%w: too short", ErrDamaged)
	}
	h, meta := [headerBytes]byte(head), head[headerBytes:]
	if err := checkHeader(&h, k, int64(len(head)+len(body))); err != nil {
		return nil, err
	}
	if int(binary.BigEndian.Uint32(h[12:])) != len(meta) {
		return nil, fmt.Errorf("%w: %d bytes of meta", ErrDamaged, len(meta))
	}
	if digest(h[:digestAt], meta, body) != [sha256.Size]byte(h[digestAt:]) {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return &Object{Meta: slices.Clip(meta), Body: body}, nil
}

// checkHeader checks what can be told of a frame of size bytes before it is read.
func checkHeader(h *[headerBytes]byte, k Key, size int64) error {
	meta, body := int64(binary.BigEndian.Uint32(h[12:])), binary.BigEndian.Uint64(h[16:])
	switch {
	case string(h[:7]) != frameMagic:
		return fmt.Errorf("%w: no magic number", ErrDamaged)
	case h[7] != frameVersion:
		return fmt.Errorf("%w: %d", ErrVersion, h[7])
	case Kind(h[8]) != k.Kind || !bytes.Equal(h[24:digestAt], k.Sum[:]):
		return fmt.Errorf("%w: another object's", ErrDamaged)
	case meta > MaxMeta || body > uint64(size) || headerBytes+meta+int64(body) != size: //nolint:gosec // nothing has a negative size
		return fmt.Errorf("%w: lengths %d and %d in %d bytes", ErrDamaged, meta, body, size)
	}
	return nil
}

func digest(parts ...[]byte) (sum [sha256.Size]byte) {
	d := sha256.New()
	for _, p := range parts {
		d.Write(p) // never fails (hash.Hash)
	}
	d.Sum(sum[:0])
	return sum
}
