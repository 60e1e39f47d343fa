package catalog

import (
	"bytes"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestRules(t *testing.T) {
	posts := map[string]string{
		"a.md": "---\nimage: https://example.org/a.jpg\nimage_caption: C\n---\n",                                       // no alt, no credit
		"b.md": "---\nimage: https://example.org/?a=1&amp;b\nimage_alt: A\nimage_caption: C\nimage_credit: Ann\n---\n", // a milder bad-url
		"c.md": "---\nimage: ftp://example.org/a.jpg\n---\n",                                                           // a bad-url
	}
	for _, tt := range []struct {
		name  string
		rules map[string]Severity
		want  []string
	}{
		{"none", nil, []string{"a.md warning missing-alt", "a.md warning missing-credit", "b.md warning bad-url", "c.md error bad-url"}},
		{"more severe", map[string]Severity{codeMissingAlt: Error}, []string{"a.md error missing-alt", "a.md warning missing-credit", "b.md warning bad-url", "c.md error bad-url"}},
		{"off", map[string]Severity{codeMissingAlt: Off, codeMissingCredit: Off, codeBadURL: Off}, nil},
		{"less severe", map[string]Severity{codeBadURL: Warning}, []string{"a.md warning missing-alt", "a.md warning missing-credit", "b.md warning bad-url", "c.md warning bad-url"}},
		{"milder stays milder", map[string]Severity{codeBadURL: Error, codeMissingAlt: Warning}, []string{"a.md warning missing-alt", "a.md warning missing-credit", "b.md warning bad-url", "c.md error bad-url"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scanSite(t, posts, Options{Rules: tt.rules})
			var got []string
			for _, p := range c.Lint() {
				got = append(got, p.File+" "+string(p.Severity)+" "+p.Code)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	c := scanSite(t, posts, Options{Rules: map[string]Severity{codeOriginalUnavailable: Off, codeDeadLicense: Error}})
	for _, p := range c.LintOriginals(make([]Original, len(c.Entries))) {
		if p.Code == codeOriginalUnavailable {
			t.Errorf("got %+v, which is off", p)
		}
	}
}

// TestRulesOfCredits verifies that what says a finding better does not hide it where it is off itself, or milder.
func TestRulesOfCredits(t *testing.T) {
	posts := map[string]string{"a.md": "---\nimage: https://example.org/a.jpg\nimage_caption: C\nimage_alt: A\n---\n"}
	for _, tt := range []struct {
		name  string
		rules map[string]Severity
		want  []string
	}{
		{"none", nil, []string{"a.md:2 embedded-credit"}},
		{"the better one off", map[string]Severity{codeEmbeddedCredit: Off}, []string{"a.md:2 missing-credit"}},
		{"the other off", map[string]Severity{codeMissingCredit: Off}, []string{"a.md:2 embedded-credit"}},
		{"the other an error", map[string]Severity{codeMissingCredit: Error}, []string{"a.md:2 embedded-credit", "a.md:2 missing-credit"}},
		{"both errors", map[string]Severity{codeMissingCredit: Error, codeEmbeddedCredit: Error}, []string{"a.md:2 embedded-credit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scanSite(t, posts, Options{Rules: tt.rules})
			got := c.LintOriginals([]Original{{Found: caption.Found{XMP: caption.Words{Credit: "Ann"}}}})
			if diff := cmp.Diff(tt.want, findings(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSilence(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		want      []string
	}{
		{"nothing", "", []string{"p.md:2 missing-alt", "p.md:2 missing-credit"}},
		{"one", "cutline-lint: {off: [missing-alt]}\n", []string{"p.md:2 missing-credit"}},
		{"all", "cutline-lint:\n  off:\n  - missing-alt\n  - ' missing-credit'\n", []string{}},
		{"of reading", "title: a\ntitle: b\ncutline-lint: {off: [missing-alt, missing-credit, duplicate-key]}\n", []string{}},
		{"no such code", "cutline-lint: {off: [missing-alts]}\n", []string{"p.md:2 missing-alt", "p.md:2 missing-credit", "p.md:4 unknown-rule"}},
		{"no map", "cutline-lint: missing-alt\n", []string{"p.md:2 missing-alt", "p.md:2 missing-credit", "p.md:4 unknown-rule"}},
		{"its own complaint", "cutline-lint: {off: [nonsense, unknown-rule, missing-alt, missing-credit]}\n", []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			post := "---\nimage: https://example.org/a.jpg\nimage_caption: C\n" + tt.key + "---\n"
			c := scanSite(t, map[string]string{"p.md": post, "q.md": "---\nimage: https://example.org/b.jpg\nimage_caption: C\nimage_credit: Ann\n---\n"}, Options{})
			if diff := cmp.Diff(append(tt.want, "q.md:2 missing-alt"), findings(c.Lint())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRemedies says of every code what to do, and in every message too: there has to be a verb that a writer can follow.
func TestRemedies(t *testing.T) {
	for _, c := range Codes() {
		if len(c.Remedy) < 10 || !strings.HasSuffix(c.Remedy, ".") || strings.ToUpper(c.Remedy[:1]) != c.Remedy[:1] {
			t.Errorf("%s: remedy %q", c.Name, c.Remedy)
		}
		if c.Online() != strings.HasPrefix(c.Meaning, "--online") {
			t.Errorf("%s: Online is %t", c.Name, c.Online())
		}
	}
}

// TestMend follows every Fix and expects its finding to go away, and nothing else to come.
func TestMend(t *testing.T) {
	const tail = "\nimage_alt: A\nimage_caption: C\nimage_credit: Ann\n---\nbody\n"
	for _, tt := range []struct{ name, value, fixed, code string }{
		{"wrapper", "https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fexample.org%2Fa.jpg&f=1", "https://example.org/a.jpg", codeWrappedURL},
		{"page that wraps", "https://www.google.com/imgres?imgurl=https%3A%2F%2Fexample.org%2Fa.jpg", "https://example.org/a.jpg", codePageNotImage},
		{"nested", "https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fi0.wp.com%2Fexample.org%2Fa.png%3Fssl%3D1", "https://example.org/a.png", codeWrappedURL},
		{"entity", `"https://example.org/?a=1&amp;b=2&amp;c=3"`, `"https://example.org/?a=1&b=2&c=3"`, codeBadURL},
		{"case", "/IMG/a.JPG", "/img/A.jpg", codeMissingFile},
		{"case, no slash", "IMG/a.JPG", "img/A.jpg", codeMissingFile},
		{"case, from the post", "./IMG/a.JPG", "./img/A.jpg", codeMissingFile},
		{"case, in a public folder", "/B.PNG", "/b.png", codeMissingFile},
		{"case, accents", "/img/é.JPG", "/img/é.jpg", codeMissingFile},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"p.md": "---\nimage: " + tt.value + tail, "img/A.jpg": "x", "static/b.png": "x", "img/é.jpg": "x"}
			root := openRoot(t, writeSite(t, files))
			c, err := Scan(t.Context(), root, Options{})
			if err != nil {
				t.Fatal(err)
			}
			found := c.Lint()
			if len(found) != 1 || found[0].Code != tt.code || found[0].Fix == "" {
				t.Fatalf("before: got %+v, want one %s with a fix", found, tt.code)
			}
			m, err := NewMender(root, Options{})
			if err != nil {
				t.Fatal(err)
			}
			mended, err := m.Mend("p.md", []byte(files["p.md"]), found[0])
			if want := "---\nimage: " + tt.fixed + tail; err != nil || string(mended) != want {
				t.Fatalf("got %q, %v, want %q", mended, err, want)
			}
			files["p.md"] = string(mended)
			if after := scanSite(t, files, Options{}).Lint(); len(after) > 0 {
				t.Errorf("after: got %+v, want nothing", after)
			}
			// What is there is no longer what was found.
			if _, err := m.Mend("p.md", mended, found[0]); !errors.Is(err, ErrLeft) || !strings.Contains(err.Error(), "another one") {
				t.Errorf("mended once more: got %v, want ErrLeft", err)
			}
		})
	}
	for name, value := range map[string]string{
		"opaque": "https://encrypted-tbn0.gstatic.com/images?q=tbn:ANd9Gc", "page": "https://unsplash.com/photos/abcdefghijk", "http": "http://example.org/a.jpg",
		"missing": "/gone.jpg", "page inside a wrapper": "https://www.google.com/imgres?imgurl=https%3A%2F%2Funsplash.com%2Fphotos%2Fabcdefghijk",
	} {
		for _, p := range scanSite(t, map[string]string{"p.md": "---\nimage: " + value + tail}, Options{}).Lint() {
			if p.Fix != "" {
				t.Errorf("%s: %s has the fix %q, and a person has to decide", name, p.Code, p.Fix)
			}
		}
	}
}

// TestMendRealPosts gives every post of the example sites another picture, and expects all that is read of it to be as before.
func TestMendRealPosts(t *testing.T) {
	const fix = "https://images.example.org/2026/new%20picture.jpg?w=1600&fit=crop"
	mended := 0
	for _, dir := range []string{"testdata/site", "../../testdata/site"} {
		root := openRoot(t, dir)
		c, err := Scan(t.Context(), root, Options{Drafts: true})
		if err != nil {
			t.Fatal(err)
		}
		m, err := NewMender(root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Entries {
			for _, p := range e.Posts {
				before, err := root.ReadFile(p.Path)
				if err != nil {
					t.Fatal(err)
				}
				after, err := m.Mend(p.Path, before, Problem{Value: p.Raw, Fix: fix})
				if err != nil {
					if !strings.HasPrefix(p.Field, "*") && !errors.Is(err, ErrLeft) {
						t.Errorf("%s: %v", p.Path, err)
					}
					continue
				}
				mended++
				read := func(text []byte) result {
					doc, err := m.s.reader().Read(bytes.NewReader(text))
					if err != nil {
						t.Fatalf("%s: %v", p.Path, err)
					}
					return m.s.post(doc, p.Path, job{dir: path.Dir(p.Path)})
				}
				was, is := read(before), read(after)
				if is.words != was.words || is.focus != was.focus || is.post.Title != was.post.Title || is.post.Slug != was.post.Slug || is.post.Field != was.post.Field || is.post.Raw != fix {
					t.Errorf("%s: got %+v, was %+v", p.Path, is, was)
				}
				if gone, came := len(before)-len(after), len(p.Raw)-len(fix); gone < came-2 || gone > came+8 { // quotes, escapes
					t.Errorf("%s: %d bytes less, of an address %d bytes longer", p.Path, gone, came)
				}
				head, tail, _ := bytes.Cut(after, []byte(fix))
				if trimmed := bytes.TrimRight(head, `"'`); !bytes.HasPrefix(before, trimmed) || !bytes.HasSuffix(before, bytes.TrimLeft(tail, `"'`)) {
					t.Errorf("%s: more than the address changed:\n%s", p.Path, after)
				}
			}
		}
	}
	if mended < 15 {
		t.Errorf("%d posts mended: this test looks at too little", mended)
	}
}
