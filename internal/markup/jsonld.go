package markup

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dd8bf596/cutline/internal/caption"
)

// imageObject is https://schema.org/ImageObject, as far as the words reach.
type imageObject struct {
	Context              string `json:"@context"`
	Type                 string `json:"@type"`
	ID                   string `json:"@id,omitempty"`
	ContentURL           string `json:"contentUrl"`
	URL                  string `json:"url"`
	EncodingFormat       string `json:"encodingFormat"`
	Width                int    `json:"width"`
	Height               int    `json:"height"`
	RepresentativeOfPage bool   `json:"representativeOfPage,omitempty"`
	Caption              string `json:"caption,omitempty"`
	Description          string `json:"description,omitempty"`
	CreditText           string `json:"creditText,omitempty"`
	Creator              *agent `json:"creator,omitempty"`
	CopyrightNotice      string `json:"copyrightNotice,omitempty"`
	License              string `json:"license,omitempty"`
	AcquireLicensePage   string `json:"acquireLicensePage,omitempty"`
	DigitalSourceType    string `json:"digitalSourceType,omitempty"`
}

type agent struct {
	Type string `json:"@type"`
	Name string `json:"name"`
}

// JSONLD is the picture as schema.org's ImageObject in JSON, safe within a script element: "<", ">", "&", U+2028 and U+2029
// are escaped. It names the file of img src, as Google asks; crawlers want that URL to be absolute.
//
// A creator is a Person: IPTC's Creator names the photographer, and agencies stand in the credit. There is none where only a
// credit is given. Google shows the words where there is at least one of creator, creditText, copyrightNotice and license.
func JSONLD(p Picture, o Options) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	w, f := p.Words.Plain(), p.fallback()
	c := f.best()
	v := imageObject{
		Context: "https://schema.org/", Type: "ImageObject",
		ContentURL: c.URL, URL: c.URL, EncodingFormat: f.MIME, Width: c.Width, Height: c.Height,
		RepresentativeOfPage: o.Hero,
		Caption:              w.Cutline, Description: w.Alt, CreditText: w.Credit, CopyrightNotice: w.Copyright,
		License: w.LicenseURL(), AcquireLicensePage: caption.WebURL(w.LicensorURL), DigitalSourceType: caption.WebURL(w.SourceType),
	}
	if page, _, _ := strings.Cut(caption.WebURL(o.Page), "#"); page != "" && o.Hero {
		v.ID = page + "#primaryimage"
	}
	if w.Creator != "" {
		v.Creator = &agent{"Person", w.Creator}
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode JSON-LD: %w", err)
	}
	return out, nil
}
