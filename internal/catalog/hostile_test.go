//go:build unix

package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// aliasBomb is YAML of a kilobyte that means 2⁶⁰ values.
func aliasBomb() string {
	var b strings.Builder
	b.WriteString("---\na0: &a0 [x, x]\n")
	for i := range 60 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	return b.String() + "image: *a60\n---\n"
}

// TestHostilePosts is F06 of the fault matrix: files made to exhaust whoever reads them lie beside a good post. The scan ends, takes
// no more memory than it may, names each with its line and has the good one.
func TestHostilePosts(t *testing.T) {
	open, shut := strings.Repeat("[", 10_000), strings.Repeat("]", 10_000)
	dir := writeSite(t, map[string]string{
		"good.md":        remotePost,
		"aliases.md":     aliasBomb(),
		"cycle.md":       "---\na: &a [*a]\nimage: *a\n---\n",
		"merge.md":       "---\na: &a {<<: *a, b: c}\n---\n",
		"deep-yaml.md":   "---\na: " + open + shut + "\n---\n",
		"deep-toml.md":   "+++\na = " + open + shut + "\n+++\n",
		"deep-json.md":   "{\"a\": " + open + shut + "}\n",
		"unclosed.md":    "---\nimage: https://example.org/a.jpg\n",
		"duplicates.md":  "---\nimage: x\n" + strings.Repeat("image: https://example.org/b.jpg\n", 1000) + "---\n",
		"tags.md":        "---\nimage: !!python/object/apply:os.system [id]\nalt: !!binary aGk=\n---\n",
		"toml-tables.md": "+++\n[" + strings.Repeat("a.", 5_000) + "b]\n+++\n",
		"number.md":      "{\"a\": 1e" + strings.Repeat("9", 5_000) + "}\n",
	})
	large, err := os.Create(filepath.Join(dir, "large.md"))
	if err == nil {
		_, err = large.WriteString("---\na: b\n")
	}
	if err == nil {
		_, err = large.WriteAt([]byte("\n---\n"), 50<<20) // zeros between, which take no room on disk
	}
	if err != nil {
		t.Fatal(err)
	}
	large.Close()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.md"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"zero.md": "/dev/zero", "self.md": "self.md", "up.md": "../../../../etc/passwd"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := Scan(t.Context(), openRoot(t, dir), Options{})
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
		t.Errorf("%d MB were allocated, want 64 at most", got>>20)
	}
	said := map[string]bool{}
	for _, p := range c.Problems {
		said[p.File] = true
		if len(p.Message) > 400 {
			t.Errorf("%s: a message of %d bytes", p.File, len(p.Message))
		}
	}
	for _, name := range []string{"large.md", "unclosed.md", "duplicates.md", "fifo.md", "zero.md", "self.md", "up.md"} {
		if !said[name] {
			t.Errorf("nothing is said of %s: %v", name, findings(c.Problems))
		}
	}
	if _, _, err := c.ByPost("good"); err != nil {
		t.Errorf("the good post: %v", err)
	}
}

// TestManyBadPosts is F08 on a small scale: every hundredth post is broken, each is named once, and the others are there.
func TestManyBadPosts(t *testing.T) {
	const posts = 5_000
	files := map[string]string{}
	for i := range posts {
		files[fmt.Sprintf("p%d.md", i)] = remotePost
		if i%100 == 0 {
			files[fmt.Sprintf("p%d.md", i)] = []string{"---\nimage: [\n---\n", "+++\nimage =\n+++\n", "---\nimage: \xff\n---\n"}[i/100%3]
		}
	}
	c := scanSite(t, files, Options{})
	named := map[string]int{}
	for _, p := range c.Problems {
		named[p.File]++
	}
	if len(named) != posts/100 || c.PostsWithImage != posts-posts/100 {
		t.Errorf("%d files named, %d posts with an image", len(named), c.PostsWithImage)
	}
	for name, n := range named {
		if n != 1 {
			t.Errorf("%s is named %d times", name, n)
		}
	}
}

// TestEditsDuringScans scans while an editor saves a post over and over, in place: each scan has the words of one save or, of half
// of one, those of the scan before.
func TestEditsDuringScans(t *testing.T) {
	version := func(i int) string {
		word := fmt.Sprintf("v%d", i%2)
		return fmt.Sprintf("---\nimage: {path: \"https://o.example/%[1]s.jpg\", alt: %[1]s, credit: %[1]s}\nx: %[2]s\n---\n", word, strings.Repeat(word, 5_000*(1+i%2)))
	}
	dir := writeSite(t, map[string]string{"a.md": version(0), "b.md": remotePost})
	stop := make(chan struct{})
	var saving sync.WaitGroup
	saving.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				editor{t, dir}.write("a.md", version(i))
			}
		}
	})
	last := (*Catalog)(nil)
	for range 300 {
		c := rescan(t, dir, last)
		e, _, err := c.ByPost("a")
		if err != nil {
			if last == nil { // nothing was there to be kept
				continue
			}
			t.Fatalf("the post is gone: %v; %v", err, c.Problems)
		}
		if want := e.Words.Alt; e.Words.Credit != want || e.Source.String() != "https://o.example/"+want+".jpg" {
			t.Fatalf("mixed: %+v of %s", e.Words, e.Source)
		}
		last = c
	}
	close(stop)
	saving.Wait()
}
