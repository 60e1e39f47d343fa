//go:build unix

package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestSwappedLinks is F03 of the fault matrix: while a file and a folder of the site are swapped for links, 100,000 times, to files
// outside and to such inside as nobody may see, nothing is read but pictures.
func TestSwappedLinks(t *testing.T) {
	swaps := 100_000
	if testing.Short() {
		swaps /= 20
	}
	root, dir := site(t, "a.jpg", "img/a.jpg", ".git/a.jpg", ".env", "notes.txt")
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, to := range map[string]string{"a1": "../outside.jpg", "a2": ".env", "a3": "notes.txt", "a4": ".git/a.jpg", "img1": "..", "img2": ".git", "img3": "/", "img4": "img4"} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "a.jpg"), []byte("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	var mu sync.Mutex
	counts := map[string]int{}
	f := New(Options{Site: root})
	for _, name := range []string{"/a.jpg", "/img/a.jpg"} {
		src := parse(t, name)
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := f.Fetch(t.Context(), src, Validators{})
				said := "a picture"
				switch {
				case errors.Is(err, ErrNotFound):
					said = "not found"
				case err != nil:
					said = err.Error()
				case string(got.Body) != strings.TrimPrefix(name, "/"):
					said = "A LEAK: " + string(got.Body)
				}
				mu.Lock()
				counts[said]++
				mu.Unlock()
			}
		})
	}
	rename := func(from, to string) {
		if err := os.Rename(at(from), at(to)); err != nil {
			t.Error(err)
		}
	}
	for i := range swaps / 2 { // there, and back
		name, n := "a.jpg", string('1'+rune(i/2%4))
		link := "a" + n
		if i%2 == 1 {
			name, link = "img", "img"+n
		}
		rename(name, "kept")
		rename(link, name)
		rename(name, link)
		rename("kept", name)
	}
	close(stop)
	readers.Wait()
	if counts["a picture"] == 0 || counts["not found"] == 0 || len(counts) != 2 {
		t.Errorf("got %v, want pictures and not found", counts)
	}
	t.Logf("%v", counts)
}
