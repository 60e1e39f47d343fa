package caption_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/bep/imagemeta"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// full says everything, in letters that XML, IIM and Markdown have to take care of.
var full = caption.Words{
	Cutline:     `Lärchen & "Arven" <above> the lake — 氷河, at 5 * 3 °C, [by](https://example.org/ann) Ann’s.`,
	Credit:      "Ann Müller / Agence Été",
	CreditURL:   "https://example.org/ann?a=1&b=2",
	Alt:         "Larches in autumn; beneath, <i>blue</i> water 👩‍🔬",
	Creator:     "Ann Müller",
	Copyright:   "© 2026 Agence Été",
	License:     "https://creativecommons.org/licenses/by/4.0/",
	Licensor:    "Agence Été & Fils",
	LicensorURL: "https://example.org/buy?x=1&y=2",
	SourceType:  "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
}

// pictures are files in every layout that a format has.
func pictures(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"jpeg": imagetest.JPEG(t, 60, 40), "png": imagetest.PNG(t, 60, 40, true)}
	for _, name := range []string{
		"progressive.jpg", "cmyk.jpg", "interlaced.png", "lossy.webp", "lossless.webp", "alpha.webp", "alpha-lossless.webp", "animated.webp",
		"lossy.avif", "deep-444.avif", "alpha.avif", "alpha-premultiplied.avif", "turned.avif",
	} {
		out[name] = imagetest.File(t, name)
	}
	return out
}

func embed(t testing.TB, file []byte, w caption.Words) []byte {
	t.Helper()
	before := bytes.Clone(file)
	out, err := caption.Embed(file, w)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, before) {
		t.Fatal("Embed changed the file that it was given")
	}
	return out
}

