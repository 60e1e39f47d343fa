//go:build integration && linux

package images

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A fleet is what the Compose file starts.
type fleet struct {
	e       *engine
	env, at string
}

// newFleet starts it with images that are here, and waits until all are healthy.
func newFleet(t *testing.T, e *engine) *fleet {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f := &fleet{e: e, env: filepath.Join(t.TempDir(), "env"), at: "http://" + address}
	if err := os.WriteFile(f.env, []byte(composeEnv+"LISTEN="+address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := f.try(t, "logs", "--no-color", "--tail", "10") // as much as there is
			t.Log(out)
		}
		_, _ = f.try(t, "down", "-v", "-t", "5") // what is left goes with the engine's folder
	})
	f.compose(t, "up", "-d", "--no-build", "--wait", "--quiet-pull")
	return f
}

func (f *fleet) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	file := filepath.Join(root, "internal/deploy/compose/compose.yaml")
	return f.e.try(t, nil, filepath.Join(os.Getenv("CUTLINE_WORK"), "bin/docker-compose"), append([]string{"-f", file, "--env-file", f.env}, args...)...)
}

func (f *fleet) compose(t *testing.T, args ...string) string {
	t.Helper()
	out, err := f.try(t, args...)
	if err != nil {
		t.Fatalf("docker compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// in runs a command in a service's container.
func (f *fleet) in(t *testing.T, service string, command ...string) (string, error) {
	t.Helper()
	return f.try(t, append([]string{"exec", "-T", service}, command...)...)
}

func (f *fleet) must(t *testing.T, service string, command ...string) string {
	t.Helper()
	return f.compose(t, append([]string{"exec", "-T", service}, command...)...)
}
