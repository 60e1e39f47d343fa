package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestPicturesOutliveTheirOrigins brings pictures whose origins say all kinds of things of keeping them, takes the network away,
// and restarts, twice: all are served as before, in sizes that nobody asked for until then, too.
func TestPicturesOutliveTheirOrigins(t *testing.T) {
	says := map[string]string{
		"silent": "", "day": "max-age=86400", "nocache": "no-cache", "must": "max-age=0, must-revalidate", "shared": "s-maxage=1",
		"window": "max-age=0, stale-while-revalidate=1, stale-if-error=1",
	}
	origin := imagetest.NewOrigin(t)
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	for name, control := range says {
		origin.Handle("/"+name+".jpg", imagetest.With(imagetest.Picture(imagetest.JPEG(t, 400, 300)), "Cache-Control", control))
		post := fmt.Sprintf("---\nimage: %q\ncredit: Ann\n---\n", origin.URL("/"+name+".jpg"))
		if err := os.WriteFile(filepath.Join(site, name+".md"), []byte(post), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	etags := map[string]string{}
	for run := range 3 {
		s := startServe(t, "--cache", folder, site)
		for name := range says {
			header, _ := fetched(t, s.url+"/p/"+name+"/w160.jpg", "")
			if run > 0 && header.Get("ETag") != etags[name] {
				t.Errorf("run %d, %s: ETag %s, want %s", run, name, header.Get("ETag"), etags[name])
			}
			etags[name] = header.Get("ETag")
			leaves := []string{"meta.json", "figure.html"}
			if run > 0 {
				leaves = append(leaves, fmt.Sprintf("w%d.webp", []int{160, 320}[run-1])) // made of the original that is kept
			}
			for _, leaf := range leaves {
				if code, err := status(s.url + "/p/" + name + "/" + leaf); err != nil || code != http.StatusOK {
					t.Errorf("run %d, %s/%s: status %d, %v", run, name, leaf, code, err)
				}
			}
		}
		s.stop(t)
		origin.Close()
	}
	codes := lintOnline(t, site, folder)
	if want := []string{"nocache: origin-gone"}; !slices.Equal(codes, want) { // of the others it is not time to ask
		t.Errorf("lint found %q, want %q", codes, want)
	}
}

// lintOnline returns what lint says of the origins of a site, as "post: code".
func lintOnline(t *testing.T, site, folder string) (codes []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: &stderr}
	if code := p.run(t.Context(), []string{"lint", "--online", "--cache", folder, site}); code != 0 {
		t.Errorf("lint: exit code %d, it said:\n%s%s", code, &stdout, &stderr)
	}
	for line := range strings.Lines(stdout.String()) {
		for _, code := range []string{"origin-gone", "original-changed"} {
			if file, rest, _ := strings.Cut(line, ".md:"); strings.Contains(rest, code) {
				codes = append(codes, file+": "+code)
			}
		}
	}
	return codes
}

// TestReplacedPictures has an origin replace a post's picture, under both policies.
func TestReplacedPictures(t *testing.T) {
	for policy, changes := range map[string]bool{ignoreChanges: false, "": true} {
		t.Run(policy, func(t *testing.T) {
			origin := imagetest.NewOrigin(t)
			put := func(w, h int) {
				origin.Handle("/a.jpg", imagetest.With(imagetest.Picture(imagetest.JPEG(t, w, h)), "Cache-Control", "no-cache"))
			}
			put(400, 300)
			site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8], ignore: ["+policy+"]}\n")
			post := fmt.Sprintf("---\nimage: %q\n---\n", origin.URL("/a.jpg"))
			if err := os.WriteFile(filepath.Join(site, "one.md"), []byte(post), 0o600); err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			if codes := lintOnline(t, site, folder); codes != nil {
				t.Errorf("at first lint found %q", codes)
			}
			put(300, 400)
			if codes, want := lintOnline(t, site, folder), []string{"one: original-changed"}; !slices.Equal(codes, want) {
				t.Errorf("lint found %q, want %q", codes, want)
			}
			s := startServe(t, "--cache", folder, site)
			defer s.stop(t)
			_, body := fetched(t, s.url+"/p/one/meta.json", "")
			if got := bytes.Contains(body, []byte(`"height":400`)) || bytes.Contains(body, []byte(`"height": 400`)); got != changes {
				t.Errorf("the new picture is shown: %t, want %t", got, changes)
			}
		})
	}
}

