package frontmatter

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// toml reads a block through go-toml's syntax tree: its decoder gives positions for errors only. The tree does not check
// what is defined twice: a key is listed as a duplicate and the last one wins, as in YAML; a table goes on where it was left,
// without a word, and then its keys may be duplicates. The tree's own bound of 10,000 nested values keeps the stack small.
func (p *parser) toml(text []byte) (root *Node, err error) {
	if !utf8.Valid(text) {
		return nil, p.errorf(p.line+invalidLine(text), "not UTF-8: save the file as UTF-8")
	}
	// The tree's package is marked unstable: a panic there must not end a scan.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, p.errorf(p.line, "the TOML reader failed: %v", r)
		}
	}()
	t := tomlBuilder{p: p, text: text, line: p.line, maps: map[*Node]*mapping{}}
	root = &Node{Kind: Map, Line: p.line}
	table := root
	var tree unstable.Parser
	tree.Reset(text)
	for tree.NextExpression() {
		switch e := tree.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, err = t.table(root, e)
		case unstable.KeyValue:
			err = t.keyValue(table, e, 0)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := tree.Error(); err != nil {
		line := t.line
		if pe, ok := errors.AsType[*unstable.ParserError](err); ok && len(pe.Highlight) > 0 {
			line = t.lineOf(tree.Range(pe.Highlight).Offset)
		}
		return nil, p.errorf(line, "%s", err.Error())
	}
	return root, nil
}

// A tomlBuilder grows the tree. Expressions come in the file's order, so lines are counted onward from the last one.
type tomlBuilder struct {
	p    *parser
	text []byte
	maps map[*Node]*mapping

	offset uint32 // up to where lines are counted
	line   int    // the file's line at offset
}

func (t *tomlBuilder) lineOf(offset uint32) int {
	if int(offset) > len(t.text) {
		return t.line
	}
	if offset < t.offset {
		return t.line - bytes.Count(t.text[offset:t.offset], []byte("\n"))
	}
	t.line += bytes.Count(t.text[t.offset:offset], []byte("\n"))
	t.offset = offset
	return t.line
}

func (t *tomlBuilder) mapping(n *Node) *mapping {
	m := t.maps[n]
	if m == nil {
		m = &mapping{p: t.p, node: n}
		t.maps[n] = m
	}
	return m
}

// enter returns the table that key names inside n, making it where it is missing; of an array of tables the last.
func (t *tomlBuilder) enter(n *Node, key string, line int) (*Node, error) {
	m := t.mapping(n)
	i := m.find(key)
	if i < 0 {
		next := &Node{Kind: Map, Line: line}
		m.add(Pair{Key: key, Line: line, Value: next})
		return next, nil
	}
	next := n.Pairs[i].Value
	if next.Kind == List && len(next.List) > 0 {
		next = next.List[len(next.List)-1]
	}
	if next.Kind != Map {
		return nil, t.p.errorf(line, "%q is a %v on line %d and a table here", key, next.Kind, next.Line)
	}
	return next, nil
}

func (t *tomlBuilder) table(root *Node, e *unstable.Node) (*Node, error) {
	n, depth := root, 0
	for it := e.Key(); it.Next(); depth++ {
		key, line := string(it.Node().Data), t.lineOf(it.Node().Raw.Offset)
		if depth > maxDepth {
			return nil, t.p.errorf(line, "a table more than %d levels deep", maxDepth)
		}
		if it.IsLast() && e.Kind == unstable.ArrayTable {
			m := t.mapping(n)
			next := &Node{Kind: Map, Line: line}
			if i := m.find(key); i >= 0 && n.Pairs[i].Value.Kind == List {
				list := n.Pairs[i].Value
				list.List = append(list.List, next)
			} else {
				m.set(Pair{Key: key, Line: line, Value: &Node{Kind: List, Line: line, List: []*Node{next}}})
			}
			return next, nil
		}
		var err error
		if n, err = t.enter(n, key, line); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (t *tomlBuilder) keyValue(n *Node, e *unstable.Node, depth int) error {
	for it := e.Key(); it.Next(); depth++ {
		key, line := string(it.Node().Data), t.lineOf(it.Node().Raw.Offset)
		if depth > maxDepth {
			return nil
		}
		if it.IsLast() {
			value, err := t.value(e.Value(), line, depth+1)
			if err != nil {
				return err
			}
			t.mapping(n).set(Pair{Key: key, Line: line, Value: value})
			return nil
		}
		var err error
		if n, err = t.enter(n, key, line); err != nil {
			return err
		}
	}
	return nil
}

// value reads what stands right of "="; line is its key's, for values that the tree gives no place.
// note keeps where a string stands, for Replace.
func (t *tomlBuilder) note(n *Node, raw unstable.Range) {
	start, end := int(raw.Offset), int(raw.Offset+raw.Length)
	if t.p.places == nil || raw.Length < 2 || end > len(t.text) {
		return
	}
	at := place{start: start, end: end}
	text := t.text[start:end]
	switch {
	case bytes.HasPrefix(text, []byte(`"""`)):
		at.spellings = []func(string) string{escaped(`"""`)}
	case text[0] == '"':
		at.spellings = []func(string) string{escaped(`"`)}
	case bytes.HasPrefix(text, []byte(`'''`)):
		at.spellings = []func(string) string{between(`'''`), escaped(`"`)}
	case text[0] == '\'':
		at.spellings = []func(string) string{between(`'`), escaped(`"`)}
	default:
		return
	}
	t.p.places[n] = at
}

func (t *tomlBuilder) value(v *unstable.Node, line, depth int) (*Node, error) {
	if v.Raw.Length > 0 {
		line = t.lineOf(v.Raw.Offset)
	}
	n := &Node{Line: line}
	if depth > maxDepth {
		return n, nil
	}
	switch v.Kind {
	case unstable.String:
		n.Kind, n.Text = String, string(v.Data)
		t.note(n, v.Raw)
	case unstable.Bool:
		n.Kind, n.Text = Bool, string(v.Data)
	case unstable.Array:
		n.Kind = List
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			each, err := t.value(it.Node(), line, depth+1)
			if err != nil {
				return nil, err
			}
			n.List = append(n.List, each)
		}
	case unstable.InlineTable:
		n.Kind = Map
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.KeyValue {
				continue
			}
			if err := t.keyValue(n, it.Node(), depth); err != nil {
				return nil, err
			}
		}
	default: // integers, floats, dates and times
		n.Kind, n.Text = Number, string(v.Data)
	}
	return n, nil
}
