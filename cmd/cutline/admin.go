package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/dd8bf596/cutline/proxy"
)

// startAdmin listens on the admin address, beside the public one and until stop. url is where; it is "" where there is no
// admin listener: where it is off, or where something else has the default address, which is no reason not to serve.
func startAdmin(ctx context.Context, s *site, st *stack, log *slog.Logger) (url string, stop func(), err error) {
	conf := s.config
	if conf.Admin == adminOff {
		return "", func() {}, nil
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", conf.Admin)
	switch {
	case err == nil:
	case conf.origin["admin"] == originDefault:
		log.Warn("no admin listener, so nothing can be purged or read again; --admin takes another address", "address", conf.Admin, "err", err)
		return "", func() {}, nil
	default:
		return "", nil, fmt.Errorf("admin: cannot listen on %s: %w", conf.Admin, plainReason(err))
	}
	server := &http.Server{
		Handler:           st.proxy.AdminHandler(proxy.AdminOptions{Token: conf.AdminToken, Volatile: st.cacheDir == memoryOnly}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      5 * time.Minute, // a purge of everything, on a slow disk
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin listener failed", "err", err)
		}
	}()
	return baseURL(ln.Addr()), func() { stopAdmin(ctx, server); <-done }, nil
}

// adminGrace is for a purge under way when the program ends.
const adminGrace = 2 * time.Second

func stopAdmin(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminGrace)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // it has nothing to say that Shutdown has not
	}
}
