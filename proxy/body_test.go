package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestBodies verifies that a body which does not come holds up no answer and no connection for longer than a second, as the read timeout
// would, and that one which does come is no matter.
func TestBodies(t *testing.T) {
	d := newDesk(t)
	server := httptest.NewUnstartedServer(d.Handler())
	server.Config.ReadTimeout = time.Minute
	server.Start()
	t.Cleanup(server.Close)
	for _, tt := range []struct {
		name, header, body string
		stays              bool // the connection does
	}{
		{"none", "", "", true},
		{"whole", "Content-Length: 5", "hello", true},
		{"whole and chunked", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", true},
		{"missing", "Content-Length: 5", "", false},
		{"cut off", "Content-Length: 5", "hel", false},
		{"missing chunks", "Transfer-Encoding: chunked", "", false},
		{"long", "Content-Length: 100000", strings.Repeat("x", 100_000), false},
		{"very long", "Content-Length: 1000000000", "hello", false},
		{"announced", "Content-Length: 5\r\nExpect: 100-continue", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			start, in := time.Now(), bufio.NewReader(conn)
			ask := func(header, body string) error {
				if header != "" {
					header += "\r\n"
				}
				if _, err := fmt.Fprintf(conn, "GET /p/fox/hero.webp HTTP/1.1\r\nHost: x\r\n%s\r\n%s", header, body); err != nil {
					return err
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				if got, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || err != nil || len(got) == 0 {
					return fmt.Errorf("%d, %d bytes, %w", resp.StatusCode, len(got), err)
				}
				return nil
			}
			if err := ask(tt.header, tt.body); err != nil {
				t.Fatal(err)
			}
			if err := ask("", ""); (err == nil) != tt.stays {
				t.Errorf("one more request: %v, want that the connection stays: %t", err, tt.stays)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("held for %v", took)
			}
		})
	}
}
