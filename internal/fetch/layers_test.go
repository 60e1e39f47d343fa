package fetch

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/source"
)

// nested is inner inside wrappers at origin, the first of paths outermost.
func nested(t *testing.T, origin *imagetest.Origin, inner string, paths ...string) source.Source {
	t.Helper()
	for _, path := range slices.Backward(paths) {
		inner = origin.URL(path + "?w=64&url=" + url.QueryEscape(inner))
	}
	return parse(t, inner)
}

// TestFetchLayers has a picture inside three wrappers, and each of the four addresses alone, in turn, that delivers it.
func TestFetchLayers(t *testing.T) {
	paths := []string{"/1/_next/image", "/2/_next/image", "/3/_next/image"}
	order := []string{paths[0], "/inner.jpg", paths[2], paths[1]}
	for i, delivers := range order {
		origin := imagetest.NewOrigin(t)
		var mu sync.Mutex
		var asked []string
		for _, path := range order {
			origin.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				asked = append(asked, r.URL.Path)
				mu.Unlock()
				if path != delivers {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("ETag", `"1"`)
				_, _ = w.Write(picture)
			}))
		}
		src := nested(t, origin, origin.URL("/inner.jpg"), paths...)
		o, err := loopback(t, Options{Accept: acceptPicture}).Fetch(t.Context(), src, Validators{})
		if err != nil || !bytes.Equal(o.Body, picture) || (o.Validators == Validators{}) != (i > 0) {
			t.Errorf("%s: got %+v, %v, want the picture, with validators of the outermost alone", delivers, o, err)
		}
		if !slices.Equal(asked, order[:i+1]) {
			t.Errorf("%s: asked %q, want %q", delivers, asked, order[:i+1])
		}
	}
}

// TestFetchLayersTimeout has four addresses that hang: each is asked once, and the whole ends when the time of one fetch is over.
func TestFetchLayersTimeout(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	paths := []string{"/1/_next/image", "/2/_next/image", "/3/_next/image"}
	for _, path := range append(paths, "/inner.jpg") {
		origin.Handle(path, imagetest.Hang())
	}
	o, err := loopback(t, Options{Timeout: 400 * time.Millisecond}).Fetch(t.Context(), nested(t, origin, origin.URL("/inner.jpg"), paths...), Validators{})
	wantError(t, o, err, ErrTimeout)
	for _, path := range append(paths, "/inner.jpg") {
		if n := origin.Hits(path); n != 1 {
			t.Errorf("%s: %d requests, want 1", path, n)
		}
	}
}

// internal are addresses that nothing may reach, as an author or a redirect can spell them.
var internal = []string{
	"http://127.0.0.1/a.jpg", "http://127.0.0.1:9091/a.jpg", "http://[::1]/a.jpg", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/a.jpg",
	"http://192.168.1.1/a.jpg", "http://0.0.0.0/a.jpg", "http://[fd00:ec2::254]/a.jpg", "http://localhost/a.jpg", "http://metadata.inside.example/a.jpg",
}

// authority is a URL's host and port as they stand in it.
func authority(src source.Source) string {
	rest := strings.TrimPrefix(src.String(), "http://")
	return rest[:strings.IndexByte(rest, '/')]
}

