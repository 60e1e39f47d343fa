package sign

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what imgix's clients sign with; taken only where its token is configured
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Token checks the signatures of imgix's clients: s, the last parameter, is the MD5 of token, path and query, in lower-case
// hexadecimal digits; "expires" may stand anywhere in the query (docs.imgix.com, “Securing assets”; js-core 3.8). The zero
// Token has none.
type Token string

// imgixExpiry is a signed time, in seconds since 1970.
const imgixExpiry = "expires"

// OfImgix reports whether target has a signature of imgix's kind, right or wrong: ours are longer.
func OfImgix(target string) bool {
	_, given, ok := split(target, signatureParam)
	return ok && len(given) == hex.EncodedLen(md5.Size)
}

// Verify is Keys.Verify with t. Its Target has no expires.
func (t Token) Verify(target string, now time.Time) (Grant, error) {
	message, given, ok := split(target, signatureParam)
	switch {
	case !ok:
		return Grant{}, ErrNone
	case t == "":
		return Grant{}, ErrNoKey
	}
	if !hmac.Equal([]byte(t.sum(message)), []byte(given)) {
		return Grant{}, ErrWrong
	}
	return imgixGrant(message, now)
}

// Sign is Keys.Sign with t.
func (t Token) Sign(target string, exp time.Time) (string, error) {
	if t == "" {
		return "", ErrNoKey
	}
	if err := CheckTarget(target); err != nil {
		return "", err
	}
	if !exp.IsZero() {
		target = join(target, imgixExpiry+"="+strconv.FormatInt(exp.Unix(), 10))
	}
	return join(target, signatureParam+"="+t.sum(target)), nil
}

// sum is the one spelling of a message's signature.
func (t Token) sum(message string) string {
	sum := md5.Sum([]byte(string(t) + message)) //nolint:gosec // the same
	return hex.EncodeToString(sum[:])
}

// String keeps tokens out of logs and messages.
func (t Token) String() string {
	if t == "" {
		return ""
	}
	return "***"
}

// GoString is String, for %#v.
func (t Token) GoString() string { return t.String() }

// imgixGrant reads the expiry of a message whose signature is right.
func imgixGrant(message string, now time.Time) (Grant, error) {
	path, query, _ := strings.Cut(message, "?")
	g := Grant{Target: path}
	for pair := range strings.SplitSeq(query, "&") {
		text, ok := strings.CutPrefix(pair, imgixExpiry+"=")
		switch {
		case pair == "":
			continue
		case !ok:
			g.Target = join(g.Target, pair)
			continue
		case !g.Expires.IsZero():
			return Grant{}, fmt.Errorf("%w: %s is repeated", ErrTarget, imgixExpiry)
		}
		var err error
		if g.Expires, err = parseExpiry(text); err != nil {
			return Grant{}, fmt.Errorf("%w: %s: expected seconds since 1970", ErrTarget, imgixExpiry)
		}
	}
	if !g.Expires.IsZero() && !now.Before(g.Expires) {
		return g, ErrExpired
	}
	return g, nil
}
