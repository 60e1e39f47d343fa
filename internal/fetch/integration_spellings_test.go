//go:build integration

package fetch

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// spellings are texts of URLs that no parser may take for the address or name that another might: rows S09, S18, S20, S34, S36,
// S39 and S44.
func spellings() (texts []string) {
	for _, host := range []string{
		"127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0x0", "0x7f.1", "017700000001", "127.000.000.001", "0251.0376.0251.0376",
		"0xA9FEA9FE", "2852039166", "169.254.43518", "192.168.257", "10.1", "0xa.1", "0x0a000001", "167772161", "0xc0a80101", "3232235777", "256.1", "1.2.3.4.5",
		"127.0.0.0x1", "127.0.0.08", "4294967296", "00", "127.1.", "%31%32%37.1", "１２７.１", "①②⑦.1", "127。1", "0x7f。1",
		"[fe80::1%25lo]", "[::1%25lo]", "[fe80::1%lo]", "[2606:4700::1%25eth0]",
		"[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[0:0:0:0:0:ffff:10.0.0.1]", "[::ffff:8.8.8.8]", "[127.0.0.1]", "[::1", "::1",
		"good@127.0.0.1", `127.0.0.1:80\@www.good.test`, "www.good.test#@127.0.0.1", "1.1.1.1 &@2.2.2.2#@3.3.3.3", "user:secret@www.good.test",
		"127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80:80", "www.good.test:", "www.good.test:8x", "www.good.test%0d%0aX:y", "www.good.test\r\nX: y",
		"www..good.test", "*.good.test", "", "%00127.0.0.1", "127.0.0.1%00.good.test", "127.0.0.1%2f.good.test", "127.0.0.1%23.good.test",
	} {
		texts = append(texts, "http://"+host+"/a.jpg")
	}
	for _, scheme := range []string{"file", "ftp", "gopher", "dict", "ldap", "tftp", "jar", "data", "javascript", "blob", "unix", "http+unix", "netdoc"} {
		texts = append(texts, scheme+"://127.0.0.1/a.jpg", scheme+":127.0.0.1/a.jpg")
	}
	return append(texts, "http:127.0.0.1/a.jpg", "http:///a.jpg", `http:\\127.0.0.1\a.jpg`)
}

// TestIntegrationEgressSpellings expects a 400 and no look-up, under both resolvers: the C library's takes many of them for addresses.
func TestIntegrationEgressSpellings(t *testing.T) {
	inBothModes(t, nil, func(t *testing.T, r *rig, p *program) {
		for _, text := range spellings() {
			if got := p.ask("/" + url.PathEscape(text) + "?w=24&fm=jpg"); got.status != http.StatusBadRequest {
				t.Errorf("%q: status %d, want 400: %s", text, got.status, got.body)
			}
		}
		for text, want := range map[string]int{"://127.0.0.1/a.jpg": http.StatusNotFound, "http:/127.0.0.1/a.jpg": http.StatusForbidden} { // a path; what proxies leave
			if got := p.ask("/" + url.PathEscape(text) + "?w=24&fm=jpg"); got.status != want {
				t.Errorf("%q: status %d, want %d: %s", text, got.status, want, got.body)
			}
		}
		if n := r.names.queries(); n != 0 {
			t.Errorf("%d names were looked up", n)
		}
		if n := r.total(); n != 0 {
			t.Errorf("CANARY: %d connections", n)
		}
		// As posts have them: what is a source at all is refused when it is asked for.
		if got := p.ask("/" + url.PathEscape("HTTP://WWW.Good.Test:80/a.jpg") + "?w=24&fm=jpg"); got.status != http.StatusOK {
			t.Errorf("capitals: status %d, want 200: %s", got.status, got.body)
		}
		t.Logf("%d spellings", len(spellings()))
	})
}

// nameCases are names that mean this machine or its neighbours without a name server, or by way of one (rows S26, S34 and S41), and
// ports that pictures do not come from.
func nameCases() (cases []egressCase) {
	for _, host := range []string{
		"LOCALHOST", "localhost", "localhost.", "127.0.0.1.", "ip6-localhost", "foo.localhost", "intern.test", "intranet", "hosts.chain.test", "nobody.test", "１２７.０.０.１",
	} {
		cases = append(cases, egressCase{"name", "http://" + host + "/a.jpg", http.StatusBadGateway})
		cases = append(cases, egressCase{"redirect to a name", redirected("x.good.test", "http://"+host+"/b.jpg", 302), http.StatusBadGateway})
	}
	for _, port := range ports[2:] {
		for _, host := range []string{public4.String(), "www.good.test", "127.0.0.1"} {
			to := fmt.Sprintf("http://%s:%d/a.jpg", host, port)
			cases = append(cases, egressCase{"port", to, http.StatusBadGateway}, egressCase{"redirect to a port", redirected("x.good.test", to, 302), http.StatusBadGateway})
		}
	}
	return append(cases,
		egressCase{"port", "http://www.good.test:443/a.jpg", http.StatusBadGateway}, // which speaks TLS
		egressCase{"name", "http://x.good.test./a.jpg", http.StatusOK},
		egressCase{"international name", "http://bücher.good.test/a.jpg", http.StatusOK},
	)
}

func TestIntegrationEgressNames(t *testing.T) {
	cases := nameCases()
	inBothModes(t, sources(cases), func(t *testing.T, r *rig, p *program) {
		p.posts(cases)
		r.wantOnly(t)
	})
}

