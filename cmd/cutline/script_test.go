package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cutline": main})
}

// TestScripts runs testdata/script/*.txtar, one behaviour each, against the real program. Beside testscript's own commands
// they have:
//
//	exits CODE PROGRAM [ARG...]    runs it and checks the exit code; stdout and stderr are for the checks that follow
//	serve [-files N] [ARG...]      starts "cutline serve ARG...", with at most N open files, on a free port of 127.0.0.1, and
//	                               waits until it listens; sets $URL, $ADDRESS and $ADMIN
//	hold N                         opens N connections to the server and says nothing on them until the script ends
//	get [-H 'NAME: VALUE'] [-head] STATUS PATH    asks the server; prints status, headers and, for text, the body on stdout
//	signal NAME CODE               sends INT or TERM and checks the exit code; what the server said is on stderr
//
// $SITE is the example site of the repository; $PICTURES is a folder with fox.jpg, of 400 × 300 pixels, and owl.png, of 50 × 40 and
// transparent.
func TestScripts(t *testing.T) {
	siteFolder, err := filepath.Abs("../../testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	pictures := map[string][]byte{"fox.jpg": imagetest.JPEG(t, 400, 300), "owl.png": imagetest.PNG(t, 50, 40, true)}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SITE", siteFolder)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache"))
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Values[serverKey{}] = &scriptServer{}
			e.Setenv("PICTURES", filepath.Join(e.WorkDir, "pictures"))
			if err := os.Mkdir(filepath.Join(e.WorkDir, "pictures"), 0o700); err != nil {
				return err
			}
			for name, body := range pictures {
				if err := os.WriteFile(filepath.Join(e.WorkDir, "pictures", name), body, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "serve": cmdServe, "hold": cmdHold, "get": cmdGet, "signal": cmdSignal,
		},
	})
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// serverKey finds the script's scriptServer.
type serverKey struct{}

// A scriptServer is a "cutline serve" under way.
type scriptServer struct {
	cmd  *exec.Cmd
	said chan string // all of stderr, when it has ended
}

// opened is the line that tells the address.
var opened = regexp.MustCompile(`(?m)^  open +(http://\S+)/$|"url":"(http://[^"]+)/"`)

// administered is the line before it, which tells the admin listener's.
var administered = regexp.MustCompile(`^  admin +http://(\S+)$`)

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(serverKey{}).(*scriptServer)
	if neg || s.cmd != nil {
		ts.Fatalf("usage: serve [ARG...], once until signal")
	}
	program, err := exec.LookPath("cutline")
	ts.Check(err)
	var limit []string
	if len(args) > 1 && args[0] == "-files" {
		limit = []string{"sh", "-c", "ulimit -n " + args[1] + ` && exec "$0" "$@"`}
		args = args[2:]
	}
	line := slices.Concat(limit, []string{program, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = ts.MkAbs(".")
	// A picture's ten seconds are few for the race detector, under which a worker compiles an encoder, beside other packages' tests.
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+ts.Getenv("XDG_CACHE_HOME"), "CUTLINE_LIMITS_TIMEOUT=1m")
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	address, said, admin := make(chan string, 1), make(chan string, 1), ""
	go func() {
		var all strings.Builder
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			if m := administered.FindStringSubmatch(lines.Text()); m != nil {
				admin = m[1]
			}
			if m := opened.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1] + m[2]
			}
		}
		close(address)
		said <- all.String()
	}()
	s.cmd, s.said = cmd, said
	ts.Defer(func() {
		if s.cmd == cmd {
			_ = cmd.Process.Kill() // the script failed before its signal
			_ = cmd.Wait()
		}
	})
	url, ok := <-address
	if !ok {
		ts.Fatalf("serve ended before it listened:\n%s", <-said)
	}
	ts.Setenv("URL", url)
	ts.Setenv("ADMIN", admin)
	ts.Setenv("ADDRESS", strings.TrimPrefix(url, "http://"))
}

func cmdHold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for range n {
		conn, err := net.Dial("tcp", ts.Getenv("ADDRESS")) //nolint:noctx // testscript has no context to end it by
		ts.Check(err)
		ts.Defer(func() { _ = conn.Close() })
	}
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(serverKey{}).(*scriptServer)
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}
	if neg || s.cmd == nil || len(args) != 2 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal INT|TERM CODE, after serve")
	}
	ts.Check(s.cmd.Process.Signal(signals[args[0]]))
	said := <-s.said
	_ = s.cmd.Wait() // the exit code is looked at below
	_, err := io.WriteString(ts.Stderr(), said)
	ts.Check(err)
	if got := s.cmd.ProcessState.ExitCode(); strconv.Itoa(got) != args[1] {
		ts.Fatalf("exit code %d, want %s; it said:\n%s", got, args[1], said)
	}
	s.cmd = nil
}

func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, ts.Getenv("URL"), nil)
	ts.Check(err)
	for len(args) > 2 {
		switch args[0] {
		case "-head":
			req.Method, args = http.MethodHead, args[1:]
		case "-H":
			name, value, _ := strings.Cut(args[1], ": ")
			req.Header.Set(name, value)
			args = args[2:]
		default:
			ts.Fatalf("unknown option %s", args[0])
		}
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get [-H 'NAME: VALUE'] [-head] STATUS PATH")
	}
	req.URL, err = req.URL.Parse(args[1])
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	var answer bytes.Buffer
	answer.WriteString(resp.Status + "\n")
	ts.Check(resp.Header.Write(&answer))
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "image/") {
		answer.Write(body)
	}
	_, err = answer.WriteTo(ts.Stdout())
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("status %s, want %s\n%s", resp.Status, args[0], body)
	}
}
