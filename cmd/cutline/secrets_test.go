package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// answerOf reads an answer's header.
func answerOf(t *testing.T, conn net.Conn) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// whole is an answer with its header, as text.
func whole(t *testing.T, method, url string, body string, fields ...string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, resp.Header, string(text))
}

// K09: after a run of everything that has to do with them, no key and no token is in an answer, a header, the log, what the origin was
// told, or what other verbs print. Signatures are in no log, and nobody's address is told to the origin.
func TestSecretsStaySecret(t *testing.T) {
	const adminToken = "Zq7-Vb2-Xw9-Pk4-Ht6"
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	origin.Handle("/bad.jpg", imagetest.Status(http.StatusInternalServerError))
	for name, value := range map[string]string{
		"CUTLINE_KEYS": oldKey + "," + newKey + ",imgix:" + imgixToken + ",admin:" + adminToken, "CUTLINE_LOG": "debug",
	} {
		t.Setenv(name, value)
	}
	site := remoteSite(t, origin.URL("/a.jpg"))
	s := startServe(t, "--cache", t.TempDir(), site)
	defer s.stop(t)
	source, bad := "/"+url.QueryEscape(origin.URL("/a.jpg")), "/"+url.QueryEscape(origin.URL("/bad.jpg"))
	good := signedBy(t, oldKey, source+"?w=33&fm=jpg", time.Now().Add(time.Hour))
	signature := good[strings.LastIndex(good, "=")+1:]
	var heard strings.Builder
	for _, target := range []string{
		good, good, good + "x", source + "?w=34&s=" + signature, "/p/one/w33.jpg?s=" + signature, "/p/one/w24.jpg?s=", source + "?expires=1&s=0123456789abcdef0123456789abcdef",
		signedBy(t, newKey, "/p/one/w31-q9.png", time.Time{}), signedBy(t, newKey, bad+"?w=3&fm=jpg", time.Time{}), signedBy(t, oldKey, "/p/one/w24.jpg", time.Unix(5, 0)),
		signedBy(t, oldKey, "/p/one/nothing.jpg", time.Time{}), signedBy(t, oldKey, "/none.jpg?w=3", time.Time{}), signedBy(t, oldKey, "/p/one/meta.json", time.Time{}),
		"/p/one/figure.html", "/catalog.json", "/", "/livez", "/readyz", "/metrics", "/p/one/w24.jpg?token=" + adminToken,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
			heard.WriteString(whole(t, method, s.url+target, "", "Authorization: Bearer "+adminToken, "Referer: http://reader.example/"+oldKey, "Cookie: k="+newKey))
		}
	}
	for _, path := range []string{"/livez", "/metrics", "/debug/pprof/", "/purge", "/rescan", "/"} {
		for _, token := range []string{adminToken, adminToken + "x", oldKey, ""} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				heard.WriteString(whole(t, method, "http://"+s.admin+path, `{"post":"none"}`, "Content-Type: application/json", "Authorization: Bearer "+token))
			}
		}
	}
	for _, line := range [][]string{{"config", "--origin", site}, {"purge", "--admin", s.admin, "--post", "one", site}, {"sign", "--verify", good + "x", site}} {
		p := program{stdout: &heard, stderr: &heard, env: environ{"CUTLINE_KEYS=" + oldKey + ",imgix:" + imgixToken + ",admin:" + adminToken}}
		p.run(t.Context(), line)
	}
	told := fmt.Sprint(origin.Last("/a.jpg").Header, origin.Last("/a.jpg").URL, origin.Last("/bad.jpg").Header, origin.Last("/bad.jpg").URL)
	said := s.log()
	if !strings.Contains(said, "path=/p/one/w24.jpg") || !strings.Contains(heard.String(), "Cache-Status") {
		t.Fatal("this test looks at nothing")
	}
	for _, secret := range []string{oldKey, newKey, imgixToken, adminToken} {
		for where, text := range map[string]string{"an answer": heard.String(), "the log": said, "the origin": told} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s has a secret: …%s…", where, text[max(i-200, 0):i+len(secret)])
			}
		}
	}
	if strings.Contains(said, signature) || strings.Contains(told, signature) || strings.Contains(told, "Referer") || strings.Contains(told, "Cookie") || strings.Contains(told, "reader.example") {
		t.Errorf("a signature or a reader is in the log or was told to the origin: %s", told)
	}
}

