//go:build integration

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A workday is what sheet.mjs did on the contact sheet and saw there.
type workday struct {
	Violations []struct {
		Page   string
		Width  int
		Scheme string
		Rule   string
		Nodes  []string
	}
	Wide, Strays, Faults []string
	Day                  struct {
		First string
		Found struct {
			Titles []string
			Query  string
		}
		Said, Cleared, Back string
		Filtered            struct {
			Query, Focus  string
			Count, Badges int
		}
		Sorted []string
		Opened struct{ Asked, Title string }
		Again  string
		Copied struct{ Said, Text, Shown string }
		Made   struct {
			Before, After int
			Said, Inside  string
		}
		Home      string
		Off       bool
		Painted   int
		OffColour int `json:"off_colour"`
		Plain     struct {
			Titles            []string
			Filtered, Snippet string
			Buttons           int
		}
	}
}

// TestIntegrationSheet has an editor work with the contact sheet in Chromium, with a keyboard alone, with a script and without, and
// axe-core look at each of its pages, on a telephone and on a desk, light and dark; html-validate reads them. Its screenshots are for people to look at.
func TestIntegrationSheet(t *testing.T) {
	const few = quick + "formats: [webp, jpg]\nwidths: [24, 160, 320, 640, 1280]\n"
	s := startServe(t, "--cache", "off", "--allow-private", "127.0.0.1/32", exampleSite(t, few, map[string]string{
		"_posts/2025-01-01-bare.md": "featured-image: {path: /assets/images/wall-clock.jpg}",
		"_posts/2025-01-02-dead.md": "title: A dead picture\nfeatured-image: {path: 'http://127.0.0.1:9/dead.jpg', cutline: A picture that is not there, credit: Nobody, alt-text: Nothing}",
		"_posts/2025-01-03-page.md": "featured-image: {path: 'https://unsplash.com/photos/abc', alt-text: ''}",
		"_posts/2025-01-04-lost.md": "image: /assets/lost.jpg",
		"_posts/2025-01-05-odd.md":  "title: [",
	}))
	defer s.stop(t)
	bare := t.TempDir()
	put(t, filepath.Join(bare, configName), []byte("fetch: {hosts: [images.example.org]}\n"))
	empty := startServe(t, "--cache", "off", bare)
	defer empty.stop(t)
	ask(t, s.url+"/p/_posts/2025-01-02-dead/hero.webp") // so that it is known to be dead
	for _, post := range []string{"clocks-go-back", "midsummer-walk", "letters-to-the-editor", "bridge-inspection", "ten-years-of-dscovr"} {
		askOK(t, s.url+"/p/"+post+"/meta.json") // which makes the placeholder
		askOK(t, s.url+"/p/"+post+"/w1280.webp")
	}
	if err := os.MkdirAll(work(t, "screenshots"), 0o755); err != nil {
		t.Fatal(err)
	}
	checkSheetHTML(t, s.url, empty.url)
	var got workday
	nodeScript(t, "sheet.mjs", map[string]string{"url": s.url, "empty": empty.url, "screenshots": work(t, "screenshots")}, &got)
	for _, v := range got.Violations {
		t.Errorf("axe: %s at %d, %s: %s: %s", v.Page, v.Width, v.Scheme, v.Rule, strings.Join(v.Nodes, "\n\t"))
	}
	for what, list := range map[string][]string{"wider than the window": got.Wide, "request elsewhere": got.Strays, "fault": got.Faults} {
		for _, one := range list {
			t.Errorf("%s: %s", what, one)
		}
	}
	checkWorkday(t, &got)
}

// checkSheetHTML has html-validate read every page.
func checkSheetHTML(t *testing.T, server, empty string) {
	t.Helper()
	type page struct {
		Name string `json:"name"`
		HTML string `json:"html"`
	}
	pages := []page{{"empty", string(askOK(t, empty+"/").body)}}
	for _, query := range []string{"", "show=problems", "q=nothing+is+like+this", "post=clocks-go-back", "post=_posts/2025-01-02-dead", "view=numbers", "image=gone"} {
		pages = append(pages, page{query, string(ask(t, server+"/?"+query).body)})
	}
	var found [][]struct{ Rule, Message string }
	nodeScript(t, "validate.mjs", pages, &found)
	for i, p := range pages {
		for _, m := range found[i] {
			t.Errorf("html-validate: %q: %s: %s", p.Name, m.Rule, m.Message)
		}
	}
}

func checkWorkday(t *testing.T, got *workday) {
	t.Helper()
	day := &got.Day
	const clocks = "Clocks go back tonight, and one of them stays where it is"
	if day.First != "Skip to the content" {
		t.Errorf("the first stop is %q", day.First)
	}
	if !slices.Equal(day.Found.Titles, []string{clocks}) || day.Found.Query != "?q=Cl%C3%93CKS+go" || !strings.HasPrefix(day.Said, "1 picture") {
		t.Errorf("search: %+v, said %q", day.Found, day.Said)
	}
	if day.Cleared != "" || day.Back != "" {
		t.Errorf("cleared %q, back %q: want the whole list", day.Cleared, day.Back)
	}
	if f := day.Filtered; f.Query != "?show=missing-credit" || f.Focus != "missing-credit" || f.Count < 2 || f.Badges != f.Count {
		t.Errorf("filter: %+v", f)
	}
	if !slices.IsSortedFunc(day.Sorted, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }) {
		t.Errorf("by title: %q", day.Sorted)
	}
	if o := day.Opened; o.Asked != o.Title || o.Title != day.Sorted[1] || day.Again != o.Title {
		t.Errorf("opened %+v, want %q; there and back again is %q", o, day.Sorted[1], day.Again)
	}
	if c := day.Copied; c.Said != "Markdown copied" || c.Text == "" || c.Text != c.Shown || !strings.HasPrefix(c.Text, "![") {
		t.Errorf("copied: %+v", c)
	}
	if m := day.Made; m.Before == 0 || m.After != 0 || !strings.HasSuffix(m.Said, " made") || !strings.Contains(m.Inside, "JPEG") || !strings.Contains(m.Inside, "IPTC-IIM") {
		t.Errorf("made: %+v", m)
	}
	if !strings.HasPrefix(day.Home, "?sort=title#p-") {
		t.Errorf("Escape leads to %q", day.Home)
	}
	if day.Off {
		t.Error("a key works although they are turned off")
	}
	if day.Painted < 5 || day.OffColour > 40 {
		t.Errorf("%d placeholders painted, want 5; off by %d of 255", day.Painted, day.OffColour)
	}
	if p := day.Plain; !slices.Equal(p.Titles, []string{clocks}) || p.Filtered != "?show=complete&q=clocks+go" || !strings.HasPrefix(p.Snippet, "{% include") || p.Buttons != 0 {
		t.Errorf("without a script: %+v", p)
	}
}
