package main

import (
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// steadyBytes of an answer have to be taken within steadyTime: 6.4 KB/s, which every telephone network has, and a client that
	// takes nothing at all is given up after the ten seconds. One deadline for the whole answer would cut off honest readers
	// of large pictures, or wait for the others as long as for them.
	steadyBytes = 64 << 10
	steadyTime  = 10 * time.Second
)

// A steadyListener's connections give up clients which take less than size bytes in limit.
type steadyListener struct {
	net.Listener
	size  int
	limit time.Duration
}

// Accept implements net.Listener.
func (l *steadyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := &steadyConn{Conn: conn, size: l.size, limit: l.limit}
	if c, ok := conn.(syscall.Conn); ok {
		if s.raw, err = c.SyscallConn(); err != nil {
			s.raw = nil // it is slower without
		}
	}
	s.take = s.offered
	return s, nil
}

// A steadyConn first offers the kernel all that is to be written. It takes most pictures whole, so that they cost one system call
// and no deadline; only the rest goes out in parts, as the client reads.
type steadyConn struct {
	net.Conn
	size  int
	limit time.Duration
	raw   syscall.RawConn // nil where the kernel cannot be asked to take what it has room for

	mu    sync.Mutex // of two Writes one waits
	take  func(fd uintptr) bool
	offer []byte // for take
	taken int    // by it
}

// SetWriteDeadline implements net.Conn, and does nothing: Write has a deadline of its own wherever it waits, and the server's, which
// would be set for every request, is for the whole of an answer.
func (s *steadyConn) SetWriteDeadline(time.Time) error { return nil }

// CloseWrite is (*net.TCPConn).CloseWrite, which the server calls where it ends a connection whose client may still be sending: it has
// the answer's end arrive before the reset that follows.
func (s *steadyConn) CloseWrite() error { return closeWrite(s.Conn) }

// closeWrite shuts the sending half of conn, where it has halves.
func closeWrite(conn net.Conn) error {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// Write implements net.Conn.
func (s *steadyConn) Write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.raw != nil {
		s.offer, s.taken = p, 0
		_ = s.raw.Write(s.take) // what went wrong, the next Write returns
		n, s.offer = s.taken, nil
	}
	for n < len(p) && err == nil {
		if err = s.Conn.SetWriteDeadline(time.Now().Add(s.limit)); err != nil {
			return n, err
		}
		var m int
		m, err = s.Conn.Write(p[n:min(n+s.size, len(p))])
		n += m
	}
	return n, err
}

func (s *steadyConn) offered(fd uintptr) bool {
	s.taken = writeOnce(fd, s.offer)
	return true // and does not wait until there is more room
}
