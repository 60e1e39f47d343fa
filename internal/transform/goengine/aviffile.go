package goengine

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/dd8bf596/cutline/internal/container"
)

// An avifFrame is where the primary picture of an AVIF lies. Its alpha is one of its own, nil where it has none.
type avifFrame struct {
	colour        avifPlane
	alpha         *avifPlane
	nclx          []byte // the colr box's code points, empty where the file leaves them to the pictures
	premultiplied bool
}

// An avifPlane is one picture or a grid of them, in rows.
type avifPlane struct {
	width, height         int // of the whole, pixels
	cells                 []avifCell
	columns               int
	cellWidth, cellHeight int
}

// An avifCell is one AV1 picture.
type avifCell struct {
	stream av1Stream
	data   []byte
}

// avifCells bounds the pictures in a grid: each is decoded in an instance of its own, which takes 6 ms at least.
const avifCells = 256

// An avifReader finds the parts of a picture among the items of a file.
type avifReader struct {
	*heifMeta
	src  []byte
	used int // bytes of src that parts have: together no more than there are, or they overlap
}

// parseAVIF reads the boxes of an AVIF (AV1 Image File Format 1.2; HEIF, ISO/IEC 23008-12; MIAF, ISO/IEC 23000-22): the
// primary item, or a grid, with its alpha. In an image sequence the primary item is the still that stands for it; one
// without is not read. Layers are read as the last of them.
func (h *header) parseAVIF(src []byte) error {
	meta, frames, err := avifTop(src)
	if err != nil {
		return err
	}
	r := &avifReader{heifMeta: meta, src: src}
	primary := meta.items[meta.primary]
	if primary == nil {
		return corrupt("no primary item")
	}
	if h.avif.colour, err = r.plane(primary, false); err != nil {
		return err
	}
	h.width, h.height, h.frames = h.avif.colour.width, h.avif.colour.height, frames
	if err := h.avifProperties(primary); err != nil {
		return err
	}
	if err := h.avifAlpha(r, primary); err != nil {
		return err
	}
	for _, item := range meta.items {
		if item.kind == "Exif" || item.kind == "mime" {
			for _, e := range item.location.Extents {
				h.metadata += int64(min(e.Length, uint64(len(src))))
			}
		}
	}
	h.metadata += int64(len(h.icc))
	h.avifBytes()
	return nil
}

// cutBox reports whether src begins with a box of pixels or frames; which is cut where it is no whole box.
func cutBox(src []byte) bool {
	return len(src) >= 8 && slices.Contains([]string{"mdat", "moov"}, string(src[4:8]))
}

// avifTop walks the boxes of a file for its meta box and counts the frames of its sequence. What follows the meta box
// and is no box is nobody's business, but a box that is cut is a file that is.
func avifTop(src []byte) (meta *heifMeta, frames int, err error) {
	frames = 1
	for len(src) > 0 {
		b, rest, err := container.NextBox(src)
		if err != nil && meta != nil && !cutBox(src) {
			return meta, frames, nil
		}
		if err != nil {
			return nil, 0, damaged(err)
		}
		switch {
		case b.Kind == "meta" && meta == nil:
			if meta, err = readMeta(b.Body); err != nil {
				return nil, 0, err
			}
		case b.Kind == "moov":
			frames = max(frames, avifSamples(b.Body, 0))
		}
		src = rest
	}
	if meta == nil {
		return nil, 0, corrupt("no meta box")
	}
	return meta, frames, nil
}

// avifSamples is the most samples that a track in a moov box has (stsz, ISO/IEC 14496-12 §8.7.3). Only the five levels
// down to there are visited.
func avifSamples(body []byte, depth int) int {
	path := []string{"trak", "mdia", "minf", "stbl", "stsz"}
	samples := 0
	for len(body) > 0 {
		b, rest, err := container.NextBox(body)
		if err != nil {
			break
		}
		body = rest
		switch {
		case b.Kind != path[depth]:
		case b.Kind == "stsz":
			_, _, f := container.Full(b.Body)
			f.U(4)
			samples = max(samples, int(min(f.U(4), math.MaxInt32)))
		default:
			samples = max(samples, avifSamples(b.Body, depth+1))
		}
	}
	return samples
}

// plane reads an item of kind av01 or grid.
func (r *avifReader) plane(item *heifItem, mono bool) (p avifPlane, err error) {
	if err := essentials(item); err != nil {
		return p, err
	}
	p.width, p.height, err = extents(item)
	if err != nil {
		return p, err
	}
	parts := []*heifItem{item}
	p.columns, p.cellWidth, p.cellHeight = 1, p.width, p.height
	switch item.kind {
	case "av01":
	case "grid":
		if parts, err = r.grid(item, &p); err != nil {
			return p, err
		}
	default:
		return p, unsupported("an item of kind %q", item.kind)
	}
	for _, part := range parts {
		cell, err := r.cell(part, &p)
		if err != nil {
			return p, err
		}
		if mono && !cell.stream.mono {
			return p, unsupported("alpha in colours")
		}
		p.cells = append(p.cells, cell)
	}
	return p, nil
}

