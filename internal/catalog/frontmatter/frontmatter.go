// Package frontmatter reads the block of metadata at the head of a post into one kind of tree, whatever its syntax: YAML
// between ---, TOML between +++, JSON in braces or after ---json.
//
// It keeps the line of every key and value, because every finding about a post names one. It knows nothing of images,
// sites or words: which keys matter is catalog's business. It never reads the body of a post.
package frontmatter

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNone says that a file has no front matter. That is no mistake: such a file is not a post.
var ErrNone = errors.New("no front matter")

// maxBytes bounds the front matter of one post, fences excluded. The longest of 19,833 real blocks has 140 kB.
const maxBytes = 1 << 20

// maxValues bounds the values of one block. Without it a MiB of "b,b,b," costs 212 MB in yaml.v3, and 91 MB in TOML; at the
// bound it is 28 MB and 13 MB (all measured). Real blocks have some dozens, and a few thousand where they hold a table.
const maxValues = 50_000

// heavyBytes is the length of a block beyond which Reader.Heavy is asked. Real blocks that reach it hold whole tables.
const heavyBytes = 64 << 10

// maxDepth bounds what is written: a value nested deeper reads as Null, a TOML table deeper is an error. No convention for
// images stands deeper than five. It does not bound the tree of YAML with aliases: each anchor may stand as deep as this
// and hold aliases of others that do, so whoever walks a tree bounds the walk.
const maxDepth = 64

// A SyntaxError says why front matter cannot be read.
type SyntaxError struct {
	Line    int // in the file, from 1
	Message string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// A Document is the front matter of one post.
type Document struct {
	Root       *Node       // a Map, perhaps empty
	Line       int         // of the opening fence, or of the first key where there is none
	Duplicates []Duplicate // keys written twice in one map; the last one stands in Root
}

// A Duplicate is a key that one map has more than once.
type Duplicate struct {
	Key         string
	First, Last int // lines in the file; Last is the one that counts
}

// maxDuplicates bounds the list of one Document: a broken generator can repeat a key a hundred thousand times.
const maxDuplicates = 20

// Kind is what a Node is.
type Kind uint8

// The kinds. Number covers everything that is written bare and is neither text, boolean nor null: dates too.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

// A Node is a value. The zero Node is Null. Nodes may be shared (YAML's aliases), so the tree is a graph without cycles;
// nobody may modify it.
type Node struct {
	Kind  Kind
	Line  int     // in the file, from 1; of an alias, the line of what it stands for
	Text  string  // of Bool, Number and String: decoded, not trimmed
	Pairs []Pair  // of Map, in the file's order, each key once
	List  []*Node // of List
}

// A Pair is one key of a Map.
type Pair struct {
	Key   string
	Line  int
	Value *Node // never nil
}

// Get returns the value of key, or nil. It may be called on nil and on any Kind.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key == key {
			return n.Pairs[i].Value
		}
	}
	return nil
}

// A Reader reads front matter. The zero Reader follows the rules that all generators share. It keeps its buffer between
// files, so one Reader serves one goroutine.
type Reader struct {
	// LeadingBlanks accepts blanks and empty lines before the opening fence, as Hugo and Zola do. To Jekyll such a file has
	// no front matter.
	LeadingBlanks bool
	// Unfenced accepts keys that begin the file without an opening fence and end at "---", and tabs as indentation, as
	// Hexo does.
	Unfenced bool
	// Heavy is called before a block longer than 64 KiB is parsed, and what it returns thereafter: parsing 1 MiB takes up to
	// 0.4 s and 30 MB, so that programs with many Readers may let some wait. nil lets all go on.
	Heavy func() (done func())

	buf []byte
}

// keepBuffer is the largest buffer that a Reader keeps: one long post must not cost memory for the rest of the scan.
const keepBuffer = 64 << 10

