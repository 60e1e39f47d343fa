package main

import "strings"

// didYouMean is "; did you mean NAME?" for the known name that is nearest to what was written, or "" when none is near.
// A name that is right but stands in the wrong group is nearest of all.
func didYouMean(written string, known []string) string {
	last := written[strings.LastIndexByte(written, '.')+1:]
	for _, k := range known {
		if k[strings.LastIndexByte(k, '.')+1:] == last {
			return "; did you mean " + k + "?"
		}
	}
	// Two slips are still the same word to a reader, a third in a long name too; more is a guess.
	best, limit := "", max(2, len(written)/6)
	for _, k := range known {
		if d := distance(written, k); d <= limit {
			best, limit = k, d-1
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is the number of characters to insert, delete, replace or swap with their neighbour to make b of a
// (optimal string alignment), by bytes: names are ASCII.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	before, last, row := rows[0], rows[1], rows[2]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
