package container

import (
	"bytes"
	"math"
)

// MaxItems is how many items of a HEIF file are read. Pictures of cameras and encoders have some tens; what is kept of one costs
// more than the bytes that announce it.
const MaxItems = 2_000

// MaxExtents is how many extents all items of a file may have together. Encoders write one for each.
const MaxExtents = 4 * MaxItems

// An ItemInfo announces one item of a HEIF file (infe, ISO/IEC 14496-12 §8.11.6).
type ItemInfo struct {
	ID          uint32
	Kind        string // four characters
	ContentType string // of a mime item: its media type
	Box         Box
}

// ItemInfos reads the body of an iinf box: which items there are. Its count is not asked, its boxes are. Versions below 2, which
// no HEIF has, are left out.
func ItemInfos(body []byte) ([]ItemInfo, error) {
	version, _, f := Full(body)
	f.U(IDBytes(version > 0))
	var out []ItemInfo
	err := EachBox(f.B, func(b Box) error {
		version, _, f := Full(b.Body)
		if b.Kind != "infe" || version < 2 {
			return nil
		}
		i := ItemInfo{ID: uint32(f.U(IDBytes(version > 2))), Box: b}
		f.U(2)
		if len(f.B) < 4 {
			return corrupt("bad infe box")
		}
		i.Kind = string(f.B[:4])
		if i.Kind == "mime" {
			f.B = f.B[4:]
			f.text() // its name
			i.ContentType = f.text()
		}
		if len(out) >= MaxItems {
			return corrupt("more than %d items", MaxItems)
		}
		out = append(out, i)
		return nil
	})
	return out, err
}

// text reads a string that ends in a zero.
func (f *Fields) text() string {
	for i, c := range f.B {
		if c == 0 {
			s := string(f.B[:i])
			f.B = f.B[i+1:]
			return s
		}
	}
	s := string(f.B)
	f.B, f.Short = nil, true
	return s
}

// IDBytes is how many bytes an item's number has, which the version of the box says.
func IDBytes(large bool) int {
	if large {
		return 4
	}
	return 2
}

// A Location is where an item's bytes lie.
type Location struct {
	ID      uint32
	Method  uint64 // 0: extents lie in the file; 1: in the idat box; 2: in other items
	Foreign bool   // extents lie in another file
	Extents []Extent
}

// An Extent is a run of bytes. Nobody has looked yet whether the file has them.
type Extent struct{ Offset, Length uint64 }

// Locations reads the body of an iloc box (ISO/IEC 14496-12 §8.11.3) and visits its entries. An extent must have a length field,
// so that each takes bytes.
func Locations(body []byte, visit func(Location) error) error {
	version, _, f := Full(body)
	sizes := f.U(2)
	offset, length, base, index := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		index = 0
	}
	for _, n := range []int{offset, length, base, index} {
		if n != 0 && n != 4 && n != 8 {
			return corrupt("iloc fields of %d bytes", n)
		}
	}
	if length == 0 {
		return unsupported("items without a length")
	}
	count := f.U(IDBytes(version > 1))
	if count > MaxItems {
		return corrupt("places of %d items", count)
	}
	extents := 0
	for range count {
		l := Location{ID: uint32(f.U(IDBytes(version > 1)))}
		if version > 0 {
			l.Method = f.U(2) & 15
		}
		l.Foreign = f.U(2) != 0
		from := f.U(base)
		for range f.U(2) {
			if extents++; extents > MaxExtents {
				return corrupt("more than %d extents", MaxExtents)
			}
			f.U(index)
			e := Extent{f.U(offset), f.U(length)}
			if f.Short {
				return corrupt("iloc box ends early")
			}
			if e.Offset > math.MaxUint64-from {
				return corrupt("extent at %d + %d", from, e.Offset)
			}
			e.Offset += from
			l.Extents = append(l.Extents, e)
		}
		if f.Short {
			return corrupt("iloc box ends early")
		}
		if err := visit(l); err != nil {
			return err
		}
	}
	return nil
}

// Data is what an item holds; idat is the body of the box of that name. Extents that do not lie one behind the other are joined, as
// long as file has that many bytes.
func (l Location) Data(file, idat []byte) ([]byte, error) {
	from := file
	switch {
	case l.Foreign:
		return nil, unsupported("an item in another file")
	case l.Method == 1:
		from = idat
	case l.Method != 0:
		return nil, unsupported("items within items")
	}
	var parts [][]byte
	var total uint64
	for _, e := range l.Extents {
		if e.Offset > uint64(len(from)) || e.Length > uint64(len(from))-e.Offset {
			return nil, corrupt("%d bytes at %d, where there are %d", e.Length, e.Offset, len(from))
		}
		parts = append(parts, from[e.Offset:e.Offset+e.Length])
		if total += e.Length; total > uint64(len(file)) {
			return nil, corrupt("an item of more bytes than the file")
		}
	}
	switch {
	case total == 0:
		return nil, corrupt("an item of no bytes")
	case len(parts) == 1:
		return parts[0], nil
	}
	return bytes.Join(parts, nil), nil
}

// A Reference says that one item is for others (ISO/IEC 14496-12 §8.11.12).
type Reference struct {
	From uint32
	To   []uint32
	Box  Box // of the kind of the reference
}

// References reads the body of an iref box and visits its entries. wide says whether numbers of items have four bytes.
func References(body []byte, visit func(r Reference) error) (wide bool, err error) {
	version, _, f := Full(body)
	n, references := IDBytes(version > 0), 0
	return version > 0, EachBox(f.B, func(b Box) error {
		if references++; references > MaxItems {
			return corrupt("more than %d references", MaxItems)
		}
		f := Fields{B: b.Body}
		r := Reference{From: uint32(f.U(n)), Box: b}
		count := int(f.U(2))
		if f.Short || len(f.B) < n*count {
			return corrupt("bad %q reference", b.Kind)
		}
		r.To = make([]uint32, count)
		for i := range r.To {
			r.To[i] = uint32(f.U(n))
		}
		return visit(r)
	})
}
