//go:build unix

package cache_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// TestDiskForeign puts what is not ours everywhere, and expects that nothing blocks, leaves the folder or is removed.
func TestDiskForeign(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	k := cache.NewKey(cache.Rendition, "foreign")
	secret := filepath.Join(outside, "secret")
	write(t, secret, []byte("secret"))
	write(t, filepath.Join(dir, "v2", "rendition", "x"), []byte("another version's"))
	v1 := filepath.Join(dir, "v1")
	for _, name := range []string{"notes.txt", "rendition/notes.txt", "rendition/00/short", "rendition/zz/file",
		"rendition/00/" + strings.Repeat("0A", 32), "original", "tmp/sub/file"} {
		write(t, filepath.Join(v1, filepath.FromSlash(name)), []byte("foreign"))
	}
	for name, occupy := range map[string]func(string) error{
		"FIFO":                 func(n string) error { return syscall.Mkfifo(n, 0o600) },
		"folder":               func(n string) error { return os.Mkdir(n, 0o700) },
		"link to a file":       func(n string) error { return os.Symlink(secret, n) },
		"link to a folder":     func(n string) error { return os.Symlink(outside, n) },
		"link to itself":       func(n string) error { return os.Symlink(n, n) },
		"link to nothing":      func(n string) error { return os.Symlink("nothing", n) },
		"link to another file": func(n string) error { return os.Symlink("../../notes.txt", n) },
	} {
		t.Run(name, func(t *testing.T) {
			d := openDisk(t, dir, 0)
			file := fileOf(dir, k)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := occupy(file); err != nil {
				t.Fatal(err)
			}
			d.WaitBuilt()
			wantMiss(t, d, k)
			err := d.Put(t.Context(), k, cachetest.Object(k, 1, 10))
			if name == "folder" {
				if err == nil {
					t.Error("Put over a folder = nil, want an error")
				}
			} else if err != nil {
				t.Errorf("Put = %v", err)
			} else {
				get(t, d, k)
			}
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			wantMiss(t, d, k)
		})
	}
	if b, err := os.ReadFile(secret); string(b) != "secret" {
		t.Errorf("file outside = %q, %v", b, err)
	}
	for _, name := range []string{"v2/rendition/x", "v1/notes.txt", "v1/rendition/00/short", "v1/tmp/sub/file", "v1/original"} {
		if !exists(filepath.Join(dir, filepath.FromSlash(name))) {
			t.Errorf("%s is gone", name)
		}
	}
}

// TestDiskLinkedFolder has a symbolic link to the outside where a folder of objects should be.
func TestDiskLinkedFolder(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	k := cache.NewKey(cache.Rendition, "linked")
	write(t, filepath.Join(outside, filepath.Base(fileOf(dir, k))), []byte("not ours"))
	fan := filepath.Dir(fileOf(dir, k))
	if err := os.MkdirAll(filepath.Dir(fan), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, fan); err != nil {
		t.Fatal(err)
	}
	d := openDisk(t, dir, 0)
	d.WaitBuilt()
	wantMiss(t, d, k)
	if err := d.Put(t.Context(), k, cachetest.Object(k, 1, 10)); err == nil {
		t.Error("Put through a link that leads out = nil, want an error")
	}
	if err := d.Delete(t.Context(), k); err == nil {
		t.Error("Delete through a link that leads out = nil, want an error")
	}
	names, err := os.ReadDir(outside)
	if err != nil || len(names) != 1 {
		t.Errorf("outside: %v, %v; want the one file that was there", names, err)
	}
	if st := d.Stats(); st.Objects != 0 || st.Errors == 0 {
		t.Errorf("Stats = %+v; want no object and errors counted", st)
	}
}
