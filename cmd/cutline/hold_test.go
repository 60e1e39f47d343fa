package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRefusedHeadersAreRead verifies that a client whose header is too long reads the whole refusal, although it has sent what
// nobody takes.
func TestRefusedHeadersAreRead(t *testing.T) {
	address := serveCrowd(t, 4, &http.Server{Handler: http.HandlerFunc(hello), MaxHeaderBytes: 16 << 10, ReadHeaderTimeout: time.Minute})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") || !strings.HasSuffix(string(answer), "Too Large") {
		t.Errorf("%q, %v, want 431, to its end", answer, err)
	}
}

// TestUnreadAnswersEnd verifies that a client which sends one request after the other and takes none of the small answers is given
// up, as one that does not take a large one.
func TestUnreadAnswersEnd(t *testing.T) {
	const limit = 200 * time.Millisecond
	failed := make(chan error, 1)
	address := serveSteadily(t, 4, steadyBytes, limit, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.WriteString(w, strings.Repeat("x", 60<<10)); err != nil {
				failed <- err
			}
		})})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		if !isTimeout(err) {
			t.Errorf("%v, want a timeout", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the server still waits")
	}
	if got, err := request(dial(t, address), "/"); len(got) != 60<<10 || err != nil {
		t.Errorf("an honest client: %d bytes, %v", len(got), err)
	}
}