// K14: whatever is in an address, a header or an origin's answer, each record of the log is one line of JSON, without a control
// character.
func TestLogRecordsAreOneLine(t *testing.T) {
	const poison = "x\x1b[2J\u2028\u2029\u0085\x7f\x00{\"level\":\"ERROR\"}"
	origin := imagetest.NewOrigin(t)
	origin.Handle("/a.jpg", imagetest.Raw([]byte("HTTP/1.1 500 "+poison+"\r\nX-"+poison+": y\r\nContent-Length: 0\r\n\r\n")))
	origin.Handle("/b.jpg", imagetest.Redirect(http.StatusFound, "http://"+poison+"/"))
	origin.Handle("/c.jpg", imagetest.With(imagetest.Status(http.StatusNotFound), "Content-Type", "text/\x1b[2J"))
	s := startServe(t, "--cache", "off", "--log", "debug json", writeSite(t, "fetch: {allow_private: [127.0.0.0/8], hosts: [127.0.0.1]}\n"))
	send := func(target, fields string) {
		t.Helper()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+fields+"\r\n") // what is refused early may not be read
		_ = answerOf(t, conn).Body.Close()                                                                       // the log is what is looked at
	}
	for _, name := range []string{"a", "b", "c"} {
		send("/"+url.QueryEscape(origin.URL("/"+name+".jpg"))+"?w=24&fm=jpg", "")
	}
	send("/x%0a%0d%1b%5b2J%e2%80%a8%00"+url.PathEscape(poison), "")
	send("/p/%0alevel=ERROR/hero.webp", "User-Agent: "+strings.ReplaceAll(poison, "\x00", "")+"\r\nReferer: http://x/\x1b[2J\u2028\r\n")
	send("/p/x\x1b[2J/hero.webp", "")
	send("/p/x\u2028/hero.webp?v=\x1b", "")
	send("/p/x/hero.webp", "X-"+poison+": y\r\n")
	send("/p/x/hero.webp HTTP/1.1\x1b[2J", "")
	s.stop(t)
	records := 0
	for line := range strings.Lines(s.log()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("%q is no record: %v", line, err)
		}
		if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }); i >= 0 {
			t.Errorf("%q has a control character at %d", line, i)
		}
		if record["level"] == "ERROR" {
			t.Errorf("%q: an error that the client wrote", line)
		}
		records++
	}
	if records < 8 {
		t.Errorf("%d records: this test looks at nothing\n%s", records, s.log())
	}
}

// K12: nothing of the admin listener is at the public one, which is another, of this machine alone unless somebody says otherwise.
func TestAdminIsElsewhere(t *testing.T) {
	if got := defaultConfig(nil).Admin; !loopback(got) {
		t.Errorf("the default admin listener is at %s", got)
	}
	s := startServe(t, "--cache", "off", "../../testdata/site")
	defer s.stop(t)
	if s.admin == "" || !loopback(s.admin) || strings.HasSuffix(s.url, s.admin) {
		t.Errorf("admin at %q, public at %q", s.admin, s.url)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/purge", "/rescan", "/admin", "/metrics/", "//metrics", "/i/metrics/x", "/p/../metrics"} {
		for method, want := range map[string][]string{http.MethodGet: {"404", "400"}, http.MethodPost: {"405"}} {
			got := whole(t, method, s.url+path, `{"all":true}`, "Content-Type: application/json", "X-Forwarded-For: 127.0.0.1")[:3]
			if got != want[0] && got != want[len(want)-1] {
				t.Errorf("%s %s: %s, want %v", method, path, got, want)
			}
		}
	}
}
