package proxy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A label is what an entry's words and posts put on every one of its responses. It is immutable.
type label struct {
	words    caption.Words
	headers  []field
	stem     string    // of file names that people read
	modified time.Time // of the newest of its posts: when the words last changed
}

// A shelf keeps each entry's label, so that it is made once.
type shelf struct {
	room   int      // bytes that a label may have
	labels sync.Map // ID → *label; at most one per entry
}

// label is that of e when its picture is shown with words, which are e's own and what the original adds to them. What no post
// shows is not kept: anybody may ask for any number of such pictures.
func (s *shelf) label(e *catalog.Entry, words caption.Words) *label {
	if !posted(e) {
		return newLabel(e, words, s.room)
	}
	if l, ok := s.labels.Load(e.ID); ok && l.(*label).words == words {
		return l.(*label)
	}
	l := newLabel(e, words, s.room)
	s.labels.Store(e.ID, l)
	return l
}

// Bounds in bytes on the wire. A response's header has to fit into the 4 KiB that nginx reads of it by default
// (proxy_buffer_size), or nginx answers 502; what is not the label's takes up to 1,400 of them. Tags and links, which
// programs need whole, come first, and the words share what is left.
const (
	maxLabel = 2650 // all fields together, names included
	maxWord  = 1024 // one word
	maxTags  = 350  // one of the two fields of tags
	maxLinks = 700
)

// newLabel makes a label of at most room bytes.
func newLabel(e *catalog.Entry, shown caption.Words, room int) *label {
	l := &label{words: shown, stem: fileStem(e)}
	for _, p := range e.Posts {
		l.modified = later(l.modified, p.Modified)
	}
	add := func(name, value string) {
		if value != "" {
			l.headers = append(l.headers, newField(name, value))
			room -= len(name) + len(": \r\n") + len(value)
		}
	}
	for _, f := range tagFields(e) {
		add(f.name, f.value[0])
	}
	add("Link", links(e, shown.LicenseURL()))
	plain := shown.Plain()
	if plain.Decorative {
		add("Image-Alt", `%""`)
	}
	words := [][2]string{{"Image-Alt", plain.Alt}, {"Image-Credit", plain.Credit}, {"Image-Cutline", plain.Cutline}}
	words = slices.DeleteFunc(words, func(w [2]string) bool { return w[1] == "" })
	slices.SortStableFunc(words, func(a, b [2]string) int { return cmp.Compare(wireLen(a[1]), wireLen(b[1])) })
	for i, w := range words { // the shortest first: what it leaves is the others'
		share := room/(len(words)-i) - len(w[0]) - len(": \r\n")
		add(w[0], displayString(w[1], min(share, maxWord)))
	}
	return l
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// A field is one of a header's, made once and set on any number of responses. Nobody may modify its value, which they share;
// to append to it copies it.
type field struct {
	name  string // canonical
	value []string
}

func newField(name, value string) field { return field{name, []string{value}} }

func setFields(h http.Header, fields []field) {
	for _, f := range fields {
		h[f.name] = f.value
	}
}

func (l *label) set(h http.Header) { setFields(h, l.headers) }

// displayString is text as an RFC 9651 Display String, ASCII whatever the text, cut between grapheme clusters so that it
// takes at most most bytes. "" has no value, and neither has a text whose first character does not fit: an empty value
// would say that the picture is decorative.
func displayString(text string, most int) string {
	text = caption.CutFunc(text, most-len(`%""`), wireLen)
	if text == "" {
		return ""
	}
	value, err := httpsfv.Marshal(httpsfv.NewItem(httpsfv.DisplayString(text)))
	if err != nil {
		return "" // only for invalid UTF-8, which caption.Clean has removed
	}
	return value
}

// wireLen is the length of s inside a Display String: "%", quotes and everything beyond printable ASCII take three bytes.
func wireLen(s string) int {
	n := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' || c == '"' {
			n += 2
		}
		n++
	}
	return n
}

// links is the Link header: the licence, where it is a URL, and where the original comes from.
func links(e *catalog.Entry, license string) string {
	targets := [][2]string{{license, "license"}}
	if e.Source.Remote() {
		targets = append(targets, [2]string{e.Source.String(), "canonical"})
	}
	var field string
	for _, t := range targets {
		u := caption.WebURL(t[0])
		if u == "" {
			continue
		}
		link := "<" + u + `>; rel="` + t[1] + `"`
		if field != "" {
			link = field + ", " + link
		}
		if len(link) <= maxLinks {
			field = link
		}
	}
	return field
}

// tags are what a CDN purges by: the picture, the host that it comes from, the posts that show it, as many as fit.
func tags(e *catalog.Entry) []string {
	out := []string{"img-" + e.ID}
	if e.Source.Remote() {
		out = append(out, "host-"+tag(e.Source.Host()))
	}
	size := len(strings.Join(out, " "))
	for _, p := range e.Posts {
		t := "post-" + tag(p.Slug)
		if size += len(t) + 1; size > maxTags {
			break
		}
		out = append(out, t)
	}
	return out
}

// tagFields are e's tags as CDNs read them.
func tagFields(e *catalog.Entry) []field {
	tags := tags(e)
	return []field{newField("Surrogate-Key", strings.Join(tags, " ")), newField("Cache-Tag", strings.Join(tags, ","))}
}

// tag folds text into the alphabet that every CDN takes, [a-z0-9._-], and at most 100 characters of it. Where characters are
// lost, six hexadecimal digits of the text's SHA-256 keep two tags apart.
func tag(text string) string {
	folded := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text)
	if strings.EqualFold(folded, text) && len(folded) <= maxTag {
		return folded
	}
	sum := sha256.Sum256([]byte(text))
	return folded[:min(len(folded), maxTag-7)] + "-" + hex.EncodeToString(sum[:3])
}

const maxTag = 100

// fileStem is the original's file name without extension, for people who save the picture, else the post's slug.
func fileStem(e *catalog.Entry) string {
	base := e.Source.Base()
	stem := strings.TrimSuffix(base, path.Ext(base))
	if stem == "" && len(e.Posts) > 0 {
		stem = e.Posts[0].Slug
	}
	return cleanStem(cmp.Or(stem, e.ID))
}

// cleanStem is a file name that every system takes: no separators, no control characters, at most 100 bytes.
func cleanStem(stem string) string {
	stem = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|%;`, r) {
			return '-'
		}
		return r
	}, caption.Clean(stem))
	if len(stem) > 100 {
		stem = strings.ToValidUTF8(stem[:100], "")
	}
	return stem
}

// disposition names the file: inline, so that browsers show it (RFC 6266; non-ASCII names by RFC 8187).
func (l *label) disposition(spec transform.Spec) string {
	name := l.stem + "-" + strconv.Itoa(spec.Width) + "." + spec.Format.Ext()
	return mime.FormatMediaType("inline", map[string]string{"filename": name})
}

// attachment names the file to save: as the client wishes, but with the extension that its bytes have, so that nothing is
// saved here that a system would run.
func (l *label) attachment(wish string, spec transform.Spec) string {
	stem := strings.TrimLeft(cleanStem(wish), ".") // a leading dot would hide the file
	if _, err := transform.ParseFormat(strings.ToLower(strings.TrimPrefix(path.Ext(stem), "."))); err == nil {
		stem = strings.TrimSuffix(stem, path.Ext(stem))
	}
	if stem = strings.TrimSpace(stem); stem == "" {
		stem = l.stem + "-" + strconv.Itoa(spec.Width)
	}
	return mime.FormatMediaType("attachment", map[string]string{"filename": stem + "." + spec.Format.Ext()})
}
