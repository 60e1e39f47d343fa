package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
)

// Explain says what the signature of target is of, where it is wrong in one of the usual ways; "" where it is in none of them.
// origin is the scheme and host that stood before target, or "". It is for who has the keys: it tells strangers what to try.
func (k Keys) Explain(origin, target string) string {
	message, given, ok := split(target, signatureParam)
	if !ok {
		return ""
	}
	for _, key := range k.keys {
		for _, reading := range readings(key) {
			for _, text := range mistakes(origin, message) {
				h := hmac.New(sha256.New, reading.key)
				_, _ = h.Write([]byte(text)) // a hash takes all
				sum := h.Sum(nil)
				for _, spelling := range spellings {
					if hmac.Equal([]byte(spelling.encode(sum)), []byte(given)) {
						return "it is of " + strconv.Quote(text) + reading.note + ", " + spelling.note
					}
				}
			}
		}
	}
	return ""
}

// A reading is a key as somebody may have read its text.
type reading struct {
	key  []byte
	note string
}

func readings(text string) []reading {
	out := []reading{{key: []byte(text)}}
	if key, err := base64.StdEncoding.DecodeString(text); err == nil {
		out = append(out, reading{key, " by the key decoded from base64, where its text is the key"})
	}
	if key, err := hex.DecodeString(text); err == nil {
		out = append(out, reading{key, " by the key decoded from hexadecimal digits, where its text is the key"})
	}
	return out
}

// mistakes are what is signed in place of message.
func mistakes(origin, message string) []string {
	path, _, _ := strings.Cut(message, "?")
	out := []string{message, strings.TrimPrefix(message, "/"), path, origin + message, message + "?", message + "&"}
	if rest, _, ok := split(message, expiryParam); ok {
		out = append(out, rest)
	}
	if decoded, err := url.PathUnescape(message); err == nil {
		out = append(out, decoded)
	}
	return out
}

// spellings are how signatures are written. They are read-only.
var spellings = [...]struct {
	encode func([]byte) string
	note   string
}{
	{base64.RawURLEncoding.EncodeToString, "in base64url"},
	{base64.URLEncoding.EncodeToString, "in base64url with padding"},
	{base64.StdEncoding.EncodeToString, "in base64, not base64url"},
	{base64.RawStdEncoding.EncodeToString, "in base64, not base64url"},
	{hex.EncodeToString, "in hexadecimal digits, not base64url"},
	{func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }, "in hexadecimal digits, not base64url"},
	{func(b []byte) string { return url.QueryEscape(base64.StdEncoding.EncodeToString(b)) }, "in base64, percent-encoded, not base64url"},
}
