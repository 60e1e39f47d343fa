package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// originals are what a renderer would have, by address; all else is not found.
type originals map[string]string

func (o originals) Revalidate(_ context.Context, src source.Source) (*render.Original, error) {
	body, ok := o[src.String()]
	if !ok {
		return nil, &render.Error{Class: render.NotFound, Source: src, Err: fetch.ErrNotFound}
	}
	return &render.Original{Sum: sha256.Sum256([]byte(body)), Info: transform.Info{Format: transform.JPEG, Width: 2000, Height: 1000}}, nil
}

// TestBetterAddress takes an address only from where the picture was seen to come from.
func TestBetterAddress(t *testing.T) {
	wrap := func(inner string) string { return "https://wsrv.nl/?url=" + url.QueryEscape(inner) }
	const inner, secure = "http://images.example.org/a.jpg", "https://images.example.org/a.jpg"
	for _, tt := range []struct {
		name, src string
		has       originals
		want      string
		failed    bool
	}{
		{"nothing better", secure, originals{secure: "a"}, "", false},
		{"the same over https", inner, originals{inner: "a", secure: "a"}, secure, false},
		{"another over https", inner, originals{inner: "a", secure: "b"}, "", false},
		{"nothing over https", inner, originals{inner: "a"}, "", false},
		{"https, but nothing to compare with", inner, originals{secure: "a"}, "", false},
		{"inside a wrapper", wrap(secure), originals{wrap(secure): "small", secure: "a"}, secure, false},
		{"inside a wrapper that is dead", wrap(secure), originals{secure: "a"}, secure, false},
		{"dead inside a wrapper", wrap(secure), originals{wrap(secure): "small"}, "", true},
		{"http inside a wrapper", wrap(inner), originals{wrap(inner): "small", inner: "a"}, inner, false},
		{"http inside a wrapper, and https", wrap(inner), originals{wrap(inner): "small", inner: "a", secure: "a"}, secure, false},
		{"http inside a wrapper, another over https", wrap(inner), originals{inner: "a", secure: "b"}, inner, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, err := source.Parse(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			l := &looker{renderer: tt.has, log: slog.New(slog.DiscardHandler)}
			if seen := l.look(t.Context(), src); seen.Better.String() != tt.want || (seen.BetterErr != nil) != tt.failed {
				t.Errorf("got %q, %v, want %q", seen.Better, seen.BetterErr, tt.want)
			}
		})
	}
}

