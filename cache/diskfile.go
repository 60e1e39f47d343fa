package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// A file holds one frame.

// errForeign is what is left alone: not ours.
var errForeign = errors.New("not a regular file")

// writeObject writes the file of o under k.
func writeObject(w io.Writer, k Key, o *Object) error {
	if _, err := w.Write(Head(k, o)); err != nil {
		return err
	}
	_, err := w.Write(o.Body)
	return err
}

// readObject reads the file of k, of which the file system says that it has size bytes. It returns ErrDamaged,
// ErrVersion, or what r returned. It allocates only after the lengths in the header agreed with size.
func readObject(r io.Reader, size int64, k Key) (*Object, error) {
	var h [headerBytes]byte
	if err := readFull(r, h[:]); err != nil {
		return nil, err
	}
	if err := checkHeader(&h, k, size); err != nil {
		return nil, err
	}
	meta := binary.BigEndian.Uint32(h[12:])
	b := make([]byte, size-headerBytes)
	if err := readFull(r, b); err != nil {
		return nil, err
	}
	if digest(h[:digestAt], b) != [sha256.Size]byte(h[digestAt:]) {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return &Object{Meta: b[:meta:meta], Body: b[meta:]}, nil
}

// readFull fills b; a file that ends before is damaged.
func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: too short", ErrDamaged)
	}
	return err
}

// objectName is the path of k's file: "rendition/01/0123…". 256 folders per kind keep listings short on file systems
// that search them linearly: a million objects are four thousand names each.
func objectName(k Key) string {
	sum := hex.EncodeToString(k.Sum[:])
	return k.Kind.String() + "/" + sum[:2] + "/" + sum
}

// parseName is the inverse of objectName, for a file found in a folder such as "01" of kind. Other names are foreign.
func parseName(kind Kind, fan, name string) (Key, bool) {
	k := Key{Kind: kind}
	if len(name) != 2*sha256.Size || name[:2] != fan {
		return k, false
	}
	if _, err := hex.Decode(k.Sum[:], []byte(name)); err != nil {
		return k, false
	}
	// hex reads upper case too; one object must not have two names.
	return k, hex.EncodeToString(k.Sum[:]) == name
}
