package main

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
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
		conf := &effective{config: &config{Admin: ln.Addr().String()}, origin: map[string]string{"admin": origin}}
		url, _, err := startAdmin(t.Context(), &site{config: conf}, &stack{}, slog.New(slog.NewTextHandler(&said, nil)))
		if (err != nil) != wantErr || url != "" || strings.Contains(said.String(), "nothing can be purged") == wantErr {
			t.Errorf("%s: %q, %v; it said %q", origin, url, err, said.String())
		}
	}
}

func TestDialled(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:9091": "127.0.0.1:9091", ":9091": "localhost:9091", "0.0.0.0:1": "localhost:1", "[::]:1": "localhost:1",
		"[::1]:9091": "[::1]:9091", "admin.example:80": "admin.example:80",
	} {
		if got := dialled(address); got != want {
			t.Errorf("dialled(%s) = %s, want %s", address, got, want)
		}
	}
}
