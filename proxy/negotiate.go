package proxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/transform"
)

// accepted returns which of the offered formats an answer to a client with this Accept header may have: those that the
// header names outright, with a weight above zero (RFC 9110 §12.5.1), and JPEG, PNG and GIF, which every client reads. All
// of them where that is none: an answer that the client may be able to show is better than an error (§12.5.1 allows it).
// A fallback that is not 0 takes the place of both.
//
// Wildcards enable nothing: browsers that cannot read AVIF or WebP send them too. So every Accept header falls into one of
// four classes at most, AVIF or not by WebP or not, and a CDN that normalises Accept to them needs to keep no more.
func accepted(accept string, offered []transform.Format, fallback transform.Format) []transform.Format {
	var named []string
	for part := range strings.SplitSeq(accept, ",") {
		media, params, _ := strings.Cut(part, ";")
		if weight(params) > 0 {
			named = append(named, strings.ToLower(strings.TrimSpace(media)))
		}
	}
	var out []transform.Format
	for _, f := range offered {
		switch {
		case f == fallback, fallback == 0 && everybodys(f), !everybodys(f) && slices.Contains(named, f.MIME()):
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return offered
	}
	return out
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
