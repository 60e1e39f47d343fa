package proxy

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/sign"
)

// A grant is what a request's signature comes to. The zero grant is that of one without.
type grant struct {
	signed  bool      // whoever has a key allowed this very target: any size, quality and source
	expires time.Time // zero is never
}

// grantExpires is the key under which admit leaves a grant's expiry for expiryOf.
const grantExpires = "cutline.expires"

// admit judges the request's signature, before anything is looked up: a wrong one is refused even where none is needed, so that
// there is one spelling, and an expired one although the picture is in the cache. What follows reads the query without the
// signature. Its error is an *unsignedErr.
func (s *Server) admit(c *gin.Context) (grant, error) { return s.admitBy(c, s.o.Keys.Verify) }

// admitDialect is admit for addresses of imgix's clients, which may sign as imgix has it.
func (s *Server) admitDialect(c *gin.Context) (grant, error) {
	if s.o.ImgixToken != "" && sign.OfImgix(c.Request.RequestURI) {
		return s.admitBy(c, s.o.ImgixToken.Verify)
	}
	return s.admit(c)
}

func (s *Server) admitBy(c *gin.Context, verify func(target string, now time.Time) (sign.Grant, error)) (grant, error) {
	if c.Request.URL.RawQuery == "" || !sign.Signed(c.Request.RequestURI) {
		return grant{}, nil
	}
	g, err := verify(c.Request.RequestURI, time.Now())
	switch {
	case errors.Is(err, sign.ErrNoKey):
		return grant{}, &unsignedErr{"Signed addresses are not taken here: no key is configured."}
	case errors.Is(err, sign.ErrExpired):
		return grant{}, &unsignedErr{"The signature of this address has expired."}
	case errors.Is(err, sign.ErrTarget):
		return grant{}, &unsignedErr{"The signature's expiry is no number of seconds since 1970."}
	case err != nil:
		return grant{}, &unsignedErr{"The signature is not that of this address: 'cutline sign --verify' says what has to be signed."}
	}
	_, c.Request.URL.RawQuery, _ = strings.Cut(g.Target, "?")
	if !g.Expires.IsZero() {
		c.Set(grantExpires, g.Expires)
	}
	return grant{signed: true, expires: g.Expires}, nil
}

// expiryOf is that of the grant that admit gave; zero is never.
func expiryOf(c *gin.Context) time.Time {
	expires, _ := c.Get(grantExpires)
	at, _ := expires.(time.Time)
	return at
}

// bounded is a Cache-Control by which no cache on the way keeps an answer longer than the address's signature holds: until expires.
func bounded(control string, expires time.Time) string {
	if expires.IsZero() {
		return control
	}
	left := max(int(time.Until(expires)/time.Second), 0)
	var out []string
	for directive := range strings.SplitSeq(control, ", ") {
		age, isAge := strings.CutPrefix(directive, "max-age=")
		switch n, err := strconv.Atoi(age); {
		case isAge && err == nil:
			out = append(out, "max-age="+strconv.Itoa(min(n, left)), "must-revalidate")
		case directive == "public", directive == "no-cache", directive == "no-store":
			out = append(out, directive)
		}
	}
	return strings.Join(out, ", ")
}

// closed reports whether the picture of e is for signed requests alone.
func (s *Server) closed(e *catalog.Entry) bool { return !posted(e) && !s.hosts.has(e.Source.Host()) }

// signedURL is u, of a picture that is closed, with a signature that ends when g does: who may know of a picture by an address
// that somebody signed may have it, in what would be open to everybody if a post showed it. u is made by dialectURL.
func (s *Server) signedURL(u string, g grant) string {
	target, ok := strings.CutPrefix(u, s.o.PublicURL)
	if !ok || target == "" {
		return ""
	}
	signed, err := s.o.Keys.Sign(target, g.expires)
	if errors.Is(err, sign.ErrNoKey) {
		signed, err = s.o.ImgixToken.Sign(target, g.expires)
	}
	if err != nil {
		return ""
	}
	return s.o.PublicURL + signed
}
