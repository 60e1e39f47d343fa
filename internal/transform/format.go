package transform

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Format is an image file format that cutline reads or writes. The zero Format is none.
type Format uint8

// The formats, in no order of preference.
const (
	JPEG Format = iota + 1
	PNG
	GIF
	WebP
	AVIF
)

// formatNames holds name, extension and media type (IANA registry; RFC 9649 for WebP) of each Format.
var formatNames = [...]struct{ name, ext, mime string }{
	JPEG: {"JPEG", "jpg", "image/jpeg"},
	PNG:  {"PNG", "png", "image/png"},
	GIF:  {"GIF", "gif", "image/gif"},
	WebP: {"WebP", "webp", "image/webp"},
	AVIF: {"AVIF", "avif", "image/avif"},
}

// Formats lists all formats.
func Formats() []Format { return []Format{JPEG, PNG, GIF, WebP, AVIF} }

// valid reports whether f is one of Formats.
func (f Format) valid() bool { return f >= JPEG && f <= AVIF }

// String is the format's name as people write it: "JPEG". That of the zero Format is "none".
func (f Format) String() string {
	if !f.valid() {
		return "none"
	}
	return formatNames[f].name
}

// Ext is the file extension, without dot: "jpg", "png", "gif", "webp", "avif". That of the zero Format is "".
func (f Format) Ext() string {
	if !f.valid() {
		return ""
	}
	return formatNames[f].ext
}

// MIME is the media type: "image/jpeg". That of the zero Format is "".
func (f Format) MIME() string {
	if !f.valid() {
		return ""
	}
	return formatNames[f].mime
}

// Lossy reports whether f is written at a quality. WebP and AVIF can be lossless too; cutline writes them lossy.
func (f Format) Lossy() bool { return f == JPEG || f == WebP || f == AVIF }

// Animates reports whether an animation can be written as f.
func (f Format) Animates() bool { return f == WebP || f == GIF }

// ParseFormat reads an extension as Ext writes it; "jpeg" is a second spelling of "jpg" here, for configuration and
// command lines. An unknown one is ErrSpec.
func ParseFormat(ext string) (Format, error) {
	if ext == "jpeg" {
		return JPEG, nil
	}
	for _, f := range Formats() {
		if f.Ext() == ext {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%w: unknown extension %q: expected one of jpg png webp avif gif", ErrSpec, ext)
}

// Sniff tells the format by magic number, never by name or declared type. Anything else is ErrFormat, with a guess of
// what it is instead ("SVG", "TIFF") for the message: the guess is for people, nothing may depend on it but what is said to
// them. Of HTML, which is what servers and captive portals send in place of a picture, it is ErrPage.
func Sniff(src []byte) (Format, error) {
	switch {
	case bytes.HasPrefix(src, []byte("\xff\xd8\xff")):
		return JPEG, nil
	case bytes.HasPrefix(src, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, nil
	case bytes.HasPrefix(src, []byte("GIF87a")), bytes.HasPrefix(src, []byte("GIF89a")):
		return GIF, nil
	case len(src) >= 12 && string(src[:4]) == "RIFF" && string(src[8:12]) == "WEBP":
		return WebP, nil
	case hasBrand(src, "avif", "avis"):
		return AVIF, nil
	}
	what := guess(src)
	if what == html {
		return 0, ErrPage
	}
	return 0, fmt.Errorf("%w: it is %s", ErrFormat, what)
}

// hasBrand reports whether src begins with a file type box (ISO/IEC 14496-12 §4.3) that has one of the brands, as its
// major one or among the first sixteen compatible ones: encoders write "mif1" first and "avif" after it.
func hasBrand(src []byte, brands ...string) bool {
	if len(src) < 16 || string(src[4:8]) != "ftyp" {
		return false
	}
	size := int64(src[0])<<24 | int64(src[1])<<16 | int64(src[2])<<8 | int64(src[3])
	end := int(min(size, int64(len(src)), 16+4*16))
	for at := 8; at+4 <= end; at += 4 {
		if at == 12 { // the minor version
			continue
		}
		if slices.Contains(brands, string(src[at:at+4])) {
			return true
		}
	}
	return false
}

// guesses are the magic numbers of what turns up in place of an image, in order of trial.
var guesses = []struct{ magic, what string }{
	{"II*\x00", "TIFF"}, {"MM\x00*", "TIFF"}, {"II+\x00", "BigTIFF"}, {"MM\x00+", "BigTIFF"},
	{"BM", "BMP"}, {"\x00\x00\x01\x00", "an icon (ICO)"}, {"8BPS", "a Photoshop document"},
	{"\xff\x0a", "JPEG XL"}, {"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"},
	{"\x00\x00\x00\x0cjP  ", "JPEG 2000"}, {"\xff\x4f\xff\x51", "JPEG 2000"},
	{"%PDF-", "PDF"}, {"%!PS", "PostScript"}, {"PK\x03\x04", "a ZIP archive"}, {"\x1f\x8b", "gzip"},
	{"\x1aE\xdf\xa3", "a Matroska or WebM video"}, {"RIFF", "a RIFF file that is not WebP"}, {"qoif", "QOI"},
	{"\xd7\xcd\xc6\x9a", "WMF"}, {"version https://git-lfs", "a Git LFS pointer"},
}

// html is what guess calls a web page.
const html = "HTML"

// ErrPage is the ErrFormat of a web page.
var ErrPage = fmt.Errorf("%w: it is %s", ErrFormat, html)

// guess names what src seems to be.
func guess(src []byte) string {
	if len(src) == 0 {
		return "empty"
	}
	for _, g := range guesses {
		if bytes.HasPrefix(src, []byte(g.magic)) {
			return g.what
		}
	}
	switch {
	case hasBrand(src, "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"):
		return "HEIC"
	case len(src) >= 12 && string(src[4:8]) == "ftyp":
		return "a video or another ISO media file"
	}
	return guessText(src[:min(len(src), 1024)])
}

// guessText names what the beginning of a file seems to be that has no magic number.
func guessText(head []byte) string {
	text := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(string(head), "\ufeff")))
	switch {
	case text == "":
		return "white space"
	case strings.Contains(text, "<svg"):
		return "SVG"
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"), strings.Contains(text, "<head"),
		strings.Contains(text, "<body"):
		return html
	case strings.HasPrefix(text, "<?xml"):
		return "XML"
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return "JSON or other text"
	// The cut at 1024 bytes may fall inside a character: up to three bytes of it may be left.
	case utf8.Valid(head), len(head) > 3 && utf8.Valid(head[:len(head)-3]) && !bytes.ContainsRune(head, 0):
		return "text"
	}
	return "no known file type"
}
