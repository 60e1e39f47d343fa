package proxy

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/transform"
)

// wire asks for a target as it stands, which clients would tidy up.
func (d *desk) wire(target string) (*http.Response, string) {
	d.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(d.t.Context(), "tcp", strings.TrimPrefix(d.http.URL, "http://"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target); err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		d.t.Fatalf("%q: %v", target, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatalf("%q: %v", target, err)
	}
	return resp, string(body)
}

// specs are all that the renderer was asked for, each once.
func (d *desk) specs() []string {
	d.stub.mu.Lock()
	defer d.stub.mu.Unlock()
	var out []string
	for _, req := range d.stub.asked {
		for _, spec := range req.Specs {
			if text := spec.String(); !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}

// V01: whatever width is asked for, so many come of it as the ladder has rungs; others than there can be are refused.
func TestWidthSweep(t *testing.T) {
	d := newDialectDesk(t)
	for w := 1; w <= 10_000; w++ {
		for _, target := range []string{fmt.Sprintf("/p/fox/w%d.webp", w), fmt.Sprintf("/%s?w=%d&fm=webp", foxURL, w)} {
			if target[1] != 'p' && w%5 != 0 {
				continue
			}
			rec := httptest.NewRecorder()
			d.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
			want := http.StatusOK
			if w > 8192 {
				want = http.StatusBadRequest
			}
			if rec.Code != want {
				t.Fatalf("%s: %d %s, want %d", target, rec.Code, rec.Body, want)
			}
			if location := rec.Header().Get("Content-Location"); want == http.StatusOK && !strings.HasPrefix(location, "/i/") {
				t.Fatalf("%s: Content-Location %q", target, location)
			}
		}
	}
	if got, most := len(d.specs()), len(DefaultWidths()); got != most {
		t.Errorf("%d variants, want the %d of the ladder: %v", got, most, d.specs())
	}
}

// V02: what means one thing is one rendition, however it is spelled; what stands twice is refused.
func TestSpellingsOfOnePicture(t *testing.T) {
	d := newDialectDesk(t)
	for _, query := range []string{
		"w=320&q=75&fm=webp", "q=75&w=320&fm=webp", "FM=webp&W=320&Q=75", "&w=320&&q=75&fm=webp&", "w=160&dpr=2&q=75&fm=webp", "w=%3320&q=75&fm=webp",
		"width=320&q=75&fm=webp", "w64=MzIw&q=75&fm=webp", "w=320&q=75&fm=webp&ixlib=js-1", "w=320&q=60&fm=webp", "w=161&q=75&fm=webp",
	} {
		if resp, body := d.wire("/" + foxURL + "?" + query); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", query, resp.StatusCode, body)
		}
	}
	if got := d.specs(); len(got) != 1 {
		t.Errorf("specs %v, want one", got)
	}
	n := d.looks()
	for _, query := range []string{"w=320&w=640", "w=320&w=320", "w=320&width=320", "w=320&w64=MzIw", "w=", "w", "=320", "w=320&=", "w=320;q=75", "w=320&q=75=1"} {
		if resp, body := d.wire("/" + foxURL + "?fm=webp&" + query); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, resp.StatusCode, body)
		}
	}
	for _, leaf := range []string{"w320-w320.webp", "q75-w320.webp", "W320.webp", "w320.WEBP", "w320-.webp", "-w320.webp", "w0320.webp", "w320..webp", "hero.webp?", "hero.webp?v=1&v=1", "hero.webp?v=1&"} {
		if resp, body := d.wire("/i/" + d.id("fox") + "/" + leaf); resp.StatusCode != http.StatusBadRequest && leaf != "hero.webp?" {
			t.Errorf("%s: %d %s", leaf, resp.StatusCode, body)
		}
	}
	if got := d.looks() - n; got > 1 {
		t.Errorf("%d pictures were looked at for what is refused", got)
	}
}

