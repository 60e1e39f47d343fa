package markup

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

const by4 = "https://creativecommons.org/licenses/by/4.0/"

func TestParts(t *testing.T) {
	link := func(text, url string) piece { return piece{Text: text, URL: url} }
	plain := func(text string) piece { return piece{Text: text} }
	license := func(text string) piece { return piece{Text: text, URL: by4, Rel: "license"} }
	apart := func(text string) piece { return piece{Text: text, Rel: separator} }
	caption1 := part{"cutline-caption", []piece{plain("A fox.")}}
	tests := []struct {
		name string
		in   caption.Words
		want []part
	}{
		{"nothing", caption.Words{}, []part{}},
		{"nothing but alt", caption.Words{Alt: "x", Creator: "Ann", CreditURL: "https://a.test"}, []part{}},
		{"cutline", caption.Words{Cutline: "A fox."}, []part{caption1}},
		{"credit", caption.Words{Credit: "Ann"}, []part{{"cutline-credit", []piece{plain("Ann")}}}},
		{"credit with URL", caption.Words{Credit: "*Ann* / AP", CreditURL: "https://a.test"}, []part{{"cutline-credit", []piece{link("Ann / AP", "https://a.test")}}}},
		{"credit with a link of its own", caption.Words{Credit: "[Ann](https://b.test) / AP", CreditURL: "https://a.test"}, []part{{"cutline-credit", []piece{link("Ann", "https://b.test"), plain(" / AP")}}}},
		{"mail", caption.Words{Credit: "Ann", CreditURL: "mailto:ann@a.test"}, []part{{"cutline-credit", []piece{link("Ann", "mailto:ann@a.test")}}}},
		{"credit URL that is none", caption.Words{Credit: "Ann", CreditURL: "javascript:alert(1)"}, []part{{"cutline-credit", []piece{plain("Ann")}}}},
		{"credit closes the cutline", caption.Words{Cutline: "A fox. (Photo: Ann / AP)", Credit: "Ann / AP"}, []part{{"cutline-caption", []piece{plain("A fox. (Photo: Ann / AP)")}}}},
		{"credit is the cutline", caption.Words{Cutline: "AP", Credit: "AP"}, []part{{"cutline-caption", []piece{plain("AP")}}}},
		{"credit is a word of the cutline", caption.Words{Cutline: "A portrait of Ann", Credit: "Ann"}, []part{{"cutline-caption", []piece{plain("A portrait of Ann")}}, {"cutline-credit", []piece{plain("Ann")}}}},
		{"credit would lose its link", caption.Words{Cutline: "A fox. Photo: Ann", Credit: "Ann", CreditURL: "https://a.test"}, []part{{"cutline-caption", []piece{plain("A fox. Photo: Ann")}}, {"cutline-credit", []piece{link("Ann", "https://a.test")}}}},
		{"notice in the credit", caption.Words{Credit: "Photo © Ann", Copyright: "© ann"}, []part{{"cutline-credit", []piece{plain("Photo © Ann")}}}},
		{"notice of its own", caption.Words{Credit: "Ann", Copyright: "&copy; AP"}, []part{{"cutline-credit", []piece{plain("Ann")}}, {"cutline-copyright", []piece{plain("© AP")}}}},
		{"licence", caption.Words{Cutline: "A fox.", License: by4}, []part{caption1, {"", []piece{license("CC BY 4.0")}}}},
		{"licence by name", caption.Words{Cutline: "A fox.", License: "House rules"}, []part{caption1, {"cutline-license", []piece{plain("House rules")}}}},
		{"licence of Creative Commons by name", caption.Words{Cutline: "A fox.", License: "CC BY 4.0"}, []part{caption1, {"", []piece{license("CC BY 4.0")}}}},
		{"licence by name, in the credit", caption.Words{Credit: "Ann / House rules", License: "house rules"}, []part{{"cutline-credit", []piece{plain("Ann / House rules")}}}},
		{"licence named in the credit", caption.Words{Credit: "Ann / CC BY 4.0 (cropped)", CreditURL: "https://a.test", License: by4}, []part{
			{"cutline-credit", []piece{link("Ann", "https://a.test"), apart(" / "), license("CC BY 4.0"), apart(" (cropped)")}},
		}},
		{"licence linked in the cutline", caption.Words{Cutline: "A fox. Ann, [some rights](http://www.creativecommons.org/licenses/by/4.0/deed.de)", License: by4}, []part{
			{"cutline-caption", []piece{plain("A fox. Ann, "), {"some rights", "http://www.creativecommons.org/licenses/by/4.0/deed.de", "license"}}},
		}},
		{"licence's name within a name", caption.Words{Credit: "XCC BY 4.0", License: by4}, []part{{"cutline-credit", []piece{plain("XCC BY 4.0")}}, {"", []piece{license("CC BY 4.0")}}}},
		{"licence that is no link", caption.Words{License: "javascript:alert(1)"}, []part{{"cutline-license", []piece{plain("javascript:alert(1)")}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parts(tt.in)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCloses(t *testing.T) {
	tests := []struct {
		cutline, credit string
		want            bool
	}{
		{"A fox. Photo by Ann", "Ann", true},
		{"A fox. Photo by Ann.", "ann", true},
		{"By Ann", "Ann", true},
		{"A fox (Ann)", "Ann", true},
		{"A fox – “Ann”", "Ann", true},
		{"A fox. © Ann", "Ann", true},
		{"Ann", "Ann", true},
		{"A fox with its keeper, Ann", "Ann", false},
		{"A fox nearby Ann", "Ann", false},
		{"A fox. Joann", "Ann", false},
		{"Ann and a fox", "Ann", false},
		{"A fox.", "", false},
		{"A fox.", ".", false},
	}
	for _, tt := range tests {
		t.Run(tt.cutline, func(t *testing.T) {
			if got := closes(tt.cutline, tt.credit); got != tt.want {
				t.Errorf("closes(%q, %q) = %v", tt.cutline, tt.credit, got)
			}
		})
	}
}

func TestLicenseName(t *testing.T) {
	tests := []struct{ in, want string }{
		{by4, "CC BY 4.0"},
		{"http://www.creativecommons.org/licenses/by-sa/3.0/de/deed.de", "CC BY-SA 3.0 DE"},
		{"https://creativecommons.org/licenses/by-nc-nd/4.0/legalcode", "CC BY-NC-ND 4.0"},
		{"https://creativecommons.org/licenses/by/3.0/igo/", "CC BY 3.0 IGO"},
		{"https://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"},
		{"https://creativecommons.org/publicdomain/mark/1.0/deed.en", "Public Domain Mark 1.0"},
		{"https://creativecommons.org/publicdomain/certification/1.0/us/", "Public Domain 1.0 US"},
		{"https://creativecommons.org/about/", "creativecommons.org/about"},
		{"https://creativecommons.org.evil.test/licenses/by/4.0/", "creativecommons.org.evil.test"},
		{"https://www.unsplash.com/license?utm=x#y", "unsplash.com/license"},
		{"https://agency.example.org/terms/of/use/of/photographs", "agency.example.org"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got := licenseOf(caption.Words{License: tt.in})
			if want := (piece{tt.want, tt.in, "license"}); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestLicenseOf verifies that a licence is a link wherever its author wrote one, under the name that they gave it.
func TestLicenseOf(t *testing.T) {
	for in, want := range map[string]piece{
		"CC BY 4.0":                         {"CC BY 4.0", by4, "license"},
		"cc0":                               {"cc0", "https://creativecommons.org/publicdomain/zero/1.0/", "license"},
		"CC BY-NC-ND 3.0":                   {"CC BY-NC-ND 3.0", "https://creativecommons.org/licenses/by-nc-nd/3.0/", "license"},
		"CC BY-ND-SA 4.0":                   {Text: "CC BY-ND-SA 4.0"}, // there is none
		"CC BY":                             {Text: "CC BY"},           // which version nobody knows
		"All rights <b>reserved</b>":        {Text: "All rights reserved"},
		"[A licence](" + by4 + ")":          {"A licence", by4, "license"},
		"<" + by4 + ">":                     {"CC BY 4.0", by4, "license"},
		"[A licence](javascript:alert(1))":  {Text: "A licence"},
		"[Write to us](mailto:a@b.example)": {Text: "Write to us"},
	} {
		if got := licenseOf(caption.Words{License: in}); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
