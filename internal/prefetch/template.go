package prefetch

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dd8bf596/cutline/internal/source"
)

// DefaultTemplate names files so that a name changes with the bytes: they can be kept for ever.
const DefaultTemplate = "{name}-{width}-{hash8}.{ext}"

// placeholders are what stands between braces in a Template, each with what it matches in a name.
var placeholders = map[string]string{
	"name":   `[a-z0-9-]+`,            // of the original's file, made plain
	"id":     `[a-z2-7]{16}`,          // of the entry
	"preset": `[a-z0-9_]+`,            // its name; of a width of the ladder "w640"
	"width":  `[0-9]+`,                // in pixels
	"height": `[0-9]+`,                // in pixels
	"hash8":  `(?P<hash>[0-9a-f]{8})`, // of the file's SHA-256, in hexadecimal
	"hash":   `(?P<hash>[0-9a-f]{64})`,
	"ext":    `(?:jpg|png|gif|webp|avif)`,
}

// A Template makes file names. The zero Template makes none; ParseTemplate does.
type Template struct {
	text    string
	pattern *regexp.Regexp
}

// maxTemplate bounds a template in bytes: with all of its words, each at its longest, a name and the one that it is written under first
// stay within the 255 bytes that file systems take.
const maxTemplate = 80

var (
	braces = regexp.MustCompile(`\{[^{}]*\}`)
	plain  = regexp.MustCompile(`^[A-Za-z0-9._/-]*$`)
	// pressed is a hash between two words: of "fox01234567640" nobody can tell where it begins.
	pressed = regexp.MustCompile(`\}\{hash8?\}\{`)
)

// ParseTemplate reads a slash path under the folder of files: letters, digits, ".", "_", "-" and "/" as they stand, and {name}, {id},
// {preset}, {width}, {height}, {hash8}, {hash}, {ext}, each at most once. It needs one of the hashes, because nothing else makes names unique for certain,
// and ends in .{ext}, by which servers tell types.
func ParseTemplate(text string) (Template, error) {
	hashes, seen := 0, map[string]bool{}
	for _, word := range braces.FindAllString(text, -1) {
		name := strings.Trim(word, "{}")
		if _, known := placeholders[name]; !known {
			return Template{}, fmt.Errorf("expected %s (got %s)", placeholderList(), word)
		}
		if seen[name] {
			return Template{}, fmt.Errorf("expected each word once (got %s twice)", word)
		}
		seen[name] = true
		if strings.HasPrefix(name, "hash") {
			hashes++
		}
	}
	rest := braces.ReplaceAllString(text, "x")
	switch {
	case len(text) > maxTemplate:
		return Template{}, fmt.Errorf("expected at most %d characters (got %d)", maxTemplate, len(text))
	case !plain.MatchString(rest):
		return Template{}, errors.New("expected letters, digits, '.', '_', '-', '/' and words in braces only")
	case hashes != 1:
		return Template{}, errors.New("expected one of {hash8} and {hash}, so that no two files have one name")
	case pressed.MatchString(text):
		return Template{}, errors.New("expected '-' or another sign beside the hash, so that a name tells where it is")
	case !strings.HasSuffix(text, ".{ext}"):
		return Template{}, errors.New("expected .{ext} at its end")
	case !fs.ValidPath(rest) || strings.HasPrefix(rest, ".") || strings.Contains(rest, "/."):
		return Template{}, errors.New("expected a path under the folder of files, no part of it empty or beginning with '.'")
	}
	pattern := regexp.QuoteMeta(text)
	for name, match := range placeholders {
		pattern = strings.ReplaceAll(pattern, `\{`+name+`\}`, match)
	}
	return Template{text: text, pattern: regexp.MustCompile("^" + pattern + "$")}, nil
}

func placeholderList() string {
	return "{" + strings.Join(slices.Sorted(func(yield func(string) bool) {
		for name := range placeholders {
			if !yield(name) {
				return
			}
		}
	}), "}, {") + "}"
}

// String is the template as it was read.
func (t Template) String() string { return t.text }

// A title is what a file is named by.
type title struct {
	name, id, preset, ext string
	width, height         int
	hash                  string // of its bytes, 64 hexadecimal digits
}

// name is the path of a file under the folder of files.
func (t Template) name(of title) string {
	return strings.NewReplacer(
		"{name}", of.name, "{id}", of.id, "{preset}", of.preset, "{ext}", of.ext,
		"{width}", strconv.Itoa(of.width), "{height}", strconv.Itoa(of.height), "{hash8}", of.hash[:8], "{hash}", of.hash,
	).Replace(t.text)
}

// hash is what name says of the SHA-256 of the file's bytes; ok is false for a name that the template does not make.
func (t Template) hash(name string) (hash string, ok bool) {
	m := t.pattern.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[t.pattern.SubexpIndex("hash")], true
}

// maxName bounds what is taken of an original's name, in bytes.
const maxName = 60

// plainName is the name of src's file as every system and every URL takes it: "Müller & Söhne.JPG" is "muller-sohne".
func plainName(src source.Source) string {
	base := src.Base()
	base = strings.TrimSuffix(base, path.Ext(base))
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(base, " ")) {
		r = unicode.ToLower(r)
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r):
			gap = true
		}
		if b.Len() >= maxName {
			break
		}
	}
	if b.Len() == 0 {
		return "image"
	}
	return b.String()
}
