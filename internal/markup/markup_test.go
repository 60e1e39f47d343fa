package markup

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

var update = flag.Bool("update", false, "write golden references instead of comparing with them")

// golden compares got with testdata/NAME. With -update it writes it instead, which it refuses where CI is set.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if os.Getenv("CI") != "" {
			t.Fatal("-update is refused where CI is set: references are made and looked at by people")
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; look at what this creates:\n\tgo test -run '^%s$' -update ./internal/markup", err, t.Name())
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// fox is a picture with everything that a picture can have.
func fox() Picture {
	p := Picture{
		ID: "24jdz2fcrnnamiqu",
		Words: caption.Words{
			Cutline: "Fox & friends, *Oslo*, as seen by [the keeper](https://zoo.example.org/?a=1&b=2).",
			Credit:  "Photo: Ann O’Neill / Agency", CreditURL: "https://agency.example.org/ann", Creator: "Ann O’Neill",
			Alt: `A “red” fox in snow, its "brush" held <high> & dry`, Copyright: "© 2026 Agency",
			License: "https://creativecommons.org/licenses/by/4.0/", Licensor: "Agency", LicensorURL: "https://agency.example.org/buy",
			SourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
		},
		Card:        File{"image/jpeg", "https://img.example.org/i/24jdz2fcrnnamiqu/og.jpg?v=a1", 1200, 630},
		Placeholder: Placeholder{Color: "#8a5a33", LQIP: "data:image/png;base64,iVBORw0KGgo="},
	}
	for _, f := range [][2]string{{"image/avif", "avif"}, {"image/webp", "webp"}, {"image/jpeg", "jpg"}} {
		format := Format{MIME: f[0]}
		for _, w := range []Candidate{{"w640", 640, 427}, {"w1280", 1280, 853}, {"w1920", 1800, 1200}} {
			format.Candidates = append(format.Candidates, Candidate{"https://img.example.org/i/24jdz2fcrnnamiqu/" + w.URL + "." + f[1] + "?v=a1", w.Width, w.Height})
		}
		p.Formats = append(p.Formats, format)
	}
	return p
}

// small is a picture in one file without words.
func small() Picture {
	return Picture{ID: "s", Formats: []Format{{"image/png", []Candidate{{"/i/s/w24.png", 24, 24}}}}}
}

func TestPictureCheck(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*Picture)
		want  string
	}{
		{"as it is", func(*Picture) {}, ""},
		{"relative", func(p *Picture) { p.Formats[0].Candidates[0].URL = "w640.avif" }, ""},
		{"comma inside", func(p *Picture) { p.Formats[0].Candidates[0].URL = "/x.jpg?crop=top,left" }, ""},
		{"no formats", func(p *Picture) { p.Formats = nil }, "no formats"},
		{"no files", func(p *Picture) { p.Formats[1].Candidates = nil }, `no files of format "image/webp"`},
		{"type", func(p *Picture) { p.Formats[1].MIME = `image/webp"` }, `type "image/webp\"": expected image/…`},
		{"empty URL", func(p *Picture) { p.Formats[2].Candidates[1].URL = "" }, `URL ""`},
		{"blank in URL", func(p *Picture) { p.Formats[2].Candidates[1].URL = "/a b.jpg" }, `URL "/a b.jpg"`},
		{"comma at the end", func(p *Picture) { p.Formats[2].Candidates[1].URL = "/a.jpg," }, `URL "/a.jpg,"`},
		{"umlaut", func(p *Picture) { p.Formats[2].Candidates[1].URL = "/ä.jpg" }, `URL "/ä.jpg"`},
		{"other scheme", func(p *Picture) { p.Formats[2].Candidates[1].URL = "javascript:alert(1)" }, `URL "javascript:alert(1)"`},
		{"descending", func(p *Picture) { p.Formats[0].Candidates[1].Width = 640 }, "width 640 after 640"},
		{"no height", func(p *Picture) { p.Formats[0].Candidates[1].Height = 0 }, "1280 × 0 pixels"},
		{"card", func(p *Picture) { p.Card.Width = 0 }, "card: "},
		{"colour", func(p *Picture) { p.Placeholder.Color = "red;background:url(x)" }, "expected #rrggbb"},
		{"data URI", func(p *Picture) { p.Placeholder.LQIP = "data:text/html;base64,AAAA" }, "expected a data URI"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := fox()
			tt.spoil(&p)
			_, figureErr := Figure(p, Options{})
			_, ldErr := JSONLD(p, Options{})
			_, preloadErr := Preload(p, Options{})
			for _, err := range []error{figureErr, ldErr, preloadErr} {
				if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			}
		})
	}
}

func TestSizes(t *testing.T) {
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"default", DefaultSizes, true},
		{"one", "100vw", true},
		{"zero", "0", true},
		{"fraction", ".5rem", true},
		{"calc", "(min-width: 40em) calc(100vw - (2 * 1.5rem)), min(100vw, 40rem)", true},
		{"range", "(400px <= width < 700px) 50vw, 100vw", true},
		{"and, not", "not all and (orientation: landscape) 10em, screen and (min-width:1px) 5px, 5dvw", true},
		{"two conditions", "(min-width: 40em) and (max-aspect-ratio: 16/9) 50vw, 100vw", true},
		{"blank", " ", false},
		{"no length", "(min-width: 960px), 100vw", false},
		{"no last length", "(min-width: 960px) 960px", false},
		{"no condition", "960px, 100vw", false},
		{"trailing comma", "100vw,", false},
		{"percent", "50%", false},
		{"no unit", "50", false},
		{"unit", "50parsec", false},
		{"open bracket", "calc(1px", false},
		{"closed bracket", "1px)", false},
		{"auto twice", "auto, 100vw", false},
		{"quote", `100vw" onload="x`, false},
		{"line break", "100vw\r\nLink: x", false},
		{"markup", "<script>", false},
		{"semicolon", "100vw;x", false},
		{"long", strings.Repeat("(a) 1px, ", 40) + "1px", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, hero := range []bool{true, false} {
				got, err := Options{Sizes: tt.in, Hero: hero}.sizes()
				want := tt.in
				if !hero {
					want = "auto, " + tt.in
				}
				if (err == nil) != tt.ok || tt.ok && got != want {
					t.Errorf("hero %v: got %q, %v", hero, got, err)
				}
			}
		})
	}
	if _, err := Figure(fox(), Options{Sizes: "x"}); err == nil || !strings.Contains(err.Error(), DefaultSizes) {
		t.Errorf("Figure: got %v, want an error that shows an example", err)
	}
	if _, err := Head(fox(), Options{Sizes: "x"}); err == nil {
		t.Error("Head: no error")
	}
	if _, err := Preload(fox(), Options{Sizes: "x"}); err == nil {
		t.Error("Preload: no error")
	}
}

func FuzzSizes(f *testing.F) {
	for _, s := range []string{DefaultSizes, "calc(1px + (2px))", "(a) 1px,", "((", "(a)(b) 1px, 0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if CheckSizes(in) == nil && (strings.ContainsAny(in, "\"'\\;&\n\r") || len(in) > maxSizes) {
			t.Fatalf("%q passes", in)
		}
	})
}

func TestBest(t *testing.T) {
	for _, tt := range []struct {
		name   string
		widths []int
		want   int
	}{
		{"smallest that is wide enough", []int{640, 1200, 1280, 2560}, 1200},
		{"else the largest", []int{24, 640}, 640},
		{"only one, too wide", []int{2560}, 2560},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f Format
			for _, w := range tt.widths {
				f.Candidates = append(f.Candidates, Candidate{Width: w})
			}
			if got := f.best().Width; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
