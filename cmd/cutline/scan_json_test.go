package main

import (
	"bytes"
	"testing"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// TestWriteJSON verifies that a document is written as encoding/json would write it whole.
func TestWriteJSON(t *testing.T) {
	problem := catalog.Problem{File: "a.md", Line: 5, Code: "missing-alt", Message: `no "alt" <here> & there`}
	image := scanImage{ID: "a", Source: "https://e.example/a.jpg?x=1&y=<2>", Cutline: "Zoë “x”\u2028", Posts: []string{"a.md", "b.md"}, Focus: &scanFocus{X: 1, Y: 2}}
	for name, doc := range map[string]*scanDocument{
		"empty": {Version: 1, Images: []scanImage{}, Problems: []catalog.Problem{}},
		"one":   {Version: 1, Images: []scanImage{image}, Problems: []catalog.Problem{problem}, Summary: scanSummary{Posts: 1}},
		"two":   {Version: 1, Images: []scanImage{image, {}}, Problems: []catalog.Problem{problem, {}}},
	} {
		var got, want bytes.Buffer
		e := newJSON(&want)
		e.SetIndent("", "  ")
		if err := e.Encode(doc); err != nil {
			t.Fatal(err)
		}
		if err := writeJSON(&got, doc); err != nil || got.String() != want.String() {
			t.Errorf("%s: error %v\n got %s\nwant %s", name, err, &got, &want)
		}
	}
}
