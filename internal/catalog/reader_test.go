package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
	"github.com/dd8bf596/cutline/internal/source"
)

// FuzzPost reads whole posts: nothing may panic, and what comes out must keep what Entry and Words promise.
func FuzzPost(f *testing.F) {
	for _, seed := range []string{
		full, "---\ncover-img:\n- \"/a.jpg\": C\n---\n", "+++\n[extra]\nimage = \"a.jpg\"\n+++\n", "{\"cover\": {\"image\": \"//example.org/a.jpg\"}}",
		"---\nresources:\n- {name: hero, src: '**a*', params: {credit: x}}\n---\n", "---\nimage: &a [*a, {url: '../..//x y?z#q'}]\n---\n", "---\nheader: {teaser: ~/a.jpg}\nalt: ''\n---\n",
		"---\nimage: 'https://example.org/&amp;x'\nimage-credit: [a, b]\n---\n", "---\nimage: C:\\a\n---\n", "---\nslug: /a/\nimages: [[[[[[[[x]]]]]]]]\n---\n", "---\nfeature: c*\nimage: {caption: C}\n---\n",
		"---\nimage: {src: a.jpg, credit: \"Photo: J. Doe/AP \", creator: \"[Jane](x)\", copyright: \"© 2024 *The* A.P.\", source-type: print}\n---\n", "---\nmedia_subpath: ../..\nimage: ../a.jpg\n---\n",
	} {
		f.Add([]byte(seed))
	}
	root := openRoot(f, writeSite(f, map[string]string{"posts/a.jpg": "x", "posts/cover.png": "x"}))
	s, err := newScanner(root, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		reader := &frontmatter.Reader{LeadingBlanks: true}
		doc, err := reader.Read(bytes.NewReader(text))
		if err != nil {
			if _, ok := errors.AsType[*frontmatter.SyntaxError](err); !ok && !errors.Is(err, frontmatter.ErrNone) {
				t.Errorf("got %v", err)
			}
			return
		}
		r := s.post(doc, "posts/index.md", job{dir: "posts", art: []string{"cover.png"}})
		for _, p := range r.problems {
			if p.Code == "" || p.Severity == "" || strings.ContainsFunc(p.Message, unicode.IsControl) {
				t.Errorf("bad problem %+v", p)
			}
		}
		if r.source.IsZero() {
			return
		}
		w := r.words
		for _, text := range []string{w.Cutline, w.Credit, w.Alt, w.Creator, w.Copyright, w.License, w.CreditURL, w.Licensor, w.LicensorURL, w.SourceType} {
			if text != strings.TrimSpace(text) && strings.Trim(text, "\u00a0\u202f\u2003\u3000") == text || strings.Contains(text, "  ") || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
				t.Errorf("words not folded: %q", text)
			}
		}
		if w.Decorative && w.Alt != "" {
			t.Errorf("decorative with a text: %+v", w)
		}
		if strings.ContainsFunc(r.post.Field, unicode.IsControl) || len(r.post.Raw) > source.MaxLen || r.post.Line < 1 || r.post.Field == "" || r.post.Raw == "" || r.post.Slug == "" {
			t.Errorf("got %+v", r.post)
		}
		if p := r.source.Path(); !r.source.Remote() && (p == "" || strings.HasPrefix(p, "../")) {
			t.Errorf("source %q leaves the root", r.source)
		}
		e := Entry{ID: "x", Source: r.source, Words: w, Posts: []Post{r.post}}
		e.lint(&e.Posts[0], nil)
		if found := e.lintCredits(&e.Posts[0], caption.Found{XMP: w.Plain()}); len(found) > 0 {
			t.Errorf("a post that disagrees with a file that says the same: %+v", found)
		}
	})
}

// TestHeavyBlocksWait proves that the third large block waits for one of two, and that all are read in the end.
func TestHeavyBlocksWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scanner{heavy: make(chan struct{}, maxHeavy)}
		one, two := s.reader().Heavy(), s.reader().Heavy()
		third := false
		go func() {
			done := s.reader().Heavy()
			third = true
			done()
		}()
		synctest.Wait()
		if third {
			t.Error("three large blocks are parsed at a time")
		}
		one()
		synctest.Wait()
		if !third {
			t.Error("the third block still waits")
		}
		two()
	})
	files := map[string]string{}
	for i := range 9 {
		files[fmt.Sprintf("%d.md", i)] = "---\na: " + strings.Repeat("x", 100_000) + "\nimage: " + remote + "\n---\n"
	}
	if c := scanSite(t, files, Options{Workers: 5}); c.PostsWithImage != len(files) {
		t.Errorf("got %d posts with an image, want %d; problems %v", c.PostsWithImage, len(files), c.Problems)
	}
}

// TestNamesAreFitToPrint has keys that would clear a terminal, turn its writing round, or fill it.
func TestNamesAreFitToPrint(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	c := scanSite(t, map[string]string{
		"a.md": "---\nresources: [{name: \"featured\\e[2J\\nX\\u202e\", src: 'https://example.org/a.jpg'}]\n---\n",
		"b.md": `{"resources": [{"name": "cover", "src": "https://example.org/b.jpg"}], "slug": "` + long + `", "` + long + `": 1, "` + long + `": 2}`,
	}, Options{Fields: map[string][]string{"image": {long}}})
	if len(c.Entries) != 2 || len(c.Problems) != 1 {
		t.Fatalf("got %d entries, problems %.200v", len(c.Entries), c.Problems)
	}
	if got, want := c.Entries[0].Posts[0].Field, "resources[name=featured[2JX].src"; got != want {
		t.Errorf("got field %q, want %q", got, want)
	}
	if got := c.Entries[1].Posts[0].Slug; got != "b" {
		t.Errorf("got slug %.80q, want the file's name", got)
	}
	if got := fieldName(long); len(got) != maxField+len("…") {
		t.Errorf("got a field of %d bytes", len(got))
	}
	if got := c.Problems[0].Message; len(got) > 300 {
		t.Errorf("got a message of %d bytes", len(got))
	}
}

// TestAliasesAreBounded looks for an image in a tree that is small as written and has 2⁶⁰ leaves.
func TestAliasesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("---\na: &a0 [no, no]\n")
	names := "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := range 60 {
		b.WriteString("k" + names[i+1:i+2] + ": &a" + names[i+1:i+2] + " [*a" + names[i:i+1] + ", *a" + names[i:i+1] + "]\n")
	}
	b.WriteString("image: *aY\nthumbnail: https://example.org/t.jpg\n---\n")
	c := scanSite(t, map[string]string{"p.md": b.String()}, Options{})
	if len(c.Problems) > 0 || c.Posts != 1 {
		t.Errorf("got %d posts, problems %v", c.Posts, c.Problems)
	}
}
