package proxy

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// jpegOf is a small JPEG.
func jpegOf(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, 16, 8)), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestMendedURLIsNotBroken verifies that a slip in a URL that was read all the same is no broken picture.
func TestMendedURLIsNotBroken(t *testing.T) {
	x := newSheetIndex(scan(t, map[string]string{
		"a.md": "---\nimage: https://origin.example/a.jpg?w=1&amp;h=2\n---\n", "b.md": "---\nimage: /gone.jpg\n---\n", "c.md": "---\nimage: ftp://origin.example/c.jpg\n---\n",
	}))
	var got []string
	for i := range x.rows {
		for _, p := range x.rows[i].problems {
			if p.Code == "bad-url" || p.Code == "missing-file" {
				got = append(got, fmt.Sprint(p.File, " ", p.Code, " ", x.rows[i].traits&isBroken != 0))
			}
		}
	}
	if want := []string{"a.md bad-url false", "b.md missing-file true"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"Ann STRÖM": "ann strom", "Łódź": "lodz", "Straße": "strasse", "Ærø": "aero", "CAFE\u0301": "cafe", "ﬁne": "fine",
		"İstanbul ılık": "istanbul ilik", "Ελλάδα": "ελλαδα", "日本 a\nB": "日本 a\nb", "“Q”": `"q"`, "": "",
	} {
		if got := fold(text); got != want {
			t.Errorf("fold(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTerms(t *testing.T) {
	for query, want := range map[string][]string{
		"": nil, "  ": nil, "Fox Oslo": {"fox", "oslo"}, `"red fox" Oslo`: {"red fox", "oslo"}, `“Red Fox”`: {"red fox"},
		`"open end`: {"open end"}, `""`: nil, "a\x00b\u202ec": {"a", "bc"},
	} {
		if got := terms(query); !slices.Equal(got, want) {
			t.Errorf("terms(%q) = %q, want %q", query, got, want)
		}
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 1499: "1 kB", 99_499: "99 kB", 999_499: "999 kB", 999_500: "1.0 MB", 1_240_000: "1.2 MB",
		9_940_000: "9.9 MB", 9_960_000: "10 MB", 5_000_000_000: "5.0 GB", -1_240_000: "−1.2 MB", 1 << 62: "4612 PB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "−1,234"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		400 * time.Microsecond: "0.4 ms", 85 * time.Millisecond: "85 ms", 1240 * time.Millisecond: "1.2 s", 3 * time.Minute: "3 min",
		320 * time.Minute: "5 h 20 min", 291 * time.Hour: "12 d 3 h",
	} {
		if got := spanText(d); got != want {
			t.Errorf("spanText(%v) = %q, want %q", d, got, want)
		}
	}
}

// TestEveryCodeHasAFilter verifies that whatever lint finds can be filtered by.
func TestEveryCodeHasAFilter(t *testing.T) {
	x := &sheetIndex{filters: newFilters()}
	seen := map[traits]string{}
	for _, f := range x.filters {
		if last, ok := seen[f.trait]; ok || f.trait == 0 || f.trait&(f.trait-1) != 0 || f.label == "" {
			t.Errorf("filter %s: trait %b, as %q has", f.name, f.trait, last)
		}
		seen[f.trait] = f.name
	}
	for _, c := range catalog.Codes() {
		if x.filter(c.Name) == nil {
			t.Errorf("no filter for %s: are there more codes than bits?", c.Name)
		}
	}
	if x.filter("nothing") != nil {
		t.Error("a filter of no name")
	}
}

// large is a catalog of n pictures, of which each hundredth lacks something.
func large(t testing.TB, n int) *catalog.Catalog {
	t.Helper()
	c := &catalog.Catalog{Layout: "jekyll", Posts: n}
	for i := range n {
		src, err := source.Parse(fmt.Sprintf("https://origin.example/%d/photograph.jpg", i))
		if err != nil {
			t.Fatal(err)
		}
		w := caption.Words{
			Cutline: fmt.Sprintf("Number %d: the harbour at dawn, seen from the northern mole, while the first boats come in with their catch", i),
			Credit:  "Ann Ström", Alt: "Boats on grey water under a low sun, with a line of gulls over the last of them",
		}
		if i%100 == 0 {
			w.Alt = ""
		}
		c.Entries = append(c.Entries, &catalog.Entry{ID: fmt.Sprintf("%016d", i), Source: src, Words: w, Posts: []catalog.Post{{
			Path: fmt.Sprintf("_posts/2026-01-01-harbour-%06d.md", i), Slug: fmt.Sprintf("harbour-%06d", i), Title: fmt.Sprintf("The harbour, part %d", i*7919%n),
		}}})
	}
	return c
}

// BenchmarkSheet is what the list costs beside its template: to make the index, once per scan, and to choose a page.
func BenchmarkSheet(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		c := large(b, n)
		b.Run(fmt.Sprintf("index/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				newSheetIndex(c)
			}
		})
		x := newSheetIndex(c)
		facts := make([]fact, n)
		for i := range facts {
			facts[i] = newFact(render.Glance{Original: &render.Original{Info: transform.Info{Width: 2000, Height: 1000}, Bytes: int64(i * 7919 % n)}})
		}
		for name, q := range map[string]sheetQuery{
			"all": {sort: "newest"}, "filter": {show: "missing-alt", sort: "title"}, "search": {q: "strom dawn 77", sort: "newest"},
			"original": {sort: "original"}, "filter search sort": {show: "complete", q: "gulls", sort: "original"},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					x.choose(q, facts, &largestFiles{})
				}
			})
		}
	}
}

// TestSheetOfTenThousand verifies that a page is as heavy as its sixty pictures, whatever the number of all, and whatever authors
// write.
func TestSheetOfTenThousand(t *testing.T) {
	d := newDesk(t)
	c := large(t, 10_000)
	for i, e := range c.Entries {
		if i >= len(c.Entries)-sheetPage {
			e.Words.Cutline, e.Words.Alt = strings.Repeat("long words ", 1000), strings.Repeat("ä", 5000)
		}
	}
	s, err := New(Options{Catalog: c, Renderer: d.stub})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	d.serve()
	if _, body := d.get("/?page=2"); len(body) > 200_000 {
		t.Errorf("%d bytes of usual words", len(body))
	}
	if _, body := d.get("/"); len(body) > 350_000 {
		t.Errorf("%d bytes of long words", len(body))
	}
}
