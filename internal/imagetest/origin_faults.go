package imagetest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// With adds header fields, given as name, value, name, value …, to what next answers. A value replaces the one that next
// would otherwise compute, so With("Content-Type", "text/html") lies about a picture.
func With(next http.Handler, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		next.ServeHTTP(w, r)
	})
}

// Status answers with a status code and a short HTML body, which no client should ever take for a picture.
func Status(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		if code >= 200 && code != http.StatusNoContent && code != http.StatusNotModified {
			fmt.Fprintf(w, "<html>%d</html>", code)
		}
	})
}

// Redirect sends clients to a URL, taken literally: it need not be a valid one. A handler that redirects to its own path
// is a loop.
func Redirect(code int, to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{to}
		w.WriteHeader(code)
	})
}

// Flap fails with code for the first n requests, then hands over to next.
func Flap(n int, code int, next http.Handler) http.Handler {
	var seen atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) <= int64(n) {
			Status(code).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Gate holds each request until open is closed or the client hangs up, then hands over to next. Tests use it to have
// several requests under way at once.
func Gate(open <-chan struct{}, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-open:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// Hang accepts the request and never answers; it returns when the client hangs up or the Origin is closed.
func Hang() http.Handler { return Gate(nil, nil) }

// Stall promises the whole body, sends its first n bytes, and then nothing until the client hangs up.
func Stall(body []byte, n int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

// Drip promises the whole body and sends it byte by byte, one per interval.
func Drip(body []byte, interval time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for i := range body {
			if _, err := w.Write(body[i : i+1]); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	})
}

// Truncate sends the first n bytes of body under the Content-Length of all of them, then cuts the connection.
func Truncate(body []byte, n int) http.Handler {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(body))
	return Raw(append([]byte(head), body[:n]...))
}

// TruncateChunked sends body in chunked coding without the last chunk, then cuts the connection.
func TruncateChunked(body []byte) http.Handler {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", len(body))
	return Raw(append([]byte(head), body...))
}

// Raw writes response to the connection as it is, status line and headers included, and closes it.
func Raw(response []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // an Origin speaks HTTP/1.1 only, where every connection can be hijacked
		}
		defer conn.Close()
		_, _ = buffered.Write(response)
		_ = buffered.Flush()
	})
}

// Gzip sends body compressed, whether or not the client asked for it.
func Gzip(body []byte) http.Handler {
	packed := pack(body)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed)
	})
}

// GzipBomb sends size zero bytes compressed, about a thousandth of that on the wire.
func GzipBomb(size int) http.Handler { return Gzip(make([]byte, size)) }

func pack(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // a bytes.Buffer does not fail
	_ = z.Close()
	return b.Bytes()
}

// Endless sends body again and again, without a length, until the client hangs up.
func Endless(body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(body); err != nil {
				return
			}
		}
	})
}

// HeaderFlood answers with n header fields of about 100 bytes each before body.
func HeaderFlood(n int, body []byte) http.Handler {
	value := strings.Repeat("x", 80)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range n {
			w.Header().Set("X-Flood-"+strconv.Itoa(i), value)
		}
		_, _ = w.Write(body)
	})
}
