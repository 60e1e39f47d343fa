package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteFileKeepsTheOldOneOnFailure(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "scan.json")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := writeFile(name, func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Repeat("new", 1<<16))
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("writeFile = %v, want the writer's error", err)
	}
	if got, err := os.ReadFile(name); string(got) != "old" {
		t.Errorf("file = %.20q, %v; want the old content", got, err)
	}
	if left, err := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("folder holds %v, %v; want the file alone", left, err)
	}
}

func TestWriteFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(link, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(target); string(got) != "new" {
		t.Errorf("target = %q, %v; want new", got, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("link = %v, %v; want a link still", info, err)
	}
}

func TestTableStaysAlignedAndInert(t *testing.T) {
	doc := &scanDocument{Images: []scanImage{
		{Source: "/a.jpg", Credit: "共同通信", Alt: "x", Cutline: "wide", Posts: []string{"a.md", "b.md"}},
		{Source: "/b.jpg", Credit: "Ann", Decorative: true, Cutline: "\x1b[31mred\u202e", Posts: []string{"c.md"}},
		{Source: "/c.jpg", Credit: strings.Repeat("漢", 20), Cutline: "e\u0301", Posts: []string{"d.md"}},
	}}
	var got bytes.Buffer
	if err := writeTable(&got, doc); err != nil {
		t.Fatal(err)
	}
	want := `POST          IMAGE   CREDIT                   ALT           CUTLINE
a.md +1 post  /a.jpg  共同通信                 x             wide
c.md          /b.jpg  Ann                      (decorative)  �[31mred�
d.md          /c.jpg  漢漢漢漢漢漢漢漢漢漢漢…  -             ` + "e\u0301\n"
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestInertCells(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "plain": "plain", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-": "'-", "@reuters": "'@reuters", "\tx": "'\tx", "'quoted": "'quoted",
	} {
		if got := inert(cell); got != want {
			t.Errorf("inert(%q) = %q, want %q", cell, got, want)
		}
	}
}

func TestSiteCacheNames(t *testing.T) {
	base := t.TempDir()
	one, other, link := filepath.Join(base, "a", "My site!"), filepath.Join(base, "b", "My site!"), filepath.Join(base, "link")
	if err := errors.Join(os.MkdirAll(one, 0o700), os.MkdirAll(other, 0o700), os.Symlink(one, link)); err != nil {
		t.Fatal(err)
	}
	name := func(dir string) string {
		got, err := siteCacheName(dir)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := name(one); !strings.HasPrefix(got, "My_site_-") || len(got) != len("My_site_-")+16 {
		t.Errorf("siteCacheName = %q, want My_site_- and 16 hex digits", got)
	}
	if name(one) == name(other) {
		t.Error("two sites of one name share a cache")
	}
	if name(one) != name(link) {
		t.Error("a site has another cache when it is reached through a link")
	}
	t.Chdir(one)
	if name(one) != name(".") {
		t.Error("a site has another cache when it is the current folder")
	}
}

// What cannot be written is named as the user named it.
func TestWriteFileNamesTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "nowhere", "scan.json")
	err := writeFile(name, func(io.Writer) error { return nil })
	if want := "write " + name + ": no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("writeFile = %v, want %s", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("writeFile = %v, want fs.ErrNotExist", err)
	}
}
