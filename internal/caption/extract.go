package caption

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Bounds in bytes of what Extract returns. A caption has some hundreds; what is found is kept beside each original and sent in
// headers and pages, so a file may not say as much as it likes.
const (
	maxFoundWord = 2000 // one word: IPTC-IIM's bound for captions
	maxFound     = 8000 // all words of a file
)

// Extract returns the words that a JPEG, PNG, WebP or AVIF (or another HEIF) holds, as plain text: XMP, IPTC-IIM in JPEG, and
// EXIF's ImageDescription, Artist and Copyright. Words are Clean, cut between letters to 2,000 bytes each and about 8,000 in
// all; URLs are absolute and of the web, or "". Captions that cameras and programs write on their own are left out.
//
// Of a file that is damaged it returns what was found before the damage, with an error that wraps ErrCorrupt. Other formats are
// ErrFormat. What it costs is bounded by the file's length. It may run concurrently.
func Extract(file []byte) (Found, error) {
	f, err := formatOf(file)
	if err != nil {
		return Found{}, fmt.Errorf("extract words: %w", err)
	}
	b, err := f.find(file)
	err = damaged(err)
	var found Found
	if b.xmp != nil {
		var broken error
		found.XMP, broken = readXMP(b.xmp)
		err = errors.Join(err, broken)
	}
	found.IPTC = readIIM(b.iim)
	if b.exif != nil {
		var broken error
		found.EXIF, broken = readEXIF(b.exif)
		err = errors.Join(err, broken)
	}
	found.bound()
	if err != nil {
		return found, fmt.Errorf("extract words from %s: %w", f.name, err)
	}
	return found, nil
}

// bound makes words of files, of which everybody may have written everything, such as the others may rely on.
func (f *Found) bound() {
	left := maxFound
	for _, w := range []*Words{&f.XMP, &f.IPTC, &f.EXIF} {
		w.CreditURL, w.LicensorURL, w.SourceType = WebURL(w.CreditURL), WebURL(w.LicensorURL), WebURL(w.SourceType)
		if target := WebURL(w.License); target != "" {
			w.License = target
		}
		if isDefault(w.Cutline) {
			w.Cutline = ""
		}
		for _, field := range w.texts() {
			*field = strings.TrimRight(Cut(*field, min(maxFoundWord, left)), " ")
			left -= len(*field)
		}
		for _, field := range w.links() {
			if len(*field) > min(maxFoundWord, left) {
				*field = ""
			}
			left -= len(*field)
		}
	}
}

// isDefault reports whether a caption is one that nobody wrote: what cameras and programs leave in ImageDescription, from where
// editors copy it into XMP and IPTC-IIM. That is a file's name, a mode's code (of telephones by Huawei), or an advertisement.
func isDefault(text string) bool {
	switch lower := strings.ToLower(text); lower {
	case "olympus digital camera", "konica minolta digital camera", "minolta digital camera", "digital camera", "kodak digital still camera",
		"sony dsc", "samsung camera pictures", "samsung", "minolta", "dcim", "exif_jpeg_picture", "untitled", "default", "none", "null",
		"btf", "cof", "dav", "edf", "fbt", "hdr", "hdrpl", "mde", "nfd", "nor", "oznor", "ptr", "rhdr", "rptnb", "sdr":
		return true
	default:
		for _, advertisement := range []string{"processed with vsco", "created with gimp", "created with rni films"} {
			if strings.HasPrefix(lower, advertisement) {
				return true
			}
		}
	}
	return !strings.Contains(text, " ") && (fileName.MatchString(text) || !letter.MatchString(text))
}

// fileName are names that cameras, telephones and programs give to pictures, and all that end like one.
var fileName = regexp.MustCompile(`(?i)^(?:_?(?:cimg|dji|dsc[fn]?|gopr|hpim|imag?e?|img|imgp|kif|mg|mvimg|p|photo|pict?|pxl|sam|screenshot|wp)[_-]?\d{3,}\S*|\S+\.(?:avif|bmp|cr2|dng|gif|heic|jpe?g|nef|png|raw|tiff?|webp))$`)

var letter = regexp.MustCompile(`\pL`)
