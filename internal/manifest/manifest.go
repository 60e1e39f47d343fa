// Package manifest is the document that a build step leaves for site generators: every picture of a site with its words, its
// files and what stands in for it until they have come. It reads and writes it, in one file or one per page, and tells two apart.
//
// The document is also a lock: it says from which originals, and how, the files beside it were made. It knows nothing of how
// that is done, nor of posts, folders or the network.
package manifest

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Version is the version of the document. Adding keys keeps it; removing one, or changing what it means, raises it.
const Version = 1

// SchemaURL is where the JSON Schema of Version is published: this package's folder in the repository.
const SchemaURL = "https://raw.githubusercontent.com/dd8bf596/cutline/main/internal/manifest/manifest-v1.schema.json"

//go:embed manifest-v1.schema.json
var schema string

// Schema is the JSON Schema (draft 2020-12) of the document.
func Schema() string { return schema }

// A Manifest is the whole document. The zero value has nothing in it.
type Manifest struct {
	// Images has every picture, by its source exactly as it stands in the front matter. Where two pictures have one there, the second has
	// another key, which Pages names.
	Images map[string]*Image `json:"images"`
	// Pages has every post that shows a picture, by its slash path under the site root.
	Pages map[string]Page `json:"pages"`
}

// A Page is a post that shows a picture. The words of that picture's Image are the post's own.
type Page struct {
	Image string `json:"image"` // its key in Images
}

// An Image is a picture with its words, as one or several posts show it.
type Image struct {
	ID     string `json:"id"`     // of the entry: the same as in the addresses of cutline serve
	Source string `json:"source"` // canonical: a URL, or a path under the site root
	Recipe string `json:"recipe"` // a hash of all that decides what is made, and one of what stands here
	Words
	Text        Text                       `json:"text"`
	Width       int                        `json:"width"` // of the original as shown, in pixels
	Height      int                        `json:"height"`
	Color       string                     `json:"color,omitempty"`       // the dominant colour, "#rrggbb"
	ThumbHash   string                     `json:"thumbhash,omitempty"`   // in standard base64
	BlurHash    string                     `json:"blurhash,omitempty"`    // see https://blurha.sh
	Placeholder string                     `json:"placeholder,omitempty"` // a tiny picture as data URI
	Transparent bool                       `json:"transparent,omitempty"` // some of it shows what lies behind it: a placeholder would be seen for good
	Original    Original                   `json:"original"`
	Focus       *Focus                     `json:"focus,omitempty"`
	Formats     map[string][]File          `json:"formats"`              // by format, widths ascending
	Presets     map[string]map[string]File `json:"presets"`              // by preset, then by format
	HTML        string                     `json:"html"`                 // a figure element with the words
	Picture     string                     `json:"picture"`              // its picture element alone
	Figcaption  string                     `json:"figcaption,omitempty"` // what stands in its figcaption element, HTML too
	JSONLD      json.RawMessage            `json:"jsonld"`               // schema.org's ImageObject
}

// Words are a picture's words, by the names that meta.json has for them. They may hold Markdown or HTML; but for Alt, what nobody
// said is left out.
type Words struct {
	Cutline     string  `json:"cutline,omitempty"`
	Credit      string  `json:"credit,omitempty"`
	CreditURL   string  `json:"credit_url,omitempty"`
	Alt         *string `json:"alt"` // nil where nobody said what the picture shows; "" says that it is decoration
	Decorative  bool    `json:"decorative,omitempty"`
	Creator     string  `json:"creator,omitempty"`
	Copyright   string  `json:"copyright,omitempty"`
	License     string  `json:"license,omitempty"`
	Licensor    string  `json:"licensor,omitempty"`
	LicensorURL string  `json:"licensor_url,omitempty"`
	SourceType  string  `json:"source_type,omitempty"`
}

// Text is the words without markup.
type Text struct {
	Cutline string `json:"cutline"`
	Credit  string `json:"credit"`
}

// An Original is what the files were made from.
type Original struct {
	SHA256 string `json:"sha256"` // in hexadecimal
	Size   int64  `json:"size"`   // in bytes
	Format string `json:"format"` // "jpg"
}

// A Focus is the point that a crop keeps, in per cent from the left and from the top.
type Focus struct {
	X uint8 `json:"x"`
	Y uint8 `json:"y"`
}

// A File is one file in the shape of eleventy-img's stats, whose generateHTML takes Image.Formats as it is.
type File struct {
	Format     string `json:"format"` // "avif", "webp", "jpeg", "png", "gif"
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	URL        string `json:"url"`
	SourceType string `json:"sourceType"` // media type
	Srcset     string `json:"srcset"`
	Filename   string `json:"filename"`   // slash path under the folder of files
	OutputPath string `json:"outputPath"` // slash path under the site root; Filename where the folder is elsewhere
	Size       int64  `json:"size"`       // in bytes
}

// Files are all files of i, each name once, in the order of their names.
func (i *Image) Files() []File {
	byName := map[string]File{}
	for _, files := range i.Formats {
		for _, f := range files {
			byName[f.Filename] = f
		}
	}
	for _, formats := range i.Presets {
		for _, f := range formats {
			byName[f.Filename] = f
		}
	}
	out := make([]File, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[name])
	}
	return out
}

// Seal sets i.Recipe to recipe, which must have no ".", and a hash of everything else in i.
func (i *Image) Seal(recipe string) error {
	if err := i.settle(); err != nil {
		return fmt.Errorf("JSON-LD of %s: %w", i.Source, err)
	}
	i.Recipe = ""
	sum, err := i.sum()
	if err != nil {
		return err
	}
	i.Recipe = recipe + "." + sum
	return nil
}

// Sealed is the recipe that i was sealed with; ok is false where somebody has changed i since.
func (i *Image) Sealed() (recipe string, ok bool) {
	recipe, want, _ := strings.Cut(i.Recipe, ".")
	bare := *i
	bare.Recipe = ""
	sum, err := bare.sum()
	return recipe, err == nil && sum == want
}

func (i *Image) sum() (string, error) {
	text, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", i.Source, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// check reports what no program that knows the document writes.
func (m *Manifest) check() error {
	for _, key := range slices.Sorted(maps.Keys(m.Images)) {
		i := m.Images[key]
		if i == nil {
			return fmt.Errorf("image %q: expected a picture (got null)", key)
		}
		if err := i.check(); err != nil {
			return fmt.Errorf("image %q: %w", key, err)
		}
	}
	for _, page := range slices.Sorted(maps.Keys(m.Pages)) {
		if key := m.Pages[page].Image; m.Images[key] == nil {
			return fmt.Errorf("page %q: expected the key of an image (got %q)", page, key)
		}
	}
	return nil
}

func (i *Image) check() error {
	if sum, err := hex.DecodeString(i.Original.SHA256); err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("original: expected a SHA-256 in hexadecimal (got %q)", i.Original.SHA256)
	}
	switch {
	case i.ID == "" || i.Source == "" || i.Recipe == "":
		return fmt.Errorf("expected id, source and recipe")
	case i.Width < 1 || i.Height < 1:
		return fmt.Errorf("expected a size in pixels (got %d × %d)", i.Width, i.Height)
	case len(i.JSONLD) == 0:
		return fmt.Errorf("expected jsonld")
	}
	for _, f := range i.Files() {
		if !fs.ValidPath(f.Filename) || f.Filename == "." || f.Width < 1 || f.Height < 1 || f.Size < 1 {
			return fmt.Errorf("file %q: expected a path in the folder of files, and sizes above 0", f.Filename)
		}
	}
	return nil
}
