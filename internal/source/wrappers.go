package source

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// A wrapper is an image proxy that carries the picture's own URL in its own.
type wrapper struct {
	name  string
	hosts []string             // as parts.at takes them
	path  string               // as parts.at takes it
	inner func(p parts) string // the URL inside, as ParseURL takes it; "" when there is none
	page  bool                 // it is a web page that shows the picture: HTML is what it normally answers
}

var google = []string{"google.com", "www.google.com", "images.google.com", "www.google.??", "www.google.co.??", "www.google.com.??", "images.google.??", "images.google.co.??", "images.google.com.??"}

// wrappers are tried in order; the first whose inner URL parses wins, but for those of any host, of which that wins whose
// mark stands first in the path. Shapes were collected from posts in public
// repositories; proxies that run under any host and hide nothing but a path (imgproxy, thumbor, ipx) are not here,
// because their shapes occur in addresses that are no wrappers.
var wrappers = []wrapper{
	{"DuckDuckGo", []string{"external-content.duckduckgo.com", "proxy.duckduckgo.com", "images.duckduckgo.com"}, "^/iu/", query("u"), false},
	{"DuckDuckGo", []string{"duckduckgo.com"}, "^/$", query("iai"), true},
	{"Google Images", google, "^/imgres$", query("imgurl"), true},
	{"Google", []string{"*.googleusercontent.com"}, "^/gadgets/proxy$", query("url"), false},
	{"Bing", []string{"*.bing.com", "*.bing.net"}, "^/th", query("riu"), false},
	{"Bing", []string{"www.bing.com", "bing.com"}, "^/images/search", query("mediaurl"), true},
	{"Brave", []string{"imgs.search.brave.com"}, "^/", brave, false},
	{"Qwant", []string{"s[0-9].qwant.com"}, "^/thumbr/", query("u"), false},
	{"Startpage", []string{"www.startpage.com"}, "^/av/proxy-image$", query("piurl"), false},
	{"Photon", []string{"i[0-3].wp.com"}, "^/", photon, false},
	{"weserv", []string{"images.weserv.nl", "wsrv.nl"}, "^/$", weserv, false},
	{"Next.js", nil, "/_next/image$", siteQuery("url"), false},
	{"Vercel", nil, "^/_vercel/image$", siteQuery("url"), false},
	{"Netlify", nil, "^/.netlify/images$", siteQuery("url"), false},
	{"Astro", nil, "/_image$", siteQuery("href"), false},
	{"Cloudinary", nil, "/image/fetch/", tail("/image/fetch"), false},
	{"Cloudflare", nil, "/cdn-cgi/image/", cloudflare, false},
	{"DEV", []string{"*.dev.to"}, "/dynamic/image/", tail("/dynamic/image"), false},
	{"Yahoo", []string{"*.yimg.com"}, "/api/res/1.2/", tail("/api/res/1.2"), false},
	{"Facebook", []string{"external*.fbcdn.net", "www.facebook.com"}, "^/safe_image.php$", query("url"), false},
	{"GitHub", []string{"camo.githubusercontent.com"}, "^/", camo, false},
	{"Wayback Machine", []string{"web.archive.org"}, "^/web/", wayback, false},
	{"AMP cache", []string{"*.cdn.ampproject.org"}, "^/i", amp, false},
}

// thumbnails are search engines' own copies, under names that say nothing of where the picture came from.
var thumbnails = []struct {
	name  string
	hosts []string
	path  string
}{
	{"Bing", []string{"*.bing.com", "*.bing.net"}, "^/th$"},
	{"Bing", []string{"*.bing.com", "*.bing.net"}, "^/th/id/"},
	{"Google", []string{"encrypted-tbn[0-9].gstatic.com", "t[0-9].gstatic.com"}, "^/images$"},
}

// query takes the URL from a query parameter.
func query(name string) func(parts) string {
	return func(p parts) string { return p.param(name) }
}

// siteQuery takes it from a query parameter that may also hold a path on the wrapper's own host.
func siteQuery(name string) func(parts) string {
	return func(p parts) string {
		text := p.param(name)
		if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
			return p.site + text
		}
		return text
	}
}

