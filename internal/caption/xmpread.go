package caption

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of what is read of a packet. Those of editors have a hundred properties, histories of thousands of elements beside
// them, and nest six deep.
const (
	maxPacket = 1 << 20 // bytes; an original may have as much metadata at most
	maxNodes  = 2_000   // elements and attributes of the properties that are read
	maxDepth  = 32
)

// A node is an element within a property that is read.
type node struct {
	name  xml.Name
	attrs []xml.Attr
	text  strings.Builder
	kids  []*node
}

// readXMP reads the words in a packet of XMP. What was read before the packet turned out to be broken is returned beside the
// error.
func readXMP(packet []byte) (Words, error) {
	r := xmpReader{}
	// Some programs pad the packet with zeros to a length that was reserved.
	packet = bytes.TrimRight(packet[:min(len(packet), maxPacket)], "\x00")
	r.Decoder = xml.NewDecoder(bytes.NewReader(packet))
	r.Entity = xml.HTMLEntity // which are none of XML's, and stand in packets of programs that took text from the web
	err := r.read()
	if r.words.Credit == "" { // Creative Commons' own tools write no other
		r.words.Credit = r.attribution
	}
	return r.words, err
}

// An xmpReader reads a packet in one pass. Only the properties of table are kept, one at a time.
type xmpReader struct {
	*xml.Decoder
	words       Words
	attribution string // cc:attributionName
	licensed    bool   // words.License is a URL
	nodes       int
}

// read finds the descriptions in a packet (rdf:Description within rdf:RDF).
func (r *xmpReader) read() error {
	for {
		t, err := r.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read XMP: %w: %w", ErrCorrupt, err)
		}
		if e, ok := t.(xml.StartElement); ok && e.Name == (xml.Name{Space: nsRDF, Local: "Description"}) {
			if err := r.description(e); err != nil {
				return err
			}
		}
	}
}

// description reads the properties of one resource: its attributes and its elements.
func (r *xmpReader) description(e xml.StartElement) error {
	for _, a := range e.Attr {
		if !takes(a.Name) {
			continue
		}
		if r.nodes++; r.nodes > maxNodes {
			return tooMuch()
		}
		n := &node{name: a.Name}
		n.text.WriteString(a.Value)
		r.take(n)
	}
	for {
		t, err := r.Token()
		if err != nil {
			return fmt.Errorf("read XMP: %w: %w", ErrCorrupt, err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if !takes(t.Name) {
				if err := r.Skip(); err != nil {
					return fmt.Errorf("read XMP: %w: %w", ErrCorrupt, err)
				}
				continue
			}
			n, err := r.node(t, 0)
			if err != nil {
				return err
			}
			r.take(n)
		}
	}
}

// node reads an element with all that is in it.
func (r *xmpReader) node(e xml.StartElement, depth int) (*node, error) {
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return nil, tooMuch()
	}
	n := &node{name: e.Name, attrs: e.Attr}
	for {
		t, err := r.Token()
		if err != nil {
			return nil, fmt.Errorf("read XMP: %w: %w", ErrCorrupt, err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			return n, nil
		case xml.CharData:
			n.text.Write(t)
		case xml.StartElement:
			kid, err := r.node(t, depth+1)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, kid)
		}
	}
}

func tooMuch() error {
	return fmt.Errorf("read XMP: %w: more than %d elements, or more than %d deep", ErrCorrupt, maxNodes, maxDepth)
}

// takes reports whether a property is read.
func takes(name xml.Name) bool {
	var r xmpReader
	return r.field(name) != nil
}

// field is where a property's value goes, nil for one that is not read.
func (r *xmpReader) field(name xml.Name) *string {
	w := &r.words
	switch name {
	case xml.Name{Space: nsDC, Local: "description"}:
		return &w.Cutline
	case xml.Name{Space: nsDC, Local: "creator"}:
		return &w.Creator
	case xml.Name{Space: nsDC, Local: "rights"}:
		return &w.Copyright
	case xml.Name{Space: nsPhotoshop, Local: "Credit"}:
		return &w.Credit
	case xml.Name{Space: nsIPTCCore, Local: "AltTextAccessibility"}:
		return &w.Alt
	case xml.Name{Space: nsIPTCExt, Local: "DigitalSourceType"}:
		return &w.SourceType
	case xml.Name{Space: nsRights, Local: "WebStatement"}, xml.Name{Space: nsCC, Local: "license"}, xml.Name{Space: nsRights, Local: "UsageTerms"}:
		return &w.License
	case xml.Name{Space: nsCC, Local: "attributionName"}:
		return &r.attribution
	case xml.Name{Space: nsCC, Local: "attributionURL"}:
		return &w.CreditURL
	case xml.Name{Space: nsPLUS, Local: "Licensor"}:
		return &w.Licensor
	}
	return nil
}

// take keeps a property's value, the first of each. Of what says the licence, a URL is better than a name, which is better
// than what the reader of a page cannot follow.
func (r *xmpReader) take(n *node) {
	w := &r.words
	switch to := r.field(n.name); {
	case to == &w.Licensor:
		if w.Licensor == "" && w.LicensorURL == "" {
			w.Licensor, w.LicensorURL = n.licensor()
		}
	case to == &w.License:
		if r.licensed {
			return
		}
		value := n.value()
		if r.licensed = WebURL(value) != ""; *to == "" || r.licensed {
			*to = value
		}
	case *to == "":
		*to = n.value()
	}
}

// value is a property's as text, whichever way it is written: as an attribute or an element, as a URL in rdf:resource, as an
// array, of whose items all count, or as a language alternative, of which the default counts, else the first.
func (n *node) value() string {
	for _, a := range n.attrs {
		if a.Name == (xml.Name{Space: nsRDF, Local: "resource"}) {
			return cleaned(a.Value)
		}
	}
	var items []string
	length := 0
	for _, list := range n.kids {
		if list.name == (xml.Name{Space: nsRDF, Local: "value"}) { // a value with qualifiers
			return list.value()
		}
		for _, item := range list.kids {
			value := item.value()
			if list.name.Local == "Alt" && item.language() == "x-default" && value != "" {
				return value
			}
			if value != "" && length < maxFoundWord {
				items = append(items, value)
				length += len(value)
			}
		}
		if list.name.Local == "Alt" && len(items) > 0 {
			return items[0]
		}
	}
	if len(items) > 0 {
		return strings.Join(items, ", ")
	}
	return cleaned(n.text.String())
}

// cleaned is Clean of a text that may be as long as the packet.
func cleaned(text string) string { return Clean(text[:min(len(text), maxValue)]) }

func (n *node) language() string {
	for _, a := range n.attrs {
		if a.Name == (xml.Name{Space: nsXML, Local: "lang"}) {
			return strings.ToLower(a.Value)
		}
	}
	return ""
}

// licensor reads the first licensor of an array: a structure, whose fields may be attributes or elements, with a description
// around them or without one.
func (n *node) licensor() (name, target string) {
	for _, a := range n.attrs {
		switch a.Name {
		case xml.Name{Space: nsPLUS, Local: "LicensorName"}:
			name = cleaned(a.Value)
		case xml.Name{Space: nsPLUS, Local: "LicensorURL"}:
			target = cleaned(a.Value)
		}
	}
	for _, kid := range n.kids {
		switch kid.name {
		case xml.Name{Space: nsPLUS, Local: "LicensorName"}:
			name = kid.value()
		case xml.Name{Space: nsPLUS, Local: "LicensorURL"}:
			target = kid.value()
		default:
			if name == "" && target == "" {
				name, target = kid.licensor()
			}
		}
	}
	return name, target
}
