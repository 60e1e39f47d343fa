package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/source"
)

// picture is as good as one here: this package does not look into it. It is longer than one read and than firstBytes.
var picture = bytes.Repeat([]byte("\xff\xd8\xff\xe0 picture "), 10_000)

// sentinels are all errors of which exactly one may be in what Fetch returns.
var sentinels = []error{
	ErrRefused, ErrUnreachable, ErrTimeout, ErrNotFound, ErrGone, ErrUpstream, ErrBroken, ErrTooLarge, ErrEncoding, ErrDown,
	context.Canceled, context.DeadlineExceeded,
}

// loopback is a Fetcher that may dial 127.0.0.0/8 and nothing else.
func loopback(t testing.TB, o Options) *Fetcher {
	t.Helper()
	o.Policy.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f := New(o)
	t.Cleanup(f.Close)
	return f
}

func parse(t testing.TB, text string) source.Source {
	t.Helper()
	src, err := source.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// wantError proves that err is want and no other sentinel, and that nothing came with it.
func wantError(t *testing.T, o *Original, err, want error) {
	t.Helper()
	if o != nil {
		t.Errorf("got an original of %d bytes beside the error %v", len(o.Body), err)
	}
	for _, s := range sentinels {
		if errors.Is(err, s) != errors.Is(want, s) {
			t.Errorf("errors.Is(%v, %v) = %t; want only %v", err, s, errors.Is(err, s), want)
		}
	}
}

func TestFetch(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Handle("/a b.jpg", imagetest.With(imagetest.Picture(picture), "Cache-Control", "max-age=60", "Set-Cookie", "a=b"))
	f := loopback(t, Options{UserAgent: "cutline/1 (+https://example.org/contact)", Instance: "b7"})
	src := parse(t, origin.URL("/a b.jpg?x=%0d%0aY:z"))

	got, err := f.Fetch(t.Context(), src, Validators{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Body, picture) || got.From != src || !got.Explicit || got.Fresh > time.Minute || got.Fresh < 50*time.Second || got.NoStore {
		t.Errorf("got %d bytes from %s, fresh %s %t, no-store %t", len(got.Body), got.From, got.Fresh, got.Explicit, got.NoStore)
	}
	if !got.Modified.Equal(imagetest.OriginModified) || got.Validators.ETag == "" || got.Validators.LastModified == "" {
		t.Errorf("got modified %s, validators %+v", got.Modified, got.Validators)
	}

	again, err := f.Fetch(t.Context(), src, got.Validators)
	if err != nil {
		t.Fatal(err)
	}
	if !again.NotModified || again.Body != nil || again.Validators != got.Validators {
		t.Errorf("conditional fetch: not modified %t, %d bytes, validators %+v", again.NotModified, len(again.Body), again.Validators)
	}

	req := origin.Last("/a b.jpg")
	if want := "/a%20b.jpg?x=%0D%0AY:z"; req.RequestURI != want {
		t.Errorf("request target %q, want %q", req.RequestURI, want)
	}
	want := map[string]string{
		"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "cutline/1 (+https://example.org/contact)",
		"Via": "1.1 cutline", "Cdn-Loop": "cutline; id=b7",
		"If-None-Match": got.Validators.ETag, "If-Modified-Since": got.Validators.LastModified,
	}
	for name, values := range req.Header {
		if strings.Join(values, "|") != want[name] {
			t.Errorf("header %s: %q, want %q", name, values, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("headers not sent: %v", want)
	}
}

// TestFetchFaults has every way in which one answer can be wrong.
func TestFetchFaults(t *testing.T) {
	raw := func(text string) http.Handler { return imagetest.Raw([]byte(text)) }
	tests := []struct {
		name    string
		handler http.Handler
		want    error
	}{
		{"401", imagetest.Status(401), ErrNotFound},
		{"403", imagetest.Status(403), ErrNotFound},
		{"404", imagetest.Status(404), ErrNotFound},
		{"410", imagetest.Status(410), ErrGone},
		{"429", imagetest.With(imagetest.Status(429), "Retry-After", "9"), ErrUpstream},
		{"500", imagetest.Status(500), ErrUpstream},
		{"204", imagetest.Status(204), ErrUpstream},
		{"206", imagetest.Status(206), ErrUpstream},
		{"304 that nobody asked for", imagetest.Status(304), ErrUpstream},
		{"S33 loop detected", imagetest.Status(508), ErrRefused},
		{"L08 shorter than promised", imagetest.Truncate(picture, len(picture)/2), ErrBroken},
		{"L08 nothing of what was promised", imagetest.Truncate(picture, 0), ErrBroken},
		{"L08 without the last chunk", imagetest.TruncateChunked(picture), ErrBroken},
		{"L08 two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), ErrUnreachable},
		{"empty", imagetest.Picture(nil), ErrBroken},
		{"not HTTP", raw("SSH-2.0-OpenSSH_9.2p1\r\n"), ErrUnreachable},
		{"no answer at all", raw(""), ErrUnreachable},
		{"L10 10,000 headers", imagetest.HeaderFlood(10_000, picture), ErrUnreachable},
		{"L11 br", imagetest.With(imagetest.Picture(picture), "Content-Encoding", "br"), ErrEncoding},
		{"L11 nested gzip", imagetest.With(raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\nx")), ErrEncoding},
		{"L11 says gzip and is not", imagetest.With(imagetest.Picture(picture), "Content-Encoding", "gzip"), ErrBroken},
		{"L11 bomb", imagetest.GzipBomb(10_000_000), ErrTooLarge},
		{"L14 endless gzip members of nothing", imagetest.With(imagetest.Endless(bytes.Repeat(emptyMember(), 1000)), "Content-Encoding", "gzip"), ErrTooLarge},
		{"L14 too long by its length", imagetest.Picture(make([]byte, 1_000_001)), ErrTooLarge},
		{"L14 too long without one", imagetest.Endless(picture), ErrTooLarge},
		{"redirect without target", imagetest.Redirect(302, ""), ErrUpstream},
		{"S29 redirect to a file", imagetest.Redirect(302, "file:///etc/passwd"), ErrRefused},
		{"S29 redirect to gopher", imagetest.Redirect(302, "gopher://127.0.0.1:70/x"), ErrRefused},
		{"S29 redirect to data", imagetest.Redirect(302, "data:image/png;base64,AAAA"), ErrRefused},
		{"S29 redirect to a socket", imagetest.Redirect(302, "http+unix://%2Fvar%2Frun%2Fx/"), ErrRefused},
		{"redirect with a password", imagetest.Redirect(302, "http://user:hunter2@127.0.0.1/"), ErrRefused},
		{"redirect to no URL", imagetest.Redirect(302, "http://user:hunter2@[::1/"), ErrRefused},
	}
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/", "//192.168.1.1/"} {
			tests = append(tests, struct {
				name    string
				handler http.Handler
				want    error
			}{"S28 " + http.StatusText(code) + " to " + to, imagetest.Redirect(code, to), ErrRefused})
		}
	}
	origin := imagetest.NewOrigin(t)
	f := loopback(t, Options{MaxBytes: 1_000_000})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			origin.Handle("/a.jpg", tt.handler)
			f.hosts = newHosts() // a host that wants to be left alone does not outlast its row
			before := origin.Hits("/a.jpg")
			o, err := f.Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{})
			wantError(t, o, err, tt.want)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a password: %v", err)
			}
			// net/http asks once more when a kept connection turns out to be closed.
			if n := origin.Hits("/a.jpg") - before; n < 1 || n > 2 {
				t.Errorf("%d requests, want 1 or 2", n)
			}
			f.hosts = newHosts()
			origin.Serve("/a.jpg", picture)
			if o, err := f.Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{}); err != nil || !bytes.Equal(o.Body, picture) {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

// emptyMember is gzip for nothing at all (RFC 1952 §2.2).
func emptyMember() []byte {
	var b bytes.Buffer
	_ = gzip.NewWriter(&b).Close() // a bytes.Buffer does not fail
	return b.Bytes()
}

// TestFetchLargestLimit has a limit at which one byte more is no number.
func TestFetchLargestLimit(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Handle("/a.jpg", imagetest.Gzip(picture))
	f := loopback(t, Options{MaxBytes: math.MaxInt64})
	if o, err := f.Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{}); err != nil || !bytes.Equal(o.Body, picture) {
		t.Errorf("got %v", err)
	}
}

// TestFetchOdd has answers that are unusual and good.
func TestFetchOdd(t *testing.T) {
	raw := func(text string) http.Handler { return imagetest.Raw([]byte(text)) }
	tests := []struct {
		name    string
		handler http.Handler
		want    string
	}{
		{"L08 longer than promised: the rest is ignored", raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"), "abc"},
		{"no length, closed at the end", raw("HTTP/1.0 200 OK\r\n\r\nabcdef"), "abcdef"},
		{"L11 gzip that nobody asked for", imagetest.Gzip(picture), string(picture)},
		{"L13 wrong type", imagetest.With(imagetest.Picture(picture), "Content-Type", "text/html"), string(picture)},
		{"another newspaper's cutline", imagetest.With(imagetest.Picture(picture), "Cache-Status", "cutline; hit", "Via", "1.1 varnish, 1.1 cutline"), string(picture)},
		{"named identity", imagetest.With(imagetest.Picture(picture), "Content-Encoding", "identity"), string(picture)},
		{"exactly the limit", imagetest.Picture(make([]byte, 1_000_000)), string(make([]byte, 1_000_000))},
	}
	origin := imagetest.NewOrigin(t)
	f := loopback(t, Options{MaxBytes: 1_000_000})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			origin.Handle("/a.jpg", tt.handler)
			o, err := f.Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{})
			if err != nil {
				t.Fatal(err)
			}
			if string(o.Body) != tt.want {
				t.Errorf("got %d bytes, want %d", len(o.Body), len(tt.want))
			}
		})
	}
}

func TestFetchRetryAfter(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Handle("/a.jpg", imagetest.With(imagetest.Status(503), "Retry-After", "9"))
	_, err := loopback(t, Options{}).Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{})
	retry, ok := errors.AsType[*RetryError](err)
	if !ok || retry.After != 9*time.Second || retry.Status != 503 {
		t.Errorf("got %v, want a RetryError with 9 s and 503", err)
	}
}

