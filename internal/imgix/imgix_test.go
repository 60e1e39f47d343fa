package imgix

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/transform"
)

// Each group is spellings of one thing, the canonical one first.
func TestCanonical(t *testing.T) {
	for _, spellings := range [][]string{
		{"", "ixlib=js-3.8.0", "ixid=abc&ch=Width%2CDPR", "dpr=2", "fit=crop", "fit=min&crop=faces", "crop=top", "fp-x=.3", "ar=16:9", "max-w=100",
			"bg=0fff", "bg=00ffffff", "bg=transparent", "auto=compress", "cs=strip&chromasub=444&jpg-progressive=false&dpi=72&iptc=block", "fill-color=red", "fit=clip", "ar=16:9&fit=min"},
		{"w=800", "width=800", "W=800", "w64=ODAw", "w=400&dpr=2", "dpr=2&w=400", "w=800&fit=crop", "w=800&fit=max", "f=clip&w=800", "w=800.0",
			"w=800&ar=1:1", "w=800&fit=min&ar=1:1", "w=800&fit=fill", "w=800&fit=fill&fill-color=red", "w=800&fit=scale", "ixlib=x&w=800&fill=solid", "w=800&fit=min&max-w=100",
			"w=800&", "&w=800", "&&w=800&&ixlib=a&&", "ixlib=a&w=800&ixlib=b&ixid=c&cs=srgb&cs=strip"},
		{"h=450", "height=450", "h=150&dpr=3"},
		{"w=0.5", "w=.5", "w=0.50", "w=0.25&dpr=2"},
		{"w=1", "w=1&dpr=3", "w=0.9&dpr=5", "w=1.0"},
		{"w=8192&h=4096", "w=4000&h=2000&dpr=5"},
		{"w=2", "w=3&dpr=0.1"},
		{"w=500", "w=333&dpr=1.5"},
		{"w=100&h=100&fit=crop", "h=100&w=100&fit=min", "w=100&h=100&fit=crop&crop=focalpoint",
			"w=100&h=100&fit=crop&fp-x=.2", "w=100&h=100&fit=crop&ar=2:1", "W=100&H=100&FIT=CROP", "w=100&h=100&fit=min&max-w=50"},
		{"w=100&h=100&fit=crop&crop=focalpoint&fp-x=0.5&fp-y=0.5", "w=100&h=100&fit=crop&crop=focalpoint&fp-x=.5", "w=100&h=100&fit=min&crop=focalpoint,top&fp-y=.5",
			"w=100&h=100&fit=crop&crop=center", "w=100&h=100&fit=crop&crop=Center,top", "w=100&h=100&fit=crop&crop=focalpoint,center"},
		{"w=100&h=100", "w=100&h=100&crop=top", "w=100&h=100&crop=focalpoint&fp-x=.1", "w=100&h=100&fit=max&max-w=20"},
		{"w=100&h=100&fit=crop&crop=entropy", "w=100&h=100&fit=crop&crop=faces", "w=100&h=100&fit=crop&crop=edges,top", "w=100&h=100&fit=min&crop=auto",
			"w=100&h=100&fit=crop&crop=focalpoint,faces", "w=100&h=100&fit=crop&crop64=ZmFjZXM"},
		{"w=100&h=100&fit=crop&crop=focalpoint&fp-x=0&fp-y=0", "w=100&h=100&fit=crop&crop=top,left", "w=100&h=100&fit=crop&crop=left,top,faces"},
		{"w=100&h=100&fit=crop&crop=focalpoint&fp-x=0.5&fp-y=1", "w=100&h=100&fit=crop&crop=bottom", "w=100&h=100&fit=crop&crop=focalpoint,bottom"},
		{"w=100&h=100&fit=crop&crop=focalpoint&fp-x=0.3&fp-y=0.67", "fp-y=.666667&fp-x=0.3000&crop=focalpoint%2Cfaces&fit=crop&h=100&w=100"},
		{"w=100&fit=crop&ar=16:9", "w=100&fit=crop&ar=32%3A18", "w=100&fit=crop&ar=1.6:0.9"},
		{"fit=crop&ar=37:20", "ar=1.85:1&f=crop"},
		{"fit=crop&ar=9999:8", "ar=1234.567:1&f=crop"},
		{"h=200&fit=crop&max-w=300", "max-width=300&fit=crop&height=200"},
		{"w=100&h=100&fit=fill", "w=100&h=100&fit=fill&bg=fff", "w=100&h=100&fit=fill&bg=black&fill-color=white", "w=100&h=100&fit=fill&fill=solid&fillcolor=FFFFFFFF"},
		{"w=100&h=100&fit=fill&bg=0fff", "w=100&h=100&fit=fill&bg=transparent", "w=100&h=100&fit=fill&bg=fff&fill-color=00aabbcc"},
		{"w=100&h=100&fit=fill&bg=663399", "w=100&h=100&fit=fill&bg=rebeccapurple", "w=100&h=100&fit=fill&bg=639", "w=100&h=100&fit=fill&bg=F639"},
		{"bg=ffffff", "bg=FFF", "bg=white", "bg=ffff", "bg=ffffffff"},
		{"w=100&h=100&fit=scale", "w=100&h=100&fit=scale&crop=top"},
		{"q=70", "q=70&auto=compress", "q64=NzA"},
		{"q=1", "q=0"},
		{"fm=jpg", "fm=jpeg", "fm=pjpg", "fm=JPG"},
		{"fm=png", "fm=png&q=70"},
		{"q=70&fm=png&auto=format", "auto=format,compress&fm=png&q=70"},
		{"auto=format", "auto=compress,format", "auto=compress&auto=format", "auto=format&auto=format", "auto=format%2Ccompress"},
		{"fm=json", "fm=json&w=100", "fm=json&q=70&dl=x"},
		{"fm=blurhash", "auto=format&fm=blurhash&w=32"},
		{"w=100&dl=a+b%26c.jpg", "dl=a%20b%26c.jpg&w=100", "dl64=YSBiJmMuanBn&w=100"},
		{"dl="},
	} {
		want, err := Parse(spellings[0])
		if err != nil {
			t.Errorf("Parse(%q): %v", spellings[0], err)
		}
		for _, raw := range spellings {
			got, err := Parse(raw)
			if err != nil || got != want {
				t.Errorf("Parse(%q) = %+v, %v; want %+v", raw, got, err, want)
			}
			if c := got.Canonical(); c != spellings[0] {
				t.Errorf("Parse(%q).Canonical() = %q, want %q", raw, c, spellings[0])
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ raw, says string }{
		{"x=1", `"x" is unknown: expected some of w h fit crop`},
		{"x64=MQ", "unknown"},
		{"auto64=Zm9ybWF0", "unknown"},
		{"ch64=V2lkdGg", "unknown"},
		{"w", "expected name=value"},
		{"=1", "expected name=value"},
		{"12345", "expected name=value"},
		{"w=%zz", "percent-encoded"},
		{"dl=%ff", "UTF-8"},
		{"%zz=1", "expected name=value"},
		{"w=100&w=100", "w is repeated"},
		{"w=100&width=200", "w is repeated"},
		{"w=100&w64=ODAw", "w is repeated"},
		{"w64=ODAw=", "base64url"},
		{"w64=OD+w", "base64url"},
		{"dl64=_w", "base64url"},
		{"w=", "2 to 8192"}, {"w=0", "2 to 8192"}, {"w=-1", "2 to 8192"}, {"w=+1", "2 to 8192"}, {"w=1.5", "2 to 8192"}, {"w=8193", "2 to 8192"},
		{"w=1e3", "2 to 8192"}, {"w=0x10", "2 to 8192"}, {"w=auto", "2 to 8192"}, {"w=NaN", "2 to 8192"}, {"w=0100", "2 to 8192"}, {"w=1_0", "2 to 8192"},
		{"w=10.", "2 to 8192"}, {"w=1.2.3", "2 to 8192"}, {"w=100px", "2 to 8192"}, {"w=%20100", "2 to 8192"}, {"w=99999999999999999999", "2 to 8192"}, {"h=٣", "2 to 8192"},
		{"fit=clamp", "clip, crop, fill, max, min or scale"}, {"fit=facearea", "expected"}, {"fit=fillmax", "expected"}, {"fit=cover", "expected"}, {"fit=", "expected"},
		{"crop=face", "faces"}, {"crop=", "faces"}, {"crop=top,", "faces"}, {"crop=top,bottom", "at most one of top and bottom"}, {"crop=left,faces,right", "at most one of left and right"}, {"crop=cat", "faces"}, {"crop=centre", "center"},
		{"fp-x=1.1", "0 to 1"}, {"fp-y=-0.1", "0 to 1"}, {"fp-x=50%25", "0 to 1"},
		{"ar=16", "width:height"}, {"ar=16:0", "width:height"}, {"ar=16:9:1", "width:height"}, {"ar=a:b", "width:height"}, {"ar=16/9", "width:height"}, {"ar=1.2345:1", "width:height"}, {"ar=10000:1", "width:height"},
		{"dpr=0", "up to 5"}, {"dpr=6", "up to 5"}, {"dpr=", "up to 5"},
		{"q=101", "0 to 100"}, {"q=-1", "0 to 100"}, {"q=7.5", "0 to 100"}, {"q=high", "0 to 100"},
		{"fm=jp2", "jpg, pjpg"}, {"fm=jxr", "jpg, pjpg"}, {"fm=mp4", "jpg, pjpg"}, {"fm=png8", "jpg, pjpg"}, {"fm=png32", "jpg, pjpg"}, {"fm=webm", "jpg, pjpg"}, {"fm=spritesheet", "jpg, pjpg"}, {"fm=", "jpg, pjpg"}, {"fm=tiff", "jpg, pjpg"},
		{"auto=enhance", "format, compress"}, {"auto=redeye,format", "format, compress"}, {"auto=true", "format, compress"}, {"auto=", "format, compress"},
		{"max-w=0", "1 to 8192"}, {"max-h=1.5", "1 to 8192"},
		{"bg=%23fff", "a colour"}, {"bg=ff", "a colour"}, {"bg=12345", "a colour"}, {"bg=ggg", "a colour"}, {"bg=imgixblue", "a colour"}, {"bg=8fff", "alpha"}, {"bg=80ffffff", "alpha"}, {"bg=", "a colour"}, {"bg=+ff", "a colour"},
		{"fill=blur", "solid"}, {"fill=gen", "solid"}, {"fill-color=nope", "a colour"},
		{"dl=" + strings.Repeat("x", 256), "255 bytes"},
		{"blur=0", "not supported: what a picture looks like"}, {"or=90", "orient is not supported"}, {"inv64=dHJ1ZQ", "invert is not supported"}, {"upscale=true", "never enlarged"}, {"min-w=100", "never enlarged"},
		{"w=" + strings.Repeat("9", 5000), "…"},
	} {
		p, err := Parse(tt.raw)
		if !errors.Is(err, ErrParams) || p != (Params{}) || !strings.Contains(err.Error(), tt.says) || len(err.Error()) > 400 {
			t.Errorf("Parse(%.80q) = %+v, %v; want ErrParams that says %q", tt.raw, p, err, tt.says)
		}
	}
	for _, raw := range []string{"s=0123", "w=100&s=0123", "expires=1700000000", "S=x", "expires64=MQ"} {
		if _, err := Parse(raw); !errors.Is(err, ErrSigned) || errors.Is(err, ErrParams) {
			t.Errorf("Parse(%q): %v, want ErrSigned", raw, err)
		}
	}
}

// The sizes that imgix documents for its fits, where they do not enlarge; and what is answered where they would.
func TestResolve(t *testing.T) {
	type size struct{ w, h int }
	small, large := size{300, 200}, size{4200, 2800}
	for _, tt := range []struct {
		raw  string
		of   size
		want string // resolved by transform too
	}{
		{"w=100&h=100", small, "w100-h67"},
		{"w=100&h=100&fit=clip", small, "w100-h67"},
		{"w=100&h=100&fit=max", small, "w100-h67"},
		{"w=100&h=100&fit=crop", small, "w100-h100-cover-center"},
		{"w=100&h=100&fit=min", small, "w100-h100-cover-center"},
		{"w=100&h=100&fit=fill", small, "w100-h100-pad-bgffffff"},
		{"w=100&h=100&fit=scale", small, "w100-h100-stretch"},
		{"w=400&h=400&fit=clip", small, "w300-h200"},
		{"w=400&h=400&fit=max", small, "w300-h200"},
		{"w=400&h=400&fit=crop", small, "w200-h200-cover-center"},
		{"w=400&h=200&fit=min", small, "w300-h150-cover-center"},
		{"w=400&h=400&fit=fill", small, "w300-h300-pad-bgffffff"},
		{"w=400&h=150&fit=fill", small, "w400-h150-pad-bgffffff"},
		{"w=400&h=400&fit=fill", large, "w400-h400-pad-bgffffff"},
		{"w=400&h=400&fit=scale", small, "w200-h200-stretch"},
		{"w=150&fit=min", small, "w150-h100"},
		{"w=150&fit=fill", small, "w150-h100"},
		{"w=0.5", small, "w150-h100"},
		{"w=0.5&h=0.25&fit=crop", small, "w150-h50-cover-center"},
		{"h=0.333", large, "w1398-h932"},
		{"w=0.001", small, "w1-h1"},
		{"w=1", small, "w300-h200"},
		{"w=100&dpr=2", small, "w200-h133"},
		{"w=100&dpr=5", small, "w300-h200"},
		{"w=100&h=50&dpr=2&fit=crop", small, "w200-h100-cover-center"},
		{"w=160&ar=16:9&fit=crop", small, "w160-h90-cover-center"},
		{"h=90&ar=16:9&fit=crop", small, "w160-h90-cover-center"},
		{"ar=1:1&fit=crop", small, "w200-h200-cover-center"},
		{"ar=16:9&fit=crop", large, "w4200-h2363-cover-center"},
		{"ar=3:2&fit=crop", small, "w300-h200"},
		{"ar=1:9999&fit=crop", small, "w1-h200-cover-center"},
		{"w=160&ar=16:9&fit=crop&max-h=80", small, "w160-h80-cover-center"},
		{"h=200&fit=crop&max-w=1200", small, "w300-h200"},
		{"h=200&fit=crop&max-w=200", small, "w200-h200-cover-center"},
		{"h=100&fit=crop&max-w=100", large, "w100-h100-cover-center"},
		{"h=9000&fit=crop&max-w=200", small, ""},
		{"h=5000&fit=crop&max-w=200", small, "w200-h200-cover-center"},
		{"w=200&fit=crop&max-h=100", small, "w200-h100-cover-center"},
		{"fit=crop&max-w=100", small, "w100-h200-cover-center"},
		{"w=250&h=100&fit=crop&max-w=120", small, "w120-h100-cover-center"},
		{"w=100&h=100&fit=crop&crop=top,left", small, "w100-h100-cover-fp0x0"},
		{"w=100&h=100&fit=crop&crop=entropy&bg=123456&q=50&fm=webp", small, "w100-h100-cover-q50-bg123456.webp"},
		{"w=100&q=50&fm=png", small, "w100-h67.png"},
		{"", large, "w4200-h2800"},
	} {
		p, err := Parse(tt.raw)
		if tt.want == "" {
			if err == nil {
				t.Errorf("Parse(%q): no error", tt.raw)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.raw, err)
			continue
		}
		spec := p.Resolve(tt.of.w, tt.of.h)
		if got := spec.Resolve(tt.of.w, tt.of.h, 0, 0).String(); got != tt.want {
			t.Errorf("%q of %d × %d: %s, and so %s; want %s", tt.raw, tt.of.w, tt.of.h, spec, got, tt.want)
		}
		if !p.NeedsSize() && p.Resolve(1, 1) != spec {
			t.Errorf("%q of %d × %d: %s; of 1 × 1 %s, without a need of the size", tt.raw, tt.of.w, tt.of.h, spec, p.Resolve(1, 1))
		}
	}
}

func TestFromSpec(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"w800.webp":                      "w=800&fm=webp",
		"w320-dpr2":                      "w=640",
		"h450-q70.jpg":                   "h=450&q=70&fm=jpg",
		"w1200-h630-cover":               "w=1200&h=630&fit=crop&crop=entropy",
		"w640-h360-cover-center.avif":    "w=640&h=360&fit=crop&fm=avif",
		"w640-h360-cover-fp30x70":        "w=640&h=360&fit=crop&crop=focalpoint&fp-x=0.3&fp-y=0.7",
		"w640-h360-cover-fp50x50":        "w=640&h=360&fit=crop&crop=focalpoint&fp-x=0.5&fp-y=0.5",
		"w100-h100-pad":                  "w=100&h=100&fit=fill&bg=0fff",
		"w100-h100-pad-bgffffff":         "w=100&h=100&fit=fill",
		"w100-h100-stretch-bg000000.png": "w=100&h=100&fit=scale&bg=000000&fm=png",
	} {
		spec, err := transform.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := FromSpec(spec)
		if got := p.Canonical(); got != want || !ok {
			t.Errorf("FromSpec(%s) = %q, %v; want %q", text, got, ok, want)
		}
		if again, err := Parse(want); err != nil || again.Resolve(1, 1) != spec.Fold() {
			t.Errorf("%q is %s, %v; want %s", want, again.Resolve(1, 1), err, text)
		}
	}
	for _, text := range []string{"w800-kb60", "w800-p3", "w800-sharpen", "w800-anim", "w1", "w8192-dpr2"} {
		spec, err := transform.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := FromSpec(spec); ok {
			t.Errorf("FromSpec(%s) = %q, want none", text, p.Canonical())
		}
	}
}

func TestParameters(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Parameters() {
		for _, name := range append(strings.Fields(k.Aliases), k.Name) {
			if seen[name] || name != strings.ToLower(name) {
				t.Errorf("%s stands twice, or not in lower case", name)
			}
			seen[name] = true
		}
		if k.Note == "" {
			t.Errorf("%s: no note", k.Name)
		}
		if _, reads := readers[k.Name]; reads != (k.Status == Implemented) {
			t.Errorf("%s is %s, read: %v", k.Name, k.Status, reads)
		}
		p, err := Parse(k.Name + "=1")
		switch k.Status {
		case Refused:
			if !errors.Is(err, ErrParams) {
				t.Errorf("%s: %v, want ErrParams", k.Name, err)
			}
		case Signed:
			if !errors.Is(err, ErrSigned) {
				t.Errorf("%s: %v, want ErrSigned", k.Name, err)
			}
		case Ignored:
			if err != nil || p != (Params{}) {
				t.Errorf("%s: %+v, %v; want no effect", k.Name, p, err)
			}
		}
	}
	// What the table has of imgix-url-params, counted there.
	const documented = 203
	own := []string{"ixlib", "ixid", "s", "fill-max"}
	if got := len(slices.DeleteFunc(Parameters(), func(k Parameter) bool { return slices.Contains(own, k.Name) })); got != documented {
		t.Errorf("%d parameters, want %d", got, documented)
	}
	Parameters()[0].Name = "changed"
	if diff := cmp.Diff("w", Parameters()[0].Name); diff != "" {
		t.Errorf("a caller changed the table: %s", diff)
	}
}

// Whatever is read has one canonical form, and means something within bounds for every original.
func FuzzParse(f *testing.F) {
	for _, raw := range []string{
		"w=800&h=450&fit=crop&crop=faces&auto=format%2Ccompress&ixlib=js-3.8.0", "w=0.3&dpr=2.625", "ar=1.85:1&fit=crop&max-w=300&h=200", "dl64=YSBi",
		"fit=fill&fill-color=0fff&w=3&h=4", "fp-x=.3&fp-y=.7&crop=focalpoint,top&fit=min&w=9&h=9", "fm=blurhash", "q=0&fm=pjpg", "fit=scale&w=1&h=8192&dpr=5", "bg=rebeccapurple",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := Parse(raw)
		if err != nil {
			if !errors.Is(err, ErrParams) && !errors.Is(err, ErrSigned) || p != (Params{}) {
				t.Fatalf("Parse(%q) = %+v, %v", raw, p, err)
			}
			return
		}
		again, err := Parse(p.Canonical())
		if err != nil || again != p || again.Canonical() != p.Canonical() {
			t.Errorf("Parse(%q) = %+v, whose canonical form %q is %+v, %v", raw, p, p.Canonical(), again, err)
		}
		for _, of := range [][2]int{{1, 1}, {300, 200}, {1, 16384}, {16384, 3}} {
			s := p.Resolve(of[0], of[1])
			if s.Width < 0 || s.Height < 0 || max(s.Width, s.Height) > maxSide {
				t.Errorf("%q of %v: %s", raw, of, s)
			}
			if again, err := transform.ParseSpec(s.String()); err != nil || again != s {
				t.Errorf("%q of %v: %+v is no spec: %v", raw, of, s, err)
			}
		}
	})
}
