package catalog

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// full is front matter that no rule finds fault with.
const full = "---\ntitle: T\nimage:\n  path: https://example.org/a.jpg\n  caption: Who\n  credit: Ana\n  alt: What\n---\n"

func TestLint(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string // full, with old replaced by new
		want           []string
		message        string
	}{
		{"nothing", "", "", []string{}, ""},
		{codeMissingAlt, "  alt: What\n", "", []string{"p.md:4 missing-alt"}, `add "alt" beside "image.path"`},
		{"decorative", "alt: What", `alt: ""`, []string{}, ""},
		{"alt without a value", "alt: What", "alt:", []string{"p.md:4 missing-alt"}, "no alternative text"},
		{codeMissingCredit, "  credit: Ana\n", "", []string{"p.md:4 missing-credit"}, `add "credit"`},
		{"credit in the caption", "  caption: Who\n  credit: Ana\n", "  caption: Photo by [Ana](https://ana.test)\n", []string{}, ""},
		{"caption that is the credit", "  caption: Who\n  credit: Ana\n", "  caption: (Ana Sol/The Daily)\n", []string{}, ""},
		{"credit by the agency's name", "  caption: Who\n  credit: Ana\n", "  caption: Who, at night. (Getty Images)\n", []string{}, ""},
		{"credit by the photographer", "  caption: Who\n  credit: Ana\n", "  caption: \"Who, at night. Photographer: Ana Sol\"\n", []string{}, ""},
		{"credit in a sign", "  caption: Who\n  credit: Ana\n", "  caption: Who (c) 2026 Ana Sol\n", []string{}, ""},
		{"credit by an image from", "  caption: Who\n  credit: Ana\n", "  caption: Who. Image from NASA\n", []string{}, ""},
		{"no credit: Gettysburg", "  caption: Who\n  credit: Ana\n", "  caption: Lincoln at Gettysburg\n", []string{"p.md:4 missing-credit"}, "nobody"},
		{"no credit: a photographer in the picture", "  caption: Who\n  credit: Ana\n", "  caption: The photographer fell\n", []string{"p.md:4 missing-credit"}, "nobody"},
		{"no credit: an image from somewhere", "  caption: Who\n  credit: Ana\n", "  caption: It is the first image from Mars\n", []string{"p.md:4 missing-credit"}, "nobody"},
		{"no credit: three things", "  caption: Who\n  credit: Ana\n", "  caption: (a) a hare (b) a hound (c) a horse\n", []string{"p.md:4 missing-credit"}, "nobody"},
		{"signs alone repeat nothing", "  caption: Who\n  credit: Ana\n  alt: What\n", "  credit: Ana\n  alt: \"🎉\"\n", []string{"p.md:4 missing-cutline"}, ""},
		{"signs that repeat", "  caption: Who\n  credit: Ana\n  alt: What\n", "  credit: Ana\n  alt: \"🎉\"\n  caption: \"🎉\"\n", []string{"p.md:6 alt-repeats-cutline"}, ""},
		{"a page that wraps", "https://example.org/a.jpg", "https://www.google.com/imgres?imgurl=https%3A%2F%2Fexample.org%2Fa.jpg", []string{"p.md:4 page-not-image"}, "https://example.org/a.jpg"},
		{"blank credit", "credit: Ana", "credit: ''", []string{"p.md:6 missing-credit"}, "nobody"},
		{codeMissingCutline, "  caption: Who\n", "", []string{"p.md:4 missing-cutline"}, `add "caption"`},
		{codeAltRepeatsCutline, "alt: What", "alt: \"WHO!\"", []string{"p.md:7 alt-repeats-cutline"}, "repeats the cutline"},
		{codeLongAlt, "alt: What", "alt: " + strings.Repeat("ä", 301), []string{"p.md:7 long-alt"}, "301 characters"},
		{"alt of 300", "alt: What", "alt: " + strings.Repeat("ä", 300), []string{}, ""},
		{codeUnknownSourceType, "  alt: What\n", "  alt: What\n  source-type: by a robot\n", []string{"p.md:8 unknown-source-type"}, `"by a robot" is no digital source type`},
		{"source type", "  alt: What\n", "  alt: What\n  source-type: trainedAlgorithmicMedia\n", []string{}, ""},
		{"source type left blank", "  alt: What\n", "  alt: What\n  source-type:\n", []string{}, ""},
		{codeInsecureURL, "https:", "http:", []string{"p.md:4 insecure-url"}, "write https://example.org/a.jpg"},
		{codeWrappedURL, "https://example.org/a.jpg", "https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fexample.org%2Fa.jpg&f=1", []string{"p.md:4 wrapped-url"}, "https://example.org/a.jpg"},
		{"opaque wrapper", "https://example.org/a.jpg", "https://encrypted-tbn0.gstatic.com/images?q=tbn:ANd9Gc", []string{"p.md:4 wrapped-url"}, "expires"},
		{codePageNotImage, "https://example.org/a.jpg", "https://unsplash.com/photos/abcdefghijk", []string{"p.md:4 page-not-image"}, "web page"},
		{codeUnsupportedFormat, "a.jpg", "a.SVG?x", []string{"p.md:4 unsupported-format"}, ".svg files"},
		{codeMissingFile, "https://example.org/a.jpg", "/gone.jpg", []string{"p.md:4 missing-file"}, "no file"},
		{codeBadURL, "https://example.org/a.jpg", "ftp://example.org/a.jpg", []string{"p.md:4 bad-url"}, "cannot be fetched"},
		{codeBadFrontMatter, "title: T", "title: [", []string{"p.md:2 bad-front-matter"}, "cannot be read"},
		{codeDuplicateKey, "title: T", "title: T\ntitle: U", []string{"p.md:3 duplicate-key"}, "in line 2 already"},
		{"beside a scalar", "image:\n  path: https://example.org/a.jpg\n  caption: Who\n  credit: Ana\n  alt: What\n", "hero: https://example.org/a.jpg\n", []string{"p.md:3 missing-alt", "p.md:3 missing-credit", "p.md:3 missing-cutline"}, `"hero_alt" beside "hero"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(full, tt.old) {
				t.Fatalf("%q is not in the model post", tt.old)
			}
			c := scanSite(t, map[string]string{"p.md": strings.Replace(full, tt.old, tt.new, 1)}, Options{})
			got := c.Lint()
			if diff := cmp.Diff(tt.want, findings(got)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if len(got) > 0 && !strings.Contains(got[0].Message, tt.message) {
				t.Errorf("got message %q, want …%s…", got[0].Message, tt.message)
			}
			sayWhatToDo(t, got)
		})
	}
}

// advice is a verb that whoever reads a finding can follow.
var advice = regexp.MustCompile(`\b(add|write|use|say|describe|delete|rename|move|save|export|correct|put|open|expected|set|lists them|do the words fit)\b`)

// sayWhatToDo fails for a message that leaves its reader alone.
func sayWhatToDo(t *testing.T, found []Problem) {
	t.Helper()
	for _, p := range found {
		if !advice.MatchString(p.Message) {
			t.Errorf("%s: %q does not say what to do", p.Code, p.Message)
		}
	}
}

// TestSuggestedKeysAreRead follows every suggestion of lint and expects the finding to go away.
func TestSuggestedKeysAreRead(t *testing.T) {
	for _, tt := range []struct{ name, before, after string }{
		{"map", "featured-image:\n  path: https://example.org/a.jpg\n", "featured-image:\n  path: https://example.org/a.jpg\n  alt-text: A\n  credit: B\n  cutline: C\n"},
		{"scalar", "featured_image: https://example.org/a.jpg\n", "featured_image: https://example.org/a.jpg\nfeatured_image_alt: A\nfeatured_image_credit: B\nfeatured_image_caption: C\n"},
		{"list", "images: [https://example.org/a.jpg]\n", "images: [https://example.org/a.jpg]\nimage_alt: A\nimage_credit: B\nimage_caption: C\n"},
		{"params", "params:\n  cover: https://example.org/a.jpg\n", "params:\n  cover: https://example.org/a.jpg\n  cover_alt: A\n  cover_credit: B\n  cover_caption: C\n"},
		{"camel case", "heroImage: https://example.org/a.jpg\n", "heroImage: https://example.org/a.jpg\nheroImageAlt: A\nheroImageCredit: B\nheroImageCaption: C\n"},
		{"dashes", "cover-img: https://example.org/a.jpg\n", "cover-img: https://example.org/a.jpg\ncover-img-alt: A\ncover-img-credit: B\ncover-img-caption: C\n"},
		{"resource", "resources:\n- name: hero\n  src: https://example.org/a.jpg\n", "resources:\n- name: hero\n  src: https://example.org/a.jpg\n  params: {alt: A, credit: B, caption: C}\n"},
		{"list of maps", "bigimg: [{src: https://example.org/a.jpg}]\n", "bigimg: [{src: https://example.org/a.jpg, alt: A, credit: B, caption: C}]\n"},
		{"header", "header:\n  teaser: https://example.org/a.jpg\n", "header:\n  teaser: https://example.org/a.jpg\n  image_description: A\n  credit: B\n  caption: C\n"},
		{"two deep", "hero:\n  image:\n    file: https://example.org/a.jpg\n", "hero:\n  image:\n    file: https://example.org/a.jpg\n    alt: A\n    credit: B\n    caption: C\n"},
		{"two deep in params", "params:\n  cover:\n    image: https://example.org/a.jpg\n", "params:\n  cover:\n    image: https://example.org/a.jpg\n    alt: A\n    credit: B\n    caption: C\n"},
		{"three deep in params", "extra:\n  hero:\n    image:\n      src: https://example.org/a.jpg\n", "extra:\n  hero:\n    image:\n      src: https://example.org/a.jpg\n      alt: A\n      credit: B\n      caption: C\n"},
		{"featured image in params", "params:\n  featured_image:\n    src: https://example.org/a.jpg\n", "params:\n  featured_image:\n    src: https://example.org/a.jpg\n    alt-text: A\n    credit: B\n    cutline: C\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := scanSite(t, map[string]string{"p.md": "---\n" + tt.before + "---\n"}, Options{}).Lint()
			if len(before) != 3 {
				t.Fatalf("before: got %v, want three findings", before)
			}
			for _, p := range before {
				_, rest, _ := strings.Cut(p.Message, `add "`)
				key, _, _ := strings.Cut(rest, `"`)
				if !strings.Contains(tt.after, key+":") {
					t.Errorf("%s: the suggested key %q is not what the test follows", p.Code, key)
				}
			}
			if after := scanSite(t, map[string]string{"p.md": "---\n" + tt.after + "---\n"}, Options{}).Lint(); len(after) > 0 {
				t.Errorf("after: got %v, want nothing", after)
			}
		})
	}
}

