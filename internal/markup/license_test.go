package markup

import "testing"

func TestSameLicense(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"itself", by4, by4, true},
		{"by http, in www", by4, "http://www.CreativeCommons.org/licenses/by/4.0", true},
		{"deed", by4, "https://creativecommons.org/licenses/by/4.0/deed.de", true},
		{"legal code", by4, "https://creativecommons.org/licenses/by/4.0/legalcode", true},
		{"other version", by4, "https://creativecommons.org/licenses/by/3.0/", false},
		{"other jurisdiction", by4, "https://creativecommons.org/licenses/by/4.0/de/", false},
		{"other code", by4, "https://creativecommons.org/licenses/by-sa/4.0/", false},
		{"other host", by4, "https://creativecommons.org.evil.test/licenses/by/4.0/", false},
		{"another's, with a slash", "https://a.test/terms", "http://www.a.test/terms/", true},
		{"another's, other query", "https://a.test/terms?v=1", "https://a.test/terms?v=2", false},
		{"neither is there", "", "", false},
		{"one is not there", by4, "", false},
		{"no URLs, alike", "http://a b%", "http://a b%", true},
		{"no URLs", "http://a b%", "http://c d%", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sameLicense(tt.a, tt.b); got != tt.want {
				t.Errorf("sameLicense(%q, %q) = %v", tt.a, tt.b, got)
			}
			if got := sameLicense(tt.b, tt.a); got != tt.want {
				t.Errorf("sameLicense(%q, %q) = %v", tt.b, tt.a, got)
			}
		})
	}
}
