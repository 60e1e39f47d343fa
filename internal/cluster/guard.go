package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// dialFunc is what rueidis dials with.
type dialFunc func(ctx context.Context, address string, d *net.Dialer, t *tls.Config) (net.Conn, error)

// guardDial is dial, by default over TCP or TLS, whose connections are guarded.
func guardDial(dial dialFunc) dialFunc {
	return func(ctx context.Context, address string, d *net.Dialer, t *tls.Config) (conn net.Conn, err error) {
		switch {
		case dial != nil:
			conn, err = dial(ctx, address, d, t)
		case t != nil:
			conn, err = (&tls.Dialer{NetDialer: d, Config: t}).DialContext(ctx, "tcp", address)
		default:
			conn, err = d.DialContext(ctx, "tcp", address)
		}
		if err != nil {
			return nil, err
		}
		return &guarded{Conn: conn}, nil
	}
}

// errLies is what a connection fails with that sends what no Redis sends.
var errLies = errors.New("redis: what came is no answer to what was asked")

// guarded is a connection that ends where what comes is malformed, larger than anything that is asked for, or more than was asked
// for. The client takes a server at its word: it makes room for as many elements as one announces, and gives up the whole process over
// an answer that nobody asked for.
type guarded struct {
	net.Conn
	asked  counter // commands that went out
	answer counter // answers that came in
}

// Write counts commands. They are counted before they are sent, as answers may come at once.
func (g *guarded) Write(p []byte) (int, error) {
	if err := g.asked.count(p); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

// Read lets through what answers a command.
func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 {
		if cerr := g.answer.count(p[:n]); cerr != nil || g.answer.done.Load() > g.asked.done.Load() {
			_ = g.Close()
			return 0, errLies
		}
	}
	return n, err
}