func TestFetchRedirects(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/0", picture)
	for hop, to := range map[string]string{"/1": "/0#fragment", "/2": "1", "/3": origin.URL("/2"), "/4": strings.TrimPrefix(origin.URL("/3"), "http:")} {
		origin.Handle(hop, imagetest.Redirect(302, to))
	}
	origin.Serve("/100%.jpg", picture)
	origin.Handle("/percent", imagetest.Redirect(302, "/100%.jpg"))
	origin.Handle("/a", imagetest.Redirect(302, "/b"))
	origin.Handle("/b", imagetest.Redirect(302, "/a"))
	origin.Handle("/hop", imagetest.Redirect(302, "https"+strings.TrimPrefix(origin.URL("/0"), "http")))
	tests := []struct {
		name, path string
		max        int
		want       error
		requests   int
	}{
		{"none", "/0", 0, nil, 1},
		{"one", "/1", 0, nil, 2},
		{"as many as allowed", "/3", 0, nil, 4},
		{"one more", "/4", 0, ErrRefused, 4},
		{"more allowed", "/4", 4, nil, 5},
		{"none allowed", "/1", -1, ErrRefused, 1},
		{"none allowed nor met", "/0", -1, nil, 1},
		{"a circle", "/a", 0, ErrRefused, 4},
		{"a percent sign that begins no escape", "/percent", 0, nil, 2},
		{"http to https is followed", "/hop", 0, ErrUnreachable, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := origin.Total()
			src := parse(t, origin.URL(tt.path))
			o, err := loopback(t, Options{MaxRedirects: tt.max}).Fetch(t.Context(), src, Validators{})
			if tt.want != nil {
				wantError(t, o, err, tt.want)
			} else if err != nil || !bytes.Equal(o.Body, picture) || o.From != src {
				t.Errorf("got %v from %v", err, o)
			}
			if n := origin.Total() - before; n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
	if _, err := target(parse(t, "https://example.org/a"), "http://example.org/a"); !errors.Is(err, ErrRefused) {
		t.Errorf("https to http: %v, want ErrRefused", err)
	}
}

// TestFetchTimeouts has origins that keep one waiting, with limits shortened to where the suite stays quick.
func TestFetchTimeouts(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Handle("/hang", imagetest.Hang())
	origin.Handle("/stall", imagetest.Stall(picture, 100))
	origin.Handle("/drip", imagetest.Drip(picture, time.Millisecond))
	short := 50 * time.Millisecond
	tests := []struct {
		name, path string
		set        func(f *Fetcher)
	}{
		{"L04 no header in its time", "/hang", func(f *Fetcher) { f.transport.ResponseHeaderTimeout = short }},
		{"L04 nothing in the whole time", "/hang", func(f *Fetcher) { f.timeout = short }},
		{"L05 silence after the header", "/stall", func(f *Fetcher) { f.window = short }},
		{"L05 silence to the end", "/stall", func(f *Fetcher) { f.timeout = short }},
		{"L06 slower than the rate", "/drip", func(f *Fetcher) { f.window = short }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := loopback(t, Options{})
			tt.set(f)
			o, err := f.Fetch(t.Context(), parse(t, origin.URL(tt.path)), Validators{})
			wantError(t, o, err, ErrTimeout)
		})
	}
}

func TestFetchCancelled(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	f := loopback(t, Options{})
	for _, path := range []string{"/hang", "/stall", "/_next/image"} {
		t.Run(path, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			origin.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write(picture[:100])
				_ = http.NewResponseController(w).Flush()
				cancel()
				<-r.Context().Done()
			}))
			o, err := f.Fetch(ctx, parse(t, origin.URL(path+"?url=/inner")), Validators{})
			wantError(t, o, err, context.Canceled)
		})
	}
	if n := origin.Hits("/inner"); n != 0 {
		t.Errorf("the inner URL was asked for %d times after the caller had left", n)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	o, err := f.Fetch(ended, parse(t, origin.URL("/never")), Validators{})
	wantError(t, o, err, context.Canceled)
	if n := origin.Hits("/never"); n != 0 {
		t.Errorf("%d requests under an ended context", n)
	}
	late, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	origin.Handle("/hang", imagetest.Hang())
	o, err = f.Fetch(late, parse(t, origin.URL("/hang")), Validators{})
	wantError(t, o, err, context.DeadlineExceeded)
}

