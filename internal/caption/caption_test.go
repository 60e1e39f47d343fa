package caption

import "testing"

func TestOver(t *testing.T) {
	file := Found{
		XMP:  Words{Credit: "X", CreditURL: "https://x.example/", Licensor: "XL", LicensorURL: "https://x.example/buy"},
		IPTC: Words{Credit: "I", Cutline: "from IIM"},
		EXIF: Words{Cutline: "from EXIF", Creator: "E", Copyright: "© E"},
	}
	tests := []struct {
		name    string
		post    Words
		found   Found
		want    Words
		origins Origins
	}{
		{"nothing", Words{}, Found{}, Words{}, Origins{}},
		{"post alone", Words{Credit: "P", License: "CC0"}, Found{}, Words{Credit: "P", License: "CC0"}, Origins{Credit: Post, License: Post}},
		{"file alone", Words{}, file, Words{
			Cutline: "from IIM", Credit: "X", CreditURL: "https://x.example/", Creator: "E", Copyright: "© E",
			Licensor: "XL", LicensorURL: "https://x.example/buy",
		}, Origins{Cutline: IPTC, Credit: XMP, CreditURL: XMP, Creator: EXIF, Copyright: EXIF, Licensor: XMP, LicensorURL: XMP}},
		{"a link is not for another's credit", Words{Credit: "P"}, Found{XMP: file.XMP}, Words{
			Credit: "P", Licensor: "XL", LicensorURL: "https://x.example/buy",
		}, Origins{Credit: Post, Licensor: XMP, LicensorURL: XMP}},
		{"nor an address for another's licences", Words{Licensor: "PL"}, Found{XMP: Words{LicensorURL: "https://x.example/buy"}},
			Words{Licensor: "PL"}, Origins{Licensor: Post}},
		{"decorative stays so", Words{Decorative: true}, Found{XMP: Words{Alt: "a fox"}}, Words{Decorative: true}, Origins{Alt: Post}},
		{"alt and source type", Words{}, Found{XMP: Words{Alt: "a fox", SourceType: "https://example.org/t"}},
			Words{Alt: "a fox", SourceType: "https://example.org/t"}, Origins{Alt: XMP, SourceType: XMP}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, origins := tt.post.Over(tt.found)
			if got != tt.want || origins != tt.origins {
				t.Errorf("Over() = %+v, %+v\nwant %+v, %+v", got, origins, tt.want, tt.origins)
			}
		})
	}
}
