package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestHealthIsAskedBriefly verifies that a server that does not answer, sends elsewhere, or is stopping is not well.
func TestHealthIsAskedBriefly(t *testing.T) {
	hang := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/hangs", func(http.ResponseWriter, *http.Request) { <-hang })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, "/well", http.StatusFound) })
	mux.HandleFunc("/ends", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "shutting down\nsoon", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ready\x1b[2J\n")) })
	s := httptest.NewServer(mux)
	defer s.Close()
	defer close(hang)
	for _, tt := range []struct{ path, said, failed string }{
		{"/hangs", "", "within 50ms"},
		{"/moved", "", "answers 302"},
		{"/ends", "", "answers 503: shutting down"},
	} {
		limit := 50 * time.Millisecond
		if tt.path != "/hangs" {
			limit = time.Minute
		}
		if said, err := askHealth(t.Context(), s.URL+tt.path, limit); said != "" || err == nil || !strings.Contains(err.Error(), tt.failed) {
			t.Errorf("%s: %q, %v; want an error with %q", tt.path, said, err, tt.failed)
		}
	}
	if said, err := askHealth(t.Context(), s.URL+"/well", time.Minute); err != nil || !strings.HasPrefix(said, "ready") || strings.Contains(said, "\x1b") {
		t.Errorf("/well: %q, %v", said, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := askHealth(ctx, s.URL+"/well", time.Minute); err == nil {
		t.Error("who is interrupted is told that all is well")
	}
}
