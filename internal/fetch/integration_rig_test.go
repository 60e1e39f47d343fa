//go:build integration

package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// The tests of this build tag need what ".ci/integration egress" prepares, and fail without it: a network and a mount
// namespace of their own, and the program, built with and without cgo. In there every address there is, IPv4 and IPv6, is this
// machine, so that one listener per port answers at all of them and sees which one was dialled. The program is configured as
// anybody's: nothing in it knows that it is in a rig.

// Addresses that are anybody's.
var (
	public4 = netip.MustParseAddr("93.184.216.34")
	// nowhere is the one public address that is not this machine: nobody answers for it, and that is known at once.
	nowhere = netip.MustParseAddr("93.184.216.99")
)

// ports are those that the rig listens on: what a picture may be fetched from, and what sits behind firewalls.
var ports = []int{80, 443, 22, 25, 2375, 6379, 9200, 11211}

// A request is one that arrived at the rig.
type request struct {
	local  netip.AddrPort // the address that was dialled
	host   string
	target string // of the request line, as it was sent
	sni    string
	header http.Header
}

// A rig is everything outside the program: the network, its name server, and all its hosts. Its methods may be called by
// several goroutines at once.
type rig struct {
	names *names
	roots string // file with the certificate authority that the rig's good hosts have

	mu       sync.Mutex
	open     map[int]net.Listener // by port
	dialled  map[netip.AddrPort]int
	requests []request
	nodes    map[string]*httputil.ReverseProxy // by host: a program behind that name
}

// newRig makes the network and starts its hosts, until the test ends.
func newRig(t *testing.T) *rig {
	t.Helper()
	makeNetwork(t)
	certs := newCertificates(t)
	r := &rig{
		names: startNames(t), roots: certs.rootFile,
		open: map[int]net.Listener{}, dialled: map[netip.AddrPort]int{}, nodes: map[string]*httputil.ReverseProxy{},
	}
	server := &http.Server{Handler: r.handler(imagetest.JPEG(t, 40, 40)), ErrorLog: log.New(io.Discard, "", 0)}
	var running sync.WaitGroup
	for _, port := range ports {
		ln, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			t.Fatal(err)
		}
		ln = &canary{Listener: ln, rig: r}
		r.open[port] = ln
		if port == 443 {
			ln = tls.NewListener(ln, certs.config())
		}
		running.Go(func() {
			if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { _ = server.Close(); running.Wait() })
	return r
}

// makeNetwork makes every address this machine's, and points names at the rig's name server.
func makeNetwork(t *testing.T) {
	t.Helper()
	if os.Getenv("CUTLINE_NETWORK") == "" {
		t.Fatal("CUTLINE_NETWORK is not set: run make integration")
	}
	all, err := net.Interfaces()
	if err != nil || len(all) != 1 {
		t.Fatalf("interfaces %v, %v: expected a network namespace with nothing but lo", all, err)
	}
	for _, line := range []string{
		"ip link set lo up",
		"ip route replace local 0.0.0.0/0 dev lo",
		"ip route replace unreachable " + nowhere.String() + " table local",
		"ip -6 address replace 2606:4700::1/128 dev lo nodad", // a source address for all others
		"ip -6 route replace local ::/0 dev lo",
	} {
		words := strings.Fields(line)
		run(t, words[0], words[1:]...)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"/etc/resolv.conf": "nameserver 127.0.0.1\n",
		"/etc/hosts":       "127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n127.0.0.1 intern.test\n10.0.0.1 intranet\n",
	} {
		file := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, "mount", "--bind", file, name)
		t.Cleanup(func() { run(t, "umount", name) })
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// A canary notes which of the machine's addresses each connection was made to.
type canary struct {
	net.Listener
	rig *rig
}

func (c *canary) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.rig.mu.Lock()
	defer c.rig.mu.Unlock()
	c.rig.dialled[local(conn.LocalAddr())]++
	return conn, nil
}

func local(addr net.Addr) netip.AddrPort {
	at := addr.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// reset forgets what arrived.
func (r *rig) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.dialled)
	r.requests = nil
	r.names.reset()
}

// connections is how often at was dialled.
func (r *rig) connections(at netip.AddrPort) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dialled[at]
}

// total is how many connections there were.
func (r *rig) total() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, each := range r.dialled {
		n += each
	}
	return n
}

// arrived are the requests for a path.
func (r *rig) arrived(path string) []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []request
	for _, each := range r.requests {
		if each.target == path || strings.HasPrefix(each.target, path+"?") {
			found = append(found, each)
		}
	}
	return found
}

// wantOnly proves that nothing was dialled but the ports for pictures of the addresses that may be.
func (r *rig) wantOnly(t *testing.T, may ...netip.Addr) {
	t.Helper()
	ok := map[netip.Addr]bool{public4: true}
	for _, addr := range may {
		ok[addr] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, n := range r.dialled {
		if !ok[at.Addr()] || at.Port() != 80 && at.Port() != 443 {
			t.Errorf("CANARY: %d connections to %s", n, at)
		}
	}
}

// node puts the program at port of this machine behind a name, as a CDN would.
func (r *rig) node(host string, port int) {
	to := &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(port)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes[host] = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) }}
}

// handler is every host there is. Forbidden ones answer like good ones: a guard that fails is rewarded with a picture.
func (r *rig) handler(picture []byte) http.Handler {
	show := imagetest.Picture(picture)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		at, _ := req.Context().Value(http.LocalAddrContextKey).(net.Addr)
		seen := request{local: local(at), host: req.Host, target: req.RequestURI, header: req.Header.Clone()}
		if req.TLS != nil {
			seen.sni = req.TLS.ServerName
		}
		r.mu.Lock()
		r.requests = append(r.requests, seen)
		node := r.nodes[req.Host]
		r.mu.Unlock()
		query := req.URL.Query()
		switch {
		case node != nil:
			node.ServeHTTP(w, req)
		case req.URL.Path == "/redirect":
			code, err := strconv.Atoi(query.Get("code"))
			if err != nil {
				code = http.StatusFound
			}
			w.Header().Set("Connection", "close")
			imagetest.Redirect(code, query.Get("to")).ServeHTTP(w, req)
		case req.URL.Path == "/chain" && query.Get("n") != "0":
			n, _ := strconv.Atoi(query.Get("n")) // the test wrote it
			imagetest.Redirect(http.StatusFound, fmt.Sprintf("/chain?of=%s&n=%d", query.Get("of"), n-1)).ServeHTTP(w, req)
		case req.URL.Path == "/circle":
			imagetest.Redirect(http.StatusFound, "/circle?"+query.Get("to")+"&to="+query.Get("from")+"&from="+query.Get("to")).ServeHTTP(w, req)
		case req.URL.Path == "/_next/image":
			imagetest.Status(http.StatusInternalServerError).ServeHTTP(w, req)
		case req.URL.Path == "/reset":
			panic(http.ErrAbortHandler)
		default:
			show.ServeHTTP(w, req)
		}
	})
}
