package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/proxy"
)

// TestRescanKeepsWordsTogether has posts change and read again while they are asked for: the words in a header are those in the file.
func TestRescanKeepsWordsTogether(t *testing.T) {
	const requests, readers, swaps = 600, 8, 30
	site := writeSite(t, "")
	if err := os.WriteFile(filepath.Join(site, "a.jpg"), imagetest.JPEG(t, 400, 300), 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(n int) {
		post := fmt.Sprintf("---\nimage: {path: /a.jpg, alt: alt %d, credit: credit %d}\n---\n", n, n)
		if err := os.WriteFile(filepath.Join(site, "one.md"), []byte(post), 0o600); err != nil {
			t.Error(err)
		}
	}
	write(0)
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	c, seen := client(t), sync.Map{}
	var asked atomic.Int64
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for asked.Add(1) <= requests {
				var a reply
				a.ask(t.Context(), c, s.url+"/p/one/w320.jpg", nil)
				found, err := caption.Extract(a.body)
				words := found.XMP
				seen.Store(words.Alt, true)
				var n int
				if _, scanErr := fmt.Sscanf(words.Alt, "alt %d", &n); a.err != nil || err != nil || scanErr != nil || a.status != http.StatusOK ||
					words.Credit != fmt.Sprintf("credit %d", n) || a.header.Get("Image-Alt") != fmt.Sprintf(`%%"alt %d"`, n) ||
					a.header.Get("Image-Credit") != fmt.Sprintf(`%%"credit %d"`, n) {
					t.Errorf("status %d, %v, %v: header %s, file %q", a.status, a.err, err, a.header.Get("Image-Alt"), words.Alt)
				}
			}
		})
	}
	p := program{stdout: io.Discard, stderr: t.Output()}
	for n := range swaps {
		for asked.Load() < int64(n*requests/swaps) {
			runtime.Gosched()
		}
		write(n + 1)
		if code := p.run(t.Context(), []string{"rescan", "--admin", s.admin}); code != 0 {
			t.Errorf("rescan %d ends with %d", n, code)
		}
	}
	all.Wait()
	var last reply
	if last.ask(t.Context(), c, s.url+"/p/one/w320.jpg", nil); last.header.Get("Image-Alt") != fmt.Sprintf(`%%"alt %d"`, swaps) || !bytes.Contains(last.body, []byte("alt "+fmt.Sprint(swaps))) {
		t.Errorf("in the end: %s", last.header.Get("Image-Alt"))
	}
}

// TestRescannedIsPrintable verifies that neither a file's name nor a message commands the terminal, or shows a password.
func TestRescannedIsPrintable(t *testing.T) {
	var b strings.Builder
	r := &proxy.RescanResult{Problems: []catalog.Problem{{File: "a\x1b[2J.md", Line: 1, Severity: catalog.Error, Code: "bad-url", Message: "https://ann:secret@o.example/\u202e"}}}
	if err := writeRescanned(&b, r); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.ContainsAny(got, "\x1b\u202e") || strings.Contains(got, "secret") || !strings.Contains(got, "bad-url") {
		t.Errorf("got %q", got)
	}
}
