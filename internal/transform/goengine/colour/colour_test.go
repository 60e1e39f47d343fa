package colour

import (
	"bytes"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// The figures of this file are libvips' 8.14.1 (`vips icc_transform in out srgb --input-profile profile`; for
// Display P3, the profile of imagetest in the place of srgb), over the same profiles, with the relative colorimetric intent: a second
// implementation (Little CMS) of the same standards. None may be more than one step away.
const fromVips = 1

type pair struct{ in, want [4]uint8 }

// opaque is colours of three channels.
func opaque(pairs ...[6]uint8) []pair {
	var list []pair
	for _, p := range pairs {
		list = append(list, pair{[4]uint8{p[0], p[1], p[2], 200}, [4]uint8{p[3], p[4], p[5], 200}})
	}
	return list
}

func check(t *testing.T, convert func(dst, src []byte), pairs []pair) {
	t.Helper()
	for _, p := range pairs {
		var got [4]uint8
		convert(got[:], p.in[:])
		for c := range got {
			if d := int(got[c]) - int(p.want[c]); d < -fromVips || d > fromVips {
				t.Errorf("%v: got %v, want %v", p.in, got, p.want)
				break
			}
		}
	}
}

func TestConvert(t *testing.T) {
	for _, tt := range []struct {
		name    string
		profile []byte
		space   Space
		want    []pair
	}{
		{"Display P3", imagetest.ICCDisplayP3(), SRGB, opaque(
			[6]uint8{255, 0, 0, 255, 0, 0}, [6]uint8{0, 255, 0, 0, 255, 0}, [6]uint8{128, 128, 128, 128, 128, 128},
			[6]uint8{128, 128, 51, 128, 128, 33}, [6]uint8{200, 60, 40, 218, 42, 23}, [6]uint8{30, 90, 180, 0, 92, 186},
			[6]uint8{10, 20, 5, 7, 20, 3}, [6]uint8{255, 255, 255, 255, 255, 255}, [6]uint8{0, 0, 0, 0, 0, 0},
		)},
		{"Display P3 to itself", imagetest.ICCDisplayP3(), DisplayP3, opaque(
			[6]uint8{255, 0, 0, 255, 0, 0}, [6]uint8{200, 60, 40, 200, 60, 39}, [6]uint8{10, 20, 5, 10, 20, 5},
		)},
		{"Adobe RGB", imagetest.ICCAdobeRGB(), SRGB, opaque(
			[6]uint8{255, 0, 0, 255, 0, 0}, [6]uint8{128, 128, 128, 129, 129, 129}, [6]uint8{128, 128, 51, 129, 129, 40},
			[6]uint8{200, 60, 40, 232, 57, 34}, [6]uint8{30, 90, 180, 0, 90, 184}, [6]uint8{10, 20, 5, 0, 12, 0},
		)},
		{"Adobe RGB to Display P3", imagetest.ICCAdobeRGB(), DisplayP3, opaque(
			[6]uint8{255, 0, 0, 255, 61, 43}, [6]uint8{0, 255, 0, 0, 250, 45}, [6]uint8{0, 0, 255, 0, 0, 249},
			[6]uint8{128, 128, 51, 129, 129, 55}, [6]uint8{200, 60, 40, 213, 73, 50}, [6]uint8{30, 90, 180, 0, 88, 178},
		)},
		{"ProPhoto", imagetest.ICCProPhoto(), SRGB, opaque(
			[6]uint8{128, 128, 128, 146, 146, 146}, [6]uint8{128, 128, 51, 162, 147, 35}, [6]uint8{200, 60, 40, 255, 0, 43},
			[6]uint8{30, 90, 180, 0, 118, 203}, [6]uint8{10, 20, 5, 0, 28, 0},
		)},
		{"ProPhoto to Display P3", imagetest.ICCProPhoto(), DisplayP3, opaque(
			[6]uint8{255, 0, 0, 255, 0, 26}, [6]uint8{128, 128, 51, 159, 147, 58}, [6]uint8{200, 60, 40, 255, 0, 56},
			[6]uint8{30, 90, 180, 0, 114, 196}, [6]uint8{10, 20, 5, 2, 28, 1},
		)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Parse(tt.profile, 3)
			if p == nil {
				t.Fatal("taken for sRGB")
			}
			if got := p.Target(tt.space == DisplayP3); got != tt.space {
				t.Fatalf("got target %d, want %d", got, tt.space)
			}
			check(t, func(dst, src []byte) { p.Convert(tt.space, dst, src) }, tt.want)
		})
	}
}

