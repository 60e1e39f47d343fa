package catalog

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dd8bf596/cutline/internal/caption"
)

// people are whom a credit names: what it says beside its set phrases, for telling whether two credits name the same ones.
//
//	Photo: Jane Doe / AP    {jane doe ap}
//	© 2024 DOE, Jane        {doe jane}
//	[Zoë](https://z.test)   {zoe}
//
// Houses are people here. A credit that is nothing but set phrases keeps them.
type people []string

// creditPhrases are the words around the names in a credit or copyright notice, in the languages of the sites that the
// tables of keys are fitted to. Short forms of Creative Commons' licences are among them: many credits end with one.
var creditPhrases = set(
	"photo", "photos", "photograph", "photographs", "photographed", "photographer", "photography", "pic", "picture", "pictures",
	"image", "images", "illustration", "illustrations", "illustrator", "graphic", "graphics", "artwork", "screenshot",
	"credit", "credits", "courtesy", "handout", "file", "source", "copyright", "c", "all", "rights", "reserved", "used", "under", "with", "permission",
	"license", "licence", "licensed", "by", "of", "the", "and", "via", "from", "for", "on", "at", "in", "provided",
	"foto", "fotos", "fotograf", "fotografin", "fotografie", "bild", "bilder", "von", "und", "der", "die", "das", "quelle", "alle", "rechte", "vorbehalten",
	"photographie", "photographe", "credito", "de", "du", "la", "le", "et", "y",
	"cc", "cc0", "sa", "nc", "nd",
)

// nobody are names that cameras and programs write where nobody is named.
var nobody = set("unknown", "none", "anonymous", "author", "owner", "user", "admin", "default", "picasa", "na", "n", "a", "photographer", "your", "name", "artist")

// maxPeople is how many words of a credit are compared: the longest real ones list some twenty names. Comparing takes the
// square of it, and a post may have a megabyte.
const maxPeople = 100

// peopleIn reads whom a credit names, as an author or a file has it.
func peopleIn(text string) people {
	all := allPeopleIn(text)
	return all[:min(len(all), maxPeople)]
}

func allPeopleIn(text string) people {
	all := words(caption.Plain(text))
	var kept people
	for _, w := range all {
		if !creditPhrases[w] && strings.Trim(w, "0123456789") != "" { // years, and versions of licences
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		return all
	}
	return kept
}

// named is peopleIn for what files say: none where it is what cameras and programs write for nobody.
func named(text string) people {
	n := peopleIn(text)
	if !slices.ContainsFunc(n, func(w string) bool { return !nobody[w] && !creditPhrases[w] }) {
		return nil
	}
	return n
}

// words are the words of text in lower case and without accents.
func words(text string) people {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’':
			return -1
		case isWord(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(text))
	return strings.Fields(text)
}

// within reports whether all of n are named in m, in any order. An initial stands for its name, and the initials of a house
// for the house: "AP" is within "Associated Press" and the other way round.
func (n people) within(m people) bool {
	for i := 0; i < len(n); {
		switch {
		case m.has(n[i]):
			i++
		case n[i:].shortenedIn(m) > 0:
			i += n[i:].shortenedIn(m)
		default:
			return false
		}
	}
	return len(n) > 0
}

// has reports whether name, or what it is the initial or the initials of, is in n.
func (n people) has(name string) bool {
	for i, other := range n {
		if other == name || isInitial(name, other) || isInitial(other, name) {
			return true
		}
		if size := len(name); size >= 2 && size <= maxInitials && i+size <= len(n) && n[i:i+size].initials() == name {
			return true
		}
	}
	return false
}

// maxInitials is how many words of a house's name are abbreviated by their initials: AP, AFP, EFE, ANSA.
const maxInitials = 4

// shortenedIn returns how many of n, from its beginning, m has by their initials; 0 where it has not.
func (n people) shortenedIn(m people) int {
	for size := min(len(n), maxInitials); size >= 2; size-- {
		if slices.Contains(m, n[:size].initials()) {
			return size
		}
	}
	return 0
}

func (n people) initials() string {
	var b strings.Builder
	for _, name := range n {
		for _, r := range name {
			b.WriteRune(r)
			break
		}
	}
	return b.String()
}

// isInitial reports whether short is the first letter of name.
func isInitial(short, name string) bool {
	return len([]rune(short)) == 1 && strings.HasPrefix(name, short)
}

// runIn reports whether all of n stand in text, a cutline, one behind the other.
func (n people) runIn(text string) bool {
	all := allPeopleIn(text)
	for i := 0; len(n) > 0 && i+len(n) <= len(all); i++ {
		if slices.Equal(all[i:i+len(n)], n) {
			return true
		}
	}
	return false
}

// cutCredit is the length, in bytes, at which IPTC-IIM cuts a credit or a by-line (2:110, 2:80). A file that has been
// through such a program ends within a word.
const cutCredit = 32

// isCutFrom reports whether text may be the beginning of whole, cut by IPTC-IIM.
func isCutFrom(text, whole string) bool {
	return len(text) >= cutCredit-utf8Slack && len(text) <= cutCredit && strings.HasPrefix(letters(whole), letters(text))
}

// utf8Slack is by how much a cut at a character boundary may fall short.
const utf8Slack = 3
