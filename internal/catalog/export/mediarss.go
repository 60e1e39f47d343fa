package export

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
)

// Media RSS (https://www.rssboard.org/media-rss): pictures with their words, in an entry of RSS or Atom, alone or in a group. Words stand
// in media:content, in the group, or in the entry, and hold for what is around them.

// A mediaPicture is one that an entry names.
type mediaPicture struct {
	Image
	area    int  // pixels; 0 unknown
	usual   bool // the one to show of its group
	preview bool // a thumbnail
}

// media collects what one entry says.
type media struct {
	pictures []mediaPicture
	words    Image // of the whole entry
	credits  []mediaCredit
}

type mediaCredit struct {
	role, text string
	line       int
}

// maxMedia bounds the pictures of an entry that are looked at: more are a gallery.
const maxMedia = 256

// element reads an element of the entry's, where it is one of Media RSS's; ok is false otherwise.
func (m *media) element(x *xmlReader, e xml.StartElement, line int) (ok bool, err error) {
	switch name(e.Name) {
	case nsMedia + ":group":
		return true, m.around(x, &mediaPicture{})
	case nsMedia + ":content":
		p := mediaPicture{Image: Image{Field: "media:content", Raw: short(attr(e, "url")), Line: line}, usual: attr(e, "isDefault") == "true"}
		p.area = area(e)
		if !isPicture(attr(e, "medium"), attr(e, "type"), p.Raw) {
			p.Raw = "" // a video's thumbnail and credit may be in it nevertheless
		}
		return true, m.around(x, &p)
	case nsMedia + ":thumbnail":
		m.add(mediaPicture{Image: Image{Field: "media:thumbnail", Raw: short(attr(e, "url")), Line: line}, area: area(e), preview: true})
		return true, x.skip()
	}
	return m.word(x, e, line)
}

// around reads an element that holds pictures and their words: a group, or one content.
func (m *media) around(x *xmlReader, p *mediaPicture) error {
	var inner media
	err := x.children(func(e xml.StartElement, line int) error {
		ok, err := inner.element(x, e, line)
		if !ok && err == nil {
			return x.skip()
		}
		return err
	})
	inner.add(*p)
	inner.settle()
	for i := range inner.pictures {
		m.add(inner.pictures[i])
	}
	return err
}

func (m *media) add(p mediaPicture) {
	if p.Raw != "" && isContent(p.Raw) && len(m.pictures) < maxMedia {
		m.pictures = append(m.pictures, p)
	}
}

// settle gives the words to the pictures around which they stand and that have none of their own.
func (m *media) settle() {
	m.credit()
	for i := range m.pictures {
		for _, w := range m.words.Words {
			m.pictures[i].word(w)
		}
	}
}

// word reads one of the words. A title without a blank is a file's name.
func (m *media) word(x *xmlReader, e xml.StartElement, line int) (ok bool, err error) {
	var text string
	switch key := name(e.Name); key {
	case nsMedia + ":description", nsMedia + ":title", nsMedia + ":credit", nsMedia + ":copyright", nsMedia + ":license":
		if text, err = x.text(); err != nil {
			return true, err
		}
		switch strings.TrimPrefix(key, nsMedia+":") {
		case "description":
			m.words.say("caption", text, line)
		case "title":
			if strings.Contains(text, " ") {
				m.words.say("desc", text, line)
			}
		case "credit":
			if text = short(text); text != "" && len(m.credits) < 8 {
				m.credits = append(m.credits, mediaCredit{strings.ToLower(attr(e, "role")), text, line})
			}
		case "copyright":
			m.words.say("copyright", text, line)
		case "license":
			m.words.say("license", attr(e, "href"), line)
			m.words.say("license", text, line)
		}
		return true, nil
	}
	return false, nil
}

// credit makes one credit of those of the entry: the photographers, where some are named as such, else all.
func (m *media) credit() {
	var texts []string
	of := func(wanted func(role string) bool) {
		for _, c := range m.credits {
			if wanted(c.role) && !slices.Contains(texts, c.text) {
				texts = append(texts, c.text)
			}
		}
	}
	of(func(role string) bool { return role == "photographer" })
	if len(texts) == 0 {
		of(func(string) bool { return true })
	}
	if len(texts) > 0 {
		m.words.say("credit", strings.Join(texts, ", "), m.credits[0].line)
	}
}

// best is the picture of the entry: one that is no thumbnail; of these the usual one, the largest, the first.
func (m *media) best() (Image, bool) {
	m.settle()
	if len(m.pictures) == 0 {
		return Image{}, false
	}
	rank := func(p mediaPicture) int {
		r := min(p.area, 1<<40)
		if p.usual {
			r += 1 << 41
		}
		if !p.preview {
			r += 1 << 42
		}
		return r
	}
	best := 0
	for i := range m.pictures {
		if rank(m.pictures[i]) > rank(m.pictures[best]) {
			best = i
		}
	}
	return m.pictures[best].Image, true
}

// area is how many pixels an element says that its picture has; its width squared where it has no height.
func area(e xml.StartElement) int {
	size := func(name string) int {
		n, err := strconv.Atoi(attr(e, name))
		if err != nil || n < 0 || n > 1<<20 {
			return 0
		}
		return n
	}
	width, height := size("width"), size("height")
	if height == 0 {
		height = width
	}
	return width * height
}

// pictureExtensions tell a picture where a feed does not.
var pictureExtensions = []string{".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"}

// isPicture reports whether a medium is a picture, by what the feed says and else by its extension.
func isPicture(medium, mime, address string) bool {
	switch {
	case medium != "":
		return strings.EqualFold(medium, "image")
	case mime != "":
		return strings.HasPrefix(strings.ToLower(mime), "image/")
	}
	address, _, _ = strings.Cut(strings.ToLower(address), "?")
	return slices.ContainsFunc(pictureExtensions, func(ext string) bool { return strings.HasSuffix(address, ext) })
}
