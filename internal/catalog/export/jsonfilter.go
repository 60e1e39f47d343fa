package export

import (
	"bufio"
	"fmt"
	"io"
)

// A jsonFilter makes JSON fit for a json.Decoder, which holds one token at a time, and the blanks before it: strings are cut
// at maxText, blanks between tokens become one, and what no sane file has ends it. A line break in a string, which JSON has not, becomes a blank.
type jsonFilter struct {
	output
	src      *bufio.Reader
	inString bool
	blank    bool // a blank was put last
	size     int  // of the string or the literal
	depth    int
}

func (f *jsonFilter) Read(p []byte) (int, error) { return f.read(p, f.step) }

func (f *jsonFilter) step() error {
	if f.inString {
		f.size += f.run(f.src, maxText-f.size, plainJSON)
	}
	c, err := f.src.ReadByte()
	if err != nil {
		return err
	}
	if f.inString {
		return f.text(c)
	}
	blank := f.blank
	f.blank = false
	switch c {
	case ' ', '\t', '\r', '\n':
		f.drop(c)
		if !blank {
			f.buf = append(f.buf, ' ')
		}
		f.blank, f.size = true, 0
		return nil
	case '"':
		f.inString, f.size = true, 0
	case '{', '[':
		f.size = 0
		if f.depth++; f.depth > maxDepth {
			return limitError(fmt.Sprintf("values are nested deeper than %d", maxDepth))
		}
	case '}', ']':
		f.size = 0
		f.depth--
	case ',', ':':
		f.size = 0
	default:
		if f.size++; f.size > maxLiteral {
			return limitError(fmt.Sprintf("a bare word is longer than %d bytes", maxLiteral))
		}
	}
	f.put(c)
	return nil
}

// plainJSON reports whether a byte of a string needs no look.
func plainJSON(c byte) bool { return c >= ' ' && c != '"' && c != '\\' }

// text reads one character of a string, whole: an escape is never cut.
func (f *jsonFilter) text(c byte) error {
	if c == '"' {
		f.inString, f.size = false, 0
		f.put(c)
		return nil
	}
	if c < ' ' {
		f.drop(c)
		c = ' '
	}
	if c != '\\' {
		if f.size++; f.size <= maxText {
			f.buf = append(f.buf, c)
		}
		return nil
	}
	escape := len(`\n`)
	if next, _ := f.src.Peek(1); string(next) == "u" {
		escape = len(`\u00e9`)
	}
	unit := make([]byte, escape)
	unit[0] = c
	if _, err := io.ReadFull(f.src, unit[1:]); err != nil {
		return err
	}
	if f.size += len(unit); f.size <= maxText {
		f.buf = append(f.buf, unit...)
	}
	return nil
}
