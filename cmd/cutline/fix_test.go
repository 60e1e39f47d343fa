package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/catalog"
)

const wrappedPost = "---\r\nimage: \"https://i0.wp.com/images.example.org/a.jpg?ssl=1\" # why\r\nimage_alt: A\r\nimage_caption: C\r\nimage_credit: Ann\r\n---\r\nbody"

// mendedPost is wrappedPost without the wrapper.
var mendedPost = strings.Replace(wrappedPost, "https://i0.wp.com/images.example.org/a.jpg?ssl=1", "https://images.example.org/a.jpg", 1)

// fixSite runs lint --fix and returns what it said.
func fixSite(t *testing.T, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	p := program{stdout: &out, stderr: &said}
	p.run(t.Context(), append([]string{"lint", "--fix", dir}, args...))
	return out.String(), said.String()
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestFixKeepsTheFile mends a post with rights of its own, behind two links of which one leads through a linked folder: links
// stay links, rights stay, no temporary file is left.
func TestFixKeepsTheFile(t *testing.T) {
	dir := writeSite(t, "")
	for _, name := range []string{"shared", "posts"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	post := filepath.Join(dir, "shared", "real.txt")
	if err := errors.Join(
		os.WriteFile(post, []byte(wrappedPost), 0o600), os.Chmod(post, 0o640),
		os.Symlink("../shared/second.txt", filepath.Join(dir, "posts", "one.md")), os.Symlink("real.txt", filepath.Join(dir, "shared", "second.txt")),
	); err != nil {
		t.Fatal(err)
	}
	_, said := fixSite(t, dir)
	if got := content(t, post); got != mendedPost {
		t.Fatalf("got %q, want %q; it said:\n%s", got, mendedPost, said)
	}
	info, err := os.Lstat(post)
	if err != nil || runtime.GOOS != "windows" && info.Mode() != 0o640 {
		t.Errorf("mode %v, %v, want 0640", info.Mode(), err)
	}
	for _, link := range []string{"posts/one.md", "shared/second.txt"} {
		if info, err := os.Lstat(filepath.Join(dir, link)); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", link, info, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*", ".*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestFixStaysInside has posts that lint reads and must not write: read-only ones, and what left the site by the time of writing.
func TestFixStaysInside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.md")
	dir := writeSite(t, "")
	inside := filepath.Join(dir, "readonly.md")
	if err := errors.Join(os.WriteFile(outside, []byte(wrappedPost), 0o600), os.WriteFile(inside, []byte(wrappedPost), 0o400)); err != nil {
		t.Fatal(err)
	}
	for i, target := range []string{outside, "../" + filepath.Base(filepath.Dir(outside)) + "/outside.md"} {
		if err := os.Symlink(target, filepath.Join(dir, fmt.Sprintf("link%d.md", i))); err != nil {
			t.Fatal(err)
		}
	}
	_, said := fixSite(t, dir)
	if !strings.Contains(said, "readonly.md: not mended: left as it is: it is read-only\n") || !strings.Contains(said, "0 posts mended\n") {
		t.Errorf("it said:\n%s", said)
	}
	if content(t, outside) != wrappedPost || content(t, inside) != wrappedPost {
		t.Error("a file that must not be written was")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"link0.md", "link1.md"} {
		if err := replacePost(root, name, []byte(wrappedPost), []byte("x")); err == nil || content(t, outside) != wrappedPost {
			t.Errorf("%s: got %v, want an error and nothing written", name, err)
		}
	}
}

// TestFixRaces has somebody save the post between reading and writing.
func TestFixRaces(t *testing.T) {
	dir := writeSite(t, "")
	post := filepath.Join(dir, "one.md")
	if err := os.WriteFile(post, []byte("saved meanwhile"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = replacePost(root, "one.md", []byte(wrappedPost), []byte(mendedPost))
	if !errors.Is(err, catalog.ErrLeft) || content(t, post) != "saved meanwhile" {
		t.Errorf("got %v, want ErrLeft and the file as it was saved", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestShownDiff shows no password and commands no terminal, and is exact where there is neither.
func TestShownDiff(t *testing.T) {
	before := []byte("---\nother: https://ann:hush@example.org/\nimage: OLD\ntitle: x\n---\nbo\x1bdy\n")
	after := bytes.Replace(before, []byte("OLD"), []byte("NEW"), 1)
	want := "--- a/p.md\n+++ b/p.md\n@@ -3 +3 @@\n-image: OLD\n+image: NEW\n"
	if got := shownDiff("p.md", before, after); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	before = []byte("image: OLD\u202e \x1b[2J\tx\n")
	if got := shownDiff("p.md", before, bytes.Replace(before, []byte("OLD"), []byte("NEW"), 1)); strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, "\tx\n") {
		t.Errorf("got %q", got)
	}
}
