package caption

import (
	"encoding/binary"

	"github.com/dd8bf596/cutline/internal/container"
)

// meta writes the meta box with the lists as they are. Every box in it gets a length: one that reached to the end of the list
// would swallow what is added.
func (h *heifFile) meta() []byte {
	body := make([]byte, 4, h.end-h.start+256) // version and flags
	referred := false
	for _, b := range h.boxes {
		switch b.Kind {
		case "iinf":
			body = appendBox(body, b.Kind, h.itemInfos(b))
		case "iloc":
			body = appendBox(body, b.Kind, h.locations())
		case "iref":
			referred = true
			if len(h.references) > 0 {
				body = appendBox(body, b.Kind, h.referenceList())
			}
		default:
			body = appendBox(body, b.Kind, b.Body)
		}
	}
	if !referred && len(h.references) > 0 {
		body = appendBox(body, "iref", h.referenceList())
	}
	return appendBox(nil, "meta", body)
}

// itemInfos is the body of the iinf box.
func (h *heifFile) itemInfos(b container.Box) []byte {
	version, _, _ := container.Full(b.Body)
	body := []byte{version, 0, 0, 0}
	body = appendID(body, uint32(len(h.infos)), version > 0)
	for _, i := range h.infos {
		body = appendBox(body, i.Box.Kind, i.Box.Body)
	}
	return body
}

// locations is the body of the iloc box, in the lowest version that says everything, without base offsets.
func (h *heifFile) locations() []byte {
	version := byte(0)
	for _, l := range h.places {
		if l.Method != 0 {
			version = max(version, 1)
		}
		if l.ID > 0xffff {
			version = 2
		}
	}
	body := []byte{version, 0, 0, 0, 0x44, 0} // offsets and lengths of four bytes
	body = appendID(body, uint32(len(h.places)), version > 1)
	for _, l := range h.places {
		body = appendID(body, l.ID, version > 1)
		if version > 0 {
			body = binary.BigEndian.AppendUint16(body, uint16(l.Method))
		}
		body = append(body, 0, 0) // in this file
		body = binary.BigEndian.AppendUint16(body, uint16(len(l.Extents)))
		for _, e := range l.Extents {
			body = binary.BigEndian.AppendUint32(body, uint32(e.Offset))
			body = binary.BigEndian.AppendUint32(body, uint32(e.Length))
		}
	}
	return body
}

// referenceList is the body of the iref box. The new item's reference is the one without a box yet.
func (h *heifFile) referenceList() []byte {
	wide := h.wide || h.primary > 0xffff
	body := make([]byte, 4)
	if wide {
		body[0] = 1
	}
	for _, r := range h.references {
		kind := r.Box.Kind
		if kind == "" {
			kind = "cdsc" // "content describes"
		}
		ref := appendID(nil, r.From, wide)
		ref = binary.BigEndian.AppendUint16(ref, uint16(len(r.To)))
		for _, to := range r.To {
			ref = appendID(ref, to, wide)
		}
		body = appendBox(body, kind, ref)
	}
	return body
}

func appendID(b []byte, id uint32, wide bool) []byte {
	if wide {
		return binary.BigEndian.AppendUint32(b, id)
	}
	return binary.BigEndian.AppendUint16(b, uint16(id))
}

func appendBox(b []byte, kind string, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(8+len(body)))
	return append(append(b, kind...), body...)
}
