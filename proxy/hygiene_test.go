package proxy

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/dd8bf596/cutline/internal/render"
)

// sealed verifies what every response has, whatever it is.
func sealed(t *testing.T, h http.Header, public bool) {
	t.Helper()
	want := map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin",
		"Access-Control-Allow-Origin": "*", "Timing-Allow-Origin": "*", "Access-Control-Expose-Headers": exposed}
	if !public {
		want = map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			"Access-Control-Allow-Origin": "", "Timing-Allow-Origin": "", "Access-Control-Expose-Headers": ""}
	}
	for name, value := range want {
		if got := h.Values(name); strings.Join(got, "|") != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	const figure = "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; sandbox" // to look at a figure on its own
	if got := h.Values("Content-Security-Policy"); len(got) != 1 || !strings.HasPrefix(got[0], "default-src 'none'; ") || strings.Contains(got[0], "unsafe") && got[0] != figure {
		t.Errorf("Content-Security-Policy: %q", got)
	}
	if len(h.Values("Cache-Status")) != 1 {
		t.Errorf("Cache-Status: %q", h.Values("Cache-Status"))
	}
	for _, name := range []string{"Server", "Set-Cookie", "X-Powered-By", "Access-Control-Allow-Credentials"} {
		if got := h.Values(name); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestEveryResponseIsSealed asks for every route by every method, makes the renderer fail in every way, and asks conditionally: all
// answers have the headers that keep them from being taken for anything else.
func TestEveryResponseIsSealed(t *testing.T) {
	d := newDesk(t)
	fox := "/i/" + d.id("fox")
	paths := []string{"/", "/?page=2", "/catalog.json", "/livez", "/readyz", "/metrics", "/x//y/../z", fox + "/hero.webp", fox + "/w320.auto", fox + "/meta.json",
		fox + "/figure.html", fox + "/hero.tiff", fox + "/w333-h222-cover.webp", fox, "/p/fox/hero.jpg", "/p/fox/meta.json", "/p/fox/figure.html", "/p/foxx/hero.webp",
		"/p/foxx/figure.html", "/https%3A%2F%2Forigin.example%2Ffox.jpg?w=320", "/img/absent.jpg", "/%2e%2e/%00", "/" + strings.Repeat("x", 9000)}
	fields := [][]string{nil, {"If-None-Match: *"}, {"If-Match: \"x\""}, {"Range: bytes=0-0"}, {"Range: bytes=100000-"}, {"CDN-Loop: cutline; id=me"}}
	seen := map[int]bool{}
	ask := func(method, path string, f ...string) {
		resp, _ := d.do(method, path, f...)
		seen[resp.StatusCode] = true
		t.Run(method+" "+path[:min(len(path), 60)]+" "+resp.Status+strings.Join(f, ""), func(t *testing.T) {
			sealed(t, resp.Header, true)
			if control := resp.Header.Get("Cache-Control"); control == "" && method != http.MethodOptions || resp.StatusCode >= 500 && control != "no-store" {
				t.Errorf("Cache-Control: %q", control)
			}
		})
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PURGE", "BREW"} {
			ask(method, path)
		}
		for _, f := range fields {
			ask("GET", path, f...)
		}
	}
	for _, err := range failures() {
		d.stub.set(func(s *stub) { s.err = err })
		for _, path := range []string{fox + "/hero.webp", fox + "/w320.auto", fox + "/meta.json", fox + "/figure.html", "/https%3A%2F%2Forigin.example%2Ffox.jpg?w=320"} {
			ask("GET", path)
			ask("HEAD", path)
		}
	}
	d.stub.set(func(s *stub) { s.err, s.panic = nil, "a panic" })
	ask("GET", fox+"/hero.webp")
	d.SetReady(false)
	ask("GET", "/readyz")
	want := []int{200, 204, 206, 304, 400, 403, 404, 405, 410, 412, 414, 415, 416, 422, 499, 500, 502, 503, 504, 508}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

// failures has an error of every class, and one of none.
func failures() []error {
	all := []error{errors.New("of no class")}
	for class := range verdicts {
		all = append(all, &render.Error{Class: class, Err: errors.New("dial tcp 10.0.0.1:80")})
	}
	return all
}

// TestOddRequestsAreSealed sends what clients do not: requests without a path, by hand.
func TestOddRequestsAreSealed(t *testing.T) {
	d := newDesk(t)
	admin := d.AdminHandler(AdminOptions{})
	for name, h := range map[string]http.Handler{"public": d.Handler(), "admin": admin} {
		server := httptest.NewUnstartedServer(h)
		server.Config.DisableGeneralOptionsHandler = true // as serve has it
		server.Start()
		t.Cleanup(server.Close)
		for _, line := range []string{"OPTIONS * HTTP/1.1", "GET * HTTP/1.1", "CONNECT a.example:443 HTTP/1.1", "GET //a.example/x HTTP/1.1",
			"GET http://a.example/p/fox/hero.webp HTTP/1.1", "GET /a/../purge HTTP/1.1", "GET /p/fox/hero.webp HTTP/1.0", "A /livez HTTP/1.1"} {
			t.Run(name+" "+line, func(t *testing.T) {
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, line+"\r\nHost: a.example\r\nConnection: close\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				sealed(t, resp.Header, name == "public")
			})
		}
	}
}

// TestEveryAdminResponseIsSealed does the same on the admin listener, of which nothing may be kept or shown by a page.
func TestEveryAdminResponseIsSealed(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/purge", "/rescan", "/livez", "/", "/metrics", "/p/fox/hero.webp", "//purge", "/purge/../purge"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PURGE"} {
			for name, ask := range map[string][]string{"": {"", `{"post": "fox"}`}, "no token": {"a token of sixteen", `{"post": "fox"}`}, "junk": {"", "junk"}} {
				w := d.ask(ask[0], method, path, ask[1])
				t.Run(method+" "+path+" "+name, func(t *testing.T) {
					sealed(t, w.Header(), false)
					if got := w.Header().Get("Cache-Control"); got != "no-store" {
						t.Errorf("%d: Cache-Control %q", w.Code, got)
					}
				})
			}
		}
	}
}

