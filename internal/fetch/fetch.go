// Package fetch brings originals, from the network or from the site folder. It is the only package that dials.
//
// It keeps nothing: caching, retries over time and negative entries are render's job. It does not look into the bytes:
// whether they are an image is transform's.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/dd8bf596/cutline/internal/source"
)

// Errors that Fetch returns, wrapped with the source. Callers test with errors.Is; each has one HTTP status at the edge.
var (
	ErrRefused     = errors.New("refused by the fetch policy")               // address, port, scheme or redirect that may not be followed
	ErrUnreachable = errors.New("origin unreachable")                        // DNS, connect, TLS or protocol failure
	ErrTimeout     = errors.New("origin timed out")                          // any phase took longer than its limit
	ErrNotFound    = errors.New("no such original")                          // 404, 401, 403, or no such file
	ErrGone        = errors.New("original is gone")                          // 410
	ErrUpstream    = errors.New("origin answered with an error")             // any other status that is not 200 (or 304 when asked)
	ErrBroken      = errors.New("transfer broke off")                        // fewer bytes than promised, or a read error
	ErrTooLarge    = errors.New("original is larger than the limit")         // more bytes than MaxBytes
	ErrDown        = errors.New("host is not asked at the moment")           // it failed too often in a row, or wants to be left alone
	ErrEncoding    = errors.New("origin sent an unsupported content coding") // not identity, not gzip
)

// Options configures a Fetcher. The zero value reaches nothing: no site, no network.
type Options struct {
	Policy       Policy
	Site         *os.Root      // the site folder for local sources; nil has none
	MaxBytes     int64         // of one original; 0 means 20 MB (20,000,000), more than 1 GiB means 1 GiB
	Timeout      time.Duration // for a whole fetch, redirects and body included; 0 means 15 s
	MaxRedirects int           // 0 means 3; negative means none
	PerHost      int           // connections to one host at a time; 0 means 16
	UserAgent    string        // "" means "cutline"; a contact URL in it keeps large archives from blocking us
	// Instance tells this server from other cutlines in the CDN-Loop header: a token (RFC 9110 §5.6.2), best a random one.
	// "" names none, and then a server cannot tell its own requests from theirs.
	Instance string
	// Accept is called on the body that a wrapper answered: an error makes the fetcher go on to the inner URL, because many
	// wrappers answer 200 with a page when they fail. It may be called by several goroutines at once and must not keep or
	// modify body. nil accepts all.
	Accept func(body []byte) error
}

// Validators are what an origin said about the version that it sent (RFC 9110 §8.8); either may be empty. For files they
// are made from size and modification time.
type Validators struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// An Original is what Fetch brings. Nobody may modify Body.
type Original struct {
	Freshness
	Body        []byte        // nil when NotModified
	NotModified bool          // the version named by the validators that were passed in is still current
	Validators  Validators    // to pass in next time; none from the inner URL of a wrapper, whose versions are not the wrapper's
	Modified    time.Time     // when the origin says the original last changed; zero when it does not say
	From        source.Source // what answered: the source asked for, or the inner one of a wrapper
}

// headerShare is the part of Timeout that an origin has from the request's last byte to the end of its response header:
// 5 s of the default 15 s, and more where whoever configured it expects slow origins.
const headerShare = 3

// The limits that Options does not set.
const (
	dialTimeout = 3 * time.Second  // name look-up and connect together
	tlsTimeout  = 3 * time.Second  // the TLS handshake
	idleTimeout = 30 * time.Second // of a connection kept for the next original of its host
	headerBytes = 64 << 10         // of a response header; net/http alone would take 10 MB
	rateWindow  = 5 * time.Second  // a body that brings less than rateBytes in any such window is given up
	rateBytes   = 20 << 10         // 4 KB/s: at less, a picture of 60 KB takes longer than the default Timeout
)

// A Fetcher brings originals. It is safe for concurrent use; Close releases its idle connections.
type Fetcher struct {
	guard        guard
	site         *os.Root
	transport    *http.Transport
	hosts        *hosts
	maxBytes     int64
	maxRedirects int
	timeout      time.Duration
	window       time.Duration // rateWindow; tests shorten it
	userAgent    string
	instance     string
	accept       func(body []byte) error // never nil
}

// New makes a Fetcher. It does not touch the network.
func New(o Options) *Fetcher {
	f := &Fetcher{
		guard:        newGuard(o.Policy),
		hosts:        newHosts(),
		site:         o.Site,
		maxBytes:     min(cmp.Or(o.MaxBytes, 20_000_000), 1<<30),
		maxRedirects: max(cmp.Or(o.MaxRedirects, 3), 0),
		timeout:      cmp.Or(o.Timeout, 15*time.Second),
		window:       rateWindow,
		userAgent:    cmp.Or(o.UserAgent, "cutline"),
		instance:     o.Instance,
		accept:       o.Accept,
	}
	if f.accept == nil {
		f.accept = func([]byte) error { return nil }
	}
	f.transport = newTransport(f.guard, cmp.Or(o.PerHost, 16), f.timeout/headerShare)
	return f
}

