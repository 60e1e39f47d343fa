package export

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// read reads an export whole.
func read(t *testing.T, text string) *File {
	t.Helper()
	f, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	Join([]*File{f})
	return f
}

func readFile(t *testing.T, name string) *File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(text))
}

// lines writes posts one below the other: what is to be told apart, and no more.
func summary(posts []Post) string {
	var b strings.Builder
	for _, p := range posts {
		fmt.Fprintf(&b, "%d %s %q %s", p.Line, p.Slug, p.Title, p.Modified.Format(time.RFC3339))
		if p.Hidden != "" {
			fmt.Fprintf(&b, " hidden: %s", p.Hidden)
		}
		if p.Problem != "" {
			fmt.Fprintf(&b, " problem: %s", p.Problem)
		}
		b.WriteString("\n")
		if i := p.Image; i.Raw != "" {
			fmt.Fprintf(&b, "  %d %s: %s\n", i.Line, i.Field, i.Raw)
			if i.URL != i.Raw {
				fmt.Fprintf(&b, "  means %s\n", i.URL)
			}
			if i.Path != "" {
				fmt.Fprintf(&b, "  file %s\n", i.Path)
			}
			for _, w := range i.Words {
				fmt.Fprintf(&b, "  %d %s: %s", w.Line, w.Key, w.Text)
				if w.Camera {
					b.WriteString(" (camera)")
				}
				b.WriteString("\n")
			}
		}
	}
	return b.String()
}

// TestFiles reads the files of testdata, one of each format. What is wanted stands beside each, as text.
func TestFiles(t *testing.T) {
	for _, tt := range []struct {
		file   string
		format Format
	}{
		{"ghost.json", Ghost}, {"wordpress.xml", WordPress}, {"feed.rss", RSS}, {"feed.atom", Atom}, {"feed.json", JSONFeed},
	} {
		t.Run(tt.file, func(t *testing.T) {
			f := readFile(t, tt.file)
			if f.Format != tt.format {
				t.Errorf("format %q, want %q", f.Format, tt.format)
			}
			want, err := os.ReadFile(filepath.Join("testdata", tt.file+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), summary(f.Posts)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
