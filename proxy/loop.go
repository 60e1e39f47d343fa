package proxy

import (
	"net/http"
	"strings"
)

// maxThrough bounds the cutlines that a request may have come through. Two in a row are a newspaper that takes pictures from
// another; RFC 8586 §3 leaves the number to servers.
const maxThrough = 8

// through reads CDN-Loop (RFC 8586 §2): the other cutlines that a request came through, and whether it is to be refused
// because it comes from our own fetcher, directly or by way of them, or through too many. A source that leads back here would be
// fetched in circles; another site's cutline is a client like any other.
//
// What is not exactly as our fetcher writes it is nobody's: passed on, it would let clients choose what an origin is told.
func (s *Server) through(h http.Header) (others []string, loops bool) {
	for _, field := range h.Values("CDN-Loop") {
		for info := range strings.SplitSeq(field, ",") {
			name, params, _ := strings.Cut(info, ";")
			id, ok := strings.CutPrefix(strings.TrimSpace(params), "id=")
			switch {
			case strings.TrimSpace(name) != "cutline" || !ok || !isInstance(id):
			case s.o.Instance != "" && id == s.o.Instance, len(others) == maxThrough:
				return nil, true
			default:
				others = append(others, id)
			}
		}
	}
	return others, false
}

// isInstance reports whether id could be another cutline's name for itself.
func isInstance(id string) bool {
	return id != "" && len(id) <= 32 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz-") == ""
}
