//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/imagetest"
)

// tags are what exiftool finds in one file, by group and name.
type tags map[string]any

// exiftool reads all files of a folder, by file name.
func exiftool(t *testing.T, dir string) map[string]tags {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(command(t, "exiftool", "-q", "-j", "-G1", "-a", "-u", "-ee", "-struct", dir)))
	dec.UseNumber() // exiftool writes a text of digits as a number
	var list []tags
	if err := dec.Decode(&list); err != nil {
		t.Fatal(err)
	}
	files := map[string]tags{}
	for _, found := range list {
		files[filepath.Base(found["SourceFile"].(string))] = found
	}
	return files
}

// text is a tag as text: the one element of a list, a number or a boolean as written.
func (g tags) text(name string) string {
	switch v := g[name].(type) {
	case nil:
		return ""
	case []any:
		if len(v) == 1 {
			return fmt.Sprint(v[0])
		}
	}
	return fmt.Sprint(g[name])
}

// xmp holds the XMP that every format has against plain words.
func (g tags) xmp(w caption.Words) error {
	license, terms := caption.LinkTarget(w.License), ""
	if !strings.HasPrefix(license, "http") {
		license, terms = "", w.License
	}
	for name, want := range map[string]string{
		"XMP-dc:Description": w.Cutline, "XMP-photoshop:Credit": w.Credit, "XMP-iptcCore:AltTextAccessibility": w.Alt,
		"XMP-dc:Creator": w.Creator, "XMP-dc:Rights": w.Copyright, "XMP-xmpRights:WebStatement": license, "XMP-xmpRights:UsageTerms": terms,
	} {
		if got, want := g.text(name), legal(want); got != want {
			return fmt.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return nil
}

// legal is text without the two characters that XML has no way to write.
func legal(text string) string {
	return caption.Clean(strings.NewReplacer("\uFFFE", "", "\uFFFF", "").Replace(text))
}

// iptc holds a JPEG's IPTC-IIM against plain words, as many bytes of each as the standard has room for. Of the two characters of
// the basic plane that are none in XML, exiftool shows a question mark for every byte.
func (g tags) iptc(w caption.Words) error {
	shown := strings.NewReplacer("\uFFFE", "???", "\uFFFF", "???")
	for name, want := range map[string]string{
		"IPTC:Caption-Abstract": caption.Cut(w.Cutline, 2000), "IPTC:Credit": caption.Cut(w.Credit, 32),
		"IPTC:By-line": caption.Cut(w.Creator, 32), "IPTC:CopyrightNotice": caption.Cut(w.Copyright, 128),
	} {
		if got, want := g.text(name), shown.Replace(want); got != want {
			return fmt.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return nil
}

// embeds are the extensions of the formats that words are embedded in.
var embeds = []string{"jpg", "png", "webp", "avif"}

// TestIntegrationEmbedded reads with exiftool what is in the pictures that are served of the example site: the words of their
// posts, nothing of the camera's.
func TestIntegrationEmbedded(t *testing.T) {
	site := exampleSite(t, quick, nil)
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	dir := t.TempDir()
	pictures := local(t, s.url)
	for _, d := range pictures {
		for _, ext := range embeds {
			for _, width := range []string{"w160", "w320"} {
				put(t, filepath.Join(dir, d.ID+"-"+width+"."+ext), askOK(t, s.url+"/i/"+d.ID+"/"+width+"."+ext).body)
			}
		}
	}
	files := exiftool(t, dir)
	original := exiftool(t, filepath.Join(site, "_posts", "2024-05-11-dandelion-count"))["dandelions.webp"]
	if original["GPS:GPSLatitude"] == nil || original["ExifIFD:SerialNumber"] == nil {
		t.Fatal("no original has a position and a serial number, so this test proves nothing")
	}
	for _, d := range pictures {
		for _, ext := range embeds {
			name := d.ID + "-w320." + ext
			found := files[name]
			w := caption.Words{
				Cutline: d.Words.Cutline, Credit: d.Words.Credit, Alt: d.Words.Alt,
				Creator: d.Words.Creator, Copyright: d.Words.Copyright, License: d.Words.License,
			}
			if err := found.xmp(w); err != nil {
				t.Errorf("%s of %s: %v", name, d.Source, err)
			}
			if err := found.iptc(w); err != nil && ext == "jpg" {
				t.Errorf("%s of %s: %v", name, d.Source, err)
			}
			for _, name := range []string{name, d.ID + "-w160." + ext} {
				checkClean(t, files[name], d.Source+" as "+name, name != d.ID+"-w160."+ext)
			}
		}
	}
	t.Run("as in the post", func(t *testing.T) { checkLarches(t, s.url, files) })
}

// checkClean finds nothing in a file that says who, where or with what it was taken; and no words where it is to have none.
func checkClean(t *testing.T, found tags, name string, worded bool) {
	t.Helper()
	if len(found) == 0 {
		t.Errorf("%s: exiftool does not know this file", name)
	}
	for tag := range found {
		group, name, _ := strings.Cut(tag, ":")
		words := strings.HasPrefix(group, "XMP-") || group == "IPTC" || group == "XMP-x"
		if strings.Contains(name, "GPS") || strings.Contains(name, "Serial") || group == "IFD0" || group == "ExifIFD" || group == "MakerNotes" || words && !worded {
			t.Errorf("%s: has %s: %v", name, tag, found[tag])
		}
	}
}

// checkLarches holds one post's picture against what stands in the post, word for word.
func checkLarches(t *testing.T, server string, files map[string]tags) {
	var d described
	askJSON(t, server+"/p/larches-turn-below-aizkorri/meta.json", &d)
	for _, ext := range embeds {
		found := files[d.ID+"-w320."+ext]
		for name, want := range map[string]string{
			"XMP-dc:Description":                "The limestone ridge of Aizkorri behind larches in autumn colour, seen across a mown pasture.",
			"XMP-photoshop:Credit":              "Aitzol Berasategi / CC BY 4.0",
			"XMP-iptcCore:AltTextAccessibility": "A green meadow, a belt of orange larches with one dark spruce, and a long grey mountain ridge under a pale sky",
			"XMP-dc:Creator":                    "Aitzol Berasategi",
			"XMP-dc:Rights":                     "© 2018 Aitzol Berasategi",
			"XMP-xmpRights:WebStatement":        "https://creativecommons.org/licenses/by/4.0/",
			"XMP-xmpRights:Marked":              "true",
			"XMP-cc:AttributionURL":             "https://example.org/photographers/aitzol-berasategi",
			"XMP-cc:License":                    "https://creativecommons.org/licenses/by/4.0/",
			"XMP-plus:Licensor":                 "map[LicensorName:Aitzol Berasategi LicensorURL:https://example.org/licences/aizkorri-autumn]",
			"XMP-iptcExt:DigitalSourceType":     "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
		} {
			if got := found.text(name); !strings.EqualFold(got, want) {
				t.Errorf("%s: %s is %q, want %q", ext, name, got, want)
			}
		}
	}
}

// TestIntegrationEmbeddedCaptions embeds captions of all kinds and has exiftool read them back, in every format.
func TestIntegrationEmbeddedCaptions(t *testing.T) {
	const count = 300
	r := rand.New(rand.NewPCG(6, 2026))
	all := captions(r, 6*count)
	pictures := map[string][]byte{
		"jpg": imagetest.JPEG(t, 16, 12), "png": imagetest.PNG(t, 16, 12, true), "webp": imagetest.File(t, "lossy.webp"), "avif": imagetest.File(t, "lossy.avif"),
	}
	dir := t.TempDir()
	want := make([]caption.Words, count)
	for i := range count {
		c := all[6*i:]
		w := caption.Words{Cutline: c[0], Credit: c[1], Alt: c[2], Creator: c[3], Copyright: c[4], License: c[5]}
		if i%2 == 0 {
			w.License = "https://example.org/license"
		}
		for ext, picture := range pictures {
			body, err := caption.Embed(picture, w)
			if errors.Is(err, caption.ErrTooLong) {
				w = w.Cut(4000)
				body, err = caption.Embed(picture, w)
			}
			if err != nil {
				t.Fatalf("%s: %v", ext, err)
			}
			put(t, filepath.Join(dir, fmt.Sprintf("%d.%s", i, ext)), body)
		}
		want[i] = w.Plain()
	}
	files := exiftool(t, dir)
	for i, w := range want {
		for ext := range pictures {
			found := files[fmt.Sprintf("%d.%s", i, ext)]
			if err := found.xmp(w); err != nil {
				t.Errorf("%d.%s: %v", i, ext, err)
			}
			if err := found.iptc(w); err != nil && ext == "jpg" {
				t.Errorf("%d.%s: %v", i, ext, err)
			}
		}
	}
}