// TestStaleForEveryRealFailure takes away, in every way in which that happens, pictures whose origin wants to be asked each time.
func TestStaleForEveryRealFailure(t *testing.T) {
	picture := imagetest.JPEG(t, 400, 300)
	damaged := slices.Clone(picture)
	clear(damaged[len(damaged)/2:])
	tests := map[string]struct {
		handler http.Handler
		status  string // Cache-Status
	}{
		"e500":      {imagetest.Status(500), "cutline; fwd=stale; fwd-status=500; detail=stale"},
		"e502":      {imagetest.Status(502), "cutline; fwd=stale; fwd-status=502; detail=stale"},
		"e503":      {imagetest.Status(503), "cutline; fwd=stale; fwd-status=503; detail=stale"},
		"busy":      {imagetest.With(imagetest.Status(503), "Retry-After", "60"), "cutline; fwd=stale; fwd-status=503; detail=stale"},
		"e504":      {imagetest.Status(504), "cutline; fwd=stale; fwd-status=504; detail=stale"},
		"absent":    {imagetest.Status(404), "cutline; fwd=stale; fwd-status=404; detail=stale"},
		"gone":      {imagetest.Status(410), "cutline; fwd=stale; fwd-status=410; detail=stale"},
		"reset":     {imagetest.Raw(nil), "cutline; fwd=stale; detail=stale"},
		"nonsense":  {imagetest.Raw([]byte("SSH-2.0-OpenSSH_9.2\r\n")), "cutline; fwd=stale; detail=stale"},
		"truncated": {imagetest.Truncate(picture, len(picture)/2), "cutline; fwd=stale; detail=stale"},
		"chunked":   {imagetest.TruncateChunked(picture[:len(picture)/2]), "cutline; fwd=stale; detail=stale"},
		"html":      {imagetest.Picture([]byte("<!doctype html><title>Parked</title>")), "cutline; fwd=stale; detail=stale"},
		"hangs":     {imagetest.Hang(), "cutline; hit; detail=stale"},
		"same":      {imagetest.Picture(picture), "cutline; fwd=stale; fwd-status=304"},
		"inside":    {imagetest.Redirect(302, "http://10.0.0.1/"), "cutline; fwd=stale; detail=stale"},
	}
	origin := imagetest.NewOrigin(t)
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8], timeout: 9s}\n")
	for name := range tests {
		origin.Handle("/"+name+".jpg", imagetest.With(imagetest.Picture(picture), "Cache-Control", "no-cache"))
		post := fmt.Sprintf("---\nimage: %q\n---\n", origin.URL("/"+name+".jpg"))
		if err := os.WriteFile(filepath.Join(site, name+".md"), []byte(post), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	s := startServe(t, "--cache", folder, site)
	etags, pictures := map[string]string{}, map[string][]byte{}
	for name := range tests {
		var header http.Header
		header, pictures[name] = fetched(t, s.url+"/p/"+name+"/w160.jpg", "")
		etags[name] = header.Get("ETag")
	}
	s.stop(t) // until all is stored
	for name, tt := range tests {
		origin.Handle("/"+name+".jpg", tt.handler)
		s := startServe(t, "--cache", folder, site) // one for each: after ten failures none would be asked
		header, body := fetched(t, s.url+"/p/"+name+"/w160.jpg", "")
		if !bytes.Equal(body, pictures[name]) || header.Get("ETag") != etags[name] {
			t.Errorf("%s: another picture", name)
		}
		if got := header.Get("Cache-Status"); got != tt.status {
			t.Errorf("%s: Cache-Status %q, want %q", name, got, tt.status)
		}
		s.stop(t)
	}
	// What has the header of a picture and no sound pixels is found out when a size is made of it that nobody asked for before.
	origin.Handle("/same.jpg", imagetest.Picture(damaged))
	s = startServe(t, "--cache", folder, site)
	defer s.stop(t)
	for range 2 {
		for _, leaf := range []string{"w160.jpg", "w320.jpg"} {
			if code, err := status(s.url + "/p/same/" + leaf); err != nil || code != http.StatusOK {
				t.Errorf("damaged, %s: status %d, %v", leaf, code, err)
			}
		}
	}
}
