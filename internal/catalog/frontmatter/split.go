package frontmatter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// firstRead is how much of a file is read before anything is known about it: 98 % of real front matter is shorter than
// 4 KiB, and one page is the least that a disk reads anyway.
const firstRead = 4096

// syntax is the language of a block.
type syntax uint8

const (
	yamlBlock syntax = iota
	tomlBlock
	jsonBlock
)

// A block is front matter without its fences.
type block struct {
	text   []byte // valid until the splitter's buffer is reused
	syntax syntax
	open   int  // line of the opening fence
	line   int  // line of text's first line
	at     int  // where text begins in the file, in bytes; in what it is decoded to where that is UTF-16
	guess  bool // no fence opened it, so it may be ordinary text
}

// A splitter finds the block that begins a file, reading no further than its closing fence and the buffer's rest.
type splitter struct {
	src           io.Reader
	buf           []byte
	eof           bool
	leadingBlanks bool
	unfenced      bool
}

var (
	utf8BOM    = []byte("\xef\xbb\xbf")
	utf16LEBOM = []byte("\xff\xfe")
	utf16BEBOM = []byte("\xfe\xff")
	dashes     = []byte("---")
	pluses     = []byte("+++")
	dots       = []byte("...")
)

// split finds the block:
//
//	---          ---  or ...    YAML
//	---yaml      ---            YAML; likewise ---yml, ---toml, ---json (gray-matter, Eleventy)
//	+++          +++            TOML
//	{"           }              JSON, up to the brace that closes the first one (Hugo)
//	key: value   ---            YAML, with unfenced only (Hexo)
//
// A fence stands in the first column; blanks may follow it, and a carriage return.
func (s *splitter) split() (block, error) {
	start, err := s.begin()
	if err != nil {
		return block{}, err
	}
	open := 1 + bytes.Count(s.buf[:start], []byte("\n"))
	head := s.buf[start:]
	switch {
	case bytes.HasPrefix(head, dashes):
		return s.fenced(start, open, dashes)
	case bytes.HasPrefix(head, pluses):
		return s.fenced(start, open, pluses)
	case len(head) > 0 && head[0] == '{':
		return s.braced(start, open)
	case s.unfenced && startsWithKey(head):
		b, err := s.close(block{syntax: yamlBlock, open: open, line: open, guess: true}, start, dashes)
		if _, ok := errors.AsType[*SyntaxError](err); ok {
			return block{}, ErrNone
		}
		return b, err
	}
	return block{}, ErrNone
}

// begin reads the first bytes, decodes UTF-16 and returns where the text starts: after the byte order mark and, where they
// are accepted, blanks.
func (s *splitter) begin() (int, error) {
	if err := s.fill(firstRead); err != nil {
		return 0, err
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(s.buf, utf8BOM):
		return s.skipBlanks(len(utf8BOM))
	case bytes.HasPrefix(s.buf, utf16LEBOM):
		order = binary.LittleEndian
	case bytes.HasPrefix(s.buf, utf16BEBOM):
		order = binary.BigEndian
	default:
		return s.skipBlanks(0)
	}
	rest := io.MultiReader(bytes.NewReader(bytes.Clone(s.buf[2:])), s.src)
	s.src, s.buf, s.eof = &utf16Reader{src: rest, order: order}, s.buf[:0], false
	if err := s.fill(firstRead); err != nil {
		return 0, err
	}
	return s.skipBlanks(0)
}

func (s *splitter) skipBlanks(at int) (int, error) {
	if !s.leadingBlanks {
		return at, nil
	}
	for {
		for at < len(s.buf) {
			if strings.IndexByte(" \t\r\n", s.buf[at]) < 0 {
				// A fence may lie across the end of the buffer.
				return at, s.fill(at + firstRead)
			}
			at++
		}
		if s.eof || at > maxBytes {
			return at, nil
		}
		if err := s.fill(len(s.buf) + firstRead); err != nil {
			return at, err
		}
	}
}

// fenced reads the opening fence's line, then the block.
func (s *splitter) fenced(start, open int, fence []byte) (block, error) {
	line, next, err := s.lineAt(start)
	if err != nil {
		return block{}, err
	}
	b := block{syntax: yamlBlock, open: open, line: open + 1}
	word := strings.ToLower(string(bytes.TrimSpace(line[len(fence):])))
	switch {
	case fence[0] == '+':
		if word != "" {
			return block{}, ErrNone
		}
		b.syntax = tomlBlock
	case word == "" || word == "yaml" || word == "yml":
	case word == "json":
		b.syntax = jsonBlock
	case word == "toml":
		b.syntax = tomlBlock
	case word == "js" || word == "javascript" || word == "coffee" || word == "cson":
		return block{}, &SyntaxError{Line: open, Message: "front matter in " + word + " is a program, which is not run: write YAML, TOML or JSON"}
	default:
		return block{}, ErrNone // a table, a heading's underline, a longer rule
	}
	return s.close(b, next, fence)
}

