package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/dd8bf596/cutline/internal/telemetry"
	"github.com/dd8bf596/cutline/proxy"
)

// listen opens the public address and the admin one. admin is nil where there is none: where it is off, or where something else
// has the default address, which is no reason not to serve.
func listen(ctx context.Context, conf *effective, log *slog.Logger) (public, admin net.Listener, err error) {
	if public, err = (&net.ListenConfig{}).Listen(ctx, "tcp", conf.Listen); err != nil {
		return nil, nil, listenError(conf.Listen, err)
	}
	if conf.Admin == adminOff {
		return public, nil, nil
	}
	admin, err = (&net.ListenConfig{}).Listen(ctx, "tcp", conf.Admin)
	switch {
	case err == nil:
		return public, admin, nil
	case conf.origin["admin"] == originDefault:
		log.Warn("no admin listener, so nothing can be purged or read again; --admin takes another address", "address", conf.Admin, "err", err)
		return public, nil, nil
	}
	return nil, nil, errors.Join(fmt.Errorf("admin: cannot listen on %s: %w", conf.Admin, plainReason(err)), public.Close())
}

// addresses are what listeners, of which some may be nil, listen on.
func addresses(listeners ...net.Listener) (all []netip.AddrPort) {
	for _, ln := range listeners {
		if ln == nil {
			continue
		}
		if at, err := netip.ParseAddrPort(ln.Addr().String()); err == nil { // TCP's always are
			all = append(all, at)
		}
	}
	return all
}

// startAdmin serves on ln, beside the public listener and until stop. url is where; it is "" where ln is nil.
func startAdmin(ctx context.Context, ln net.Listener, s *site, st *stack, log *slog.Logger) (url string, stop func()) {
	conf := s.config
	if ln == nil {
		return "", func() {}
	}
	server := &http.Server{
		Handler: st.proxy.AdminHandler(proxy.AdminOptions{
			Token: conf.adminToken, Volatile: st.cacheDir == memoryOnly, Metrics: st.metrics.Handler(log), Profiles: telemetry.Profiles(),
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      5 * time.Minute, // a purge of everything, on a slow disk
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		// "OPTIONS *" too is answered with the headers that all answers have.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin listener failed", "err", err)
		}
	}()
	return baseURL(ln.Addr()), func() { stopAdmin(ctx, server); <-done }
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