func TestFetchRefused(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", picture)
	_, port, _ := strings.Cut(strings.TrimPrefix(origin.URL(""), "http://"), ":")
	narrow := Policy{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}
	tests := []struct {
		name, text string
		policy     Policy
	}{
		{"literal", origin.URL("/a.jpg"), Policy{Public: true}},
		{"literal, zero policy", origin.URL("/a.jpg"), Policy{}},
		{"literal, other prefix", origin.URL("/a.jpg"), narrow},
		{"S22 name, judged when dialled", "http://localhost:" + port + "/a.jpg", narrow},
		{"S41 name with default port", "http://localhost/a.jpg", Policy{Public: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New(Options{Policy: tt.policy})
			t.Cleanup(f.Close)
			o, err := f.Fetch(t.Context(), parse(t, tt.text), Validators{})
			wantError(t, o, err, ErrRefused)
		})
	}
	if n := origin.Total(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	origin.Close()
	o, err := loopback(t, Options{}).Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{})
	wantError(t, o, err, ErrUnreachable)
}

// TestTransport looks at what no loopback server can show: net/http takes no proxy for loopback, whatever the environment
// says, and a proxy would dial in our place, past the guard.
func TestTransport(t *testing.T) {
	transport := New(Options{}).transport
	if transport.Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
	if transport.TLSHandshakeTimeout != tlsTimeout || transport.ResponseHeaderTimeout != 5*time.Second {
		t.Errorf("got %s for TLS, %s for the header", transport.TLSHandshakeTimeout, transport.ResponseHeaderTimeout)
	}
	if patient := New(Options{Timeout: time.Minute}).transport.ResponseHeaderTimeout; patient != 20*time.Second {
		t.Errorf("with a timeout of a minute, %s for the header, want 20s", patient)
	}
}

