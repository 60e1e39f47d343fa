package fetch

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// A Policy says which addresses may be dialled. The zero value allows none.
type Policy struct {
	// Public allows every address that IANA's special-purpose registries call globally reachable, on ports 80 and 443,
	// except a few at which clouds keep their own services.
	Public bool
	// AllowPrivate lists prefixes that may be dialled although private, on any port: for tests and intranets.
	AllowPrivate []netip.Prefix
	// Own lists what this program itself listens on. It is never dialled, not even in an allowed prefix: an author could have
	// the program ask its own admin listener. An unspecified address stands for every address of this machine.
	Own []netip.AddrPort
}

// cloudServices are addresses that look public and are answered inside a cloud. The others known by name (169.254.169.254,
// 100.100.100.200, 192.0.0.192, fd00:ec2::254) are refused with the special-purpose block around them.
var cloudServices = []netip.Prefix{
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's host agent: DNS, health, certificates of the virtual machine
	netip.MustParsePrefix("161.26.0.0/16"),    // IBM Cloud's service network
	netip.MustParsePrefix("166.8.0.0/14"),     // IBM Cloud's service endpoints
}

// A guard judges addresses by a Policy. It is safe for concurrent use.
type guard struct {
	policy  Policy
	special *ssrf.Guardian // IANA's registries and the ports
}

func newGuard(p Policy) guard {
	return guard{policy: p, special: ssrf.New(ssrf.WithDeniedV4Prefixes(cloudServices...), ssrf.WithPorts(80, 443))}
}

// control is net.Dialer's hook. It runs after the look-up, for each address that is about to be connected to: a check on
// the name alone could be answered with a public address first and a private one at dial.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", ErrRefused, network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	return g.allow(at)
}

// allow reports ErrRefused for an address that may not be dialled: one with a zone, whose meaning is the machine's own;
// IPv4 inside IPv6 in any of its forms (RFC 4291 §2.5.5, 3056, 4380, 5214, 6052, 8215), which a router may turn into the
// IPv4 address; whatever IANA's registries do not call globally reachable; cloudServices; another port than 80 and 443.
// An allowed prefix goes before all but the zone and Policy.Own.
func (g guard) allow(at netip.AddrPort) error {
	addr := at.Addr()
	if !addr.IsValid() || addr.Zone() != "" || addr.Is4In6() {
		return fmt.Errorf("%w: address %s", ErrRefused, addr)
	}
	if g.own(at) {
		return fmt.Errorf("%w: address %s is our own listener", ErrRefused, at)
	}
	for _, p := range g.policy.AllowPrivate {
		if p.Contains(addr) {
			return nil
		}
	}
	if !g.policy.Public {
		return fmt.Errorf("%w: address %s is in no allowed prefix", ErrRefused, addr)
	}
	if interfaceIPv4(addr) {
		return fmt.Errorf("%w: address %s embeds an IPv4 address", ErrRefused, addr)
	}
	if err := g.special.SafeAddrPort(at); err != nil {
		return fmt.Errorf("%w: %v", ErrRefused, err)
	}
	return nil
}

// own reports whether at reaches a listener of ours. Linux takes the unspecified address for loopback.
func (g guard) own(at netip.AddrPort) bool {
	for _, ours := range g.policy.Own {
		switch addr := ours.Addr(); {
		case ours.Port() != at.Port():
		case addr == at.Addr(), at.Addr().IsUnspecified(), addr.IsUnspecified() && isMachine(at.Addr()):
			return true
		}
	}
	return false
}

// isMachine reports whether addr is one of this machine's, as its interfaces stand at the moment.
func isMachine(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true // fail closed: only who dials a port of ours gets here
	}
	return slices.ContainsFunc(all, func(each net.Addr) bool {
		prefix, err := netip.ParsePrefix(each.String())
		return err == nil && prefix.Addr() == addr
	})
}

// interfaceIPv4 reports whether addr's interface identifier is ISATAP's (RFC 5214 §6.1): 00-00-5E-FE or 02-00-5E-FE, then
// an IPv4 address. It can stand behind any prefix, so no registry lists it. Identifiers that merely end in 32 bits which
// could be an IPv4 address cannot be told from ordinary ones such as ::8888.
func interfaceIPv4(addr netip.Addr) bool {
	if !addr.Is6() {
		return false
	}
	b := addr.As16()
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// checkHost judges what a URL shows without a look-up: a literal address, and the port beside a name.
func (g guard) checkHost(host string, port uint16) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.allow(netip.AddrPortFrom(addr, port))
	}
	switch {
	case len(g.policy.AllowPrivate) > 0:
		return nil // the name may resolve into an allowed prefix, where any port is good
	case !g.policy.Public:
		return fmt.Errorf("%w: no network is allowed", ErrRefused)
	case port != 80 && port != 443:
		return fmt.Errorf("%w: port %d", ErrRefused, port)
	}
	return nil
}
