package caption_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/container"
	"github.com/dd8bf596/cutline/internal/imagetest"
)

// packet is a description with properties of every namespace that programs use, by the prefixes that they use.
func packet(attributes, elements string) string {
	return `<?xpacket begin="` + "\uFEFF" + `" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="test">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:ps="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:cc="http://creativecommons.org/ns#"
  xmlns:core="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"
  ` + attributes + ">" + elements + `</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`
}

func withXMP(t testing.TB, packet string) []byte {
	t.Helper()
	jpeg := imagetest.JPEG(t, 8, 8)
	out := container.AppendSegment(bytes.Clone(jpeg[:2]), container.MarkerAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00"), []byte(packet))
	return append(out, jpeg[2:]...)
}

func TestExtractXMP(t *testing.T) {
	alt := func(items string) string { return "<rdf:Alt>" + items + "</rdf:Alt>" }
	for _, tt := range []struct {
		name, attributes, elements string
		want                       caption.Words
	}{
		{"attributes", `ps:Credit="A &amp; B" xmpRights:WebStatement="https://example.org/l" ext:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/x"`, "",
			caption.Words{Credit: "A & B", License: "https://example.org/l", SourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/x"}},
		{"elements", "", "\n <ps:Credit> A\n B </ps:Credit>", caption.Words{Credit: "A B"}},
		{"character data", "", "<ps:Credit><![CDATA[A <& B]]></ps:Credit>", caption.Words{Credit: "A <& B"}},
		{"the default language", "", "<dc:description>" + alt(`<rdf:li xml:lang="de">deutsch</rdf:li><rdf:li xml:lang="x-default">Default here</rdf:li>`) + "</dc:description>",
			caption.Words{Cutline: "Default here"}},
		{"the first language", "", "<core:AltTextAccessibility>" + alt(`<rdf:li xml:lang="de">deutsch</rdf:li><rdf:li xml:lang="fr">français</rdf:li>`) + "</core:AltTextAccessibility>",
			caption.Words{Alt: "deutsch"}},
		{"an empty default", "", "<dc:rights>" + alt(`<rdf:li xml:lang="x-default"/><rdf:li xml:lang="en-US">© A</rdf:li>`) + "</dc:rights>", caption.Words{Copyright: "© A"}},
		{"a text where a language is due", "", "<dc:description>Just a text</dc:description>", caption.Words{Cutline: "Just a text"}},
		{"several creators", "", "<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li/><rdf:li>Ben</rdf:li></rdf:Seq></dc:creator>", caption.Words{Creator: "Ann, Ben"}},
		{"a bag of creators", "", "<dc:creator><rdf:Bag><rdf:li>Ann</rdf:li></rdf:Bag></dc:creator>", caption.Words{Creator: "Ann"}},
		{"qualifiers", "", `<ps:Credit rdf:parseType="Resource"><rdf:value>Ann</rdf:value><dc:source>x</dc:source></ps:Credit>`, caption.Words{Credit: "Ann"}},
		{"resources", "", `<cc:license rdf:resource="http://creativecommons.org/licenses/by/4.0/"/><cc:attributionURL rdf:resource="https://example.org/a"/>`,
			caption.Words{License: "http://creativecommons.org/licenses/by/4.0/", CreditURL: "https://example.org/a"}},
		{"a URL before terms", "", "<xmpRights:UsageTerms>" + alt("<rdf:li>Ask us.</rdf:li>") + "</xmpRights:UsageTerms><xmpRights:WebStatement>https://example.org/l</xmpRights:WebStatement>",
			caption.Words{License: "https://example.org/l"}},
		{"terms", "", "<xmpRights:UsageTerms>" + alt("<rdf:li>Ask us.</rdf:li>") + "</xmpRights:UsageTerms><xmpRights:WebStatement>ask us</xmpRights:WebStatement>",
			caption.Words{License: "Ask us."}},
		{"a licensor in elements", "", `<plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><plus:LicensorName>L</plus:LicensorName><plus:LicensorURL>https://l.example/</plus:LicensorURL></rdf:li>
			<rdf:li rdf:parseType="Resource"><plus:LicensorName>Other</plus:LicensorName></rdf:li></rdf:Seq></plus:Licensor>`, caption.Words{Licensor: "L", LicensorURL: "https://l.example/"}},
		{"a licensor in attributes", "", `<plus:Licensor><rdf:Seq><rdf:li plus:LicensorName="L" plus:LicensorURL="https://l.example/"/></rdf:Seq></plus:Licensor>`,
			caption.Words{Licensor: "L", LicensorURL: "https://l.example/"}},
		{"a licensor in a description", "", `<plus:Licensor><rdf:Seq><rdf:li><rdf:Description plus:LicensorName="L"/></rdf:li></rdf:Seq></plus:Licensor>`, caption.Words{Licensor: "L"}},
		{"addresses that lead nowhere", `ext:DigitalSourceType="digitalCapture"`, `<cc:attributionURL rdf:resource="javascript:alert(1)"/>
			<plus:Licensor><rdf:Seq><rdf:li plus:LicensorURL="//l.example/"/></rdf:Seq></plus:Licensor>`, caption.Words{}},
		{"what others have", `dc:format="image/jpeg"`, "<dc:subject><rdf:Bag><rdf:li>fox</rdf:li></rdf:Bag></dc:subject><ps:Headline>H</ps:Headline>", caption.Words{}},
		{"control characters", "", "<ps:Credit>A&#9;&#13;&#10;B&#x202e;</ps:Credit>", caption.Words{Credit: "A B"}},
		{"the first of two", "", "<ps:Credit>A</ps:Credit><ps:Credit>B</ps:Credit>", caption.Words{Credit: "A"}},
	} {
		found, err := caption.Extract(withXMP(t, packet(tt.attributes, tt.elements)))
		if err != nil || found != (caption.Found{XMP: tt.want}) {
			t.Errorf("%s: %+v, %v\nwant %+v", tt.name, found.XMP, err, tt.want)
		}
	}
}

// TestExtractBrokenXMP verifies that what stands before the damage is kept, and that nothing is expanded.
func TestExtractBrokenXMP(t *testing.T) {
	for _, tt := range []struct{ name, packet string }{
		{"cut off", strings.Split(packet("", "<ps:Credit>A</ps:Credit><dc:rights>|"), "|")[0]},
		{"an entity", strings.Replace(packet("", "<ps:Credit>A</ps:Credit><dc:rights>&lol;</dc:rights>"), "<x:", `<!DOCTYPE x [<!ENTITY lol "lol">]><x:`, 1)},
		{"deep", packet("", "<ps:Credit>A</ps:Credit><dc:rights>"+strings.Repeat("<dc:x>", 40)+strings.Repeat("</dc:x>", 40)+"</dc:rights>")},
		{"wide", packet("", "<ps:Credit>A</ps:Credit><dc:rights>"+strings.Repeat("<dc:x/>", 2_100)+"</dc:rights>")},
	} {
		found, err := caption.Extract(withXMP(t, tt.packet))
		if !errors.Is(err, caption.ErrCorrupt) || found.XMP != (caption.Words{Credit: "A"}) {
			t.Errorf("%s: %+v, %v; want the credit and ErrCorrupt", tt.name, found.XMP, err)
		}
	}
}

// dataset is one of IPTC-IIM's.
func dataset(record, number byte, value string) string {
	return string([]byte{0x1c, record, number, byte(len(value) >> 8), byte(len(value))}) + value
}

// resource is one of Photoshop's.
func resource(id uint16, name, value string) string {
	b := binary.BigEndian.AppendUint16([]byte("8BIM"), id)
	b = append(append(b, byte(len(name))), name...)
	if len(name)%2 == 0 {
		b = append(b, 0)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return string(b) + value + strings.Repeat("\x00", len(value)%2)
}

func TestExtractIPTC(t *testing.T) {
	utf8 := dataset(1, 90, "\x1b%G")
	for _, tt := range []struct {
		name string
		iim  string
		want caption.Words
	}{
		{"UTF-8", utf8 + dataset(2, 110, "Été"), caption.Words{Credit: "Été"}},
		{"UTF-8 that nobody announced", dataset(2, 110, "Été"), caption.Words{Credit: "Été"}},
		{"Latin-1", dataset(2, 110, "\xc9t\xe9"), caption.Words{Credit: "Été"}},
		{"Windows-1252", dataset(2, 110, "\x93Ann\x94 \x96 \x80"), caption.Words{Credit: "“Ann” – €"}},
		{"not the UTF-8 that was announced", utf8 + dataset(2, 110, "\xc9t"), caption.Words{Credit: "\uFFFDt"}},
		{"all", dataset(2, 0, "\x00\x04") + dataset(2, 80, "Ann") + dataset(2, 80, "Ben") + dataset(2, 116, "© A") + dataset(2, 120, "A caption") + dataset(2, 120, "another"),
			caption.Words{Creator: "Ann, Ben", Copyright: "© A", Cutline: "A caption"}},
		{"cut off", dataset(2, 80, "Ann") + dataset(2, 110, "Credit")[:8], caption.Words{Creator: "Ann"}},
		{"an extended dataset", dataset(2, 80, "Ann") + "\x1c\x02\x78\x80\x04\x00\x00\x00\x01x", caption.Words{Creator: "Ann"}},
		{"other records", dataset(3, 80, "no") + dataset(2, 110, "A"), caption.Words{Credit: "A"}},
	} {
		jpeg := imagetest.JPEG(t, 8, 8)
		all := resource(0x040f, "an odd name", "thumbnail") + resource(0x0404, "", tt.iim)
		for _, cut := range []int{len(all), len(all) - len(tt.iim)/2} { // whole, and cut into two segments
			file := bytes.Clone(jpeg[:2])
			for _, part := range []string{all[:cut], all[cut:]} {
				file = container.AppendSegment(file, container.MarkerAPP13, []byte("Photoshop 3.0\x00"), []byte(part))
			}
			found, err := caption.Extract(append(file, jpeg[2:]...))
			if err != nil || found != (caption.Found{IPTC: tt.want}) {
				t.Errorf("%s: %+v, %v\nwant %+v", tt.name, found.IPTC, err, tt.want)
			}
		}
	}
}

// exif is a TIFF block with texts in its first directory, by their tags.
func exif(order binary.AppendByteOrder, texts map[uint16]string) []byte {
	b := []byte("MM")
	if reflect.TypeOf(order) == reflect.TypeOf(binary.LittleEndian) {
		b = []byte("II")
	}
	b = order.AppendUint32(order.AppendUint16(b, 42), 8)
	b = order.AppendUint16(b, uint16(len(texts)))
	at := 8 + 2 + 12*len(texts) + 4
	var values []byte
	for tag := range uint16(0xffff) {
		text, ok := texts[tag]
		if !ok {
			continue
		}
		b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tag), 2), uint32(len(text)+1))
		b = order.AppendUint32(b, uint32(at+len(values)))
		values = append(append(values, text...), 0)
	}
	return append(order.AppendUint32(b, 0), values...)
}

// TestExtractEXIF verifies EXIF in every container, in either order of bytes.
func TestExtractEXIF(t *testing.T) {
	texts := map[uint16]string{0x010e: "An old caption", 0x013b: "Ann M\xfcller", 0x8298: "© Ann\x00© an editor", 0x010f: "A maker of cameras"}
	want := caption.Found{EXIF: caption.Words{Cutline: "An old caption", Creator: "Ann Müller", Copyright: "© Ann"}}
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		block := exif(order, texts)
		for name, file := range map[string][]byte{
			"JPEG": imagetest.WithEXIF(t, imagetest.JPEG(t, 8, 8), block),
			"PNG":  imagetest.WithEXIF(t, imagetest.PNG(t, 8, 8, false), block),
			"WebP": imagetest.WithEXIF(t, imagetest.WebP(t, false), block),
			"HEIF": heif(item{1, "av01", "pixels"}, item{2, "Exif", "\x00\x00\x00\x06Exif\x00\x00" + string(block)}),
		} {
			if found, err := caption.Extract(file); err != nil || found != want {
				t.Errorf("%s, %v: %+v, %v\nwant %+v", name, order, found, err, want)
			}
		}
	}
	broken := imagetest.WithEXIF(t, imagetest.JPEG(t, 8, 8), exif(binary.BigEndian, texts)[:40])
	if _, err := caption.Extract(broken); !errors.Is(err, caption.ErrCorrupt) {
		t.Errorf("of a broken block: %v, want ErrCorrupt", err)
	}
}

