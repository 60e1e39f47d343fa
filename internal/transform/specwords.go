package transform

import (
	"fmt"
	"strconv"
	"strings"
)

// A specWord is one kind of word; its place in specWords is its place in a text.
type specWord struct {
	prefix   string
	example  string // what stands behind the prefix, for messages; "" where nothing does
	choice   string // of several words that are for one thing a text has at most one; they stand side by side in specWords
	min, max int    // of a number; both 0 where there is none
	field    func(*Spec) *int
	flag     func(*Spec) *bool
	// read and write are for what is neither a number nor a flag. read reports whether rest, what follows the prefix, is
	// well formed; write returns it, and whether the word is there.
	read  func(s *Spec, rest string) bool
	write func(s *Spec) (rest string, there bool)
}

// specWords lists the words in their order. It is read-only.
var specWords = []specWord{
	{prefix: "w", min: 1, max: maxSide, field: func(s *Spec) *int { return &s.Width }},
	{prefix: "h", min: 1, max: maxSide, field: func(s *Spec) *int { return &s.Height }},
	fitWord(Cover),
	fitWord(Pad),
	fitWord(Stretch),
	{prefix: "center", choice: "crop", read: func(s *Spec, _ string) bool { s.Crop = Center; return true },
		write: func(s *Spec) (string, bool) { return "", s.Crop == Center }},
	{prefix: "fp", choice: "crop", example: "30x70, both 0 to 100 per cent", read: readFocus, write: writeFocus},
	{prefix: "q", min: 1, max: 100, field: func(s *Spec) *int { return &s.Quality }},
	{prefix: "kb", min: 1, max: 20000, field: func(s *Spec) *int { return &s.MaxKB }},
	{prefix: "bg", example: "ffffff, six lower-case hexadecimal digits", read: readColor, write: writeColor},
	{prefix: "p3", flag: func(s *Spec) *bool { return &s.WideGamut }},
	{prefix: "sharpen", flag: func(s *Spec) *bool { return &s.Sharpen }},
	{prefix: "anim", flag: func(s *Spec) *bool { return &s.Animate }},
	{prefix: "dpr", min: 2, max: 4, field: func(s *Spec) *int { return &s.DPR }},
}

// fitWord is the word of a fit.
func fitWord(f Fit) specWord {
	return specWord{
		prefix: f.String(), choice: "fit",
		read:  func(s *Spec, _ string) bool { s.Fit = f; return true },
		write: func(s *Spec) (string, bool) { return "", s.Fit == f },
	}
}

// bare reports whether the word is its prefix and nothing else.
func (k specWord) bare() bool { return k.field == nil && k.example == "" }

// excludes reports whether a text cannot have both words.
func (k specWord) excludes(other specWord) bool { return k.choice != "" && k.choice == other.choice }

// text is the word for s, or "" where s has none.
func (k specWord) text(s *Spec) string {
	switch {
	case k.field != nil:
		if n := *k.field(s); n != 0 {
			return k.prefix + strconv.Itoa(n)
		}
	case k.flag != nil:
		if *k.flag(s) {
			return k.prefix
		}
	default:
		if rest, there := k.write(s); there {
			return k.prefix + rest
		}
	}
	return ""
}

// set reads word, which is of kind k, into s.
func (k specWord) set(s *Spec, word string) error {
	switch {
	case k.field != nil:
		n, err := parseNumber(word, k)
		if err != nil {
			return err
		}
		*k.field(s) = n
	case k.flag != nil:
		*k.flag(s) = true
	case !k.read(s, word[len(k.prefix):]):
		return fmt.Errorf("%w: %q: expected %s%s", ErrSpec, word, k.prefix, k.example)
	}
	return nil
}

