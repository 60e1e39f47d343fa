package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestTraversal is F01 and F11 of the fault matrix: a picture outside the site, and what is none inside, asked for by every spelling
// of a path, over the wire as it is and from a post. Only 400, 403 and 404 are answered, and no origin is asked.
func TestTraversal(t *testing.T) {
	picture := imagetest.JPEG(t, 41, 43)
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	origin := imagetest.NewOrigin(t)
	for _, name := range []string{"../outside.jpg", ".git/config.jpg", "good.jpg", ".env", "secret.txt"} {
		file := filepath.Join(site, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(filepath.Dir(site), "outside.jpg")
	names := []string{"../outside.jpg", "..%2foutside.jpg", "%2e%2e/outside.jpg", "%2e%2e%2foutside.jpg", "....//outside.jpg", "..../outside.jpg", "x/../../outside.jpg",
		".%2e/outside.jpg", "..%5coutside.jpg", `..\outside.jpg`, "..%252foutside.jpg", "%252e%252e%252foutside.jpg", "..%c0%afoutside.jpg", "..;/outside.jpg", "good.jpg%00",
		"good.jpg%00.png", outside, "/" + outside, strings.ReplaceAll(outside, "/", "%2f"), "file://" + outside, "file%3A%2F%2F" + outside, `C:\outside.jpg`, "C:%5coutside.jpg",
		".git/config.jpg", "%2egit/config.jpg", ".git%2fconfig.jpg", ".env", "secret.txt", "./secret.txt", "good.jpg/../secret.txt", "etc/passwd", "../../etc/passwd", "/dev/zero", "proc/self/environ"}
	for i, name := range names {
		if !strings.HasPrefix(name, "//") { // which in a post is a host's name
			writePost(t, site, fmt.Sprintf("p%d", i), name)
		}
	}
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	ask := func(target string) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") // what is refused early may not be read
		resp := answerOf(t, conn)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch resp.StatusCode {
		case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
		default:
			t.Errorf("%s: %s", target, resp.Status)
		}
		if bytes.Contains(body, []byte(filepath.Dir(site))) && !strings.Contains(target, filepath.Dir(site)) {
			t.Errorf("%s: %q names a folder of this machine", target, body)
		}
	}
	for i, name := range names {
		ask("/" + name + "?w=24")
		ask("/p/" + name + "/w24.jpg")
		ask("/i/" + name + "/w24.jpg")
		ask(fmt.Sprintf("/p/p%d/w24.jpg", i))
		ask("/" + name)
	}
	ask("/" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(origin.URL("/of-no-post.jpg")) + "?w=24")
	if origin.Total() > 0 {
		t.Errorf("the origin was asked %d times", origin.Total())
	}
}
