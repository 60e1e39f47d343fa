package catalog

import (
	"slices"
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// silenceKey is the front matter that switches findings off for its own post: a map whose "off" lists codes.
//
//	cutline-lint: {off: [missing-credit]}
const silenceKey = "cutline-lint"

// silence reads silenceKey. What is no code is a finding, so that a slip does not silence nothing unseen.
func (r *result) silence(root *frontmatter.Node, file string) {
	n := root.Get(silenceKey)
	if n == nil {
		return
	}
	r.post.Path = file
	listed := n.Get("off")
	if listed == nil || listed.Kind != frontmatter.List {
		r.problems = append(r.problems, problem(codeUnknownRule, file, n.Line, "%s: expected {off: [code, …]}, with codes as 'cutline lint --codes' lists them", silenceKey))
		return
	}
	for _, each := range listed.List[:min(len(listed.List), len(codes))] {
		code := strings.TrimSpace(each.Text)
		if !slices.ContainsFunc(codes, func(c Code) bool { return c.Name == code }) {
			r.problems = append(r.problems, valued(code,
				problem(codeUnknownRule, file, each.Line, "%s switches off %s, which is no code: 'cutline lint --codes' lists them", silenceKey, quote(code))))
			continue
		}
		r.silenced = append(r.silenced, code)
	}
}
