package proxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/transform"
)

// negotiate returns the first of the offered formats that an Accept header names outright, with a weight above zero
// (RFC 9110 §12.5.1), else 0. Wildcards enable nothing: browsers that cannot read AVIF or WebP send them too. Every Accept
// header falls into one of a few classes, so a negotiated URL has at most one representation per format.
func negotiate(accept string, offered []transform.Format) transform.Format {
	var named []string
	for part := range strings.SplitSeq(accept, ",") {
		media, params, _ := strings.Cut(part, ";")
		if weight(params) > 0 {
			named = append(named, strings.ToLower(strings.TrimSpace(media)))
		}
	}
	for _, f := range offered {
		// JPEG and PNG are everybody's: they are the fall-back, which looks at the picture, not at the header.
		if f != transform.JPEG && f != transform.PNG && slices.Contains(named, f.MIME()) {
			return f
		}
	}
	return 0
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

// fallback is the format for clients that name none: JPEG, or PNG where there are transparent pixels to keep.
func fallback(alpha bool, offered []transform.Format) transform.Format {
	first, second := transform.JPEG, transform.PNG
	if alpha {
		first, second = second, first
	}
	for _, f := range []transform.Format{first, second} {
		if slices.Contains(offered, f) {
			return f
		}
	}
	return offered[0]
}
