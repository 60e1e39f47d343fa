package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/dd8bf596/cutline/cache/bucket"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/sign"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
	"github.com/dd8bf596/cutline/proxy"
)

// The functions here read one word of the configuration. Their errors say what was expected, in words that stand after
// "key: " and before "(got …)".

// maxSide bounds widths and heights, in pixels: the grammar of transform.Spec ends there.
const maxSide = 8192

func intBetween(lo, hi int) func(string) (int, error) {
	wide := int64Between(int64(lo), int64(hi))
	return func(s string) (int, error) {
		n, err := wide(s)
		return int(n), err
	}
}

// int64Between reads a decimal number; "_" may group its digits (50_000_000).
func int64Between(lo, hi int64) func(string) (int64, error) {
	return func(s string) (int64, error) {
		n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
		if err != nil || n < lo || n > hi {
			return 0, fmt.Errorf("expected a whole number from %d to %d", lo, hi)
		}
		return n, nil
	}
}

// byteUnits are the units of sizes, largest first: powers of 1024 with an i (IEC 80000-13), powers of 1000 without.
var byteUnits = [...]struct {
	suffix string
	factor int64
}{
	{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
	{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
}

// parseBytes reads a size: a whole number, and optionally one of byteUnits directly after it. "KB" is read as kB.
func parseBytes(s string) (int64, error) {
	bad := errors.New("expected bytes such as 20000000, 20MB or 64MiB")
	digits := strings.TrimRight(s, "BKMGTik")
	factor := int64(1)
	if suffix := s[len(digits):]; suffix != "" {
		i := slices.IndexFunc(byteUnits[:], func(u struct {
			suffix string
			factor int64
		}) bool {
			return u.suffix == suffix || u.suffix == "kB" && suffix == "KB"
		})
		if i < 0 {
			return 0, bad
		}
		factor = byteUnits[i].factor
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(digits, "_", ""), 10, 63)
	if err != nil || n > math.MaxInt64/uint64(factor) {
		return 0, bad
	}
	return int64(n) * factor, nil
}

// formatBytes is the shortest text that parseBytes reads as n, for n ≥ 0.
func formatBytes(n int64) string {
	best := strconv.FormatInt(n, 10)
	for _, u := range byteUnits {
		if n == 0 || n%u.factor != 0 || u.factor == 1 {
			continue
		}
		if text := strconv.FormatInt(n/u.factor, 10) + u.suffix; len(text) < len(best) {
			best = text
		}
	}
	return best
}

func bytesBetween(lo, hi int64) func(string) (int64, error) {
	return func(s string) (int64, error) {
		n, err := parseBytes(s)
		if err != nil {
			return 0, err
		}
		if n < lo || n > hi {
			return 0, fmt.Errorf("must be %s to %s", formatBytes(lo), formatBytes(hi))
		}
		return n, nil
	}
}

func durationBetween(lo, hi time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, errors.New("expected a duration such as 15s, 2m or 24h")
		}
		if d < lo || d > hi {
			return 0, fmt.Errorf("must be %s to %s", formatDuration(lo), formatDuration(hi))
		}
		return d, nil
	}
}

// formatDuration is Duration.String without zero minutes and seconds: "24h", not "24h0m0s".
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func durationText(d time.Duration) *yaml.Node { return text(formatDuration(d)) }

func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(words, s) {
			return "", errors.New("expected " + joinOr(words))
		}
		return s, nil
	}
}

func parseNotEmpty(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("expected a text that is not empty")
	}
	return s, nil
}

func parseFolder(s string) (string, error) {
	clean := strings.TrimSuffix(strings.TrimPrefix(s, "./"), "/")
	if !fs.ValidPath(clean) {
		return "", errors.New("expected a folder or an export file under the site root such as content/posts")
	}
	return clean, nil
}

func parseDotted(s string) (string, error) {
	if s == "" || slices.Contains(strings.Split(s, "."), "") {
		return "", errors.New("expected a dotted path in front matter such as params.hero.file")
	}
	return s, nil
}

func parseSlot(s string) error {
	if !slices.Contains(slots[:], s) {
		return errors.New("expected " + joinOr(slots[:]) + didYouMean(s, slots[:]))
	}
	return nil
}

func parseCode(s string) error {
	var names []string
	for _, c := range catalog.Codes() {
		names = append(names, c.Name)
	}
	if !slices.Contains(names, s) {
		return errors.New("expected a code, as 'cutline lint --codes' lists them" + didYouMean(s, names))
	}
	return nil
}

func parseSeverity(s string) (catalog.Severity, error) {
	word, err := oneOf(string(catalog.Error), string(catalog.Warning), string(catalog.Off))(s)
	return catalog.Severity(word), err
}

func severityText(s catalog.Severity) *yaml.Node { return text(string(s)) }

func parseImageBase(s string) (string, error) {
	u, err := url.Parse(strings.ReplaceAll(s, "{path}", "path"))
	if s != "" && (err != nil || !isHTTP(u) || !strings.Contains(s, "{path}")) {
		return "", errors.New("expected an http(s) URL with {path} such as https://img.example/{path}")
	}
	return s, nil
}

func parsePublicURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || !isHTTP(u) || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return "", errors.New("expected scheme and host only such as https://img.example")
	}
	return u.Scheme + "://" + u.Host, nil
}

func isHTTP(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Opaque == ""
}

func parseListen(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", errors.New("expected host:port such as 127.0.0.1:8080 or :8080")
	}
	return s, nil
}

// parseAdmin is parseListen, or adminOff.
func parseAdmin(s string) (string, error) {
	if s == adminOff {
		return s, nil
	}
	if _, err := parseListen(s); err != nil {
		return "", errors.New("expected host:port such as 127.0.0.1:9091, or off")
	}
	return s, nil
}

// leastToken is what a token has at least, in characters: 16 of base64 are 96 bits.
const leastToken = 16

// checkToken refuses what is no bearer token, and what somebody guesses; RFC 6750 §2.1 has its alphabet, but any visible ASCII passes
// through a header.
func checkToken(s string) error {
	if len(s) < leastToken || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("expected at least %d letters, digits and signs, as 'openssl rand -base64 24' makes them", leastToken)
	}
	if sign.CheckToken(s) != nil {
		return errors.New("this token is an example, or can be guessed; 'openssl rand -base64 24' makes a good one")
	}
	return nil
}

// loopback reports whether host:port is of this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// parsePrefix reads a CIDR prefix strictly: bits set beyond its length hide what is meant, and a length of 0 would open
// every address.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	switch addr, addrErr := netip.ParseAddr(s); {
	case err != nil && addrErr == nil && addr.Zone() == "":
		return p, fmt.Errorf("expected a CIDR prefix; did you mean %s?", netip.PrefixFrom(addr, addr.BitLen()))
	case err != nil:
		return p, errors.New("expected a CIDR prefix such as 10.0.0.0/8 or fd00::/8")
	case p.Bits() == 0:
		return p, errors.New("would allow every address")
	case p != p.Masked():
		return p, fmt.Errorf("has bits set beyond its length; did you mean %s?", p.Masked())
	}
	return p, nil
}

func prefixText(p netip.Prefix) *yaml.Node { return text(p.String()) }

func parseHost(s string) (string, error) { return s, proxy.CheckHost(s) }

// parseUserAgent reads what may stand in a header field (RFC 9110 §5.5), in visible ASCII.
func parseUserAgent(s string) (string, error) {
	bad := func(r rune) bool { return r < ' ' || r > '~' }
	if strings.TrimSpace(s) == "" || len(s) > 256 || strings.ContainsFunc(s, bad) {
		return "", errors.New("expected 1 to 256 characters of ASCII such as example-news/1.0 (+https://example.org/contact)")
	}
	return s, nil
}

// presetName keeps presets apart from the rest of a URL's last element: "-" joins spec words, "." begins the format.
var presetName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func parsePresetName(s string) error {
	if !presetName.MatchString(s) {
		return errors.New("expected a preset name of a to z, 0 to 9 and _, a letter first, at most 32 characters")
	}
	if s == "meta" || s == "figure" {
		return errors.New("expected another preset name: meta.json and figure.html stand beside the pictures")
	}
	if _, err := transform.ParseSpec(s); err == nil {
		return errors.New("expected a preset name that is not a spec itself")
	}
	return nil
}

func parsePreset(s string) (transform.Spec, error) {
	spec, err := transform.ParseSpec(s)
	switch {
	case err != nil:
		return spec, err
	case spec.Format != 0:
		return spec, errors.New("expected a spec without format such as w640-h360-cover")
	case spec == transform.Spec{}:
		return spec, errors.New("expected spec words such as w640-h360-cover")
	}
	return spec, nil
}

func specText(s transform.Spec) *yaml.Node { return text(s.String()) }

// writable are the formats that the engine encodes, those that make the smallest files first.
func writable() []transform.Format {
	engine := goengine.New()
	defer func() { _ = engine.Close() }() // it was not used
	all := []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF}
	return slices.DeleteFunc(all, func(f transform.Format) bool { return !engine.Can(f).Encode })
}

func parseFormat(s string) (transform.Format, error) {
	f, err := transform.ParseFormat(s)
	if err != nil || !slices.Contains(writable(), f) {
		return 0, errors.New("expected one of " + formatNames())
	}
	return f, nil
}

func formatText(f transform.Format) *yaml.Node { return text(f.Ext()) }

func formatNames() string { return strings.Join(extensions(writable()), ", ") }

func extensions(formats []transform.Format) []string {
	out := make([]string, len(formats))
	for i, f := range formats {
		out[i] = f.Ext()
	}
	return out
}

// parseCacheDir reads a path of this machine; "" is cacheOff.
func parseCacheDir(s string) (string, error) {
	if strings.ContainsRune(s, 0) {
		return "", errors.New("expected a folder, or off")
	}
	return cmp.Or(s, cacheOff), nil
}

// under makes a relative path absolute: below base.
func under(base, path string) string {
	if path == cacheOff || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// joinOr is "a, b or c".
func joinOr(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// parseBucket reads the URL of a bucket; "" is none.
func parseBucket(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return s, bucket.Check(s)
}