// TestExtractDefaults verifies that captions of cameras are none, and captions of people are some.
func TestExtractDefaults(t *testing.T) {
	for text, kept := range map[string]bool{
		"OLYMPUS DIGITAL CAMERA": false, "SONY DSC": false, "KONICA MINOLTA DIGITAL CAMERA": false, "SAMSUNG CAMERA PICTURES": false, "dav": false,
		"IMG_2034.JPG": false, "DCIM": false, "Processed with VSCO with a6 preset": false, "": false, "?": false,
		"Oslo": true, "A fox": true, "氷河": true, "Été": true, "A digital camera from 1991, the first with a card, in the museum": true,
	} {
		block := exif(binary.BigEndian, map[uint16]string{0x010e: text})
		found, err := caption.Extract(imagetest.WithEXIF(t, imagetest.JPEG(t, 8, 8), block))
		if err != nil || (found.EXIF.Cutline == text) != kept && text != "" {
			t.Errorf("%q: %q, %v; want it kept: %t", text, found.EXIF.Cutline, err, kept)
		}
	}
}

// TestExtractBounds verifies that no word is longer than its bound, nor all together, and that what is cut is cut well.
func TestExtractBounds(t *testing.T) {
	long := strings.Repeat("é ", 2_000)
	w := caption.Words{Cutline: long, Credit: long, Alt: long, Creator: long, Copyright: long, Licensor: long, CreditURL: "https://example.org/" + strings.Repeat("a", 3_000)}
	found := extract(t, embed(t, imagetest.JPEG(t, 8, 8), w))
	total := 0
	for _, words := range []caption.Words{found.XMP, found.IPTC, found.EXIF} {
		for i := range reflect.TypeFor[caption.Words]().NumField() {
			if v, ok := reflect.TypeAssert[string](reflect.ValueOf(words).Field(i)); ok {
				total += len(v)
				if len(v) > 2_000 || strings.HasSuffix(v, " ") || strings.ContainsRune(v, '\uFFFD') {
					t.Errorf("a word of %d bytes, ends %q", len(v), v[max(0, len(v)-4):])
				}
			}
		}
	}
	if total > 8_000 || total < 7_900 {
		t.Errorf("%d bytes in all, want nearly 8,000", total)
	}
	if found.XMP.CreditURL != "" {
		t.Error("a URL of 3,000 bytes is kept")
	}
}

