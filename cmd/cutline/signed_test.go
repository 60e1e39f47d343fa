package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/sign"
)

const (
	oldKey     = "4Jx0V7mQ2sYb9tLr6WzK1nHc8dPf3gEa"
	newKey     = "oT5uNw3RiXe7vGk1CzMq8yJh4sLb6dFp"
	imgixToken = "aZ3kQ9xB7mT2wR5v"
)

// signedBy is target, signed by key.
func signedBy(t *testing.T, key, target string, exp time.Time) string {
	t.Helper()
	keys, err := sign.NewKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := keys.Sign(target, exp)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// size is that of the JPEG or PNG that url answers.
func size(t *testing.T, url string) image.Point {
	t.Helper()
	header, body := fetched(t, url, "")
	decode := png.DecodeConfig
	if header.Get("Content-Type") == "image/jpeg" {
		decode = jpeg.DecodeConfig
	}
	conf, err := decode(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return image.Pt(conf.Width, conf.Height)
}

// K06, and what a signature is for: exact sizes, and pictures that no post shows, without a post, without fetch.hosts. With two
// keys both are good; when the old one is dropped, what it signed is refused at once, in the cache or not.
func TestSignedAddresses(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 400, 200))
	source := "/" + url.QueryEscape(origin.URL("/a.jpg"))
	folder, site := t.TempDir(), writeSite(t, "")
	byOld, byNew := signedBy(t, oldKey, source+"?w=123&fm=jpg", time.Time{}), signedBy(t, newKey, source+"?w=123&fm=jpg", time.Time{})
	cold := signedBy(t, oldKey, source+"?w=99&fm=jpg", time.Time{})
	start := func(keys string) *served {
		text := "fetch: {allow_private: [127.0.0.0/8]}\nkeys: [" + keys + "]\n"
		if err := os.WriteFile(filepath.Join(site, configName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return startServe(t, "--cache", folder, site)
	}
	s := start(newKey + ", " + oldKey)
	for _, target := range []string{byOld, byNew, byOld} {
		if got := size(t, s.url+target); got != image.Pt(123, 62) {
			t.Errorf("%s: %v, want 123 × 62", target, got)
		}
	}
	if code, err := status(s.url + source + "?w=123&fm=jpg"); err != nil || code != http.StatusForbidden {
		t.Errorf("unsigned: %d, %v", code, err)
	}
	s.stop(t)
	s = start(newKey)
	defer s.stop(t)
	for target, want := range map[string]int{byNew: 200, byOld: 403, cold: 403} {
		if code, err := status(s.url + target); err != nil || code != want {
			t.Errorf("%s without the old key: %d, %v; want %d", target, code, err, want)
		}
	}
	if got := origin.Hits("/a.jpg"); got != 1 {
		t.Errorf("the original was fetched %d times, want once", got)
	}
}

// A signature opens the site's pictures, and nothing else that is in its folder or beside it.
func TestSignedSiteFiles(t *testing.T) {
	site := writeSite(t, "keys: ["+oldKey+"]\n")
	for name, body := range map[string][]byte{
		"img/a.png": imagetest.PNG(t, 40, 20, false), ".git/a.png": imagetest.PNG(t, 40, 20, false), ".env": []byte("A=b"), "secret": []byte("secret"),
		"a.pem": imagetest.PNG(t, 40, 20, false),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(site, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(site, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(site, "link.png")); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	for path, want := range map[string]int{
		"/img/a.png": 200, "/img%2Fa.png": 200, "/.git/a.png": 404, "/.env": 404, "/a.pem": 404, "/cutline.yaml": 404, "/secret": 415, "/link.png": 404,
		"/none.png": 404, "/..%2F..%2Fetc%2Fhostname": 404, "/etc/hostname": 404, "/%2Fetc%2Fhostname": 404, "/img": 404, "/http%3A%2F%2F127.0.0.1%2Fa.png": 502,
	} {
		if code, err := status(s.url + signedBy(t, oldKey, path+"?w=7&fm=png", time.Time{})); err != nil || code != want {
			t.Errorf("%s: %d, %v; want %d", path, code, err, want)
		}
		if code, err := status(s.url + path + "?w=7&fm=png"); err != nil || code != http.StatusNotFound && code != http.StatusForbidden {
			t.Errorf("%s, unsigned: %d, %v", path, code, err)
		}
	}
}

// K04: an address that was answered is refused from its end on, although its picture is in memory, and its header too.
func TestExpiredHit(t *testing.T) {
	t.Setenv("CUTLINE_KEYS", oldKey)
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	s := startServe(t, "--cache", "off", remoteSite(t, origin.URL("/a.jpg")))
	defer s.stop(t)
	for wait := 2 * time.Second; ; wait *= 2 { // a machine that stands still takes another turn
		end := time.Now().Add(wait).Truncate(time.Second)
		target := s.url + signedBy(t, oldKey, "/p/one/w31.png", end)
		var codes [4]int
		for i := range codes {
			var err error
			if codes[i], err = status(target); err != nil {
				t.Fatal(err)
			}
		}
		if codes[3] != http.StatusOK && wait < time.Minute {
			continue
		}
		if codes != [4]int{200, 200, 200, 200} {
			t.Fatalf("before its end: %v", codes)
		}
		time.Sleep(time.Until(end))
		if code, err := status(target); err != nil || code != http.StatusForbidden {
			t.Errorf("expired: %d, %v; want 403", code, err)
		}
		return
	}
}

// V01: whatever widths are asked for, one source is fetched once and fills the cache with the ladder's alone.
func TestVariantsAreBounded(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 400, 20))
	folder := t.TempDir()
	s := startServe(t, "--cache", folder, remoteSite(t, origin.URL("/a.jpg")))
	for w := 1; w <= 8192; w += 41 {
		for _, target := range []string{fmt.Sprintf("/p/one/w%d.jpg", w), fmt.Sprintf("/%s?w=%d&fm=jpg", url.QueryEscape(origin.URL("/a.jpg")), w+1)} {
			if code, err := status(s.url + target); err != nil || code != http.StatusOK {
				t.Fatalf("%s: %d, %v", target, code, err)
			}
		}
	}
	if got := origin.Hits("/a.jpg"); got != 1 {
		t.Errorf("the original was fetched %d times, want once", got)
	}
	s.stop(t) // what waits to be written is
	objects := 0
	err := filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && len(e.Name()) > 40 { // an object's name is its key
			objects++
		}
		return err
	})
	// The original, its pointer, and 24, 160, 320 and 400 wide.
	if want := 6; err != nil || objects != want {
		t.Errorf("%d objects in the cache, %v; want %d", objects, err, want)
	}
}

