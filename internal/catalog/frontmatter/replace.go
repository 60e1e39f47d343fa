package frontmatter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// ErrLeft says that a value was not replaced, with the reason.
var ErrLeft = errors.New("left as it is")

func left(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLeft, fmt.Sprintf(format, args...))
}

// A place is where the text of a node stands: block.text[start:end], quotes included. spellings are the ways to write a value
// there, the one that looks most like what stands there first.
type place struct {
	start, end int
	spellings  []func(value string) string
	keep       bool // blanks around the value are not part of the place (a block scalar's)
}

// Replace returns file, a whole post, with the text that stands at one node replaced by value. Not a byte outside that text is
// touched: comments, quotes, order, line ends, byte order marks and the post's body stay. Quotes are added where value needs
// them, and kept where they are.
//
// find chooses the node in what file holds; it may return nil. Of a node that has an anchor, all aliases change with it, as
// they stand for it.
//
// The result is read again, and returned only when it gives the very same document but for that text. Otherwise, and wherever
// the place cannot be told for sure, the error is ErrLeft with the reason, or one of Read's.
func (r *Reader) Replace(file []byte, find func(*Document) *Node, value string) ([]byte, error) {
	if strings.ContainsFunc(value, unicode.IsControl) || strings.TrimSpace(value) != value || value == "" {
		return nil, left("the new value is not one line of text")
	}
	before, err := r.placed(file)
	if err != nil {
		return nil, err
	}
	target := find(before.doc)
	if target == nil || target.Kind != String {
		return nil, left("the value is no text of its own")
	}
	at, err := before.place(target)
	if err != nil {
		return nil, err
	}
	want := value
	if at.keep {
		want = strings.Replace(target.Text, strings.TrimSpace(target.Text), value, 1)
	}
	for _, spell := range at.spellings {
		text := spell(value)
		start, end := before.block.at+at.start, before.block.at+at.end
		edited := make([]byte, 0, len(file)+len(text))
		edited = append(append(append(edited, file[:start]...), text...), file[end:]...)
		after, err := r.placed(edited)
		if err != nil || after.block.at != before.block.at || len(after.block.text) != len(before.block.text)+len(text)-(end-start) {
			continue
		}
		if sameDocument(before.doc, after.doc, target, want) {
			return edited, nil
		}
	}
	return nil, left("it cannot be written there without changing something else")
}

// A placedDocument is a document that knows where its texts stand.
type placedDocument struct {
	doc    *Document
	block  block
	parser *parser
}

// placed reads file, and notes where texts stand.
func (r *Reader) placed(file []byte) (*placedDocument, error) {
	if bytes.HasPrefix(file, utf16LEBOM) || bytes.HasPrefix(file, utf16BEBOM) {
		return nil, left("the file is UTF-16: save it as UTF-8")
	}
	s := splitter{src: bytes.NewReader(file), leadingBlanks: r.LeadingBlanks, unfenced: r.Unfenced}
	b, err := s.split()
	if err != nil {
		return nil, err
	}
	if b.syntax == yamlBlock && r.Unfenced && !bytes.Equal(untab(b.text), b.text) {
		return nil, left("the front matter is indented with tabs: use blanks")
	}
	p := &parser{line: b.line, places: map[*Node]place{}, scalars: scalars{}}
	root, err := r.parse(p, b)
	if err != nil {
		return nil, err
	}
	if root.Kind != Map {
		return nil, ErrNone
	}
	return &placedDocument{doc: &Document{Root: root, Line: b.open, Duplicates: p.duplicates}, block: b, parser: p}, nil
}

// place is where n stands.
func (d *placedDocument) place(n *Node) (place, error) {
	if y := d.parser.scalars[n]; y != nil {
		return yamlPlace(d.block.text, y)
	}
	if at, ok := d.parser.places[n]; ok {
		return at, nil
	}
	return place{}, left("it cannot be told where the value stands")
}

// sameDocument reports whether b is a but for target, whose text is want in b.
func sameDocument(a, b *Document, target *Node, want string) bool {
	if len(a.Duplicates) != len(b.Duplicates) {
		return false
	}
	for i := range a.Duplicates {
		if a.Duplicates[i].Key != b.Duplicates[i].Key {
			return false
		}
	}
	c := comparison{target: target, want: want, seen: map[[2]*Node]bool{}}
	return c.same(a.Root, b.Root)
}

// A comparison remembers pairs that it has compared: aliases can make a small block a large tree.
type comparison struct {
	target *Node
	want   string
	seen   map[[2]*Node]bool
}

func (c *comparison) same(a, b *Node) bool {
	pair := [2]*Node{a, b}
	if c.seen[pair] {
		return true // or the whole is no longer
	}
	c.seen[pair] = true
	text := a.Text
	if a == c.target {
		text = c.want
	}
	if a.Kind != b.Kind || text != b.Text || len(a.Pairs) != len(b.Pairs) || len(a.List) != len(b.List) {
		return false
	}
	for i := range a.Pairs {
		if a.Pairs[i].Key != b.Pairs[i].Key || !c.same(a.Pairs[i].Value, b.Pairs[i].Value) {
			return false
		}
	}
	for i := range a.List {
		if !c.same(a.List[i], b.List[i]) {
			return false
		}
	}
	return true
}

// The ways to write a value, whether or not it can be written so: what comes of it is read again.

func plain(value string) string { return value }

// between writes value between marks without escapes: TOML's literal strings.
func between(mark string) func(string) string {
	return func(value string) string { return mark + value + mark }
}

// single is YAML's single-quoted scalar (YAML 1.2.2 §7.3.2).
func single(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// escaped writes value between marks of double quotes as YAML, TOML and JSON all read it.
func escaped(mark string) func(string) string {
	escapes := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	return func(value string) string { return mark + escapes.Replace(value) + mark }
}
