package catalog

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/source"
)

func TestParseFocus(t *testing.T) {
	at := func(x, y uint8) Focus { return Focus{X: x, Y: y, Set: true} }
	for text, want := range map[string]Focus{
		"0.3 0.7": at(30, 70), "0.3, 0.7": at(30, 70), "[0.3, 0.7]": at(30, 70), "0.3x": {}, ".5 .5": at(50, 50),
		"30% 70%": at(30, 70), "30%,70%": at(30, 70), "30 70": at(30, 70), "30 0.5": at(30, 1), "1 1": at(100, 100), "0 0": at(0, 0),
		"1% 1%": at(1, 1), "0.5% 100%": at(1, 100),
		"top-left": at(0, 0), "top left": at(0, 0), "Left Top": at(0, 0), "TopLeft": at(0, 0), "TOP": at(50, 0), "left": at(0, 50),
		"center": at(50, 50), "Centre": at(50, 50), "middle": at(50, 50), "center center": at(50, 50), "center right": at(100, 50),
		"bottom_right": at(100, 100), "upper-right": at(100, 0), "Smart": {}, "": {}, "  ": {}, "auto": {},
	} {
		if got, ok := parseFocus(text); got != want || ok != (text != "0.3x") {
			t.Errorf("%q: got %+v, %t, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"0.5", "101 50", "-1 50", "0.3 0.7 0.9", "top bottom", "left left", "top left center", "NaN NaN", "Inf 1", "here", "topp", "50% top", "1e400 1"} {
		if got, ok := parseFocus(text); ok {
			t.Errorf("%q: got %+v, want a refusal", text, got)
		}
	}
}

func FuzzParseFocus(f *testing.F) {
	for _, seed := range []string{"0.3 0.7", "30% 70%", "top-left", "[1,2]", "NaN 1", "", "center center"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseFocus(text)
		if got.X > 100 || got.Y > 100 || !ok && got != (Focus{}) || !got.Set && (got.X|got.Y) != 0 {
			t.Errorf("%q: got %+v, %t", text, got, ok)
		}
	})
}

func TestFocusOfPosts(t *testing.T) {
	for _, tt := range []struct {
		name, matter string
		want         Focus
		bad          string // the key of a finding
	}{
		{"none", "image: /a.jpg", Focus{}, ""},
		{"inside", "featured-image:\n  path: /a.jpg\n  focal-point: 0.3 0.7", Focus{30, 70, true}, ""},
		{"inside, a list", "image:\n  src: /a.jpg\n  focus: [0.3, 0.7]", Focus{30, 70, true}, ""},
		{"inside, a map", "image:\n  src: /a.jpg\n  focal_point: {x: 30%, y: 70%}", Focus{30, 70, true}, ""},
		{"inside, Hugo Blox", "image:\n  src: /a.jpg\n  focal_point: TopLeft", Focus{0, 0, true}, ""},
		{"inside, smart", "image:\n  src: /a.jpg\n  focal_point: Smart", Focus{}, ""},
		{"inside, one key each", "image:\n  src: /a.jpg\n  fp-x: 0.3\n  fp-y: 0.7", Focus{30, 70, true}, ""},
		{"beside", "image: /a.jpg\nimage_focal_point: 30 70", Focus{30, 70, true}, ""},
		{"beside, plain", "image: /a.jpg\nfocal-point: top", Focus{50, 0, true}, ""},
		{"beside, stem", "featured_image: /a.jpg\nfeatured_focus: bottom", Focus{50, 100, true}, ""},
		{"beside, one key each", "image: /a.jpg\nfocal_x: 30\nfocal_y: 70", Focus{30, 70, true}, ""},
		{"the article's own focus", "image: /a.jpg\nfocus: machine learning", Focus{}, ""},
		{"bad", "image:\n  src: /a.jpg\n  focal-point: here", Focus{}, "focal-point"},
		{"bad and good", "image:\n  src: /a.jpg\n  focal-point: here\n  focus: left", Focus{0, 50, true}, ""},
		{"null", "image:\n  src: /a.jpg\n  focal-point:", Focus{}, ""},
		{"field", "image: /a.jpg\ngaze: 10% 20%", Focus{10, 20, true}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scanSite(t, map[string]string{"_posts/2024-01-01-a.md": "---\n" + tt.matter + "\n---\n", "a.jpg": "x"},
				Options{Fields: map[string][]string{"focus": {"gaze"}}})
			if len(c.Entries) != 1 || c.Entries[0].Focus != tt.want {
				t.Fatalf("got %+v, want focus %+v", c.Entries, tt.want)
			}
			var bad []Problem
			for _, p := range c.Problems {
				if p.Code == codeBadFocalPoint {
					bad = append(bad, p)
				}
			}
			if (len(bad) == 1) != (tt.bad != "") || len(bad) == 1 && bad[0].Message != tt.bad+" is no focal point: expected "+wantFocus {
				t.Errorf("got findings %+v", bad)
			}
		})
	}
}

func TestFocusIsPartOfTheID(t *testing.T) {
	src, err := source.Local("a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	e := Entry{Source: src}
	none := entryID(e.Source, e.Words, Focus{})
	if marked := entryID(e.Source, e.Words, Focus{Set: true}); marked == none {
		t.Error("a focal point at the top left changes no ID")
	}
	if entryID(e.Source, e.Words, Focus{30, 70, true}) == entryID(e.Source, e.Words, Focus{70, 30, true}) {
		t.Error("two focal points have one ID")
	}
}
