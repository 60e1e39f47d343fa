package goengine

import (
	"github.com/dd8bf596/cutline/internal/container"
)

// avifProperties is how many properties of a file are kept, for the reason that container.MaxItems has.
const avifProperties = 4_000

// A heifItem is one item of a HEIF file (ISO/IEC 23008-12).
type heifItem struct {
	kind     string
	location container.Location
	props    []property
	parts    []uint32 // of a derived item: the items it is made of
	aux      []uint32 // of an auxiliary item: those it belongs to
	prem     []uint32 // the alpha items that its colours are multiplied by
}

type property struct {
	container.Box
	essential bool
}

// property is the body of the item's first property of a kind, nil where it has none.
func (i *heifItem) property(kind string) []byte {
	for _, p := range i.props {
		if p.Kind == kind {
			return p.Body
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
	_, _, f := container.Full(body)
	parts := map[string][]byte{}
	err := container.EachBox(f.B, func(b container.Box) error {
		if _, twice := parts[b.Kind]; twice && b.Kind != "free" && b.Kind != "skip" && b.Kind != "uuid" {
			return corrupt("two boxes %q", b.Kind)
		}
		parts[b.Kind] = b.Body
		return nil
	})
	if err != nil {
		return nil, damaged(err)
	}
	version, _, f := container.Full(parts["pitm"])
	m.primary, m.idat = uint32(f.U(container.IDBytes(version > 0))), parts["idat"]
	if f.Short {
		return nil, corrupt("no primary item")
	}
	for _, part := range []struct {
		kind string
		read func([]byte) error
	}{{"iinf", m.readInfo}, {"iloc", m.readLocations}, {"iprp", m.readProperties}, {"iref", m.readReferences}} {
		if body, ok := parts[part.kind]; ok {
			if err := part.read(body); err != nil {
				return nil, damaged(err)
			}
		}
	}
	return m, nil
}

func (m *heifMeta) readInfo(body []byte) error {
	infos, err := container.ItemInfos(body)
	for _, i := range infos {
		if m.items[i.ID] != nil {
			return corrupt("item %d twice", i.ID)
		}
		m.items[i.ID] = &heifItem{kind: i.Kind}
	}
	return err
}

func (m *heifMeta) readLocations(body []byte) error {
	return container.Locations(body, func(l container.Location) error {
		if item := m.items[l.ID]; item != nil {
			item.location = l
		}
		return nil
	})
}

// readProperties reads an iprp box: properties, and which item has which.
func (m *heifMeta) readProperties(body []byte) error {
	var props []container.Box
	left := avifProperties
	return container.EachBox(body, func(b container.Box) error {
		switch b.Kind {
		case "ipco":
			return container.EachBox(b.Body, func(p container.Box) error {
				if len(props) >= avifProperties {
					return corrupt("more than %d properties", avifProperties)
				}
				props = append(props, p)
				return nil
			})
		case "ipma":
			return m.associate(b.Body, props, &left)
		}
		return nil
	})
}

// associate reads an ipma box. An index of 0 is none.
func (m *heifMeta) associate(body []byte, props []container.Box, left *int) error {
	version, flags, f := container.Full(body)
	wide := flags & 1
	for range f.U(4) {
		item := m.items[uint32(f.U(container.IDBytes(version > 0)))]
		for range f.U(1) {
			v := f.U(int(1 + wide))
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
		if f.Short {
			return corrupt("ipma box ends early")
		}
	}
	return nil
}

// readReferences reads an iref box.
func (m *heifMeta) readReferences(body []byte) error {
	_, err := container.References(body, func(r container.Reference) error {
		item := m.items[r.From]
		if item == nil {
			return nil
		}
		switch r.Box.Kind {
		case "dimg":
			item.parts = r.To
		case "auxl":
			item.aux = r.To
		case "prem":
			item.prem = r.To
		}
		return nil
	})
	return err
}

// data is what an item holds.
func (m *heifMeta) data(src []byte, item *heifItem) ([]byte, error) {
	b, err := item.location.Data(src, m.idat)
	return b, damaged(err)
}
