package export

import (
	"hash/fnv"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// short is text as it is kept: trimmed, not longer than maxWord, and no part of a longer text in memory.
func short(text string) string { return clip(strings.TrimSpace(text)) }

func clip(text string) string {
	if len(text) > maxWord {
		text = strings.ToValidUTF8(text[:maxWord], "")
	}
	return strings.Clone(text)
}

// maxSlug bounds a slug in bytes: WordPress keeps 200, Ghost 191.
const maxSlug = 200

// slug is the first of several names, of which the first is one already, as a part of a URL: decoded, without blanks and slashes; a hash of them where they
// hold nothing that could be one.
func slug(names ...string) string {
	for i, name := range names {
		if decoded, err := url.PathUnescape(name); err == nil && utf8.ValidString(decoded) {
			name = decoded
		}
		if i > 0 {
			name = strings.ToLower(name) // a title
		}
		if s := dashed(name); s != "" {
			return s
		}
	}
	sum := fnv.New64a()
	for _, name := range names {
		_, _ = sum.Write([]byte(name)) // a hash never fails
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}

// dashed makes dashes of what has no place in a part of a URL.
func dashed(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range name {
		if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || strings.ContainsRune("/\\?#%\"'`<>&|;:*,()[]{}!$=+^~@", r) {
			gap = b.Len() > 0
			continue
		}
		if r == '.' && (gap || b.Len() == 0) {
			continue
		}
		if b.Len()+utf8.UTFMax >= maxSlug {
			break
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), ".")
}

// slugOf is the slug of a feed's post: the last part of its address, without the extension of a page, else its title, else
// what identifies it.
func slugOf(link, title, id string) string {
	for _, address := range [...]string{link, id} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			continue
		}
		last := path.Base(strings.TrimSuffix(u.Path, "/"))
		for _, ext := range [...]string{".html", ".htm", ".php", ".aspx"} {
			last = strings.TrimSuffix(last, ext)
		}
		if s := dashed(last); s != "" && s != "index" {
			return s
		}
	}
	return slug("", title, id, link)
}

// timeForms are how the formats write a time: RFC 3339 (Ghost, Atom, JSON Feed), RFC 822 with its variants (RSS), and the
// columns of WordPress's tables.
var timeForms = []string{
	time.RFC3339Nano, time.RFC1123Z, time.RFC1123, "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST",
	"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02",
}

// firstTime is the first of the texts that is a time, to the second; the zero time where none is.
func firstTime(texts ...string) time.Time {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" || len(text) > 64 || strings.HasPrefix(text, "0000") {
			continue
		}
		for _, form := range timeForms {
			if at, err := time.Parse(form, text); err == nil {
				return at.UTC().Truncate(time.Second)
			}
		}
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 && ms < 1<<53 {
			return time.UnixMilli(ms).UTC() // Ghost before version 1
		}
	}
	return time.Time{}
}

// resolve completes an address by the first base that is one.
func resolve(raw string, bases ...string) string {
	u, err := url.Parse(raw)
	if err != nil || u.IsAbs() || raw == "" {
		return raw
	}
	for _, base := range bases {
		if b, err := url.Parse(strings.TrimSpace(base)); err == nil && b.IsAbs() && b.Host != "" {
			return b.ResolveReference(u).String()
		}
	}
	return raw
}