func TestCMYK(t *testing.T) {
	p := Parse(imagetest.ICCSwappedCMYK(), 4)
	if p == nil {
		t.Fatal("no profile")
	}
	check(t, p.CMYK, []pair{
		{[4]uint8{0, 0, 0, 0}, [4]uint8{255, 255, 255, 255}},
		{[4]uint8{255, 0, 0, 0}, [4]uint8{255, 255, 6, 255}},
		{[4]uint8{0, 255, 0, 0}, [4]uint8{255, 0, 255, 255}},
		{[4]uint8{0, 0, 255, 0}, [4]uint8{0, 255, 255, 255}},
		{[4]uint8{0, 0, 0, 255}, [4]uint8{0, 0, 0, 255}},
		{[4]uint8{120, 40, 200, 30}, [4]uint8{51, 189, 119, 255}},
		{[4]uint8{30, 30, 30, 30}, [4]uint8{199, 199, 198, 255}},
		{[4]uint8{255, 255, 255, 255}, [4]uint8{0, 0, 0, 255}},
	})
}

func TestGrey(t *testing.T) {
	p := Parse(imagetest.ICCGrey(1.8), 1)
	got := []byte{0, 4, 30, 128, 200, 255}
	if !p.Grey(got, got) {
		t.Fatal("not a grey picture's profile")
	}
	for i, want := range []int{0, 3, 40, 146, 210, 255} {
		if d := int(got[i]) - want; d < -fromVips || d > fromVips {
			t.Errorf("got %v, want %d at %d", got, want, i)
		}
	}
	pixel := []byte{128, 1, 2, 77}
	p.Convert(p.Target(true), pixel, pixel)
	if got[3] != pixel[0] || !bytes.Equal(pixel, []byte{got[3], got[3], got[3], 77}) {
		t.Errorf("got %v, want grey %d, which the plane has, and the same alpha", pixel, got[3])
	}
	if Parse(imagetest.ICCDisplayP3(), 3).Grey(got, got) {
		t.Error("the profile of RGB pictures converts a plane")
	}
}

// TestGreyStaysGrey converts every grey by every profile of RGB whose white is D50: nothing may be tinted, in a table that
// interpolates neither.
func TestGreyStaysGrey(t *testing.T) {
	table := newProfile(named(p3Primaries(), decode), 3, false)
	for name, p := range map[string]*Profile{
		"p3": Parse(imagetest.ICCDisplayP3(), 3), "adobe": Parse(imagetest.ICCAdobeRGB(), 3), "table": table,
	} {
		for v := range 256 {
			px := []byte{byte(v), byte(v), byte(v), 255}
			p.Convert(SRGB, px, px)
			if low, high := min(px[0], px[1], px[2]), max(px[0], px[1], px[2]); high-low > 1 {
				t.Errorf("%s: grey %d became %v", name, v, px)
			}
		}
	}
}

// TestCubeIsSum holds the interpolated table against the exact one, over a space for which both can be made.
func TestCubeIsSum(t *testing.T) {
	m := named(p3Primaries(), decode)
	exact, table := newSum(m, SRGB), newCube(m, 3, SRGB)
	worst := 0
	for i := range 1 << 15 {
		px := [4]byte{byte(i << 3), byte(i >> 2 & 0xf8), byte(i >> 7 & 0xf8), 255}
		var a, b [4]byte
		exact.convert(a[:], px[:])
		table.convert(b[:], px[:])
		for c := range a {
			d := int(a[c]) - int(b[c])
			worst = max(worst, d, -d)
		}
	}
	if worst > 4 { // 3, measured: beside black, where the curve bends most
		t.Errorf("got %d steps between the interpolated table and the exact one", worst)
	}
}

