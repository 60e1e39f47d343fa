package main

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serveCrowd serves at most most clients, through server, and returns the address.
func serveCrowd(t *testing.T, most int, server *http.Server) string {
	t.Helper()
	return serveSteadily(t, most, steadyBytes, steadyTime, server)
}

// serveSteadily is serveCrowd with other bounds on readers.
func serveSteadily(t *testing.T, most, size int, limit time.Duration, server *http.Server) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(&steadyListener{Listener: ln, size: size, limit: limit}, most)
	server.ConnState, server.ErrorLog = c.watch, log.New(io.Discard, "", 0)
	done := make(chan error, 1)
	go func() { done <- server.Serve(c) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
		if c.mu.Lock(); len(c.members) > most {
			t.Errorf("%d connections counted, want at most %d", len(c.members), most)
		}
		c.mu.Unlock()
	})
	return ln.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// request sends one request over conn and returns the answer's body.
func request(conn net.Conn, path string) (string, error) {
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// Clients who hold hundreds of connections, silent, in the middle of a header, or kept alive, keep nobody out.
func TestCrowdMakesRoom(t *testing.T) {
	const most = 4
	address := serveCrowd(t, most, &http.Server{Handler: http.HandlerFunc(hello), ReadHeaderTimeout: time.Hour})
	var held []net.Conn
	for i := range 50 {
		conn := dial(t, address)
		switch i % 3 {
		case 0:
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nX-Slow: ") // it may have been closed already
		case 1:
			_, _ = request(conn, "/")
		}
		held = append(held, conn)
		if got, err := request(dial(t, address), "/"); got != "hello" || err != nil {
			t.Fatalf("with %d connections held: %q, %v, want hello", len(held), got, err)
		}
	}
	closed := 0
	for _, conn := range held {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := io.ReadAll(conn); !isTimeout(err) {
			closed++
		}
	}
	if closed < len(held)-most {
		t.Errorf("%d of %d held connections were closed, want all but %d at most", closed, len(held), most)
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// Connections at work are not closed for others: those wait, and are answered when one has gone.
func TestCrowdWaitsForThoseAtWork(t *testing.T) {
	const most = 3
	entered, release := make(chan struct{}, most), make(chan struct{})
	address := serveCrowd(t, most, &http.Server{ReadHeaderTimeout: time.Hour, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/work" {
			entered <- struct{}{}
			<-release
		}
		hello(w, r)
	})})
	answers := make(chan string, most+1)
	send := func(path string) {
		conn := dial(t, address)
		go func() {
			got, err := request(conn, path)
			if err != nil {
				got = err.Error()
			}
			answers <- got
		}()
	}
	for range most {
		send("/work")
		<-entered
	}
	send("/")
	close(release)
	for range most + 1 {
		if got := <-answers; got != "hello" {
			t.Errorf("got %q, want hello", got)
		}
	}
}

// Closing ends an Accept that waits for room.
func TestCrowdCloses(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(ln, 1)
	dial(t, ln.Addr().String())
	conn, err := c.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.watch(conn, http.StateActive)
	dial(t, ln.Addr().String())
	done := make(chan error, 1)
	go func() {
		_, err := c.Accept()
		done <- err
	}()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept = %v, want net.ErrClosed", err)
	}
}

func TestConnectionsLeaveFiles(t *testing.T) {
	for files, want := range map[uint64]int{0: 8192, 256: 128, 1024: 512, 1 << 20: 8192, 1 << 63: 8192} {
		if got := connections(files); got != want {
			t.Errorf("connections(%d) = %d, want %d", files, got, want)
		}
	}
}

// A header that does not end is given up, whatever drips in.
func TestSlowHeadersAreCutOff(t *testing.T) {
	address := serveCrowd(t, 100, &http.Server{Handler: http.HandlerFunc(hello), ReadHeaderTimeout: 50 * time.Millisecond})
	conn := dial(t, address)
	go func() {
		for _, b := range []byte("GET / HTTP/1.1\r\n" + strings.Repeat("X-Slow: x\r\n", 1000)) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := io.ReadAll(conn); isTimeout(err) {
		t.Errorf("read = %v, want the connection closed", err)
	}
	if got, err := request(dial(t, address), "/"); got != "hello" || err != nil {
		t.Errorf("an honest client: %q, %v", got, err)
	}
}

// A client that stops reading frees what it holds, and one that reads on is not cut off however long it takes in all.
func TestSlowReaders(t *testing.T) {
	const size, limit = 4 << 10, 500 * time.Millisecond
	large := strings.Repeat("x", 64<<20) // more than the kernel buffers
	failed := make(chan error, 1)
	address := serveSteadily(t, 100, size, limit, &http.Server{ReadHeaderTimeout: time.Minute, WriteTimeout: limit, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			n, err := io.WriteString(w, large)
			if err == nil && n != len(large) {
				err = io.ErrShortWrite
			}
			failed <- err
		})})
	stalled := dial(t, address)
	if _, err := io.WriteString(stalled, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !isTimeout(err) {
		t.Errorf("to a client that does not read: %v, want a timeout", err)
	}
	slow := dial(t, address)
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, start := 0, time.Now()
	for err == nil {
		var n int64
		n, err = io.CopyN(io.Discard, resp.Body, 1<<20)
		got += int(n)
		time.Sleep(limit / 20)
	}
	if got != len(large) || !errors.Is(err, io.EOF) || time.Since(start) < 2*limit {
		t.Errorf("the slow reader got %d bytes in %v, %v, want %d in more than %v", got, time.Since(start), err, len(large), 2*limit)
	}
	if err := <-failed; err != nil {
		t.Errorf("to a client that reads slowly: %v", err)
	}
}