// TestLogKeepsToItsLines is K14 of the fault matrix: whatever clients and origins send, every line is one JSON object without a
// control character, and has none of what stands in a query.
func TestLogKeepsToItsLines(t *testing.T) {
	d := newDesk(t)
	const evil = "%0a%0d%1b%5b2J%e2%80%a8%00{\"msg\":\"purge\"}"
	for _, path := range []string{"/" + evil, "/p/" + evil + "/hero.webp", "/i/" + evil + "/hero.webp", "/p/fox/hero.webp?x=" + evil,
		"/https%3A%2F%2Fann:hunter2%40origin.example%2Ffox.jpg", "/https://ann:hunter2@origin.example/fox.jpg",
		"/https%3a%2f%2forigin.example%2ffox.jpg%3Fkey=hunter2?w=320", "/https%3A%2F%2Forigin.example%2Fbroken.jpg?w=320&s=hunter2"} {
		d.get(strings.ReplaceAll(path, `"`, "%22"), "User-Agent: a\tb\u2028{hunter2}", "Referer: https://a.example/?hunter2", "X-Forwarded-For: hunter2")
	}
	for _, text := range []string{"HTTP/1.1 500 a\n\r\x1b[2J\u2028b", "\x00"} {
		d.stub.set(func(s *stub) { s.err = &render.Error{Class: render.Upstream, Err: errors.New(text)} })
		d.get("/p/fox/hero.webp")
	}
	d.ask("a token of sixteen", "POST", "/purge", "{\"post\": \"\\n\\u001b[2J\\u2028\"}", "Authorization: Bearer hunter2")
	d.ask("", "POST", "/purge", "{\"post\": \"\\n\\u001b[2J\\u2028\"}")
	lines := oneObjectEach(t, d.log.String())
	if len(lines) != 12 {
		t.Errorf("%d lines, want 12:\n%s", len(lines), d.log)
	}
	if strings.Contains(d.log.String(), "hunter2") {
		t.Errorf("the log has what it should not:\n%s", d.log)
	}
}

// oneObjectEach returns the lines of a log, having verified that each is one JSON object of printable characters.
func oneObjectEach(t *testing.T, log string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool {
			return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
		}) {
			t.Errorf("not one printable JSON object: %q", line)
		}
		lines = append(lines, line)
	}
	return lines
}
