package export

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
)

// An xmlFilter makes XML fit for package encoding/xml, which holds one token at a time and stops at the first character
// that XML does not allow. Comments, processing instructions and document types are left out, and with these all entities
// that a file declares; characters that XML has not (control characters, also as &#8;) become blanks; a "<" that begins no
// tag is text; a text longer than maxText is cut.
type xmlFilter struct {
	output
	src   *bufio.Reader
	in    func() error // what reads the next byte: text, CDATA or a tag
	quote byte         // of the attribute in a tag
	size  int          // of the text or the tag
}

func (f *xmlFilter) Read(p []byte) (int, error) {
	if f.in == nil {
		f.in = f.text
	}
	return f.read(p, func() error { return f.in() })
}

// next reads one byte, a blank for what XML has not.
func (f *xmlFilter) next() (byte, error) {
	c, err := f.src.ReadByte()
	switch {
	case err != nil:
		return 0, err
	case c < ' ' && c != '\n' && c != '\t' && c != '\r':
		return ' ', nil
	case c == 0xEF:
		if rest, _ := f.src.Peek(2); len(rest) == 2 && rest[0] == 0xBF && rest[1] >= 0xBE { // U+FFFE and U+FFFF
			_, err = f.src.Discard(2)
			return ' ', err
		}
	}
	return c, nil
}

// plainXML reports whether a byte of a text needs no look.
func plainXML(c byte) bool {
	return c >= ' ' && c != '<' && c != '>' && c != '&' && c != ']' && c != 0xEF
}

func (f *xmlFilter) text() error {
	f.size += f.run(f.src, maxText-f.size, plainXML)
	c, err := f.next()
	if err != nil {
		return err
	}
	switch c {
	case '<':
		return f.open()
	case '&':
		c = f.reference()
	case '>': // "]]>" in a text ends the reading
		f.escape("&gt;")
		return nil
	}
	f.keep(c)
	return nil
}

// escape puts a reference in the place of a byte of a text.
func (f *xmlFilter) escape(reference string) {
	if f.size += len(reference); f.size <= maxText {
		f.buf = append(f.buf, reference...)
	}
}

// keep puts a byte of a text that is not too long. It never cuts within a character or a reference: encoding/xml would end
// there.
func (f *xmlFilter) keep(c byte) {
	inside := c >= 0x80 && c < 0xC0
	if f.size++; f.size > maxText && !(inside && f.size <= maxText+utf8Rest) {
		f.size = maxText + utf8Rest + 1
		f.drop(c)
		return
	}
	f.put(c)
}

// utf8Rest is how many bytes of a character may follow its first.
const utf8Rest = 3

// open reads what a "<" begins.
func (f *xmlFilter) open() error {
	ahead, _ := f.src.Peek(len("![CDATA["))
	switch {
	case bytes.HasPrefix(ahead, []byte("!--")):
		return f.skip("-->")
	case bytes.HasPrefix(ahead, []byte("?")):
		return f.skip("?>")
	case bytes.Equal(ahead, []byte("![CDATA[")):
		f.buf = append(f.buf, "<![CDATA["...)
		f.in = f.cdata
		_, err := f.src.Discard(len(ahead))
		return err
	case bytes.HasPrefix(ahead, []byte("!")):
		return f.doctype()
	case len(ahead) > 0 && !beginsTag(ahead[0]):
		f.escape("&lt;")
		return nil
	}
	f.put('<')
	f.size, f.quote, f.in = 0, 0, f.tag
	return nil
}

func beginsTag(c byte) bool {
	return c == '/' || c == '_' || c == ':' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (f *xmlFilter) cdata() error {
	f.size += f.run(f.src, maxText-f.size, plainXML)
	c, err := f.next()
	if err != nil {
		return err
	}
	if ahead, _ := f.src.Peek(2); c == ']' && string(ahead) == "]>" {
		f.buf = append(f.buf, "]]>"...)
		f.in = f.text
		_, err := f.src.Discard(2)
		return err
	}
	f.keep(c)
	return nil
}

func (f *xmlFilter) tag() error {
	c, err := f.next()
	if err != nil {
		return err
	}
	if f.size++; f.size > maxTag {
		return limitError(fmt.Sprintf("a tag is longer than %d bytes", maxTag))
	}
	switch {
	case f.quote == 0 && (c == '"' || c == '\''):
		f.quote = c
	case f.quote == 0 && c == '>':
		f.size, f.in = 0, f.text
	case c == f.quote:
		f.quote = 0
	case c == '&':
		c = f.reference()
	}
	f.put(c)
	return nil
}

// reference looks behind a "&". It returns a blank in the place of a reference to a character that XML has not, and leaves
// out the rest of it.
func (f *xmlFilter) reference() byte {
	const longest = len("#x0010FFFF;")
	ahead, _ := f.src.Peek(longest)
	end := bytes.IndexByte(ahead, ';')
	if end < 2 || ahead[0] != '#' {
		return '&'
	}
	digits, base := string(ahead[1:end]), 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return '&'
	}
	if n == '\t' || n == '\n' || n == '\r' || n >= ' ' && n < 0xD800 || n >= 0xE000 && n < 0xFFFE || n >= 0x10000 && n <= 0x10FFFF {
		return '&'
	}
	_, _ = f.src.Discard(end + 1) // they were there a moment ago
	return ' '
}

// skip leaves out everything up to end, and end.
func (f *xmlFilter) skip(end string) error {
	at := 0
	for at < len(end) {
		c, err := f.src.ReadByte()
		if err != nil {
			return err
		}
		f.drop(c)
		switch {
		case c == end[at]:
			at++
		case c == '-' && at == 2 && end == "-->": // "--->" ends a comment too
		case c == end[0]:
			at = 1
		default:
			at = 0
		}
	}
	return nil
}

// doctype leaves out a document type, with the declarations in its brackets.
func (f *xmlFilter) doctype() error {
	quote, brackets := byte(0), 0
	for {
		c, err := f.src.ReadByte()
		if err != nil {
			return err
		}
		f.drop(c)
		switch {
		case c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			brackets++
		case c == ']':
			brackets--
		case c == '>' && brackets <= 0:
			return nil
		}
	}
}
