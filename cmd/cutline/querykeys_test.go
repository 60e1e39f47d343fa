package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestErrorsAndLogsKeepSecrets is K09 of the fault matrix: a server with marked secrets is asked for everything in every wrong way, and
// none of them is in what it logs or answers. The addresses of posts' pictures are published as they are, by design.
func TestErrorsAndLogsKeepSecrets(t *testing.T) {
	const token, key = "marked-admin-token-1", "markedkey"
	origin := imagetest.NewOrigin(t)
	origin.Serve("/good.jpg", imagetest.JPEG(t, 40, 40))
	origin.Handle("/fails.jpg", imagetest.Status(500))
	origin.Handle("/cut.jpg", imagetest.Truncate(imagetest.JPEG(t, 40, 40), 100))
	origin.Handle("/away.jpg", imagetest.Redirect(302, "http://10.0.0.1/x.jpg?"+key))
	origin.Handle("/odd.jpg", imagetest.Redirect(302, "http://ann:"+key+"@[::1/?"+key))
	site := writeSite(t, fmt.Sprintf("fetch: {allow_private: [127.0.0.0/8], hosts: [127.0.0.1]}\nkeys: [\"admin:%s\"]\nlog: debug\n", token))
	paths := []string{"/", "/catalog.json", "/livez", "/metrics"}
	for _, name := range []string{"good", "fails", "cut", "away", "odd", "absent"} {
		writePost(t, site, name, origin.URL("/"+name+".jpg")+"?sig="+key)
		for _, leaf := range []string{"w24.png", "meta.json", "figure.html", "w17.png", "x"} {
			paths = append(paths, "/p/"+name+"/"+leaf)
		}
		// A source outside the catalog, in the dialect, with a key of its own.
		paths = append(paths, "/"+strings.NewReplacer(":", "%3A", "/", "%2F").Replace(origin.URL("/"+name+".jpg"))+"%3Fk%3D"+key+"?w=24")
	}
	paths = append(paths, "/http%3A%2F%2Fann%3A"+key+"%40127.0.0.1%2Fa.jpg?w=24", "/http://ann:"+key+"@127.0.0.1/a.jpg?w=24", "/p/good/w24.png?s="+key)
	for _, format := range []string{"text", "json"} {
		s := startServe(t, "--cache", filepath.Join(t.TempDir(), "cache"), "--log", "debug "+format, site)
		var bodies bytes.Buffer
		c := client(t)
		for _, path := range paths {
			var a reply
			a.ask(t.Context(), c, s.url+path, nil)
			if a.err != nil {
				t.Fatal(a.err)
			}
			if a.status >= http.StatusBadRequest && a.status != http.StatusForbidden {
				fmt.Fprintf(&bodies, "%s\n%v\n%s\n", path[:1], a.header, a.body)
			}
			if bytes.Contains(a.body, []byte(token)) {
				t.Errorf("%s answers with the token", path)
			}
		}
		for _, bearer := range []string{token, token + "x", key} {
			if format == "json" { // where the other listener is stands only in the text for people
				break
			}
			for _, body := range []string{`{"source": "` + origin.URL("/good.jpg") + `?k=` + key + `"}`, `{"post": "fails"}`, key} {
				status, answer := askAdminAs(t, c, s.admin, bearer, body)
				if strings.Contains(answer, token) {
					t.Errorf("%d %s", status, answer)
				}
			}
		}
		s.stop(t)
		for _, secret := range []string{token, key} {
			if strings.Contains(s.log(), secret) {
				t.Errorf("%s: %s is in the log:\n%s", format, secret, linesWith(s.log(), secret))
			}
			if strings.Contains(bodies.String(), secret) {
				t.Errorf("%s is in an error's answer:\n%s", secret, linesWith(bodies.String(), secret))
			}
		}
	}
	var out, said bytes.Buffer
	p := program{stdout: &out, stderr: &said}
	if code := p.run(t.Context(), []string{"config", site}); code != 0 || strings.Contains(out.String()+said.String(), token) {
		t.Errorf("config: exit code %d, it prints\n%s%s", code, &out, &said)
	}
	if data, err := os.ReadFile(filepath.Join(site, configName)); err != nil || !strings.Contains(string(data), token) {
		t.Fatalf("the site has no token: %v", err)
	}
}

// askAdminAs sends a purge with a token.
func askAdminAs(t *testing.T, c *http.Client, address, token, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/purge", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// linesWith are the lines of text that have part.
func linesWith(text, part string) string {
	var found strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found.WriteString(line)
		}
	}
	return found.String()
}
