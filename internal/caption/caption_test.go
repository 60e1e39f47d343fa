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
		{"a link is not for a credit from elsewhere", Words{}, Found{XMP: Words{CreditURL: "https://x.example/"}, IPTC: Words{Credit: "I"}},
			Words{Credit: "I"}, Origins{Credit: IPTC}},
		{"but a post's link is for the file's credit", Words{CreditURL: "https://p.example/"}, Found{XMP: file.XMP}, Words{
			Credit: "X", CreditURL: "https://p.example/", Licensor: "XL", LicensorURL: "https://x.example/buy",
		}, Origins{Credit: XMP, CreditURL: Post, Licensor: XMP, LicensorURL: XMP}},
		{"markup of files is text", Words{}, Found{XMP: Words{Cutline: "<b>A</b> & *b*", License: "[x](https://x.example/)"}},
			Words{Cutline: `\<b\>A\</b\> \& \*b\*`, License: `\[x\](https://x.example/)`}, Origins{Cutline: XMP, License: XMP}},
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
