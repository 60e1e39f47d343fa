package catalog

import (
	"strings"
	"testing"
)

func TestSourceType(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture", "digitalCapture"},
		{"https://cv.iptc.org/newscodes/digitalsourcetype/print/", "print"},
		{"HTTPS://CV.IPTC.ORG/newscodes/digitalsourcetype/print", "print"},
		{"digsrctype:humanEdits", "humanEdits"},
		{"trainedAlgorithmicMedia", "trainedAlgorithmicMedia"},
		{"TrainedAlgorithmicMedia", "trainedAlgorithmicMedia"},
		{"Digital capture", "digitalCapture"},
		{"screen-capture", "screenCapture"},
		{"minorHumanEdits", "minorHumanEdits"},
		{"composite", "composite"},
		{"", ""},
		{"AI", ""},
		{"compositeX", ""},
		{"http://cv.iptc.org/newscodes/digitalsourcetype/", ""},
		{"http://cv.iptc.org/newscodes/digitalsourcetype/digital capture", ""},
		{"http://cv.iptc.org/newscodes/digitalsourcetype/print?x", ""},
		{"http://evil.test/newscodes/digitalsourcetype/print", ""},
		{"http://cv.iptc.org.evil.test/newscodes/digitalsourcetype/print", ""},
		{"javascript://cv.iptc.org/newscodes/digitalsourcetype/print", ""},
		{"http://cv.iptc.org/newscodes/genre/print", ""},
		{"http://c2pa.org/digitalsourcetype/trainedAlgorithmicData", ""},
		{strings.Repeat("-", 1000) + "print", ""},
	} {
		want := tt.want
		if want != "" {
			want = sourceTypeScheme + want
		}
		if got, ok := sourceType(tt.text); got != want || ok != (want != "") {
			t.Errorf("%.80q: got %q, %t, want %q", tt.text, got, ok, want)
		}
	}
}

// TestSourceTypesAreRead reads every concept by its identifier and by its name.
func TestSourceTypesAreRead(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range sourceTypes {
		for _, text := range []string{name, sourceTypeScheme + name, "https" + strings.TrimPrefix(sourceTypeScheme, "http") + name} {
			if got, ok := sourceType(text); !ok || got != sourceTypeScheme+name {
				t.Errorf("%s: got %q, %t", text, got, ok)
			}
		}
		if seen[strings.ToLower(name)] {
			t.Errorf("%s stands twice", name)
		}
		seen[strings.ToLower(name)] = true
	}
}
