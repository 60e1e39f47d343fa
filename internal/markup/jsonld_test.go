package markup

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestJSONLD(t *testing.T) {
	const image = "https://img.example.org/i/24jdz2fcrnnamiqu/w1280.jpg?v=a1"
	full := map[string]any{
		"@context": "https://schema.org/", "@type": "ImageObject", "contentUrl": image, "url": image, "encodingFormat": "image/jpeg",
		"width": 1280.0, "height": 853.0, "caption": "Fox & friends, Oslo, as seen by the keeper.", "description": fox().Words.Alt,
		"creditText": "Photo: Ann O’Neill / Agency", "creator": map[string]any{"@type": "Person", "name": "Ann O’Neill"},
		"copyrightNotice": "© 2026 Agency", "license": by4, "acquireLicensePage": "https://agency.example.org/buy",
		"digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
	}
	bare := map[string]any{
		"@context": "https://schema.org/", "@type": "ImageObject", "contentUrl": "/i/s/w24.png", "url": "/i/s/w24.png", "encodingFormat": "image/png",
		"width": 24.0, "height": 24.0,
	}
	with := func(m map[string]any, more map[string]any) map[string]any {
		out := maps.Clone(m)
		maps.Copy(out, more)
		return out
	}
	worded := func(w caption.Words) Picture {
		p := small()
		p.Words = w
		return p
	}
	hero := map[string]any{"representativeOfPage": true}
	for _, tt := range []struct {
		name    string
		picture Picture
		options Options
		want    map[string]any
	}{
		{"everything", fox(), Options{}, full},
		{"hero of a page", fox(), Options{Hero: true, Page: "https://news.example.org/fox/?a=1#comments"}, with(full, with(hero, map[string]any{"@id": "https://news.example.org/fox/?a=1#primaryimage"}))},
		{"hero of an unknown page", small(), Options{Hero: true}, with(bare, hero)},
		{"hero of no page", small(), Options{Hero: true, Page: "javascript:alert(1)"}, with(bare, hero)},
		{"further down a page", small(), Options{Page: "https://news.example.org/fox/"}, bare},
		{"nothing", small(), Options{}, bare},
		{"a credit is no person", worded(caption.Words{Credit: "AP"}), Options{}, with(bare, map[string]any{"creditText": "AP"})},
		{"addresses that are none", worded(caption.Words{License: "House rules", LicensorURL: "mailto:a@b.test", SourceType: "digitalCapture"}), Options{}, bare},
		{"decorative", worded(caption.Words{Decorative: true}), Options{}, bare},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body, err := JSONLD(tt.picture, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("JSON-LD (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONLDInScript(t *testing.T) {
	p := small()
	p.Words.Cutline, p.Words.Alt = "a < b && c > d </script>", "</script><!--\u2028\u2029"
	body, err := JSONLD(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if bad := "<>&\u2028\u2029"; strings.ContainsAny(string(body), bad) {
		t.Errorf("%s holds one of %q", body, bad)
	}
}
