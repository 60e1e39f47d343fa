package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// TestServiceManagerIsTold starts the program as systemd does, with a socket to be told by.
func TestServiceManagerIsTold(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	if err := heard.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("cutline") // testscript.Main has put this very program there
	if err != nil {
		t.Fatal(err)
	}
	site := writeSite(t, "fetch: {hosts: [images.example.org]}\n")
	cmd := exec.CommandContext(t.Context(), program, "serve", "--listen", "127.0.0.1:0", "--admin", "off", "--cache", "off", "--workers", "0", site)
	cmd.Env = append(settingsEnv(), "NOTIFY_SOCKET="+socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		b := make([]byte, 256)
		n, err := heard.Read(b)
		if got := string(b[:n]); err != nil || !regexp.MustCompile(`^`+want+`$`).MatchString(got) {
			t.Fatalf("heard %q, %v: want %q", got, err, want)
		}
	}
	expect("READY=1")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	expect("RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n")
	expect("READY=1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expect("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}
