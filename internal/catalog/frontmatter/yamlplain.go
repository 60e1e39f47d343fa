package frontmatter

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// plainYAML reads the YAML that most posts are written in, without yaml.v3, which takes half of a scan's time: block maps
// of simple keys, with scalars on one line, lists of them, and comments on lines of their own. For anything else, and for
// anything doubtful, ok is false and yaml.v3 decides. What it does read it reads as yaml.v3 would, lines included: a fuzz
// test compares the two.
//
//	key: plain words
//	key: "quoted, without a backslash"
//	key: 'quoted, without a quote'
//	key: [one, two]
//	key:
//	  key: plain words
//	key:
//	- plain words
func (p *parser) plainYAML(text []byte) (root *Node, ok bool) {
	if !plainCharacters(text) {
		return nil, false
	}
	r := plainReader{p: p, rest: text, number: p.line - 1}
	if r.next(); !r.more || r.indent != 0 {
		return nil, false
	}
	root, ok = r.mapping(0, 0)
	return root, ok && !r.more
}

// plainCharacters reports whether text has none of the characters that YAML forbids, takes for line breaks, or treats apart:
// controls, tabs, NEL (U+0085), the separators U+2028 and U+2029, byte order marks. text is UTF-8.
func plainCharacters(text []byte) bool {
	for i, c := range text {
		switch {
		case c >= ' ' && c < 0x7f || c == '\n':
		case c == '\r':
			if i+1 == len(text) || text[i+1] != '\n' {
				return false
			}
		case c < 0x80:
			return false
		case c == 0xc2 && text[i+1] < 0xa0,
			c == 0xe2 && text[i+1] == 0x80 && text[i+2]&^1 == 0xa8,
			c == 0xef && (text[i+1] == 0xbb && text[i+2] == 0xbf || text[i+1] == 0xbf && text[i+2] >= 0xbe):
			return false
		}
	}
	return true
}

// A plainReader goes through a block by lines that say something: blank lines and comments are passed over.
type plainReader struct {
	p      *parser
	rest   []byte
	slab   []Node // nodes are handed out of one allocation
	line   []byte // without indentation and trailing blanks; valid while more
	indent int
	number int // of line, in the file
	more   bool
}

func (r *plainReader) next() {
	for len(r.rest) > 0 {
		line := r.rest
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, r.rest = line[:i], r.rest[i+1:]
		} else {
			r.rest = nil
		}
		r.number++
		line = bytes.TrimRight(line, " \r")
		r.line = bytes.TrimLeft(line, " ")
		r.indent = len(line) - len(r.line)
		if len(r.line) > 0 && r.line[0] != '#' {
			r.more = true
			return
		}
	}
	r.more = false
}

func (r *plainReader) node(kind Kind, line int) *Node {
	if len(r.slab) == 0 {
		r.slab = make([]Node, 16)
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	n.Kind, n.Line = kind, line
	return n
}

// mapping reads the keys that stand at indent. It leaves r at the first line that stands further left.
func (r *plainReader) mapping(indent, depth int) (*Node, bool) {
	n := r.node(Map, r.number)
	if depth == 0 {
		n.Pairs = make([]Pair, 0, 16)
	}
	m := mapping{p: r.p, node: n}
	for r.more && r.indent == indent {
		key, value, ok := splitKey(r.line)
		if !ok || depth > 8 {
			return nil, false
		}
		pair := Pair{Key: string(key), Line: r.number}
		if m.find(pair.Key) >= 0 {
			return nil, false
		}
		if len(value) > 0 {
			pair.Value, ok = r.value(value)
			r.next()
		} else {
			pair.Value, ok = r.block(indent, depth)
		}
		if !ok {
			return nil, false
		}
		m.add(pair)
	}
	// What stands further right continues a scalar over lines, or is a mistake.
	return n, !r.more || r.indent < indent
}

// block reads what stands below "key:" with nothing behind it.
func (r *plainReader) block(indent, depth int) (*Node, bool) {
	at := r.number
	r.next()
	switch {
	case r.more && r.line[0] == '-' && r.indent >= indent:
		return r.list(r.indent)
	case r.more && r.indent > indent:
		return r.mapping(r.indent, depth+1)
	}
	return r.node(Null, at), true
}

func (r *plainReader) list(indent int) (*Node, bool) {
	n := r.node(List, r.number)
	for r.more && r.indent == indent && r.line[0] == '-' {
		if len(r.line) < 3 || r.line[1] != ' ' {
			return nil, false
		}
		each, ok := r.value(bytes.TrimLeft(r.line[1:], " "))
		if !ok || each.Kind == List {
			return nil, false
		}
		n.List = append(n.List, each)
		r.next()
	}
	return n, !r.more || r.indent <= indent
}

// splitKey splits "key: value" and "key:". Keys are letters, digits, "_" and "-", and begin with a letter.
func splitKey(line []byte) (key, value []byte, ok bool) {
	for i, c := range line {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', i > 0 && (c == '-' || c == '_' || c >= '0' && c <= '9'):
		case c == ':' && i > 0 && i < 100 && i+1 == len(line):
			return line[:i], nil, true
		case c == ':' && i > 0 && i < 100 && line[i+1] == ' ':
			return line[:i], bytes.TrimLeft(line[i+1:], " "), true
		default:
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// value reads a scalar, or a list in brackets, that ends with its line.
func (r *plainReader) value(text []byte) (*Node, bool) {
	switch c := text[0]; c {
	case '"', '\'':
		if len(text) < 2 || text[len(text)-1] != c {
			return nil, false
		}
		inner := text[1 : len(text)-1]
		if bytes.IndexByte(inner, c) >= 0 || c == '"' && bytes.IndexByte(inner, '\\') >= 0 {
			return nil, false
		}
		n := r.node(String, r.number)
		n.Text = string(inner)
		return n, true
	case '[':
		return r.brackets(text)
	}
	if !startsPlain(text[0]) || text[len(text)-1] == ':' || bytes.Contains(text, []byte(": ")) || bytes.Contains(text, []byte(" #")) {
		return nil, false
	}
	return r.plain(text), true
}

// plain makes a node of a bare scalar. Whether it is text, a number or null is yaml.v3's decision.
func (r *plainReader) plain(text []byte) *Node {
	n := r.node(String, r.number)
	n.Text = string(text)
	scalar := yaml.Node{Kind: yaml.ScalarNode, Value: n.Text}
	scalar.Tag = scalar.ShortTag()
	n.Kind = yamlKind(&scalar)
	return n
}

// brackets reads a list of bare scalars. Inside brackets many more characters have a meaning.
func (r *plainReader) brackets(text []byte) (*Node, bool) {
	if text[len(text)-1] != ']' {
		return nil, false
	}
	inner := text[1 : len(text)-1]
	n := r.node(List, r.number)
	for _, c := range inner {
		if !startsPlain(c) && strings.IndexByte(" ,-+)", c) < 0 {
			return nil, false
		}
	}
	n.List = []*Node{}
	if len(bytes.TrimLeft(inner, " ")) == 0 {
		return n, true
	}
	for each := range bytes.SplitSeq(inner, []byte(",")) {
		each = bytes.Trim(each, " ")
		if len(each) == 0 || !startsPlain(each[0]) {
			return nil, false
		}
		n.List = append(n.List, r.plain(each))
	}
	return n, true
}

// startsPlain reports whether c may begin a bare scalar: it is none of YAML's indicators (YAML 1.2 §5.3), nor one of the
// characters that begin a merge key, a null or an ordinary value's look-alike.
func startsPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80 || c == '/' || c == '(' || c == '.' || c == '_' || c == '$'
}
