package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFaults finds every test that faults.md and SECURITY.md name, so that a case is never covered on paper only, and has
// SECURITY.md name every fuzz target.
func TestFaults(t *testing.T) {
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			there[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"faults.md", filepath.Join(root, "SECURITY.md")} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{}
		for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w+`).FindAllString(string(text), -1) {
			named[name] = true
			if !there[name] {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
		if len(named) == 0 {
			t.Errorf("%s names no test", page)
		}
		for name := range there {
			if page != "faults.md" && strings.HasPrefix(name, "Fuzz") && !named[name] {
				t.Errorf("%s does not name %s", page, name)
			}
		}
	}
}
