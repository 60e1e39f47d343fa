package goengine

import (
	"bytes"
	"math"
)

// Counts that a file may not exceed. Pictures of cameras and encoders have some tens of items; what is kept of one costs
// more than the bytes that announce it.
const (
	avifItems      = 2_000
	avifProperties = 4_000
)

// fields reads big-endian numbers one behind the other. Behind the end everything is 0, and short is set.
type fields struct {
	b     []byte
	short bool
}

// u reads an n-byte number, n ≤ 8.
func (f *fields) u(n int) uint64 {
	if len(f.b) < n {
		f.b, f.short = nil, true
		return 0
	}
	var v uint64
	for _, b := range f.b[:n] {
		v = v<<8 | uint64(b)
	}
	f.b = f.b[n:]
	return v
}

// A bmffBox is one box of an ISO base media file (ISO/IEC 14496-12 §4.2).
type bmffBox struct {
	kind string
	body []byte
}

// nextBox takes the first box off src.
func nextBox(src []byte) (b bmffBox, rest []byte, err error) {
	if len(src) < 8 {
		return b, nil, corrupt("%d bytes where a box is expected", len(src))
	}
	f := fields{b: src}
	size := f.u(4)
	kind := string(src[4:8])
	head := uint64(8)
	switch size {
	case 0: // to the end
		size = uint64(len(src))
	case 1:
		f.u(4)
		size, head = f.u(8), 16
	}
	if size < head || size > uint64(len(src)) {
		return b, nil, corrupt("box %q of %d bytes, where %d are left", kind, size, len(src))
	}
	return bmffBox{kind, src[head:size]}, src[size:], nil
}

// eachBox visits the boxes of src.
func eachBox(src []byte, visit func(bmffBox) error) error {
	for len(src) > 0 {
		b, rest, err := nextBox(src)
		if err != nil {
			return err
		}
		if err := visit(b); err != nil {
			return err
		}
		src = rest
	}
	return nil
}

// full takes version and flags off the body of a full box.
func full(body []byte) (version uint8, flags uint32, f *fields) {
	f = &fields{b: body}
	v := f.u(4)
	return uint8(v >> 24), uint32(v) & 0xffffff, f
}

// A heifItem is one item of a HEIF file (ISO/IEC 23008-12).
type heifItem struct {
	kind    string
	method  uint64 // 0: extents lie in the file; 1: in the idat box
	extents []extent
	props   []property
	parts   []uint32 // of a derived item: the items it is made of
	aux     []uint32 // of an auxiliary item: those it belongs to
	prem    []uint32 // the alpha items that its colours are multiplied by
}

type extent struct{ offset, length uint64 }

type property struct {
	bmffBox
	essential bool
}

// property is the body of the item's first property of a kind, nil where it has none.
func (i *heifItem) property(kind string) []byte {
	for _, p := range i.props {
		if p.kind == kind {
			return p.body
		}
	}
	return nil
}

// A heifMeta is what a meta box says about the items of its file.
type heifMeta struct {
	primary uint32
	items   map[uint32]*heifItem
	idat    []byte
}

