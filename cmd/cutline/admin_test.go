package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestAdminAddressTaken verifies that something else on the default address is no reason not to serve, and that it is one on
// an address that somebody chose.
func TestAdminAddressTaken(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for origin, wantErr := range map[string]bool{originDefault: false, "cutline.yaml:3": true} {
		var said bytes.Buffer
		conf := &effective{config: &config{Listen: "127.0.0.1:0", Admin: ln.Addr().String()}, origin: map[string]string{"admin": origin}}
		public, admin, err := listen(t.Context(), conf, slog.New(slog.NewTextHandler(&said, nil)))
		if err == nil {
			_ = public.Close()
		}
		url := addresses(admin)
		if (err != nil) != wantErr || url != nil || strings.Contains(said.String(), "nothing can be purged") == wantErr {
			t.Errorf("%s: %v, %v; it said %q", origin, url, err, said.String())
		}
	}
}

// TestPurgeReachesTheOrigin has a picture purged through the whole program, from memory and disk, while its origin has another.
func TestPurgeReachesTheOrigin(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", imagetest.JPEG(t, 40, 40))
	s := startServe(t, "--cache", t.TempDir(), remoteSite(t, origin.URL("/a.jpg")))
	defer s.stop(t)
	purge := func(how ...string) {
		t.Helper()
		p := program{stdout: io.Discard, stderr: t.Output()}
		if code := p.run(t.Context(), append([]string{"purge", "--admin", s.admin, "--post", "one"}, how...)); code != 0 {
			t.Errorf("purge %v ends with %d", how, code)
		}
	}
	for i, tt := range []struct {
		purge []string // nil for none
		want  int      // status
		calls int      // of the origin, in all
	}{
		{nil, 200, 1},
		{nil, 200, 1},
		{[]string{}, 200, 2},
		{[]string{"--gone"}, 410, 2},
		{nil, 410, 2},
		{[]string{"--restore"}, 200, 3},
	} {
		if tt.purge != nil {
			purge(tt.purge...)
		}
		code, err := status(s.url + "/p/one/w24.jpg")
		if calls := origin.Hits("/a.jpg"); err != nil || code != tt.want || calls != tt.calls {
			t.Errorf("step %d: status %d, %v after %d requests; want %d after %d", i, code, err, calls, tt.want, tt.calls)
		}
	}
}

func TestDialled(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:9091": "127.0.0.1:9091", ":9091": "127.0.0.1:9091", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "[::1]:1",
		"[::1]:9091": "[::1]:9091", "admin.example:80": "admin.example:80",
	} {
		if got := dialled(address); got != want {
			t.Errorf("dialled(%s) = %s, want %s", address, got, want)
		}
	}
}
