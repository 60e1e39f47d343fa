package fetch

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
)

// policyFile is where the Helm chart has the addresses that pods may connect to.
const policyFile = "../deploy/helm/cutline/templates/networkpolicy.yaml"

// A block is one range of a NetworkPolicy, without what it excepts.
type block struct {
	cidr   netip.Prefix
	except []netip.Prefix
}

// publicBlocks are the ranges that policyFile has as they are; others are values of whoever installs the chart.
func publicBlocks(t *testing.T) (all []block) {
	t.Helper()
	text, err := os.ReadFile(policyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^ +(cidr:|-) ([0-9a-f:.]+/\d+)$`).FindAllStringSubmatch(string(text), -1) {
		prefix, err := netip.ParsePrefix(m[2])
		switch {
		case err != nil || prefix != prefix.Masked():
			t.Fatalf("%s: %v", m[2], err)
		case m[1] == "cidr:":
			all = append(all, block{cidr: prefix})
		case len(all) == 0 || !all[len(all)-1].cidr.Overlaps(prefix):
			t.Fatalf("%s: excepted from a range that it is not in, which Kubernetes refuses", prefix)
		default:
			last := &all[len(all)-1]
			last.except = append(last.except, prefix)
		}
	}
	if len(all) != 2 {
		t.Fatalf("%s has %d ranges, expected one of IPv4 and one of IPv6", policyFile, len(all))
	}
	return all
}

// TestChartPolicy: the chart's NetworkPolicy lets out what the guard does, and nothing that it refuses. What only an address' last
// bits tell, no range can (ISATAP).
func TestChartPolicy(t *testing.T) {
	blocks := publicBlocks(t)
	open := func(text string) bool {
		addr := netip.MustParseAddr(text).WithZone("").Unmap()
		for _, b := range blocks {
			if !b.cidr.Contains(addr) {
				continue
			}
			for _, p := range b.except {
				if p.Contains(addr) {
					return false
				}
			}
			return true
		}
		return false
	}
	for row, addrs := range forbidden {
		for _, text := range addrs {
			mapped := strings.HasPrefix(text, "::ffff:8.8.8.8") // the packet's address is 8.8.8.8
			if row != "S14 ISATAP" && row != "S18 zones" && !mapped && open(text) {
				t.Errorf("%s (%s) is open", text, row)
			}
		}
	}
	for _, text := range allowed {
		if !open(text) {
			t.Errorf("%s is shut", text)
		}
	}
}
