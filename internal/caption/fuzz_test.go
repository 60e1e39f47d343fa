package caption_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
)

// FuzzEmbed verifies for any bytes and words that Embed fails by name or gives a file whose words are those, twice like once.
func FuzzEmbed(f *testing.F) {
	for _, file := range pictures(f) {
		f.Add(file, "A caption", "A & B")
		f.Add(embed(f, file, full), "", "")
	}
	f.Add(heif(item{7, "mime", packet(`ps:Credit="Foreign"`, "")}, item{1, "av01", "the pixels"}), "c", "d")
	f.Fuzz(func(t *testing.T, file []byte, cutline, credit string) {
		before := bytes.Clone(file)
		w := caption.Words{Cutline: caption.Cut(cutline, 1_000), Credit: caption.Cut(credit, 1_000)}
		out, err := caption.Embed(file, w)
		if !bytes.Equal(file, before) {
			t.Fatal("the file was changed")
		}
		if err != nil {
			named(t, err)
			return
		}
		again, err := caption.Embed(out, w)
		if err != nil || !bytes.Equal(out, again) {
			t.Errorf("a second time: %v, or other bytes", err)
		}
		if bytes.HasPrefix(file, []byte("GIF8")) {
			return
		}
		found, err := caption.Extract(out)
		if err != nil {
			named(t, err)
		}
		if got, want := found.XMP.Credit, w.Plain().Credit; got != want {
			t.Errorf("credit %q, want %q", got, want)
		}
	})
}

// FuzzExtract verifies that no file makes Extract panic, fail without a name, or say more than its bound.
func FuzzExtract(f *testing.F) {
	for _, file := range pictures(f) {
		f.Add(embed(f, file, full))
	}
	f.Add(withXMP(f, packet(`ps:Credit="A"`, `<plus:Licensor><rdf:Seq><rdf:li plus:LicensorName="L"/></rdf:Seq></plus:Licensor>`)))
	f.Fuzz(func(t *testing.T, file []byte) {
		found, err := caption.Extract(file)
		if err != nil {
			named(t, err)
		}
		for _, w := range []caption.Words{found.XMP, found.IPTC, found.EXIF} {
			for _, text := range []string{w.Cutline, w.Credit, w.Alt, w.Creator, w.Copyright, w.License, w.Licensor} {
				if caption.Clean(text) != text || len(text) > 2_000 {
					t.Errorf("%q is not clean, or too long", text)
				}
			}
			for _, target := range []string{w.CreditURL, w.LicensorURL, w.SourceType} {
				if caption.LinkTarget(target) != target {
					t.Errorf("%q leads nowhere", target)
				}
			}
		}
	})
}

func named(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, caption.ErrCorrupt) && !errors.Is(err, caption.ErrFormat) && !errors.Is(err, caption.ErrTooLong) {
		t.Errorf("an error without a name: %v", err)
	}
}
