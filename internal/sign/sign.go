// Package sign makes and checks signatures of request targets: HMAC-SHA256 (RFC 2104) in one spelling, and imgix's MD5. It
// knows nothing of what a signature permits.
package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Errors of Verify, and of Sign for a target that cannot be signed. Which of them it is gives nothing away: ErrExpired is told
// to those who have a valid signature alone.
var (
	ErrNoKey   = errors.New("no key")
	ErrNone    = errors.New("no signature")
	ErrWrong   = errors.New("the signature does not belong to this target")
	ErrExpired = errors.New("the signature has expired")
	ErrTarget  = errors.New("target")
)

// The parameters of a signed target. They stand at its end, in this order:
//
//	/i/3k9v0c2m8q1d7f5e/w800-q40.webp?exp=1790000000&s=…
const (
	expiryParam    = "exp" // seconds since 1970, decimal; may be absent
	signatureParam = "s"   // base64url without padding (RFC 4648 §5): 43 characters
)

// Keys sign with the first and check with each, so that a new key can be put before an old one while addresses with the old
// one are still about. The zero Keys have none. Keys are immutable.
type Keys struct{ keys []string }

// NewKeys returns the Keys of these texts, whose bytes are the keys. Its error is CheckKey's.
func NewKeys(texts ...string) (Keys, error) {
	for i, text := range texts {
		if err := CheckKey(text); err != nil {
			return Keys{}, fmt.Errorf("key %d: %w", i+1, err)
		}
	}
	return Keys{keys: append([]string(nil), texts...)}, nil
}

// Len is the number of keys.
func (k Keys) Len() int { return len(k.keys) }

// String keeps keys out of logs and messages.
func (k Keys) String() string { return strconv.Itoa(len(k.keys)) + " keys" }

// GoString is String, for %#v.
func (k Keys) GoString() string { return k.String() }

// A Grant is what a valid signature stands for.
type Grant struct {
	Target  string    // without signature and expiry
	Expires time.Time // the first second in which it is void; zero is never
	Key     int       // the place of the key that made it, from 0
}

// Sign returns target, a path with or without a query as it is on the wire, with exp, unless that is zero, and the signature
// behind it. exp counts in whole seconds. Its errors are ErrNoKey and ErrTarget.
func (k Keys) Sign(target string, exp time.Time) (string, error) {
	if len(k.keys) == 0 {
		return "", ErrNoKey
	}
	if err := CheckTarget(target); err != nil {
		return "", err
	}
	if !exp.IsZero() {
		target = join(target, expiryParam+"="+strconv.FormatInt(exp.Unix(), 10))
	}
	return join(target, signatureParam+"="+mac(k.keys[0], target)), nil
}

// CheckTarget says what keeps target from being signed, as ErrTarget; nil is nothing.
func CheckTarget(target string) error {
	// Browsers percent-encode the latter in addresses, or make slashes of them (url.spec.whatwg.org, “percent-encode sets”).
	bad := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("#\"<>\\^`{|}", r) }
	switch {
	case !strings.HasPrefix(target, "/"):
		return fmt.Errorf("%w: expected a path that begins with a slash", ErrTarget)
	case strings.ContainsFunc(target, bad):
		return fmt.Errorf("%w: expected it as it is on the wire: percent-encoded, without blanks, fragment and any of \"<>\\^`{|}", ErrTarget)
	}
	path, query, _ := strings.Cut(target, "?")
	for segment := range strings.SplitSeq(strings.ToLower(path), "/") {
		if segment = strings.ReplaceAll(segment, "%2e", "."); segment == "." || segment == ".." {
			return fmt.Errorf("%w: browsers resolve . and .. before they ask", ErrTarget)
		}
	}
	for pair := range strings.SplitSeq(query, "&") {
		switch name, _, _ := strings.Cut(pair, "="); name {
		case signatureParam, expiryParam:
			return fmt.Errorf("%w: it has the parameter %s already", ErrTarget, name)
		}
	}
	return nil
}

// join is target with one more pair in its query.
func join(target, pair string) string {
	if strings.Contains(target, "?") {
		return target + "&" + pair
	}
	return target + "?" + pair
}

// mac is the one spelling of a message's signature.
func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = h.Write([]byte(message)) // a hash takes all
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Signed reports whether target's last parameter is a signature, right or wrong.
func Signed(target string) bool {
	_, _, ok := split(target, signatureParam)
	return ok
}

// split takes the last parameter off target, if it is name.
func split(target, name string) (rest, value string, ok bool) {
	at := strings.LastIndexAny(target, "?&")
	if at < 0 {
		return "", "", false
	}
	value, ok = strings.CutPrefix(target[at+1:], name+"=")
	// The first "?" begins the query, further ones are part of it, and before it "&" is part of the path.
	if !ok || (target[at] == '&') != strings.Contains(target[:at], "?") {
		return "", "", false
	}
	return target[:at], value, true
}

// Message is the text that a signed target's signature has to be of: the target up to the signature; ok is false where target has
// none.
func Message(target string) (message string, ok bool) {
	message, _, ok = split(target, signatureParam)
	return message, ok
}

// Verify checks target, the request target exactly as it came, at the time now. Its errors are ErrNoKey, ErrNone, ErrWrong,
// ErrExpired, and ErrTarget for an expiry that is no number.
func (k Keys) Verify(target string, now time.Time) (Grant, error) {
	message, given, ok := split(target, signatureParam)
	switch {
	case !ok:
		return Grant{}, ErrNone
	case len(k.keys) == 0:
		return Grant{}, ErrNoKey
	}
	key := k.match(message, given)
	if key < 0 {
		return Grant{}, ErrWrong
	}
	g := Grant{Target: message, Key: key}
	rest, text, ok := split(message, expiryParam)
	if !ok {
		return g, nil
	}
	g.Target = rest
	var err error
	if g.Expires, err = parseExpiry(text); err != nil {
		return Grant{}, err
	}
	if !now.Before(g.Expires) {
		return g, ErrExpired
	}
	return g, nil
}

// match returns which key made a message's signature, or -1. The signature is made anew and compared as text, so that it has
// one spelling and nothing is decoded; all keys are tried whichever it is, so that time tells nothing.
func (k Keys) match(message, given string) int {
	found := -1
	for i, key := range k.keys {
		if hmac.Equal([]byte(mac(key, message)), []byte(given)) {
			found = i
		}
	}
	return found
}

// parseExpiry reads seconds since 1970, in the one spelling that Sign has.
func parseExpiry(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return time.Time{}, fmt.Errorf("%w: %s: expected seconds since 1970", ErrTarget, expiryParam)
	}
	return time.Unix(n, 0), nil
}
