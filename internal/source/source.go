// Package source gives every original one name: a Source, in one canonical spelling that the scanner, the cache key,
// the signer and the fetcher share.
//
// It reads text only. It never resolves a name, opens a file or judges an address: that is fetch's job.
package source

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrInvalid says that a text names no original. Every error of this package wraps it, with what was expected.
var ErrInvalid = errors.New("not a usable image source")

// MaxLen bounds a source in bytes. Real wrapped URLs reach about 700; servers commonly refuse request lines over 8 KB.
const MaxLen = 4096

// A Source names an original: an absolute http or https URL, or a file under the site root.
//
// Sources are comparable and usable as map keys; two texts that name the same original by the rules of Parse give equal
// Sources. Equal Sources have equal texts, and the other way round. The zero Source names nothing. A Source is immutable and safe for concurrent use.
type Source struct {
	text string // canonical; a site path begins with "/", a URL with its scheme
	host string // of a URL: lower-case ASCII, no port, no brackets
	port uint16 // of a URL: explicit or the scheme's own
}

// Parse reads either form. A text that begins with a single "/" is a site path, taken literally (see Local); everything
// else must be an absolute URL (see ParseURL). Parse and String are inverses on canonical texts:
//
//	HTTPS://Example.ORG:443/a b.jpg   →  https://example.org/a%20b.jpg
//	//example.org/a.jpg               →  https://example.org/a.jpg
//	/img/../img//a b.jpg              →  /img/a b.jpg
func Parse(text string) (Source, error) {
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		return Local(text)
	}
	return ParseURL(text)
}

// Local names the file at a slash-separated path under the site root. The path is literal: percent signs, "?" and "#"
// are part of the name, and so is its Unicode form: file systems tell "é" in one code point from "é" in two. A leading
// "/" or "./" is optional; a path that leaves the root is ErrInvalid.
func Local(name string) (Source, error) {
	if err := checkText(name); err != nil {
		return Source{}, err
	}
	if strings.Contains(name, `\`) {
		return Source{}, fmt.Errorf("%w: site path %s: expected forward slashes", ErrInvalid, strconv.Quote(name))
	}
	clean := path.Clean(strings.TrimLeft(name, "/"))
	if clean == "." || clean == ".." || strings.HasPrefix(clean, "../") {
		return Source{}, fmt.Errorf("%w: site path %s: expected a file under the site root", ErrInvalid, strconv.Quote(name))
	}
	if len(clean) >= MaxLen {
		return Source{}, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaxLen)
	}
	return Source{text: "/" + clean}, nil
}

// String is the canonical text: a URL, or "/" and the path under the site root.
func (s Source) String() string { return s.text }

// Public is String without what is in the query, for logs and errors: keys for a picture stand there, and readers of logs are
// others than readers of posts.
func (s Source) Public() string {
	if before, _, found := strings.Cut(s.text, "?"); found && s.Remote() {
		return before + "?…"
	}
	return s.text
}

// IsZero reports whether s names nothing.
func (s Source) IsZero() bool { return s.text == "" }

// Remote reports whether s is a URL rather than a file under the site root.
func (s Source) Remote() bool { return s.host != "" }

// Host is the URL's host in lower-case ASCII, without port and brackets; "" for a site path.
func (s Source) Host() string { return s.host }

// Port is the URL's port, explicit or its scheme's; 0 for a site path.
func (s Source) Port() uint16 { return s.port }

// Insecure reports whether s is a URL fetched without TLS.
func (s Source) Insecure() bool { return s.Remote() && strings.HasPrefix(s.text, "http://") }

// Path is the slash path under the site root, without leading slash, as os.Root wants it; "" for a URL.
func (s Source) Path() string {
	if s.Remote() || s.text == "" {
		return ""
	}
	return s.text[1:]
}

// Base is the last element of the path, decoded, for file names that people read: valid UTF-8 without control characters,
// marks of direction and slashes. It may be empty.
func (s Source) Base() string {
	name := s.text
	if s.Remote() {
		name = ""
		if u, err := url.Parse(s.text); err == nil && !strings.HasSuffix(u.Path, "/") {
			name = u.Path
		}
	}
	name = path.Base(printable(name))
	if name == "." || name == ".." || name == "/" {
		return ""
	}
	return name
}

// printable is text without control characters, marks that turn the direction of writing (Unicode's Bidi_Control: with
// U+202E "a\u202egpj.exe" shows as "aexe.jpg") and bytes that are no UTF-8: what escapes may hide and messages must not show.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

func checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%w: empty", ErrInvalid)
	case len(text) > MaxLen:
		return fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaxLen)
	case !utf8.ValidString(text):
		return fmt.Errorf("%w: not UTF-8", ErrInvalid)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("%w: control character", ErrInvalid)
	}
	return nil
}