// TestFetchLayersGuard has an address inside two wrappers that fail: it is refused there as it would be bare, whether the author
// wrote it or the innermost public address redirects to it, and so is a middle wrapper at such an address. Nothing connects.
func TestFetchLayersGuard(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	// Three names stand for the public network, and lead to the origin. All else is judged by a server's policy, names by what
	// they resolve to.
	f := New(Options{Policy: Policy{Public: true}, Accept: acceptPicture})
	t.Cleanup(f.Close)
	var mu sync.Mutex
	var refused []string
	dialer := &net.Dialer{Control: f.guard.control}
	f.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		switch host {
		case "wrapper.example", "second.example", "third.example":
			return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(origin.URL(""), "http://"))
		case "metadata.inside.example":
			host = "169.254.169.254"
		case "localhost":
			host = "127.0.0.1"
		}
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(host, port))
		if err != nil {
			mu.Lock()
			refused = append(refused, address)
			mu.Unlock()
		}
		return conn, err
	}
	wrapped := func(inner string, hosts ...string) source.Source {
		for _, host := range slices.Backward(hosts) {
			inner = fmt.Sprintf("http://%s/_next/image?url=%s&w=64", host, url.QueryEscape(inner))
		}
		return parse(t, inner)
	}
	for _, at := range internal {
		origin.Handle("/_next/image", imagetest.Status(404))
		origin.Handle("/moved.jpg", imagetest.Redirect(302, at))
		for name, src := range map[string]source.Source{
			"bare":                   parse(t, at),
			"inside one":             wrapped(at, "wrapper.example"),
			"inside two":             wrapped(at, "wrapper.example", "second.example"),
			"inside four":            wrapped(at, "wrapper.example", "second.example", "third.example", "wrapper.example"),
			"a redirect inside two":  wrapped("http://third.example/moved.jpg", "wrapper.example", "second.example"),
			"a middle wrapper there": wrapped("http://third.example/gone.jpg", "wrapper.example", authority(parse(t, at))),
		} {
			f.hosts = newHosts()
			o, err := f.Fetch(t.Context(), src, Validators{})
			if o != nil || err == nil || !strings.Contains(err.Error(), ErrRefused.Error()) {
				t.Errorf("%s, %s: got %v, %v, want it refused", at, name, o, err)
			}
		}
	}
	// A wrapper that redirects there itself is refused there too.
	for _, at := range internal {
		origin.Handle("/_next/image", imagetest.Redirect(302, at))
		f.hosts = newHosts()
		_, err := f.Fetch(t.Context(), wrapped("http://third.example/gone.jpg", "wrapper.example", "second.example"), Validators{})
		if err == nil || strings.Count(err.Error(), ErrRefused.Error()) < 2 {
			t.Errorf("redirects to %s: got %v, want both wrappers refused", at, err)
		}
	}
	if len(refused) == 0 {
		t.Error("no name was refused when it was dialled: this test looks at nothing")
	}
}

func TestCheckLayers(t *testing.T) {
	f := New(Options{Policy: Policy{Public: true}})
	t.Cleanup(f.Close)
	inside := "http://10.0.0.1/a.jpg"
	middle := "http://10.0.0.1/_next/image?url=" + url.QueryEscape(inside)
	for text, ok := range map[string]bool{
		inside: false, middle: false,
		"https://wsrv.nl/?url=" + url.QueryEscape(middle):                                                                                    true,
		"http://10.0.0.1/_next/image?url=" + url.QueryEscape("https://wsrv.nl/?url="+url.QueryEscape(inside)):                                true,
		"http://10.0.0.1/_next/image?url=" + url.QueryEscape("http://10.0.0.2/_next/image?url="+url.QueryEscape("https://images.example/a")): true,
	} {
		if err := f.Check(parse(t, text)); (err == nil) != ok {
			t.Errorf("Check(%s) = %v", text, err)
		}
	}
}

func TestReach(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	onlyGet := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				w.WriteHeader(status)
				return
			}
			_, _ = w.Write([]byte("the deed"))
		})
	}
	for _, tt := range []struct {
		path    string
		handler http.Handler
		want    error
		hits    int
	}{
		{"/deed", imagetest.Picture([]byte("the deed")), nil, 1},
		{"/no-head", onlyGet(405), nil, 2},
		{"/head-404", onlyGet(404), nil, 2},
		{"/head-500", onlyGet(500), nil, 2},
		{"/forbidden", imagetest.Status(403), nil, 1},
		{"/members", imagetest.Status(401), nil, 1},
		{"/none", imagetest.Status(404), ErrNotFound, 2},
		{"/gone", imagetest.Status(410), ErrGone, 2},
		{"/fails", imagetest.Status(500), ErrUpstream, 2},
		{"/busy", imagetest.Status(429), ErrUpstream, 2},
		{"/moved", imagetest.Redirect(301, "/deed"), nil, 1},
		{"/inside", imagetest.Redirect(302, "http://10.0.0.1/"), ErrRefused, 1},
		{"/loop", imagetest.Redirect(302, "/loop"), ErrRefused, 4},
		{"/hangs", imagetest.Hang(), ErrTimeout, 1},
	} {
		t.Run(tt.path, func(t *testing.T) {
			origin.Handle(tt.path, tt.handler)
			f := loopback(t, Options{Timeout: time.Second})
			wantError(t, nil, f.Reach(t.Context(), parse(t, origin.URL(tt.path))), tt.want)
			if n := origin.Hits(tt.path); n != tt.hits {
				t.Errorf("%d requests, want %d", n, tt.hits)
			}
		})
	}
	wantError(t, nil, loopback(t, Options{}).Reach(t.Context(), parse(t, "/license.html")), ErrRefused)
	wantError(t, nil, New(Options{}).Reach(t.Context(), parse(t, origin.URL("/deed"))), ErrRefused)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, nil, loopback(t, Options{}).Reach(ctx, parse(t, origin.URL("/deed"))), context.Canceled)
}
