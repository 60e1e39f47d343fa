package caption

import (
	"encoding/xml"
	"net/url"
	"strings"
)

// Namespaces of XMP (XMP Specification Part 1 §8; IPTC Photo Metadata Standard 2025.1; PLUS LDF; ccREL).
const (
	nsX         = "adobe:ns:meta/"
	nsRDF       = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	nsXML       = "http://www.w3.org/XML/1998/namespace"
	nsDC        = "http://purl.org/dc/elements/1.1/"
	nsPhotoshop = "http://ns.adobe.com/photoshop/1.0/"
	nsRights    = "http://ns.adobe.com/xap/1.0/rights/"
	nsIPTCCore  = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
	nsIPTCExt   = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
	nsPLUS      = "http://ns.useplus.org/ldf/xmp/1.0/"
	nsCC        = "http://creativecommons.org/ns#"
)

// xmpBytes is the most that a packet may have: what fits into one segment of a JPEG behind its prefix (XMP Specification Part 3
// §1.1.3). Other formats hold more, but a picture is served in several, and its words shall be the same in all.
const xmpBytes = 65_502

// xmpPacket is plain w as a packet of XMP (XMP Specification Part 1 §7), nil where there is nothing to say:
//
//	Cutline      dc:description                     language alternative
//	Credit       photoshop:Credit, cc:attributionName
//	CreditURL    cc:attributionURL
//	Alt          Iptc4xmpCore:AltTextAccessibility  language alternative
//	Creator      dc:creator                         ordered array
//	Copyright    dc:rights                          language alternative; xmpRights:Marked says True of a notice
//	License      xmpRights:WebStatement for a URL, and cc:license for one of Creative Commons; else xmpRights:UsageTerms
//	Licensor     plus:Licensor                      ordered array of LicensorName and LicensorURL
//	SourceType   Iptc4xmpExt:DigitalSourceType
//
// There is no padding: nobody edits a rendition in place.
func xmpPacket(w Words) []byte {
	var x xmpWriter
	x.alternative("dc:description", nsDC, w.Cutline)
	x.array("dc:creator", nsDC, w.Creator)
	x.alternative("dc:rights", nsDC, w.Copyright)
	x.text("photoshop:Credit", nsPhotoshop, w.Credit)
	x.alternative("Iptc4xmpCore:AltTextAccessibility", nsIPTCCore, w.Alt)
	x.text("Iptc4xmpExt:DigitalSourceType", nsIPTCExt, w.SourceType)
	if isNotice(w.Copyright) {
		x.text("xmpRights:Marked", nsRights, "True")
	}
	license := WebURL(w.License)
	if license == "" {
		x.alternative("xmpRights:UsageTerms", nsRights, w.License)
	}
	x.text("xmpRights:WebStatement", nsRights, license)
	if isCreativeCommons(license) {
		x.resource("cc:license", nsCC, license)
	}
	if target := WebURL(w.CreditURL); target != "" {
		x.text("cc:attributionName", nsCC, w.Credit)
		x.resource("cc:attributionURL", nsCC, target)
	}
	x.licensor(w.Licensor, WebURL(w.LicensorURL))
	return x.packet()
}

// isNotice tells a copyright notice from what stands in its place otherwise: "Public domain", "No rights reserved".
func isNotice(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "©") || strings.Contains(text, "(c)") || strings.Contains(text, "copyright") || strings.Contains(text, "℗")
}

func isCreativeCommons(license string) bool {
	u, err := url.Parse(license)
	return err == nil && strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") == "creativecommons.org"
}

// An xmpWriter writes the properties of one resource. Those without a value are left out, and so are the namespaces that none is
// from.
type xmpWriter struct {
	spaces     []string // prefix and URI, by turns
	properties strings.Builder
}

// open begins a property: prefix:name.
func (x *xmpWriter) open(name, space, attributes string) {
	prefix, _, _ := strings.Cut(name, ":")
	known := false
	for i := 0; i < len(x.spaces); i += 2 {
		known = known || x.spaces[i] == prefix
	}
	if !known {
		x.spaces = append(x.spaces, prefix, space)
	}
	x.properties.WriteString("<" + name + attributes + ">")
}

func (x *xmpWriter) close(name string) { x.properties.WriteString("</" + name + ">") }

func (x *xmpWriter) escape(value string) {
	_ = xml.EscapeText(&x.properties, []byte(value)) // fails only when its writer does, which a Builder cannot
}

func (x *xmpWriter) text(name, space, value string) {
	x.wrapped(name, space, value, "", "")
}

func (x *xmpWriter) alternative(name, space, value string) {
	x.wrapped(name, space, value, `<rdf:Alt><rdf:li xml:lang="x-default">`, "</rdf:li></rdf:Alt>")
}

func (x *xmpWriter) array(name, space, value string) {
	x.wrapped(name, space, value, "<rdf:Seq><rdf:li>", "</rdf:li></rdf:Seq>")
}

func (x *xmpWriter) wrapped(name, space, value, before, after string) {
	if value == "" {
		return
	}
	x.open(name, space, "")
	x.properties.WriteString(before)
	x.escape(value)
	x.properties.WriteString(after)
	x.close(name)
}

// resource writes a property whose value is a URL, which needs no escaping but of "&".
func (x *xmpWriter) resource(name, space, target string) {
	x.open(name, space, ` rdf:resource="`+strings.ReplaceAll(target, "&", "&amp;")+`"`)
	x.close(name)
}

func (x *xmpWriter) licensor(name, target string) {
	if name == "" && target == "" {
		return
	}
	x.open("plus:Licensor", nsPLUS, "")
	x.properties.WriteString(`<rdf:Seq><rdf:li rdf:parseType="Resource">`)
	x.text("plus:LicensorName", nsPLUS, name)
	x.text("plus:LicensorURL", nsPLUS, target)
	x.properties.WriteString("</rdf:li></rdf:Seq>")
	x.close("plus:Licensor")
}

func (x *xmpWriter) packet() []byte {
	if x.properties.Len() == 0 {
		return nil
	}
	b := make([]byte, 0, 1024+x.properties.Len())
	b = append(b, "<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"+
		`<x:xmpmeta xmlns:x="`+nsX+`"><rdf:RDF xmlns:rdf="`+nsRDF+`"><rdf:Description rdf:about=""`...)
	for i := 0; i < len(x.spaces); i += 2 {
		b = append(b, " xmlns:"+x.spaces[i]+`="`+x.spaces[i+1]+`"`...)
	}
	b = append(append(b, '>'), x.properties.String()...)
	return append(b, `</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`...)
}
