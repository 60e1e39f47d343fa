// Package markup makes what a page needs to show a picture with its words: the figure, the lines for the page's head, and
// what stands in for the picture until it has come.
//
// It works on plain values and knows nothing of posts, originals or HTTP. What authors write may be anything: it is escaped,
// never refused. What the program itself puts together (URLs, sizes, placeholders) has to be right: what is not is an error.
package markup

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/dd8bf596/cutline/internal/caption"
)

// A Picture is one picture in all its files, and its words as they are shown: Cutline, Credit and Copyright may hold Markdown
// or HTML.
type Picture struct {
	ID          string
	Words       caption.Words
	Formats     []Format // in order of preference; the last is the one that every browser reads
	Card        File     // what social networks show; zero where there is none
	Placeholder Placeholder
}

// A Format is a picture in one format, in several widths.
type Format struct {
	MIME       string
	Candidates []Candidate // all of one shape, by ascending width; at least one
}

// A Candidate is one file of a srcset. Its URL is a path or an http(s) URL, in ASCII, as a URI writes it.
type Candidate struct {
	URL           string
	Width, Height int
}

// A File is a file that is named outside of a srcset.
type File struct {
	MIME, URL     string
	Width, Height int
}

// Options say how a page shows a picture. The zero value is a picture further down, loaded when it comes near.
type Options struct {
	Hero  bool   // the page's main picture, loaded before all others; one a page
	Sizes string // how wide it is shown, as in HTML's sizes attribute; "" is DefaultSizes
	Page  string // the page's absolute URL; "" where it is not known
}

// DefaultSizes suits an article whose column is 960 px wide.
const DefaultSizes = "(min-width: 960px) 960px, 100vw"

// wantWidth is the least width of the file that is named where no choice is offered (img src, JSON-LD), in pixels: Google
// Discover shows pictures large from 1,200.
const wantWidth = 1200

// best is the file of f that is named where no choice is offered: the smallest that is wide enough, else the largest.
func (f Format) best() Candidate {
	for _, c := range f.Candidates {
		if c.Width >= wantWidth {
			return c
		}
	}
	return f.largest()
}

func (f Format) largest() Candidate { return f.Candidates[len(f.Candidates)-1] }

// fallback is the format that every browser reads.
func (p *Picture) fallback() Format { return p.Formats[len(p.Formats)-1] }

// check says what is wrong with what is not the author's.
func (p *Picture) check() error {
	if len(p.Formats) == 0 {
		return fmt.Errorf("picture %q: no formats", p.ID)
	}
	for _, f := range p.Formats {
		if len(f.Candidates) == 0 {
			return fmt.Errorf("picture %q: no files of format %q", p.ID, f.MIME)
		}
		width := 0
		for _, c := range f.Candidates {
			if err := (File{f.MIME, c.URL, c.Width, c.Height}).check(); err != nil {
				return fmt.Errorf("picture %q: %w", p.ID, err)
			}
			if c.Width <= width {
				return fmt.Errorf("picture %q: width %d after %d: expected ascending widths", p.ID, c.Width, width)
			}
			width = c.Width
		}
	}
	if p.Card != (File{}) {
		if err := p.Card.check(); err != nil {
			return fmt.Errorf("picture %q: card: %w", p.ID, err)
		}
	}
	if err := p.Placeholder.check(); err != nil {
		return fmt.Errorf("picture %q: %w", p.ID, err)
	}
	return nil
}

var imageType = regexp.MustCompile(`^image/[a-z0-9][a-z0-9.+-]*$`)

func (f File) check() error {
	switch {
	case !imageType.MatchString(f.MIME):
		return fmt.Errorf("type %q: expected image/…", f.MIME)
	case !isURL(f.URL):
		return fmt.Errorf("URL %q: expected a path or an http(s) URL in ASCII, without blanks, and no comma at its ends", f.URL)
	case f.Width < 1 || f.Height < 1:
		return fmt.Errorf("%s: %d × %d pixels", f.URL, f.Width, f.Height)
	}
	return nil
}

// isURL reports whether text can stand in a srcset, where blanks and commas end a URL, and between the angle brackets of a Link
// header.
func isURL(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || strings.IndexByte(`"<>\^{|}`+"`", c) >= 0 {
			return false
		}
	}
	u, err := url.Parse(text)
	if err != nil || text == "" || text[0] == ',' || text[len(text)-1] == ',' {
		return false
	}
	return u.Scheme == "" || caption.WebURL(text) != ""
}

// attribute is text as an attribute can hold it: HTML has no control characters. Everything else stays as written.
func attribute(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
