package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/source"
)

// TestWhyOriginalsAreUnavailable has one post for each way in which an origin can fail.
func TestWhyOriginalsAreUnavailable(t *testing.T) {
	picture := imagetest.JPEG(t, 40, 40)
	// A host that wants to be left alone would be, for the other rows too.
	most, busy := imagetest.NewOrigin(t), imagetest.NewOrigin(t)
	originOf := func(path string) *imagetest.Origin {
		if path == "/busy.jpg" {
			return busy
		}
		return most
	}
	tests := []struct {
		path     string
		handler  http.Handler
		severity catalog.Severity // "" finds nothing
		why      string
	}{
		{"/good.jpg", imagetest.Picture(picture), "", ""},
		{"/absent.jpg", imagetest.Status(404), catalog.Error, "its server has no such file"},
		{"/gone.jpg", imagetest.Status(410), catalog.Error, "its server says that it is gone for good"},
		{"/fails.jpg", imagetest.Status(500), catalog.Error, "its server answers with an error"},
		{"/report.jpg", imagetest.Picture([]byte("%PDF-1.7")), catalog.Error, "what is there is no picture of a format that is read"},
		{"/cut.jpg", imagetest.Truncate(picture, len(picture)/2), catalog.Error, "its server breaks off in the middle"},
		{"/empty.jpg", imagetest.Picture(nil), catalog.Error, "its server breaks off in the middle"},
		{"/large.jpg", imagetest.Endless(picture), catalog.Error, "it is larger than the limits for originals"},
		{"/busy.jpg", imagetest.With(imagetest.Status(503), "Retry-After", "60"), catalog.Warning, "its server asks to come back later"},
		{"/slow.jpg", imagetest.Hang(), catalog.Warning, "its server takes too long"},
		{"/inside.jpg", imagetest.Redirect(302, "http://10.0.0.1/secret.jpg"), catalog.Error, "its address may not be fetched; "},
	}
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8], max_bytes: 1MB, timeout: 3s}\n")
	for _, tt := range tests {
		origin := originOf(tt.path)
		origin.Handle(tt.path, tt.handler)
		post := fmt.Sprintf("---\nimage:\n  path: %s\n  alt: A\n  caption: C\n  credit: Ann\n---\n", origin.URL(tt.path))
		if err := os.WriteFile(filepath.Join(site, strings.TrimSuffix(tt.path[1:], ".jpg")+".md"), []byte(post), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: &stderr}
	if code := p.run(t.Context(), []string{"lint", "--online", "--cache", "off", site}); code != exitFailed {
		t.Errorf("exit code %d, want %d; it said:\n%s", code, exitFailed, &stderr)
	}
	found := map[string]string{}
	for line := range strings.Lines(stdout.String()) {
		if file, rest, _ := strings.Cut(line, ".md:"); strings.Contains(rest, "original-unavailable") {
			found["/"+file+".jpg"] = rest
		}
	}
	for _, tt := range tests {
		want := ""
		if tt.severity != "" {
			want = fmt.Sprintf("3: %s original-unavailable: %q cannot be shown: %s", tt.severity, originOf(tt.path).URL(tt.path), tt.why)
		}
		if got := found[tt.path]; !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: got %q, want %q", tt.path, got, want)
		}
	}
	if all := stdout.String() + stderr.String(); strings.Contains(all, "10.0.0.1") || strings.Contains(all, "secret") {
		t.Errorf("it names where a redirect leads:\n%s", all)
	}
}

// TestInterruptedLooking ends lint while an origin keeps it waiting.
func TestInterruptedLooking(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	origin.Handle("/a.jpg", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel(interrupt{syscall.SIGINT})
		imagetest.Hang().ServeHTTP(w, r)
	}))
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: &stderr}
	code := p.run(ctx, []string{"lint", "--online", "--cache", "off", remoteSite(t, origin.URL("/a.jpg"))})
	if code != 130 || stdout.Len() > 0 {
		t.Errorf("exit code %d, want 130; stdout %q, stderr %q", code, &stdout, &stderr)
	}
}

func TestLookAtIsBounded(t *testing.T) {
	sources := make([]source.Source, 3*lookers+1)
	for i := range sources {
		src, err := source.Local(fmt.Sprintf("%d.jpg", i))
		if err != nil {
			t.Fatal(err)
		}
		sources[i] = src
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var now, most int
		seen := lookAt(t.Context(), sources, func(_ context.Context, src source.Source) catalog.Original {
			count := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				now += n
				most = max(most, now)
			}
			count(1)
			time.Sleep(time.Second) // in which all that may be are looked at
			count(-1)
			return catalog.Original{Err: errors.New(src.String())}
		})
		for i, o := range seen {
			if o.Err == nil || o.Err.Error() != sources[i].String() {
				t.Errorf("%s: got %v", sources[i], o.Err)
			}
		}
		if most != lookers {
			t.Errorf("looked at %d at a time, want %d", most, lookers)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	lookAt(ctx, sources, func(_ context.Context, src source.Source) catalog.Original {
		t.Errorf("looked at %s after the end", src)
		return catalog.Original{}
	})
}