// parseWords sets the fields that words name.
func (s *Spec) parseWords(words []string) error {
	last := -1
	for i, word := range words {
		kind := kindOf(word)
		switch {
		case kind < 0:
			return unknownWord(word)
		case kind == last:
			return fmt.Errorf("%w: %q repeats %q: each word stands once", ErrSpec, word, words[i-1])
		case kind < last:
			return fmt.Errorf("%w: %q after %q: the order is %s", ErrSpec, word, words[i-1], specOrder)
		case last >= 0 && specWords[kind].excludes(specWords[last]):
			return fmt.Errorf("%w: %q beside %q: at most one of them", ErrSpec, word, words[i-1])
		}
		last = kind
		if err := specWords[kind].set(s, word); err != nil {
			return err
		}
	}
	return nil
}

// kindOf is the place in specWords of the kind that word is of: its letters up to the first digit or sign decide.
func kindOf(word string) int {
	for i, k := range specWords {
		rest, ok := strings.CutPrefix(word, k.prefix)
		if !ok {
			continue
		}
		number := rest != "" && strings.Trim(rest, "+0123456789") == ""
		if k.bare() && rest == "" || k.field != nil && number || k.example != "" && rest != "" {
			return i
		}
	}
	return -1
}

// unknownWord is the error for a word of no kind, with what was probably meant.
func unknownWord(word string) error {
	switch word {
	case "":
		return fmt.Errorf("%w: an empty word: one \"-\" between words, none at the ends", ErrSpec)
	case "contain", "smart":
		return fmt.Errorf("%w: %q is the default and is not written", ErrSpec, word)
	}
	for _, k := range specWords {
		switch {
		case word != k.prefix:
		case k.field != nil:
			return fmt.Errorf("%w: %q without its number: expected %s%d to %s%d", ErrSpec, word, k.prefix, k.min, k.prefix, k.max)
		case k.example != "":
			return fmt.Errorf("%w: %q: expected %s%s", ErrSpec, word, k.prefix, k.example)
		}
	}
	return fmt.Errorf("%w: unknown word %q: expected some of %s, as in w800-h450-cover-q70-dpr2.webp", ErrSpec, word, specOrder)
}

// parseNumber reads the number of word, which is of kind k.
func parseNumber(word string, k specWord) (int, error) {
	digits := word[len(k.prefix):]
	n, err := strconv.Atoi(digits)
	switch {
	case strings.HasPrefix(digits, "0") || strings.Contains(digits, "+"):
		return 0, fmt.Errorf("%w: %q: a number has no sign and no leading zero", ErrSpec, word)
	case word == "dpr1":
		return 0, fmt.Errorf("%w: %q is the default and is not written", ErrSpec, word)
	case err != nil || n < k.min || n > k.max:
		return 0, fmt.Errorf("%w: %q: expected %s%d to %s%d", ErrSpec, word, k.prefix, k.min, k.prefix, k.max)
	}
	return n, nil
}

// readFocus reads "30x70".
func readFocus(s *Spec, rest string) bool {
	left, top, ok := strings.Cut(rest, "x")
	x, okX := perCent(left)
	y, okY := perCent(top)
	s.Crop, s.Focus = Focal, Point{X: x, Y: y}
	return ok && okX && okY
}

func writeFocus(s *Spec) (string, bool) {
	return fmt.Sprintf("%dx%d", s.Focus.X, s.Focus.Y), s.Crop == Focal
}

// perCent reads a number of 0…100 in its one spelling.
func perCent(text string) (uint8, bool) {
	n, err := strconv.ParseUint(text, 10, 8)
	return uint8(n), err == nil && n <= 100 && strconv.FormatUint(n, 10) == text
}

// readColor reads six hexadecimal digits.
func readColor(s *Spec, rest string) bool {
	n, err := strconv.ParseUint(rest, 16, 24)
	s.Background = Opaque | Color(n)
	return err == nil && len(rest) == 6 && strings.ToLower(rest) == rest
}

func writeColor(s *Spec) (string, bool) {
	return fmt.Sprintf("%06x", uint32(s.Background&^Opaque)), s.Background != 0
}