// redirectCases are rows S28, S29 and S31.
func redirectCases() (cases []egressCase) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"http://127.0.0.1/b.jpg", "http://[64:ff9b::a9fe:a9fe]/b.jpg", "//169.254.169.254/b.jpg", "http://7f000001.one.test/b.jpg", "http://2130706433/b.jpg"} {
			cases = append(cases, egressCase{"redirect", redirected("x.good.test", to, code), http.StatusBadGateway})
		}
		cases = append(cases, egressCase{"redirect", redirected("x.good.test", "/ok.jpg", code), http.StatusOK})
	}
	for _, to := range []string{
		"file:///etc/passwd", "gopher://127.0.0.1:80/_GET", "data:image/png;base64,AAAA", "ftp://127.0.0.1/b.jpg", "unix:/var/run/x", "http+unix://%2Fx/", "", "http://[::1%25lo]/", "http://good@127.0.0.1/",
	} {
		cases = append(cases, egressCase{"redirect", redirected("x.good.test", to, 302), http.StatusBadGateway})
	}
	for n, want := range []int{200, 200, 200, 200, 502, 502} {
		cases = append(cases, egressCase{"chain", fmt.Sprintf("http://x.good.test/chain?of=%d&n=%d", n, n), want})
	}
	return append(cases, egressCase{"circle", "http://x.good.test/circle?a&from=b&to=a", http.StatusBadGateway})
}

func TestIntegrationEgressRedirects(t *testing.T) {
	cases := redirectCases()
	inBothModes(t, sources(cases), func(t *testing.T, r *rig, p *program) {
		p.posts(cases)
		r.wantOnly(t)
		if n := len(r.arrived("/chain")); n != 1+2+3+4+4+4 {
			t.Errorf("%d requests for the chains, want 18", n)
		}
		if n := len(r.arrived("/circle")); n != 4 {
			t.Errorf("%d requests for the circle, want 4", n)
		}
	})
}

// TestIntegrationEgressRebinding is row S24: a name server that says a public address and this machine in turn, and never the same
// twice. Each fetch asks for a name of its own, so that nothing known of a host stands in the way.
func TestIntegrationEgressRebinding(t *testing.T) {
	const fetches = 10_000
	inBothModes(t, nil, func(t *testing.T, r *rig, p *program) {
		statuses := make([]int, fetches)
		together(fetches, func(i int) {
			source := fmt.Sprintf("http://n%d.flip.test/a.jpg", i)
			statuses[i] = p.ask("/" + url.PathEscape(source) + "?w=24&fm=jpg").status
		})
		count := map[int]int{}
		for _, status := range statuses {
			count[status]++
		}
		if count[200] < fetches/3 || count[502] < fetches/3 || count[200]+count[502]+count[504] != fetches { // 504: a machine too busy
			t.Errorf("answers %v, want about half 200, half 502", count)
		}
		r.wantOnly(t)
		t.Logf("%v, %d connections to %s", count, r.connections(netip.AddrPortFrom(public4, 80)), public4)
	})
}

// TestIntegrationEgressSilentResolver is row S48: the picture is given up in the time for a connection, before the resolver asks a second
// time, which is after five seconds; others are fetched.
func TestIntegrationEgressSilentResolver(t *testing.T) {
	cases := []egressCase{{"", "http://silent.test/a.jpg", http.StatusGatewayTimeout}, {"", "http://x.good.test/a.jpg", http.StatusOK}}
	inBothModes(t, sources(cases), func(t *testing.T, r *rig, p *program) {
		p.posts(cases)
		for _, kind := range []string{"A", "AAAA"} {
			if n := r.names.questions(kind + " silent.test."); n != 1 {
				t.Errorf("asked %d times for %s, want once", n, kind)
			}
		}
	})
}

// TestIntegrationEgressRequest is rows S44 and S46: of the client's request nothing reaches the origin, and of the source only what is
// the source.
func TestIntegrationEgressRequest(t *testing.T) {
	source := "https://x.good.test/a%0d%0aX-A:b/c.jpg?d=%0d%0aX-E:f"
	inBothModes(t, []string{source}, func(t *testing.T, r *rig, p *program) {
		got := p.ask("/p/p0/w24.jpg", "Cookie: secret=1", "Authorization: Basic c2VjcmV0", "Proxy-Authorization: Basic c2VjcmV0", "X-Forwarded-For: 10.0.0.1",
			"X-Forwarded-Host: secret", "Forwarded: for=secret", "Range: bytes=0-1", "If-None-Match: \"secret\"", "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT",
			"Accept-Language: secret", "Referer: http://secret/", "CDN-Loop: secret; id=1", "X-Secret: secret", "User-Agent: secret")
		if got.status != http.StatusOK && got.status != http.StatusPartialContent {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
		arrived := r.arrived("/a%0D%0AX-A:b/c.jpg")
		if len(arrived) != 1 {
			t.Fatalf("%d requests, want 1", len(arrived))
		}
		one := arrived[0]
		if want := "/a%0D%0AX-A:b/c.jpg?d=%0D%0AX-E:f"; one.target != want || one.host != "x.good.test" || one.sni != "x.good.test" {
			t.Errorf("asked %s for %s, SNI %s", one.host, one.target, one.sni)
		}
		for name, values := range one.header {
			switch name {
			case "Accept", "Accept-Encoding", "User-Agent", "Via", "Cdn-Loop":
			default:
				t.Errorf("header %s: %q", name, values)
			}
			if strings.Contains(strings.Join(values, ""), "secret") {
				t.Errorf("header %s: %q is the client's", name, values)
			}
		}
	})
}
