package caption

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/dd8bf596/cutline/internal/container"
)

// xmpType is the media type that an item with XMP has (XMP Specification Part 3; HEIF, ISO/IEC 23008-12 §A.3).
const xmpType = "application/rdf+xml"

// A heifFile is a HEIF file taken apart at its meta box, which says which items there are and where their bytes lie.
type heifFile struct {
	file       []byte
	start, end int             // of the meta box
	boxes      []container.Box // in the meta box
	last       int             // where the last box of the file begins
	infos      []container.ItemInfo
	places     []container.Location
	references []container.Reference
	idat       []byte
	primary    uint32
	wide       bool // numbers of items have four bytes in references
	sequence   bool
}

// readHEIF takes a file apart. Behind the meta box nothing is asked of the file but boxes, and those by whole only.
func readHEIF(file []byte) (h *heifFile, whole error, err error) {
	h = &heifFile{file: file}
	for rest := file; len(rest) > 0; {
		at := len(file) - len(rest)
		b, next, err := container.NextBox(rest)
		if err != nil && h.boxes != nil {
			return h, err, nil
		}
		if err != nil {
			return nil, nil, err
		}
		switch {
		case b.Kind == "meta" && h.boxes == nil:
			h.start, h.end = at, len(file)-len(next)
			if err := h.readMeta(b.Body); err != nil {
				return nil, nil, err
			}
		case b.Kind == "moov":
			h.sequence = true
		}
		h.last, rest = at, next
	}
	if h.boxes == nil {
		return nil, nil, corrupt("no meta box")
	}
	return h, nil, nil
}

// maxBoxes is how many boxes a meta box may have; there are twelve kinds.
const maxBoxes = 64

func (h *heifFile) readMeta(body []byte) error {
	_, _, f := container.Full(body)
	return container.EachBox(f.B, func(b container.Box) (err error) {
		if len(h.boxes) >= maxBoxes {
			return corrupt("more than %d boxes about items", maxBoxes)
		}
		if b.Kind != "free" && b.Kind != "skip" && b.Kind != "uuid" && h.box(b.Kind) != nil {
			return corrupt("two boxes %q", b.Kind)
		}
		h.boxes = append(h.boxes, b)
		switch b.Kind {
		case "pitm":
			version, _, f := container.Full(b.Body)
			h.primary = uint32(f.U(container.IDBytes(version > 0)))
		case "iinf":
			h.infos, err = container.ItemInfos(b.Body)
		case "iloc":
			err = container.Locations(b.Body, func(l container.Location) error {
				h.places = append(h.places, l)
				return nil
			})
		case "iref":
			h.wide, err = container.References(b.Body, func(r container.Reference) error {
				h.references = append(h.references, r)
				return nil
			})
		case "idat":
			h.idat = b.Body
		}
		return err
	})
}

func (h *heifFile) box(kind string) *container.Box {
	for i := range h.boxes {
		if h.boxes[i].Kind == kind {
			return &h.boxes[i]
		}
	}
	return nil
}

func isXMPItem(i container.ItemInfo) bool { return i.Kind == "mime" && i.ContentType == xmpType }

// findHEIF returns the first item of each kind.
func findHEIF(file []byte) (b blocks, err error) {
	h, whole, err := readHEIF(file)
	if err != nil {
		return b, err
	}
	var xmp, exif bool
	for _, i := range h.infos {
		switch {
		case isXMPItem(i) && !xmp:
			xmp = true
			b.xmp, err = h.item(i.ID, err)
		case i.Kind == "Exif" && !exif:
			exif = true
			var block []byte
			if block, err = h.item(i.ID, err); len(block) >= 4 { // where the TIFF header begins (ISO/IEC 23008-12 §A.2.1)
				skip := min(uint64(binary.BigEndian.Uint32(block))+4, uint64(len(block)))
				b.exif = block[skip:]
			}
		}
	}
	if err == nil {
		err = whole
	}
	return b, err
}

// item is what the item id holds. The error is the first of those before and of this.
func (h *heifFile) item(id uint32, before error) ([]byte, error) {
	for _, l := range h.places {
		if l.ID == id {
			b, err := l.Data(h.file, h.idat)
			if before != nil {
				err = before
			}
			return b, err
		}
	}
	return nil, before
}

// embedHEIF gives the file a new meta box, which lists an item with XMP that describes the picture, and writes the packet
// behind everything else. Where other items' bytes moved by what the meta box grew, it says so.
func embedHEIF(file []byte, b blocks) ([]byte, error) {
	h, whole, err := readHEIF(file)
	if err == nil {
		err = whole
	}
	if err != nil {
		return nil, err
	}
	if h.sequence { // whose tracks tell places in the file too
		return nil, unsupported("an image sequence")
	}
	for _, kind := range []string{"pitm", "iinf", "iloc"} {
		if h.box(kind) == nil {
			return nil, corrupt("no %s box", kind)
		}
	}
	gone, err := h.remove()
	if err != nil {
		return nil, err
	}
	end := len(file)
	if gone.tail {
		end = h.last
	}
	others := len(h.places)
	if b.xmp != nil {
		h.add(uint32(len(b.xmp)))
	}
	grown := len(h.meta()) - (h.end - h.start) // its numbers have their widths, if not yet their values
	if err := h.move(h.places[:others], grown); err != nil {
		return nil, err
	}
	if b.xmp != nil {
		h.places[others].Extents[0].Offset = uint64(end + grown + boxHead)
	}
	out := make([]byte, 0, end+grown+boxHead+len(b.xmp))
	out = append(append(out, file[:h.start]...), h.meta()...)
	out = append(out, file[h.end:end]...)
	for _, e := range gone.extents { // no item has these bytes any more, and nobody can say what else they tell
		clear(out[int(e.Offset)+grown:][:e.Length])
	}
	h.closeLast(out, end, grown)
	if b.xmp != nil {
		out = appendBox(out, "mdat", b.xmp)
	}
	if uint64(len(out)) > math.MaxUint32 {
		return nil, corrupt("more than 4 GB")
	}
	return out, nil
}

