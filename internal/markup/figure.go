package markup

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"sync"

	"github.com/dd8bf596/cutline/internal/caption"
)

//go:embed figure.html
var figureHTML string

// templates are the snippets, parsed once; read-only.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("markup").Parse(figureHTML))
})

// figureView is what the template "figure" shows.
type figureView struct {
	ID            string
	Sources       []Format // all but the last format
	Image         Format
	Src           Candidate
	Width, Height int
	Sizes         string
	Hero          bool
	Alt           string
	HasAlt        bool
	Style         template.CSS
	Parts         []part
}

// Figure is the picture with its words, as an HTML fragment: a figure element with a picture and, where there are words, a
// figcaption. Whatever the words hold, its elements and attributes are those of plain words, save links to http, https
// and mailto.
//
// Where nobody said what the picture shows, there is no alt attribute: an empty one would claim that it is decoration, and
// have screen readers skip it. A decorative picture has the empty one.
//
// The page's style sheet has to say img { max-width: 100%; height: auto }. The style attribute needs a Content-Security-Policy
// that allows it; without Placeholder there is none.
func Figure(p Picture, o Options) ([]byte, error) { return show("figure", p, o) }

// Element is the picture element of Figure alone, without words but the alternative text, for pages that write their own figure.
func Element(p Picture, o Options) ([]byte, error) {
	out, err := show("picture", p, o)
	return bytes.ReplaceAll(out, []byte("\n  "), []byte("\n")), err // no attribute has a line break
}

// Caption is what stands in the figcaption of Figure, for pages that write their own figure; nothing where there are no words.
func Caption(w caption.Words) ([]byte, error) { return execute("figcaption", parts(w)) }

// show executes the template of that name.
func show(name string, p Picture, o Options) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	sizes, err := o.sizes()
	if err != nil {
		return nil, err
	}
	image := p.fallback()
	v := figureView{
		ID: attribute(p.ID), Sources: p.Formats[:len(p.Formats)-1], Image: image, Src: image.best(),
		Width: image.largest().Width, Height: image.largest().Height, // the largest has the shape with the least rounding
		Sizes: sizes, Hero: o.Hero,
		Alt: attribute(p.Words.Alt), HasAlt: p.Words.Alt != "" || p.Words.Decorative,
		Style: p.Placeholder.style(), Parts: parts(p.Words),
	}
	return execute(name, v)
}

func execute(name string, view any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, name, view); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return out.Bytes(), nil
}