// tail takes the URL from the end of the path: from the first segment behind prefix that begins like a URL. An encoded
// one is a segment of its own and complete; a plain one owns the wrapper's query, as the proxies take it.
func tail(prefix string) func(parts) string {
	return func(p parts) string {
		rest := "/" + strings.TrimPrefix(p.after(prefix), "/")
		for rest != "" {
			rest = rest[1:]
			if encodedURL(rest) {
				return rest
			}
			if text, ok := plainURL(rest); ok {
				return p.withQuery(text)
			}
			next := strings.IndexByte(rest, '/')
			if next < 0 {
				break
			}
			rest = rest[next:]
		}
		return ""
	}
}

// plainURL reads "https://host/…" at the beginning of a piece of a path, and "https:/host/…", which it becomes where
// servers merge slashes.
func plainURL(text string) (string, bool) {
	for _, scheme := range []string{"https:/", "http:/"} {
		if rest, ok := strings.CutPrefix(text, scheme); ok {
			return scheme + "/" + strings.TrimPrefix(rest, "/"), true
		}
	}
	return "", false
}

// hosted makes a URL of "host/path"; "" when text does not begin with a domain name.
func hosted(scheme, text string) string {
	host, _, _ := strings.Cut(text, "/")
	if !strings.Contains(strings.Trim(host, "."), ".") {
		return ""
	}
	return scheme + "://" + text
}

// photon reads WordPress.com's "/HOST/PATH?ssl=1&resize=…"; q holds the origin's query.
func photon(p parts) string {
	scheme := "http"
	if p.param("ssl") == "1" {
		scheme = "https"
	}
	text := hosted(scheme, p.path[1:])
	if q := p.param("q"); q != "" && text != "" {
		text += "?" + q
	}
	return text
}

// weserv reads images.weserv.nl's url=, whose scheme is optional; "ssl:" was its older spelling of https.
func weserv(p parts) string {
	text := p.param("url")
	if rest, ok := strings.CutPrefix(text, "ssl:"); ok {
		return hosted("https", strings.TrimLeft(rest, "/"))
	}
	if encodedURL(text) || strings.Contains(text, "://") || strings.HasPrefix(text, "//") {
		return text
	}
	return hosted("http", text)
}

// cloudflare reads "/cdn-cgi/image/OPTIONS/URL", whose URL may be a path on the same host.
func cloudflare(p parts) string {
	if text := tail("/cdn-cgi/image")(p); text != "" {
		return text
	}
	options, rest, _ := strings.Cut(p.after("/cdn-cgi/image/"), "/")
	if rest == "" || !strings.Contains(options, "=") && !strings.Contains(options, "%3D") {
		return ""
	}
	return p.withQuery(p.site + "/" + rest)
}

// camo reads GitHub's "/DIGEST/HEX".
func camo(p parts) string {
	_, digits, _ := strings.Cut(p.path[1:], "/")
	text, err := hex.DecodeString(digits)
	if err != nil {
		return ""
	}
	return string(text)
}

// brave reads "/SIGNATURE/OPTIONS…/BASE64", whose Base64 is broken into segments. "aHR0c" is "http".
func brave(p parts) string {
	_, rest, ok := strings.Cut(p.path, "/aHR0c")
	if !ok {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString("aHR0c" + strings.TrimRight(strings.ReplaceAll(rest, "/", ""), "="))
	if err != nil {
		return ""
	}
	return string(text)
}

// wayback reads "/web/TIMESTAMP[FLAG_]/URL", whose scheme is optional.
func wayback(p parts) string {
	stamp, rest, _ := strings.Cut(p.after("/web/"), "/")
	digits := strings.TrimRight(stamp, "abcdefghijklmnopqrstuvwxyz_")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	if encodedURL(rest) {
		return rest
	}
	if text, ok := plainURL(rest); ok {
		return p.withQuery(text)
	}
	if text := hosted("http", rest); text != "" {
		return p.withQuery(text)
	}
	return ""
}

// amp reads "/i/[s/]HOST/PATH" and "/ii/wWIDTH/[s/]HOST/PATH"; "s" says https.
func amp(p parts) string {
	rest, ok := strings.CutPrefix(p.path, "/i/")
	if !ok {
		if rest, ok = strings.CutPrefix(p.path, "/ii/w"); !ok {
			return ""
		}
		_, rest, _ = strings.Cut(rest, "/")
	}
	scheme := "http"
	if secure, ok := strings.CutPrefix(rest, "s/"); ok {
		scheme, rest = "https", secure
	}
	if text := hosted(scheme, rest); text != "" {
		return p.withQuery(text)
	}
	return ""
}
