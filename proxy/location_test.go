package proxy

import (
	"net/http"
	"strings"
	"testing"
)

const focalURL = "https%3A%2F%2Forigin.example%2Ffocal.jpg"

// The address that an answer names leads to the same picture, whatever was asked for: with a focal point of the post's author
// and without one, in a post and in none. The original is 2000 × 1000 pixels, so that boxes of all three kinds are among these.
func TestDialectLocationLeadsToTheAnswer(t *testing.T) {
	d := newDialectDesk(t)
	queries := []string{"", "w=800", "w=800&auto=format", "h=300&q=60"}
	for _, box := range []string{"w=320&h=320", "w=640&h=360", "w=640&h=160", "w=640&h=320", "w=1200&h=630", "w=640&ar=1:1", "h=200&max-w=200"} {
		for _, crop := range []string{
			"", "&crop=top", "&crop=bottom", "&crop=left", "&crop=right", "&crop=top,right", "&crop=faces", "&crop=entropy", "&crop=focalpoint",
			"&crop=focalpoint&fp-x=0.45", "&crop=focalpoint&fp-x=0.5&fp-y=0.5", "&crop=focalpoint&fp-x=0.1&fp-y=0.9",
		} {
			queries = append(queries, box+"&fit=crop"+crop, box+"&fit=min&fm=webp&q=75"+crop)
		}
		queries = append(queries, box+"&fit=fill&fm=png", box+"&fit=scale")
	}
	for _, source := range []string{focalURL, foxURL, logoURL, "https%3A%2F%2Fimages.example.org%2Fa.jpg"} {
		for _, query := range queries {
			path := "/" + source + "?" + query
			resp, body := d.get(path)
			location := resp.Header.Get("Content-Location")
			if resp.StatusCode != http.StatusOK || location == "" {
				t.Errorf("%s: %d, Content-Location %q", path, resp.StatusCode, location)
				continue
			}
			there, same := d.get(location)
			if same != body || there.Header.Get("Content-Location") != location {
				t.Errorf("%s is %q; its Content-Location %s is %q, at %s", path, body, location, same, there.Header.Get("Content-Location"))
			}
		}
	}
}

// The middle that a query names goes before the author's focal point, which is at 90 % and 10 %; what stands out does not.
func TestDialectMiddle(t *testing.T) {
	d := newDialectDesk(t)
	for query, want := range map[string]string{
		"":                                   "cover-fp90x10",
		"&crop=faces":                        "cover-fp90x10",
		"&crop=focalpoint":                   "cover-fp90x10",
		"&crop=focalpoint&fp-x=0.5&fp-y=0.5": "cover-center",
		"&crop=focalpoint&fp-x=0.45":         "cover-center",
		"&crop=top":                          "cover-center", // cut at its sides
	} {
		if resp, body := d.get("/" + focalURL + "?w=320&h=320&fit=crop" + query); !strings.HasPrefix(body, "bytes of w320-h320-"+want+".") {
			t.Errorf("%q: %d %q, want %s", query, resp.StatusCode, body, want)
		}
	}
}
