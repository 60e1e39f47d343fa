package export

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A bodyPicture is a picture in the text of a post.
type bodyPicture struct {
	src, alt, caption string
}

// body looks through the text of a post, which is HTML: for the featured picture's words, or for a picture where none is
// featured. Words are taken of the same picture only: a credit must not come to stand under another one.
func (i *Image) body(field, text string, line int) {
	found := bodyPictures(text)
	if i.Raw == "" && len(found) > 0 {
		*i = Image{Field: field + " img", Raw: clip(found[0].src), Line: line}
	}
	for _, p := range found {
		if samePicture(p.src, i.Raw) {
			i.say("alt", p.alt, line)
			i.say("caption", p.caption, line)
			return
		}
	}
}

// maxBodyPictures is how many pictures of a text are looked at.
const maxBodyPictures = 64

// bodyPictures lists the pictures of an HTML text in its order, without emoji, avatars and the pixels by which readers are
// counted.
func bodyPictures(text string) []bodyPicture {
	if !strings.Contains(text, "<") {
		return nil
	}
	b := &bodyReader{z: html.NewTokenizer(strings.NewReader(text))}
	for len(b.found) < maxBodyPictures {
		switch b.z.Next() {
		case html.ErrorToken:
			return b.found
		case html.StartTagToken, html.SelfClosingTagToken:
			b.start(b.z.Token())
		case html.EndTagToken:
			name, _ := b.z.TagName()
			b.end(string(name))
		}
	}
	return b.found
}

// A bodyReader follows the figures that it is in.
type bodyReader struct {
	z       *html.Tokenizer
	found   []bodyPicture
	figures []figure // the innermost last
}

// A figure is an element that holds a picture with its caption: <figure>, or WordPress's <div class="wp-caption">.
type figure struct {
	element  string
	depth    int // elements of the same name that are open inside
	pictures []int
	caption  string
}

const maxFigures = 16

func (b *bodyReader) start(t html.Token) {
	if n := len(b.figures); n > 0 && b.figures[n-1].element == t.Data && t.Type == html.StartTagToken && !isFigure(t) {
		b.figures[n-1].depth++
	}
	switch {
	case isFigure(t):
		if len(b.figures) < maxFigures {
			b.figures = append(b.figures, figure{element: t.Data})
		}
	case t.Data == "img" || t.Data == "amp-img":
		b.image(t)
	case (t.Data == "figcaption" || hasClass(t, "wp-caption-text")) && len(b.figures) > 0 && t.Type == html.StartTagToken:
		b.figures[len(b.figures)-1].caption = b.inside(t.Data)
	}
}

func isFigure(t html.Token) bool {
	return t.Data == "figure" || t.Data == "div" && hasClass(t, "wp-caption")
}

func (b *bodyReader) image(t html.Token) {
	src := ""
	for _, name := range [...]string{"src", "data-src", "data-lazy-src", "data-original", "data-orig-file"} {
		if src = strings.TrimSpace(attribute(t, name)); src != "" && !strings.HasPrefix(src, "data:") {
			break
		}
	}
	if src == "" || strings.HasPrefix(src, "data:") || tiny(t) || hasClass(t, "wp-smiley") || hasClass(t, "emoji") || !isContent(src) {
		return
	}
	b.found = append(b.found, bodyPicture{src: src, alt: attribute(t, "alt")})
	if n := len(b.figures); n > 0 {
		b.figures[n-1].pictures = append(b.figures[n-1].pictures, len(b.found)-1)
	}
}

// end closes a figure. A caption of several pictures is of none of them.
func (b *bodyReader) end(name string) {
	n := len(b.figures) - 1
	if n < 0 || b.figures[n].element != name {
		return
	}
	f := &b.figures[n]
	if f.depth > 0 {
		f.depth--
		return
	}
	if len(f.pictures) == 1 {
		b.found[f.pictures[0]].caption = f.caption
	}
	b.figures = b.figures[:n]
}

// inside is the HTML up to the end of an element that has just begun.
func (b *bodyReader) inside(name string) string {
	var out strings.Builder
	for depth := 1; out.Len() < maxWord; {
		kind := b.z.Next()
		raw := b.z.Raw()
		switch kind {
		case html.ErrorToken:
			return strings.TrimSpace(out.String())
		case html.StartTagToken, html.EndTagToken:
			raw = slices.Clone(raw) // TagName changes it
			tag, _ := b.z.TagName()
			if string(tag) != name {
				break
			}
			if kind == html.EndTagToken {
				depth--
			} else {
				depth++
			}
			if depth == 0 {
				return strings.TrimSpace(out.String())
			}
		case html.CommentToken:
			continue
		}
		out.Write(raw)
	}
	return strings.TrimSpace(out.String())
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasClass(t html.Token, class string) bool {
	return slices.Contains(strings.Fields(attribute(t, "class")), class)
}

// tiny reports whether an image is a pixel or a line.
func tiny(t html.Token) bool {
	small := func(size string) bool { return size == "0" || size == "1" || size == "2" }
	return small(attribute(t, "width")) || small(attribute(t, "height"))
}

// isContent reports whether an address is of a picture, as far as it tells: not of an avatar, an emoji or a counter.
func isContent(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case host == "gravatar.com" || strings.HasSuffix(host, ".gravatar.com"),
		host == "pixel.wp.com" || host == "stats.wordpress.com" || host == "feeds.feedburner.com" || host == "feeds.wordpress.com",
		host == "s.w.org" && strings.Contains(u.Path, "/emoji/"):
		return false
	}
	return true
}

// sizes is how WordPress marks a smaller copy, "fox-1024x683.jpg", and the original of a large one, "fox-scaled.jpg".
var sizes = regexp.MustCompile(`-(\d{2,5}x\d{2,5}|scaled)(\.[a-z]{3,4})$`)

// samePicture reports whether two addresses are of one picture, perhaps in other sizes or by way of an image service: the
// last two parts of their paths agree.
func samePicture(a, b string) bool {
	if a == b {
		return true
	}
	name := func(address string) (folder, file string) {
		u, err := url.Parse(address)
		if err != nil {
			return "", ""
		}
		folder, file = path.Split(u.Path)
		return path.Base(folder), sizes.ReplaceAllString(strings.ToLower(file), "$2")
	}
	folderA, fileA := name(a)
	folderB, fileB := name(b)
	return fileA != "" && fileA == fileB && folderA == folderB
}
