package main

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/source"
)

func TestExamplePath(t *testing.T) {
	entry := func(src, path, slug string) *catalog.Entry {
		s, err := source.Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		return &catalog.Entry{ID: src, Source: s, Posts: []catalog.Post{{Path: path, Slug: slug}}}
	}
	remote := entry("https://example.com/a.jpg", "_posts/2024-01-01-far.md", "far")
	here := entry("/img/b.jpg", "_posts/2024-01-02-near.md", "near")
	twin := entry("/img/c.jpg", "news/2024-01-02-near.md", "near")
	noSlug := entry("/img/d.jpg", "posts/föhn wind.md", "")
	tests := []struct {
		name    string
		entries []*catalog.Entry
		want    string
	}{
		{"the slug", []*catalog.Entry{here}, "/p/near/hero.webp"},
		{"of a picture in the site, which needs no network", []*catalog.Entry{remote, here}, "/p/near/hero.webp"},
		{"of any, where all are elsewhere", []*catalog.Entry{remote}, "/p/far/hero.webp"},
		{"the path, where posts share the slug", []*catalog.Entry{here, twin}, "/p/_posts/2024-01-02-near/hero.webp"},
		{"the path, where there is no slug", []*catalog.Entry{noSlug}, "/p/posts/f%C3%B6hn%20wind/hero.webp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := examplePath(&catalog.Catalog{Entries: tt.entries}); got != tt.want {
				t.Errorf("examplePath = %q, want %q", got, tt.want)
			}
		})
	}
}
