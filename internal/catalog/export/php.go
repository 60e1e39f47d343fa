package export

import (
	"strconv"
	"strings"
)

// WordPress keeps what it read of a picture's file as PHP's serialize writes it. Values are length-prefixed:
//
//	a:2:{s:5:"width";i:800;s:10:"image_meta";a:1:{s:6:"credit";s:7:"Ana Sol";}}

// cameraWords are credit and copyright of the picture's file, out of _wp_attachment_metadata; empty where they cannot be read.
func cameraWords(serialized string) (credit, copyright string) {
	p := phpReader{rest: serialized}
	p.array(func(key string) {
		if key != "image_meta" {
			p.value(0)
			return
		}
		p.array(func(key string) {
			text := p.value(0)
			switch key {
			case "credit":
				credit = text
			case "copyright":
				copyright = text
			}
		})
	})
	if p.failed {
		return "", ""
	}
	return credit, copyright
}

// A phpReader reads serialized values; what it cannot read ends it. No value makes it hold more than is there: lengths are
// compared with what is left.
type phpReader struct {
	rest   string
	failed bool
}

// maxPHP bounds how deep arrays are nested: sizes hold maps, and image_meta lists.
const maxPHP = 16

// array reads an array and calls element for each key, which reads the key's value.
func (p *phpReader) array(element func(key string)) {
	if !strings.HasPrefix(p.rest, "a:") {
		p.value(0)
		return
	}
	p.expect("a:")
	n := p.number(":")
	p.expect("{")
	for ; n > 0 && !p.failed; n-- {
		element(p.value(0))
	}
	p.expect("}")
}

// value reads any value: text, numbers and booleans as they are written, "" for all else.
func (p *phpReader) value(depth int) string {
	if p.failed || len(p.rest) < 2 || depth > maxPHP {
		p.failed = true
		return ""
	}
	kind := p.rest[:2]
	p.rest = p.rest[2:]
	switch kind {
	case "s:":
		return p.text()
	case "i:", "d:", "b:":
		text, rest, ok := strings.Cut(p.rest, ";")
		p.rest, p.failed = rest, p.failed || !ok
		return text
	case "N;":
	case "a:":
		n := p.number(":")
		p.expect("{")
		for ; n > 0 && !p.failed; n-- {
			p.value(depth + 1)
			p.value(depth + 1)
		}
		p.expect("}")
	default: // objects and references
		p.failed = true
	}
	return ""
}

func (p *phpReader) text() string {
	n := p.number(":")
	p.expect(`"`)
	if p.failed || n > len(p.rest) {
		p.failed = true
		return ""
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	p.expect(`";`)
	return text
}

// number reads a length up to end.
func (p *phpReader) number(end string) int {
	digits, rest, ok := strings.Cut(p.rest, end)
	n, err := strconv.Atoi(digits)
	if p.failed || !ok || err != nil || n < 0 {
		p.failed = true
		return 0
	}
	p.rest = rest
	return n
}

func (p *phpReader) expect(prefix string) {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	p.rest, p.failed = rest, p.failed || !ok
}
