package fetch

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// maxDelta is what delta-seconds saturate at (RFC 9111 §1.2.2).
const maxDelta = 1 << 31

// describe reads what a response header says about its version and its freshness.
func describe(h http.Header, now time.Time) *Original {
	o := &Original{}
	o.Freshness = freshness(h, now)
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

// A Freshness is what an origin said about keeping its answer and using it again, as a shared cache reads it (RFC 9111, RFC
// 5861). The zero value says nothing. It is comparable, and kept as JSON beside what it is about.
type Freshness struct {
	Fresh    time.Duration `json:"fresh,omitempty"`    // for how long the answer holds (§4.2), less its Age; valid with Explicit
	Explicit bool          `json:"explicit,omitempty"` // whether the origin said anything about that
	NoStore  bool          `json:"no_store,omitempty"` // keeping it is forbidden: no-store or private
	NoCache  bool          `json:"no_cache,omitempty"` // it may be kept, but the origin is to be asked each time
	NoStale  bool          `json:"no_stale,omitempty"` // it must not be used past its freshness: must-revalidate and its kin
	// For how long past its freshness it may be used while a newer one is fetched, and when that fails; valid with the
	// field before. A window that cannot be read is one of 0.
	SaysWhile       bool          `json:"says_while,omitempty"`
	WhileRevalidate time.Duration `json:"while,omitempty"`
	SaysError       bool          `json:"says_error,omitempty"`
	IfError         time.Duration `json:"if_error,omitempty"`
}

// freshness reads a response header received at now: s-maxage goes before max-age, max-age before Expires − Date (RFC 9111
// §4.2.1), less the age it arrived with (§4.2.3). Values that cannot be read count as stale, and so do two that differ: of
// what the RFC allows (the first, or stale) that is the stricter. Forms with field names (no-cache="Set-Cookie") count as
// those without, and private as no-store. CDN-Cache-Control, where it is a valid dictionary, goes before all of them (RFC 9213
// §2.2): it is addressed to caches like this one.
func freshness(h http.Header, now time.Time) Freshness {
	d, targeted := targetedControl(h)
	if !targeted {
		d = cacheControl(h)
	}
	_, understood := d["must-understand"] // whose no-store is for caches that do not know the status; 200 is known (§5.2.2.3)
	_, private := d["private"]
	_, noStore := d["no-store"]
	_, noCache := d["no-cache"]
	f := Freshness{NoStore: private || noStore && !understood, NoCache: noCache}
	for _, field := range h.Values("Vary") {
		f.NoCache = f.NoCache || strings.TrimSpace(field) == "*" // no request matches it (§4.1)
	}
	f.WhileRevalidate, f.SaysWhile = window(d, "stale-while-revalidate")
	f.IfError, f.SaysError = window(d, "stale-if-error")
	lifetime, explicit, shared := lifetime(h, d, targeted, now)
	if explicit {
		f.Fresh, f.Explicit = remaining(lifetime, age(h, dateOf(h, now), now)), true
	}
	_, must := d["must-revalidate"]
	_, proxies := d["proxy-revalidate"]
	// s-maxage implies proxy-revalidate (§5.2.2.10), unless the same origin allows stale answers in the same breath.
	f.NoStale = must || proxies || shared && !f.SaysWhile && !f.SaysError
	return f
}

// lifetime is how long the answer holds from the moment it was made; shared tells that s-maxage said so.
func lifetime(h http.Header, d directives, targeted bool, now time.Time) (l time.Duration, explicit, shared bool) {
	for _, name := range []string{"s-maxage", "max-age"} {
		if text, ok := d[name]; ok {
			return deltaSeconds(text), true, name == "s-maxage"
		}
	}
	values := slices.Compact(h.Values("Expires"))
	if targeted || len(values) == 0 { // a targeted field has no help from Expires (RFC 9213 §2.1)
		return 0, false, false
	}
	expires, err := http.ParseTime(values[0])
	if err != nil || len(values) > 1 {
		return 0, true, false
	}
	return expires.Sub(dateOf(h, now)), true, false
}

// window reads one of RFC 5861's directives.
func window(d directives, name string) (w time.Duration, said bool) {
	text, said := d[name]
	return deltaSeconds(text), said
}

// dateOf is when the response was made: a recipient without Date uses its own clock (RFC 9110 §6.6.1).
func dateOf(h http.Header, now time.Time) time.Time {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return now
	}
	return date
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

// directives are those of a Cache-Control field: lower-case names and their values.
type directives map[string]string

// cacheControl reads all Cache-Control lines. Arguments may be tokens or quoted strings, in which commas separate nothing. A
// directive that is repeated with another value has none that can be read.
func cacheControl(h http.Header) directives {
	d := directives{}
	rest := strings.Join(h.Values("Cache-Control"), ",")
	for rest != "" {
		var member string
		member, rest = cutMember(rest)
		name, value, _ := strings.Cut(member, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), unquote(strings.TrimSpace(value))
		if earlier, seen := d[name]; seen && earlier != value {
			value = ""
		}
		if name != "" {
			d[name] = value
		}
	}
	return d
}

// targetedControl reads CDN-Cache-Control (RFC 9213): a dictionary of RFC 9651. ok is false where it is absent, empty or no
// dictionary, and then Cache-Control counts. Lifetimes are integers; of another type they cannot be read.
func targetedControl(h http.Header) (d directives, ok bool) {
	lines := h.Values("CDN-Cache-Control")
	if len(lines) == 0 {
		return nil, false
	}
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil || len(dict.Names()) == 0 {
		return nil, false
	}
	d = directives{}
	for _, name := range dict.Names() {
		member, _ := dict.Get(name)
		item, _ := member.(httpsfv.Item)
		switch value := item.Value.(type) {
		case int64:
			d[name] = strconv.FormatInt(value, 10)
		case bool:
			if value { // "no-store=?0" does not say it
				d[name] = ""
			}
		default:
			d[name] = ""
		}
	}
	return d, true
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
