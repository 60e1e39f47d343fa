package proxy

import (
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A formatSet is a set of formats; the bit 1<<f is f's.
type formatSet uint16

func (s formatSet) has(f transform.Format) bool { return s&(1<<f) != 0 }

// of are those of offered that are in s, in their order.
func (s formatSet) of(offered []transform.Format) []transform.Format {
	var out []transform.Format
	for _, f := range offered {
		if s.has(f) {
			out = append(out, f)
		}
	}
	return out
}

// accepted returns which of the offered formats an answer to a client with these Accept fields may have: those that they
// name outright, with a weight above zero (RFC 9110 §12.5.1), and JPEG, PNG and GIF, which every client reads. All
// of them where that is none: an answer that the client may be able to show is better than an error (§12.5.1 allows it).
// A fallback that is not 0 takes the place of both. Several fields are one list (§5.3).
//
// Wildcards enable nothing: browsers that cannot read AVIF or WebP send them too. So every Accept header falls into one of
// four classes at most, AVIF or not by WebP or not, and a CDN that normalises Accept to them needs to keep no more.
func accepted(fields []string, offered []transform.Format, fallback transform.Format) formatSet {
	var all, own, set formatSet
	for _, f := range offered {
		all |= 1 << f
		if f == fallback || fallback == 0 && everybodys(f) {
			set |= 1 << f
		}
		if !everybodys(f) {
			own |= 1 << f
		}
	}
	for _, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			media, params, _ := strings.Cut(part, ";")
			if f := namedBy(strings.TrimSpace(media)); own.has(f) && weight(params) > 0 {
				set |= 1 << f
			}
		}
	}
	if set == 0 {
		return all
	}
	return set
}

// namedBy is the format that a media type in any case names, or none.
func namedBy(media string) transform.Format {
	for f := transform.JPEG; f <= transform.AVIF; f++ {
		if strings.EqualFold(media, f.MIME()) {
			return f
		}
	}
	return 0
}

// everybodys reports whether every client reads f.
func everybodys(f transform.Format) bool {
	return f == transform.JPEG || f == transform.PNG || f == transform.GIF
}

// weight reads the "q" of a media range's parameters; 1 when there is none, 0 when it is malformed.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || q < 0 || q > 1 {
			return 0
		}
		return q
	}
	return 1
}
