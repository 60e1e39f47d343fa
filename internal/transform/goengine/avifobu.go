package goengine

// An av1Stream is what the headers of an AV1 picture announce: what its decoder will allocate for.
type av1Stream struct {
	width, height int // that the sequence announces, pixels
	maxW, maxH    int // that a frame may have, pixels: more where frames have sizes of their own
	depth         int // bits
	mono          bool
	subX, subY    bool // chroma has half the columns, half the rows
	fullRange     bool
	grain         bool
	frames        int // that are decoded, shown or not
	profile       byte
	level, tier   byte
	chromaAt      byte // chroma_sample_position
	matrix        byte // matrix_coefficients
	sequence      sequenceHeader
}

// A sequenceHeader is what frame headers need of it.
type sequenceHeader struct {
	reduced                bool // reduced_still_picture_header: every frame is as large as the sequence says
	widthBits, heightBits  int
	timed                  bool // frames have a presentation time, of timeBits
	timeBits, idBits       int
	screenTools, integerMV uint32
}

// Values of the AV1 specification (version 1.0.0 with errata 1).
const (
	obuSequence    = 1 // §6.2.2
	obuFrameHeader = 3
	obuFrame       = 6
	toolSelected   = 2 // SELECT_SCREEN_CONTENT_TOOLS, SELECT_INTEGER_MV (§3)

	// av1Frames bounds the frames of one picture. It has one, or one for each of up to four layers, and hidden ones
	// beside them at most. A frame may take a few bytes and costs the decoder a whole picture of time and of memory.
	av1Frames = 8
)

// bits reads AV1's numbers, the highest bit of a byte first. Behind the end everything is 0, and short is set.
type bits struct {
	b     []byte
	at    int
	short bool
}

