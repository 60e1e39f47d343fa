package frontmatter

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// yaml reads a block into nodes, because yaml.v3 refuses a whole post with a duplicate key when it decodes into a map, and
// nodes keep their lines. yaml.v3 bounds nesting at 10,000 levels and is linear in the block's length: the worst MiB found
// takes 0.4 s.
func (p *parser) yaml(text []byte, tabs bool) (root *Node, err error) {
	if !utf8.Valid(text) {
		return nil, p.errorf(p.line+invalidLine(text), "not UTF-8: save the file as UTF-8")
	}
	if tabs {
		text = untab(text)
	}
	if p.scalars == nil { // yaml.v3 alone tells where things stand
		if root, ok := p.plainYAML(text); ok {
			return root, nil
		}
	}
	// yaml.v3 has panicked on hostile input before (CVE-2022-28948); one post must not end a scan.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, p.errorf(p.line, "the YAML reader failed: %v", r)
		}
	}()
	p.last = p.line + bytes.Count(text, []byte("\n"))
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, p.yamlError(text, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return &Node{}, nil
	}
	c := yamlConverter{p: p}
	return c.node(doc.Content[0], 0)
}

// at is the file's line for a line that yaml.v3 counts from 1. It takes a lone carriage return and U+0085 for line breaks;
// editors do not, so the line stays within the block.
func (p *parser) at(line int) int { return min(p.line+line-1, p.last) }

func invalidLine(text []byte) int {
	line := 0
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			return line
		}
		if r == '\n' {
			line++
		}
		text = text[n:]
	}
	return line
}

// untab writes two blanks for every tab that indents a line, as Hexo's own reader does.
func untab(text []byte) []byte {
	if !bytes.Contains(text, []byte("\t")) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	indent := true
	for _, c := range text {
		switch {
		case c == '\t' && indent:
			out = append(out, ' ', ' ')
			continue
		case c == '\n':
			indent = true
		case c != ' ':
			indent = false
		}
		out = append(out, c)
	}
	return out
}

// maxExpanded bounds the pairs that merge keys may copy in one block: eight maps that merge each other eight times over
// would otherwise grow without end.
const maxExpanded = 10_000

// A yamlConverter turns yaml.v3's nodes into ours. An alias becomes the node that its anchor became, so that a tree of
// aliases costs no more than what is written.
type yamlConverter struct {
	p    *parser
	done map[*yaml.Node]*Node // anchored nodes; nil while one is being converted
}

func (c *yamlConverter) node(y *yaml.Node, depth int) (*Node, error) {
	if y.Kind == yaml.AliasNode {
		return c.anchored(y.Alias, depth)
	}
	if y.Anchor != "" {
		return c.anchored(y, depth)
	}
	return c.fresh(y, depth)
}

// anchored converts what an anchor names once, at the depth at which it is written. A node that contains itself is Null
// inside. Nodes that are shared may make the tree deeper than maxDepth; copies that do not would make it exponential.
func (c *yamlConverter) anchored(y *yaml.Node, depth int) (*Node, error) {
	if n, ok := c.done[y]; ok {
		if n == nil {
			return &Node{Line: c.p.at(y.Line)}, nil
		}
		return n, nil
	}
	if c.done == nil {
		c.done = map[*yaml.Node]*Node{}
	}
	c.done[y] = nil
	n, err := c.fresh(y, depth)
	c.done[y] = n
	return n, err
}

func (c *yamlConverter) fresh(y *yaml.Node, depth int) (*Node, error) {
	n := &Node{Line: c.p.at(y.Line)}
	if depth > maxDepth {
		return n, nil
	}
	switch y.Kind {
	case yaml.ScalarNode:
		n.Kind, n.Text = yamlKind(y), y.Value
		if c.p.scalars != nil {
			c.p.scalars[n] = y
		}
	case yaml.SequenceNode:
		n.Kind = List
		n.List = make([]*Node, 0, len(y.Content))
		for _, child := range y.Content {
			v, err := c.node(child, depth+1)
			if err != nil {
				return nil, err
			}
			n.List = append(n.List, v)
		}
	case yaml.MappingNode:
		n.Kind = Map
		return n, c.mapping(n, y, depth)
	}
	return n, nil
}

// yamlKind reads a scalar's kind off its resolved tag. A tag of the author's own ("!ruby/object") says nothing to us: the
// scalar is text.
func yamlKind(y *yaml.Node) Kind {
	switch y.Tag {
	case "!!null":
		return Null
	case "!!bool":
		return Bool
	case "!!int", "!!float", "!!timestamp":
		return Number
	}
	return String
}

// mapping reads the pairs, then what its merge keys add (https://yaml.org/type/merge.html): keys that are written out win
// over merged ones, and earlier maps over later ones. Keys that are no scalars are left out: nothing is named by them.
func (c *yamlConverter) mapping(n *Node, y *yaml.Node, depth int) error {
	m := mapping{p: c.p, node: n}
	n.Pairs = make([]Pair, 0, len(y.Content)/2)
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		value, err := c.node(y.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		line := c.p.at(key.Line)
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
		case key.Tag == "!!merge":
			merged = append(merged, value)
		default:
			m.set(Pair{Key: key.Value, Line: line, Value: value})
		}
	}
	for _, from := range merged {
		if err := m.merge(from); err != nil {
			return err
		}
	}
	return nil
}

func (m *mapping) merge(from *Node) error {
	switch from.Kind {
	case List:
		for _, each := range from.List {
			if each.Kind != Map {
				continue
			}
			if err := m.merge(each); err != nil {
				return err
			}
		}
	case Map:
		for _, pair := range from.Pairs {
			if m.p.expanded++; m.p.expanded > maxExpanded {
				return m.p.errorf(from.Line, "merge keys (<<) copy more than %d values", maxExpanded)
			}
			if m.find(pair.Key) < 0 {
				m.add(pair)
			}
		}
	}
	return nil
}

// String names a kind in messages.
func (k Kind) String() string {
	names := [...]string{Null: "null", Bool: "boolean", Number: "number", String: "text", List: "list", Map: "map"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", k)
}
