package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// wideMap is a block in which a map of many keys, none of which is an image's, stands n times in front of a picture.
func wideMap(keys, n int) string {
	var b strings.Builder
	b.WriteString("---\nm: &m\n")
	for i := range keys {
		fmt.Fprintf(&b, "  k%d: v\n", i)
	}
	fmt.Fprintf(&b, "images: [%s%s]\n---\n", strings.Repeat("*m, ", n), remote)
	return b.String()
}

// TestWorkIsBounded counts what the search costs in front matter that is small as written: only the cost of each value,
// not the number of values, tells a map of a thousand keys from a word.
func TestWorkIsBounded(t *testing.T) {
	resources := strings.NewReplacer("images:", "resources:", remote, "{name: hero, src: "+remote+"}")
	for _, tt := range []struct {
		name, text string
		found      bool
	}{
		{"a few wide maps", wideMap(1000, 20), true},
		{"wide maps", wideMap(1000, 1900), false},
		{"a few wide resources", resources.Replace(wideMap(1000, 20)), true},
		{"wide resources", resources.Replace(wideMap(1000, 1900)), false},
		{"long text", "---\nt: &t \"" + strings.Repeat(" ", 500_000) + "\"\nimages: [" + strings.Repeat("*t, ", 1900) + remote + "]\n---\n", false},
		{"long names", "---\nt: &t {src: a.jpg, name: " + strings.Repeat("x", 500_000) + "}\nresources: [" + strings.Repeat("*t, ", 1900) + "{name: hero, src: a.jpg}]\n---\n", true},
		{"long lone keys", "---\nt: &t {? \"" + strings.Repeat(" ", 500_000) + "\" : x}\nimages: [" + strings.Repeat("*t, ", 1900) + remote + "]\n---\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := new(frontmatter.Reader).Read(strings.NewReader(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			f := finder{s: &scanner{}, root: doc.Root, dir: "."}
			h, ok := f.find()
			if ok != tt.found {
				t.Errorf("got %.60q, %t, want %t", h.raw, ok, tt.found)
			}
			if f.work > maxWork+len(tt.text) {
				t.Errorf("spent %d, want at most %d and one value more", f.work, maxWork)
			}
		})
	}
}

func TestLongKeysAreNoNames(t *testing.T) {
	long := strings.Repeat("_", maxKey)
	if !normalIs("a-"+long[2:], "a") || normalIs("a"+long, "a") {
		t.Errorf("want keys of %d bytes read and longer ones passed over", maxKey)
	}
}
