package frontmatter

import (
	"bytes"
	"strconv"
	"strings"
)

// yamlError turns "yaml: line 3: did not find …" into a SyntaxError of the file's line.
//
// yaml.v3 counts lines from 1 in its scanner's errors and from 0 in its parser's, names none where it would be the first,
// and then takes the place where it noticed instead of where the mistake began (decode.go, parser.fail). An unknown anchor
// has no line at all.
func (p *parser) yamlError(text []byte, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	n := 1
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, rest, ok := strings.Cut(rest, ": "); ok {
			if at, err := strconv.Atoi(number); err == nil && at > 0 {
				n, message = at, rest
				if fromParser(message) {
					n++
				}
			}
		}
	}
	lines := bytes.Split(bytes.TrimRight(text, " \t\r\n"), []byte("\n"))
	switch {
	case message == "found unexpected end of stream":
		// The scanner names the line of the quote, unless that is the first: then it names the end, behind all lines.
		if n > bytes.Count(text, []byte("\n")) {
			n = 1
		}
		message = "a quote that is opened is not closed"
	case strings.HasSuffix(message, "or ']'"):
		n = opening(lines, n, '[')
	case strings.HasSuffix(message, "or '}'"):
		n = opening(lines, n, '{')
	case strings.HasPrefix(message, "unknown anchor '"):
		name, _, _ := strings.Cut(strings.TrimPrefix(message, "unknown anchor '"), "'")
		n = 1 + bytes.Count(text[:aliasAt(text, name)], []byte("\n"))
	case strings.Contains(message, "cannot start any token"):
		message += startHint(lines[min(n, len(lines))-1])
	}
	return p.errorf(p.at(min(n, len(lines))), "%s", message)
}

// fromParser tells the parser's errors (parserc.go) from the scanner's, some of which begin alike.
func fromParser(message string) bool {
	for _, what := range [...]string{"<stream-start>", "<document start>", "node content", "'-' indicator", "key", "',' or"} {
		if strings.HasPrefix(message, "did not find expected "+what) {
			return true
		}
	}
	for _, what := range [...]string{"found undefined tag handle", "found duplicate %", "found incompatible YAML document"} {
		if strings.HasPrefix(message, what) {
			return true
		}
	}
	return false
}

// opening is the line n that the parser named, where a bracket is opened, or else the first, for which it named another.
func opening(lines [][]byte, n int, bracket byte) int {
	if n > len(lines) || bytes.IndexByte(lines[n-1], bracket) < 0 {
		return 1
	}
	return n
}

// aliasAt is where text has the alias *name; 0 where it is not found.
func aliasAt(text []byte, name string) int {
	alias := []byte("*" + name)
	for at := 0; ; {
		i := bytes.Index(text[at:], alias)
		if i < 0 {
			return 0
		}
		at += i
		before, after := byte('\n'), byte('\n')
		if at > 0 {
			before = text[at-1]
		}
		if end := at + len(alias); end < len(text) {
			after = text[end]
		}
		if strings.IndexByte(" \n[{,", before) >= 0 && strings.IndexByte(" \r\n]},", after) >= 0 {
			return at
		}
		at += len(alias)
	}
}

// startHint says what to do about a character that begins no value: a tab, or one that YAML keeps for itself.
func startHint(line []byte) string {
	if bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("\t")) {
		return "; the line is indented with a tab: use blanks"
	}
	return "; put quotes around values that begin with @, % or `"
}
