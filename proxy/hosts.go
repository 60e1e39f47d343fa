package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/dd8bf596/cutline/internal/source"
)

// hosts are those whose pictures may be asked for although no post shows them. The zero hosts has none.
type hosts struct {
	exact map[string]bool
	below []string // with a dot before them: ".example.org" is every name under it
}

// newHosts reads patterns as CheckHost has them.
func newHosts(patterns []string) (hosts, error) {
	h := hosts{exact: make(map[string]bool)}
	for _, pattern := range patterns {
		if err := CheckHost(pattern); err != nil {
			return hosts{}, fmt.Errorf("host %q: %w", pattern, err)
		}
		if rest, ok := strings.CutPrefix(pattern, "*"); ok {
			h.below = append(h.below, rest)
			continue
		}
		h.exact[pattern] = true
	}
	return h, nil
}

// has reports whether host, as source.Source.Host spells it, is one of h.
func (h hosts) has(host string) bool {
	if h.exact[host] {
		return true
	}
	for _, suffix := range h.below {
		// The dot is part of the suffix: evilexample.org is not below example.org. What is before it is a name of its own.
		if len(host) > len(suffix) && strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}

// CheckHost says what is wrong with a pattern of hosts; nil means nothing. A pattern is a host name or an IP address as a
// canonical URL has it (source.ParseURL), without scheme, port and brackets, or "*." and a name of at least two labels, which
// stands for every name below it and not for itself.
func CheckHost(pattern string) error {
	name, below := strings.CutPrefix(pattern, "*.")
	src, err := source.ParseURL("https://" + bracketed(name) + "/")
	_, notAddress := netip.ParseAddr(src.Host())
	host := src.Host()
	switch {
	case strings.Contains(name, "*"):
		return errors.New(`expected "*" only as the first label, as in *.example.org`)
	case strings.Contains(pattern, "/"):
		return errors.New("expected a host without scheme and path, such as images.example.org or *.example.org")
	case err != nil || src.Port() != 443 || host == "":
		return errors.New("expected a host without port, such as images.example.org or *.example.org")
	case below && !strings.Contains(host, "."):
		return errors.New("expected a name of at least two labels behind *. such as *.example.org")
	case below && notAddress == nil:
		return errors.New("expected a name behind *., not an address")
	case host != name && below:
		return fmt.Errorf("expected it as it stands in a canonical URL; did you mean *.%s?", host)
	case host != name:
		return fmt.Errorf("expected it as it stands in a canonical URL; did you mean %s?", host)
	}
	return nil
}

// bracketed is an IPv6 address as it stands in a URL, and any other host as it is.
func bracketed(host string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}