// V06: what is a pixel wide is served as it is, however wide it is asked for, and within the bounds; what is longer than
// originals may be is refused.
func TestNarrowPictures(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/long.png", imagetest.EncodePNG(t, image.NewGray(image.Rect(0, 0, 1, 16000))))
	origin.Serve("/longer.png", imagetest.EncodePNG(t, image.NewGray(image.Rect(0, 0, 1, 30000))))
	s := startServe(t, "--cache", "off", writeSite(t, "fetch: {allow_private: [127.0.0.0/8], hosts: [127.0.0.1]}\nkeys: ["+oldKey+"]\n"))
	defer s.stop(t)
	long, longer := "/"+url.QueryEscape(origin.URL("/long.png")), "/"+url.QueryEscape(origin.URL("/longer.png"))
	for _, query := range []string{"w=1600", "w=1600&dpr=5", "h=8192", "w=1600&h=900&fit=crop", "w=1600&h=900&fit=scale", "w=1600&ar=1:8&fit=crop", ""} {
		for _, target := range []string{long + "?fm=png&" + query, signedBy(t, oldKey, long+"?fm=png&"+query, time.Time{})} {
			if got := size(t, s.url+target); got.X > 2560 || got.Y > 2560 || got.X > 1 && got.Y > 2560 {
				t.Errorf("%s: %v", target, got)
			}
		}
		if code, err := status(s.url + longer + "?fm=png&" + query); err != nil || code != http.StatusUnprocessableEntity {
			t.Errorf("longer, %s: %d, %v; want 422", query, code, err)
		}
	}
}

// V17: what is too long is refused, and no cache on the way keeps that for those who ask rightly: the program's own answers say so,
// and 431 may not be kept unless its header allows (RFC 9111 §4.2.2).
func TestLongRequests(t *testing.T) {
	s := startServe(t, "--cache", "off", "../../testdata/site")
	defer s.stop(t)
	const path = "/p/larches-turn-below-aizkorri/w24.png"
	ask := func(request string) *http.Response {
		t.Helper()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return exchange(t, conn, request)
	}
	for _, tt := range []struct {
		name, target, header string
		status               int
	}{
		{"plain", path, "", 200},
		{"9 KB of address", path + "?v=" + strings.Repeat("x", 9000), "", 414},
		{"15 KB of address", "/" + strings.Repeat("x", 15_000), "", 414},
		{"32 KB of header", path, strings.Repeat("x", 32_000), 431},
		{"2 MB of header", path, strings.Repeat("x", 2_000_000), 431},
		{"4 KB of header", path, strings.Repeat("x", 4_000), 200},
	} {
		resp := ask("GET " + tt.target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: " + tt.header + "\r\n\r\n")
		control := resp.Header.Get("Cache-Control")
		if resp.StatusCode != tt.status || tt.status == 414 && control != "no-store" || tt.status == 431 && control != "" {
			t.Errorf("%s: %d, Cache-Control %q; want %d", tt.name, resp.StatusCode, control, tt.status)
		}
	}
	if code, err := status(s.url + path); err != nil || code != http.StatusOK {
		t.Errorf("afterwards: %d, %v", code, err)
	}
}

// exchange writes a request, as much of it as is taken, and reads the answer's header.
func exchange(t *testing.T, conn net.Conn, request string) *http.Response {
	t.Helper()
	go func() { _, _ = io.WriteString(conn, request) }() // the server may hang up before it has all
	return answerOf(t, conn)
}
