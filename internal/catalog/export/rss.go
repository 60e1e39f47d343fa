package export

import (
	"encoding/xml"
	"strings"
)

// rss reads RSS, and WordPress's export, which is RSS with the site's tables in it. In RSS 1.0 items stand beside the
// channel.
func (x *xmlReader) rss(f *File) error {
	return x.children(func(e xml.StartElement, line int) error {
		switch name(e.Name) {
		case "channel":
			return x.channel(f)
		case "item":
			return x.item(f, line)
		}
		return x.skip()
	})
}

func (x *xmlReader) channel(f *File) error {
	return x.children(func(e xml.StartElement, line int) (err error) {
		switch name(e.Name) {
		case "item":
			return x.item(f, line)
		case "link":
			if f.site == "" {
				f.site, err = x.text()
				return err
			}
		case nsWP + ":base_blog_url":
			f.site, err = x.text()
			return err
		}
		return x.skip()
	})
}

func (x *xmlReader) item(f *File, line int) error {
	if f.Format == WordPress {
		return x.wordpressItem(f, line)
	}
	p, err := x.rssItem(f.site, line)
	if err == nil {
		f.Posts = append(f.Posts, p)
	}
	return err
}

// An entry is one of RSS or Atom while it is read.
type entry struct {
	post      Post
	link      string
	base      string // of its relative addresses, before link
	media     media
	enclosure Image
	art       Image // itunes:image, image
	bodies    []body
	updated   string
	published string
	other     bool // it is no post
}

// A body is a text of an entry, HTML.
type body struct {
	field, text string
	line        int
}

// rssItem reads an item. Its picture is that of Media RSS, else the enclosure, else itunes:image or image, else the first
// of its text.
func (x *xmlReader) rssItem(site string, line int) (Post, error) {
	e := entry{post: Post{Line: line}}
	err := x.children(func(el xml.StartElement, line int) error { return e.rssElement(x, el, line) })
	if err != nil {
		return Post{}, err
	}
	return e.finish(site), nil
}

func (e *entry) rssElement(x *xmlReader, el xml.StartElement, line int) (err error) {
	if ok, err := e.media.element(x, el, line); ok || err != nil {
		return err
	}
	switch key := name(el.Name); key {
	case "title":
		e.post.Title, err = x.text()
	case "link":
		e.link, err = x.text()
	case "guid":
		e.post.ID, err = x.text()
	case "pubDate", "dc:date":
		e.published, err = x.text()
	case nsAtom + ":updated":
		e.updated, err = x.text()
	case "enclosure":
		e.enclose(attr(el, "type"), attr(el, "url"), key, line)
		err = x.skip()
	case nsITunes + ":image":
		e.artwork(attr(el, "href"), key, line)
		err = x.skip()
	case "image":
		err = e.rssImage(x, el, line)
	case nsContent + ":encoded", "description":
		var text string
		text, err = x.text()
		e.bodies = append(e.bodies, body{key, text, line})
	default:
		err = x.skip()
	}
	return err
}

// rssImage reads an image of an item, which is no part of RSS 2.0 but written: <image><url>, <image url="">, or an address
// for its text.
func (e *entry) rssImage(x *xmlReader, el xml.StartElement, line int) error {
	address := ""
	for _, key := range [...]string{"url", "href", "src", "resource"} {
		if address == "" {
			address = attr(el, key)
		}
	}
	var text strings.Builder
	depth := x.depth
	err := x.walk(func(t xml.Token) {
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "url" {
				text.Reset()
			}
		case xml.EndElement:
			if t.Name.Local == "url" && x.depth == depth && address == "" {
				address = text.String()
			}
		case xml.CharData:
			text.Write(t)
		}
	}, &text)
	if address == "" {
		address = text.String()
	}
	if !strings.ContainsAny(strings.TrimSpace(address), " \n<") {
		e.artwork(address, "image", line)
	}
	return err
}

func (e *entry) artwork(address, field string, line int) {
	if address = short(address); e.art.Raw == "" && address != "" && isContent(address) {
		e.art = Image{Field: field, Raw: address, Line: line}
	}
}

func (e *entry) enclose(mime, address, field string, line int) {
	if address = short(address); e.enclosure.Raw == "" && address != "" && isPicture("", mime, address) {
		e.enclosure = Image{Field: field, Raw: address, Line: line}
	}
}

// finish makes a post of what was read.
func (e *entry) finish(site string) Post {
	p := e.post
	p.ID, p.Title, e.link = short(p.ID), short(p.Title), short(e.link)
	p.Slug = slugOf(e.link, p.Title, p.ID)
	p.Modified = firstTime(e.updated, e.published)
	best, ok := e.media.best()
	switch {
	case ok && best.Field != "media:thumbnail":
		p.Image = best
	case e.enclosure.Raw != "":
		p.Image = e.enclosure
	case ok:
		p.Image = best
	default:
		p.Image = e.art
	}
	for _, w := range e.media.words.Words { // of the entry's picture, whatever element names it
		if p.Image.Raw != "" {
			p.Image.word(w)
		}
	}
	for _, b := range e.bodies {
		if b.field != "description" && b.field != "summary" {
			p.Image.body(b.field, b.text, b.line)
		}
	}
	for _, b := range e.bodies {
		if b.field == "description" || b.field == "summary" {
			p.Image.body(b.field, b.text, b.line)
		}
	}
	p.Image.URL = resolve(p.Image.Raw, e.base, e.link, site)
	return p
}
