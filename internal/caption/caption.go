// Package caption holds the words that belong to a picture: it turns them into plain text, writes them into image files and
// reads them out of image files, without decoding pixels.
//
// It knows nothing of posts, headers or pixels: catalog fills Words in, render embeds them, the HTTP edge prints them.
package caption

// Words are the editorial words of one picture, as the author wrote them: trimmed, white space folded, in UTF-8. Cutline,
// Credit, Creator and Copyright may hold Markdown or HTML; Plain turns them into text. An empty field means that nothing was said.
//
// Words is comparable; equal Words are the same words.
type Words struct {
	Cutline     string `json:"cutline,omitempty"`      // who, what, where: the caption under the picture
	Credit      string `json:"credit,omitempty"`       // who took or owns it, as it is to be printed
	CreditURL   string `json:"credit_url,omitempty"`   // where the credit links to; "" or an absolute URL
	Alt         string `json:"alt,omitempty"`          // what one sees, for who cannot; plain text
	Creator     string `json:"creator,omitempty"`      // the photographer, where named apart from the credit
	Copyright   string `json:"copyright,omitempty"`    // the copyright notice
	License     string `json:"license,omitempty"`      // the licence's URL, or its name, which may hold markup
	Licensor    string `json:"licensor,omitempty"`     // who grants licences
	LicensorURL string `json:"licensor_url,omitempty"` // where a licence can be had; "" or an absolute URL
	// SourceType is IPTC's digital source type, a URI that says how the picture came about: by a camera, by a generative
	// model (https://cv.iptc.org/newscodes/digitalsourcetype/).
	SourceType string `json:"source_type,omitempty"`
	// Decorative says that the author wrote an empty alternative text, which HTML reads as "skip this picture". It is
	// never set together with Alt: an author who wrote nothing at all leaves both at zero.
	Decorative bool `json:"decorative,omitempty"`
}

// Found are the words that an image file holds, each where it stands. They are plain text, cut to a bound. Found is
// comparable; the zero Found says nothing.
type Found struct {
	XMP  Words `json:"xmp,omitzero"`
	IPTC Words `json:"iptc,omitzero"` // IPTC-IIM
	EXIF Words `json:"exif,omitzero"`
}

// An Origin is where a word comes from.
type Origin string

// The origins, in the order in which they are believed.
const (
	Nowhere Origin = ""
	Post    Origin = "front-matter"
	XMP     Origin = "xmp"
	IPTC    Origin = "iptc"
	EXIF    Origin = "exif"
)

// Origins say where each of a picture's words comes from. Decorative is Alt's affair.
type Origins struct {
	Cutline     Origin `json:"cutline,omitempty"`
	Credit      Origin `json:"credit,omitempty"`
	CreditURL   Origin `json:"credit_url,omitempty"`
	Alt         Origin `json:"alt,omitempty"`
	Creator     Origin `json:"creator,omitempty"`
	Copyright   Origin `json:"copyright,omitempty"`
	License     Origin `json:"license,omitempty"`
	Licensor    Origin `json:"licensor,omitempty"`
	LicensorURL Origin `json:"licensor_url,omitempty"`
	SourceType  Origin `json:"source_type,omitempty"`
}

// Over returns w, its gaps filled with what the file says: XMP before IPTC before EXIF. What belongs together is taken from
// one place: a link is of the credit beside it, a licensor's address of the licensor; only a post may say the former alone. A decorative picture stays one. Words of
// files are escaped, so that Plain gives them back as they stand there.
func (w Words) Over(f Found) (Words, Origins) {
	o := w.origins(Post)
	for _, from := range []struct {
		words  Words
		origin Origin
	}{{f.XMP, XMP}, {f.IPTC, IPTC}, {f.EXIF, EXIF}} {
		w, o = w.fill(o, from.words.escaped(), from.origin)
	}
	return w, o
}

// origins says origin of every word that is there.
func (w Words) origins(origin Origin) Origins {
	_, o := Words{}.fill(Origins{}, w, origin)
	if w.CreditURL != "" {
		o.CreditURL = origin
	}
	if w.Decorative {
		o.Alt = origin
	}
	return o
}

// fill fills the gaps of w with words of one origin.
func (w Words) fill(o Origins, from Words, origin Origin) (Words, Origins) {
	take := func(to *string, at *Origin, word string) {
		if *to == "" && word != "" {
			*to, *at = word, origin
		}
	}
	if w.Credit == "" && w.CreditURL == "" && from.Credit != "" {
		take(&w.CreditURL, &o.CreditURL, from.CreditURL)
	}
	if w.Licensor == "" && w.LicensorURL == "" {
		take(&w.LicensorURL, &o.LicensorURL, from.LicensorURL)
		take(&w.Licensor, &o.Licensor, from.Licensor)
	}
	if !w.Decorative {
		take(&w.Alt, &o.Alt, from.Alt)
	}
	take(&w.Cutline, &o.Cutline, from.Cutline)
	take(&w.Credit, &o.Credit, from.Credit)
	take(&w.Creator, &o.Creator, from.Creator)
	take(&w.Copyright, &o.Copyright, from.Copyright)
	take(&w.License, &o.License, from.License)
	take(&w.SourceType, &o.SourceType, from.SourceType)
	return w, o
}
