//go:build integration

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// A visit is a page that Chromium opens, as browser.mjs reads it.
type visit struct {
	URL        string `json:"url"`
	Width      int    `json:"width"` // of the viewport, in CSS pixels
	DPR        int    `json:"dpr"`
	Screenshot string `json:"screenshot"` // the file to write; "" is none
	Scroll     string `json:"scroll"`     // selects a second image, to which the page is scrolled; "" is none
}

// A sight is what a visit has seen.
type sight struct {
	Seen []struct {
		Src, Type     string
		Width, Height float64 // on the page
		Background    string
		Caption       *string // where they are seen in the viewport
		Credit        *string
		Early         bool // it was loaded before the page was scrolled
		Role, Name    string
	}
	Shift  float64
	Errors []string
}

// articleHTML is an article as a newspaper's server sends it: the hero's figure is included by nginx, and so is another one far
// below, in a narrow column.
const articleHTML = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>An article</title>
<link rel="icon" href="data:,">
<style>
body { margin: 0; font: 18px/1.5 serif }
figure { margin: 0; max-width: 960px }
img { max-width: 100%%; height: auto }
figcaption { padding: 0 1em; font-size: 15px }
.cutline-credit { color: #666 }
aside { width: 300px; margin-top: 6000px }
</style>
</head>
<body>
<h1>An article</h1>
<!--# include virtual="/p/%[1]s/figure.html?role=hero" -->
<p>Text below the picture.</p>
<aside><!--# include virtual="/p/%[2]s/figure.html?sizes=300px" --></aside>
</body>
</html>
`

// carelessHTML is a page that shows the same picture without its size, and so moves when it comes.
const carelessHTML = "<!DOCTYPE html>\n<title>x</title>\n<link rel=\"icon\" href=\"data:,\">\n<h1>x</h1>\n<img src=\"/p/%s/w640.jpg\">\n<p>Text below the picture.</p>\n"

// TestIntegrationBrowser opens an article in Chromium, at the widths of a telephone, a tablet and a desk, on plain and on fine
// screens: the hero comes as AVIF, in the width that the screen needs, moves nothing, and has its words.
func TestIntegrationBrowser(t *testing.T) {
	const hero, below = "larches-turn-below-aizkorri", "two-dogs-one-doorway"
	site := exampleSite(t, quick, nil)
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	pages := t.TempDir()
	put(t, filepath.Join(pages, "article.html"), fmt.Appendf(nil, articleHTML, hero, below))
	put(t, filepath.Join(pages, "careless.html"), fmt.Appendf(nil, carelessHTML, hero))
	front := startNginx(t, "ssi on; location / { root "+pages+"; }\nlocation ~ ^/[ip]/ { proxy_pass "+s.url+"; }")

	// Right is the smallest file that has a pixel for each of the screen's.
	tests := []struct{ width, dpr, shown, file int }{
		{360, 1, 360, 480}, {360, 2, 360, 828}, {768, 1, 768, 828}, {768, 2, 768, 1600}, {1440, 1, 960, 960}, {1440, 2, 960, 1920},
	}
	var visits []visit
	for _, tt := range tests {
		visits = append(visits, visit{
			URL: front + "/article.html", Width: tt.width, DPR: tt.dpr, Scroll: "aside img",
			Screenshot: work(t, "screenshots", fmt.Sprintf("article-%d@%d.png", tt.width, tt.dpr)),
		})
	}
	visits = append(visits, visit{URL: front + "/careless.html", Width: 1440, DPR: 1})
	if err := os.MkdirAll(work(t, "screenshots"), 0o755); err != nil {
		t.Fatal(err)
	}
	var got []sight
	nodeScript(t, "browser.mjs", visits, &got)
	if len(got) != len(visits) {
		t.Fatalf("%d results for %d visits", len(got), len(visits))
	}
	words := scanned(t, site)
	tr := transform.New(goengine.New(), transform.Options{})
	defer func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d@%d", tt.width, tt.dpr), func(t *testing.T) {
			checkSight(t, tr, got[i], 0, tt.shown, tt.file)
			seen := got[i].Seen[0]
			w := words["_posts/2024-11-02-"+hero+".md"].Plain()
			if seen.Role != "image" || seen.Name != w.Alt {
				t.Errorf("who cannot see it hears %s %q, want image %q", seen.Role, seen.Name, w.Alt)
			}
			if seen.Caption == nil || *seen.Caption != w.Cutline || seen.Credit == nil || *seen.Credit != w.Credit {
				t.Errorf("words %v, %v, want %q, %q in the viewport", seen.Caption, seen.Credit, w.Cutline, w.Credit)
			}
			checkSight(t, tr, got[i], 1, 300, map[int]int{1: 320, 2: 640}[tt.dpr])
			if got[i].Seen[1].Early {
				t.Error("the lazy picture was loaded before the page was scrolled to it")
			}
			if got[i].Shift != 0 || len(got[i].Errors) > 0 {
				t.Errorf("layout shift %g, want 0; errors %q", got[i].Shift, got[i].Errors)
			}
		})
	}
	if careless := got[len(tests)]; careless.Shift == 0 {
		t.Error("a page whose picture has no size moved nothing: this test sees no shift")
	}
}

// checkSight holds an image of a visit against its width on the page and the width of its file.
func checkSight(t *testing.T, tr *transform.Transformer, got sight, image, shown, file int) {
	t.Helper()
	seen := got.Seen[image]
	if seen.Type != "image/avif" || !strings.HasPrefix(seen.Background, `url("data:image/webp;base64,`) {
		t.Errorf("image %d: %s of type %s on %s, want AVIF on a placeholder", image, seen.Src, seen.Type, seen.Background)
	}
	if info, err := tr.Probe(askOK(t, seen.Src).body); err != nil || info.Format != transform.AVIF || info.Width != file {
		t.Errorf("image %d: %s: %+v, %v, want AVIF of %d pixels' width", image, seen.Src, info, err, file)
	}
	if diff := float64(shown) - seen.Width; diff < 0 || diff > 16 { // a scroll bar's width
		t.Errorf("image %d: %g pixels wide on the page, want %d", image, seen.Width, shown)
	}
}
