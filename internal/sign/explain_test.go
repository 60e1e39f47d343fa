package sign

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestExplain(t *testing.T) {
	const path = "/i/3k9v0c2m8q1d7f5e/w800-q40.webp"
	sum := func(key, message string) []byte {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(message))
		return h.Sum(nil)
	}
	url := base64.RawURLEncoding.EncodeToString
	inBase64 := base64.StdEncoding.EncodeToString([]byte(keyA))
	for _, tt := range []struct {
		name, target, want string
		keys               []string
	}{
		{"without the slash", path + "?s=" + url(sum(keyA, path[1:])), `of "i/3k9v0c2m8q1d7f5e/w800-q40.webp", in base64url`, []string{keyA}},
		{"with the host", path + "?s=" + url(sum(keyA, "https://img.example"+path)), `of "https://img.example/i/3k9v`, []string{keyA}},
		{"without the query", path + "?v=1&s=" + url(sum(keyA, path)), `of "` + path + `", in base64url`, []string{keyA}},
		{"without the expiry", path + "?exp=5&s=" + url(sum(keyA, path)), `of "` + path + `", in base64url`, []string{keyA}},
		{"decoded", "/a%20b?s=" + url(sum(keyA, "/a b")), `of "/a b"`, []string{keyA}},
		{"padding", path + "?s=" + base64.URLEncoding.EncodeToString(sum(keyA, path)), "with padding", []string{keyA}},
		{"hexadecimal", path + "?s=" + hex.EncodeToString(sum(keyA, path)), "in hexadecimal digits, not base64url", []string{keyB, keyA}},
		{"base64", path + "?v=3&s=" + base64.StdEncoding.EncodeToString(sum(keyA, path+"?v=3")), "in base64, not base64url", []string{keyA}},
		{"decoded key", path + "?s=" + url(sum(keyA, path)), "by the key decoded from base64", []string{inBase64}},
		{"another key", path + "?s=" + url(sum(keyB, path)), "", []string{keyA}},
		{"none", path, "", []string{keyA}},
	} {
		got := newKeys(t, tt.keys...).Explain("https://img.example", tt.target)
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
