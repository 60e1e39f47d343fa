package proxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

const focalURL = "https%3A%2F%2Forigin.example%2Ffocal.jpg"

// The address that an answer names leads to the same picture, whatever was asked for: with a focal point of the post's author
// and without one, in a post and in none. The original is 2000 × 1000 pixels, so that boxes of all three kinds are among these.
func TestDialectLocationLeadsToTheAnswer(t *testing.T) {
	d := newDialectDesk(t)
	queries := []string{"", "w=800", "w=800&auto=format", "h=300&q=60", "w=400&auto=format&fm=png&q=75", "w=320&h=320&fit=crop&auto=format&fm=gif&q=50"}
	for _, box := range []string{"w=320&h=320", "w=640&h=360", "w=640&h=160", "w=640&h=320", "w=1200&h=630", "w=2000&h=8000", "ar=1:5", "w=640&ar=1:1", "h=200&max-w=200"} {
		for _, crop := range []string{
			"", "&crop=top", "&crop=bottom", "&crop=left", "&crop=right", "&crop=top,right", "&crop=center", "&crop=faces", "&crop=entropy", "&crop=focalpoint",
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
		"&crop=center":                       "cover-center",
		"&crop=top":                          "cover-center", // cut at its sides
	} {
		if resp, body := d.get("/" + focalURL + "?w=320&h=320&fit=crop" + query); !strings.HasPrefix(body, "bytes of w320-h320-"+want+".") {
			t.Errorf("%q: %d %q, want %s", query, resp.StatusCode, body, want)
		}
	}
}

// An address of the dialect that is too long for a header is not named; that by the ID is.
func TestDialectLocationOfLongSources(t *testing.T) {
	d := newDialectDesk(t)
	long := "https%3A%2F%2Fimages.example.org%2F" + strings.Repeat("a", maxLocation) + ".jpg"
	if resp, _ := d.get("/" + long + "?w=320"); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Location") != "" {
		t.Errorf("%d, Content-Location %q; want none", resp.StatusCode, resp.Header.Get("Content-Location"))
	}
	s, err := New(Options{
		Catalog:  scan(t, map[string]string{"_posts/2026-02-01-long.md": "---\nimage: https://images.example.org/" + strings.Repeat("a", maxLocation) + ".jpg\n---\n"}),
		Renderer: d.stub, Formats: []transform.Format{transform.JPEG},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	d.serve()
	if resp, _ := d.get("/" + long + "?w=320"); resp.Header.Get("Content-Location") != "/i/"+d.id("long")+"/w320.jpg" {
		t.Errorf("%d, Content-Location %q; want that by the ID", resp.StatusCode, resp.Header.Get("Content-Location"))
	}
	if resp, _ := d.get("/" + long + "?w=320&h=320&fit=crop"); resp.Header.Get("Content-Location") != "" {
		t.Errorf("Content-Location %q of a box; want none", resp.Header.Get("Content-Location"))
	}
}

// A quality has no meaning in PNG, so an address without it says the same; but a preset that has one is only that with it.
func TestDialectQualityOfLosslessAnswers(t *testing.T) {
	d := newDialectDesk(t)
	s, err := New(Options{
		Catalog: scan(t, posts), Renderer: d.stub, Formats: []transform.Format{transform.WebP, transform.PNG},
		Presets: map[string]transform.Spec{"slab": {Width: 700, Height: 300, Fit: transform.Stretch, Quality: 77}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	d.serve()
	for query, want := range map[string]string{
		"w=640&q=75":                 "/i/" + d.id("fox") + "/w640.png",
		"w=640&h=640&fit=scale&q=75": "/" + foxURL + "?w=640&h=640&fit=scale&fm=png",
		"w=700&h=300&fit=scale&q=77": "/i/" + d.id("fox") + "/w700-h300-stretch-q77.png",
		"w=700&h=300&fit=scale&q=75": "/" + foxURL + "?w=828&h=355&fit=scale&fm=png",
		"w=700&h=300&fit=scale":      "/" + foxURL + "?w=828&h=355&fit=scale&fm=png",
		"w=640&q=75&dl=a":            "/i/" + d.id("fox") + "/w640.png",
	} {
		resp, body := d.get("/" + foxURL + "?auto=format&fm=png&" + query)
		location := resp.Header.Get("Content-Location")
		if location != want {
			t.Errorf("%s: %d, Content-Location %q, want %q", query, resp.StatusCode, location, want)
		}
		if there, same := d.get(location); same != body {
			t.Errorf("%s is %q; its Content-Location %q: %d %q", query, body, location, there.StatusCode, same)
		}
	}
}
