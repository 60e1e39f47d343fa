package markup

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/dd8bf596/cutline/internal/caption"
)

// ccPath is the path of Creative Commons' licences and of its two tools of the public domain:
// /licenses/by-sa/3.0/de/, /publicdomain/zero/1.0/deed.en.
var ccPath = regexp.MustCompile(`^/(licenses|publicdomain)/([a-z]+(?:[-+][a-z]+)*)/([0-9]\.[0-9])(?:/([a-z]{2}|igo|scotland))?(?:/(?:deed|legalcode)(?:\.[A-Za-z-]+)?)?/?$`)

// licenseOf is a licence as it is shown: a link that says the licence's name, or, where the author wrote a name, that name, with
// the link in it.
func licenseOf(w caption.Words) piece {
	target := w.LicenseURL()
	if target == "" {
		return piece{Text: caption.Plain(w.License)}
	}
	name := text(pieces(w.License))
	if caption.WebURL(name) != "" {
		name = licenseName(target)
	}
	return piece{Text: name, URL: target, Rel: "license"}
}

// licenseName is what people call the licence at target: "CC BY 4.0" for Creative Commons', else where it stands, without the
// parts of a URL that tell nothing.
func licenseName(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if host == "creativecommons.org" {
		if m := ccPath.FindStringSubmatch(u.Path); m != nil {
			return ccName(m[1], m[2], m[3], m[4])
		}
	}
	if path := strings.TrimSuffix(u.Path, "/"); len(host+path) <= maxLicenseName {
		return caption.Clean(host + path)
	}
	return caption.Clean(host)
}

// maxLicenseName is how many bytes of a licence's address are shown: about as much as fits into a line on a telephone.
const maxLicenseName = 40

func ccName(kind, code, version, jurisdiction string) string {
	name := "CC " + strings.ToUpper(code)
	if kind == "publicdomain" {
		switch code {
		case "zero":
			name = "CC0"
		case "mark":
			name = "Public Domain Mark"
		default:
			name = "Public Domain"
		}
	}
	name += " " + version
	if jurisdiction != "" {
		name += " " + strings.ToUpper(jurisdiction)
	}
	return name
}

// sameLicense reports whether two URLs, of which either may be "", lead to one licence: http or https, its deed or its legal
// code.
func sameLicense(a, b string) bool {
	return a != "" && b != "" && licenseKey(a) == licenseKey(b)
}

func licenseKey(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	host := strings.TrimPrefix(strings.ToLower(u.Host), "www.")
	if m := ccPath.FindStringSubmatch(u.Path); m != nil && host == "creativecommons.org" {
		return strings.Join(m[1:], " ")
	}
	return host + strings.TrimSuffix(u.RequestURI(), "/")
}
