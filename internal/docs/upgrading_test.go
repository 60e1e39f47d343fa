package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestVersions compares the table of upgrading.md with the constants that it is about: whoever changes one has to say what it
// costs.
func TestVersions(t *testing.T) {
	page, err := os.ReadFile("upgrading.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ row, file, constant string }{
		{"names of keys", "cache/cache.go", `const keySchema = "([^"]+)"`},
		{"layout of the disk", "cache/diskfolder.go", `versionFolder = "([^"]+)"`},
		{"frame of an object", "cache/frame.go", `frameVersion = (\d+)`},
		{"layout of a bucket", "cache/bucket/object.go", `layout = "([^"]+)"`},
		{"engine", "internal/transform/goengine/goengine.go", `const revision = "([^"]+)"`},
		{"words in files", "internal/caption/embed.go", `\bRev     = "([^"]+)"`},
		{"words from files", "internal/caption/embed.go", `ReadRev = "([^"]+)"`},
		{"messages", "internal/cluster/message.go", `messageVersion  = (\d+)`},
		{"manifest", "internal/manifest/manifest.go", `const Version = (\d+)`},
	} {
		code, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(v.file)))
		if err != nil {
			t.Fatal(err)
		}
		is := regexp.MustCompile(v.constant).FindSubmatch(code)
		said := regexp.MustCompile("(?m)^\\| " + v.row + " \\| `(?:go)?([^`]+)`").FindSubmatch(page)
		switch {
		case is == nil:
			t.Errorf("%s: %s has no %s", v.row, v.file, v.constant)
		case said == nil:
			t.Errorf("%s: upgrading.md has no such row", v.row)
		case string(is[1]) != string(said[1]):
			t.Errorf("%s: upgrading.md says %s, %s has %s", v.row, said[1], v.file, is[1])
		}
	}
}
