package proxy

import (
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// traits are what filters of the contact sheet look at: one bit each.
type traits uint64

const (
	hasProblem   traits = 1 << iota
	hasError            // the picture is not shown, or the post cannot be read
	isComplete          // nothing to mend
	isDecorative        // by an empty alternative text
	isUnread            // the post is broken at the moment; its last good version is shown
	isBroken            // the picture cannot be had
	isFailing           // its origin does not deliver it any more; what was kept is shown
	isWithdrawn         // taken down
	isFetched           // its original is here
	codeTraits   = iota // the first bit of a code
)

// A filter selects the entries that have a trait.
type filter struct {
	name  string // in the URL
	label string
	trait traits
	code  string // of lint's, that it stands for; "" for none
	rare  bool   // shown only where it selects something
}

// newFilters are the filters in the order in which they are shown: what is to be done, then what else can be asked.
func newFilters() []filter {
	all := []filter{
		{name: "problems", label: "Needs work", trait: hasProblem},
		{name: "errors", label: "Errors", trait: hasError},
		{name: "broken", label: "Broken", trait: isBroken},
	}
	for i, c := range catalog.Codes() {
		if codeTraits+i >= 64 {
			break // more codes than bits: the rest is under "problems"
		}
		label, common := codeLabel(c.Name)
		all = append(all, filter{name: c.Name, label: label, trait: 1 << (codeTraits + i), code: c.Name, rare: !common})
	}
	return append(all,
		filter{name: "unread", label: "Broken edit", trait: isUnread, rare: true},
		filter{name: "failing", label: "Origin fails", trait: isFailing, rare: true},
		filter{name: "withdrawn", label: "Taken down", trait: isWithdrawn, rare: true},
		filter{name: "decorative", label: "Decorative", trait: isDecorative},
		filter{name: "complete", label: "Complete", trait: isComplete},
	)
}

// codeLabel is a code in words, as it stands on a badge; common are those that every site should look for.
func codeLabel(code string) (label string, common bool) {
	switch code {
	case "missing-alt":
		return "No alt text", true
	case "missing-credit":
		return "No credit", true
	case "missing-cutline":
		return "No cutline", true
	case "wrapped-url":
		return "Wrapped URL", true
	case "insecure-url":
		return "Insecure URL", false
	case "bad-url":
		return "Bad URL", false
	case "page-not-image":
		return "Page, not image", false
	}
	words := strings.ReplaceAll(code, "-", " ")
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):], false
}

// breaks reports whether a problem of that code means that the picture cannot be had. A bad-url of a picture that is listed does
// not: it was read as its author meant it.
func breaks(code string) bool {
	switch code {
	case "page-not-image", "missing-file", "original-unavailable", "not-an-image":
		return true
	}
	return false
}

// traitOf is what a problem says of its picture.
func (x *sheetIndex) traitOf(p catalog.Problem) traits {
	t := hasProblem
	if p.Severity == catalog.Error {
		t |= hasError
	}
	if breaks(p.Code) {
		t |= isBroken
	}
	for i := range x.filters {
		if x.filters[i].code == p.Code {
			return t | x.filters[i].trait
		}
	}
	return t
}

// filter returns the one of that name; nil where there is none.
func (x *sheetIndex) filter(name string) *filter {
	for i := range x.filters {
		if x.filters[i].name == name {
			return &x.filters[i]
		}
	}
	return nil
}
