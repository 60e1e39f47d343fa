package markup

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestHead(t *testing.T) {
	for _, tt := range []struct {
		name    string
		picture Picture
		options Options
	}{
		{"hero", fox(), Options{Hero: true, Page: "https://news.example.org/fox/?a=1&b=2#comments"}},
		{"lazy", fox(), Options{}},
		{"unknown", small(), Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Head(tt.picture, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "head-"+tt.name+".html", got)
		})
	}
}

func TestPreload(t *testing.T) {
	const base = "https://img.example.org/i/24jdz2fcrnnamiqu/"
	for _, tt := range []struct {
		name    string
		picture Picture
		options Options
		want    string
	}{
		{"hero", fox(), Options{Hero: true}, "<" + base + `w1280.avif?v=a1>; rel=preload; as=image; type="image/avif"; fetchpriority=high; imagesrcset="` +
			base + "w640.avif?v=a1 640w, " + base + "w1280.avif?v=a1 1280w, " + base + `w1920.avif?v=a1 1800w"; imagesizes="` + DefaultSizes + `"`},
		{"lazy is the hero's too", small(), Options{Sizes: "50vw"}, `</i/s/w24.png>; rel=preload; as=image; type="image/png"; fetchpriority=high; ` +
			`imagesrcset="/i/s/w24.png 24w"; imagesizes="50vw"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Preload(tt.picture, tt.options); err != nil || got != tt.want {
				t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestSocial(t *testing.T) {
	property := func(name, content string) Meta { return Meta{Property: "og:image" + name, Content: content} }
	name := func(name, content string) Meta { return Meta{Name: "twitter:" + name, Content: content} }
	long := strings.Repeat("A fox in snow. ", 40)
	for _, tt := range []struct {
		name string
		card File
		alt  string
		want []Meta
	}{
		{"none", File{}, "A fox", nil},
		{"large", File{"image/jpeg", "https://a.test/og.jpg", 1200, 630}, " A  fox ", []Meta{
			property("", "https://a.test/og.jpg"), property(":secure_url", "https://a.test/og.jpg"), property(":type", "image/jpeg"),
			property(":width", "1200"), property(":height", "630"), property(":alt", "A fox"),
			name("card", "summary_large_image"), name("image", "https://a.test/og.jpg"), name("image:alt", "A fox"),
		}},
		{"small, without words", File{"image/png", "http://a.test/og.png", 300, 156}, "", []Meta{
			property("", "http://a.test/og.png"), property(":type", "image/png"), property(":width", "300"), property(":height", "156"),
			name("card", "summary"), name("image", "http://a.test/og.png"),
		}},
		{"long alt", File{"image/png", "/og.png", 300, 157}, long, []Meta{
			property("", "/og.png"), property(":type", "image/png"), property(":width", "300"), property(":height", "157"), property(":alt", strings.TrimSpace(long)),
			name("card", "summary_large_image"), name("image", "/og.png"), name("image:alt", strings.TrimSpace(long[:28*15-1])+"…"),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Social(Picture{Card: tt.card, Words: caption.Words{Alt: tt.alt}})); diff != "" {
				t.Errorf("Social (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		most     int
		want     string
	}{
		{"short enough", "a fox", 5, "a fox"},
		{"at a blank", "a fox in the snow", 11, "a fox in…"},
		{"what the cut leaves dangling", "a fox in (snow", 11, "a fox in…"},
		{"no blank in the last third", "a foxinthesnow", 9, "a foxint…"},
		{"accent", "foxe\u0301s", 5, "fox…"},
		{"family", "foxes \U0001F469\u200d\U0001F467!", 9, "foxes …"},
		{"skin", "foxwave\U0001F44B\U0001F3FD!", 9, "foxwave…"},
		{"flag, and what it might be put onto", "foxflag\U0001F1F3\U0001F1F4!", 9, "foxfla…"},
		{"nothing but accents", strings.Repeat("\u0301", 9), 5, "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := shorten(tt.in, tt.most); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzShorten(f *testing.F) {
	f.Add("a fox in the snow", 12)
	f.Add("\U0001F469\u200d\U0001F467\U0001F44B\U0001F3FD\U0001F1F3\U0001F1F4e\u0301", 3)
	f.Fuzz(func(t *testing.T, in string, most int) {
		most = 1 + max(most, -most)%500
		got := shorten(in, most)
		if n := utf8.RuneCountInString(got); n > most {
			t.Fatalf("%q: %d characters, want at most %d", got, n, most)
		}
		if utf8.ValidString(in) && !strings.HasPrefix(in, strings.TrimSuffix(got, "…")) {
			t.Fatalf("%q is no beginning of %q", got, in)
		}
	})
}
