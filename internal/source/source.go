// Package source gives every original one name: a Source, in one canonical spelling that the scanner, the cache key,
// the signer and the fetcher share.
//
// It reads text only. It never resolves a name, opens a file or judges an address: that is fetch's job.
package source

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ErrInvalid says that a text names no original. Every error of this package wraps it, with what was expected.
var ErrInvalid = errors.New("not a usable image source")

// MaxLen bounds a source in bytes. Real wrapped URLs reach about 700; servers commonly refuse request lines over 8 KB.
const MaxLen = 4096

// A Source names an original: an absolute http or https URL, or a file under the site root.
//
// Sources are comparable and usable as map keys; two texts that name the same original by the rules of Parse give equal
// Sources. The zero Source names nothing. A Source is immutable and safe for concurrent use.
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
// are part of the name. A leading "/" or "./" is optional; a path that leaves the root is ErrInvalid.
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
	return Source{text: "/" + clean}, nil
}

// ParseURL reads an absolute http or https URL, or a protocol-relative one ("//host/path", taken as https).
//
// Canonical is: lower-case scheme; IDNA A-label host (UTS 46), lower-case, without trailing dot; IP literals in their one
// standard spelling; no default port; dot segments removed; percent-encoding in upper-case hex, unreserved characters
// decoded, everything that RFC 3986 does not allow in place encoded; the query otherwise as written.
//
// Refused, because no author means them and attackers do: user names, fragments, other schemes, IPv4 spellings that only
// inet_aton reads (127.1, 0x7f000001), IPv6 zones, IPv4 embedded as ::ffff:a.b.c.d, ports outside 1…65535, control
// characters, invalid UTF-8.
func ParseURL(raw string) (Source, error) {
	if err := checkText(raw); err != nil {
		return Source{}, err
	}
	raw = strings.TrimSpace(raw)
	if strings.HasPrefix(raw, "//") {
		raw = "https:" + raw
	}
	u, err := url.Parse(escapeIllegal(raw))
	if err != nil {
		return Source{}, fmt.Errorf("%w: expected an http(s) URL", ErrInvalid)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Source{}, fmt.Errorf("%w: scheme %q: expected http or https", ErrInvalid, u.Scheme)
	}
	if u.Opaque != "" || u.Host == "" {
		return Source{}, fmt.Errorf("%w: expected %s://host/path", ErrInvalid, u.Scheme)
	}
	if u.User != nil {
		return Source{}, fmt.Errorf("%w: user name or password in the URL", ErrInvalid)
	}
	if strings.Contains(raw, "#") {
		return Source{}, fmt.Errorf("%w: fragment (#…) in the URL", ErrInvalid)
	}
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return Source{}, err
	}
	port, err := canonicalPort(u)
	if err != nil {
		return Source{}, err
	}
	s := Source{host: host, port: port}
	s.text = u.Scheme + "://" + authority(host, port, u.Scheme) + canonicalPath(u.EscapedPath())
	if u.RawQuery != "" || u.ForceQuery {
		s.text += "?" + normalizePercent(u.RawQuery)
	}
	if len(s.text) > MaxLen {
		return Source{}, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaxLen)
	}
	return s, nil
}

// String is the canonical text: a URL, or "/" and the path under the site root.
func (s Source) String() string { return s.text }

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

// Base is the last element of the path, decoded, for file names that people read; it may be empty.
func (s Source) Base() string {
	if !s.Remote() {
		return path.Base(s.text)
	}
	u, err := url.Parse(s.text)
	if err != nil || strings.HasSuffix(u.Path, "/") {
		return ""
	}
	return path.Base(u.Path)
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

var hostProfile = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true), idna.RemoveLeadingDots(false),
	idna.StrictDomainName(false), // underscores occur in real bucket host names; canonicalHost checks the alphabet itself
)

// canonicalHost returns the one spelling of a DNS name or IP literal.
func canonicalHost(host string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("%w: host %q: %s", ErrInvalid, host, why)
	}
	if strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(host)
		switch {
		case err != nil:
			return bad("expected an IPv6 address")
		case addr.Zone() != "":
			return bad("IPv6 zone")
		case addr.Is4In6():
			return bad("IPv4 embedded in IPv6")
		}
		return addr.String(), nil
	}
	name := strings.TrimSuffix(host, ".")
	ascii, err := hostProfile.ToASCII(name)
	if err != nil || ascii == "" {
		return bad("expected a domain name")
	}
	ascii = strings.ToLower(ascii)
	for i := range len(ascii) {
		if c := ascii[i]; !isAlnum(c) && c != '-' && c != '.' && c != '_' {
			return bad("expected a domain name")
		}
	}
	// A name whose last label is a number is an IPv4 address to WHATWG URL parsers and to inet_aton, in spellings
	// that differ; only dotted decimal is the same everywhere.
	last := ascii[strings.LastIndexByte(ascii, '.')+1:]
	if isNumber(last) {
		addr, err := netip.ParseAddr(ascii)
		if err != nil {
			return bad("expected an IPv4 address as four decimal numbers")
		}
		return addr.String(), nil
	}
	return ascii, nil
}

func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

func canonicalPort(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		if strings.HasSuffix(u.Host, ":") {
			return 0, fmt.Errorf("%w: empty port", ErrInvalid)
		}
		if u.Scheme == "https" {
			return 443, nil
		}
		return 80, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || text != strconv.FormatUint(n, 10) {
		return 0, fmt.Errorf("%w: port %q: expected 1 to 65535", ErrInvalid, text)
	}
	return uint16(n), nil
}

func authority(host string, port uint16, scheme string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if scheme == "http" && port == 80 || scheme == "https" && port == 443 {
		return host
	}
	return host + ":" + strconv.Itoa(int(port))
}

// canonicalPath removes dot segments from an escaped path (RFC 3986 §5.2.4) without merging slashes: "//" inside a path
// is significant, the wrappers of photo services put whole URLs there.
func canonicalPath(escaped string) string {
	escaped = normalizePercent(escaped)
	var out []string
	parts := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, p := range parts {
		last := i == len(parts)-1
		switch p {
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, p)
		}
	}
	return "/" + strings.Join(out, "/")
}

const upperHex = "0123456789ABCDEF"

// escapeIllegal percent-encodes the bytes that RFC 3986 allows nowhere in a URL (blanks, quotes, non-ASCII …) and a "%"
// that begins no escape, so that what authors paste from an address bar can be parsed. The host is left alone.
func escapeIllegal(raw string) string {
	start := 0
	if _, rest, ok := strings.Cut(raw, "://"); ok {
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			start = len(raw) - len(rest) + i
		} else {
			start = len(raw)
		}
	}
	var b strings.Builder
	b.WriteString(raw[:start])
	for i := start; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '%' && !(i+2 < len(raw) && isHex(raw[i+1]) && isHex(raw[i+2])),
			c <= ' ', c >= 0x7f, strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// normalizePercent upper-cases percent escapes and decodes those of unreserved characters (RFC 3986 §6.2.2).
func normalizePercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			b.WriteByte(s[i])
			continue
		}
		c := unhex(s[i+1])<<4 | unhex(s[i+2])
		if isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
		i += 2
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
