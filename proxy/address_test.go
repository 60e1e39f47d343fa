package proxy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/transform"
)

func testGrammar(t testing.TB) grammar {
	t.Helper()
	g, err := newGrammar(DefaultPresets(), DefaultWidths(), []transform.Format{transform.WebP, transform.JPEG, transform.PNG, transform.GIF})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestParseAddress(t *testing.T) {
	tests := []struct {
		in   string
		want address
		bad  bool
	}{
		{in: "/abc/hero.webp", want: address{"abc", "hero.webp"}},
		{in: "/_posts/2023-09-18-kim/w800.auto", want: address{"_posts/2023-09-18-kim", "w800.auto"}},
		{in: "/posts/a%20b%28c/meta.json", want: address{"posts/a b(c", "meta.json"}},
		{in: "/100%25/meta.json", want: address{"100%", "meta.json"}},
		{in: "/posts%2Fa/meta.json", bad: true},
		{in: "/posts%2fa/meta.json", bad: true},
		{in: "/p%6Fsts/meta.json", bad: true},
		{in: "/posts//a/meta.json", bad: true},
		{in: "//posts/meta.json", bad: true},
		{in: "/posts//meta.json", bad: true},
		{in: "/caf%C3%A9/card.jpg", want: address{"café", "card.jpg"}},
		{in: "/a/b/", want: address{"a/b", ""}},
		{in: "/hero.webp", bad: true},
		{in: "//hero.webp", bad: true},
		{in: "/", bad: true},
		{in: "/a%zz/hero.webp", bad: true},
	}
	for _, tt := range tests {
		got, err := parseAddress(tt.in)
		if (err != nil) != tt.bad {
			t.Errorf("parseAddress(%q): error %v, want an error: %v", tt.in, err, tt.bad)
		}
		if got != tt.want {
			t.Errorf("parseAddress(%q) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
}

func TestGrammarParse(t *testing.T) {
	g := testGrammar(t)
	jpg := func(s transform.Spec) order { s.Format = transform.JPEG; return order{spec: s} }
	tests := []struct {
		leaf     string
		want     order
		unsigned bool   // needs a signature
		says     string // of a usage error
	}{
		{leaf: "hero.jpg", want: jpg(transform.Spec{Width: 1600})},
		{leaf: "card.auto", want: order{spec: transform.Spec{Width: 640, Height: 360, Fit: transform.Cover}, auto: true}},
		{leaf: "w800.jpg", want: jpg(transform.Spec{Width: 828})},
		{leaf: "w828.jpg", want: jpg(transform.Spec{Width: 828})},
		{leaf: "w1.jpg", want: jpg(transform.Spec{Width: 24})},
		{leaf: "w8192.jpg", want: jpg(transform.Spec{Width: 2560})},
		{leaf: "w400-dpr2.jpg", want: jpg(transform.Spec{Width: 828})},
		{leaf: "w640-h360-cover.jpg", want: jpg(transform.Spec{Width: 640, Height: 360, Fit: transform.Cover})},
		{leaf: "w320-h180-cover-dpr2.jpg", want: jpg(transform.Spec{Width: 640, Height: 360, Fit: transform.Cover})},
		{leaf: "w640-h361-cover.jpg", unsigned: true},
		{leaf: "h300.jpg", unsigned: true},
		{leaf: "w800-q70.jpg", unsigned: true},
		{leaf: "w400-anim-dpr2.gif", want: order{spec: transform.Spec{Width: 828, Animate: true, Format: transform.GIF}}},
		{leaf: "w800-anim.auto", want: order{spec: transform.Spec{Width: 828, Animate: true}, auto: true}},
		{leaf: "thumb-anim.auto", want: order{spec: transform.Spec{Width: 160, Height: 160, Fit: transform.Cover, Animate: true}, auto: true}},
		{leaf: "w160-h160-cover-anim.gif", want: order{spec: transform.Spec{Width: 160, Height: 160, Fit: transform.Cover, Animate: true, Format: transform.GIF}}},
		{leaf: "w320-anim.jpg", says: "expected webp, gif or auto"},
		{leaf: "w160-h160-cover-anim.jpg", says: "expected webp, gif or auto"},
		{leaf: "thumb-anim.jpg", says: "neither a preset"},
		{leaf: "thumb-anim-anim.gif", says: "neither a preset"},
		{leaf: "huge-anim.gif", says: "neither a preset"},
		{leaf: "-anim.gif", says: "neither a preset"},
		{leaf: "w640-h361-cover-anim.gif", unsigned: true},
		{leaf: "anim.gif", unsigned: true},
		{leaf: "w320-p3.jpg", unsigned: true},
		{leaf: "w320-sharpen.jpg", unsigned: true},
		{leaf: "w320-bgffffff.jpg", unsigned: true},
		{leaf: "w320-kb60.jpg", unsigned: true},
		{leaf: "w640-h360-cover-center.jpg", unsigned: true},
		{leaf: "w640-h360-cover-fp30x70.jpg", unsigned: true},
		{leaf: "w640-h360-pad-bgffffff.jpg", unsigned: true},
		{leaf: "w640-h360-stretch.jpg", unsigned: true},
		{leaf: "huge.jpg", says: "card, hero, og, square, story, thumb"},
		{leaf: "hero.tiff", says: "auto, webp, jpg, png, gif"},
		{leaf: "hero.avif", says: "auto, webp, jpg, png, gif"},
		{leaf: "hero.jpeg", says: "auto, webp, jpg, png, gif"},
		{leaf: "hero.JPG", says: "auto, webp, jpg, png, gif"},
		{leaf: "hero", says: "hero.webp"},
		{leaf: "hero.webp.jpg", says: "hero.webp"},
		{leaf: "", says: "hero.webp"},
		{leaf: ".jpg", says: "neither a preset"},
		{leaf: "w0.jpg", says: "w800"},
		{leaf: "w-1.jpg", says: "w800"},
		{leaf: "w1000000000.jpg", says: "w800"},
		{leaf: "w99999999999999999999.jpg", says: "w800"},
		{leaf: "w3.5.jpg", says: "hero.webp"},
		{leaf: "w+320.jpg", says: "w800"},
		{leaf: "w0320.jpg", says: "w800"},
		{leaf: "w0x140.jpg", says: "w800"},
		{leaf: "w320-w640.jpg", says: "w800"},
		{leaf: "h300-w400.jpg", says: "w800"},
		{leaf: "w%33%32%30.jpg", says: "w800"},
		{leaf: "HERO.jpg", says: "neither a preset"},
	}
	for _, tt := range tests {
		t.Run(tt.leaf, func(t *testing.T) {
			got, err := g.parse(tt.leaf, false)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(order{})); diff != "" {
				t.Errorf("parse (-want +got):\n%s", diff)
			}
			if _, ok := errors.AsType[*unsignedErr](err); ok != tt.unsigned {
				t.Errorf("error %v, want an unsignedErr: %v", err, tt.unsigned)
			}
			usage, ok := errors.AsType[*usageErr](err)
			if ok != (tt.says != "") || ok && !strings.Contains(usage.text, tt.says) {
				t.Errorf("error %v, want a usage error that says %q", err, tt.says)
			}
		})
	}
}

func TestNewGrammarRefuses(t *testing.T) {
	formats := []transform.Format{transform.JPEG}
	tests := []struct {
		name    string
		presets map[string]transform.Spec
		widths  []int
		formats []transform.Format
		says    string
	}{
		{"preset that is a spec", map[string]transform.Spec{"w800": {Width: 1}}, []int{1}, formats, "w800"},
		{"preset with a slash", map[string]transform.Spec{"a/b": {Width: 1}}, []int{1}, formats, "a/b"},
		{"preset with a hyphen", map[string]transform.Spec{"a-b": {Width: 1}}, []int{1}, formats, "a-b"},
		{"preset named meta", map[string]transform.Spec{"meta": {Width: 1}}, []int{1}, formats, "meta"},
		{"preset with a format", map[string]transform.Spec{"a": {Width: 1, Format: transform.JPEG}}, []int{1}, formats, "extension"},
		{"preset out of range", map[string]transform.Spec{"a": {Width: 100000}}, []int{1}, formats, "preset a"},
		{"no widths", nil, nil, formats, "widths"},
		{"width 0", nil, []int{0, 100}, formats, "widths"},
		{"no formats", nil, []int{1}, nil, "formats"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := newGrammar(tt.presets, tt.widths, tt.formats); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

// A preset may have every word, and every address that is made of one leads back to it.
func TestPresetsWithAllWords(t *testing.T) {
	presets := map[string]transform.Spec{}
	for name, words := range map[string]string{
		"gif": "w320-anim", "print": "w800-q70-p3", "logo": "h90-bg00ff00", "ad": "w300-h250-cover-center-kb60", "face": "w90-h90-cover-fp50x30-sharpen",
	} {
		spec, err := transform.ParseSpec(words)
		if err != nil {
			t.Fatal(err)
		}
		presets[name] = spec
	}
	formats := []transform.Format{transform.WebP, transform.JPEG, transform.PNG, transform.GIF}
	g, err := newGrammar(presets, DefaultWidths(), formats)
	if err != nil {
		t.Fatal(err)
	}
	for name := range presets {
		for _, f := range formats {
			o, err := g.parse(name+"."+f.Ext(), false)
			if err != nil {
				t.Errorf("%s.%s: %v", name, f.Ext(), err)
			}
			again, err := g.parse(g.written(o.spec).String(), false)
			if err != nil || again != o {
				t.Errorf("%s.%s is %s, which means %+v, %v", name, f.Ext(), g.written(o.spec), again, err)
			}
		}
	}
	// A moving picture that is answered with a still one has the still one's address.
	for leaf, want := range map[string]string{"w320-anim.auto": "w320-anim.jpg", "w480-anim.auto": "w480.jpg", "logo-anim.auto": "h90-bg00ff00.jpg"} {
		o, err := g.parse(leaf, false)
		if err != nil {
			t.Fatal(err)
		}
		o.spec.Format = transform.JPEG
		got := g.written(o.spec)
		if again, err := g.parse(got.String(), false); got.String() != want || err != nil || again.spec != got {
			t.Errorf("%s as JPEG: %s, which means %+v, %v; want %s", leaf, got, again, err, want)
		}
	}
}

// Whatever is asked for, unsigned requests reach at most the ladder and the presets.
func FuzzGrammar(f *testing.F) {
	for _, s := range []string{"hero-anim.webp", "w800-anim.gif", "w800-kb60.webp", "hero.webp", "w800.auto", "w640-h360-cover.jpg", "w1-dpr4.png", "h3.jpg", "w8192-dpr4.webp", ".", "w800-q1.jpg"} {
		f.Add(s)
	}
	g := testGrammar(f)
	reachable := map[transform.Spec]bool{}
	for _, w := range g.widths {
		reachable[transform.Spec{Width: w}] = true
	}
	for _, p := range g.presets {
		reachable[p] = true
	}
	f.Fuzz(func(t *testing.T, leaf string) {
		o, err := g.parse(leaf, false)
		if err != nil {
			return
		}
		if o.spec.Animate && o.spec.Format != 0 && !o.spec.Format.Animates() {
			t.Errorf("parse(%q) animates %s", leaf, o.spec.Format)
		}
		o.spec.Format, o.spec.Animate = 0, false
		if !reachable[o.spec] {
			t.Errorf("parse(%q) reaches %+v unsigned", leaf, o.spec)
		}
	})
}

func TestCheckQuery(t *testing.T) {
	tests := []struct {
		raw string
		ok  bool
	}{
		{"", true}, {"v=1", true}, {"v=", true},
		{"v=1&v=2", false}, {"w=1", false}, {"v=1&utm_source=x", false}, {"v=%zz", false}, {"V=1", false}, {"v=1;w=2", false}, {"&", false}, {"&&&", false}, {"v=1&", false},
	}
	for _, tt := range tests {
		if _, err := checkQuery(tt.raw, "v"); (err == nil) != tt.ok {
			t.Errorf("checkQuery(%q): error %v, want none: %v", tt.raw, err, tt.ok)
		}
	}
	if _, err := checkQuery("v=1"); err == nil {
		t.Error("an address that takes no query took one")
	}
}