// boxHead is the length of a box's header.
const boxHead = 8

// add lists an item of size bytes of XMP that describes the picture.
func (h *heifFile) add(size uint32) {
	id := h.newID()
	body := []byte{2, 0, 0, 0, byte(id >> 8), byte(id), 0, 0} // version 2; not protected
	body = append(body, "mimeXMP\x00"+xmpType+"\x00"...)
	h.infos = append(h.infos, container.ItemInfo{ID: id, Box: container.Box{Kind: "infe", Body: body}})
	h.places = append(h.places, container.Location{ID: id, Extents: []container.Extent{{Length: uint64(size)}}})
	h.references = append(h.references, container.Reference{From: id, To: []uint32{h.primary}})
}

// newID is the lowest number that no item has, so that the same item gets the same number again.
func (h *heifFile) newID() uint32 {
	used := map[uint32]bool{}
	for _, i := range h.infos {
		used[i.ID] = true
	}
	for _, l := range h.places {
		used[l.ID] = true
	}
	id := uint32(1)
	for used[id] {
		id++
	}
	return id
}

// removed is what remove took off the list of items and what is to be done about their bytes.
type removed struct {
	extents []container.Extent // to be overwritten in the file
	tail    bool               // the last box of the file holds nothing else
}

// remove takes the items with XMP off the lists.
func (h *heifFile) remove() (gone removed, err error) {
	ids := map[uint32]bool{}
	h.infos = slices.DeleteFunc(h.infos, func(i container.ItemInfo) bool {
		ids[i.ID] = ids[i.ID] || isXMPItem(i)
		return isXMPItem(i)
	})
	h.references = slices.DeleteFunc(h.references, func(r container.Reference) bool { return ids[r.From] })
	var kept []container.Location
	for _, l := range h.places {
		switch {
		case !ids[l.ID]:
			kept = append(kept, l)
		case l.Method != 0 || l.Foreign:
			return gone, unsupported("XMP that is not in the file's own boxes")
		default:
			gone.extents = append(gone.extents, l.Extents...)
		}
	}
	h.places = kept
	for _, e := range gone.extents {
		if e.Offset < uint64(h.end) || e.Offset > uint64(len(h.file)) || e.Length > uint64(len(h.file))-e.Offset || h.shared(e) {
			return gone, corrupt("XMP of %d bytes at %d", e.Length, e.Offset)
		}
	}
	if len(gone.extents) == 1 {
		e := gone.extents[0]
		if h.last+boxHead == int(e.Offset) && int(e.Offset+e.Length) == len(h.file) && string(h.file[h.last+4:h.last+boxHead]) == "mdat" {
			gone = removed{tail: true}
		}
	}
	return gone, nil
}

// shared reports whether another item has bytes of e.
func (h *heifFile) shared(e container.Extent) bool {
	for _, l := range h.places {
		for _, other := range l.Extents {
			if l.Method == 0 && other.Offset < e.Offset+e.Length && e.Offset < other.Offset+other.Length {
				return true
			}
		}
	}
	return false
}

// move corrects where items lie that lie behind the meta box.
func (h *heifFile) move(items []container.Location, by int) error {
	for i, l := range items {
		if l.Foreign || l.Method > 1 {
			return unsupported("items in other files or in other items")
		}
		from := h.file
		if l.Method == 1 {
			from = h.idat
		}
		items[i].Extents = slices.Clone(l.Extents)
		for j, e := range l.Extents {
			if e.Offset > uint64(len(from)) || e.Length > uint64(len(from))-e.Offset {
				return corrupt("an item of %d bytes at %d of %d", e.Length, e.Offset, len(from))
			}
			if l.Method == 1 || e.Offset < uint64(h.start) {
				continue
			}
			if e.Offset < uint64(h.end) {
				return corrupt("an item within the list of items")
			}
			items[i].Extents[j].Offset = uint64(int(e.Offset) + by)
		}
	}
	return nil
}

// closeLast gives the last box a length, if it had none and reached to the end of the file.
func (h *heifFile) closeLast(out []byte, end, grown int) {
	if h.last >= h.end && h.last < end && binary.BigEndian.Uint32(h.file[h.last:]) == 0 {
		binary.BigEndian.PutUint32(out[h.last+grown:], uint32(end-h.last))
	}
}