// close finds the line that closes b, whose text begins at start.
func (s *splitter) close(b block, start int, fence []byte) (block, error) {
	for at := start; ; {
		line, next, err := s.lineAt(at)
		switch {
		case err != nil:
			return block{}, err
		case next-start > maxBytes:
			return block{}, &SyntaxError{Line: b.open, Message: "front matter is longer than 1 MiB, or its closing " + string(fence) + " is missing"}
		case next == at:
			return block{}, &SyntaxError{Line: b.open, Message: "the closing " + string(fence) + " is missing"}
		}
		if len(line) > 0 && (line[0] == fence[0] || line[0] == '.') {
			line = bytes.TrimRight(line, " \t\r\n")
			if bytes.Equal(line, fence) || fence[0] == '-' && bytes.Equal(line, dots) {
				b.text, b.at = s.buf[start:at], start
				return b, nil
			}
		}
		at = next
	}
}

// braced finds the end of a JSON object that begins the file. Templates begin with braces too ("{{", "{%", "{#"), and so
// do expressions in MDX: only a quote or a closing brace after the first one makes it JSON.
func (s *splitter) braced(start, open int) (block, error) {
	first := bytes.TrimLeft(s.buf[start+1:], " \t\r\n")
	if len(first) == 0 || first[0] != '"' && first[0] != '}' {
		return block{}, ErrNone
	}
	depth, quoted, escaped := 0, false, false
	for at := start; ; at++ {
		if at == len(s.buf) {
			if at-start > maxBytes {
				return block{}, &SyntaxError{Line: open, Message: "front matter is longer than 1 MiB, or its closing brace is missing"}
			}
			if err := s.fill(2 * len(s.buf)); err != nil {
				return block{}, err
			}
			if at == len(s.buf) {
				return block{}, &SyntaxError{Line: open, Message: "the closing brace is missing"}
			}
		}
		switch c := s.buf[at]; {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return block{text: s.buf[start : at+1], syntax: jsonBlock, open: open, line: open, at: start}, nil
			}
		}
	}
}

// lineAt returns the line that begins at offset at, with its end, and where the next one begins; at the end of the file
// next equals at. A line longer than maxBytes comes cut.
func (s *splitter) lineAt(at int) (line []byte, next int, err error) {
	for from := at; ; {
		if i := bytes.IndexByte(s.buf[from:], '\n'); i >= 0 {
			next = from + i + 1
			return s.buf[at:next], next, nil
		}
		from = len(s.buf)
		if s.eof || from-at > maxBytes {
			return s.buf[at:], from, nil
		}
		if err := s.fill(2 * len(s.buf)); err != nil {
			return nil, at, err
		}
	}
}

// fill reads until the buffer holds want bytes or the file ends.
func (s *splitter) fill(want int) error {
	if cap(s.buf) < want {
		grown := make([]byte, len(s.buf), want)
		copy(grown, s.buf)
		s.buf = grown
	}
	for !s.eof && len(s.buf) < want {
		n, err := s.src.Read(s.buf[len(s.buf):want])
		s.buf = s.buf[:len(s.buf)+n]
		switch {
		case errors.Is(err, io.EOF):
			s.eof = true
		case err != nil:
			return err
		}
	}
	return nil
}

// startsWithKey reports whether text begins with "word:" and so may be front matter without an opening fence.
func startsWithKey(text []byte) bool {
	for i, c := range text {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', i > 0 && (c == '-' || c >= '0' && c <= '9'):
		default:
			return i > 0 && c == ':' && (i+1 == len(text) || strings.IndexByte(" \t\r\n", text[i+1]) >= 0)
		}
	}
	return false
}

// A utf16Reader turns UTF-16 into UTF-8. Half a character becomes U+FFFD, as everywhere in Go.
type utf16Reader struct {
	src   io.Reader
	order binary.ByteOrder
	out   []byte // decoded, not yet handed out
	high  uint16 // the first half of a surrogate pair, when pending
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		var raw [1024]byte
		n, err := io.ReadFull(u.src, raw[:])
		if n < 2 && err != nil {
			if u.high != 0 {
				u.high = 0
				u.out = utf8.AppendRune(u.out, utf8.RuneError)
				break
			}
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return 0, err
		}
		for i := 0; i+1 < n; i += 2 {
			u.decode(u.order.Uint16(raw[i:]))
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) decode(c uint16) {
	if u.high != 0 {
		r := utf16.DecodeRune(rune(u.high), rune(c))
		u.high = 0
		u.out = utf8.AppendRune(u.out, r)
		if r != utf8.RuneError {
			return
		}
	}
	if c >= 0xd800 && c < 0xdc00 {
		u.high = c
		return
	}
	u.out = utf8.AppendRune(u.out, rune(c)) // a lone low surrogate becomes U+FFFD
}
