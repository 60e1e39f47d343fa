package imagetest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"
	"time"
)

// get fetches path as a client that decodes nothing and follows nothing.
func get(t *testing.T, o *Origin, path string, fields ...string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.URL(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func TestOriginServe(t *testing.T) {
	o := NewOrigin(t)
	o.Serve("/a b.jpg", []byte("body"))
	resp, body, err := get(t, o, "/a%20b.jpg?q=1", "X-Mark", "yes")
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != "body" || resp.ContentLength != 4 {
		t.Fatalf("got %v, %q, %v", resp, body, err)
	}
	if o.Hits("/a b.jpg") != 1 || o.Last("/a b.jpg").Header.Get("X-Mark") != "yes" || o.Last("/b") != nil {
		t.Errorf("hits %d, last %v", o.Hits("/a b.jpg"), o.Last("/a b.jpg"))
	}
	for _, condition := range [][2]string{{"If-None-Match", resp.Header.Get("ETag")}, {"If-Modified-Since", resp.Header.Get("Last-Modified")}} {
		if resp, body, err := get(t, o, "/a%20b.jpg", condition[0], condition[1]); err != nil || resp.StatusCode != http.StatusNotModified || len(body) != 0 {
			t.Errorf("%s: got %v, %q, %v", condition[0], resp, body, err)
		}
	}
	if resp, _, err := get(t, o, "/none"); err != nil || resp.StatusCode != http.StatusNotFound || o.Hits("/none") != 1 || o.Total() != 4 {
		t.Errorf("got %v, %v, hits %d of %d", resp, err, o.Hits("/none"), o.Total())
	}
}

func TestOriginFaults(t *testing.T) {
	o := NewOrigin(t)
	body := bytes.Repeat([]byte("0123456789"), 100)
	open := make(chan struct{})
	close(open)
	tests := []struct {
		name    string
		handler http.Handler
		status  int
		want    []byte
		broken  bool
	}{
		{"status", Status(503), 503, []byte("<html>503</html>"), false},
		{"no body where none may be", Status(304), 304, nil, false},
		{"redirect", Redirect(307, "gopher://x y"), 307, nil, false},
		{"truncate", Truncate(body, 10), 200, body[:10], true},
		{"truncate chunked", TruncateChunked(body), 200, body, true},
		{"gate", Gate(open, Picture(body)), 200, body, false},
		{"drip", Drip(body[:20], time.Millisecond), 200, body[:20], false},
		{"gzip", Gzip(body), 200, pack(body), false},
		{"header flood", HeaderFlood(100, body), 200, body, false},
		{"lie", With(Picture(body), "Content-Type", "text/html"), 200, body, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o.Handle("/a", tt.handler)
			resp, got, err := get(t, o, "/a")
			if resp == nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || !bytes.Equal(got, tt.want) || (err != nil) != tt.broken {
				t.Errorf("got %d, %d bytes, %v; want %d, %d bytes, broken %t", resp.StatusCode, len(got), err, tt.status, len(tt.want), tt.broken)
			}
		})
	}
}

func TestOriginFlap(t *testing.T) {
	o := NewOrigin(t)
	o.Handle("/a", Flap(2, 500, Picture([]byte("x"))))
	for i, want := range []int{500, 500, 200, 200} {
		if resp, _, err := get(t, o, "/a"); err != nil || resp.StatusCode != want {
			t.Errorf("request %d: got %v, %v; want %d", i, resp, err, want)
		}
	}
}

func TestOriginGzipBomb(t *testing.T) {
	o := NewOrigin(t)
	o.Handle("/a", GzipBomb(1_000_000))
	_, packed, err := get(t, o, "/a")
	if err != nil || len(packed) > 2000 {
		t.Fatalf("got %d bytes, %v", len(packed), err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, z); n != 1_000_000 || err != nil {
		t.Errorf("unpacked to %d bytes, %v", n, err)
	}
}

// TestOriginClose proves that closing releases handlers that hang, and the clients that wait for them.
func TestOriginClose(t *testing.T) {
	o := NewOrigin(t)
	arrived := make(chan struct{}, 2)
	for path, h := range map[string]http.Handler{"/hang": Hang(), "/stall": Stall([]byte("0123456789"), 5)} {
		o.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			h.ServeHTTP(w, r)
		}))
	}
	ended := make(chan error, 2)
	for _, path := range []string{"/hang", "/stall"} {
		go func() {
			_, _, err := get(t, o, path)
			ended <- err
		}()
	}
	<-arrived
	<-arrived
	o.Close()
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a client got a whole answer")
		}
	}
	o.Close()
}