func extract(t testing.TB, file []byte) caption.Found {
	t.Helper()
	found, err := caption.Extract(file)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEmbed verifies for every layout that words come back whole, that a second time changes nothing, that other words replace
// them, and that none take them out.
func TestEmbed(t *testing.T) {
	for name, file := range pictures(t) {
		t.Run(name, func(t *testing.T) {
			once := embed(t, file, full)
			if got := extract(t, once).XMP; got != full.Plain() {
				t.Errorf("XMP = %+v\nwant  %+v", got, full.Plain())
			}
			if over := len(once) - len(file); over <= 0 || over > caption.Cost(full) {
				t.Errorf("%d bytes more, Cost says at most %d", over, caption.Cost(full))
			}
			if twice := embed(t, once, full); !bytes.Equal(once, twice) {
				t.Error("embedding twice is not embedding once")
			}
			other := caption.Words{Credit: "Other"}
			if got := extract(t, embed(t, once, other)).XMP; got != other {
				t.Errorf("XMP = %+v, want %+v", got, other)
			}
			if !bytes.Equal(embed(t, embed(t, once, other), full), once) {
				t.Error("what was embedded before is left in the file")
			}
			none := embed(t, once, caption.Words{Decorative: true})
			if got := extract(t, none); got.XMP != (caption.Words{}) || got.IPTC != (caption.Words{}) {
				t.Errorf("taken out, there is still %+v", got)
			}
			if bytes.Contains(none, []byte("Agence")) {
				t.Error("taken out, the file still has the words' bytes")
			}
			if again := embed(t, none, caption.Words{}); &again[0] != &none[0] {
				t.Error("nothing to take out, and it is not the file itself")
			}
		})
	}
}

// TestEmbedKeepsPixels verifies that a decoder sees the same picture before and after, in every layout.
func TestEmbedKeepsPixels(t *testing.T) {
	engine := goengine.New()
	t.Cleanup(func() { _ = engine.Close() })
	decoded := func(file []byte) []byte {
		t.Helper()
		info, err := engine.Probe(file)
		if err != nil {
			t.Fatal(err)
		}
		out, err := engine.Transform(t.Context(), file, []transform.Spec{{Width: info.Width, Height: info.Height, Format: transform.PNG}})
		if err != nil {
			t.Fatal(err)
		}
		return out[0].Body
	}
	for name, file := range pictures(t) {
		with := embed(t, file, full)
		if !bytes.Equal(decoded(with), decoded(file)) {
			t.Errorf("%s: other pixels with words", name)
		}
		if !bytes.Equal(decoded(embed(t, with, caption.Words{})), decoded(file)) {
			t.Errorf("%s: other pixels after words were taken out", name)
		}
	}
}

// TestEmbedIsRead verifies what is written with a reader of somebody else's.
func TestEmbedIsRead(t *testing.T) {
	formats := map[string]imagemeta.ImageFormat{"jpeg": imagemeta.JPEG, "png": imagemeta.PNG, "lossy.webp": imagemeta.WebP, "lossy.avif": imagemeta.AVIF}
	plain := full.Plain()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			file := embed(t, pictures(t)[name], full)
			if name == "png" { // of which imagemeta 1.0.1 reads no XMP: its packet is read as a JPEG's
				format, file = imagemeta.JPEG, asJPEG(t, file)
			}
			var tags imagemeta.Tags
			_, err := imagemeta.Decode(imagemeta.Options{
				R: bytes.NewReader(file), ImageFormat: format, Sources: imagemeta.XMP | imagemeta.IPTC,
				HandleTag: func(tag imagemeta.TagInfo) error { tags.Add(tag); return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{
				"Description": plain.Cutline, "Credit": plain.Credit, "Creator": plain.Creator, "Rights": plain.Copyright, "WebStatement": plain.License,
				"AltTextAccessibility": plain.Alt, "DigitalSourceType": plain.SourceType, "Marked": "True",
			}
			for tag, value := range want {
				if got, _ := tags.XMP()[tag].Value.(string); got != value {
					t.Errorf("XMP %s = %q, want %q", tag, tags.XMP()[tag].Value, value)
				}
			}
			if name != "jpeg" {
				return
			}
			for tag, value := range map[string]string{
				"Caption-Abstract": plain.Cutline, "Credit": plain.Credit, "By-line": plain.Creator, "CopyrightNotice": plain.Copyright,
			} {
				if got, _ := tags.IPTC()[tag].Value.(string); got != value {
					t.Errorf("IPTC %s = %q, want %q", tag, tags.IPTC()[tag].Value, value)
				}
			}
		})
	}
}

// asJPEG is a JPEG with the packet in a PNG's text chunk, which has to be as XMP's specification has it.
func asJPEG(t *testing.T, png []byte) []byte {
	t.Helper()
	const keyword = "iTXtXML:com.adobe.xmp\x00\x00\x00\x00\x00"
	at := bytes.Index(png, []byte(keyword))
	if at < 4 || at > bytes.Index(png, []byte("IDAT")) {
		t.Fatal("no uncompressed iTXt chunk before the pixels")
	}
	size := int(binary.BigEndian.Uint32(png[at-4:])) + 4
	if got := binary.BigEndian.Uint32(png[at+size:]); got != crc32.ChecksumIEEE(png[at:at+size]) {
		t.Errorf("checksum %#x", got)
	}
	segment := append([]byte("http://ns.adobe.com/xap/1.0/\x00"), png[at+len(keyword):at+size]...)
	jpeg := imagetest.JPEG(t, 8, 8)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(segment)))
	return slices.Concat(jpeg[:2], head, segment, jpeg[2:])
}

