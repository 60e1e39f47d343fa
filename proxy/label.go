package proxy

import (
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/dunglas/httpsfv"
	"github.com/rivo/uniseg"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A label is what an entry's words and posts put on every one of its responses. It is immutable.
type label struct {
	headers [][2]string // canonical name, value
	stem    string      // of file names that people read
}

// A shelf makes each entry's label once, when it is first asked for.
type shelf struct {
	labels sync.Map // ID → *label; at most one per entry
}

func (s *shelf) label(e *catalog.Entry) *label {
	if l, ok := s.labels.Load(e.ID); ok {
		return l.(*label)
	}
	l, _ := s.labels.LoadOrStore(e.ID, newLabel(e))
	return l.(*label)
}

// maxWord bounds the value of a word's header in bytes on the wire. Three of them and the rest stay under the 4 KiB that
// nginx reads of a header by default.
const maxWord = 1 << 10

func newLabel(e *catalog.Entry) *label {
	l := &label{stem: fileStem(e)}
	add := func(name, value string) {
		if value != "" {
			l.headers = append(l.headers, [2]string{name, value})
		}
	}
	plain := e.Words.Plain()
	add("Image-Alt", displayString(plain.Alt))
	if plain.Decorative {
		add("Image-Alt", `%""`)
	}
	add("Image-Credit", displayString(plain.Credit))
	add("Image-Cutline", displayString(plain.Cutline))
	add("Link", links(e))
	tags := tags(e)
	add("Surrogate-Key", strings.Join(tags, " "))
	add("Cache-Tag", strings.Join(tags, ","))
	return l
}

func (l *label) set(h http.Header) {
	for _, kv := range l.headers {
		h[kv[0]] = []string{kv[1]}
	}
}

// displayString is text as an RFC 9651 Display String, ASCII whatever the text, cut between grapheme clusters so that it
// stays within maxWord. "" has no value.
func displayString(text string) string {
	if text == "" {
		return ""
	}
	room := maxWord - len(`%""`)
	cut, state := 0, -1
	for rest := text; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if room -= wireLen(cluster); room < 0 {
			break
		}
		cut += len(cluster)
	}
	value, err := httpsfv.Marshal(httpsfv.NewItem(httpsfv.DisplayString(text[:cut])))
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
func links(e *catalog.Entry) string {
	var out []string
	if u := linkTarget(e.Words.License); u != "" {
		out = append(out, "<"+u+`>; rel="license"`)
	}
	if e.Source.Remote() {
		if u := linkTarget(e.Source.String()); u != "" {
			out = append(out, "<"+u+`>; rel="canonical"`)
		}
	}
	return strings.Join(out, ", ")
}

// linkTarget returns raw as a URI that can stand between "<" and ">", or "" when it is no absolute http(s) URL.
func linkTarget(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(raw) > maxWord {
		return ""
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	text := u.String()
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || c == '<' || c == '>' || c == '"' {
			return ""
		}
	}
	return text
}

// escapeQuery encodes the bytes of a raw query that may not stand in a URI; url.URL.String leaves them.
func escapeQuery(raw string) string {
	var b strings.Builder
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c > '~' || strings.IndexByte(`"<>\^{|}`+"`", c) >= 0 {
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
			continue
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

// maxTags is what CloudFront takes per object, the lowest of the large CDNs.
const maxTags = 50

// tags are what a CDN purges by: the picture, the posts that show it, the host that it comes from.
func tags(e *catalog.Entry) []string {
	out := []string{"img-" + e.ID}
	if e.Source.Remote() {
		out = append(out, "host-"+tag(e.Source.Host()))
	}
	for _, p := range e.Posts {
		if len(out) == maxTags {
			break
		}
		out = append(out, "post-"+tag(p.Slug))
	}
	return out
}

// tag folds text into the alphabet that every CDN takes, [a-z0-9._-], and at most 100 characters of it.
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
	return folded[:min(len(folded), 100)]
}

// fileStem is the original's file name without extension, for people who save the picture, else the post's slug.
func fileStem(e *catalog.Entry) string {
	base := e.Source.Base()
	stem := strings.TrimSuffix(base, path.Ext(base))
	if stem == "" {
		stem = e.Posts[0].Slug
	}
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
