// Package fetch brings originals, from the network or from the site folder. It is the only package that dials.
//
// It keeps nothing: caching, retries over time and negative entries are render's job. It does not look into the bytes:
// whether they are an image is transform's.
package fetch

import (
	"context"
	"errors"
	"net/netip"
	"os"
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
	ErrEncoding    = errors.New("origin sent an unsupported content coding") // not identity, not gzip
)

// A RetryError carries the time that an overloaded origin asked for (429 or 503 with Retry-After). It wraps ErrUpstream.
type RetryError struct {
	After  time.Duration // > 0, at most 5 minutes
	Status int
}

// A Policy says which addresses may be dialled. The zero value allows none.
type Policy struct {
	// Public allows every address that IANA's special-purpose registries call globally reachable, on ports 80 and 443.
	Public bool
	// AllowPrivate lists prefixes that may be dialled although private, on any port: for tests and intranets.
	AllowPrivate []netip.Prefix
}

// Options configures a Fetcher. The zero value reaches nothing: no site, no network.
type Options struct {
	Policy       Policy
	Site         *os.Root      // the site folder for local sources; nil has none
	MaxBytes     int64         // of one original; 0 means 20 MB (20,000,000)
	Timeout      time.Duration // for a whole fetch, redirects and body included; 0 means 15 s
	MaxRedirects int           // 0 means 3; negative means none
	PerHost      int           // connections to one host at a time; 0 means 16
	UserAgent    string        // "" means "cutline"; a contact URL in it keeps large archives from blocking us
}

// Validators are what an origin said about the version that it sent (RFC 9110 §8.8); either may be empty. For files they
// are made from size and modification time.
type Validators struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// An Original is what Fetch brings. Nobody may modify Body.
type Original struct {
	Body        []byte        // nil when NotModified
	NotModified bool          // the version named by the validators that were passed in is still current
	Validators  Validators    // to pass in next time
	Modified    time.Time     // when the origin says the original last changed; zero when it does not say
	Fresh       time.Duration // for how long the origin says that the answer holds (RFC 9111 §4.2), less its Age; valid with Explicit
	Explicit    bool          // whether the origin said anything about freshness
	NoStore     bool          // the origin forbids keeping it (no-store or private)
	From        source.Source // what answered: the source asked for, or the inner one of a wrapper that failed
}

// A Fetcher brings originals. It is safe for concurrent use; Close releases its idle connections.
type Fetcher struct{}

// New makes a Fetcher. It does not touch the network.
func New(o Options) *Fetcher { return &Fetcher{} }

// Check reports, without any look-up, whether src could be fetched at all: ErrRefused for a port or a literal address
// that the policy does not allow, ErrNotFound for a local source when there is no site.
func (f *Fetcher) Check(src source.Source) error { return nil }

// Fetch brings the original of src. When prior is not zero it asks for a newer version only. A wrapper that fails is
// followed by the picture's own URL, under the same policy.
//
// It returns when ctx ends, at the latest after the configured timeout.
func (f *Fetcher) Fetch(ctx context.Context, src source.Source, prior Validators) (*Original, error) {
	return nil, ErrRefused
}

// Close releases idle connections.
func (f *Fetcher) Close() {}
