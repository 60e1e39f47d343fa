package source

import "regexp"

// userInfo matches the part of a URL before its host that names a user (RFC 3986 §3.2.1).
var userInfo = regexp.MustCompile(`(://)([^/?#\s@:"']*:)?[^/?#\s@"']*@`)

// MaskPasswords replaces the passwords of URLs in a text by "…". A user name without a password is replaced itself: it may be an
// access token. It is for messages that quote what somebody wrote; no Source has a user name.
func MaskPasswords(text string) string { return userInfo.ReplaceAllString(text, "${1}${2}…@") }
