package frontmatter

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// scalars are the nodes of yaml.v3 that ours were made of; kept only for Replace.
type scalars map[*Node]*yaml.Node

// yamlPlace finds the text of a scalar. yaml.v3 tells its line and column, and its style; where it ends is found here.
func yamlPlace(text []byte, y *yaml.Node) (place, error) {
	at, ok := yamlOffset(text, y.Line, y.Column)
	if ok {
		at, ok = skipProperties(text, at)
	}
	if !ok {
		return place{}, left("it cannot be told where the value stands")
	}
	rest, end := text[at:], 0
	switch {
	case y.Style&yaml.DoubleQuotedStyle != 0:
		end = quotedEnd(rest, '"')
		return placeAt(at, end, escaped(`"`))
	case y.Style&yaml.SingleQuotedStyle != 0:
		end = quotedEnd(rest, '\'')
		return placeAt(at, end, single, escaped(`"`))
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		header := bytes.IndexByte(rest, '\n') + 1
		if header == 0 {
			break
		}
		start := header + len(rest[header:]) - len(bytes.TrimLeft(rest[header:], " \r\n"))
		end = start + foldedEnd(rest[start:], strings.TrimSpace(y.Value))
		found, err := placeAt(at+start, end-start, plain)
		found.keep = true
		return found, err
	default:
		end = foldedEnd(rest, y.Value)
		return placeAt(at, end, plain, single, escaped(`"`))
	}
	return place{}, left("it cannot be told where the value stands")
}

// placeAt is a place of length bytes; 0 is none.
func placeAt(at, length int, spellings ...func(string) string) (place, error) {
	if length <= 0 {
		return place{}, left("it cannot be told where the value ends")
	}
	return place{start: at, end: at + length, spellings: spellings}, nil
}

// yamlOffset is where a line and column of yaml.v3 are: both from 1, columns in characters, lines as YAML 1.1 breaks them (§4.2).
func yamlOffset(text []byte, line, column int) (at int, ok bool) {
	for ; line > 1; line-- {
		for at < len(text) && lineBreak(text[at:]) == 0 {
			at++
		}
		if at == len(text) {
			return 0, false
		}
		at += lineBreak(text[at:])
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at, at < len(text)
}

// lineBreak is the length of the line break that text begins with; 0 for none.
func lineBreak(text []byte) int {
	for _, mark := range [...]string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return len(mark)
		}
	}
	return 0
}

// skipProperties passes over a scalar's anchor and tag (YAML 1.2.2 §6.9).
func skipProperties(text []byte, at int) (int, bool) {
	for at < len(text) && (text[at] == '&' || text[at] == '!') {
		end := bytes.IndexAny(text[at:], " \t\r\n")
		if end < 0 {
			return 0, false
		}
		at += end
		at += len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n"))
	}
	return at, at < len(text)
}

// quotedEnd is the length of the quoted scalar that text begins with; 0 where it does not. What follows a backslash in double
// quotes does not end it, nor does a single quote that stands twice.
func quotedEnd(text []byte, quote byte) int {
	if text[0] != quote {
		return 0
	}
	for i := 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return 0
}

// foldedEnd is the length of what text begins with that reads as value, where white space of any kind and length in one
// stands for white space in the other: lines are folded. 0 where it does not.
func foldedEnd(text []byte, value string) int {
	at := 0
	for value != "" {
		if strings.IndexByte(" \t\n", value[0]) >= 0 {
			value = strings.TrimLeft(value, " \t\n")
			blank := len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n"))
			if blank == 0 {
				return 0
			}
			at += blank
			continue
		}
		if at == len(text) || text[at] != value[0] {
			return 0
		}
		at, value = at+1, value[1:]
	}
	return at
}
