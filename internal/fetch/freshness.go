package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxDelta is what delta-seconds saturate at (RFC 9111 §1.2.2).
const maxDelta = 1 << 31

// describe reads what a response header says about its version and its freshness.
func describe(h http.Header, now time.Time) *Original {
	o := &Original{}
	o.Fresh, o.Explicit, o.NoStore = freshness(h, now)
	if tag := h.Get("ETag"); validETag(tag) {
		o.Validators.ETag = tag
	}
	if text := h.Get("Last-Modified"); text != "" {
		if at, err := http.ParseTime(text); err == nil {
			o.Validators.LastModified = text
			if !at.After(now) {
				o.Modified = at
			}
		}
	}
	return o
}

// update takes over what a 304 said (RFC 9111 §3.2), and keeps what it did not repeat.
func (v Validators) update(newer Validators) Validators {
	if newer.ETag != "" {
		v.ETag = newer.ETag
	}
	if newer.LastModified != "" {
		v.LastModified = newer.LastModified
	}
	return v
}

// validETag accepts RFC 9110 §8.8.3 in ASCII, and not longer than one would keep a million of.
func validETag(tag string) bool {
	opaque := strings.TrimPrefix(tag, "W/")
	if len(opaque) < 2 || len(tag) > 256 || opaque[0] != '"' || opaque[len(opaque)-1] != '"' {
		return false
	}
	for _, c := range []byte(opaque[1 : len(opaque)-1]) {
		if c <= ' ' || c >= 0x7f || c == '"' {
			return false
		}
	}
	return true
}

// freshness is for how long a response with header h, received at now, may be used without asking again, as a shared
// cache reads it: s-maxage goes before max-age, max-age before Expires − Date (RFC 9111 §4.2.1), less the age it arrived
// with (§4.2.3). explicit is false when the origin said nothing. Values that cannot be read count as stale, as the RFC
// recommends, and so do no-cache and its form with field names; private counts as noStore.
func freshness(h http.Header, now time.Time) (fresh time.Duration, explicit, noStore bool) {
	directives := cacheControl(h)
	_, store := directives["no-store"]
	_, private := directives["private"]
	noStore = store || private
	if _, ok := directives["no-cache"]; ok || noStore {
		return 0, true, noStore
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		date = now // RFC 9110 §6.6.1: a recipient without Date uses its own clock
	}
	for _, name := range []string{"s-maxage", "max-age"} {
		if text, ok := directives[name]; ok {
			lifetime := deltaSeconds(text)
			return remaining(lifetime, age(h, date, now)), true, false
		}
	}
	if values := h.Values("Expires"); len(values) > 0 {
		expires, err := http.ParseTime(values[0])
		if err != nil {
			return 0, true, false
		}
		return remaining(expires.Sub(date), age(h, date, now)), true, false
	}
	return 0, false, false
}

// remaining is lifetime less age. Dates of broken clocks are centuries apart, so both are clamped before they meet.
func remaining(lifetime, age time.Duration) time.Duration {
	const most = maxDelta * time.Second
	return max(min(max(lifetime, 0), most)-min(age, most), 0)
}

// age is the response's age on arrival: what caches before us say, or what the clocks say, whichever is more.
func age(h http.Header, date, now time.Time) time.Duration {
	text, _, _ := strings.Cut(h.Get("Age"), ",")
	said := deltaSeconds(strings.TrimSpace(text)) // an invalid Age is ignored (RFC 9111 §5.1)
	return max(said, now.Sub(date), 0)
}

// deltaSeconds reads RFC 9111 §1.2.2: digits alone. Anything else is 0: stale, the safe side.
func deltaSeconds(text string) time.Duration {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxDelta {
		n = maxDelta
	}
	return time.Duration(n) * time.Second
}

// cacheControl reads all Cache-Control lines. Names are lower-case; of a repeated directive the first counts (RFC 9111
// §4.2.1). Arguments may be tokens or quoted strings, in which commas separate nothing.
func cacheControl(h http.Header) map[string]string {
	directives := map[string]string{}
	rest := strings.Join(h.Values("Cache-Control"), ",")
	for rest != "" {
		var member string
		member, rest = cutMember(rest)
		name, value, _ := strings.Cut(member, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, seen := directives[name]; name != "" && !seen {
			directives[name] = unquote(strings.TrimSpace(value))
		}
	}
	return directives
}

// cutMember cuts a list at the first comma outside of a quoted string.
func cutMember(list string) (member, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '\\' && quoted:
			i++
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

func unquote(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}