// grid reads a grid item (ISO/IEC 23008-12 §6.6.2.3) and lists its cells.
func (r *avifReader) grid(item *heifItem, p *avifPlane) ([]*heifItem, error) {
	data, err := r.data(r.src, item)
	if err != nil {
		return nil, err
	}
	f := &container.Fields{B: data}
	head := f.U(2)
	rows, columns := int(f.U(1))+1, int(f.U(1))+1
	n := container.IDBytes(head&1 == 1)
	w, h := f.U(n), f.U(n)
	if f.Short || head>>8 != 0 || w != uint64(p.width) || h != uint64(p.height) || len(item.parts) != rows*columns {
		return nil, corrupt("a grid of %d × %d cells for %d × %d pixels", columns, rows, w, h)
	}
	if len(item.parts) > avifCells {
		return nil, unsupported("a grid of %d cells", len(item.parts))
	}
	parts := make([]*heifItem, len(item.parts))
	for i, id := range item.parts {
		part := r.items[id]
		if part == nil || part.kind != "av01" || slices.ContainsFunc(part.props, func(p property) bool { return moves(p.Kind) }) {
			return nil, corrupt("a grid whose cell %d is no plain picture", i)
		}
		parts[i] = part
	}
	p.columns = columns
	if p.cellWidth, p.cellHeight, err = extents(parts[0]); err != nil {
		return nil, err
	}
	covers := func(n, cell, whole int) bool { return n*cell >= whole && (n-1)*cell < whole }
	if !covers(columns, p.cellWidth, p.width) || !covers(rows, p.cellHeight, p.height) {
		return nil, corrupt("%d × %d cells of %d × %d pixels for %d × %d", columns, rows, p.cellWidth, p.cellHeight, p.width, p.height)
	}
	return parts, nil
}

// cell reads one AV1 picture and holds its own headers to what the container says: the decoder allocates by the former,
// the memory budget counts by the latter.
func (r *avifReader) cell(item *heifItem, p *avifPlane) (c avifCell, err error) {
	if err := essentials(item); err != nil {
		return c, err
	}
	if w, h, err := extents(item); err != nil || w != p.cellWidth || h != p.cellHeight {
		return c, corrupt("a cell of %d × %d pixels beside others of %d × %d: %v", w, h, p.cellWidth, p.cellHeight, err)
	}
	if c.data, err = r.data(r.src, item); err != nil {
		return c, err
	}
	if r.used += len(c.data); r.used > len(r.src) {
		return c, corrupt("pictures that overlap")
	}
	if c.stream, err = readAV1(c.data); err != nil {
		return c, err
	}
	if c.stream.width > p.cellWidth || c.stream.height > p.cellHeight {
		return c, corrupt("an AV1 picture of %d × %d pixels, where the file says %d × %d", c.stream.width, c.stream.height, p.cellWidth, p.cellHeight)
	}
	return c, nil
}

// extents reads an item's size (ispe, ISO/IEC 23008-12 §6.5.3).
func extents(item *heifItem) (w, h int, err error) {
	_, _, f := container.Full(item.property("ispe"))
	width, height := f.U(4), f.U(4)
	if f.Short || width < 1 || height < 1 || width > 1<<16 || height > 1<<16 { // AV1 has 16 bits for a side
		return 0, 0, corrupt("an item of %d × %d pixels", width, height)
	}
	return int(width), int(height), nil
}

// moves reports whether a property of that kind moves pixels.
func moves(kind string) bool { return kind == "irot" || kind == "imir" || kind == "clap" }

// essentials reports a property without which the item must not be shown, and which is not known here.
func essentials(item *heifItem) error {
	for _, p := range item.props {
		switch p.Kind {
		case "av1C", "ispe", "pixi", "colr", "auxC", "irot", "imir", "clap", "pasp", "a1lx":
			continue
		case "a1op", "lsel": // operating point 0 and all layers are what decoding without them gives
			if len(p.Body) == 1 && p.Body[0] == 0 || string(p.Body) == "\xff\xff" {
				continue
			}
		}
		if p.essential {
			return unsupported("an item with the property %q", p.Kind)
		}
	}
	return nil
}