// An item is one of a HEIF file.
type item struct {
	id         uint16
	kind, body string
}

// heif is a file of items, without the properties that pictures need.
func heif(items ...item) []byte {
	box := func(kind string, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
	}
	be16 := func(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
	full := []byte{0, 0, 0, 0}
	head := func(at int) []byte {
		infos, places := be16(len(items)), append([]byte{0x44, 0}, be16(len(items))...)
		for _, i := range items {
			kind := i.kind
			if kind == "mime" {
				kind += "\x00application/rdf+xml"
			}
			infos = append(infos, box("infe", []byte{2, 0, 0, 0}, be16(int(i.id)), be16(0), []byte(kind+"\x00"))...)
			places = append(append(places, be16(int(i.id))...), 0, 0, 0, 1)
			places = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(places, uint32(at)), uint32(len(i.body)))
			at += len(i.body)
		}
		return append(box("ftyp", []byte("avif\x00\x00\x00\x00")), box("meta", full, box("pitm", full, be16(1)), box("iinf", full, infos), box("iloc", full, places))...)
	}
	file := head(len(head(0)) + 8)
	var data []byte
	for _, i := range items {
		data = append(data, i.body...)
	}
	return append(file, box("mdat", data)...)
}

// TestForeignXMP verifies that XMP of other programs is replaced in an AVIF, its bytes are gone, and the picture's are where the
// list says.
func TestForeignXMP(t *testing.T) {
	file := heif(item{7, "mime", packet(`ps:Credit="Foreign"`, "")}, item{1, "av01", "the pixels"})
	if got := extract(t, file).XMP.Credit; got != "Foreign" {
		t.Fatalf("credit %q", got)
	}
	once := embed(t, file, caption.Words{Credit: "Ours"})
	if got := extract(t, once).XMP.Credit; got != "Ours" {
		t.Errorf("credit %q", got)
	}
	if bytes.Contains(once, []byte("Foreign")) {
		t.Error("the foreign packet is left in the file")
	}
	if !bytes.Equal(embed(t, once, caption.Words{Credit: "Ours"}), once) {
		t.Error("twice is not once")
	}
	if got := itemData(t, once, 1); got != "the pixels" {
		t.Errorf("item 1 holds %q", got)
	}
	none := embed(t, once, caption.Words{})
	if got := itemData(t, none, 1); got != "the pixels" || bytes.Contains(none, []byte("Ours")) {
		t.Errorf("taken out: item 1 holds %q", got)
	}
	shared := heif(item{7, "mime", packet("", "")}, item{1, "av01", "the pixels"})
	at := bytes.Index(shared, []byte("iloc"))
	copy(shared[at+12+14+6:], shared[at+12+6:][:4]) // the picture begins where the packet does
	if _, err := caption.Embed(shared, caption.Words{Credit: "Ours"}); !errors.Is(err, caption.ErrCorrupt) {
		t.Errorf("of items that share bytes: %v, want ErrCorrupt", err)
	}
}

// itemData is what an item holds.
func itemData(t *testing.T, file []byte, id uint32) string {
	t.Helper()
	var out []byte
	err := container.EachBox(file, func(b container.Box) error {
		if b.Kind != "meta" {
			return nil
		}
		return container.EachBox(b.Body[4:], func(b container.Box) error {
			if b.Kind != "iloc" {
				return nil
			}
			return container.Locations(b.Body, func(l container.Location) (err error) {
				if l.ID == id {
					out, err = l.Data(file, nil)
				}
				return err
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
