package caption

import (
	"net/url"
	"strings"
)

// A Run is a piece of a caption's text with one link on it.
type Run struct {
	Text string // cleaned; it may begin or end in a blank
	URL  string // what LinkTarget returns; "" for text without a link
}

// Inline turns a caption or credit as authors write it into runs of text, for where a link can be followed:
//
//	Photo by [Ian](https://example.org/ian)  →  {"Photo by " ""} {"Ian" "https://example.org/ian"}
//
// Joined and cleaned, the runs are Plain(text). Links that LinkTarget refuses are text. An empty text has no runs; no two
// neighbours have the same URL, and no run is empty.
func Inline(text string) []Run {
	if !hasMarkup(text) {
		if text = Clean(text); text == "" {
			return nil
		}
		return []Run{{Text: text}}
	}
	var out []Run
	write := func(text, target string) {
		if last := len(out) - 1; last >= 0 && out[last].URL == target {
			out[last].Text += text
			return
		}
		out = append(out, Run{text, target})
	}
	blank := true // no blank counts here: one stands before already, or nothing does
	for _, r := range runs(fragment(text)) {
		target := LinkTarget(r.URL)
		fenced := Clean("." + r.Text + ".") // keeps the blanks at both ends
		if !blank && strings.HasPrefix(fenced, ". ") {
			write(" ", target)
			blank = true
		}
		words := Clean(r.Text)
		if words == "" {
			continue
		}
		write(words, target)
		if blank = strings.HasSuffix(fenced, " ."); blank {
			write(" ", target)
		}
	}
	return trimEnd(out)
}

// trimEnd takes the blank from the end of the last run, and the run with it where it is nothing else.
func trimEnd(out []Run) []Run {
	last := len(out) - 1
	if last < 0 {
		return nil
	}
	if out[last].Text = strings.TrimSuffix(out[last].Text, " "); out[last].Text == "" {
		return out[:last:last]
	}
	return out
}

// LinkTarget returns raw as a URI of printable ASCII that a page may link to, or "": only http and https with a host and
// without a password, and mailto. It never returns quotes, angle brackets, blanks or backslashes.
func LinkTarget(raw string) string {
	u, err := url.Parse(strings.Trim(raw, " "))
	if err != nil || u.User != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return ""
		}
	case "mailto":
		if u.Opaque == "" {
			return ""
		}
	default:
		return ""
	}
	u.Opaque, u.RawQuery = escapeURI(u.Opaque), escapeURI(u.RawQuery)
	target := u.String()
	if escapeURI(target) != target {
		return ""
	}
	return target
}

// escapeURI encodes the bytes that may not stand in a URI (RFC 3986 §2). url.URL.String leaves them in an opaque part and in a
// query.
func escapeURI(raw string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(raw) {
		c := raw[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`"<>\^{|}`+"`", c) >= 0 {
			b.WriteString(string([]byte{'%', hex[c>>4], hex[c&15]}))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
