package main

import (
	"net/http"
	"time"
)

const (
	// steadyBytes of an answer have to be taken within steadyTime: 6.4 KB/s, which every telephone network has, and a client that
	// takes nothing at all is given up after the ten seconds. One deadline for the whole answer would cut off honest readers
	// of large pictures, or wait for the others as long as for them.
	steadyBytes = 64 << 10
	steadyTime  = 10 * time.Second
)

// steady has next answer through a writer that gives up clients which take less than size bytes in limit.
func steady(next http.Handler, size int, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &steadyWriter{ResponseWriter: w, control: http.NewResponseController(w), size: size, limit: limit}
		next.ServeHTTP(s, r)
		s.extend() // for what the server has yet to flush
	})
}

type steadyWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	size    int
	limit   time.Duration
}

// Write implements http.ResponseWriter.
func (s *steadyWriter) Write(p []byte) (n int, err error) {
	for {
		s.extend()
		part := p[n:min(n+s.size, len(p))]
		m, err := s.ResponseWriter.Write(part)
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

func (s *steadyWriter) extend() {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.limit)) // a writer without deadlines, in a test, has none to miss
}

// Unwrap is for http.ResponseController.
func (s *steadyWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
