package imagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// OriginModified is the Last-Modified date of everything that Origin.Serve serves.
var OriginModified = time.Date(2024, time.March, 9, 16, 30, 0, 0, time.UTC)

// An Origin is an HTTP server on 127.0.0.1 that serves pictures, counts who asks for them, and misbehaves on request:
//
//	o := imagetest.NewOrigin(t)
//	o.Serve("/a.jpg", body)                        // as a good origin would: ETag, Last-Modified, 304, Range
//	o.Handle("/b.jpg", imagetest.Truncate(body, 100)) // promises more than it sends
//	… fetch o.URL("/a.jpg") …
//	o.Hits("/a.jpg")                               // 1
//
// Paths are as in URL.Path: decoded, with the leading slash, without query. A path that nothing is set for is a 404 and
// is counted too. All methods are safe for concurrent use, also while requests are under way.
type Origin struct {
	server *httptest.Server

	mu       sync.Mutex
	handlers map[string]http.Handler
	hits     map[string]int
	last     map[string]*http.Request
}

// NewOrigin starts an Origin; it is closed when the test ends.
func NewOrigin(t testing.TB) *Origin {
	t.Helper()
	o := &Origin{handlers: map[string]http.Handler{}, hits: map[string]int{}, last: map[string]*http.Request{}}
	o.server = httptest.NewUnstartedServer(o)
	// Clients that hang up in the middle are what these tests are about; the server need not report each.
	o.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	o.server.Start()
	t.Cleanup(o.Close)
	return o
}

// Serve answers path with body from the next request on, as a well-behaved origin does: with Content-Length, a strong
// ETag made from the bytes, Last-Modified, conditional requests and ranges. It says nothing about freshness.
func (o *Origin) Serve(path string, body []byte) {
	o.Handle(path, Picture(body))
}

// Handle answers path with h from the next request on.
func (o *Origin) Handle(path string, h http.Handler) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handlers[path] = h
}

// URL is the absolute URL of path, which is put behind the server's address as it is: escape it where need be.
func (o *Origin) URL(path string) string { return o.server.URL + path }

// Hits is how many requests for path have arrived since the start.
func (o *Origin) Hits(path string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hits[path]
}

// Total is how many requests have arrived since the start, whatever their path.
func (o *Origin) Total() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	total := 0
	for _, n := range o.hits {
		total += n
	}
	return total
}

// Last is the latest request for path, without its body; nil when there was none.
func (o *Origin) Last(path string) *http.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last[path]
}

// Close cuts all connections, which releases every handler that hangs, and stops the server. It may be called twice, to
// play an origin that has gone away.
func (o *Origin) Close() {
	o.server.CloseClientConnections()
	o.server.Close()
}

// ServeHTTP counts the request and hands it to the path's handler.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.hits[r.URL.Path]++
	o.last[r.URL.Path] = r.Clone(r.Context())
	h := o.handlers[r.URL.Path]
	o.mu.Unlock()
	if h == nil {
		h = http.NotFoundHandler()
	}
	h.ServeHTTP(w, r)
}

// Picture is the handler that Origin.Serve installs.
func Picture(body []byte) http.Handler {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", OriginModified, bytes.NewReader(body))
	})
}
