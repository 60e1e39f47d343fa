package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// What goes on behind answers is given up at the end, and that is no failure: a service manager takes the server for well.
func TestCloseGivesUp(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	asked := make(chan struct{})
	hang := imagetest.Hang()
	origin.Handle("/hangs.jpg", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		hang.ServeHTTP(w, r)
	}))
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\n")
	writePost(t, site, "hangs", origin.URL("/hangs.jpg"))
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	st := stackOf(t, site, "0", slog.New(slog.NewTextHandler(log, nil)))
	st.grace = time.Millisecond
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		st.proxy.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/p/hangs/w320.jpg", nil))
	}()
	<-asked
	leave()
	<-left
	if err := st.close(); err != nil {
		t.Errorf("close: %v, want none", err)
	}
	if said, err := os.ReadFile(log.Name()); err != nil || !strings.Contains(string(said), `msg="work behind answers given up" after=1ms`) {
		t.Errorf("the log says: %s, %v", said, err)
	}
}
