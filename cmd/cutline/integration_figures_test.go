//go:build integration

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/dd8bf596/cutline/internal/caption"
)

// checkFigures asks for the figure of every post: each has the elements and attributes of the plain caption's, save links in
// the figcaption, and parts of it that have no words.
func checkFigures(t *testing.T, url string, slugs []string, written map[string]caption.Words) {
	path := func(slug string) string { return url + "/p/" + slug + "/figure.html" }
	plain, parts, err := skeleton(askOK(t, path(plainPost)).body)
	if err != nil {
		t.Fatal(err)
	}
	want := "figure[class data-cutline](picture[](source[type srcset sizes]()source[type srcset sizes]()" +
		"img[src srcset sizes width height alt loading decoding style]())figcaption[](…))"
	all := []string{"cutline-caption", "cutline-credit", "cutline-copyright", "cutline-license"}
	if plain != want || !slices.Equal(parts, all) {
		t.Fatalf("the plain caption's figure is %s with %q\nwant %s", plain, parts, want)
	}
	each(t, slugs, func(slug string) error {
		a := ask(t, path(slug))
		if a.status != http.StatusOK {
			return fmt.Errorf("status %d", a.status)
		}
		got, parts, err := skeleton(a.body)
		if err != nil {
			return err
		}
		w, want := written[slug+".md"], plain
		if w.Alt == "" && !w.Decorative {
			want = strings.Replace(want, " alt", "", 1)
		}
		if len(parts) == 0 {
			want = strings.Replace(want, "figcaption[](…)", "", 1)
		}
		if got != want {
			return fmt.Errorf("got %s\nwant %s\nin %s", got, want, a.body)
		}
		next := 0
		for _, part := range parts { // in their order, each once at most
			i := slices.Index(all[next:], part)
			if i < 0 {
				return fmt.Errorf("parts %q", parts)
			}
			next += i + 1
		}
		return shows(a.body, w)
	})
}

// shows reports a figure that does not have the words: cutline and credit as text, alt as the attribute, as written but for
// what HTML cannot hold.
func shows(figure []byte, w caption.Words) error {
	doc, err := html.Parse(bytes.NewReader(figure))
	if err != nil {
		return err
	}
	var text strings.Builder
	var alt string
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
		if n.Data == "img" {
			alt = attributeOf(n, "alt")
		}
	}
	plain := w.Plain()
	for _, word := range []string{plain.Cutline, strings.TrimRight(plain.Credit, `.)]}"”’» `)} { // a credit that closes the cutline is not repeated
		if !strings.Contains(folded(text.String()), folded(word)) {
			return fmt.Errorf("shows %q, want %q in it", text.String(), word)
		}
	}
	if folded(alt) != folded(w.Alt) {
		return fmt.Errorf("alt %q, want %q", alt, w.Alt)
	}
	return nil
}

// folded is text without blanks and case, which are not what shows looks at.
func folded(text string) string {
	return strings.ToLower(strings.ReplaceAll(caption.Clean(text), " ", ""))
}

func attributeOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// safeLink is where a link in a figcaption may lead.
var safeLink = regexp.MustCompile(`^(?:https?://|mailto:)`)

// skeleton is the elements of a fragment with the names of their attributes, a figcaption's content apart: the classes of its
// spans. Anything else in a figcaption but text and links without further attributes is an error.
func skeleton(fragment []byte) (elements string, parts []string, err error) {
	doc, err := html.Parse(bytes.NewReader(append([]byte("<!DOCTYPE html><body>"), fragment...)))
	if err != nil {
		return "", nil, err
	}
	body := doc.LastChild.LastChild
	var out strings.Builder
	var walk func(n *html.Node) error
	walk = func(n *html.Node) error {
		for c := range n.ChildNodes() {
			switch {
			case c.Type == html.TextNode && strings.TrimSpace(c.Data) == "":
			case c.Type != html.ElementNode:
				return fmt.Errorf("%q outside of the figcaption", c.Data)
			case c.Data == "figcaption":
				fmt.Fprintf(&out, "figcaption%s(…)", keysOf(c))
				if parts, err = captionParts(c); err != nil {
					return err
				}
			default:
				out.WriteString(c.Data + keysOf(c) + "(")
				if err := walk(c); err != nil {
					return err
				}
				out.WriteString(")")
			}
		}
		return nil
	}
	err = walk(body)
	return out.String(), parts, err
}

// captionParts are the classes of a figcaption's spans; a licence's link has none.
func captionParts(figcaption *html.Node) (parts []string, err error) {
	for n := range figcaption.Descendants() {
		switch {
		case n.Type == html.TextNode:
		case n.Data == "span" && n.Parent == figcaption && keysOf(n) == "[class]":
			parts = append(parts, n.Attr[0].Val)
		case n.Data == "a" && safeLink.MatchString(attributeOf(n, "href")) && (len(n.Attr) == 1 || len(n.Attr) == 2 && attributeOf(n, "rel") == "license"):
			if n.Parent == figcaption {
				parts = append(parts, "cutline-license")
			}
		default:
			return nil, fmt.Errorf("%s%s in the figcaption", n.Data, keysOf(n))
		}
	}
	return parts, nil
}

func keysOf(n *html.Node) string {
	var keys []string
	for _, a := range n.Attr {
		keys = append(keys, a.Key)
	}
	return "[" + strings.Join(keys, " ") + "]"
}
