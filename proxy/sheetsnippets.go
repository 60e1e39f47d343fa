package proxy

import (
	"html"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/markup"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A snippet is a text to copy into a page, a post or a template.
type snippet struct {
	ID, Title, Hint, Text string
	Rows                  int // lines, for the field that it stands in
}

func newSnippet(id, title, hint, text string) snippet {
	text = strings.TrimSpace(text)
	const most = 12
	return snippet{ID: "snippet-" + id, Title: title, Hint: hint, Text: text, Rows: min(max(strings.Count(text, "\n")+1, len(text)/60+1), most)}
}

// snippets are all that can be said of a picture whose original is here; colour is its dominant one, or "".
func (s *Server) snippets(e *catalog.Entry, o *render.Original, words caption.Words, colour string) ([]snippet, error) {
	version := versionOf(o.Sum)
	v := &view{entry: e, original: o, words: words, placeholder: markup.Placeholder{Color: colour}}
	v.url = func(spec transform.Spec) string { return s.pictureURL(e, spec, version) }
	p := s.markupOf(v)
	figure, err := markup.Figure(p, markup.Options{})
	if err != nil {
		return nil, err
	}
	files := candidates(v, srcset.Shown(s.choice.Ladder(o.Info, s.choice.Fallback(o.Info))))
	plain := words.Plain()
	out := []snippet{
		newSnippet("figure", "Figure", "HTML with all formats, the cutline and the credit; the browser chooses.", string(figure)),
		newSnippet("img", "Image", "HTML with one format that every browser reads.", imgTag(files, plain)),
		newSnippet("markdown", "Markdown", "A single file, with the cutline as its title.", markdownImage(files, plain)),
	}
	return append(out, s.addressSnippets(e)...), nil
}

// addressSnippets are those that need nothing but the post and the ID.
func (s *Server) addressSnippets(e *catalog.Entry) []snippet {
	p := latest(e)
	at := s.o.PublicURL + "/i/" + e.ID + "/"
	byPost := (&url.URL{Path: "/p/" + strings.TrimSuffix(p.Path, path.Ext(p.Path)) + "/" + figureLeaf}).EscapedPath()
	raw := p.Raw
	return []snippet{
		newSnippet("jekyll", "Jekyll", "The include, in posts and layouts; the picture comes from prefetch’s manifest.", "{% include cutline.html src="+liquid(raw)+" %}"),
		newSnippet("hugo", "Hugo", "The shortcode for posts, and the partial for templates.",
			"{{< cutline src="+strconv.Quote(raw)+" >}}\n"+`{{ partial "cutline.html" (dict "page" . "src" `+strconv.Quote(raw)+`) }}`),
		newSnippet("eleventy", "Eleventy", "The shortcode.", "{% cutline src="+strconv.Quote(raw)+" %}"),
		newSnippet("astro", "Astro", "The component.", `<Cutline src="`+html.EscapeString(raw)+`" />`),
		newSnippet("ssi", "Server-side include", "nginx, Apache; it follows the post.", `<!--# include virtual="`+byPost+`" -->`),
		newSnippet("esi", "Edge-side include", "Varnish, Fastly, Akamai; it follows the post.", `<esi:include src="`+byPost+`"/>`),
		newSnippet("urls", "Addresses", "The figure, its data, and the picture in the format that suits the client.",
			at+figureLeaf+"\n"+at+metaLeaf+"\n"+at+"w1280.auto"),
	}
}

// imgTag is an img element with a srcset.
func imgTag(files []candidate, w caption.Words) string {
	if len(files) == 0 {
		return ""
	}
	var set []string
	for _, f := range files {
		set = append(set, f.URL+" "+strconv.Itoa(f.Width)+"w")
	}
	best := files[len(files)-1]
	alt := ""
	if w.Alt != "" || w.Decorative {
		alt = "\n     alt=\"" + html.EscapeString(w.Alt) + `"`
	}
	return "<img src=\"" + html.EscapeString(middle1280(files).URL) + "\"\n     srcset=\"" + html.EscapeString(strings.Join(set, ",\n             ")) +
		"\"\n     sizes=\"" + html.EscapeString(markup.DefaultSizes) + "\" width=\"" + strconv.Itoa(best.Width) + "\" height=\"" + strconv.Itoa(best.Height) + "\"" +
		alt + " loading=\"lazy\" decoding=\"async\">"
}

// middle1280 is the file for who reads no srcset: about as wide as a page.
func middle1280(files []candidate) candidate {
	for _, f := range files {
		if f.Width >= 1280 {
			return f
		}
	}
	return files[len(files)-1]
}

// markdownImage is a picture in Markdown.
func markdownImage(files []candidate, w caption.Words) string {
	if len(files) == 0 {
		return ""
	}
	text := "![" + caption.Escape(w.Alt) + "](" + middle1280(files).URL
	if w.Cutline != "" {
		text += ` "` + strings.ReplaceAll(strings.ReplaceAll(w.Cutline, `\`, `\\`), `"`, `\"`) + `"`
	}
	return text + ")"
}

// liquid is a string in Liquid, which knows no escapes: in the quotes that it does not hold.
func liquid(text string) string {
	if strings.Contains(text, `"`) {
		return "'" + text + "'"
	}
	return `"` + text + `"`
}
