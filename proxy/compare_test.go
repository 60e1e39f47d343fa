//go:build integration && compare

package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

// Each server is loaded so often and for so long, in turns; the median counts.
const (
	compareRounds  = 5
	compareSeconds = 3
)

// hitPath is the picture that all servers send: 78 KB of WebP.
const hitPath = "/p/larches-turn-below-aizkorri/w828.webp"

// TestCompareHits prints how many requests a second wrk gets of one picture, on loopback and with 32 connections: of
// cutline out of memory and from disk, of a handler in Gin and one in net/http that write the bytes from memory, of nginx
// from a file and out of its cache. It asserts nothing but that all send the same bytes.
func TestCompareHits(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "cutline")
	run(t, "go", "build", "-o", binary, "../cmd/cutline")
	site, err := filepath.Abs("../testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	serve := func(name string, flags ...string) string {
		addr := freeAddr(t)
		start(t, nil, binary, append([]string{"serve", site, "--listen", addr, "--admin", "off", "--cache", filepath.Join(dir, name)}, flags...)...)
		return "http://" + addr + hitPath
	}
	quiet := []string{"--log", "warn"}
	memory := serve("memory", quiet...)
	picture := filepath.Join(dir, "picture.webp")
	body := get(t, memory)
	if err := os.WriteFile(picture, body, 0o600); err != nil {
		t.Fatal(err)
	}
	bare := func(kind string) string {
		addr := freeAddr(t)
		start(t, []string{"CUTLINE_BARE=" + kind, "CUTLINE_ADDR=" + addr, "CUTLINE_PICTURE=" + picture}, os.Args[0], "-test.run=^TestBareServer$")
		return "http://" + addr + "/picture.webp"
	}
	bareHTTP, disk := bare("http"), bare("disk")
	if _, rest, ok := strings.Cut(strings.TrimPrefix(disk, "http://"), "/"); ok {
		disk = strings.Replace(disk, rest, "p/fox/w160.webp", 1)
	}
	static, cached := nginx(t, dir, bareHTTP)
	servers := []struct{ name, url string }{
		{"cutline, memory", memory},
		{"cutline, memory, a line logged per request", serve("logged")},
		{"cutline, disk, without a tier in memory", disk},
		{"Gin, bytes in memory", bare("gin")},
		{"net/http, bytes in memory", bareHTTP},
		{"nginx, a file", static},
		{"nginx, proxy_cache", cached},
	}
	rates, p99 := make([][]float64, len(servers)), make([][]time.Duration, len(servers))
	for round := range compareRounds + 1 {
		for i, s := range servers {
			if got := get(t, s.url); string(got) != string(body) {
				t.Fatalf("%s: %d bytes that are not the picture's %d", s.name, len(got), len(body))
			}
			rate, late := wrk(t, s.url)
			if round > 0 { // the first one warms up
				rates[i], p99[i] = append(rates[i], rate), append(p99[i], late)
			}
		}
	}
	fmt.Printf("\n%d bytes, %d × %d s, medians\n\n| server | requests/s | of Gin's | p99 | of Gin's |\n|---|---|---|---|---|\n", len(body), compareRounds, compareSeconds)
	const gin = 3
	for i, s := range servers {
		fmt.Printf("| %s | %.0f | %.2f | %.1f ms | %.2f |\n", s.name, median(rates[i]), median(rates[i])/median(rates[gin]),
			float64(median(p99[i]).Microseconds())/1000, float64(median(p99[i]))/float64(median(p99[gin])))
	}
}

func median[T float64 | time.Duration](v []T) T {
	return slices.Sorted(slices.Values(v))[len(v)/2]
}

