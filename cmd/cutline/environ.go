package main

import (
	"slices"
	"strings"
)

// environ is a process's environment, each "NAME=value", as os.Environ returns it.
type environ []string

// get returns the last value of name, which is the one in force; "" when there is none.
func (e environ) get(name string) string {
	for _, pair := range slices.Backward(e) {
		if n, v, found := strings.Cut(pair, "="); found && n == name {
			return v
		}
	}
	return ""
}

// names returns the names that begin with prefix, sorted, each once.
func (e environ) names(prefix string) []string {
	var names []string
	for _, pair := range e {
		if n, _, found := strings.Cut(pair, "="); found && strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
