//go:build integration

package fetch

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyAddress is the forbidden and the allowed addresses of the guard's test.
func everyAddress() (bad, good []netip.Addr) {
	for _, texts := range forbidden {
		for _, text := range texts {
			bad = append(bad, netip.MustParseAddr(text))
		}
	}
	for _, text := range allowed {
		good = append(good, netip.MustParseAddr(text))
	}
	return bad, good
}

// literal is the URL of a picture at addr.
func literal(addr netip.Addr) string {
	if addr.Is6() {
		return "http://[" + strings.ReplaceAll(addr.String(), "%", "%25") + "]/a.jpg"
	}
	return "http://" + addr.String() + "/a.jpg"
}

// named is the URL of a picture at a name that the rig's name server answers for addr.
func named(addr netip.Addr, zone string) string {
	return "http://" + hex.EncodeToString(addr.AsSlice()) + "." + zone + ".test/a.jpg"
}

// redirected is the URL of an origin that sends one on.
func redirected(host, to string, code int) string {
	return fmt.Sprintf("http://%s/redirect?code=%d&to=%s", host, code, url.QueryEscape(to))
}

// wrapped is the URL of a wrapper that fails, around the picture at to.
func wrapped(host, to string) string {
	return "http://" + host + "/_next/image?w=640&q=75&url=" + url.QueryEscape(to)
}

// addressCases are all forms of an address × every way to it: literal, name, name with another address, redirect, the inner URL
// of a wrapper, name that changes its mind between two connections.
func addressCases() (cases []egressCase) {
	add := func(want int, name, source string) {
		cases = append(cases, egressCase{name, source, want})
	}
	bad, good := everyAddress()
	for _, addr := range bad {
		host := hex.EncodeToString(addr.AsSlice())
		if !addr.Is4In6() && addr.Zone() == "" { // else it is no URL: see the spellings
			add(http.StatusBadGateway, "literal", literal(addr))
			add(http.StatusBadGateway, "wrapped literal", wrapped(host+".l.good.test", literal(addr)+"?w"))
		}
		add(http.StatusBadGateway, "redirect to a literal", redirected(host+".s.good.test", literal(addr), 302))
		if addr.Zone() != "" {
			continue // names have no zones
		}
		want := http.StatusBadGateway
		if addr.Unmap() != addr && slices.Contains(good, addr.Unmap()) {
			want = http.StatusOK // to a resolver it is the IPv4 address
		}
		add(want, "name", named(addr, "one"))
		add(want, "chain of names", named(addr, "chain"))
		add(http.StatusOK, "a public address first", named(addr, "first"))
		add(http.StatusOK, "a public address last", named(addr, "last"))
		add(want, "redirect to a name", redirected(host+".n.good.test", named(addr, "one")+"?r", 302))
		add(want, "wrapped name", wrapped(host+".w.good.test", named(addr, "one")+"?w"))
		rebind := host + ".rebind.test"
		add(want, "rebinding", redirected(rebind, "http://"+rebind+"/b.jpg", 302))
	}
	for _, addr := range good {
		add(http.StatusOK, "neighbour", literal(addr))
		add(http.StatusOK, "wrapped neighbour", wrapped(hex.EncodeToString(addr.AsSlice())+".w.good.test", literal(addr)+"?w"))
		add(http.StatusOK, "neighbour's name", named(addr, "one"))
		add(http.StatusOK, "redirect to a neighbour", redirected("neighbours.good.test", literal(addr)+"?r", 302))
	}
	return cases
}

// TestIntegrationEgressAddresses is rows S01 to S28 of the fault matrix: nothing forbidden is dialled, on any way to it, and every
// neighbour is.
func TestIntegrationEgressAddresses(t *testing.T) {
	cases := addressCases()
	inBothModes(t, sources(cases), func(t *testing.T, r *rig, p *program) {
		wantLiveCanaries(t, r)
		p.posts(cases)
		_, good := everyAddress()
		r.wantOnly(t, good...)
		for _, addr := range good {
			if n := r.connections(netip.AddrPortFrom(addr, 80)); n == 0 {
				t.Errorf("%s, which may be dialled, was not", addr)
			}
		}
		bad, _ := everyAddress()
		for _, addr := range bad { // else nothing was rebound
			if path := redirected("", "http://"+hex.EncodeToString(addr.AsSlice())+".rebind.test/b.jpg", 302); addr.Zone() == "" {
				if n := len(r.arrived(strings.TrimPrefix(path, "http://"))); n != 1 {
					t.Errorf("the redirect to the second address of %s.rebind.test was asked for %d times, want once", addr, n)
				}
			}
		}
		t.Logf("%d pictures, %d forbidden addresses", len(cases), len(bad))
	})
}

// TestIntegrationEgressLint has the verb that looks at originals without serving them do the same.
func TestIntegrationEgressLint(t *testing.T) {
	r := newRig(t)
	dir := makeSite(t, sources(addressCases()))
	for _, mode := range modes {
		r.reset()
		out, err := command(t, r, mode, "lint", "--online", dir).Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
			t.Errorf("%v, want exit code 1, for there are findings:\n%.2000s", err, out)
		}
		_, good := everyAddress()
		r.wantOnly(t, good...)
		for _, addr := range good {
			if n := r.connections(netip.AddrPortFrom(addr, 80)); n == 0 {
				t.Errorf("%s, which may be dialled, was not", addr)
			}
		}
	}
}

// wantLiveCanaries proves that the canaries are there: the kernel connects to nearly all forbidden addresses. It refuses those
// that name no host (broadcast, multicast) and those that need a zone.
func wantLiveCanaries(t *testing.T, r *rig) {
	t.Helper()
	bad, _ := everyAddress()
	reached := 0
	for _, addr := range bad {
		conn, err := net.DialTimeout("tcp", netip.AddrPortFrom(addr, 80).String(), time.Second)
		if err == nil {
			reached++
			_ = conn.Close()
		} else if v4 := addr.Unmap(); v4.Is4() && !v4.IsMulticast() && v4.As4() != [4]byte{255, 255, 255, 255} && v4.As4() != [4]byte{127, 255, 255, 255} {
			t.Errorf("no canary at %s: %v", addr, err)
		}
	}
	if reached < len(bad)-12 {
		t.Errorf("canaries at %d of %d forbidden addresses", reached, len(bad))
	}
	for begun := time.Now(); r.total() < reached; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%d connections noted, %d made", r.total(), reached)
		}
	}
	r.reset()
}
