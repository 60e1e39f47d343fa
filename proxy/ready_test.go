package proxy

import (
	"errors"
	"net/http"
	"testing"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// TestReadiness verifies that what is served worse than it could be is served, and that what ends is not.
func TestReadiness(t *testing.T) {
	d := newDesk(t)
	probe := func(path string, status int, want string) {
		t.Helper()
		if resp, body := d.get(path); resp.StatusCode != status || body != want || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q, want %d %q", path, resp.StatusCode, body, status, want)
		}
	}
	probe("/readyz", http.StatusOK, "ready\n")
	var reasons []string
	d.o.Degraded = func() []string { return reasons }
	probe("/readyz", http.StatusOK, "ready\n")
	reasons = []string{"the disk is slow", "the moon is full"}
	probe("/readyz", http.StatusOK, "degraded: the disk is slow; the moon is full\n")
	reasons = nil
	d.scans(func(*catalog.Catalog) (*catalog.Catalog, error) { return nil, errors.New("no") })
	d.rescan(http.StatusInternalServerError)
	probe("/readyz", http.StatusOK, "degraded: the posts could not be read again\n")
	d.scans(func(last *catalog.Catalog) (*catalog.Catalog, error) { return last, nil })
	d.rescan(http.StatusOK)
	probe("/readyz", http.StatusOK, "ready\n")
	reasons = []string{"the disk is slow"}
	d.SetReady(false)
	probe("/readyz", http.StatusServiceUnavailable, "shutting down\n")
	probe("/livez", http.StatusOK, "alive\n")
}

// TestNothingToServe verifies that a server without anything to serve is not ready, and one that may serve hosts is.
func TestNothingToServe(t *testing.T) {
	d := newDesk(t)
	d.current.Store(newSnapshot(&catalog.Catalog{}, d.room(), nil))
	if resp, body := d.get("/readyz"); resp.StatusCode != http.StatusServiceUnavailable || body != "no picture may be served\n" || d.Stats().Ready {
		t.Errorf("%d %q, ready %v; want 503", resp.StatusCode, body, d.Stats().Ready)
	}
	d.o.Hosts = []string{"images.example"}
	if resp, body := d.get("/readyz"); resp.StatusCode != http.StatusOK || !d.Stats().Ready {
		t.Errorf("%d %q, ready %v; want 200", resp.StatusCode, body, d.Stats().Ready)
	}
}
