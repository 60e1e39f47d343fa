//go:build unix

package fetch

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// site is a folder with these files, whose contents are their names.
func site(t *testing.T, files ...string) (*os.Root, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	for _, name := range append(files, "../outside.jpg") {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root, dir
}

func TestLocal(t *testing.T) {
	root, dir := site(t, "img/a b%20.jpg")
	modified := time.Date(2024, time.January, 2, 3, 4, 5, 678, time.UTC)
	file := filepath.Join(dir, "img", "a b%20.jpg")
	if err := os.Chtimes(file, modified, modified); err != nil {
		t.Fatal(err)
	}
	f := New(Options{Site: root})
	src := parse(t, "/img/a b%20.jpg")
	got, err := f.Fetch(t.Context(), src, Validators{})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Body) != "img/a b%20.jpg" || !got.Modified.Equal(modified) || !got.Explicit || got.Fresh != 0 || got.NoStore || got.From != src {
		t.Errorf("got %+v", got)
	}
	again, err := f.Fetch(t.Context(), src, got.Validators)
	if err != nil || !again.NotModified || again.Body != nil || again.Validators != got.Validators {
		t.Errorf("unchanged: got %+v, %v", again, err)
	}
	// Same size, and a time that differs by what HTTP's dates cannot show.
	later := modified.Add(time.Nanosecond)
	if err := os.Chtimes(file, later, later); err != nil {
		t.Fatal(err)
	}
	changed, err := f.Fetch(t.Context(), src, got.Validators)
	if err != nil || changed.NotModified || !bytes.Equal(changed.Body, got.Body) {
		t.Errorf("changed: got %+v, %v", changed, err)
	}
}

func TestLocalRefuses(t *testing.T) {
	root, dir := site(t, ".env", ".git/config", ".git/a.jpg", "secret.txt", "a.JSON", "big.jpg", "dir.jpg/x",
		"post.qmd", "post.md~", "img/a.jpg")
	links := map[string]string{"out.jpg": "../outside.jpg", "absolute.jpg": "/etc/passwd", "loop.jpg": "loop.jpg", "up": "..",
		"env.jpg": ".env", "git": "./.git", "img/text.jpg": "../secret.txt", "far.jpg": "env.jpg", "dangling.jpg": "nowhere.jpg"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.jpg"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "big.jpg"), 1001); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.jpg"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		want       error
	}{
		{"absent", "/absent.jpg", ErrNotFound},
		{"below a file", "/big.jpg/x.jpg", ErrNotFound},
		{"F03 link outside", "/out.jpg", ErrNotFound},
		{"F03 absolute link", "/absolute.jpg", ErrNotFound},
		{"F03 folder link outside", "/up/outside.jpg", ErrNotFound},
		{"F03 link to itself", "/loop.jpg", ErrNotFound},
		{"F05 .env", "/.env", ErrNotFound},
		{"F05 .git", "/.git/config", ErrNotFound},
		{"F05 picture in a hidden folder", "/.git/a.jpg", ErrNotFound},
		{"F05 text", "/secret.txt", ErrNotFound},
		{"F05 JSON in capitals", "/a.JSON", ErrNotFound},
		{"F05 Quarto", "/post.qmd", ErrNotFound},
		{"F05 an editor's copy", "/post.md~", ErrNotFound},
		{"F05 link to .env", "/env.jpg", ErrNotFound},
		{"F05 link to a link to .env", "/far.jpg", ErrNotFound},
		{"F05 link to text", "/img/text.jpg", ErrNotFound},
		{"F05 link to a hidden folder", "/git/a.jpg", ErrNotFound},
		{"F05 link to nothing", "/dangling.jpg", ErrNotFound},
		{"empty", "/empty.jpg", ErrBroken},
		{"folder", "/dir.jpg", ErrNotFound},
		{"FIFO without a writer", "/fifo.jpg", ErrNotFound},
		{"larger than the limit", "/big.jpg", ErrTooLarge},
		{"long name", "/" + strings.Repeat("a", 300) + ".jpg", ErrNotFound},
	}
	f := New(Options{Site: root, MaxBytes: 1000})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := f.Fetch(t.Context(), parse(t, tt.path), Validators{})
			wantError(t, o, err, tt.want)
		})
	}
	o, err := New(Options{}).Fetch(t.Context(), parse(t, "/a.jpg"), Validators{})
	wantError(t, o, err, ErrNotFound)
}

func TestLocalLinkInside(t *testing.T) {
	root, dir := site(t, "img/2026/a.jpg")
	for name, to := range map[string]string{"link.jpg": "img/2026/a.jpg", "new": "img/2026/../2026", "img/chain.jpg": "../new/a.jpg", "up.jpg": "new/../2026//./a.jpg"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/link.jpg", "/new/a.jpg", "/img/chain.jpg", "/up.jpg"} {
		got, err := New(Options{Site: root}).Fetch(t.Context(), parse(t, name), Validators{})
		if err != nil || string(got.Body) != "img/2026/a.jpg" || got.From != parse(t, name) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