// Read reads the front matter that begins src and not much more of it. It returns ErrNone where there is none, a
// *SyntaxError where it cannot be read, and src's own error.
//
// Keys written twice are accepted and listed: Ruby, Python and JavaScript let the last one win, and a migration script can
// leave such a pair in every post of a site.
func (r *Reader) Read(src io.Reader) (doc *Document, err error) {
	s := splitter{src: src, buf: r.buf[:0], leadingBlanks: r.LeadingBlanks, unfenced: r.Unfenced}
	defer func() {
		if cap(s.buf) <= keepBuffer {
			r.buf = s.buf
		}
	}()
	b, err := s.split()
	if err != nil {
		return nil, err
	}
	p := &parser{line: b.line}
	root, err := r.parse(p, b)
	if err != nil {
		if b.guess {
			return nil, ErrNone
		}
		return nil, err
	}
	if root.Kind == Null {
		root = &Node{Kind: Map, Line: b.line}
	}
	if root.Kind != Map {
		if b.guess {
			return nil, ErrNone
		}
		return nil, &SyntaxError{Line: b.line, Message: "expected lines of the form key: value"}
	}
	return &Document{Root: root, Line: b.open, Duplicates: p.duplicates}, nil
}

// parse reads a block by its syntax. Lists and maps are told by their marks before anything is built of them.
func (r *Reader) parse(p *parser, b block) (*Node, error) {
	if len(b.text) > maxValues && marks(b.text, b.syntax) > maxValues {
		return nil, p.errorf(b.line, "front matter has more than %d values", maxValues)
	}
	if len(b.text) > heavyBytes && r.Heavy != nil {
		defer r.Heavy()()
	}
	switch b.syntax {
	case tomlBlock:
		return p.toml(b.text)
	case jsonBlock:
		return p.json(b.text)
	default:
		return p.yaml(b.text, r.Unfenced)
	}
}

// marks counts what values follow, and is at least half of their number: commas and opening brackets, in TOML the equals
// sign, in YAML a colon, dash or question mark with a blank behind it. In quotes and prose it counts too much.
func marks(text []byte, s syntax) int {
	n := 0
	for i, c := range text {
		switch c {
		case ',', '[', '{':
			n++
		case '=':
			if s == tomlBlock {
				n++
			}
		case ':', '-', '?':
			if s == yamlBlock && (i+1 == len(text) || text[i+1] <= ' ') {
				n++
			}
		}
	}
	return n
}

// A parser holds what the three syntaxes share while one block is read.
type parser struct {
	line       int // of the block's first line in the file
	last       int // of its last line, while YAML is read
	duplicates []Duplicate
	expanded   int // pairs copied by merge keys

	// Where texts stand, for Replace; nil where nobody asks.
	places  map[*Node]place
	scalars scalars
}

// maxMessage bounds a message in bytes: the readers' own messages quote what they met, which may be the whole block.
const maxMessage = 200

func (p *parser) errorf(line int, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return &SyntaxError{Line: line, Message: message}
}

// manyPairs is where looking a key up by an index becomes cheaper than comparing; beyond it a linear search would make
// hostile front matter quadratic.
const manyPairs = 24

// A mapping builds a Map node in which each key stands once.
type mapping struct {
	p     *parser
	node  *Node
	index map[string]int // built beyond manyPairs
}

func (m *mapping) find(key string) int {
	if len(m.node.Pairs) > manyPairs {
		if m.index == nil {
			m.index = make(map[string]int, 2*len(m.node.Pairs))
			for i := range m.node.Pairs {
				m.index[m.node.Pairs[i].Key] = i
			}
		}
		if i, ok := m.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range m.node.Pairs {
		if m.node.Pairs[i].Key == key {
			return i
		}
	}
	return -1
}

// set adds pair, or lets it replace the earlier one of the same key and notes the duplicate.
func (m *mapping) set(pair Pair) {
	if i := m.find(pair.Key); i >= 0 {
		if len(m.p.duplicates) < maxDuplicates {
			m.p.duplicates = append(m.p.duplicates, Duplicate{Key: pair.Key, First: m.node.Pairs[i].Line, Last: pair.Line})
		}
		m.node.Pairs[i] = pair
		return
	}
	m.add(pair)
}

func (m *mapping) add(pair Pair) {
	m.node.Pairs = append(m.node.Pairs, pair)
	if m.index != nil {
		m.index[pair.Key] = len(m.node.Pairs) - 1
	}
}
