package catalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lookupSite(t *testing.T) *Catalog {
	post := func(name string) string { return "---\n" + name + "image: https://example.org/a.jpg\n---\n" }
	return scanSite(t, map[string]string{
		"_config.yml":                      "",
		"_posts/2026-03-01-bridge.md":      post(""),
		"_posts/2026-03-02-market.md":      post(""),
		"blog/_posts/2025-03-02-market.md": post(""),
		"_posts/2026-03-03-harbour.md":     post("slug: harbour-at-night\n"),
		"trips/oslo/index.md":              post(""),
		"index.html":                       post(""),
		"bridge.md":                        post(""),
		"_posts/2026-03-04-x.md":           "---\ntitle: no image\n---\n",
	}, Options{})
}

func TestByPost(t *testing.T) {
	c := lookupSite(t)
	for _, tt := range []struct{ name, want string }{
		{"_posts/2026-03-01-bridge", "_posts/2026-03-01-bridge.md"},
		{"/_posts/2026-03-01-bridge/", "_posts/2026-03-01-bridge.md"},
		{"_posts/2026-03-01-bridge.md", "_posts/2026-03-01-bridge.md"},
		{"2026-03-01-bridge", "_posts/2026-03-01-bridge.md"},
		{"bridge", "bridge.md"}, // a path goes before a slug
		{"2026-03-02-market", "_posts/2026-03-02-market.md"},
		{"harbour-at-night", "_posts/2026-03-03-harbour.md"},
		{"harbour", "_posts/2026-03-03-harbour.md"},
		{"oslo", "trips/oslo/index.md"},
		{"trips/oslo", "trips/oslo/index.md"},
		{"trips/oslo/index", "trips/oslo/index.md"},
		{"index", "index.html"},
	} {
		e, p, err := c.ByPost(tt.name)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if p.Path != tt.want || e.Source.String() != "https://example.org/a.jpg" {
			t.Errorf("%s: got %s, want %s", tt.name, p.Path, tt.want)
		}
	}
}

func TestByPostErrors(t *testing.T) {
	c := lookupSite(t)
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"market", ErrAmbiguousPost, `post "market": several posts share it: _posts/2026-03-02-market, blog/_posts/2025-03-02-market`},
		{"harbour-at-nigth", ErrUnknownPost, `post "harbour-at-nigth": no such post; near it: harbour-at-night`},
		{"Bridge", ErrUnknownPost, `post "Bridge": no such post; near it: bridge`},
		{"zzzzzzzzzzzz", ErrUnknownPost, `post "zzzzzzzzzzzz": no such post`},
		{"2026-03-04-x", ErrUnknownPost, "no such post"},
		{"bridge.txt", ErrUnknownPost, "no such post"},
		{"", ErrUnknownPost, "no such post"},
	} {
		_, _, err := c.ByPost(tt.name)
		if !errors.Is(err, tt.err) || !strings.HasPrefix(err.Error(), tt.want) && !strings.Contains(tt.want, "no such post") {
			t.Errorf("%q: got %v, want %s", tt.name, err, tt.want)
		}
		if strings.Contains(tt.want, "near it") && err.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestByIDAndSource(t *testing.T) {
	c := lookupSite(t)
	e := c.Entries[0]
	if got, ok := c.ByID(e.ID); !ok || got != e {
		t.Errorf("ByID: got %v, %t", got, ok)
	}
	if _, ok := c.ByID("nope"); ok {
		t.Error("ByID of an unknown ID: got an entry")
	}
	if diff := cmp.Diff([]string{e.ID}, []string{c.BySource(e.Source)[0].ID}); diff != "" {
		t.Error(diff)
	}
	if got := new(Catalog).BySource(e.Source); got != nil {
		t.Errorf("BySource of an empty catalog: got %v", got)
	}
}

func TestByPath(t *testing.T) {
	c := scanSite(t, map[string]string{
		"hugo.toml":                "",
		"static/images/fox.jpg":    "jpeg",
		"assets/b c.jpg":           "jpeg",
		"content/posts/fox.md":     "---\nimage: /images/fox.jpg\n---\n",
		"content/posts/bc.md":      "---\nimage: b c.jpg\n---\n",
		"content/posts/missing.md": "---\nimage: /images/none.jpg\n---\n",
	}, Options{})
	for name, want := range map[string]string{
		"/images/fox.jpg": "/static/images/fox.jpg", "/static/images/fox.jpg": "/static/images/fox.jpg", "images/fox.jpg": "/static/images/fox.jpg",
		"/b c.jpg": "/assets/b c.jpg", "/images/none.jpg": "/images/none.jpg",
		"/b%20c.jpg": "", "/fox.jpg": "", "/content/posts/fox.md": "", "/../images/fox.jpg": "", "": "", "/": "", "\x00": "",
	} {
		got := ""
		if found := c.ByPath(name); len(found) == 1 {
			got = found[0].Source.String()
		}
		if got != want {
			t.Errorf("ByPath(%q): %q, want %q", name, got, want)
		}
	}
}

func TestUnposted(t *testing.T) {
	c := scanSite(t, map[string]string{"_posts/2026-03-01-a.md": "---\nimage: https://example.org/a.jpg\n---\n"}, Options{})
	e := c.Entries[0]
	got := Unposted(e.Source)
	if got.ID != e.ID || got.Source != e.Source || len(got.Posts) != 0 {
		t.Errorf("Unposted: %+v, want the entry without words and posts, %+v", got, e)
	}
}

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"2023-09-18-kim": "kim", "23-9-1-kim": "kim", "2023-09-18": "2023-09-18", "2023-kim": "2023-kim", "kim": "kim", "2023-09-18-": "2023-09-18-", "12345-01-01-x": "12345-01-01-x",
	} {
		if got := withoutDate(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q, %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// BenchmarkUnknownPost is what a request for a post that does not exist costs: anybody can send those.
func BenchmarkUnknownPost(b *testing.B) {
	c := &Catalog{}
	for i := range 100_000 {
		slug := fmt.Sprintf("bridge-repairs-%d", i)
		c.Entries = append(c.Entries, &Entry{ID: slug, Posts: []Post{{Path: "_posts/2023-09-18-" + slug + ".md", Slug: slug}}})
	}
	c.index()
	for b.Loop() {
		if _, _, err := c.ByPost("bridge-repair-77777"); !errors.Is(err, ErrUnknownPost) {
			b.Fatal(err)
		}
	}
}
