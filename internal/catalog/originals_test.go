package catalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestLintOriginals(t *testing.T) {
	jane := Original{Found: caption.Found{XMP: caption.Words{Credit: "AP", Creator: "Jane Doe", Copyright: "© 2024 AP"}}}
	noticed := time.Date(2026, time.May, 4, 14, 0, 0, 0, time.FixedZone("", 7200))
	gone := Original{Err: errors.New("its server has no such file")}
	for _, tt := range []struct {
		name, matter string
		original     Original
		want         []string
	}{
		{"nothing to say", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: Jane Doe / AP", jane, nil},
		{"conflict", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: \"Photo: [Ann](https://ann.test)\"", jane, []string{
			`p.md:6: warning credit-conflict: the post credits "Photo: Ann", the file credits "AP" and has the creator "Jane Doe": correct the post, or have the file corrected`,
		}},
		{"creator and copyright", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: AP\n  creator: Ann\n  copyright: © Ann", jane, []string{
			`p.md:7: warning credit-conflict: the post has the creator "Ann", the file credits "AP" and has the creator "Jane Doe": correct the post, or have the file corrected`,
			`p.md:8: warning credit-conflict: the post has the copyright notice "© Ann", the file "© 2024 AP": correct the post, or have the file corrected`,
		}},
		{"embedded", "image:\n  path: URL\n  alt: A\n  caption: C", jane, []string{
			`p.md:3: warning embedded-credit: the file credits "AP" and has the creator "Jane Doe", the post has no credit: add "credit" beside "image.path" with "Jane Doe / AP"`,
		}},
		{"embedded, beside a blank credit", "heroImage: URL\nheroImageAlt: A\nheroImageCaption: C\nheroImageCredit: ''", jane, []string{
			`p.md:5: warning embedded-credit: the file credits "AP" and has the creator "Jane Doe", the post has no credit: add "heroImageCredit" beside "heroImage" with "Jane Doe / AP"`,
		}},
		{"creator", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: AP", jane, []string{
			`p.md:3: warning embedded-credit: the file has the creator "Jane Doe", whom the post does not name: add "creator" beside "image.path" with "Jane Doe"`,
		}},
		{"unavailable", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: AP", gone, []string{
			`p.md:3: error original-unavailable: "https://example.org/a.jpg" cannot be shown: its server has no such file`,
		}},
		{"unavailable for now", "image: URL\nimage_alt: A\nimage_caption: C\nimage_credit: AP", Original{Err: gone.Err, Passing: true}, []string{
			`p.md:2: warning original-unavailable: "https://example.org/a.jpg" cannot be shown: its server has no such file`,
		}},
		{"outlived its origin", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: Jane Doe / AP", Original{Gone: gone.Err, Since: noticed}, []string{
			`p.md:3: warning origin-gone: "https://example.org/a.jpg" is shown from the cache alone, since 2026-05-04 12:00 UTC: its server has no such file: save the picture in the site`,
		}},
		{"replaced, pinned", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: Jane Doe / AP", Original{Replaced: noticed, Pinned: true}, []string{
			`p.md:3: warning original-changed: "https://example.org/a.jpg" became another picture (noticed 2026-05-04 12:00 UTC); the one that was published is still shown: save it in the site`,
		}},
		{"replaced", "image:\n  path: URL\n  alt: A\n  caption: C\n  credit: Jane Doe / AP", Original{Replaced: noticed}, []string{
			`p.md:3: warning original-changed: "https://example.org/a.jpg" became another picture (noticed 2026-05-04 12:00 UTC); the new one is shown; do the words fit it?`,
		}},
		{"missing, and said to be", "image: /gone.jpg\nimage_alt: A\nimage_caption: C\nimage_credit: AP", gone, []string{
			`p.md:2: error missing-file: `,
		}},
		{"a web page, and said to be", "image: https://unsplash.com/photos/abcdefghijk\nimage_alt: A\nimage_caption: C\nimage_credit: AP", gone, []string{
			`p.md:2: error page-not-image: `,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scanSite(t, map[string]string{"p.md": "---\n" + strings.ReplaceAll(tt.matter, "URL", remote) + "\n---\n"}, Options{})
			var got []string
			for _, p := range c.LintOriginals([]Original{tt.original}) {
				if p.Code == codeMissingFile || p.Code == codePageNotImage {
					p.Message = ""
				}
				got = append(got, fmt.Sprintf("%s:%d: %s %s: %s", p.File, p.Line, p.Severity, p.Code, p.Message))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOriginalsOfManyPosts reports at every post that uses the picture.
func TestOriginalsOfManyPosts(t *testing.T) {
	matter := "---\n" + strings.ReplaceAll("image:\n  path: URL\n  alt: A\n  caption: C\n  credit: Ann", "URL", remote) + "\n---\n"
	c := scanSite(t, map[string]string{"a.md": matter, "b.md": matter}, Options{})
	if len(c.Entries) != 1 {
		t.Fatalf("got %d entries, want 1", len(c.Entries))
	}
	got := findings(c.LintOriginals([]Original{{Found: caption.Found{EXIF: caption.Words{Creator: "Jane Doe"}}}}))
	if diff := cmp.Diff([]string{"a.md:6 credit-conflict", "b.md:6 credit-conflict"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSuggestedCreatorsAreRead follows the suggestion to name a creator, wherever the picture stands.
func TestSuggestedCreatorsAreRead(t *testing.T) {
	original := []Original{{Found: caption.Found{XMP: caption.Words{Credit: "AP", Creator: "Jane Doe"}}}}
	for _, tt := range []struct{ name, before, key, after string }{
		{"map", "featured-image:\n  path: URL\n  credit: AP\n", "creator", "featured-image:\n  path: URL\n  credit: AP\n  creator: Jane Doe\n"},
		{"scalar", "featured_image: URL\nfeatured_image_credit: AP\n", "featured_image_creator", "featured_image: URL\nfeatured_image_credit: AP\nfeatured_image_creator: Jane Doe\n"},
		{"camel case", "heroImage: URL\nheroImageCredit: AP\n", "heroImageCreator", "heroImage: URL\nheroImageCredit: AP\nheroImageCreator: Jane Doe\n"},
		{"list", "images: [URL]\nimage_credit: AP\n", "image_creator", "images: [URL]\nimage_credit: AP\nimage_creator: Jane Doe\n"},
		{"resource", "resources:\n- name: hero\n  src: URL\n  params: {credit: AP}\n", "creator", "resources:\n- name: hero\n  src: URL\n  params: {credit: AP, creator: Jane Doe}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lint := func(matter string) (found []Problem) {
				c := scanSite(t, map[string]string{"p.md": "---\n" + strings.ReplaceAll(matter, "URL", remote) + "---\n"}, Options{})
				for _, p := range c.LintOriginals(original) {
					if p.Code == codeEmbeddedCredit || p.Code == codeCreditConflict {
						found = append(found, p)
					}
				}
				return found
			}
			before := lint(tt.before)
			if len(before) != 1 || !strings.Contains(before[0].Message, fmt.Sprintf("add %q", tt.key)) {
				t.Fatalf("got %v, want one that suggests %q", before, tt.key)
			}
			if after := lint(tt.after); len(after) > 0 {
				t.Errorf("got %v after the suggestion was followed", after)
			}
		})
	}
}