func (r *bits) u(n int) (v uint32) {
	for range n {
		if r.at >= 8*len(r.b) {
			r.short = true
			return 0
		}
		v = v<<1 | uint32(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.u(1) == 1 }

// uvlc skips a number of variable length (§4.10.3).
func (r *bits) uvlc() {
	zeros := 0
	for !r.short && !r.flag() {
		zeros++
	}
	if zeros < 32 {
		r.u(zeros)
	}
}

// readAV1 walks the units of an AV1 picture (§5.3) and reads their headers.
func readAV1(data []byte) (s av1Stream, err error) {
	var first []byte
	for len(data) > 0 {
		kind, unit, rest, err := nextOBU(data)
		if err != nil {
			return s, err
		}
		switch kind {
		case obuSequence:
			if first != nil && string(first) != string(unit) {
				return s, unsupported("AV1 sequences that change")
			}
			first = unit
			if err := s.readSequence(unit); err != nil {
				return s, err
			}
		case obuFrame, obuFrameHeader:
			if first == nil {
				return s, corrupt("an AV1 frame before its sequence header")
			}
			if err := s.readFrame(unit); err != nil {
				return s, err
			}
		}
		data = rest
	}
	if s.frames < 1 || s.frames > av1Frames {
		return s, corrupt("%d AV1 frames in one picture", s.frames)
	}
	return s, nil
}

// nextOBU takes the first unit off data. One without a size is the last.
func nextOBU(data []byte) (kind byte, unit, rest []byte, err error) {
	head := data[0]
	kind, data = head>>3&15, data[1:]
	if head&4 != 0 { // extension
		data = data[min(1, len(data)):]
	}
	if head&2 == 0 {
		return kind, data, nil, nil
	}
	var size uint64 // leb128, §4.10.5
	for i := range 8 {
		if i >= len(data) {
			return 0, nil, nil, corrupt("AV1 data end within a unit's size")
		}
		size |= uint64(data[i]&0x7f) << (7 * i)
		if data[i]&0x80 == 0 {
			data = data[i+1:]
			if size > uint64(len(data)) {
				return 0, nil, nil, corrupt("AV1 unit of %d bytes, where %d are left", size, len(data))
			}
			return kind, data[:size], data[size:], nil
		}
	}
	return 0, nil, nil, corrupt("bad size of an AV1 unit")
}

// readSequence reads a sequence header (§5.5).
func (s *av1Stream) readSequence(unit []byte) error {
	r := &bits{b: unit}
	q := sequenceHeader{}
	s.profile = byte(r.u(3))
	r.u(1)
	q.reduced = r.flag()
	if q.reduced {
		s.level = byte(r.u(5))
	} else {
		s.readOperatingPoints(r, &q)
	}
	q.widthBits, q.heightBits = int(r.u(4))+1, int(r.u(4))+1
	s.width, s.height = int(r.u(q.widthBits))+1, int(r.u(q.heightBits))+1
	s.maxW, s.maxH = s.width, s.height
	if !q.reduced && r.flag() { // frame_id_numbers_present_flag
		q.idBits = int(r.u(4)) + 2
		q.idBits += int(r.u(3)) + 1
	}
	r.u(3) // superblock size, intra filters
	q.screenTools, q.integerMV = toolSelected, toolSelected
	if !q.reduced {
		readTools(r, &q)
	}
	r.u(3) // super-resolution, CDEF, restoration
	s.readColour(r)
	s.grain = r.flag()
	s.sequence = q
	if r.short || s.profile > 2 {
		return corrupt("bad AV1 sequence header")
	}
	return nil
}

// readOperatingPoints reads a sequence header up to its sizes, where it is not reduced.
func (s *av1Stream) readOperatingPoints(r *bits, q *sequenceHeader) {
	model, delayBits, equal := false, 0, false
	if r.flag() { // timing_info_present_flag
		r.u(32)
		r.u(32)
		if equal = r.flag(); equal {
			r.uvlc()
		}
		if model = r.flag(); model {
			delayBits = int(r.u(5)) + 1
			r.u(32)
			r.u(5)
			q.timeBits = int(r.u(5)) + 1
		}
	}
	q.timed = model && !equal
	display := r.flag()
	for i := range r.u(5) + 1 {
		r.u(12)
		level, tier := byte(r.u(5)), byte(0)
		if level > 7 {
			tier = byte(r.u(1))
		}
		if i == 0 {
			s.level, s.tier = level, tier
		}
		if model && r.flag() {
			r.u(delayBits)
			r.u(delayBits)
			r.u(1)
		}
		if display && r.flag() {
			r.u(4)
		}
	}
}

// readTools reads the part of a sequence header that a reduced one lacks.
func readTools(r *bits, q *sequenceHeader) {
	r.u(4)
	order := r.flag()
	if order {
		r.u(2)
	}
	if !r.flag() { // seq_choose_screen_content_tools
		q.screenTools = r.u(1)
	}
	if q.screenTools > 0 && !r.flag() { // seq_choose_integer_mv
		q.integerMV = r.u(1)
	}
	if order {
		r.u(3)
	}
}

// readColour reads color_config (§5.5.2).
func (s *av1Stream) readColour(r *bits) {
	s.depth = 8
	if r.flag() {
		s.depth = 10
		if s.profile == 2 && r.flag() {
			s.depth = 12
		}
	}
	s.mono = s.profile != 1 && r.flag()
	primaries, transfer := uint32(2), uint32(2)
	s.matrix = 2
	if r.flag() {
		primaries, transfer, s.matrix = r.u(8), r.u(8), byte(r.u(8))
	}
	s.subX, s.subY = s.profile != 1, s.profile == 0
	switch {
	case s.mono:
		s.fullRange, s.subX, s.subY = r.flag(), true, true
		return
	case primaries == 1 && transfer == 13 && s.matrix == 0: // sRGB
		s.fullRange, s.subX, s.subY = true, false, false
	default:
		s.fullRange = r.flag()
		if s.profile == 2 && s.depth == 12 {
			s.subX = r.flag()
			s.subY = s.subX && r.flag()
		}
		if s.subX && s.subY {
			s.chromaAt = byte(r.u(2))
		}
	}
	r.u(1)
}

// readFrame reads a frame header up to the flag that gives it a size of its own (§5.9.2). Such a frame may be as large as
// the number of its size's bits admits: nothing in a decoder holds it to the sequence's size.
func (s *av1Stream) readFrame(unit []byte) error {
	r, q := &bits{b: unit}, s.sequence
	if q.reduced {
		s.frames++
		return nil
	}
	if r.flag() { // show_existing_frame
		return nil
	}
	s.frames++
	const keyFrame, switchFrame = 0, 3
	kind, shown := r.u(2), r.flag()
	if shown && q.timed {
		r.u(q.timeBits)
	}
	if !shown {
		r.u(1)
	}
	if kind != switchFrame && (kind != keyFrame || !shown) {
		r.u(1)
	}
	r.u(1)
	tools := q.screenTools
	if tools == toolSelected {
		tools = r.u(1)
	}
	if tools > 0 && q.integerMV == toolSelected {
		r.u(1)
	}
	r.u(q.idBits)
	if kind == switchFrame || r.flag() {
		s.maxW, s.maxH = 1<<q.widthBits, 1<<q.heightBits
	}
	if r.short {
		return corrupt("bad AV1 frame header")
	}
	return nil
}