// TestInEffectSRGB: what is sRGB costs nothing and changes nothing; Display P3 is known as itself.
func TestInEffectSRGB(t *testing.T) {
	for name, p := range map[string]*Profile{
		"profile":                    Parse(imagetest.ICCSRGB(), 3),
		"grey of two bends":          Parse(imagetest.ICCGrey(2.2), 3),
		"for CMYK":                   Parse(imagetest.ICCSwappedCMYK(), 3),
		"code points":                CodePoints(1, 13),
		"PQ":                         CodePoints(9, 16),
		"unknown code points":        CodePoints(2, 2),
		"gamma 1/2.2":                Chromaticities{Gamma: 45455}.Profile(3),
		"gamma 1/2.2 and primaries":  Chromaticities{Gamma: 45455, XY: [8]uint32{31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}}.Profile(3),
		"impossible primaries":       Chromaticities{Gamma: 45455, XY: [8]uint32{31270, 32900, 0, 0, 0, 0, 0, 0}}.Profile(3),
		"primaries without a white":  Chromaticities{XY: [8]uint32{2: 64000, 3: 33000, 4: 30000, 5: 60000, 6: 15000, 7: 6000}}.Profile(3),
		"gamma 0, which is no gamma": Chromaticities{Gamma: 0, XY: [8]uint32{}}.Profile(3),
	} {
		if p != nil {
			t.Errorf("%s: got a profile, want none", name)
		}
		if !p.Is(SRGB) || p.Target(true) != SRGB {
			t.Errorf("%s: no profile is not sRGB", name)
		}
	}
	for name, p := range map[string]*Profile{
		"profile": Parse(imagetest.ICCDisplayP3(), 3), "our own": Parse(DisplayP3ICC(), 3), "code points": CodePoints(12, 13),
	} {
		if p == nil || p.Target(true) != DisplayP3 || !p.Is(DisplayP3) || p.Is(SRGB) || p.Target(false) != SRGB {
			t.Errorf("%s of Display P3 is not known as such", name)
		}
	}
}

func TestNamed(t *testing.T) {
	adobe := opaque([6]uint8{128, 128, 51, 129, 129, 40}, [6]uint8{200, 60, 40, 232, 57, 34}, [6]uint8{30, 90, 180, 0, 90, 184})
	for _, tt := range []struct {
		name string
		p    *Profile
		want []pair
	}{
		{"Adobe RGB", AdobeRGB(), adobe},
		{"Adobe RGB as PNG says it", Chromaticities{Gamma: 45470, XY: [8]uint32{31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000}}.Profile(3), adobe},
		{"Display P3 by code points", CodePoints(12, 13), opaque([6]uint8{200, 60, 40, 218, 42, 23}, [6]uint8{30, 90, 180, 0, 92, 186})},
		// Grey of half the light is 188 (IEC 61966-2-1).
		{"linear light", CodePoints(1, 8), opaque([6]uint8{128, 128, 128, 188, 188, 188}, [6]uint8{255, 0, 1, 255, 0, 13})},
		{"gamma 1, as PNG says it", Chromaticities{Gamma: 100000}.Profile(3), opaque([6]uint8{128, 128, 128, 188, 188, 188})},
		// (0.5 + 0.099) ÷ 1.099 to the power of 1 ÷ 0.45 is 0.26, which sRGB writes as 139 (ITU-R BT.709 §1.2).
		{"BT.709's curve", CodePoints(1, 1), opaque([6]uint8{128, 128, 128, 139, 139, 139})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.p == nil {
				t.Fatal("taken for sRGB")
			}
			check(t, func(dst, src []byte) { tt.p.Convert(SRGB, dst, src) }, tt.want)
		})
	}
	if r, g, b := P3(200, 60, 40); r != 185 || g != 71 || b != 50 { // libvips, sRGB to p3
		t.Errorf("got %d %d %d in Display P3, want 185 71 50", r, g, b)
	}
}