// TestEmbedLengths verifies that IPTC-IIM is cut at its bounds between letters, XMP not at all, and that what no segment can
// hold is an error for every format.
func TestEmbedLengths(t *testing.T) {
	long := caption.Words{
		Cutline: strings.Repeat("é", 1500), Credit: strings.Repeat("e\u0301", 3) + strings.Repeat("x", 25) + "👩‍🔬", Creator: strings.Repeat("ü", 17),
		Copyright: strings.Repeat("c", 129),
	}
	found := extract(t, embed(t, imagetest.JPEG(t, 8, 8), long))
	if found.XMP.Credit != long.Plain().Credit || found.XMP.Copyright != long.Copyright {
		t.Errorf("XMP = %+v, want it whole", found.XMP)
	}
	want := caption.Words{Cutline: strings.Repeat("é", 1000), Credit: strings.Repeat("é", 3) + strings.Repeat("x", 25), Creator: strings.Repeat("ü", 16), Copyright: strings.Repeat("c", 128)}
	if got := found.IPTC; got.Credit != want.Credit || got.Creator != want.Creator || got.Copyright != want.Copyright || !strings.HasPrefix(want.Cutline, got.Cutline) {
		t.Errorf("IPTC = %+v\nwant %+v", got, want)
	}
	for name, file := range pictures(t) {
		huge := caption.Words{Cutline: strings.Repeat("<é ", 20_000)}
		if _, err := caption.Embed(file, huge); !errors.Is(err, caption.ErrTooLong) {
			t.Errorf("%s: %v, want ErrTooLong", name, err)
		}
		cut := huge.Cut(2000)
		if n := len(cut.Plain().Cutline); n > 2000 || n < 1990 {
			t.Errorf("cut to %d bytes, want nearly 2,000", n)
		}
		embed(t, file, cut)
	}
}

func TestEmbedRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
		want error
	}{
		{"nothing", nil, caption.ErrFormat},
		{"text", []byte("not a picture at all"), caption.ErrFormat},
		{"a JPEG of three bytes", []byte("\xff\xd8\xff"), caption.ErrCorrupt},
		{"a PNG without pixels", imagetest.PNG(t, 4, 4, false)[:33], caption.ErrCorrupt},
		{"a WebP of no chunk", []byte("RIFF\x04\x00\x00\x00WEBP"), caption.ErrCorrupt},
		{"a WebP of zeros", []byte("RIFF\x16\x00\x00\x00WEBPVP8 \x0a\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x00\x00\x00\x00"), caption.ErrCorrupt},
		{"HEIF without items", []byte("\x00\x00\x00\x0cftypavif"), caption.ErrCorrupt},
		{"an image sequence", imagetest.File(t, "animated.avif"), caption.ErrFormat},
	} {
		if got, err := caption.Embed(tt.file, full); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: %d bytes, %v; want %v", tt.name, len(got), err, tt.want)
		}
	}
	gif := imagetest.GIF(t, 8, 8, 2)
	if got := embed(t, gif, full); &got[0] != &gif[0] {
		t.Error("a GIF is not returned as it is")
	}
}

// TestEmbedTruncated verifies that a file cut off anywhere is refused or still whole for a reader, and never a panic.
func TestEmbedTruncated(t *testing.T) {
	words := full.Plain()
	words.Cutline, words.Alt = "plain", "plain" // Markdown takes longer than all the rest
	for name, file := range pictures(t) {
		with := embed(t, file, words)
		step := 1
		if testing.Short() { // with the race detector, which this shows nothing
			step = 13
		}
		for n := 0; n < len(with); n += step {
			if n > 1200 && n < len(with)-1200 { // within the pixels
				n += 10
			}
			if _, err := caption.Embed(with[:n], words); err != nil && !errors.Is(err, caption.ErrCorrupt) && !errors.Is(err, caption.ErrFormat) {
				t.Fatalf("%s, %d bytes: %v", name, n, err)
			}
			if _, err := caption.Extract(with[:n]); err != nil && !errors.Is(err, caption.ErrCorrupt) && !errors.Is(err, caption.ErrFormat) {
				t.Fatalf("%s, %d bytes: %v", name, n, err)
			}
		}
	}
}

func BenchmarkEmbed(b *testing.B) {
	for _, name := range []string{"jpeg", "png", "lossy.webp", "lossy.avif"} {
		file := pictures(b)[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := caption.Embed(file, full); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
