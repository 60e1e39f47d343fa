package fetch

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/dd8bf596/cutline/internal/source"
)

// forbidden are the addresses of the fault matrix's rows S01 to S16, and their kin.
var forbidden = map[string][]string{
	"S01 loopback":       {"127.0.0.1", "127.0.0.0", "127.127.127.127", "127.255.255.254"},
	"S02 IPv6 loopback":  {"::1"},
	"S03 unspecified":    {"0.0.0.0", "::", "0.1.2.3"},
	"S04 private":        {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.255.255"},
	"S05 link-local":     {"169.254.169.254", "169.254.170.2", "169.254.0.0", "169.254.255.255"},
	"S06 shared":         {"100.64.0.0", "100.100.100.200", "100.127.255.255"},
	"S07 special":        {"192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1"},
	"S08 multicast":      {"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"},
	"S09 mapped":         {"::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::ffff:8.8.8.8"},
	"compatible":         {"::127.0.0.1", "::a9fe:a9fe", "::8.8.8.8"},
	"translated":         {"::ffff:0:127.0.0.1"},
	"S10 NAT64":          {"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b::808:808"},
	"S11 local NAT64":    {"64:ff9b:1::7f00:1", "64:ff9b:1:ffff::a00:1"},
	"S12 6to4":           {"2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "2002:808:808::1"},
	"S13 Teredo":         {"2001:0:4136:e378:8000:63bf:80ff:fffe"},
	"S14 ISATAP":         {"2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a9fe:a9fe", "2a00:1450::5efe:10.0.0.1"},
	"S15 IPv6 special":   {"2001:db8::1", "2001:2::1", "2001:10::1", "2001:20::1", "3fff::1", "100::1", "5f00::1", "2620:4f:8000::1", "4000::1"},
	"S16 scopes":         {"fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1"},
	"S18 zones":          {"fe80::1%lo", "::1%lo", "2606:4700::1%eth0"},
	"clouds look public": {"168.63.129.16", "161.26.0.10", "166.8.0.1", "166.11.255.255"},
}

// allowed are their neighbours: a guard that is always closed passes every other test.
var allowed = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
	"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "192.169.0.0", "198.17.255.255",
	"198.20.0.0", "223.255.255.255", "168.63.129.15", "168.63.129.17", "161.25.255.255", "161.27.0.0", "166.7.255.255", "166.12.0.0",
	"2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001:81b::200e", "2001:200::1", "2003::1", "2606:4700::7f00:1", "2620:4f:8001::1",
}

func TestGuard(t *testing.T) {
	g := newGuard(Policy{Public: true})
	for row, addrs := range forbidden {
		t.Run(row, func(t *testing.T) {
			for _, text := range addrs {
				for _, port := range []uint16{80, 443} {
					if err := g.allow(netip.AddrPortFrom(netip.MustParseAddr(text), port)); !errors.Is(err, ErrRefused) {
						t.Errorf("allow(%s, %d) = %v, want ErrRefused", text, port, err)
					}
				}
			}
		})
	}
	t.Run("neighbours", func(t *testing.T) {
		for _, text := range allowed {
			at := netip.AddrPortFrom(netip.MustParseAddr(text), 443)
			if err := g.allow(at); err != nil {
				t.Errorf("allow(%s) = %v, want nil", at, err)
			}
			if err := g.control("tcp", at.String(), nil); !errors.Is(err, ErrRefused) {
				t.Errorf("control(tcp, %s) = %v, want ErrRefused", at, err)
			}
			network := "tcp4"
			if at.Addr().Is6() {
				network = "tcp6"
			}
			if err := g.control(network, at.String(), nil); err != nil {
				t.Errorf("control(%s, %s) = %v, want nil", network, at, err)
			}
		}
	})
	t.Run("ports", func(t *testing.T) {
		for _, port := range []uint16{0, 22, 25, 2375, 6379, 8080, 9200, 11211} {
			if err := g.allow(netip.AddrPortFrom(netip.MustParseAddr("8.8.8.8"), port)); !errors.Is(err, ErrRefused) {
				t.Errorf("allow(8.8.8.8, %d) = %v, want ErrRefused", port, err)
			}
		}
	})
	t.Run("not an address", func(t *testing.T) {
		for _, text := range []string{"", ":80", "localhost:80", "8.8.8.8", "[::1%lo]:80"} {
			if err := g.control("tcp4", text, nil); !errors.Is(err, ErrRefused) {
				t.Errorf("control(%q) = %v, want ErrRefused", text, err)
			}
		}
	})
}

func TestGuardZeroPolicy(t *testing.T) {
	g := newGuard(Policy{})
	for _, text := range append([]string{"127.0.0.1", "::1"}, allowed...) {
		if err := g.allow(netip.AddrPortFrom(netip.MustParseAddr(text), 443)); !errors.Is(err, ErrRefused) {
			t.Errorf("allow(%s) = %v, want ErrRefused", text, err)
		}
	}
}

func TestGuardAllowPrivate(t *testing.T) {
	g := newGuard(Policy{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	for _, text := range []string{"127.0.0.1:8080", "127.9.9.9:80", "[fd00::1]:9000"} {
		if err := g.allow(netip.MustParseAddrPort(text)); err != nil {
			t.Errorf("allow(%s) = %v, want nil", text, err)
		}
	}
	for _, text := range []string{"10.0.0.1:80", "8.8.8.8:443", "[::1]:80", "[::ffff:127.0.0.1]:80", "[fd00::1%eth0]:80", "[fc00::1]:80"} {
		if err := g.allow(netip.MustParseAddrPort(text)); !errors.Is(err, ErrRefused) {
			t.Errorf("allow(%s) = %v, want ErrRefused", text, err)
		}
	}
}

// An own listener is refused where its address is allowed, and nothing beside it is.
func TestGuardOwn(t *testing.T) {
	p := Policy{
		Public:       true,
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.0/8")},
		Own:          []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9091"), netip.MustParseAddrPort("[::]:8080"), netip.MustParseAddrPort("93.184.216.34:80")},
	}
	g := newGuard(p)
	for text, want := range map[string]error{
		"127.0.0.1:9091": ErrRefused, "0.0.0.0:9091": ErrRefused, "127.0.0.2:9091": nil, "127.0.0.1:9092": nil,
		"127.0.0.1:8080": ErrRefused, "127.0.0.9:8080": ErrRefused, "[::1]:8080": ErrRefused, "0.0.0.0:8080": ErrRefused, "10.1.2.3:8080": nil,
		"93.184.216.34:80": ErrRefused, "93.184.216.34:443": nil, "93.184.216.35:80": nil,
	} {
		if err := g.allow(netip.MustParseAddrPort(text)); !errors.Is(err, want) {
			t.Errorf("allow(%s) = %v, want %v", text, err, want)
		}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range all { // of this machine, private or not
		at := netip.AddrPortFrom(netip.MustParsePrefix(each.String()).Addr(), 8080)
		if !g.own(at) {
			t.Errorf("%s is not taken for our own", at)
		}
	}
}

func TestCheck(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	tests := []struct {
		name, text string
		policy     Policy
		want       error
	}{
		{"public name", "https://example.org/", Policy{Public: true}, nil},
		{"public address", "http://8.8.8.8/", Policy{Public: true}, nil},
		{"zero policy", "https://example.org/", Policy{}, ErrRefused},
		{"port of a name", "https://example.org:8443/", Policy{Public: true}, ErrRefused},
		{"port of an address", "http://8.8.8.8:6379/", Policy{Public: true}, ErrRefused},
		{"loopback", "http://127.0.0.1/", Policy{Public: true}, ErrRefused},
		{"IPv6 loopback", "http://[0000::1]/", Policy{Public: true}, ErrRefused},
		{"metadata", "http://169.254.169.254/latest", Policy{Public: true}, ErrRefused},
		{"allowed loopback", "http://127.0.0.1:9999/", Policy{AllowPrivate: loopback}, nil},
		{"name that may be allowed", "http://intranet:9999/", Policy{AllowPrivate: loopback}, nil},
		{"another private address", "http://10.0.0.1:9999/", Policy{AllowPrivate: loopback}, ErrRefused},
		{"wrapper refused, picture not", "http://10.0.0.1/_next/image?url=https%3A%2F%2Fexample.org%2Fa", Policy{Public: true}, nil},
		{"wrapper and picture refused", "http://10.0.0.1/_next/image?url=%2Fa", Policy{Public: true}, ErrRefused},
		{"no site", "/a.jpg", Policy{Public: true}, ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New(Options{Policy: tt.policy})
			src, err := source.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Check(src); !errors.Is(err, tt.want) {
				t.Errorf("Check(%s) = %v, want %v", src, err, tt.want)
			}
		})
	}
	if err := New(Options{Policy: Policy{Public: true}}).Check(source.Source{}); !errors.Is(err, ErrRefused) {
		t.Errorf("Check of the zero Source = %v, want ErrRefused", err)
	}
}

// FuzzGuard wraps any IPv4 address that is forbidden into IPv6 in every way that routers unwrap: none may pass.
func FuzzGuard(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "8.8.8.8", "0.0.0.0"} {
		b := netip.MustParseAddr(text).As4()
		f.Add(b[:], []byte{0x26, 0x06, 0x47, 0, 0, 0, 0, 0})
	}
	g := newGuard(Policy{Public: true})
	f.Fuzz(func(t *testing.T, ip, prefix []byte) {
		if len(ip) != 4 || len(prefix) != 8 {
			return
		}
		join := func(pieces ...[]byte) netip.Addr {
			var out [16]byte
			var all []byte
			for _, p := range pieces {
				all = append(all, p...)
			}
			copy(out[:], all)
			return netip.AddrFrom16(out)
		}
		flipped := []byte{^ip[0], ^ip[1], ^ip[2], ^ip[3]}
		for name, addr := range map[string]netip.Addr{
			"mapped":      join(make([]byte, 10), []byte{0xff, 0xff}, ip),
			"compatible":  join(make([]byte, 12), ip),
			"6to4":        join([]byte{0x20, 0x02}, ip),
			"NAT64":       join([]byte{0, 0x64, 0xff, 0x9b}, make([]byte, 8), ip),
			"local NAT64": join([]byte{0, 0x64, 0xff, 0x9b, 0, 1}, make([]byte, 6), ip),
			"Teredo":      join([]byte{0x20, 0x01, 0, 0}, prefix, flipped),
			"ISATAP":      join(prefix, []byte{0, 0, 0x5e, 0xfe}, ip),
			"ISATAP, u":   join(prefix, []byte{2, 0, 0x5e, 0xfe}, ip),
		} {
			if err := g.allow(netip.AddrPortFrom(addr, 443)); !errors.Is(err, ErrRefused) {
				t.Errorf("%s of %v: allow(%s) = %v, want ErrRefused", name, ip, addr, err)
			}
		}
		v4 := netip.AddrFrom4([4]byte(ip))
		if v4.IsPrivate() || v4.IsLoopback() || v4.IsLinkLocalUnicast() || v4.IsMulticast() || v4.IsUnspecified() {
			if err := g.allow(netip.AddrPortFrom(v4, 443)); !errors.Is(err, ErrRefused) {
				t.Errorf("allow(%s) = %v, want ErrRefused", v4, err)
			}
		}
	})
}
