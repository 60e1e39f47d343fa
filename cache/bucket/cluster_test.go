//go:build integration && unix

package bucket

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
	"github.com/dd8bf596/cutline/internal/imagetest"
)

// versitygw runs a real S3 server and returns its address.
func versitygw(t *testing.T) string {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", imagetest.S3ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", imagetest.S3Secret)
	return "http://" + imagetest.S3(t).Address
}

func realURL(endpoint, prefix string) string {
	return "s3://pictures?prefix=" + prefix + "&region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape(endpoint)
}

// TestClusterS3 runs the suite against a real S3 server.
func TestClusterS3(t *testing.T) {
	endpoint := versitygw(t)
	var n atomic.Int64
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store {
			return openStore(t, Options{URL: realURL(endpoint, fmt.Sprint("case-", n.Add(1)))})
		},
		Reopen: func(t testing.TB, s cache.Store) cache.Store {
			return openStore(t, s.(*Store).o)
		},
		FirstWins: true,
	})
}

// TestClusterS3Public verifies that a real server keeps what others are told.
func TestClusterS3Public(t *testing.T) {
	s := openStore(t, Options{URL: realURL(versitygw(t), "public")})
	k := cache.NewKey(cache.Rendition, "public")
	o := cachetest.Object(k, 1, 2000)
	o.Public = &cache.Public{ContentType: "image/webp", Labels: map[string]string{"alt": "Ein Café", "credit": "© Zoë"}}
	put(t, s, k, o)
	want(t, s, k, o)
	a, err := s.bucket.Attributes(t.Context(), s.name(k))
	if err != nil {
		t.Fatal(err)
	}
	if a.ContentType != "image/webp" || a.CacheControl != forever || a.Metadata["alt"] != "Ein Café" || a.Metadata["credit"] != "© Zoë" || a.Size != 2000 {
		t.Errorf("%q, %q, %v, %d bytes", a.ContentType, a.CacheControl, a.Metadata, a.Size)
	}
}

// TestClusterS3Faults verifies what comes of faults between us and a real server, and of its refusals.
func TestClusterS3Faults(t *testing.T) {
	endpoint := versitygw(t)
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var fail atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	through := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host }, // the host that was signed stays
	}
	f := newFakeS3(t) // for its listener: what does not fail goes through
	f.failing(func(w http.ResponseWriter, r *http.Request) bool {
		if fail := fail.Load(); fail == nil || !(*fail)(w, r) {
			through.ServeHTTP(w, r)
		}
		return true
	})
	s := openStore(t, Options{URL: realURL(f.server.URL, "faults"), FirstByte: time.Second})
	k := cache.NewKey(cache.Rendition, "kept")
	o := cachetest.Object(k, 1, 50_000)
	put(t, s, k, o)
	want(t, s, k, o)
	cut := func(w http.ResponseWriter, r *http.Request) bool {
		through.ServeHTTP(&cutWriter{ResponseWriter: w, left: 20_000}, r)
		panic(http.ErrAbortHandler)
	}
	slow := func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	down := func(w http.ResponseWriter, _ *http.Request) bool {
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return true
	}
	for name, c := range map[string]func(http.ResponseWriter, *http.Request) bool{"cut": cut, "slow": slow, "slow down": down} {
		before := f.asked.Load()
		fail.Store(&c)
		if _, err := s.Get(t.Context(), k); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("%s: Get = %v, want ErrMiss", name, err)
		}
		fail.Store(nil)
		if n := f.asked.Load() - before; n > tries {
			t.Errorf("%s: asked %d times, want %d at most", name, n, tries)
		}
		want(t, s, k, o)
	}
	if n := s.Stats().Corrupt; n != 0 {
		t.Errorf("%d objects counted as damaged: the network was", n)
	}
	// Altered on the server: removed, and put again.
	if err := s.bucket.WriteAll(t.Context(), s.name(k), []byte("other bytes"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), k); !errors.Is(err, cache.ErrDamaged) || s.Stats().Corrupt != 1 {
		t.Errorf("Get = %v, %d corrupt; want ErrDamaged and 1", err, s.Stats().Corrupt)
	}
	put(t, s, k, o)
	want(t, s, k, o)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	if err := openStore(t, Options{URL: realURL(endpoint, "faults")}).Try(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("with a wrong secret: %v, want ErrRefused", err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	missing := "s3://missing?prefix=a&region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape(endpoint)
	if err := openStore(t, Options{URL: missing}).Try(t.Context()); !errors.Is(err, ErrNoBucket) {
		t.Errorf("of a bucket that is missing: %v, want ErrNoBucket", err)
	}
}

// A cutWriter lets so many bytes of a body through.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (w *cutWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.left)
	w.left -= n
	if n, err := w.ResponseWriter.Write(b[:n]); err != nil {
		return n, err
	}
	if w.left == 0 {
		return n, errors.New("cut")
	}
	return n, nil
}
