package main

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// A lineWriter writes lines of JSON and escapes in them the control characters that encoding/json leaves as they are: DEL and
// U+0080…U+009F, of which some terminals take commands. They can stand in strings only, where an escape means the same.
type lineWriter struct{ out io.Writer }

// Write writes one whole line or several.
func (l lineWriter) Write(line []byte) (int, error) {
	for i, b := range line {
		if b == 0x7f || b == 0xc2 && i+1 < len(line) && line[i+1] < 0xa0 { // U+0080…U+009F are C2 80…C2 9F
			if _, err := l.out.Write(escapeControls(line)); err != nil {
				return 0, err
			}
			return len(line), nil
		}
	}
	return l.out.Write(line)
}

func escapeControls(line []byte) []byte {
	out := make([]byte, 0, len(line)+len(line)/8)
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		if r >= 0x7f && r < 0xa0 {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, line[:size]...)
		}
		line = line[size:]
	}
	return out
}
