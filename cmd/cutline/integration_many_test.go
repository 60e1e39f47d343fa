//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestIntegrationManyPosts is F08 of the fault matrix: the built program reads 100,000 posts of which every hundredth is broken. It
// ends with 0, as scan does unless it is told otherwise; it names each once; it takes 200 MB at most.
func TestIntegrationManyPosts(t *testing.T) {
	const posts, most = 100_000, 200 << 20
	program := filepath.Join(t.TempDir(), "cutline")
	command(t, "go", "build", "-o", program, ".")
	site := t.TempDir()
	for i := range posts {
		text := fmt.Sprintf("---\ntitle: Post %[1]d\nfeatured-image:\n  path: https://o.example/%[1]d.jpg\n  cutline: The bridge, number %[1]d.\n  credit: Ann\n  alt-text: A bridge\n---\nText.\n", i)
		if i%100 == 0 {
			text = []string{"---\nimage: [\n---\n", "+++\nimage =\n+++\n", "{\"image\": }\n", "---\nimage: \xff\n---\n"}[i/100%4]
		}
		put(t, filepath.Join(site, fmt.Sprint(i%100), fmt.Sprintf("%d.md", i)), []byte(text))
	}
	var out, said bytes.Buffer
	run := exec.CommandContext(t.Context(), program, "scan", "--format", "json", site)
	stdout, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run.Stderr = &said
	run.Env = []string{"HOME=" + t.TempDir()} // without the tests' own CUTLINE_… variables, which are no settings
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	var took int64
	for buf := make([]byte, 1<<20); err == nil; { // it has not ended while some of its output is not taken
		var n int
		n, err = stdout.Read(buf)
		out.Write(buf[:n])
		if now, ok := highWater(run.Process.Pid); ok {
			took = now
		}
	}
	if err := run.Wait(); err != nil {
		t.Errorf("%v: %.500s", err, &said)
	}
	var found struct {
		Problems []struct{ File, Code string }
		Summary  struct {
			WithImage int `json:"posts_with_image"`
		}
	}
	if err := json.Unmarshal(out.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	named := map[string]int{}
	for _, p := range found.Problems {
		if named[p.File]++; named[p.File] > 1 || p.Code != "bad-front-matter" {
			t.Errorf("%s: %s", p.File, p.Code)
		}
	}
	if len(named) != posts/100 || found.Summary.WithImage != posts-posts/100 {
		t.Errorf("%d files named, %d posts with an image", len(named), found.Summary.WithImage)
	}
	if took == 0 || took > most {
		t.Errorf("it took %d MB", took>>20)
	}
	t.Logf("%d MB, %v of processors' time", took>>20, run.ProcessState.UserTime()+run.ProcessState.SystemTime())
	if err := os.RemoveAll(site); err != nil {
		t.Error(err)
	}
}
