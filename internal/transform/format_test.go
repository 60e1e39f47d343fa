package transform_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

func TestFormatNames(t *testing.T) {
	for _, f := range transform.Formats() {
		got, err := transform.ParseFormat(f.Ext())
		if err != nil || got != f {
			t.Errorf("ParseFormat(%q): got %s and error %v, want %s", f.Ext(), got, err, f)
		}
		if want := "image/" + strings.ToLower(f.String()); f.MIME() != want {
			t.Errorf("%s: got media type %q, want %q", f, f.MIME(), want)
		}
	}
	var none transform.Format
	if none.Ext() != "" || none.MIME() != "" || none.String() != "none" {
		t.Errorf("the zero Format: got %q, %q, %q", none.Ext(), none.MIME(), none)
	}
	if got, err := transform.ParseFormat("jpeg"); got != transform.JPEG || err != nil {
		t.Errorf("jpeg: got %s and error %v", got, err)
	}
	for _, ext := range []string{"", "JPG", ".jpg", "svg", "tiff"} {
		if _, err := transform.ParseFormat(ext); !errors.Is(err, transform.ErrSpec) {
			t.Errorf("ParseFormat(%q): got error %v, want %v", ext, err, transform.ErrSpec)
		}
	}
}

func TestSniff(t *testing.T) {
	for _, tt := range []struct {
		head string
		want transform.Format
	}{
		{"\xff\xd8\xff\xe0\x00\x10JFIF", transform.JPEG},
		{"\xff\xd8\xff\xdb", transform.JPEG},
		{"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d", transform.PNG},
		{"GIF87a", transform.GIF},
		{"GIF89a;<script>", transform.GIF},
		{"RIFF\x24\x00\x00\x00WEBPVP8 ", transform.WebP},
		{"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1", transform.AVIF},
		{"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", transform.AVIF},
		{"\x00\x00\x00\x1cftypavis\x00\x00\x00\x00avis", transform.AVIF},
	} {
		if got, err := transform.Sniff([]byte(tt.head)); got != tt.want || err != nil {
			t.Errorf("Sniff(%q): got %s and error %v, want %s", tt.head, got, err, tt.want)
		}
	}
}

func TestSniffGuesses(t *testing.T) {
	for _, tt := range []struct{ head, want string }{
		{"", "empty"},
		{" \n\t", "white space"},
		{"\ufeff<!DOCTYPE html><title>404", "HTML"},
		{"<html lang=en>", "HTML"},
		{`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">`, "SVG"},
		{`<?xml version="1.0"?><Error><Code>AccessDenied</Code>`, "XML"},
		{`{"error":"not found"}`, "JSON"},
		{"Not found", "text"},
		{"II*\x00\x08", "TIFF"},
		{"BM\x36\x84", "BMP"},
		{"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1", "HEIC"},
		{"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isom", "video"},
		{"\xff\x0a\xfa\x1f", "JPEG XL"},
		{"%PDF-1.7", "PDF"},
		{"RIFF\x24\x00\x00\x00WAVE", "RIFF file that is not WebP"},
		{"\xff\xd8", "no known file type"},
		{"\x00\x01\x02\xff\xfe\xfd", "no known file type"},
		{"\x00\x00\x00\x14ftypavi", "a"},
	} {
		_, err := transform.Sniff([]byte(tt.head))
		if !errors.Is(err, transform.ErrFormat) || !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("Sniff(%q): got error %v, want %v with %q", tt.head, err, transform.ErrFormat, tt.want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avif"))
	f.Add([]byte("RIFF\x24\x00\x00\x00WEBPVP8 "))
	f.Add([]byte("<svg"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := transform.Sniff(src)
		if (err == nil) == (got.Ext() == "") || err != nil && !errors.Is(err, transform.ErrFormat) {
			t.Fatalf("got %s and error %v", got, err)
		}
	})
}