// V04: numbers that are none are refused, at all addresses, and nothing is looked at.
func TestStrangeNumbers(t *testing.T) {
	d := newDialectDesk(t)
	n := d.looks()
	for _, number := range []string{
		"0", "-1", "1e9", "99999999999999999999", "+320", "0x140", "%20320", "320%20", "", "NaN", "Inf", "-0", "8193", "%EF%BC%93", "3,5", "1_000", "%00", "320%0a", "0b1",
	} {
		for _, target := range []string{
			"/p/fox/w" + number + ".webp", "/i/" + d.id("fox") + "/w320-h" + number + "-cover.webp", "/p/fox/w320-q" + number + ".webp",
			"/" + foxURL + "?w=" + number, "/" + foxURL + "?w=9&h=" + number, "/" + foxURL + "?w=9&dpr=" + number, "/" + foxURL + "?w=9&ar=x" + number,
		} {
			resp, body := d.wire(target)
			if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", target, resp.StatusCode, body)
			}
		}
	}
	for _, leaf := range []string{"w3.5.webp", "w320-h0-cover.webp", "w320-q0.webp", "w320-q101.webp", "w320-dpr0.webp", "w320-dpr9.webp", "w320-fp101x0.webp"} {
		if resp, body := d.wire("/p/fox/" + leaf); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", leaf, resp.StatusCode, body)
		}
	}
	if got := d.looks() - n; got != 0 {
		t.Errorf("%d pictures were looked at", got)
	}
}

// V08: a path is read once and as it is. It leads to the picture that it names, or to none; never to another.
func TestPathTricks(t *testing.T) {
	d := newDialectDesk(t)
	_, want := d.get("/p/fox/w320.jpg")
	for target, status := range map[string]int{
		"/p/fox/w320.jpg": 200, "/" + foxURL + "?w=320": 200, "/https:/origin.example/fox.jpg?w=320": 200, "/https://origin.example/fox.jpg?w=320": 200,
		"/https%3A/origin.example/fox.jpg?w=320": 200, "/https:%2F%2Forigin.example/fox.jpg?w=320": 200, "/https://origin.example/x/../fox.jpg?w=320": 200,
		"//p/fox/w320.jpg": 404, "/./p/fox/w320.jpg": 404, "/p/./fox/w320.jpg": 404, "/p//fox/w320.jpg": 400, "/p/fox//w320.jpg": 400, "/x/../p/fox/w320.jpg": 404,
		"/p/logo/../fox/w320.jpg": 404, "/p/%2e%2e/fox/w320.jpg": 400, "/p/..%2ffox/w320.jpg": 400, "/p%2Ffox/w320.jpg": 404, "/p/fox%2Fw320.jpg": 400, "/p/f%6Fx/w320.jpg": 400,
		"/p/fox/w320.jpg/": 400, "/p/fox/w320%2Ejpg": 400, "/p/fox;x/w320.jpg": 404, "/p/fox/w320.jpg;x=1": 400, "/p/fox/;/w320.jpg": 404, "/p/fox\\w320.jpg": 400,
		"/P/fox/w320.jpg": 404, "/p/FOX/w320.jpg": 404, "/p/fox%00/w320.jpg": 404, "/p/fox/%77320.jpg": 400, "/p/fox/w320.jpg%00.png": 400, "/p/fox/w320.jpg%0a": 400,
		"/https:///origin.example/fox.jpg?w=320": 400, "/https:origin.example/fox.jpg?w=320": 400, "/http:/origin.example/fox.jpg?w=320": 403,
		"/https://origin.example//fox.jpg?w=320": 403, "/https://origin.example/fox.jpg/?w=320": 403, "/https://origin.example:444/fox.jpg?w=320": 403,
		"/../https://origin.example/fox.jpg?w=320": 404, "/https://origin.example/%66ox.jpg?w=320": 200, "/https://origin.example\\@evil.example/fox.jpg": 400,
	} {
		resp, body := d.wire(target)
		if resp.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", target, resp.StatusCode, body, status)
		}
		if resp.StatusCode == 200 && body != want {
			t.Errorf("%s answers %q, want %q", target, body, want)
		}
	}
	for _, req := range d.stub.asked {
		if got := req.Source.String(); got != "https://origin.example/fox.jpg" {
			t.Errorf("%s was asked for", got)
		}
	}
}

