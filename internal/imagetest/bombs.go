package imagetest

import (
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A Bomb is a small file made to do harm: it claims to be large, unpacks to much, contradicts itself, or is something else
// than it seems.
type Bomb struct {
	Row  string // of area D in internal/docs/faults.md: "D01"
	Name string
	Body []byte
	Want error  // what every Transformer says: one of transform's errors, or nil for a picture, which is harmless
	Leak string // with nil: a text in Body that no rendition holds
}

// Bombs are the whole of area D that is a file, a few megabytes together.
func Bombs(t testing.TB) []Bomb {
	t.Helper()
	return slices.Concat(floods(t), packedBombs(t), frameBombs(t), scanBombs(t), strangeJPEGs(t), strangeWebPs(t), foreigners(), polyglots(t))
}

// foreigners are files of kinds that are off on purpose: TIFF, SVG, and what ImageMagick would take for a picture or a program.
func foreigners() (list []Bomb) {
	const (
		ns    = `xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"`
		laugh = `<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`
	)
	for _, f := range []struct{ row, name, body string }{
		{"D13", "TIFF of one strip of 4 GiB", tiff("II", 1<<16-1, 1<<16-1, 1, 1<<32-1)},
		{"D13", "TIFF, packed", tiff("II", 64, 64, 32773, 3)},
		{"D13", "TIFF whose strip lies behind its end", tiff("MM", 64, 64, 1, 4096)},
		{"D13", "TIFF of no height", tiff("MM", 1<<31-1, 0, 1, 16)},
		{"D13", "TIFF whose directory lies behind its end", "II*\x00\xff\xff\xff\xff"},
		{"D13", "BigTIFF", "II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"},
		{"D13", "BMP", "BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f"},
		{"D17", "SVG that reads a file", `<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg ` + ns + `><text>&x;</text></svg>`},
		{"D17", "SVG of a billion laughs", `<?xml version="1.0"?>` + laugh + `<svg ` + ns + `><text>&c;</text></svg>`},
		{"D17", "SVG that includes", `<svg ` + ns + ` xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></svg>`},
		{"D17", "SVG with others' pictures", `<svg ` + ns + `><image xlink:href="http://127.0.0.1:1/a.png"/><use href="http://127.0.0.1:1/a.svg#a"/></svg>`},
		{"D17", "SVG with others' styles", `<svg ` + ns + `><style>@import url(http://127.0.0.1:1/a.css);</style></svg>`},
		{"D17", "SVG with a program", "\ufeff  <svg " + ns + ` onload="alert(1)"><script>alert(1)</script></svg>`},
		{"D17", "SVG of another document", `<svg ` + ns + `><foreignObject><iframe src="javascript:alert(1)"/></foreignObject></svg>`},
		{"D17", "SVG, packed", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"},
		{"D19", "HTML", "<!DOCTYPE html><script>alert(1)</script>"},
		{"D19", "PDF", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog>>endobj"},
		{"D19", "PostScript", "%!PS-Adobe-3.0\nuserdict /setpagedevice undef\n{ null restore } stopped { pop } if\n"},
		{"D19", "MVG", "push graphic-context\nviewbox 0 0 64 64\nfill 'url(https://127.0.0.1/a.jpg\"|id \")'\npop graphic-context\n"},
		{"D19", "MSL", `<?xml version="1.0"?><image><read filename="/etc/passwd"/><write filename="/tmp/x.png"/></image>`},
		{"D19", "MP4", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"},
		{"D19", "ZIP", "PK\x03\x04\x14\x00\x00\x00\x08\x00"},
		{"D19", "a JPEG behind PostScript", "%!PS\n\xff\xd8\xff\xe0"},
		{"D19", "a RIFF file of sound", "RIFF\x24\x00\x00\x00WAVEfmt "},
	} {
		list = append(list, Bomb{Row: f.row, Name: f.name, Body: []byte(f.body), Want: transform.ErrFormat})
	}
	return list
}

// polyglots are pictures that are something else besides.
func polyglots(t testing.TB) []Bomb {
	const tail = "<script>alert(document.domain)</script>"
	behind := func(b []byte) []byte { return join(b, []byte(tail)) }
	script := GIF(t, 9, 9, 1)
	script = join(script[:len(script)-1], []byte{0x21, 0xfe, byte(len(tail))}, []byte(tail), []byte{0}, script[len(script)-1:])
	return []Bomb{
		{"D19", "JPEG before HTML", behind(JPEG(t, 40, 30)), nil, tail},
		{"D19", "JPEG with HTML in a comment", join(JPEG(t, 40, 30)[:2], []byte{0xff, 0xfe, 0, byte(2 + len(tail))}, []byte(tail), JPEG(t, 40, 30)[2:]), nil, tail},
		{"D19", "PNG before HTML", behind(PNG(t, 40, 30, true)), nil, tail},
		{"D19", "PNG with HTML as text", withChunk(PNG(t, 40, 30, true), "tEXt", []byte("Comment\x00"+tail)), nil, tail},
		{"D19", "GIF with HTML in a comment", script, nil, tail},
		{"D19", "WebP before HTML", behind(File(t, "lossy.webp")), nil, tail},
		{"D19", "AVIF before HTML", behind(File(t, "lossy.avif")), nil, tail},
		{"D19", "JPEG before ZIP", join(JPEG(t, 40, 30), []byte("PK\x03\x04"+tail)), nil, tail},
		{"D19", "GIF that is a program", []byte("GIF89a/*" + tail + "*/=1;alert(1)"), transform.ErrCorrupt, ""},
		{"D21", "JPEG with a position", WithEXIF(t, JPEG(t, 40, 30), EXIF(1)), nil, Camera},
		{"D21", "PNG with a position", WithEXIF(t, PNG(t, 40, 30, false), EXIF(1)), nil, Camera},
		{"D21", "WebP with a position", WithEXIF(t, File(t, "lossy.webp"), EXIF(1)), nil, Camera},
	}
}

// withChunk is a PNG with a chunk more behind its header.
func withChunk(png []byte, kind string, body []byte) []byte {
	const header = 8 + 12 + 13 // signature and IHDR
	return join(png[:header], Chunk(kind, body), png[header:])
}
