package export

import (
	"encoding/xml"
	"strings"
)

// atomFeed reads an Atom feed (RFC 4287). An entry's picture is that of Media RSS, else its enclosure, else the first of its
// text.
func (x *xmlReader) atomFeed(f *File, base string) error {
	return x.children(func(e xml.StartElement, line int) error {
		switch name(e.Name) {
		case "atom:entry":
			p, err := x.atomEntry(cmpBase(attr(e, "base"), base), f.site, line)
			if err == nil && p.Line > 0 {
				f.Posts = append(f.Posts, p)
			}
			return err
		case "atom:link":
			if rel := attr(e, "rel"); f.site == "" && (rel == "" || rel == "alternate") {
				f.site = resolve(attr(e, "href"), base)
			}
		}
		return x.skip()
	})
}

// cmpBase is an element's xml:base, which may be relative to the one around it.
func cmpBase(inner, outer string) string {
	if inner == "" {
		return outer
	}
	return resolve(inner, outer)
}

// atomEntry reads an entry; its Line is 0 where it is no post.
func (x *xmlReader) atomEntry(base, site string, line int) (Post, error) {
	e := entry{post: Post{Line: line}, base: base}
	err := x.children(func(el xml.StartElement, line int) error { return e.atomElement(x, el, line) })
	if err != nil || e.other {
		return Post{}, err
	}
	return e.finish(site), nil
}

func (e *entry) atomElement(x *xmlReader, el xml.StartElement, line int) (err error) {
	if ok, err := e.media.element(x, el, line); ok || err != nil {
		return err
	}
	switch key := name(el.Name); key {
	case "atom:title":
		e.post.Title, err = x.text()
	case "atom:id":
		e.post.ID, err = x.text()
	case "atom:updated":
		e.updated, err = x.text()
	case "atom:published":
		e.published, err = x.text()
	case "atom:link":
		e.atomLink(el, line)
		err = x.skip()
	case "atom:content", "atom:summary":
		var text string
		switch kind := strings.ToLower(attr(el, "type")); {
		case kind == "xhtml" || strings.HasSuffix(kind, "xml"):
			text, err = x.markup()
		default:
			text, err = x.text()
			if kind == "text" || kind == "" {
				text = "" // no markup in it
			}
		}
		if base := attr(el, "base"); base != "" {
			e.base = cmpBase(base, e.base)
		}
		e.bodies = append(e.bodies, body{strings.TrimPrefix(key, "atom:"), text, line})
	case "atom:category":
		e.kind(el)
		err = x.skip()
	case nsApp + ":control":
		err = e.control(x)
	case nsBlogger + ":status":
		var text string
		if text, err = x.text(); text != "LIVE" {
			e.post.Hidden = "status " + strings.ToLower(text)
		}
	case nsBlogger + ":type":
		var text string
		text, err = x.text()
		e.other = e.other || text != "POST" && text != "PAGE"
	default:
		err = x.skip()
	}
	return err
}

func (e *entry) atomLink(el xml.StartElement, line int) {
	switch href := resolve(attr(el, "href"), e.base); attr(el, "rel") {
	case "", "alternate":
		if e.link == "" {
			e.link = href
		}
	case "enclosure":
		e.enclose(attr(el, "type"), attr(el, "href"), "link[rel=enclosure]", line)
	}
}

// control reads what an editor's feed says of drafts (RFC 5023 §13.1.1).
func (e *entry) control(x *xmlReader) error {
	return x.children(func(el xml.StartElement, _ int) error {
		if name(el.Name) != nsApp+":draft" {
			return x.skip()
		}
		text, err := x.text()
		if strings.EqualFold(text, "yes") {
			e.post.Hidden = "draft"
		}
		return err
	})
}

// kind reads what Blogger's older exports say that an entry is: they hold comments, settings and templates too.
func (e *entry) kind(el xml.StartElement) {
	if attr(el, "scheme") != "http://schemas.google.com/g/2005#kind" {
		return
	}
	if _, kind, ok := strings.Cut(attr(el, "term"), "#"); ok && kind != "post" && kind != "page" {
		e.other = true
	}
}
