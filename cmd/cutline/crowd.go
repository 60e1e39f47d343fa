package main

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A crowd is a listener that keeps no more than a number of connections open, so that clients who only hold on to theirs
// leave files for the cache and sockets for originals. One more closes the connection that has been without a request for
// longest: kept alive after its last one, or still waiting for the header of its first. That costs an honest client a new
// connection and a hostile one the attack. Where all connections are at work, newcomers wait in the kernel's queue.
//
// A request changes a field of its own connection alone: what all share is touched when one comes or goes.
type crowd struct {
	net.Listener
	most  int
	start time.Time
	left  chan struct{} // has one when a connection has gone, or may be closed, since somebody looked
	full  atomic.Bool   // somebody waits for left

	once   sync.Once
	closed chan struct{} // by Close

	mu      sync.Mutex
	members map[*member]struct{}
}

// A member is a connection of a crowd.
type member struct {
	net.Conn
	// idle is since when it has been without a request, in nanoseconds after the crowd's start, at least 1; 0 while it has one.
	idle atomic.Int64
}

// CloseWrite is the connection's own, which an embedded net.Conn hides from the server.
func (m *member) CloseWrite() error { return closeWrite(m.Conn) }

// newCrowd makes a crowd of at most most connections, at least one. Its watch must be the server's ConnState.
func newCrowd(ln net.Listener, most int) *crowd {
	return &crowd{
		Listener: ln, most: max(most, 1), start: time.Now(), left: make(chan struct{}, 1), closed: make(chan struct{}),
		members: make(map[*member]struct{}),
	}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	m := &member{Conn: conn}
	c.rest(m)
	for !c.admit(m) {
		select {
		case <-c.left:
		case <-c.closed:
			_ = conn.Close() // it was never looked at
			return nil, net.ErrClosed
		}
	}
	return m, nil
}

// admit counts m in, in the place of one that is idle where there is no other; false means that it has to wait.
func (c *crowd) admit(m *member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.members) >= c.most {
		c.full.Store(true) // before it looks: who becomes idle now is seen, or tells
		longest := c.longestIdle()
		if longest == nil {
			return false
		}
		delete(c.members, longest)
		_ = longest.Close() // the server's read fails, and it tidies up
	}
	c.full.Store(false)
	c.members[m] = struct{}{}
	return true
}

// longestIdle is the member that has been without a request for longest, nil where all have one. The caller holds mu. It looks at
// each: some 20 µs for 8,192, and only where the crowd is full.
func (c *crowd) longestIdle() (longest *member) {
	var since int64
	for m := range c.members {
		if idle := m.idle.Load(); idle != 0 && (longest == nil || idle < since) {
			longest, since = m, idle
		}
	}
	return longest
}

func (c *crowd) rest(m *member) { m.idle.Store(max(int64(time.Since(c.start)), 1)) }

// watch is for http.Server.ConnState. A connection whose request's header is not yet complete is http.StateNew or
// http.StateIdle. States of a connection that was closed for another one are of no interest.
func (c *crowd) watch(conn net.Conn, state http.ConnState) {
	m, ours := conn.(*member)
	switch {
	case !ours:
	case state == http.StateActive:
		m.idle.Store(0)
	case state == http.StateIdle:
		c.rest(m)
		if c.full.Load() {
			c.tell()
		}
	case state == http.StateClosed, state == http.StateHijacked:
		c.mu.Lock()
		delete(c.members, m)
		c.mu.Unlock()
		c.tell()
	}
}

// size is how many connections are open.
func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.members)
}

// tell wakes Accept.
func (c *crowd) tell() {
	select {
	case c.left <- struct{}{}:
	default:
	}
}

// Close implements net.Listener.
func (c *crowd) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}