// Check reports, without any look-up, whether src could be fetched at all: ErrRefused for a port or a literal address
// that the policy does not allow, ErrNotFound for a local source when there is no site or its name is no picture's. A nil
// error for a host name promises nothing: its addresses are judged when they are dialled. A wrapper passes when itself or
// anything inside it does.
func (f *Fetcher) Check(src source.Source) error {
	err := f.check(src)
	if err == nil {
		return nil
	}
	for _, layer := range src.Layers() {
		if f.check(layer) == nil {
			return nil
		}
	}
	return fmt.Errorf("check %s: %w", src.Public(), err)
}

func (f *Fetcher) check(src source.Source) error {
	switch {
	case src.IsZero():
		return fmt.Errorf("%w: no source", ErrRefused)
	case src.Remote():
		return f.guard.checkHost(src.Host(), src.Port())
	case f.site == nil:
		return fmt.Errorf("%w: there is no site folder", ErrNotFound)
	}
	return checkName(src.Path())
}

// Fetch brings the original of src. When prior is not zero it asks for a newer version only. A wrapper that fails, or
// answers what Options.Accept does not accept, is followed by the picture's own URL, and that by the wrappers between, from the
// inside out, each once and under the same policy; when all fail, the error is the outermost wrapper's and names all reasons. A
// wrapper that is a web page is asked last instead of first. Validators go to src alone, never to what is inside.
//
// A host that failed ten times in a row is asked no more than once in ten seconds, and one that answered 429 or 503 with
// Retry-After not before that; meanwhile it returns a *DownError at once. Failures are what a host does to all its pictures:
// it cannot be reached, takes too long, breaks off, answers 429 or 5xx. Hosts differ by name and port.
//
// It returns when ctx ends, with ctx's error, and at the latest after the configured timeout, with ErrTimeout; a wrapper
// and what is inside share it evenly, so that one that hangs leaves time for the rest. Every other error is one of this
// package's.
func (f *Fetcher) Fetch(ctx context.Context, src source.Source, prior Validators) (*Original, error) {
	original, err := f.fetch(ctx, src, prior)
	if err == nil {
		return original, nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return nil, fmt.Errorf("fetch %s: %w", src.Public(), err)
}

func (f *Fetcher) fetch(ctx context.Context, src source.Source, prior Validators) (*Original, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !src.Remote() {
		if err := f.check(src); err != nil {
			return nil, err
		}
		return f.local(src, prior)
	}
	layers := src.Layers()
	if len(layers) == 0 {
		return f.attempt(ctx, src, prior, f.timeout)
	}
	return f.layered(ctx, src, layers, prior)
}

// layered asks a wrapper and what is inside it. The picture's own URL comes second: it is what the author meant, and what every
// wrapper between shows a copy of. Those come last: they may have kept one where its origin is gone.
func (f *Fetcher) layered(ctx context.Context, src source.Source, layers []source.Source, prior Validators) (*Original, error) {
	limit := f.timeout / time.Duration(1+len(layers))
	order := slices.Clone(layers)
	slices.Reverse(order)
	if src.WrapperPage() {
		order = append(order, src)
	} else {
		order = slices.Insert(order, 0, src)
	}
	var said error // of src
	var others string
	for _, at := range order {
		original, err := f.layer(ctx, at, src, prior, limit)
		if err == nil {
			return original, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if at == src {
			said = err
		} else {
			others += fmt.Sprintf("; and inside it %s: %v", at.Public(), err)
		}
	}
	return nil, fmt.Errorf("%w%s", said, others)
}

// layer asks at, which is src or inside it, and takes what is a picture: of the innermost, whatever comes. Only src's
// validators are kept: whoever keeps the original keeps it for src, and an ETag means nothing to another resource (RFC 9110
// §8.8.3).
func (f *Fetcher) layer(ctx context.Context, at, src source.Source, prior Validators, limit time.Duration) (*Original, error) {
	if at != src {
		prior = Validators{}
	}
	original, err := f.attempt(ctx, at, prior, limit)
	if err != nil || original.NotModified {
		return original, err
	}
	if at != src {
		original.Validators = Validators{}
	}
	if len(at.Layers()) == 0 {
		return original, nil
	}
	if err := f.accept(original.Body); err != nil {
		return nil, fmt.Errorf("%w: the wrapper sent no picture: %v", ErrUpstream, err)
	}
	return original, nil
}

// Close releases idle connections. Fetches under way are not disturbed.
func (f *Fetcher) Close() { f.transport.CloseIdleConnections() }
