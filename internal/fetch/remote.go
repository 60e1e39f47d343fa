package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/dd8bf596/cutline/internal/source"
)

// accept asks for the formats that every engine decodes. AVIF is left to the wildcard: negotiating origins make it on the
// fly from the original that we would rather have.
const accept = "image/webp,image/png,image/jpeg,image/gif;q=0.9,image/*;q=0.8,*/*;q=0.5"

// Reasons for which a fetch ends itself, as causes of its context.
var (
	errDeadline = errors.New("the time for the whole fetch is over")
	errSlow     = errors.New("the body comes too slowly")
)

// newTransport makes the only http.Transport there is. HTTP/2 stays off: one connection per picture keeps the per-host
// cap a cap on pictures, and its attack surface is not needed.
func newTransport(g guard, perHost int, header time.Duration) *http.Transport {
	dialer := &net.Dialer{
		Timeout: dialTimeout,
		Control: g.control,
		// The C library's resolver takes "127.1" and "0x7f000001" for addresses; Go's does not.
		Resolver: &net.Resolver{PreferGo: true},
	}
	return &http.Transport{
		Proxy:                  nil, // a proxy would dial in our place, past the guard
		DialContext:            dialer.DialContext,
		DisableCompression:     true, // content codings are decoded in receive, under its limit
		MaxResponseHeaderBytes: headerBytes,
		ResponseHeaderTimeout:  header,
		TLSHandshakeTimeout:    tlsTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxConnsPerHost:        perHost,
		MaxIdleConns:           100,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
}

// attempt brings one URL, redirects included, within limit.
func (f *Fetcher) attempt(ctx context.Context, src source.Source, prior Validators, limit time.Duration) (*Original, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(limit, func() { cancel(errDeadline) })
	defer timer.Stop()

	resp, v, err := f.follow(ctx, http.MethodGet, src, prior)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	original, err := f.take(ctx, cancel, resp, prior)
	v.end(ctx, resp.StatusCode, err)
	if err != nil {
		return nil, err
	}
	original.From = src
	return original, nil
}

// take makes an original of a response, or one of this package's errors.
func (f *Fetcher) take(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response, prior Validators) (*Original, error) {
	now := time.Now()
	original := describe(resp.Header, now)
	switch {
	case resp.StatusCode == http.StatusNotModified && prior != Validators{}:
		original.NotModified = true
		original.Validators = prior.update(original.Validators)
		return original, nil
	case resp.StatusCode != http.StatusOK:
		return nil, statusError(resp.StatusCode, resp.Header, now)
	}
	var err error
	original.Body, err = f.receive(ctx, cancel, resp)
	if err != nil {
		return nil, err
	}
	return original, nil
}

// follow asks for src, by GET or HEAD, and goes where redirects point, as long as each could have been asked for in the first place. They
// are followed here and not by http.Client, which would parse them by its own rules and add a Referer. The visit is that to
// the host whose response is returned; the caller ends it.
func (f *Fetcher) follow(ctx context.Context, method string, src source.Source, prior Validators) (*http.Response, visit, error) {
	for hop := 0; ; hop++ {
		v, err := f.hosts.enter(src)
		if err != nil {
			return nil, visit{}, err
		}
		resp, err := f.ask(ctx, method, src, prior)
		if err != nil {
			said := classify(ctx, err, ErrUnreachable)
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
				v.end(ctx, 0, errOurs)
			} else {
				v.end(ctx, 0, said)
			}
			return nil, visit{}, said
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return resp, v, nil
		}
		_ = resp.Body.Close() // nothing was read that could be lost
		v.end(ctx, resp.StatusCode, nil)
		if hop == f.maxRedirects {
			return nil, visit{}, fmt.Errorf("%w: more than %d redirects", ErrRefused, f.maxRedirects)
		}
		next, err := target(src, resp.Header.Get("Location"))
		if err != nil {
			return nil, visit{}, err
		}
		src = next
	}
}

// ask sends one GET or HEAD, if the policy lets it. Of our own client's request there is nothing in it but the cutlines that it came through.
func (f *Fetcher) ask(ctx context.Context, method string, src source.Source, prior Validators) (*http.Response, error) {
	if err := f.check(src); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, src.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", f.userAgent)
	req.Header.Set("Via", "1.1 "+loopName)
	req.Header.Set("CDN-Loop", f.loop(ctx))
	if prior.ETag != "" {
		req.Header.Set("If-None-Match", prior.ETag)
	}
	if prior.LastModified != "" {
		req.Header.Set("If-Modified-Since", prior.LastModified)
	}
	return f.transport.RoundTrip(req)
}

// target is where a redirect from src points. A Location that is no URL is refused like one that may
// not be asked for: readers of URLs differ, so that what one cannot read another takes for an address.
func target(src source.Source, location string) (source.Source, error) {
	if location == "" {
		return source.Source{}, fmt.Errorf("%w: redirect without Location", ErrUpstream)
	}
	next, err := src.Resolve(location)
	if err != nil {
		return source.Source{}, fmt.Errorf("%w: redirect: %v", ErrRefused, err)
	}
	if next.Insecure() && !src.Insecure() {
		return source.Source{}, fmt.Errorf("%w: redirect from https to http", ErrRefused)
	}
	return next, nil
}

// classify gives err one of this package's errors, and only one: what it wraps is kept as text, so that no context error
// and no error of net/http shows through. A guard's refusal comes out as it is; other is for what nothing else explains.
func classify(ctx context.Context, err, other error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %v", ErrTimeout, cause)
	}
	if errors.Is(err, ErrRefused) {
		if dial, ok := errors.AsType[*net.OpError](err); ok {
			return dial.Err
		}
		return err
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("%w: %v", ErrTimeout, err)
	}
	return fmt.Errorf("%w: %v", other, err)
}
