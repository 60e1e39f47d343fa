package markup

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dd8bf596/cutline/internal/caption"
)

// headView is what the template "head" shows.
type headView struct {
	Preload *preloadView // of the hero only
	Social  []Meta
	JSONLD  json.RawMessage
}

type preloadView struct {
	MIME  string
	First Candidate
	Rest  []Candidate
	Sizes string
}

// Head is what belongs into the head of the page that shows the picture, as HTML: the preload link where it is the hero, the
// tags of Social, and JSONLD in a script element.
func Head(p Picture, o Options) ([]byte, error) {
	ld, err := JSONLD(p, o)
	if err != nil {
		return nil, err
	}
	sizes, err := o.sizes()
	if err != nil {
		return nil, err
	}
	v := headView{JSONLD: ld, Social: Social(p)}
	if o.Hero {
		first := p.Formats[0]
		v.Preload = &preloadView{first.MIME, first.Candidates[0], first.Candidates[1:], sizes}
	}
	return execute("head", v)
}

// Preload is the value of a Link header (RFC 8288) with which a page's server has browsers load the picture before they have
// read the page. It names the first format alone: those who cannot read that skip it, and would load two if there were more.
// It is the hero's, whatever o says.
func Preload(p Picture, o Options) (string, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	o.Hero = true
	sizes, err := o.sizes()
	if err != nil {
		return "", err
	}
	first := p.Formats[0]
	var b strings.Builder
	b.WriteString("<" + first.best().URL + `>; rel=preload; as=image; type="` + first.MIME + `"; fetchpriority=high; imagesrcset="`)
	for i, c := range first.Candidates {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.URL + " " + strconv.Itoa(c.Width) + "w")
	}
	b.WriteString(`"; imagesizes="` + sizes + `"`) // check has seen to it that nothing in the quotes needs a backslash
	return b.String(), nil
}

// A Meta is one meta element: a name or a property, and its content, which is text, not HTML.
type Meta struct {
	Property string `json:"property,omitempty"` // Open Graph
	Name     string `json:"name,omitempty"`     // Twitter
	Content  string `json:"content"`
}

// maxTwitterAlt is how many characters of a description X takes.
const maxTwitterAlt = 420

// Social are the tags by which social networks show the picture beside a link to its page; none where it has no Card. Crawlers
// want Card's URL to be absolute. Width and height are always there: without them the first to share a page gets no picture.
func Social(p Picture) []Meta {
	c := p.Card
	if c == (File{}) {
		return nil
	}
	out := []Meta{{Property: "og:image", Content: c.URL}}
	if strings.HasPrefix(c.URL, "https://") {
		out = append(out, Meta{Property: "og:image:secure_url", Content: c.URL})
	}
	out = append(out,
		Meta{Property: "og:image:type", Content: c.MIME},
		Meta{Property: "og:image:width", Content: strconv.Itoa(c.Width)},
		Meta{Property: "og:image:height", Content: strconv.Itoa(c.Height)})
	alt := caption.Clean(p.Words.Alt)
	if alt != "" {
		out = append(out, Meta{Property: "og:image:alt", Content: alt})
	}
	card := "summary"
	if c.Width >= 300 && c.Height >= 157 { // the least that X shows large
		card = "summary_large_image"
	}
	out = append(out, Meta{Name: "twitter:card", Content: card}, Meta{Name: "twitter:image", Content: c.URL})
	if alt != "" {
		out = append(out, Meta{Name: "twitter:image:alt", Content: shorten(alt, maxTwitterAlt)})
	}
	return out
}

// shorten cuts text to at most most characters, an ellipsis included: at a blank, or, where the last third has none, before a
// character that nothing is put onto.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	runes := []rune(text)
	for i := most - 1; i > most*2/3; i-- {
		if runes[i] == ' ' {
			return strings.TrimRight(string(runes[:i]), " ,;:–—-(") + "…"
		}
	}
	cut := most - 1
	for cut > 0 && (joins(runes[cut]) || runes[cut-1] == '\u200d') {
		cut--
	}
	return string(runes[:cut]) + "…"
}

// joins reports whether r is put onto the character before it: accents, joiners, variation selectors, tones of skin, and the
// second half of a flag, for which the first half is given up too.
func joins(r rune) bool {
	return unicode.Is(unicode.M, r) || r == '\u200d' || r >= 0x1F3FB && r <= 0x1F3FF || r >= 0x1F1E6 && r <= 0x1F1FF
}
