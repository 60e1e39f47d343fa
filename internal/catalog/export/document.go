package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// headSize is how much of a file is looked at to tell what it is: WordPress begins with a comment of 2 KiB, and a feed in
// JSON may have its version behind its first item.
const headSize = 64 << 10

// A document is a file as it is read: as UTF-8, whatever it was written in.
type document struct {
	text *bufio.Reader
}

// newDocument decodes src by its byte order mark, else by what its XML declaration says, else as UTF-8. What is no text in
// that encoding becomes U+FFFD.
func newDocument(src io.Reader) *document {
	raw := bufio.NewReaderSize(src, 1024)
	head, _ := raw.Peek(1024) // an error comes again when it is read
	decoder := unicode.BOMOverride(declared(head).NewDecoder())
	return &document{text: bufio.NewReaderSize(transform.NewReader(raw, decoder), headSize)}
}

var declaration = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// declared is the encoding that a file names or, without a mark, plainly has.
func declared(head []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(head, []byte{'<', 0, '?', 0}), bytes.HasPrefix(head, []byte{'{', 0}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(head, []byte{0, '<', 0, '?'}), bytes.HasPrefix(head, []byte{0, '{'}):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	if m := declaration.FindSubmatch(head); m != nil {
		// A declaration that can be read as ASCII is of no UTF-16, whatever it says.
		if e, err := htmlindex.Get(string(m[1])); err == nil && !strings.HasPrefix(strings.ToLower(string(m[1])), "utf-16") {
			return e
		}
	}
	return unicode.UTF8
}

// detect looks at the beginning.
func (d *document) detect() (Format, error) {
	head, err := d.text.Peek(headSize)
	if format := detect(head); format != "" {
		return format, nil
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return "", err
	}
	return "", ErrUnknown
}

func detect(head []byte) Format {
	d := newDocument(bytes.NewReader(head))
	for {
		r, _, err := d.text.ReadRune()
		switch {
		case err != nil:
			return ""
		case r == '{':
			_ = d.text.UnreadRune() // it was read
			return d.json().detect(head)
		case r == '<':
			_ = d.text.UnreadRune()
			return d.xml().detect()
		case !strings.ContainsRune(" \t\r\n", r):
			return ""
		}
	}
}

// json reads d as JSON.
func (d *document) json() *jsonReader {
	j := &jsonReader{filter: &jsonFilter{src: d.text}}
	j.dec = json.NewDecoder(j.filter)
	j.dec.UseNumber()
	return j
}

// xml reads d as XML: forgiving, because feeds are written by hand and by templates. It knows no entities but XML's and
// HTML's own, and none that the file declares.
func (d *document) xml() *xmlReader {
	x := &xmlReader{filter: &xmlFilter{src: d.text}}
	x.dec = xml.NewDecoder(x.filter)
	x.dec.Strict = false
	x.dec.Entity = xml.HTMLEntity
	x.dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // decoded already
	return x
}

// lines counts the lines of a file behind a filter that leaves some of it out. Offsets are of what the filter gave out; they
// are asked for in ascending order.
type lines struct {
	marks []mark // line ends that were not asked for yet
	count int
}

// A mark is n line ends at one offset.
type mark struct {
	at int64
	n  int
}

func (l *lines) end(at int64) {
	if last := len(l.marks) - 1; last >= 0 && l.marks[last].at == at {
		l.marks[last].n++
		return
	}
	l.marks = append(l.marks, mark{at, 1})
}

// at is the line of the byte at offset, from 1.
func (l *lines) at(offset int64) int {
	n := 0
	for n < len(l.marks) && l.marks[n].at < offset {
		l.count += l.marks[n].n
		n++
	}
	l.marks = l.marks[:copy(l.marks, l.marks[n:])]
	return l.count + 1
}

// output is what filters share: the bytes that are to be read next.
type output struct {
	lines lines
	buf   []byte
	from  int   // of buf, what was not read yet
	given int64 // offset of buf's first byte
	err   error
}

// offset is that of the next byte that is put.
func (o *output) offset() int64 { return o.given + int64(len(o.buf)) }

// drop leaves a byte out.
func (o *output) drop(c byte) {
	if c == '\n' {
		o.lines.end(o.offset())
	}
}

func (o *output) put(c byte) {
	o.drop(c)
	o.buf = append(o.buf, c)
}

// run takes bytes from src in one go, as long as they are plain, and returns their number. They end no line.
func (o *output) run(src *bufio.Reader, most int, plain func(c byte) bool) int {
	ahead, _ := src.Peek(min(src.Buffered(), max(most, 0), headSize/4))
	n := 0
	for n < len(ahead) && plain(ahead[n]) {
		n++
	}
	o.buf = append(o.buf, ahead[:n]...)
	_, _ = src.Discard(n) // they are there
	return n
}

// read gives out what step puts.
func (o *output) read(p []byte, step func() error) (int, error) {
	const enough = 4 << 10
	if o.from == len(o.buf) {
		o.given += int64(len(o.buf))
		o.buf, o.from = o.buf[:0], 0
		for len(o.buf) < enough && o.err == nil {
			o.err = step()
		}
	}
	n := copy(p, o.buf[o.from:])
	o.from += n
	if n == 0 && len(p) > 0 {
		return 0, o.err
	}
	return n, nil
}

// limitError is a limit that a file exceeds.
type limitError string

func (e limitError) Error() string { return string(e) }
