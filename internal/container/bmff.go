package container

// Fields reads big-endian numbers one behind the other. Behind the end everything is 0, and Short is set.
type Fields struct {
	B     []byte // what is left
	Short bool
}

// U reads an n-byte number, n ≤ 8.
func (f *Fields) U(n int) uint64 {
	if len(f.B) < n {
		f.B, f.Short = nil, true
		return 0
	}
	var v uint64
	for _, b := range f.B[:n] {
		v = v<<8 | uint64(b)
	}
	f.B = f.B[n:]
	return v
}

// A Box is one box of an ISO base media file (ISO/IEC 14496-12 §4.2).
type Box struct {
	Kind string // four characters
	Body []byte
}

// NextBox takes the first box off src.
func NextBox(src []byte) (b Box, rest []byte, err error) {
	if len(src) < 8 {
		return b, nil, corrupt("%d bytes where a box is expected", len(src))
	}
	f := Fields{B: src}
	size := f.U(4)
	kind := string(src[4:8])
	head := uint64(8)
	switch size {
	case 0: // to the end
		size = uint64(len(src))
	case 1:
		f.U(4)
		size, head = f.U(8), 16
	}
	if size < head || size > uint64(len(src)) {
		return b, nil, corrupt("box %q of %d bytes, where %d are left", kind, size, len(src))
	}
	return Box{Kind: kind, Body: src[head:size]}, src[size:], nil
}

// EachBox visits the boxes of src until visit returns an error.
func EachBox(src []byte, visit func(Box) error) error {
	for len(src) > 0 {
		b, rest, err := NextBox(src)
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

// Full takes version and flags off the body of a full box.
func Full(body []byte) (version uint8, flags uint32, f *Fields) {
	f = &Fields{B: body}
	v := f.U(4)
	return uint8(v >> 24), uint32(v) & 0xffffff, f
}
