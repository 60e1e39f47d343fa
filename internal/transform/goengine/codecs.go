package goengine

import (
	"bytes"
	"fmt"
	"image"
	"slices"

	"github.com/gen2brain/avif"
	"github.com/gen2brain/webp"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A Codec says in words how a format is read and written; "" is not at all.
type Codec struct {
	Format        transform.Format
	Reads, Writes string
}

// Codecs lists all formats.
func (e *Engine) Codecs() []Codec {
	words := map[transform.Format]Codec{
		transform.JPEG: {Reads: "jpegscale, image/jpeg", Writes: "jpegli in WASM"},
		transform.PNG:  {Reads: "image/png", Writes: "image/png"},
		transform.GIF:  {Reads: "image/gif", Writes: "image/gif"},
		transform.WebP: {Reads: "golang.org/x/image/webp", Writes: e.webp.words("libwebp 1.6.0 translated to Go")},
		transform.AVIF: {Reads: avifBuiltIn, Writes: e.avif.words(avifBuiltIn)},
	}
	var list []Codec
	for _, f := range transform.Formats() {
		c, can := words[f], e.Can(f)
		c.Format = f
		if !can.Decode {
			c.Reads = ""
		}
		if !can.Encode {
			c.Writes = ""
		}
		list = append(list, c)
	}
	return list
}

// A library is what the loader of gen2brain/webp or gen2brain/avif found on this machine. It cannot be told to leave it.
// The zero library is none: the codec that is part of this program is used.
type library struct {
	name    string // "libwebp.so"; "" for none
	version string // "1.2.4"; "unknown" where it does not tell
	broken  string // why it cannot be used; "" where it can
}

// words names the library, or what is used where there is none.
func (l library) words(none string) string {
	if l.name == "" {
		return none
	}
	return l.name + " " + l.version + " (shared library)"
}

// rev is the part of a revision: two versions of a library do not write the same bytes.
func (l library) rev() string {
	if l.name == "" {
		return ""
	}
	return "-native" + l.version
}

// webpOldest is the first libwebp whose structures are those that gen2brain/webp fills.
const webpOldest = "1.2.0"

// webpLibrary is the libwebp that gen2brain/webp encodes with, if that is not its own.
func webpLibrary() library {
	if webp.Dynamic() != nil {
		return library{}
	}
	l := sharedWebP()
	switch {
	case older(l.version, webpOldest):
		l.broken = l.name + " " + l.version + " is used, and is older than " + webpOldest
	case !webpWorks():
		l.broken = l.name + " " + l.version + " is used, and does not write WebP"
	}
	return l
}

// webpWorks reports whether a small picture can be written.
func webpWorks() bool {
	var buf bytes.Buffer
	err := webp.Encode(&buf, image.NewNRGBA(image.Rect(0, 0, 4, 4)), webp.Options{Quality: 80, Method: webpQuick})
	f, sniffed := transform.Sniff(buf.Bytes())
	return err == nil && sniffed == nil && f == transform.WebP
}

// older reports whether version a, three numbers, comes before version b. What is no version is older than any.
func older(a, b string) bool {
	var x, y [3]int
	if _, err := fmt.Sscanf(a, "%d.%d.%d", &x[0], &x[1], &x[2]); err != nil {
		return true
	}
	_, err := fmt.Sscanf(b, "%d.%d.%d", &y[0], &y[1], &y[2])
	return err == nil && slices.Compare(x[:], y[:]) < 0
}

// avifLibrary is the libavif that gen2brain/avif uses, if that is not its own.
func avifLibrary() library {
	if avif.Dynamic() != nil {
		return library{}
	}
	return sharedAVIF()
}
