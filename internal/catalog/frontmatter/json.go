package frontmatter

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// json reads a block token by token: tokens know their place, come without recursion and let a key stand twice.
func (p *parser) json(text []byte) (*Node, error) {
	j := jsonReader{p: p, text: text, line: p.line, tokens: json.NewDecoder(bytes.NewReader(text))}
	j.tokens.UseNumber()
	root, err := j.value(0)
	if err == nil {
		if _, err = j.tokens.Token(); errors.Is(err, io.EOF) {
			return root, nil
		}
		if err == nil {
			return nil, p.errorf(j.here(), "text after the object's end")
		}
	}
	if errors.Is(err, io.EOF) && root == nil && len(bytes.TrimSpace(text)) == 0 {
		return &Node{}, nil
	}
	message := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		message = "the JSON object is not closed"
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, p.errorf(j.lineAt(se.Offset), "%s", message)
	}
	return nil, p.errorf(j.here(), "%s", message)
}

type jsonReader struct {
	p      *parser
	text   []byte
	tokens *json.Decoder

	offset int64 // up to where lines are counted
	line   int   // the file's line at offset
}

// here is the line of the token read last.
func (j *jsonReader) here() int { return j.lineAt(j.tokens.InputOffset()) }

func (j *jsonReader) lineAt(offset int64) int {
	offset = min(offset, int64(len(j.text)))
	if offset > j.offset {
		j.line += bytes.Count(j.text[j.offset:offset], []byte("\n"))
		j.offset = offset
	}
	return j.line
}

func (j *jsonReader) value(depth int) (*Node, error) {
	before := j.tokens.InputOffset()
	token, err := j.tokens.Token()
	if err != nil {
		return nil, err
	}
	n := &Node{Line: j.here()}
	switch v := token.(type) {
	case string:
		n.Kind, n.Text = String, v
		j.note(n, int(before), int(j.tokens.InputOffset()))
	case json.Number:
		n.Kind, n.Text = Number, v.String()
	case bool:
		n.Kind, n.Text = Bool, "false"
		if v {
			n.Text = "true"
		}
	case json.Delim:
		switch {
		case depth > maxDepth:
			return n, j.skip()
		case v == '[':
			n.Kind = List
			return n, j.list(n, depth)
		default:
			n.Kind = Map
			return n, j.object(n, depth)
		}
	}
	return n, nil
}

// note keeps where a string stands, for Replace: it ends at end and begins with the first quote from the token before on.
func (j *jsonReader) note(n *Node, before, end int) {
	if j.p.places == nil {
		return
	}
	if quote := bytes.IndexByte(j.text[before:end], '"'); quote >= 0 {
		j.p.places[n] = place{start: before + quote, end: end, spellings: []func(string) string{escaped(`"`)}}
	}
}

func (j *jsonReader) list(n *Node, depth int) error {
	for j.tokens.More() {
		v, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		n.List = append(n.List, v)
	}
	_, err := j.tokens.Token()
	return err
}

func (j *jsonReader) object(n *Node, depth int) error {
	m := mapping{p: j.p, node: n}
	for j.tokens.More() {
		token, err := j.tokens.Token()
		if err != nil {
			return err
		}
		key, line := token.(string), j.here() // the decoder gives no other token here
		v, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		m.set(Pair{Key: key, Line: line, Value: v})
	}
	_, err := j.tokens.Token()
	return err
}

// skip passes over what is nested too deep.
func (j *jsonReader) skip() error {
	for depth := 1; depth > 0; {
		token, err := j.tokens.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}
