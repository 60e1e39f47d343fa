package catalog

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dd8bf596/cutline/internal/caption"
)

// example names the key to add as the site's theme is likely to read it: inside the image's map, or beside its key and
// spelled like it.
func example(p *Post, sl slot) string {
	names := map[slot]string{slotAlt: "alt", slotCredit: "credit", slotCutline: "caption", slotCreator: "creator"}
	switch {
	case p.Export != "":
		return exportExample(p.format, sl)
	case strings.Contains(p.Field, "[name="):
		return fmt.Sprintf("%q to the resource's params", names[sl])
	case strings.Contains(p.Field, "]."):
		return fmt.Sprintf("%q beside %q", names[sl], p.Field)
	case p.Field == "" || strings.ContainsAny(p.Field, "*["):
		return fmt.Sprintf("%q", "image_"+names[sl])
	case p.inside:
		steps := strings.Split(p.Field, ".")
		if len(steps) > 1 {
			switch normal(steps[len(steps)-2]) {
			case "featuredimage":
				names[slotAlt], names[slotCutline] = "alt-text", "cutline"
			case "header":
				names[slotAlt] = "image_description"
			}
		}
		return fmt.Sprintf("%q beside %q", names[sl], p.Field)
	}
	key, name := p.Field[strings.LastIndexByte(p.Field, '.')+1:], names[sl]
	switch {
	case strings.Contains(key, "-"):
		name = "-" + name
	case strings.ToLower(key) != key:
		name = strings.ToUpper(name[:1]) + name[1:]
	default:
		name = "_" + name
	}
	return fmt.Sprintf("%q beside %q", key+name, p.Field)
}

// letters is text without case, blanks and punctuation, for comparing what two texts say.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// sameWords reports whether two texts say the same, whatever their punctuation; signs alone, such as "🎉", are compared as
// they are.
func sameWords(a, b string) bool {
	plain := letters(a)
	return a == b || plain != "" && plain == letters(b)
}

// creditMarks are how cutlines name who took the picture; in most themes the caption is the only place for it.
var creditMarks = []string{
	"photo by", "photo:", "photos by", "photo credit", "photo courtesy", "photograph by", "photographer:", "photo/", "/photo",
	"image by", "image:", "image credit", "image courtesy", "illustration by", "graphic by", "courtesy of", "credit:", "credits:", "©", "getty", "reuters", "unsplash", "pexels",
}

// creditLeads do so where they begin a sentence or a parenthesis; within a sentence they are prose: "the first image from
// Mars", "our photographer fell".
var creditLeads = []string{"photo from", "photos from", "image from", "photographer"}

// creditsInCutline reports whether the cutline plainly names who took the picture: by a usual phrase, by a copyright sign
// that is no third item of a list, or by being nothing but a name in parentheses, "(Ana Sol/The Daily)".
func creditsInCutline(w caption.Words) bool {
	text := strings.ToLower(w.Cutline)
	if strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")") && strings.Contains(text, "/") {
		return true
	}
	if strings.Contains(text, "(c)") && !strings.Contains(text, "(b)") {
		return true
	}
	whole := func(mark string) bool { return hasPhrase(text, mark, false) }
	leading := func(mark string) bool { return hasPhrase(text, mark, true) }
	return slices.ContainsFunc(creditMarks, whole) || slices.ContainsFunc(creditLeads, leading)
}

// hasPhrase reports whether text has phrase as whole words: no letter or number touches a letter of its ends. leading asks
// that nothing of the same sentence, line or parenthesis stands before it.
func hasPhrase(text, phrase string, leading bool) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], phrase)
		if i < 0 {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		first, size := utf8.DecodeRuneInString(phrase)
		after, _ := utf8.DecodeRuneInString(text[at+len(phrase):])
		last, _ := utf8.DecodeLastRuneInString(phrase)
		if !(isWord(before) && isWord(first)) && !(isWord(last) && isWord(after)) && (!leading || leads(text[:at])) {
			return true
		}
		at += size
	}
}

// isWord reports whether r is of a word; U+FFFD, which stands for no rune here, is not.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// leads reports whether a sentence or parenthesis begins behind text. Captions are often Markdown or HTML.
func leads(text string) bool {
	text = strings.TrimRight(text, " *_[\u00a0")
	return text == "" || strings.ContainsRune(".!?:;()|–—/>", lastRune(text))
}

func lastRune(text string) rune {
	r, _ := utf8.DecodeLastRuneInString(text)
	return r
}
