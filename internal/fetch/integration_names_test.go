//go:build integration

package fetch

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// names is the rig's name server. Nothing that it says may be kept (TTL 0), and it does not say the same twice where the
// name asks for that:
//
//	ADDRESS.one.test       the address, as hexadecimal digits
//	ADDRESS.first.test     a public address and that one
//	ADDRESS.last.test      that one and a public address
//	ADDRESS.rebind.test    a public address at first, then that one
//	*.flip.test            a public address and 127.0.0.1 in turn
//	ADDRESS.chain.test     eight names that stand for each other, then ADDRESS.one.test
//	hosts.chain.test       eight, then a name of /etc/hosts
//	silent.test            no answer, ever
//	*.good.test            a public address
//	*.nowhere.test         a public address that nobody can reach
//
// There are no others.
type names struct {
	mu    sync.Mutex
	asked map[string]int // by type and name
	flips int
}

// startNames listens on 127.0.0.1:53 until the test ends.
func startNames(t *testing.T) *names {
	t.Helper()
	n := &names{asked: map[string]int{}}
	for _, network := range []string{"udp", "tcp"} {
		started := make(chan struct{})
		server := &dns.Server{Addr: "127.0.0.1:53", Net: network, Handler: n, NotifyStartedFunc: func() { close(started) }}
		failed := make(chan error, 1)
		go func() { failed <- server.ListenAndServe() }()
		select {
		case <-started:
		case err := <-failed:
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Shutdown(); err != nil {
				t.Error(err)
			}
			if err := <-failed; err != nil {
				t.Error(err)
			}
		})
	}
	return n
}

// queries is how many questions there were since the last reset.
func (n *names) queries() (total int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, each := range n.asked {
		total += each
	}
	return total
}

// questions is how often one of them was asked since then.
func (n *names) questions(kindAndName string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[kindAndName]
}

func (n *names) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.asked)
}

// ServeDNS answers one question.
func (n *names) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	question := q.Question[0]
	name := strings.ToLower(question.Name)
	n.mu.Lock()
	key := dns.TypeToString[question.Qtype] + " " + name
	before := n.asked[key]
	n.asked[key]++
	n.mu.Unlock()
	if name == "silent.test." {
		return
	}
	m := new(dns.Msg).SetReply(q)
	label, zone, _ := strings.Cut(strings.TrimSuffix(name, "."), ".")
	addrs, ok := n.addresses(label, zone, question.Qtype, before)
	if zone == "chain.test" {
		last := label + ".one.test."
		if label == "hosts" {
			last = "intern.test."
		}
		for i := range 8 {
			next := strconv.Itoa(i) + "." + label + ".links.test."
			if i == 7 {
				next = last
			}
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: rrHeader(name, dns.TypeCNAME), Target: next})
			name = next
		}
		addrs, ok = n.addresses(label, "one.test", question.Qtype, before)
	}
	if !ok && len(m.Answer) == 0 {
		m.Rcode = dns.RcodeNameError
	}
	for _, addr := range addrs {
		switch {
		case addr.Is4() && question.Qtype == dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: rrHeader(name, dns.TypeA), A: addr.AsSlice()})
		case addr.Is6() && question.Qtype == dns.TypeAAAA:
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: rrHeader(name, dns.TypeAAAA), AAAA: addr.AsSlice()})
		}
	}
	_ = w.WriteMsg(m) // whoever asked may have gone
}

func rrHeader(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET}
}

// addresses are those of label.zone, when it was asked for before times.
func (n *names) addresses(label, zone string, kind uint16, before int) (addrs []netip.Addr, ok bool) {
	digits, err := hex.DecodeString(label)
	addr, isAddr := netip.AddrFromSlice(digits)
	isAddr = isAddr && err == nil
	switch {
	case zone == "one.test" && isAddr:
		return []netip.Addr{addr}, true
	case zone == "first.test" && isAddr:
		return []netip.Addr{public4, addr}, true
	case zone == "last.test" && isAddr:
		return []netip.Addr{addr, public4}, true
	case zone == "rebind.test" && isAddr && before == 0, strings.HasSuffix("."+zone, ".good.test"):
		return []netip.Addr{public4}, true
	case zone == "rebind.test" && isAddr:
		return []netip.Addr{addr}, true
	case zone == "flip.test":
		if kind != dns.TypeA {
			return nil, true
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.flips++; n.flips%2 == 0 {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, true
		}
		return []netip.Addr{public4}, true
	case zone == "nowhere.test":
		return []netip.Addr{nowhere}, true
	}
	return nil, false
}
