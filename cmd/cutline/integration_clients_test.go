//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// An asking is an address that a client has built, and what its answer should be, as clients.mjs has it.
type asking struct {
	Client string  `json:"client"`
	Source string  `json:"source"`
	URL    string  `json:"url"`
	Width  float64 `json:"width"` // 0 is the picture's own
	Ratio  float64 `json:"ratio"` // width by height; 0 is the picture's own
	Type   string  `json:"type"`  // "" is the smallest of what the client takes
	Vary   bool    `json:"vary"`
}

// rungs is the ladder: the widths that are rendered for everybody.
var rungs = []int{24, 160, 320, 480, 640, 828, 960, 1280, 1600, 1920, 2560}

// TestIntegrationClients asks for what clients from npm ask for, of a picture in the site and of one elsewhere, whose URL has
// blanks, a query and letters beyond ASCII: each gets a picture of the format, shape and width that it built the address for,
// or the next larger width, with its words.
func TestIntegrationClients(t *testing.T) {
	const here, alt = "/assets/images/paint-brushes.jpg", "Brushes – “here” and elsewhere"
	origin := imagetest.NewOrigin(t)
	picture, err := os.ReadFile(filepath.Join("..", "..", "testdata", "site", here))
	if err != nil {
		t.Fatal(err)
	}
	origin.Serve("/pics/ä b.jpg", picture)
	elsewhere := origin.URL("/pics/%C3%A4%20b.jpg?x=1&y=ü+z")
	t.Setenv("CUTLINE_KEYS", "imgix:"+imgixToken)
	s := startServe(t, "--cache", "off", exampleSite(t, quick+"fetch: {allow_private: [127.0.0.0/8]}\n", map[string]string{
		"_posts/2020-01-01-elsewhere.md": fmt.Sprintf("featured-image:\n  path: %q\n  alt-text: %q\n  credit: Ann", elsewhere, alt),
	}))
	defer s.stop(t)
	var small, own described
	askJSON(t, s.url+"/p/ten-years-of-dscovr/meta.json", &small)
	askJSON(t, s.url+"/p/paint-for-the-underpass/meta.json", &own)
	alts := map[string]string{here: own.Words.Alt, elsewhere: alt}
	var got struct {
		Asked []asking
		HTML  string
	}
	nodeScript(t, "clients.mjs", map[string]any{
		"host": strings.TrimPrefix(s.url, "http://"), "token": imgixToken, "sources": []string{here, elsewhere}, "formats": small.Formats,
	}, &got)
	tr := transform.New(goengine.New(), transform.Options{})
	defer func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	}()
	clients := map[string]int{}
	for _, a := range got.Asked {
		clients[a.Client]++
		if err := a.check(t, tr, own, alts[a.Source]); err != nil {
			t.Errorf("%s: %s: %v", a.Client, a.URL, err)
		}
	}
	t.Logf("addresses by client: %v", clients)
	if want := []string{"@imgix/js-core", "@imgix/js-core, signed", "@unpic/core", "unpic"}; !slices.Equal(slices.Sorted(maps.Keys(clients)), want) {
		t.Errorf("addresses by client: %v, want some by each of %q", clients, want)
	}
	if n := origin.Hits("/pics/ä b.jpg"); n != 1 {
		t.Errorf("the picture elsewhere was fetched %d times, want once", n)
	}
	t.Run("eleventy-img", func(t *testing.T) { checkEleventy(t, tr, s.url, got.HTML, small) })
}

