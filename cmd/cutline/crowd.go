package main

import (
	stdlist "container/list"
	"net"
	"net/http"
	"sync"
)

// A crowd is a listener that keeps no more than a number of connections open, so that clients who only hold on to theirs
// leave files for the cache and sockets for originals. One more closes the connection that has been without a request for
// longest: kept alive after its last one, or still waiting for the header of its first. That costs an honest client a new
// connection and a hostile one the attack. Where all connections are at work, newcomers wait in the kernel's queue.
type crowd struct {
	net.Listener
	most int
	left chan struct{} // has one when a connection has gone since somebody looked

	once   sync.Once
	closed chan struct{} // by Close

	mu    sync.Mutex
	conns map[net.Conn]*stdlist.Element // in idle; nil while at work
	idle  *stdlist.List                 // of net.Conn, longest first
}

// newCrowd makes a crowd of at most most connections, at least one. Its watch must be the server's ConnState.
func newCrowd(ln net.Listener, most int) *crowd {
	return &crowd{
		Listener: ln, most: max(most, 1), left: make(chan struct{}, 1), closed: make(chan struct{}),
		conns: make(map[net.Conn]*stdlist.Element), idle: stdlist.New(),
	}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for !c.admit(conn) {
		select {
		case <-c.left:
		case <-c.closed:
			_ = conn.Close() // it was never looked at
			return nil, net.ErrClosed
		}
	}
	return conn, nil
}

// admit counts conn in, in the place of one that is idle where there is no other; false means that it has to wait.
func (c *crowd) admit(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.conns) >= c.most {
		longest := c.idle.Front()
		if longest == nil {
			return false
		}
		old := longest.Value.(net.Conn)
		c.remove(old)
		_ = old.Close() // the server's read fails, and it tidies up
	}
	c.conns[conn] = c.idle.PushBack(conn)
	return true
}

// watch is for http.Server.ConnState. A connection whose request's header is not yet complete is http.StateNew or
// http.StateIdle. States of a connection that was closed for another one are of no interest.
func (c *crowd) watch(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, ours := c.conns[conn]
	switch {
	case !ours:
	case state == http.StateActive && place != nil:
		c.idle.Remove(place)
		c.conns[conn] = nil
	case state == http.StateIdle && place == nil:
		c.conns[conn] = c.idle.PushBack(conn)
		c.tell()
	case state == http.StateClosed, state == http.StateHijacked:
		c.remove(conn)
		c.tell()
	}
}

// remove takes conn out. The caller holds mu.
func (c *crowd) remove(conn net.Conn) {
	if place := c.conns[conn]; place != nil {
		c.idle.Remove(place)
	}
	delete(c.conns, conn)
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
