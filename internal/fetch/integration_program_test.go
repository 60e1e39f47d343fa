//go:build integration

package fetch

import (
	"bufio"
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// modes are the two builds of the program, each asked to use its own resolver. Both are to end in Go's.
var modes = []string{"go", "cgo"}

// A program is `cutline serve` with a site of posts, each of which shows one picture.
type program struct {
	t    *testing.T
	port int
	log  *bytes.Buffer
}

// inBothModes runs a test against a new rig and each build.
func inBothModes(t *testing.T, posts []string, test func(t *testing.T, r *rig, p *program)) {
	t.Helper()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t)
			p := startProgram(t, r, mode, 8000, posts)
			r.reset()
			test(t, r, p)
		})
	}
}

// makeSite makes a site whose post N shows posts[N], and whose post "nowhere" shows what nobody can reach. Its configuration is
// empty but for a list of hosts that clients may name.
func makeSite(t *testing.T, posts []string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cutline.yaml", "fetch: {hosts: ['*.good.test', '*.flip.test', '*.one.test']}\n")
	write("nowhere.md", "---\ntitle: A post\nimage: http://www.nowhere.test/a.jpg\n---\n")
	for i, source := range posts {
		quoted, err := json.Marshal(source)
		if err != nil {
			t.Fatal(err)
		}
		write(postName(i)+".md", "---\ntitle: A post\nimage: "+string(quoted)+"\n---\n")
	}
	return dir
}

// command is the program in one of its modes, in an environment that offers proxies. It ends with the test.
func command(t *testing.T, r *rig, mode string, args ...string) *exec.Cmd {
	t.Helper()
	binary := filepath.Join(os.Getenv("CUTLINE_PROGRAMS"), "cutline-"+mode)
	if info, err := buildinfo.ReadFile(binary); err != nil || (mode == "cgo") != slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"}) {
		t.Fatalf("%s: %v: expected it built with CGO_ENABLED=1 exactly where it is to use the C library", binary, err)
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = []string{"HOME=" + t.TempDir(), "GODEBUG=netdns=" + mode, "SSL_CERT_FILE=" + r.roots}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		cmd.Env = append(cmd.Env, name+"=http://198.41.0.4:80", strings.ToLower(name)+"=http://198.41.0.4:80")
	}
	return cmd
}

// startProgram serves a site of posts until the test ends.
func startProgram(t *testing.T, r *rig, mode string, port int, posts []string) *program {
	t.Helper()
	p := &program{t: t, port: port, log: &bytes.Buffer{}}
	cmd := command(t, r, mode, "serve", makeSite(t, posts), "--cache", "off", "--admin", "off", "--listen", p.address())
	cmd.Stderr = p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // the test's context has ended, and with it the program; how is serve's own test
		if t.Failed() {
			t.Logf("the program said:\n%.4000s", p.log)
		}
	})
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", p.address()); err == nil {
			_ = conn.Close()
			return p
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the program does not listen: %s", p.log)
		}
	}
}

func postName(i int) string { return "p" + strconv.Itoa(i) }

func (p *program) address() string { return "127.0.0.1:" + strconv.Itoa(p.port) }

// An answer is what a client gets: the headers but for the date.
type answer struct {
	status int
	header string
	body   string
}

// post asks for the picture of post i.
func (p *program) post(i int) answer { return p.ask("/p/" + postName(i) + "/w24.jpg") }

// ask sends one request as it stands, because clients normalise what they send; lines are further headers.
func (p *program) ask(target string, lines ...string) answer {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.address())
	if err != nil {
		p.t.Error(err)
		return answer{}
	}
	defer conn.Close()
	lines = append([]string{"GET " + target + " HTTP/1.1", "Host: pictures.example", "Connection: close"}, lines...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		p.t.Error(err)
		return answer{}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		p.t.Errorf("%s: %v", target, err)
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Errorf("%s: %v", target, err)
	}
	resp.Header.Del("Date")
	var header bytes.Buffer
	_ = resp.Header.Write(&header) // a bytes.Buffer does not fail; the order is that of the names
	return answer{resp.StatusCode, header.String(), string(body)}
}

// together runs work for 0 to n-1, sixteen at a time.
func together(n int, work func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range 16 {
		wg.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// posts asks for the picture of every post, and wants each answered as it says. Whatever could not be fetched is answered like
// the picture of a host that cannot be reached, down to the last header.
func (p *program) posts(cases []egressCase) {
	p.t.Helper()
	answers := make([]answer, len(cases))
	together(len(cases), func(i int) { answers[i] = p.post(i) })
	unreachable := p.ask("/p/nowhere/w24.jpg")
	if unreachable.status != http.StatusBadGateway || !strings.Contains(unreachable.header, "Cache-Control: no-store\r\n") {
		p.t.Errorf("a host that cannot be reached: %+v", unreachable)
	}
	for i, c := range cases {
		if answers[i].status != c.want {
			p.t.Errorf("%s %s: status %d, want %d: %s", c.name, c.source, answers[i].status, c.want, answers[i].body)
		}
		if c.want == http.StatusBadGateway && answers[i] != unreachable {
			p.t.Errorf("%s %s: answered %+v, want what every other gets, %+v", c.name, c.source, answers[i], unreachable)
		}
	}
}

// An egressCase is a picture of a post, and how a request for it is to be answered.
type egressCase struct {
	name, source string
	want         int
}

func sources(cases []egressCase) []string {
	out := make([]string, len(cases))
	for i, c := range cases {
		out[i] = c.source
	}
	return out
}
