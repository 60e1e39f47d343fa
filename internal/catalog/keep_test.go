package catalog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const foxPost = "---\nimage: {path: \"https://o.example/fox.jpg\", alt: A fox}\n---\n"

// An editor changes a site, one file at a time.
type editor struct {
	t   *testing.T
	dir string
}

func (e editor) write(name, text string) {
	if err := os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func (e editor) remove(name string) {
	if err := os.Remove(filepath.Join(e.dir, name)); err != nil {
		e.t.Fatal(err)
	}
}

func (e editor) link(name, to string) {
	e.remove(name)
	if err := os.Symlink(to, filepath.Join(e.dir, name)); err != nil {
		e.t.Fatal(err)
	}
}

// TestLast verifies what a scan takes from the one before it, and how the two differ, one change to the site a row.
func TestLast(t *testing.T) {
	const a, b = "a.md → fox", "b.md → fox"
	owl := strings.NewReplacer("fox.jpg", "owl.jpg", "fox", "owl").Replace(foxPost)
	tests := []struct {
		name   string
		change func(editor)
		want   []string // rows
		kept   []string
		counts [3]int // added, removed, changed
	}{
		{"nothing", func(editor) {}, []string{a, b}, nil, [3]int{}},
		{"a new post", func(e editor) { e.write("c.md", owl) }, []string{a, b, "c.md → owl"}, nil, [3]int{1, 0, 0}},
		{"a post removed", func(e editor) { e.remove("a.md") }, []string{b}, nil, [3]int{0, 1, 0}},
		{"another picture", func(e editor) { e.write("a.md", owl) }, []string{"a.md → owl", b}, nil, [3]int{0, 0, 1}},
		{"other words", func(e editor) { e.write("a.md", strings.Replace(foxPost, "A fox", "Foxes", 1)) }, []string{a, b}, nil, [3]int{0, 0, 1}},
		{"its picture taken out", func(e editor) { e.write("a.md", "---\ntitle: T\n---\n") }, []string{b}, nil, [3]int{0, 1, 0}},
		{"unpublished", func(e editor) { e.write("a.md", "---\ndraft: true\n"+foxPost[4:]) }, []string{b}, nil, [3]int{0, 1, 0}},
		{"half written", func(e editor) { e.write("a.md", foxPost[:20]) }, []string{a, b}, []string{"a.md"}, [3]int{}},
		{"emptied", func(e editor) { e.write("a.md", "") }, []string{a, b}, []string{"a.md"}, [3]int{}},
		{"empty, and new", func(e editor) { e.write("c.md", "") }, []string{a, b}, nil, [3]int{}},
		{"broken, and new", func(e editor) { e.write("c.md", "---\ntitle: [\n---\n") }, []string{a, b}, nil, [3]int{}},
		{"a link to nothing", func(e editor) { e.link("a.md", "nowhere") }, []string{b}, nil, [3]int{0, 1, 0}},
		{"a link out of the site", func(e editor) { e.link("a.md", "/etc/passwd") }, []string{a, b}, []string{"a.md"}, [3]int{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeSite(t, map[string]string{"a.md": foxPost, "b.md": foxPost})
			first := rescan(t, dir, nil)
			tt.change(editor{t, dir})
			c := rescan(t, dir, rescan(t, dir, first)) // what was kept is kept again
			got := rows(c)
			for i := range got {
				got[i] = strings.NewReplacer("https://o.example/", "", ".jpg", "").Replace(got[i])
			}
			if !slices.Equal(got, tt.want) || !slices.Equal(c.Kept, tt.kept) {
				t.Errorf("%q, kept %q, want %q, %q", got, c.Kept, tt.want, tt.kept)
			}
			said := slices.ContainsFunc(c.Problems, func(p Problem) bool { return strings.HasSuffix(p.Message, "is still shown") })
			if said != (len(tt.kept) > 0) {
				t.Errorf("problems %v", c.Problems)
			}
			d := c.Since(first)
			if counts := [3]int{d.Added, d.Removed, d.Changed}; counts != tt.counts {
				t.Errorf("added, removed, changed: %v, want %v", counts, tt.counts)
			}
			if outdated := d.Removed+d.Changed > 0; outdated != slices.Equal(d.Outdated, first.Entries) {
				t.Errorf("outdated %v", d.Outdated)
			}
			if same, want := c.Entries[0] == first.Entries[0], d.Removed+d.Changed == 0; same != want {
				t.Errorf("the entry of both posts is the same pointer: %t, want %t", same, want)
			}
		})
	}
}

// TestKeptStaysSilent verifies that what a post switched off stays off while it cannot be read.
func TestKeptStaysSilent(t *testing.T) {
	dir := writeSite(t, map[string]string{"a.md": "---\nimage: https://o.example/a.jpg\nimage_alt: A\nimage_caption: C\ncutline-lint: {off: [missing-credit]}\n---\n"})
	first := rescan(t, dir, nil)
	editor{t, dir}.write("a.md", "---\nimage: [\n---\n")
	c := rescan(t, dir, rescan(t, dir, first))
	if diff := cmp.Diff([]string{"a.md:2 bad-front-matter"}, findings(c.Lint())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func rescan(t *testing.T, dir string, last *Catalog) *Catalog {
	t.Helper()
	c, err := Scan(t.Context(), openRoot(t, dir), Options{Last: last})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUnreadableFolder verifies that the posts below a folder that cannot be read keep their pictures, and no others.
func TestUnreadableFolder(t *testing.T) {
	last := scanSite(t, map[string]string{"x/a.md": foxPost, "x/y/b.md": foxPost, "xy/c.md": foxPost}, Options{})
	now := collection{}
	now.unreadable("x", os.ErrPermission)
	c := now.catalog("plain", last)
	if want := []string{"x/a.md", "x/y/b.md"}; !slices.Equal(c.Kept, want) || len(rows(c)) != 2 || c.PostsWithImage != 2 {
		t.Errorf("kept %q, want %q; %q", c.Kept, want, rows(c))
	}
	if want := "cannot be read: permission denied: correct the file or its rights; what was read of it before is still shown"; c.Problems[0].Message != want {
		t.Errorf("problem %q, want %q", c.Problems[0].Message, want)
	}
}
