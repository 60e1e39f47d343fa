package source

import (
	"net/url"
	"path"
	"strings"
)

// maxNesting bounds how deep wrappers are followed. Search engines index CDNs' wrappers, so two happen often and three do;
// every step makes the text shorter, so the bound is a limit of work, not what ends it.
const maxNesting = 4

// Unwrap looks for the picture's own URL inside the URL of a search engine's or CDN's image proxy, up to four deep.
// It returns the innermost URL and the outermost wrapper's name as people know it ("DuckDuckGo"). ok is false when s is no
// wrapper, or an opaque one whose inner URL cannot be read off (see Opaque).
//
// The inner host is the author's choice, not the wrapper's: callers check it as they check any source. Tokens in a wrapper's
// URL change with every search, so the inner URL is the stable identity; the wrapper's own sizing is dropped with it.
func (s Source) Unwrap() (inner Source, wrapper string, ok bool) {
	layers, wrapper := s.layers()
	if len(layers) == 0 {
		return Source{}, "", false
	}
	return layers[len(layers)-1], wrapper, true
}

// Layers are what is inside s, one wrapper less from each to the next; the last is Unwrap's. It is empty where s is no wrapper.
func (s Source) Layers() []Source {
	layers, _ := s.layers()
	return layers
}

func (s Source) layers() (inside []Source, outermost string) {
	for range maxNesting {
		next, w := s.unwrapOnce()
		if w == nil {
			break
		}
		if len(inside) == 0 {
			outermost = w.name
		}
		inside, s = append(inside, next), next
	}
	return inside, outermost
}

// Opaque reports whether s, or what s wraps, is a search engine's thumbnail: it hides the picture's own URL, is small, and
// expires. wrapper is the engine's name.
func (s Source) Opaque() (wrapper string, ok bool) {
	if inner, _, found := s.Unwrap(); found {
		s = inner
	}
	if !s.Remote() {
		return "", false
	}
	p := s.split()
	for _, t := range thumbnails {
		if p.at(t.hosts, t.path) {
			return t.name, true
		}
	}
	return "", false
}

// WrapperPage reports whether s is a wrapper, as Unwrap knows them, that is a web page: a search engine's view of one
// picture, which people copy from the address bar. Asking it for a picture is vain in most cases, asking for the inner URL
// first is not.
func (s Source) WrapperPage() bool {
	_, w := s.unwrapOnce()
	return w != nil && w.page
}

// unwrapOnce takes one wrapper off and says which; nil when there is none.
func (s Source) unwrapOnce() (inner Source, by *wrapper) {
	if !s.Remote() {
		return Source{}, nil
	}
	p := s.split()
	first := 0 // where what tells by stands in the path
	for i := range wrappers {
		w := &wrappers[i]
		if !p.at(w.hosts, w.path) {
			continue
		}
		at := w.begins(p)
		if by != nil && at >= first {
			continue
		}
		if found, ok := parseInner(w.inner(p)); ok {
			inner, by, first = found, w, at
		}
	}
	return inner, by
}

// begins is where in the path stands what tells the wrapper: of one that is told by its host, before everything. A path may hold
// another wrapper's URL whole, and then the outer one is told first.
func (w *wrapper) begins(p parts) int {
	mark, atEnd := strings.CutSuffix(strings.TrimPrefix(w.path, "^"), "$")
	switch {
	case w.hosts != nil:
		return -1
	case atEnd:
		return strings.LastIndex(p.path, mark)
	}
	return strings.Index(p.path, mark)
}

// parseInner reads what a wrapper held. Some wrappers are given URLs that were encoded once too often, and a fragment
// never reaches a server.
func parseInner(text string) (Source, bool) {
	for range maxNesting {
		if !encodedURL(text) {
			break
		}
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return Source{}, false
		}
		text = decoded
	}
	text, _, _ = strings.Cut(text, "#")
	if text == "" {
		return Source{}, false
	}
	s, err := ParseURL(text)
	return s, err == nil
}

// encodedURL reports whether text begins like a URL whose "://" is percent-encoded, once or more often.
func encodedURL(text string) bool {
	lower := strings.ToLower(text[:min(len(text), len("https:%2f"))])
	for _, prefix := range []string{"http%3a", "https%3a", "http%25", "https%25", "http:%2f", "https:%2f"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return false
}

// parts are the pieces of a canonical URL, still encoded.
type parts struct {
	site  string // scheme and authority: "https://example.org:8443"
	host  string
	path  string // begins with "/"
	query string // without "?"
}

func (s Source) split() parts {
	text, query, _ := strings.Cut(s.text, "?")
	start := strings.Index(text, "://") + len("://")
	slash := start + strings.IndexByte(text[start:], '/')
	return parts{site: text[:slash], host: s.host, path: text[slash:], query: query}
}

// at reports whether the host matches one of hosts (patterns of path.Match; none means any) and the path contains sub,
// from its beginning when sub begins with "^", to its end when it ends with "$".
func (p parts) at(hosts []string, sub string) bool {
	text, begin := strings.CutPrefix(sub, "^")
	text, end := strings.CutSuffix(text, "$")
	if !strings.Contains(p.path, text) || begin && !strings.HasPrefix(p.path, text) ||
		end && !strings.HasSuffix(p.path, text) || begin && end && p.path != text {
		return false
	}
	for _, h := range hosts {
		if ok, _ := path.Match(h, p.host); ok { // the patterns are constants of this package, proved good by a test
			return true
		}
	}
	return len(hosts) == 0
}

// after is what follows sub in the path; "" when sub does not occur.
func (p parts) after(sub string) string {
	_, rest, _ := strings.Cut(p.path, sub)
	return rest
}

// param is the decoded value of the first query parameter of that name; "" when absent or undecodable. A parameter behind
// the HTML entity "&amp;" is found too: that is how URLs look that were copied out of a page's source.
func (p parts) param(name string) string {
	for pair := range strings.SplitSeq(p.query, "&") {
		key, value, _ := strings.Cut(strings.TrimPrefix(pair, "amp;"), "=")
		if key != name {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			return text
		}
	}
	return ""
}

// withQuery appends the query to text, for wrappers that hand their query on.
func (p parts) withQuery(text string) string {
	if p.query == "" {
		return text
	}
	return text + "?" + p.query
}
