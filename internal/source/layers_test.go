package source

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestWrappedInTheWild has the URLs of testdata/wrapped-urls.tsv, which stood in posts of public repositories: each with its
// wrappers and the address that is inside them. Names behind a ">" are of the wrapper inside the first.
func TestWrappedInTheWild(t *testing.T) {
	names := map[string]string{
		"ddg": "DuckDuckGo", "photon": "Photon", "bing-riu": "Bing", "google-imgres": "Google Images", "weserv": "weserv", "next": "Next.js",
		"cloudinary-fetch": "Cloudinary", "cf-image": "DEV", "yahoo": "Yahoo", "facebook": "Facebook", "wayback": "Wayback Machine",
	}
	data, err := os.ReadFile("testdata/wrapped-urls.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(data)), "\n")[1:]
	if len(rows) != 43 {
		t.Fatalf("got %d rows, want 43", len(rows))
	}
	opaque, pages := 0, 0
	for _, row := range rows {
		column := strings.Split(row, "\t")
		raw, chain, inside := strings.ReplaceAll(column[0], "&amp;", "&"), column[1], strings.ReplaceAll(column[2], "&amp;", "&")
		src := mustParse(t, raw)
		inner, wrapper, ok := src.Unwrap()
		first, second, _ := strings.Cut(chain, " > ")
		name := names[first]
		if want := mustParse(t, inside); ok != (name != "") || wrapper != name || ok && inner != want {
			t.Errorf("Unwrap(%s)\n got %q, %q, %t\nwant %q, %q", raw, inner, wrapper, ok, want, name)
		}
		if depth, want := len(src.Layers()), min(1, len(name))+min(1, len(names[second])); depth != want {
			t.Errorf("%s: %d layers, want %d", raw, depth, want)
		}
		if _, ok := src.Opaque(); ok != strings.Contains(chain, "opaque") {
			t.Errorf("Opaque(%s) = %t", raw, ok)
		} else if ok {
			opaque++
		}
		if _, ok := src.Page(); ok {
			pages++
		}
	}
	if opaque != 4 || pages < 3 {
		t.Errorf("%d opaque wrappers and %d pages: this test looks at too little", opaque, pages)
	}
}

// TestLayers takes wrappers of different kinds off, one after the other, to the depth that is followed.
func TestLayers(t *testing.T) {
	const photo = "https://images.example.org/a.jpg"
	photon := "https://i0.wp.com/images.example.org/a.jpg?ssl=1"
	ddg := "https://external-content.duckduckgo.com/iu/?u=" + url.QueryEscape(photon)
	next := "https://www.example.com/_next/image?url=" + url.QueryEscape(ddg) + "&w=64&q=75"
	wayback := "https://web.archive.org/web/2023/" + next
	fifth := "https://wsrv.nl/?url=" + url.QueryEscape(wayback)
	for _, tt := range []struct {
		text string
		want []string
	}{
		{photo, nil},
		{photon, []string{photo}},
		{ddg, []string{photon, photo}},
		{next, []string{ddg, photon, photo}},
		{wayback, []string{next, ddg, photon, photo}},
		{fifth, []string{wayback, next, ddg, photon}},
		{"https://www.example.com/cdn-cgi/image/width=80/https://res.cloudinary.com/x/image/fetch/w_5/" + photo, []string{"https://res.cloudinary.com/x/image/fetch/w_5/" + photo, photo}},
		{"https://cdn.example.com/image/fetch/w_5/https://www.example.com/cdn-cgi/image/width=80/" + photo, []string{"https://www.example.com/cdn-cgi/image/width=80/" + photo, photo}},
	} {
		var got []string
		for _, s := range mustParse(t, tt.text).Layers() {
			got = append(got, s.String())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("Layers(%s)\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
	if inner, _, _ := mustParse(t, fifth).Unwrap(); inner.String() != photon {
		t.Errorf("five deep: Unwrap is %s, want what is behind the fourth", inner)
	}
}