// check asks.
func (a asking) check(t *testing.T, tr *transform.Transformer, own described, alt string) error {
	t.Helper()
	got := ask(t, a.URL, "Accept", "image/webp,image/*;q=0.8,*/*;q=0.5")
	kind := got.header.Get("Content-Type")
	switch {
	case got.status != http.StatusOK:
		return fmt.Errorf("status %d: %s", got.status, got.body)
	case kind != a.Type && (a.Type != "" || kind != "image/webp" && kind != "image/jpeg"):
		return fmt.Errorf("type %s, want %s", kind, a.Type)
	}
	if vary := got.header.Get("Vary") == "Accept"; vary != a.Vary {
		return fmt.Errorf("Vary: %q", got.header.Values("Vary"))
	}
	item, err := httpsfv.UnmarshalItem(got.header.Values("Image-Alt"))
	if err != nil || item.Value != httpsfv.DisplayString(alt) {
		return fmt.Errorf("alt %v, %v, want %q", item.Value, err, alt)
	}
	switch {
	case strings.HasPrefix(a.Type, "text/"):
		if string(got.body) != own.BlurHash {
			return fmt.Errorf("BlurHash %q, want %q", got.body, own.BlurHash)
		}
		return nil
	case a.Type == "application/json":
		var d described
		if err := json.Unmarshal(got.body, &d); err != nil || d.Width != own.Width || d.ThumbHash != own.ThumbHash {
			return fmt.Errorf("JSON: %v: %+v", err, d)
		}
		return nil
	}
	info, err := tr.Probe(got.body)
	if err != nil || info.Format.MIME() != kind {
		return fmt.Errorf("%s in a file of type %s, %v", kind, info.Format, err)
	}
	return a.fits(info, float64(own.Width), float64(own.Height))
}

// fits holds a picture's size against what was asked for of an original of this size.
func (a asking) fits(info transform.Info, width, height float64) error {
	ratio := a.Ratio
	if ratio == 0 {
		ratio = width / height
	}
	largest := min(width, height*ratio) // nothing is enlarged
	least := largest
	if a.Width > 0 {
		least = min(a.Width, largest)
	}
	most := largest
	if i := slices.IndexFunc(rungs, func(w int) bool { return float64(w) >= math.Floor(least) }); i >= 0 {
		most = min(most, float64(rungs[i]))
	}
	if w := float64(info.Width); w < math.Floor(least) || w > math.Ceil(most) {
		return fmt.Errorf("%d × %d pixels, want a width from %.1f to %.1f", info.Width, info.Height, least, most)
	}
	// The other side is off by half a pixel of what was asked for, and by half a pixel of what was made.
	if h := float64(info.Height); math.Abs(h-float64(info.Width)/ratio) > 1 {
		return fmt.Errorf("%d × %d pixels, want a ratio of %.3f", info.Width, info.Height, ratio)
	}
	return nil
}

// checkEleventy follows every address in the markup that eleventy-img makes of meta.json's formats.
func checkEleventy(t *testing.T, tr *transform.Transformer, server, markup string, d described) {
	doc, err := html.Parse(strings.NewReader(markup))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	follow := func(src, mime string, width int) {
		t.Helper()
		a := askOK(t, server+src)
		info, err := tr.Probe(a.body)
		if err != nil || info.Format.MIME() != mime || a.header.Get("Content-Type") != mime || width != 0 && info.Width != width {
			t.Errorf("%s: %+v of type %s, %v, want %s of %d pixels' width", src, info, a.header.Get("Content-Type"), err, mime, width)
		}
		types[mime] = true
	}
	for n := range doc.Descendants() {
		mime := attributeOf(n, "type")
		switch n.Data {
		case "img":
			mime = "image/jpeg"
			if w, h, alt := attributeOf(n, "width"), attributeOf(n, "height"), attributeOf(n, "alt"); w != strconv.Itoa(d.Width) || h != strconv.Itoa(d.Height) || alt != "A “rocket” & <smoke>" {
				t.Errorf("img of %s × %s, alt %q", w, h, alt)
			}
			follow(attributeOf(n, "src"), mime, 0)
		case "source":
		default:
			continue
		}
		for entry := range strings.SplitSeq(attributeOf(n, "srcset"), ", ") {
			if src, descriptor, ok := strings.Cut(entry, " "); ok {
				width, err := strconv.Atoi(strings.TrimSuffix(descriptor, "w"))
				if err != nil {
					t.Errorf("srcset %q: %v", entry, err)
				}
				follow(src, mime, width)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(types)); !slices.Equal(got, []string{"image/avif", "image/jpeg", "image/webp"}) {
		t.Errorf("types %q in\n%s", got, markup)
	}
}