// avifProperties reads colours, rotation and mirroring of the primary item.
func (h *header) avifProperties(item *heifItem) error {
	angle, mirror := 0, 0
	for _, p := range item.props {
		switch {
		case p.Kind == "irot" && len(p.Body) == 1:
			angle = int(p.Body[0] & 3)
		case p.Kind == "imir" && len(p.Body) == 1:
			mirror = int(p.Body[0]&1) + 1
		case p.Kind == "clap":
			if !h.whole(p.Body) {
				return unsupported("a picture that is cropped by its container")
			}
		case p.Kind == "colr" && len(p.Body) >= 11 && string(p.Body[:4]) == "nclx" && h.avif.nclx == nil:
			h.avif.nclx = p.Body[4:11]
			f := &container.Fields{B: p.Body[4:]}
			h.colours.codePoints = [2]uint16{uint16(f.U(2)), uint16(f.U(2))}
		case p.Kind == "colr" && len(p.Body) > 4 && (string(p.Body[:4]) == "prof" || string(p.Body[:4]) == "rICC") && h.icc == nil:
			h.icc = p.Body[4:]
		}
	}
	if h.icc != nil { // says more than code points do, which are there for the matrix then
		h.colours.codePoints = [2]uint16{}
	}
	// Turned counter-clockwise by angle × 90°, then mirrored: not, top to bottom, left to right (§6.5.10, §6.5.12).
	h.orientation = [4][3]int{{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}}[angle][mirror]
	matrix := h.avif.colour.cells[0].stream.matrix
	if h.avif.nclx != nil {
		matrix = byte(binary.BigEndian.Uint16(h.avif.nclx[4:]))
	}
	if !slices.Contains([]byte{0, 1, 2, 4, 5, 6, 7, 8, 9, 12, 16, 17}, matrix) { // ITU-T H.273 §8.3; the others need more than a matrix
		return unsupported("matrix coefficients %d", matrix)
	}
	return nil
}

// whole reports whether a clean aperture (ISO/IEC 14496-12 §12.1.4) is the whole picture.
func (h *header) whole(body []byte) bool {
	f := &container.Fields{B: body}
	w, wd, ht, hd, x, _, y, _ := f.U(4), f.U(4), f.U(4), f.U(4), f.U(4), f.U(4), f.U(4), f.U(4)
	return !f.Short && w == wd*uint64(h.width) && ht == hd*uint64(h.height) && x == 0 && y == 0
}

// avifAlpha finds the alpha of the primary item.
func (h *header) avifAlpha(r *avifReader, primary *heifItem) error {
	for id, item := range r.items {
		kind, _, _ := strings.Cut(string(item.property("auxC")[min(4, len(item.property("auxC"))):]), "\x00")
		if kind != "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" && kind != "urn:mpeg:hevc:2015:auxid:1" {
			continue
		}
		for _, of := range item.aux {
			if slices.Contains(primary.parts, of) {
				return unsupported("a grid whose cells have an alpha each")
			}
			if of != r.primary {
				continue
			}
			if h.avif.alpha != nil {
				return corrupt("two alphas")
			}
			if item.property("ispe") == nil { // some encoders leave it out: it is the picture's
				item.props = append(item.props, property{Box: container.Box{Kind: "ispe", Body: primary.property("ispe")}})
			}
			p, err := r.plane(item, true)
			if err != nil {
				return err
			}
			if p.width != h.width || p.height != h.height {
				return corrupt("alpha of %d × %d pixels", p.width, p.height)
			}
			h.avif.alpha, h.alpha = &p, true
			h.avif.premultiplied = slices.Contains(primary.prem, id)
		}
	}
	return nil
}

// What decoding takes, measured with libavif 1.4.2 and dav1d 1.5.3 in WebAssembly: two pictures of four channels, the
// planes of each frame that the decoder keeps, in whole blocks of 128 pixels, and what it works with. WebAssembly's memory
// grows by copying, and Go leaves room for a quarter more: old and new are there at one time.
const (
	avifWorkBytes  = 4         // per pixel: 3, and 1 for a picture cut into tiles of 64 pixels, as no encoder does on its own
	avifFixedBytes = 2_000_000 // an instance's stack, tables and code
)

// bytes is what decoding the largest cell takes.
func (p *avifPlane) bytes() int64 {
	var most int64
	for _, c := range p.cells {
		s := c.stream
		sample := int64(1)
		if s.depth > 8 {
			sample = 2
		}
		pictures := int64(s.frames)
		if s.grain {
			pictures++
		}
		pixels := int64(p.cellWidth) * int64(p.cellHeight)
		luma := int64((s.maxW+127)&^127) * int64((s.maxH+127)&^127)
		planes := luma
		if !s.mono {
			chroma := 2 * luma
			if s.subX {
				chroma /= 2
			}
			if s.subY {
				chroma /= 2
			}
			planes += chroma
		}
		memory := sample*(8*pixels+pictures*planes) + avifWorkBytes*max(luma, pixels) + int64(len(c.data)) + avifFixedBytes
		most = max(most, memory*9/4)
	}
	return most
}

// avifBytes estimates the memory that decoding takes: cells one at a time, beside the canvas from the second one on.
func (h *header) avifBytes() {
	h.heldBytes = 4 * int64(h.width) * int64(h.height)
	h.decodeBytes = h.avif.colour.bytes()
	if len(h.avif.colour.cells) > 1 {
		h.decodeBytes += h.heldBytes
	}
	if h.avif.alpha != nil {
		h.decodeBytes = max(h.decodeBytes, h.heldBytes+h.avif.alpha.bytes())
	}
}