// TestBareServer is a server of TestCompareHits, which starts it in a process of its own.
func TestBareServer(t *testing.T) {
	kind := os.Getenv("CUTLINE_BARE")
	if kind == "" {
		t.Fatal("only TestCompareHits starts this: CUTLINE_BARE is not set")
	}
	body, err := os.ReadFile(os.Getenv("CUTLINE_PICTURE"))
	if err != nil {
		t.Fatal(err)
	}
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/webp")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
	switch kind {
	case "disk":
		h = diskServer(t, body)
	case "gin":
		e := gin.New()
		e.GET("/*picture", func(c *gin.Context) {
			c.Header("Content-Length", strconv.Itoa(len(body)))
			c.Data(http.StatusOK, "image/webp", body)
		})
		h = e
	}
	s := &http.Server{Addr: os.Getenv("CUTLINE_ADDR"), Handler: h, ReadHeaderTimeout: time.Minute}
	t.Fatal(s.ListenAndServe())
}

// diskServer has the picture on disk alone, so that each hit reads and checks it.
func diskServer(t *testing.T, body []byte) http.Handler {
	t.Helper()
	disk, err := cache.OpenDisk(cache.DiskOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r := render.New(render.Options{Store: disk, Fetch: bench{}, Transform: onePicture{body: body}})
	s, err := New(Options{Catalog: scan(t, posts), Renderer: r})
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

// onePicture makes everything into one picture.
type onePicture struct {
	bench
	body []byte
}

func (p onePicture) Transform(_ context.Context, _ []byte, specs []transform.Spec) ([]transform.Output, error) {
	var out []transform.Output
	for _, s := range specs {
		out = append(out, transform.Output{Body: p.body, Format: s.Format, Width: s.Width, Height: s.Height, Frames: 1})
	}
	return out, nil
}

// nginx serves dir's picture from its file at one URL, and what origin answers out of its cache at the other.
func nginx(t *testing.T, dir, origin string) (static, cached string) {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	staticAddr, cachedAddr := freeAddr(t), freeAddr(t)
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // its workers read a folder that is only ours
	}
	conf := fmt.Sprintf(`
%[5]s worker_processes auto; daemon off; pid %[1]s/nginx.pid; error_log stderr warn;
events { worker_connections 512; }
http {
  access_log off; sendfile on; keepalive_requests 1000000; types { image/webp webp; }
  client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
  open_file_cache max=100;
  proxy_cache_path %[1]s/nginx keys_zone=z:1m;
  server { listen %[2]s; root %[1]s; }
  server { listen %[3]s; location / { proxy_pass http://%[4]s; proxy_cache z; proxy_cache_valid 1h; } }
}
`, dir, staticAddr, cachedAddr, u.Host, user)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, nil, "nginx", "-c", file)
	return "http://" + staticAddr + "/picture.webp", "http://" + cachedAddr + "/picture.webp"
}

// start runs a server until the test ends, and returns its process.
func start(t *testing.T, env []string, name string, args ...string) (pid int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // nginx's workers outlive what kills it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	return cmd.Process.Pid
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

var (
	wrkRate = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkP99  = regexp.MustCompile(`99%\s+([\d.]+[mu]?s)`)
)

// wrk loads url and returns requests a second and the 99th percentile of their latency.
func wrk(t *testing.T, url string) (rate float64, p99 time.Duration) {
	t.Helper()
	out := run(t, "wrk", "-t1", "-c32", fmt.Sprintf("-d%ds", compareSeconds), "--latency", url)
	r, l := wrkRate.FindStringSubmatch(out), wrkP99.FindStringSubmatch(out)
	if r == nil || l == nil || strings.Contains(out, "Non-2xx") || strings.Contains(out, "Socket errors") {
		t.Fatalf("wrk %s:\n%s", url, out)
	}
	rate, err := strconv.ParseFloat(r[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	if p99, err = time.ParseDuration(l[1]); err != nil {
		t.Fatal(err)
	}
	return rate, p99
}

// get waits until url is answered, and returns the body.
func get(t *testing.T, url string) []byte {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var resp *http.Response
		if resp, err = (&http.Client{}).Get(url); err != nil {
			continue
		}
		body, readErr := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK && readErr == nil {
			return body
		}
		err = fmt.Errorf("%s, %w", resp.Status, readErr)
	}
	t.Fatalf("%s: %v", url, err)
	return nil
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
