package caption

import (
	"errors"
	"fmt"
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
		w.CreditURL, w.LicensorURL, w.SourceType = webURL(w.CreditURL), webURL(w.LicensorURL), webURL(w.SourceType)
		if target := webURL(w.License); target != "" {
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
// editors copy it into XMP and IPTC-IIM. That is a file's name, a mode's code, or a line of advertisement.
func isDefault(text string) bool {
	upper := strings.ToUpper(text)
	if strings.Contains(text, " ") {
		for _, line := range []string{
			"DIGITAL CAMERA", "DIGITAL STILL CAMERA", "CAMERA PICTURES", "SONY DSC", "KODAK DIGITAL", "PROCESSED WITH VSCO", "CREATED WITH GIMP", "CREATED WITH RNI",
		} {
			if strings.Contains(upper, line) && len(upper) <= len(line)+24 {
				return true
			}
		}
		return false
	}
	return isASCII(text) && (text == upper || text == strings.ToLower(text) || strings.ContainsAny(text, "0123456789_."))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] > '~' {
			return false
		}
	}
	return true
}