// V12: however many Accept headers there are, they come to the formats that can be asked for, and the answer says that it varies.
func TestRandomAccept(t *testing.T) {
	d := newDialectDesk(t)
	r := rand.New(rand.NewPCG(3, 4))
	types := []string{"image/avif", "image/webp", "image/jpeg", "image/*", "*/*", "text/html", "image/jxl", "image/AVIF", "image/web p", "", "image/svg+xml"}
	for range 1000 {
		var parts []string
		for range r.IntN(6) {
			part := types[r.IntN(len(types))]
			if r.IntN(2) == 0 {
				part += fmt.Sprintf(";q=%.1f", r.Float64()*1.3)
			}
			parts = append(parts, part)
		}
		accept := strings.Join(parts, ",")
		target := []string{"/p/fox/w320.auto", "/" + foxURL + "?w=320&auto=format"}[r.IntN(2)]
		resp, body := d.get(target, "Accept: "+accept)
		kind := resp.Header.Get("Content-Type")
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Vary") != "Accept" {
			t.Fatalf("Accept %q: %d, Vary %q: %s", accept, resp.StatusCode, resp.Header.Get("Vary"), body)
		}
		if kind != "image/jpeg" && !strings.Contains(strings.ToLower(accept), kind) {
			t.Errorf("Accept %q: %s", accept, kind)
		}
	}
	if got := d.specs(); len(got) > 3 {
		t.Errorf("specs %v, want three at most", got)
	}
}

// V10, V14: no header but Accept at a negotiated address changes an answer, nor where it leads.
func TestUnkeyedHeadersEverywhere(t *testing.T) {
	d := newSignDesk(t)
	for _, target := range []string{
		"/i/" + d.id("fox") + "/card.webp", "/p/fox/hero.auto", "/" + foxURL + "?w=320&auto=format", "/p/fox/meta.json", "/p/fox/figure.html", "/catalog.json", "/",
		elseURL + "?w=3", "/p/none/hero.webp", "/nowhere", "/p/fox/junk.webp",
	} {
		plain, body := d.get(target, "Accept: image/webp")
		plain.Header.Del("Date")
		for _, field := range []string{
			"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /evil", "X-Forwarded-For: 127.0.0.1", "Forwarded: host=evil.example;proto=https",
			"X-Original-URL: /p/logo/hero.webp", "X-Rewrite-URL: /p/logo/hero.webp", "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: PUT", "X-Host: evil.example", "X-Real-IP: ::1",
			"DPR: 2", "Width: 100", "Viewport-Width: 100", "Sec-CH-DPR: 2", "Sec-CH-Width: 100", "Sec-CH-Viewport-Width: 9", "Save-Data: on", "Downlink: 0.1", "RTT: 200",
			"Origin: https://evil.example", "Referer: https://evil.example/", "User-Agent: curl", "Accept-Language: eu", "Accept-Encoding: br", "Cookie: a=b", "Authorization: Bearer x",
			"Cache-Control: no-cache", "Pragma: no-cache", "CDN-Loop: other", "Upgrade-Insecure-Requests: 1", "Sec-Fetch-Dest: image",
		} {
			resp, other := d.get(target, "Accept: image/webp", field)
			resp.Header.Del("Date")
			if diff := cmp.Diff(plain.Header, resp.Header); diff != "" || other != body || resp.StatusCode != plain.StatusCode {
				t.Errorf("%s: %s changes the answer (-without +with):\n%s", target, field, diff)
			}
		}
	}
	if got := d.specs(); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, (transform.Spec{Width: 100}).String()) }) {
		t.Errorf("specs %v", got)
	}
}
