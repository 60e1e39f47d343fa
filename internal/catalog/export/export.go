// Package export reads posts out of files that hold many of them: exports of Ghost and WordPress, and feeds (RSS, Atom,
// JSON Feed). It says which picture a post features and what stands beside it, as the file has it.
//
// It reads element by element, so that memory grows with the pictures and their words and not with the file, and it knows
// nothing of sites: which words count, and where a picture is found, is catalog's business. What is broken in one post is
// passed over; what is broken in the file ends it, and what was read before stays.
package export

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// A Format is a kind of export.
type Format string

// The formats.
const (
	Ghost     Format = "ghost"     // Ghost's JSON (https://docs.ghost.org/migration/custom), and the posts of its Content API
	WordPress Format = "wordpress" // WXR, versions 1.0 to 1.2
	RSS       Format = "rss"       // RSS 0.9x, 1.0 and 2.0, with Media RSS
	Atom      Format = "atom"      // RFC 4287, with Media RSS
	JSONFeed  Format = "jsonfeed"  // versions 1 and 1.1 (https://www.jsonfeed.org/version/1.1/)
)

// ErrUnknown says that a file is of no format that is known here.
var ErrUnknown = errors.New("neither an export of Ghost or WordPress nor an RSS, Atom or JSON feed")

// The limits of reading.
const (
	// maxText bounds one text, in bytes; what is longer is cut. Words are some hundred bytes, and the first picture of a body
	// stands near its beginning.
	maxText = 256 << 10
	// maxTag bounds one tag with its attributes, and maxLiteral one bare word or number of JSON. What is longer ends the file.
	maxTag, maxLiteral = 64 << 10, 64
	// maxDepth bounds how deep elements and values may be nested. What is deeper ends the file.
	maxDepth = 256
	// maxWord bounds a word or an address that is kept, in bytes; what is longer is cut. The longest real alternative text of
	// 232 has 808.
	maxWord = 16 << 10
)

// A SyntaxError says where and why a file cannot be read on.
type SyntaxError struct {
	Line    int // in the file, from 1
	Message string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// A File is what was read of one export.
type File struct {
	Format Format
	Posts  []Post // in the file's order

	site  string            // WordPress: the site's address
	media map[string]*Image // WordPress: attachments by ID
}

// A Post is one post or page.
type Post struct {
	ID       string // as the file has it: a number, a UUID, a URL; may be empty
	Slug     string // the last part of its URL, decoded; not empty
	Title    string
	Line     int       // where it begins, from 1
	Modified time.Time // zero where the file does not say
	// Hidden says why the post is not for every reader: "status draft", "members only". "" is a post that is published.
	Hidden string
	// Image is the featured image; its Raw is "" where there is none.
	Image Image
	// Problem says why there is no Image although the post refers to one.
	Problem string

	thumbnail string // WordPress: the attachment's ID, until Join
}

// An Image is a picture as a file names it.
type Image struct {
	Field string // where it stands: "feature_image", "_thumbnail_id", "media:content"
	Raw   string // as it stands there, trimmed
	URL   string // what Raw means: an absolute URL, or a path from the site's root
	Path  string // where an unpacked copy of the site's files has it: "content/images/2024/01/fox.jpg"; may be empty
	Line  int    // of Raw, from 1
	Words []Word // in no order, no key twice
}

// A Word is something that is said about a picture.
type Word struct {
	// Key is "alt", "caption", "desc" (longer than a caption, used where there is none), "credit", "creditlink", "photographer", "copyright" or
	// "license".
	Key  string
	Text string // not blank; may hold HTML but for "alt"
	Line int    // 0 where it stands in another file
	// Camera says that the picture's file said so when it came into the program, and no person did.
	Camera bool
}

// say adds a word, unless it is blank or its key has one: what is said first counts. Programs write an empty alternative
// text where nobody typed one, so it says nothing.
func (i *Image) say(key, text string, line int) {
	i.word(Word{Key: key, Text: short(text), Line: line})
}

func (i *Image) word(w Word) {
	if w.Text == "" || i.said(w.Key) != "" {
		return
	}
	i.Words = append(i.Words, w)
}

func (i *Image) said(key string) string {
	for _, w := range i.Words {
		if w.Key == key {
			return w.Text
		}
	}
	return ""
}

// Read reads one export. The file is not nil unless the error is ErrUnknown: it holds what was read before the error, a
// *SyntaxError or src's own. Posts of WordPress have their Image after Join only.
func Read(src io.Reader) (*File, error) {
	d := newDocument(src)
	format, err := d.detect()
	if err != nil {
		return nil, err
	}
	f := &File{Format: format}
	switch format {
	case Ghost:
		err = d.json().ghost(f)
	case JSONFeed:
		err = d.json().feed(f)
	case WordPress, RSS, Atom:
		err = d.xml().read(f)
	}
	return f, err
}

// Detect returns the format of a file that begins with head, which may be cut off anywhere; "" where it cannot be told.
func Detect(head []byte) Format { return detect(head) }
