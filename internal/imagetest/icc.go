package imagetest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"math"
	"testing"
)

// The profiles of RGB spaces, as their owners publish them: the columns of red, green and blue in XYZ relative to D50, and
// an exponent.
type space struct {
	columns [3][3]float64
	gamma   float64 // 0 is sRGB's curve
}

// ICCSRGB is a profile of sRGB (IEC 61966-2-1).
func ICCSRGB() []byte {
	return space{columns: [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.7141}}}.icc()
}

// ICCDisplayP3 is a profile of Display P3.
func ICCDisplayP3() []byte {
	return space{columns: [3][3]float64{{0.51512, 0.2412, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.1571, 0.06657, 0.78407}}}.icc()
}

// ICCAdobeRGB is a profile of Adobe RGB (1998).
func ICCAdobeRGB() []byte {
	return space{gamma: 2.2, columns: [3][3]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}}.icc()
}

// ICCProPhoto is a profile of ProPhoto RGB (ROMM, ISO 22028-2).
func ICCProPhoto() []byte {
	return space{gamma: 1.8, columns: [3][3]float64{{0.79767, 0.28804, 0}, {0.13519, 0.71187, 0}, {0.03135, 0.00009, 0.82491}}}.icc()
}

// ICCGrey is a profile of greys with an exponent.
func ICCGrey(gamma float64) []byte {
	return ICC("mntr", "GRAY", "XYZ ", []ICCTag{{"kTRC", iccGamma(gamma)}})
}

// ICCSwappedCMYK is a profile of CMYK by the plain formula, except that cyan takes away blue, and yellow red: whoever looks
// at it and whoever does not see different pictures. It is a table of 9 points a side in Lab, of 20 KB.
func ICCSwappedCMYK() []byte {
	const points = 9
	lut := append(iccKind("mft1"), 4, 3, points, 0)
	lut = append(lut, iccFixed(1, 0, 0, 0, 1, 0, 0, 0, 1)...)
	identity := make([]byte, 256)
	for i := range identity {
		identity[i] = byte(i)
	}
	lut = append(lut, bytes.Repeat(identity, 4)...)
	for i := range points * points * points * points {
		ink := func(place int) float64 { return float64(i/place%points) / (points - 1) }
		light := func(place int) float64 { return (1 - ink(place)) * (1 - ink(1)) }
		lab := lab(light(points), light(points*points), light(points*points*points))
		lut = append(lut, iccByte(lab[0]/100), iccByte((lab[1]+128)/255), iccByte((lab[2]+128)/255))
	}
	return ICC("prtr", "CMYK", "Lab ", []ICCTag{{"A2B0", append(lut, bytes.Repeat(identity, 3)...)}})
}

// An ICCTag is a named part of a profile.
type ICCTag struct {
	Name string
	Body []byte
}

// ICC is a profile of a class for a colour space, over a connection space, with tags as they are, one behind the other.
func ICC(class, colours, connection string, tags []ICCTag) []byte {
	be := binary.BigEndian
	b := make([]byte, 128)
	b[8] = 2 // the version that everything reads
	copy(b[12:], class+colours+connection)
	copy(b[36:], "acsp")
	copy(b[68:], iccFixed(0.9642, 1, 0.8249))
	b = be.AppendUint32(b, uint32(len(tags)))
	at := len(b) + 12*len(tags)
	for _, t := range tags {
		b = append(b, t.Name...)
		b = be.AppendUint32(be.AppendUint32(b, uint32(at)), uint32(len(t.Body)))
		at += len(t.Body)
	}
	for _, t := range tags {
		b = append(b, t.Body...)
	}
	be.PutUint32(b, uint32(len(b)))
	return b
}

func (s space) icc() []byte {
	curve := iccGamma(s.gamma)
	if s.gamma == 0 {
		curve = append(append(iccKind("para"), 0, 3, 0, 0), iccFixed(2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)...)
	}
	var tags []ICCTag
	for i, c := range []string{"r", "g", "b"} {
		tags = append(tags, ICCTag{c + "XYZ", append(iccKind("XYZ "), iccFixed(s.columns[i][:]...)...)}, ICCTag{c + "TRC", curve})
	}
	white := ICCTag{"wtpt", append(iccKind("XYZ "), iccFixed(0.9642, 1, 0.8249)...)}
	return ICC("mntr", "RGB ", "XYZ ", append(tags, white))
}

// iccGamma is a curve by its exponent, in eight bits behind the point.
func iccGamma(gamma float64) []byte {
	b := binary.BigEndian.AppendUint32(iccKind("curv"), 1)
	return append(binary.BigEndian.AppendUint16(b, uint16(math.Round(gamma*256))), 0, 0)
}

func iccKind(name string) []byte { return append([]byte(name), 0, 0, 0, 0) }

func iccFixed(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*(1<<16)))))
	}
	return b
}

func iccByte(v float64) byte { return byte(math.Round(255 * min(max(v, 0), 1))) }

// lab is sRGB as CIE L*a*b* relative to D50.
func lab(r, g, b float64) [3]float64 {
	m := [3][3]float64{{0.43607, 0.38515, 0.14307}, {0.22249, 0.71687, 0.06061}, {0.01392, 0.09708, 0.7141}}
	white := [3]float64{0.9642, 1, 0.8249}
	var f [3]float64
	for i := range f {
		for j, v := range [3]float64{r, g, b} {
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			f[i] += m[i][j] * v / white[i]
		}
		if f[i] > 216./24389 {
			f[i] = math.Cbrt(f[i])
		} else {
			f[i] = (24389./27*f[i] + 16) / 116
		}
	}
	return [3]float64{116*f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])}
}

// WithICC puts a profile into a picture: APP2 segments of a JPEG, as many as it needs, an iCCP chunk of a PNG, an ICCP chunk
// of a WebP of FileWidth × FileHeight pixels.
func WithICC(t testing.TB, picture, profile []byte) []byte {
	t.Helper()
	switch {
	case bytes.HasPrefix(picture, []byte("\xff\xd8")):
		const room = 65535 - 2 - 14
		all := byte((len(profile) + room - 1) / room)
		segments := picture[:2:2]
		for n := byte(1); n <= all; n++ {
			part := profile[:min(room, len(profile))]
			profile = profile[len(part):]
			segments = append(segments, ICCSegment(n, all, part)...)
		}
		return append(segments, picture[2:]...)
	case bytes.HasPrefix(picture, []byte("\x89PNG")):
		const header = 8 + 12 + 13 // signature and IHDR
		return join(picture[:header], Chunk("iCCP", append([]byte("any\x00\x00"), Deflated(t, profile)...)), picture[header:])
	case bytes.HasPrefix(picture, []byte("RIFF")):
		return webpWith(picture, 1<<5, riffChunk("ICCP", profile), nil)
	}
	t.Fatalf("no place for a profile in %q…", picture[:min(len(picture), 4)])
	return nil
}

// ICCSegment is one APP2 segment of a JPEG: part of a profile, and which of how many.
func ICCSegment(number, all byte, part []byte) []byte {
	body := append(append([]byte("ICC_PROFILE\x00"), number, all), part...)
	return join([]byte{0xff, 0xe2}, be16(len(body)+2), body)
}

// Deflated is b as a zlib stream.
func Deflated(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zlib.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