// TestSuggestedKeysOfFields is TestSuggestedKeysAreRead for a path that the site configured.
func TestSuggestedKeysOfFields(t *testing.T) {
	o := Options{Fields: map[string][]string{"image": {"params.shot"}}}
	before := scanSite(t, map[string]string{"p.md": "---\nparams:\n  shot: https://example.org/a.jpg\n---\n"}, o).Lint()
	if len(before) != 3 || !strings.Contains(before[0].Message, `add "alt" beside "params.shot"`) {
		t.Errorf("before: got %v", before)
	}
	if after := scanSite(t, map[string]string{"p.md": "---\nparams:\n  shot: https://example.org/a.jpg\n  alt: A\n  credit: B\n  caption: C\n---\n"}, o).Lint(); len(after) > 0 {
		t.Errorf("after: got %v, want nothing", after)
	}
}

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Codes() {
		if seen[c.Name] || c.Meaning == "" || c.Severity != Error && c.Severity != Warning {
			t.Errorf("bad row %+v", c)
		}
		seen[c.Name] = true
	}
	for _, want := range []string{
		"missing-alt", "missing-credit", "missing-cutline", "alt-repeats-cutline", "long-alt", "insecure-url", "wrapped-url",
		"page-not-image", "unsupported-format", "missing-file", "bad-url", "bad-front-matter", "duplicate-key",
	} {
		if !seen[want] {
			t.Errorf("no code %s", want)
		}
	}
	Codes()[0].Name = "changed"
	if Codes()[0].Name == "changed" {
		t.Error("a caller can change the table")
	}
}
