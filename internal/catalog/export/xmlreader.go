package export

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// An xmlReader reads XML element by element.
type xmlReader struct {
	dec    *xml.Decoder
	filter *xmlFilter
	depth  int
}

// line is the line of what is read next.
func (x *xmlReader) line() int { return x.filter.lines.at(x.dec.InputOffset()) }

func (x *xmlReader) token() (xml.Token, error) {
	t, err := x.dec.Token()
	switch t.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > maxDepth {
			return nil, limitError(fmt.Sprintf("elements are nested deeper than %d", maxDepth))
		}
	case xml.EndElement:
		x.depth--
	}
	return t, err
}

// fail is err as Read returns it. The decoder counts lines too, but of what the filter left.
func (x *xmlReader) fail(err error) error {
	if err == nil {
		return nil
	}
	var limit limitError
	syntax, isSyntax := errors.AsType[*xml.SyntaxError](err)
	switch {
	case errors.As(err, &limit):
		return &SyntaxError{Line: x.line(), Message: string(limit)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isSyntax && syntax.Msg == "unexpected EOF":
		return &SyntaxError{Line: x.line(), Message: "the file ends within an element: it was cut off"}
	case isSyntax:
		return &SyntaxError{Line: x.line(), Message: syntax.Msg}
	}
	return err
}

// root reads up to the document's element.
func (x *xmlReader) root() (xml.StartElement, error) {
	for {
		t, err := x.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := t.(xml.StartElement); ok {
			return start, nil
		}
	}
}

// children reads the element that has just begun to its end. It calls child for each element in it, with its line; child
// reads that to its end.
func (x *xmlReader) children(child func(e xml.StartElement, line int) error) error {
	for {
		line := x.line()
		t, err := x.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := child(t, line); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// skip reads the element that has just begun to its end.
func (x *xmlReader) skip() error {
	return x.children(func(xml.StartElement, int) error { return x.skip() })
}

// text reads the element that has just begun to its end, and returns the text in it, of the elements in it too.
func (x *xmlReader) text() (string, error) {
	var out strings.Builder
	err := x.walk(func(t xml.Token) {
		if data, ok := t.(xml.CharData); ok {
			out.Write(data)
		}
	}, &out)
	return strings.TrimSpace(out.String()), err
}

// markup reads the element that has just begun to its end, and returns what is in it as HTML (Atom's type "xhtml").
func (x *xmlReader) markup() (string, error) {
	var out strings.Builder
	err := x.walk(func(t xml.Token) {
		switch t := t.(type) {
		case xml.CharData:
			out.WriteString(html.EscapeString(string(t)))
		case xml.StartElement:
			out.WriteString("<" + t.Name.Local)
			for _, a := range t.Attr {
				out.WriteString(" " + a.Name.Local + `="` + html.EscapeString(a.Value) + `"`)
			}
			out.WriteString(">")
		case xml.EndElement:
			out.WriteString("</" + t.Name.Local + ">")
		}
	}, &out)
	return strings.TrimSpace(out.String()), err
}

// walk reads the element that has just begun to its end. It calls each for what is in it, as long as out is not too long.
func (x *xmlReader) walk(each func(xml.Token), out *strings.Builder) error {
	for end := x.depth - 1; ; {
		t, err := x.token()
		if err != nil {
			return err
		}
		if x.depth == end {
			return nil
		}
		if out.Len() < maxText {
			each(t)
		}
	}
}

// The prefixes by which the namespaces are known here.
const (
	nsWP, nsExcerpt, nsContent, nsMedia, nsITunes, nsAtom, nsApp, nsBlogger = "wp", "excerpt", "content", "media", "itunes", "atom", "app", "blogger"
)

// name is an element's name with the usual prefix of its namespace, and without one where the formats have none. WordPress
// has written its namespace with http and https, in three versions; a prefix that is declared nowhere stands for itself.
func name(n xml.Name) string {
	space := strings.ToLower(strings.TrimSuffix(n.Space, "/"))
	prefix := ""
	switch {
	case strings.Contains(space, "wordpress.org/export/"):
		prefix = nsWP
		if strings.HasSuffix(space, "/excerpt") {
			prefix = nsExcerpt
		}
	case space == "http://purl.org/rss/1.0/modules/content":
		prefix = nsContent
	case space == "http://search.yahoo.com/mrss", space == "https://search.yahoo.com/mrss", space == "http://search.yahoo.com/rss":
		prefix = nsMedia
	case strings.HasPrefix(space, "http://www.itunes.com/dtds/podcast"):
		prefix = nsITunes
	case space == "http://www.w3.org/2005/atom", space == "http://purl.org/atom/ns#":
		prefix = nsAtom
	case space == "http://www.w3.org/2007/app", space == "http://purl.org/atom/app#":
		prefix = nsApp
	case space == "http://schemas.google.com/blogger/2018":
		prefix = nsBlogger
	case space == "", space == "http://purl.org/rss/1.0", space == "http://backend.userland.com/rss2", space == "http://my.netscape.com/rdf/simple/0.9":
		return n.Local
	case strings.Contains(space, ":"):
		return "?:" + n.Local // some other vocabulary
	default:
		prefix = space
	}
	return prefix + ":" + n.Local
}

// attr is the value of an attribute, trimmed; namespaces do not matter.
func attr(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// detect tells the format by the document's element; WordPress's is RSS with a namespace more.
func (x *xmlReader) detect() Format {
	e, err := x.root()
	if err != nil {
		return ""
	}
	switch name(e.Name) {
	case "rss":
		for _, a := range e.Attr {
			if name(xml.Name{Space: a.Value, Local: "x"}) == nsWP+":x" {
				return WordPress
			}
		}
		return RSS
	case "?:RDF", "rdf:RDF", "RDF":
		return RSS
	case "atom:feed":
		return Atom
	}
	return ""
}

// read reads the document by its element.
func (x *xmlReader) read(f *File) error {
	e, err := x.root()
	if err != nil {
		return x.fail(err)
	}
	switch {
	case f.Format == Atom:
		err = x.atomFeed(f, attr(e, "base"))
	default:
		err = x.rss(f)
	}
	return x.fail(err)
}
