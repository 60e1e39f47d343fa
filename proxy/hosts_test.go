package proxy

import (
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	h, err := newHosts([]string{"images.example.org", "*.example.com", "xn--bcher-kva.example", "203.0.113.5", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"images.example.org": true, "example.org": false, "a.images.example.org": false, "evilimages.example.org": false, "images.example.org.evil.test": false,
		"a.example.com": true, "a.b.example.com": true, "example.com": false, "evilexample.com": false, ".example.com": false, "example.com.evil.test": false, "a.example.com.evil.test": false,
		"xn--bcher-kva.example": true, "203.0.113.5": true, "203.0.113.50": false, "2001:db8::1": true, "2001:db8::11": false, "": false,
	} {
		if got := h.has(host); got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
	if (hosts{}).has("example.org") {
		t.Error("no hosts have one")
	}
}

func TestCheckHost(t *testing.T) {
	for pattern, says := range map[string]string{
		"images.example.org": "", "*.example.org": "", "localhost": "", "127.0.0.1": "", "::1": "", "a_b.example.org": "",
		"":                      "without port",
		"*":                     "first label",
		"*.":                    "without port",
		"*.*.example.org":       "first label",
		"*example.org":          "first label",
		"a.*.example.org":       "first label",
		"*.org":                 "two labels",
		"*.127.0.0.1":           "not an address",
		"https://example.org":   "without scheme and path",
		"example.org/":          "without scheme and path",
		"example.org:443":       "without port",
		"example.org:8080":      "without port",
		"user@example.org":      "without port",
		"exa mple.org":          "without port",
		"example..org":          "without port",
		".example.org":          "without port",
		"127.1":                 "without port",
		"Example.org":           "did you mean example.org?",
		"*.Example.org":         "did you mean *.example.org?",
		"example.org.":          "did you mean example.org?",
		"bücher.example":        "did you mean xn--bcher-kva.example?",
		"[::1]":                 "did you mean ::1?",
		"2001:DB8:0::1":         "did you mean 2001:db8::1?",
		"example.org?x":         "did you mean example.org?",
		"0x7f000001":            "without port",
		"example.org\u202e.com": "without port",
	} {
		err := CheckHost(pattern)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("CheckHost(%q): %v, want %q", pattern, err, says)
		}
		if _, err := newHosts([]string{pattern}); (err == nil) != (says == "") {
			t.Errorf("newHosts(%q): %v, want an error: %v", pattern, err, says != "")
		}
	}
}

// What is below a pattern is a true subdomain, and what is exact is itself.
func FuzzHosts(f *testing.F) {
	f.Add("*.example.org", "evilexample.org")
	f.Add("images.example.org", "images.example.org")
	f.Fuzz(func(t *testing.T, pattern, host string) {
		h, err := newHosts([]string{pattern})
		if err != nil || !h.has(host) {
			return
		}
		name, below := strings.CutPrefix(pattern, "*.")
		labels, of := strings.Split(host, "."), strings.Split(name, ".")
		if !below && host != pattern || below && (len(labels) <= len(of) || strings.Join(labels[len(labels)-len(of):], ".") != name) {
			t.Errorf("%q has %q", pattern, host)
		}
	})
}