func TestWants(t *testing.T) {
	for _, tt := range []struct {
		spec string
		w, h int
		want string
	}{
		{"w1600", 1600, 10, ""},
		{"w1600", 1599, 4000, "at least 1600 pixels wide"},
		{"w800-dpr2", 1599, 4000, "at least 1600 pixels wide"},
		{"h900", 2000, 899, "at least 900 pixels high"},
		{"w1600-h900", 1600, 100, ""},
		{"w1600-h900", 1000, 900, ""},
		{"w1600-h900", 1000, 800, "at least 1600 pixels wide or 900 high"},
		{"w1600-h900-cover", 1600, 899, "at least 1600 × 900 pixels"},
		{"w1600-h900-cover", 1600, 900, ""},
	} {
		spec, err := transform.ParseSpec(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := wants(spec, tt.w, tt.h); got != tt.want {
			t.Errorf("%s of %d × %d: %q, want %q", tt.spec, tt.w, tt.h, got, tt.want)
		}
	}
	if got := wants(transform.Spec{}, 1, 1); got != "" {
		t.Errorf("no preset wants %q", got)
	}
}

// TestLookingOnline has a post for each finding that only a look at the picture brings.
func TestLookingOnline(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/large.jpg", imagetest.JPEG(t, 400, 300))
	origin.Serve("/small.jpg", imagetest.JPEG(t, 320, 200))
	origin.Serve("/page.jpg", []byte("<!doctype html><title>Sign in</title>"))
	origin.Serve("/deed", []byte("<!doctype html>"))
	origin.Handle("/deed-gone", imagetest.Status(410))
	origin.Handle("/deed-none", imagetest.Status(404))
	origin.Handle("/deed-members", imagetest.Status(403))
	origin.Handle("/deed-busy", imagetest.With(imagetest.Status(503), "Retry-After", "60"))
	site := writeSite(t, "fetch: {allow_private: [127.0.0.0/8]}\npresets: {hero: w400}\nlint: {insecure-url: off}\n")
	if err := os.WriteFile(filepath.Join(site, "odd.jpg"), imagetest.PNG(t, 400, 300, false), 0o600); err != nil {
		t.Fatal(err)
	}
	wrapper := func(inner string) string {
		return origin.URL("/_next/image?url=" + url.QueryEscape(origin.URL(inner)))
	}
	origin.Handle("/_next/image", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(imagetest.JPEG(t, 400, 300)) }))
	tests := []struct{ name, path, license, want string }{
		{"good", origin.URL("/large.jpg"), origin.URL("/deed"), ""},
		{"small", origin.URL("/small.jpg"), "", "3: warning small-original: the picture is 320 × 200 pixels, too small for the hero preset: use a file that is at least 400 pixels wide\n"},
		{"page", origin.URL("/page.jpg"), "", fmt.Sprintf("3: error not-an-image: %q is a web page (HTML), not a picture: open it ", origin.URL("/page.jpg"))},
		{"odd", "/odd.jpg", "", `3: warning wrong-extension: "odd.jpg" holds a picture of another format (png), which web servers announce wrongly: rename it to end in .png`},
		{"gone", origin.URL("/large.jpg"), origin.URL("/deed-gone"), fmt.Sprintf("3: warning dead-license: the license %q leads nowhere: its server says that it is gone for good: ", origin.URL("/deed-gone"))},
		{"none", origin.URL("/large.jpg"), origin.URL("/deed-none#x"), fmt.Sprintf("3: warning dead-license: the license %q leads nowhere: its server has no such page: ", origin.URL("/deed-none#x"))},
		{"members", origin.URL("/large.jpg"), origin.URL("/deed-members"), ""},
		{"named", origin.URL("/large.jpg"), "CC BY 4.0", ""},
		{"wrapped", wrapper("/large.jpg"), "", "3: warning wrapped-url: the URL is Next.js's wrapper, which may stop working: use the picture's own address " + origin.URL("/large.jpg")},
		{"deadinside", wrapper("/none.jpg"), "", "3: warning wrapped-url: the URL is Next.js's wrapper, which may stop working, and the picture cannot be had from its own address " +
			origin.URL("/none.jpg") + " (its server has no such file, or hands it out to nobody but its own pages): save the picture in the site\n"},
	}
	for _, tt := range tests {
		post := fmt.Sprintf("---\nimage:\n  path: %s\n  alt: A\n  caption: C\n  credit: Ann\n  license: %q\n---\n", tt.path, tt.license)
		if err := os.WriteFile(filepath.Join(site, tt.name+".md"), []byte(post), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: &stderr}
	p.run(t.Context(), []string{"lint", "--online", "--cache", "off", site})
	found := map[string]string{}
	for line := range strings.Lines(stdout.String()) {
		file, rest, _ := strings.Cut(line, ".md:")
		found[file] += rest
	}
	for _, tt := range tests {
		if got := found[tt.name]; !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if t.Failed() {
		t.Logf("it said:\n%s", &stderr)
	}
	for path, want := range map[string]int{"/deed": 1, "/deed-none": 2} {
		if n := origin.Hits(path); n != want {
			t.Errorf("%s: %d requests, want %d", path, n, want)
		}
	}

	// --fix takes the wrapper off where the picture was seen to come from inside it, and leaves the other.
	stdout.Reset()
	p.run(t.Context(), []string{"lint", "--online", "--fix", "--dry-run", "--cache", "off", site})
	if diff := stdout.String(); !strings.Contains(diff, "+++ b/wrapped.md") || strings.Contains(diff, "deadinside.md") {
		t.Errorf("the diff is\n%s", diff)
	}
}

// TestPassingLicenses says nothing of a license whose server is slow or busy.
func TestPassingLicenses(t *testing.T) {
	for err, dead := range map[error]bool{
		nil: false, fetch.ErrNotFound: true, fetch.ErrGone: true, fetch.ErrUnreachable: true, fetch.ErrRefused: true,
		fetch.ErrTimeout: false, fetch.ErrUpstream: false, fetch.ErrBroken: false, &fetch.DownError{}: false, &fetch.RetryError{After: time.Second}: false,
	} {
		site := writeSite(t, "")
		if err := os.WriteFile(filepath.Join(site, "a.md"), []byte("---\nimage: {path: https://a.example/a.jpg, license: https://l.example/}\n---\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		p := program{stdout: &out, stderr: &out}
		cmd := p.lintCommand()
		s, openErr := p.openSite(cmd, site)
		if openErr != nil {
			t.Fatal(openErr)
		}
		c, scanErr := s.scan(t.Context(), withDrafts)
		s.close()
		if scanErr != nil {
			t.Fatal(scanErr)
		}
		l := &looker{fetcher: reacher{err}, log: slog.New(slog.DiscardHandler)}
		if got := l.deadLicenses(t.Context(), c)["https://l.example/"]; (got != nil) != dead || errors.Is(got, fetch.ErrNotFound) {
			t.Errorf("%v: got %v", err, got)
		}
	}
}

// A reacher answers everything alike.
type reacher struct{ err error }

func (r reacher) Reach(context.Context, source.Source) error { return r.err }
