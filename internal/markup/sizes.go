package markup

import (
	"fmt"
	"regexp"
	"strings"
)

// maxSizes bounds a sizes attribute, in bytes: it is repeated for every format.
const maxSizes = 300

var (
	sizesAlphabet = regexp.MustCompile(`^[A-Za-z0-9 ().,:%+*/<>=-]*$`)
	lengthToken   = regexp.MustCompile(`^(?:0|(?:[0-9]+|[0-9]*\.[0-9]+)(?:px|em|rem|ex|ch|lh|rlh|cm|mm|in|pt|pc|[sld]?v(?:w|h|i|b|min|max)))$`)
	lengthMath    = regexp.MustCompile(`^(?:calc|min|max|clamp)\(.+\)$`)
)

// sizes is the sizes attribute: what o says or the default, and before it "auto" where the picture is lazy, for browsers
// that measure it themselves. HTML allows auto for lazy pictures only.
func (o Options) sizes() (string, error) {
	list := o.Sizes
	if list == "" {
		list = DefaultSizes
	}
	if err := CheckSizes(list); err != nil {
		return "", err
	}
	if !o.Hero {
		list = "auto, " + list
	}
	return list, nil
}

// CheckSizes reads HTML's source size list (https://html.spec.whatwg.org/multipage/images.html#sizes-attributes):
//
//	list   = { condition length "," } length
//	length = number unit | "0" | ("calc" | "min" | "max" | "clamp") "(" … ")"
//
// Conditions are looked at for their alphabet and their brackets only: a browser skips those that it does not know. The
// alphabet has no quotes and no backslash, so a list can stand in an attribute and in a header as it is.
func CheckSizes(list string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("sizes %q: %s: expected a list like %q", list, fmt.Sprintf(format, args...), DefaultSizes)
	}
	if len(list) > maxSizes {
		return fmt.Errorf("sizes: %d bytes: expected at most %d", len(list), maxSizes)
	}
	if !sizesAlphabet.MatchString(list) {
		return fail("a character that no size has")
	}
	entries, balanced := splitOutside(list, ',')
	if !balanced {
		return fail("brackets that do not match")
	}
	for i, entry := range entries {
		words, _ := splitOutside(strings.TrimSpace(entry), ' ')
		length := words[len(words)-1]
		condition := strings.TrimSpace(strings.Join(words[:len(words)-1], " "))
		switch last := i == len(entries)-1; {
		case !lengthToken.MatchString(length) && !lengthMath.MatchString(length):
			return fail("%q is no length", length)
		case last && condition != "":
			return fail("the last length has a condition")
		case !last && !strings.Contains(condition, "("):
			return fail("%q has no condition", strings.TrimSpace(entry))
		}
	}
	return nil
}

// splitOutside splits text at sep where no bracket is open, and reports whether all brackets match. It returns at least one
// part.
func splitOutside(text string, sep byte) (parts []string, balanced bool) {
	depth, start := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return []string{text}, false
			}
		case c == sep && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:]), depth == 0
}
