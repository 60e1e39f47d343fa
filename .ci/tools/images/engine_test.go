//go:build integration && linux

package images

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An engine is a Docker engine of the test's own: its images and volumes are in $CUTLINE_WORK/docker, its socket is nobody else's, and it
// changes nothing of the machine's network but to add bridges, which go with it. (It has iptables for the names in its own networks.) Methods are for the test's goroutine.
type engine struct {
	host string // for DOCKER_HOST
	bin  string
}

// newEngine starts the engine that ".ci/integration images" has unpacked.
func newEngine(t *testing.T) *engine {
	t.Helper()
	work := os.Getenv("CUTLINE_WORK")
	if work == "" {
		t.Fatal("CUTLINE_WORK is not set: run .ci/integration images")
	}
	run, err := os.MkdirTemp("", "docker") // sockets have short names
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{host: "unix://" + run + "/socket", bin: filepath.Join(work, "engine/usr/bin")}
	log, err := os.Create(filepath.Join(work, "dockerd.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(work, "engine/usr/sbin/dockerd"),
		"--data-root", filepath.Join(work, "docker"), "--exec-root", filepath.Join(run, "exec"), "--pidfile", filepath.Join(run, "pid"), "-H", e.host,
		"--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
	cmd.Env, cmd.Stdout, cmd.Stderr = e.env(), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // told to
		_ = log.Close()
		_ = os.RemoveAll(run)
		if t.Failed() {
			t.Logf("the engine's log is %s", log.Name())
		}
	})
	within(t, time.Minute, "the engine answers", func() bool {
		_, err := e.try(t, nil, "docker", "version")
		return err == nil
	})
	return e
}

func (e *engine) env() []string {
	return append(os.Environ(), "PATH="+e.bin+":"+filepath.Join(e.bin, "../sbin")+":"+os.Getenv("PATH"), "DOCKER_HOST="+e.host, "DOCKER_BUILDKIT=1", "DOCKER_CONFIG="+filepath.Dir(e.bin))
}

// try runs a command that talks to the engine.
func (e *engine) try(t *testing.T, input io.Reader, name string, args ...string) (string, error) {
	t.Helper()
	if name == "docker" {
		name = filepath.Join(e.bin, name)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...) // in cleanups too
	cmd.Stdin, cmd.Env = input, e.env()
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// docker runs a command that has to succeed.
func (e *engine) docker(t *testing.T, args ...string) string {
	t.Helper()
	return e.with(t, nil, args...)
}

func (e *engine) with(t *testing.T, input io.Reader, args ...string) string {
	t.Helper()
	start := time.Now()
	out, err := e.try(t, input, "docker", args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Logf("%v: docker %s", took.Round(time.Second), strings.Join(args, " "))
	}
	return out
}

// within waits for something.
func within(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v not so: %s", limit, what)
		}
	}
}

// standIns builds what this machine cannot get: bases and servers of Debian's packages under the names that our files have for the
// official images. The linker of a program, the version of a server may differ from theirs; the instructions and arguments do not.
func (e *engine) standIns(t *testing.T) {
	t.Helper()
	work := os.Getenv("CUTLINE_WORK")
	goroot, proxy, sums := goEnv(t, "GOROOT"), goEnv(t, "GOPROXY"), goEnv(t, "GOSUMDB")
	base, err := os.Open(filepath.Join(work, "engine/base.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	var from struct{ build, native string }
	for _, s := range stages(t) {
		switch s.Name {
		case "source":
			from.build = s.BaseName
		case "native":
			from.native = s.BaseName
		}
	}
	e.with(t, base, "import", "-", from.native)
	e.with(t, strings.NewReader("FROM "+from.native+"\nCOPY bin /usr/local/go/bin\nCOPY pkg /usr/local/go/pkg\nCOPY src /usr/local/go/src\nCOPY go.env VERSION /usr/local/go/\n"+
		"ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go GOTOOLCHAIN=local GOPROXY="+proxy+" GOSUMDB="+sums+"\n"),
		"build", "-t", from.build, "-f", "-", goroot)
	servers := "FROM " + from.native + "\nRUN apt-get update && apt-get install -y --no-install-recommends nginx-light redis-server busybox && ln -s /bin/busybox /usr/local/bin/wget\n"
	for image, rest := range map[string]string{
		"redis":   "RUN mkdir /data && chown redis:redis /data\nVOLUME /data\nENTRYPOINT [\"/nothing\"]\n",
		"nginx":   "RUN mkdir /var/cache/nginx && chown -R 101:0 /var/cache/nginx /var/lib/nginx\nUSER 101\n",
		"versity": "COPY versitygw /usr/local/bin/\nENTRYPOINT [\"/nothing\"]\n",
	} {
		for _, s := range compose(t, strings.Fields(composeEnv)...).Services {
			if strings.HasPrefix(s.Image, image) {
				e.with(t, strings.NewReader(servers+rest), "build", "--network", "host", "-t", s.Image, "-f", "-", filepath.Join(work, "bin"))
			}
		}
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(out))
}

// A container is one that runs, of a network whose addresses this machine reaches.
type container struct {
	e        *engine
	name, at string
}

// serve starts an image as the Dockerfile's first lines say, and waits until it is well.
func (e *engine) serve(t *testing.T, image, cache string, args ...string) *container {
	t.Helper()
	c := &container{e: e, name: strings.ReplaceAll(image, ":", "-")}
	site, err := filepath.Abs(filepath.Join(root, "testdata/site"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = e.try(t, nil, "docker", "rm", "-f", c.name) }) // it may be gone
	e.docker(t, append(append([]string{"run", "-d", "--name", c.name, "--network", "cutline-test", "--read-only", "--cap-drop", "ALL", "--health-interval", "1s",
		"-v", site + ":/site:ro", "-v", cache + ":/var/cache/cutline"}, args...), image)...)
	within(t, 2*time.Minute, image+" is healthy", func() bool { return c.inspect(t, "{{.State.Health.Status}}") == "healthy" })
	c.at = "http://" + net.JoinHostPort(c.inspect(t, `{{(index .NetworkSettings.Networks "cutline-test").IPAddress}}`), "8080")
	return c
}

func (c *container) inspect(t *testing.T, format string) string {
	t.Helper()
	return c.e.docker(t, "inspect", "-f", format, c.name)
}

// get asks for a path of a server.
func get(t *testing.T, at, path string) (status int, header http.Header, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

// pictures asks for one in all formats.
func pictures(t *testing.T, at string) {
	t.Helper()
	for format, kind := range map[string]string{"jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "png": "image/png", "gif": "image/gif"} {
		status, header, body := get(t, at, "/p/larches-turn-below-aizkorri/w320."+format)
		if got := http.DetectContentType(body); status != http.StatusOK || header.Get("Content-Type") != kind || format != "avif" && got != kind {
			t.Errorf("%s: status %d, %s, is %s; %.200q", format, status, header.Get("Content-Type"), got, body)
		}
	}
}
