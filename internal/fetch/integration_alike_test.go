//go:build integration

package fetch

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"testing"
)

// failures are ways in which a picture cannot be had, each of one host.
var failures = []string{
	"http://www.nowhere.test/%d.jpg",  // a public address that cannot be reached
	"http://nobody.test/%d.jpg",       // no such name
	"https://shut.good.test/%d.jpg",   // a port that nobody listens on
	"http://reset.good.test/reset?%d", // accepted, and closed without an answer
	"http://10.0.0.1/%d.jpg",          // refused by the URL's text
	"http://0a000002.one.test/%d.jpg", // refused when dialled: there is something
	"http://a9fea9fe.one.test/%d.jpg", // the same
	"http://ff.good.test:22/%d.jpg",   // refused by its port
	"http://intranet/%d.jpg",          // a name of /etc/hosts
	redirected("r0.good.test", "http://0a000003.one.test/", 302) + "%d.jpg",
	redirected("r1.good.test", "http://other.nowhere.test/", 302) + "%d.jpg",
	redirected("r2.good.test", "http://10.0.0.4/", 302) + "%d.jpg",
}

// TestIntegrationEgressLooksAlike asks for twelve pictures of every host that fails, one after the other: whether it was refused,
// is not there, or does not answer, the answers are the same from the first to the one that says that the host is left alone.
func TestIntegrationEgressLooksAlike(t *testing.T) {
	const pictures = failuresInARow + 2
	var posts []string
	for _, form := range failures {
		for i := range pictures {
			posts = append(posts, regexp.MustCompile(`%d`).ReplaceAllString(form, fmt.Sprint(i)))
		}
	}
	wait := regexp.MustCompile(`Retry-After: ([1-9]|10)\r\n`)
	inBothModes(t, posts, func(t *testing.T, r *rig, p *program) {
		if err := r.open[443].Close(); err != nil {
			t.Fatal(err)
		}
		var first []answer
		for k, form := range failures {
			for i := range pictures {
				got := p.post(k*pictures + i)
				got.header = wait.ReplaceAllString(got.header, "Retry-After: N\r\n")
				if k == 0 {
					first = append(first, got)
				} else if got != first[i] {
					t.Errorf("%s, picture %d: answered %+v, want what %s is, %+v", form, i, got, failures[0], first[i])
				}
			}
		}
		if first[failuresInARow-1].status != http.StatusBadGateway || first[failuresInARow].status != http.StatusServiceUnavailable {
			t.Errorf("statuses %d and %d around the breaker, want 502 and 503", first[failuresInARow-1].status, first[failuresInARow].status)
		}
		r.wantOnly(t)
	})
}

// TestIntegrationEgressTLS is row S50: a certificate that proves nothing is a host that cannot be reached, and is not asked
// without TLS instead.
func TestIntegrationEgressTLS(t *testing.T) {
	cases := []egressCase{{"good", "https://x.good.test/a.jpg", http.StatusOK}}
	for _, host := range []string{"expired.good.test", "self.good.test", "wrong.good.test", "old.good.test", public4.String()} {
		cases = append(cases, egressCase{"certificate", "https://" + host + "/a.jpg", http.StatusBadGateway})
	}
	cases = append(cases, egressCase{"redirect to http", "https://x.good.test/redirect?to=http%3A%2F%2Fx.good.test%2Fb.jpg", http.StatusBadGateway})
	inBothModes(t, sources(cases), func(t *testing.T, r *rig, p *program) {
		p.posts(cases)
		if n := r.connections(netip.AddrPortFrom(public4, 80)); n != 0 {
			t.Errorf("%d connections without TLS", n)
		}
		if n := r.connections(netip.AddrPortFrom(public4, 443)); n != len(cases)-1 && n != len(cases) { // two may share one
			t.Errorf("%d connections for %d pictures", n, len(cases))
		}
	})
}

// TestIntegrationEgressLoop is row S33: a picture that is our own, and two programs that each take theirs from the other, behind
// public addresses.
func TestIntegrationEgressLoop(t *testing.T) {
	posts := []string{"http://one.node.good.test/p/p0/w24.jpg", "http://two.node.good.test/p/p0/w24.jpg"}
	inBothModes(t, posts, func(t *testing.T, r *rig, p *program) {
		other := startProgram(t, r, "go", p.port+1, []string{"http://one.node.good.test/p/p1/w24.jpg"})
		r.node("one.node.good.test", p.port)
		r.node("two.node.good.test", other.port)
		for i, want := range []int{1, 2} {
			r.reset()
			if got := p.post(i); got.status != http.StatusBadGateway {
				t.Errorf("%s: status %d, want 502: %s", posts[i], got.status, got.body)
			}
			r.wantOnly(t)
			if n := len(r.arrived("/p/p0/w24.jpg")) + len(r.arrived("/p/p1/w24.jpg")); n != want {
				t.Errorf("%s: %d requests, want %d", posts[i], n, want)
			}
		}
	})
}
