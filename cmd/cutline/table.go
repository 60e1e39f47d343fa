package main

import (
	"bufio"
	"cmp"
	"io"
	"strings"
	"unicode"
)

// tableColumns are the columns of the table for people. The limits, in terminal cells, are fixed rather than taken from
// the terminal, so that what one sees is what a pipe or a colleague gets; most rows end within 160 cells.
var tableColumns = [...]struct {
	title string
	limit int
	cell  func(*scanImage) string
}{
	{"POST", 44, func(i *scanImage) string {
		if len(i.Posts) > 1 {
			return i.Posts[0] + " +" + count(len(i.Posts)-1, "post")
		}
		return strings.Join(i.Posts, "")
	}},
	{"IMAGE", 40, func(i *scanImage) string { return maskPasswords(i.Source) }},
	{"CREDIT", 24, func(i *scanImage) string { return i.Credit }},
	{"ALT", 32, func(i *scanImage) string {
		if i.Decorative {
			return "(decorative)"
		}
		return i.Alt
	}},
	{"CUTLINE", 48, func(i *scanImage) string { return i.Cutline }},
}

// writeTable prints the images as aligned columns. What is too long is cut with "…", what is missing is "-".
func writeTable(w io.Writer, doc *scanDocument) error {
	if len(doc.Images) == 0 {
		return nil // the summary says why; a header alone would be a table of nothing
	}
	rows := make([][]string, 1, len(doc.Images)+1)
	for _, column := range tableColumns {
		rows[0] = append(rows[0], column.title)
	}
	for i := range doc.Images {
		row := make([]string, len(tableColumns))
		for j, column := range tableColumns {
			row[j] = cut(cmp.Or(printable(column.cell(&doc.Images[i])), "-"), column.limit)
		}
		rows = append(rows, row)
	}
	var widths [len(tableColumns)]int
	for _, row := range rows {
		for j, cell := range row {
			widths[j] = max(widths[j], cells(cell))
		}
	}
	b := bufio.NewWriter(w)
	for _, row := range rows {
		for j, cell := range row[:len(row)-1] {
			// bufio.Writer keeps its first error for Flush.
			_, _ = b.WriteString(cell + strings.Repeat(" ", widths[j]-cells(cell)+2))
		}
		_, _ = b.WriteString(row[len(row)-1] + "\n")
	}
	return b.Flush()
}

// printable replaces what would command a terminal or turn the reading direction of the line: posts are written by many
// hands, and this is printed on the editor's screen.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// cut shortens s to limit cells, the last of them "…".
func cut(s string, limit int) string {
	if cells(s) <= limit {
		return s
	}
	used := 0
	for i, r := range s {
		if used += runeCells(r); used >= limit {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// cells is the width of s on a terminal.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// runeCells is the width of r on a terminal as UAX #11 has it for the scripts that are wide as a whole; a rare
// character that it misses shifts one row of a table.
func runeCells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
		r >= 0x3000 && r <= 0x303e,   // CJK punctuation
		r >= 0xff01 && r <= 0xff60,   // full-width forms
		r >= 0x1f300 && r <= 0x1faff: // pictographs
		return 2
	}
	return 1
}