// TestRedirectIsCheckedBeforeDialling expects that nothing is looked up or dialled for a target that the policy refuses.
func TestRedirectIsCheckedBeforeDialling(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Handle("/a.jpg", imagetest.Redirect(302, "http://10.0.0.1/b.jpg"))
	f := loopback(t, Options{})
	var dials atomic.Int64
	dial := f.transport.DialContext
	f.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return dial(ctx, network, address)
	}
	o, err := f.Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{})
	wantError(t, o, err, ErrRefused)
	if n := dials.Load(); n != 1 {
		t.Errorf("dialled %d times, want once, for the origin", n)
	}
}

// TestFetchPerHost proves that no more than PerHost requests are under way at one origin.
func TestFetchPerHost(t *testing.T) {
	const perHost, fetches = 2, 12
	var now, most atomic.Int64
	origin := imagetest.NewOrigin(t)
	origin.Handle("/a.jpg", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		imagetest.Picture(picture).ServeHTTP(w, r)
	}))
	f := loopback(t, Options{PerHost: perHost})
	var wg sync.WaitGroup
	for range fetches {
		wg.Go(func() {
			if _, err := f.Fetch(t.Context(), parse(t, origin.URL("/a.jpg")), Validators{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if origin.Hits("/a.jpg") != fetches || most.Load() > perHost {
		t.Errorf("%d requests, at most %d at a time; want %d and %d", origin.Hits("/a.jpg"), most.Load(), fetches, perHost)
	}
}

func BenchmarkFetch(b *testing.B) {
	origin := imagetest.NewOrigin(b)
	origin.Serve("/a.jpg", picture)
	f := loopback(b, Options{})
	src := parse(b, origin.URL("/a.jpg"))
	b.SetBytes(int64(len(picture)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Fetch(b.Context(), src, Validators{}); err != nil {
			b.Fatal(err)
		}
	}
}