// readMeta reads a meta box. What it keeps is bounded by the bytes there are, never by a count in them.
func readMeta(body []byte) (*heifMeta, error) {
	m := &heifMeta{items: map[uint32]*heifItem{}}
	_, _, f := full(body)
	parts := map[string][]byte{}
	err := eachBox(f.b, func(b bmffBox) error {
		if _, twice := parts[b.kind]; twice && b.kind != "free" && b.kind != "skip" && b.kind != "uuid" {
			return corrupt("two boxes %q", b.kind)
		}
		parts[b.kind] = b.body
		return nil
	})
	if err != nil {
		return nil, err
	}
	version, _, f := full(parts["pitm"])
	m.primary, m.idat = uint32(f.u(idBytes(version > 0))), parts["idat"]
	if f.short {
		return nil, corrupt("no primary item")
	}
	for _, part := range []struct {
		kind string
		read func([]byte) error
	}{{"iinf", m.readInfo}, {"iloc", m.readLocations}, {"iprp", m.readProperties}, {"iref", m.readReferences}} {
		if body, ok := parts[part.kind]; ok {
			if err := part.read(body); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func idBytes(large bool) int {
	if large {
		return 4
	}
	return 2
}

// readInfo reads an iinf box: which items there are. Its count is not asked, its boxes are.
func (m *heifMeta) readInfo(body []byte) error {
	version, _, f := full(body)
	f.u(idBytes(version > 0))
	return eachBox(f.b, func(b bmffBox) error {
		version, _, f := full(b.body)
		if b.kind != "infe" || version < 2 {
			return nil
		}
		id := uint32(f.u(idBytes(version > 2)))
		f.u(2)
		if len(f.b) < 4 {
			return corrupt("bad infe box")
		}
		if m.items[id] != nil || len(m.items) >= avifItems {
			return corrupt("item %d twice, or more than %d items", id, avifItems)
		}
		m.items[id] = &heifItem{kind: string(f.b[:4])}
		return nil
	})
}

// readLocations reads an iloc box. An extent must have a length field, so that its entry takes bytes.
func (m *heifMeta) readLocations(body []byte) error {
	version, _, f := full(body)
	sizes := f.u(2)
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
	for range f.u(idBytes(version > 1)) {
		item := m.items[uint32(f.u(idBytes(version > 1)))]
		method := uint64(0)
		if version > 0 {
			method = f.u(2) & 15
		}
		f.u(2)
		from := f.u(base)
		extents := f.u(2)
		if item != nil {
			item.method, item.extents = method, nil
		}
		for range extents {
			f.u(index)
			e := extent{f.u(offset), f.u(length)}
			if f.short {
				return corrupt("iloc box ends early")
			}
			if e.offset > math.MaxUint64-from {
				return corrupt("extent at %d + %d", from, e.offset)
			}
			e.offset += from
			if item != nil {
				item.extents = append(item.extents, e)
			}
		}
		if f.short {
			return corrupt("iloc box ends early")
		}
	}
	return nil
}

// readProperties reads an iprp box: properties, and which item has which.
func (m *heifMeta) readProperties(body []byte) error {
	var props []bmffBox
	left := avifProperties
	return eachBox(body, func(b bmffBox) error {
		switch b.kind {
		case "ipco":
			return eachBox(b.body, func(p bmffBox) error {
				if len(props) >= avifProperties {
					return corrupt("more than %d properties", avifProperties)
				}
				props = append(props, p)
				return nil
			})
		case "ipma":
			return m.associate(b.body, props, &left)
		}
		return nil
	})
}

// associate reads an ipma box. An index of 0 is none.
func (m *heifMeta) associate(body []byte, props []bmffBox, left *int) error {
	version, flags, f := full(body)
	wide := flags & 1
	for range f.u(4) {
		item := m.items[uint32(f.u(idBytes(version > 0)))]
		for range f.u(1) {
			v := f.u(int(1 + wide))
			essential, index := v>>(7+8*wide) == 1, int(v&(1<<(7+8*wide)-1))
			if index > len(props) {
				return corrupt("property %d of %d", index, len(props))
			}
			if item == nil || index == 0 {
				continue
			}
			if *left--; *left < 0 {
				return corrupt("more than %d properties", avifProperties)
			}
			item.props = append(item.props, property{props[index-1], essential})
		}
		if f.short {
			return corrupt("ipma box ends early")
		}
	}
	return nil
}

// readReferences reads an iref box.
func (m *heifMeta) readReferences(body []byte) error {
	version, _, f := full(body)
	return eachBox(f.b, func(b bmffBox) error {
		f := fields{b: b.body}
		n := idBytes(version > 0)
		item := m.items[uint32(f.u(n))]
		count := int(f.u(2))
		if f.short || len(f.b) < n*count {
			return corrupt("bad %q reference", b.kind)
		}
		if item == nil || b.kind != "dimg" && b.kind != "auxl" && b.kind != "prem" {
			return nil
		}
		ids := make([]uint32, count)
		for i := range ids {
			ids[i] = uint32(f.u(n))
		}
		switch b.kind {
		case "dimg":
			item.parts = ids
		case "auxl":
			item.aux = ids
		case "prem":
			item.prem = ids
		}
		return nil
	})
}

// data is what an item holds. Extents that lie one behind the other are joined, as long as src has that many bytes.
func (m *heifMeta) data(src []byte, item *heifItem) ([]byte, error) {
	from := src
	switch {
	case item.method == 1:
		from = m.idat
	case item.method != 0:
		return nil, unsupported("items within items")
	}
	var parts [][]byte
	var total uint64
	for _, e := range item.extents {
		if e.offset > uint64(len(from)) || e.length > uint64(len(from))-e.offset {
			return nil, corrupt("%d bytes at %d, where there are %d", e.length, e.offset, len(from))
		}
		parts = append(parts, from[e.offset:e.offset+e.length])
		if total += e.length; total > uint64(len(src)) {
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
