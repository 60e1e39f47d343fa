package source

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// ParseURL reads an absolute http or https URL, or a protocol-relative one ("//host/path", taken as https).
//
// Canonical is: lower-case scheme; IDNA A-label host (UTS 46), lower-case, without trailing dot; IP literals in their one
// standard spelling; no default port; dot segments removed; percent-encoding in upper-case hex, unreserved characters
// decoded, everything that RFC 3986 does not allow in place encoded; the query otherwise as written.
//
// Refused, because no author means them and attackers do: user names, fragments, other schemes, IPv4 spellings that only
// inet_aton reads (127.1, 0x7f000001), IPv6 zones, IPv4 embedded as ::ffff:a.b.c.d, ports outside 1…65535 or empty, control
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
		return Source{}, schemeError(u.Scheme)
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
	host, err := canonicalHost(u.Hostname(), strings.HasPrefix(u.Host, "["))
	if err != nil {
		return Source{}, err
	}
	port, err := canonicalPort(u)
	if err != nil {
		return Source{}, err
	}
	// A clone: host is a part of raw, and a catalog of a million sources would keep every raw text alive for it.
	s := Source{host: strings.Clone(host), port: port}
	s.text = u.Scheme + "://" + authority(host, port, u.Scheme) + canonicalPath(u.EscapedPath())
	if u.RawQuery != "" || u.ForceQuery {
		s.text += "?" + normalizePercent(encodeBrackets(u.RawQuery))
	}
	if len(s.text) > MaxLen {
		return Source{}, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaxLen)
	}
	return s, nil
}

// Resolve reads a reference that stands in what the URL s names, such as a redirect's Location (RFC 3986 §5.2): absolute or
// relative, as tolerant of characters that RFC 3986 forbids as ParseURL. A fragment is dropped, for it never reaches a server.
// The error is ErrInvalid and does not quote the reference, which may hold a password.
func (s Source) Resolve(reference string) (Source, error) {
	base, err := url.Parse(s.text)
	if err != nil || !s.Remote() {
		return Source{}, fmt.Errorf("%w: a reference from no URL", ErrInvalid)
	}
	if err := checkText(reference); err != nil {
		return Source{}, err
	}
	reference, _, _ = strings.Cut(strings.TrimSpace(reference), "#")
	to, err := base.Parse(escapeIllegal(reference))
	if err != nil {
		return Source{}, fmt.Errorf("%w: expected an http(s) URL", ErrInvalid)
	}
	return ParseURL(to.String())
}

// hostProfile maps names as browsers do (WHATWG URL §3.3, UTS 46): names that are live on the web may have underscores,
// and hyphens where UTS 46 would not have them ("r3---sn-4g5e.example.org"). canonicalHost checks the alphabet itself.
var hostProfile = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true), idna.RemoveLeadingDots(false),
	idna.StrictDomainName(false), idna.CheckHyphens(false),
)

func schemeError(scheme string) error {
	if scheme == "" {
		return fmt.Errorf("%w: expected http(s)://host/path, or a site path that begins with /", ErrInvalid)
	}
	return fmt.Errorf("%w: scheme %q: expected http or https", ErrInvalid, scheme)
}

// canonicalHost returns the one spelling of a DNS name or IP literal. Only IPv6 addresses stand in brackets, and always.
func canonicalHost(host string, bracketed bool) (string, error) {
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("%w: host %q: %s", ErrInvalid, host, why)
	}
	if bracketed || strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(host)
		switch {
		case err != nil || !addr.Is6() || !bracketed:
			return bad("expected an IPv6 address in brackets")
		case addr.Zone() != "":
			return bad("IPv6 zone")
		case addr.Is4In6():
			return bad("IPv4 embedded in IPv6")
		}
		return addr.String(), nil
	}
	ascii, err := hostProfile.ToASCII(host)
	// The dot of a fully qualified name goes after the mapping, which makes dots of other full stops.
	ascii = strings.ToLower(strings.TrimSuffix(ascii, "."))
	if err != nil || ascii == "" || strings.HasSuffix(ascii, ".") {
		return bad("expected a domain name")
	}
	// Some malformed labels map to others without end; a canonical name maps to itself.
	if ascii != host {
		if again, err := hostProfile.ToASCII(ascii); err != nil || again != ascii {
			return bad("expected a domain name")
		}
	}
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
	escaped = normalizePercent(encodeBrackets(escaped))
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

// encodeBrackets encodes what RFC 3986 §3.2.2 allows in a host alone, and url.Parse everywhere.
func encodeBrackets(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "[", "%5B"), "]", "%5D")
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
