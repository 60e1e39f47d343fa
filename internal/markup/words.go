package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dd8bf596/cutline/internal/caption"
)

// A piece is text under a caption, with a link or without one.
type piece struct{ Text, URL, Rel string }

// A part of a figcaption: the cutline, the credit, and so on. A licence's link is marked by its rel and has no class.
type part struct {
	Class  string
	Pieces []piece
}

// parts are what stands under the picture, each thing once: a credit that closes the cutline, a notice that is in the credit, a
// licence that is named in either is not repeated.
func parts(w caption.Words) []part {
	cutline, credit, notice := pieces(w.Cutline), pieces(w.Credit), pieces(w.Copyright)
	license := licenseOf(w)
	if creditURL := caption.LinkTarget(w.CreditURL); closes(text(cutline), text(credit)) && (creditURL == "" || linked(cutline, creditURL)) && allLinked(cutline, credit) {
		credit = nil
	}
	if says(text(cutline), text(notice)) || says(text(credit), text(notice)) {
		notice = nil
	}
	credit, said := withLicense(credit, license)
	if !said {
		cutline, said = withLicense(cutline, license)
	}
	if said {
		license = piece{}
	}
	credit = withLink(credit, caption.LinkTarget(w.CreditURL))
	out := make([]part, 0, 4)
	add := func(class string, p ...piece) {
		if text(p) != "" {
			out = append(out, part{class, p})
		}
	}
	add("cutline-caption", cutline...)
	add("cutline-credit", credit...)
	add("cutline-copyright", notice...)
	if license.URL != "" {
		add("", license)
	} else {
		add("cutline-license", license)
	}
	return out
}

func pieces(words string) []piece {
	runs := caption.Inline(words)
	out := make([]piece, len(runs))
	for i, r := range runs {
		out[i] = piece{Text: r.Text, URL: r.URL}
	}
	return out
}

func text(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}

// withLicense marks the licence in pieces, where it is there: a link to it, or its name, which becomes one. The bool
// reports whether it is.
func withLicense(pieces []piece, license piece) ([]piece, bool) {
	if license.Text == "" {
		return pieces, false
	}
	for i, p := range pieces {
		if sameLicense(p.URL, license.URL) {
			pieces[i].Rel = license.Rel
			return pieces, true
		}
	}
	for i, p := range pieces {
		at := find(p.Text, license.Text)
		if at < 0 || p.URL != "" {
			continue
		}
		if license.URL == "" {
			return pieces, true
		}
		before, after := p.Text[:at], p.Text[at+len(license.Text):]
		name := strings.TrimRight(before, " /|,;·–—(") // what only separates the licence's link from the credit's
		split := make([]piece, 0, len(pieces)+3)
		split = append(split, pieces[:i]...)
		for _, s := range []piece{{Text: name}, {Text: before[len(name):], Rel: separator}, {Text: p.Text[at : at+len(license.Text)], URL: license.URL, Rel: license.Rel}, {Text: after, Rel: separator}} {
			if s.Text != "" {
				split = append(split, s)
			}
		}
		return append(split, pieces[i+1:]...), true
	}
	return pieces, false
}

// separator marks a piece that stays without a link.
const separator = "separator"

// withLink links a credit to its URL, unless its author has put a link into it.
func withLink(credit []piece, target string) []piece {
	own := false
	for _, p := range credit {
		own = own || p.URL != "" && p.Rel == ""
	}
	for i, p := range credit {
		if p.Rel == "" && !own {
			credit[i].URL = target
		}
	}
	return credit
}

// linked reports whether one of pieces links to target.
func linked(pieces []piece, target string) bool {
	for _, p := range pieces {
		if p.URL == target {
			return true
		}
	}
	return false
}

// allLinked reports whether pieces have every link of others.
func allLinked(pieces, others []piece) bool {
	for _, p := range others {
		if p.URL != "" && !linked(pieces, p.URL) {
			return false
		}
	}
	return true
}

// says reports whether words stand in text, whatever their case.
func says(text, words string) bool { return find(text, words) >= 0 }

// find is where words stand in text, not within another word, in ASCII whatever their case; -1 where they do not, or are empty.
func find(text, words string) int {
	text, words = lower(text), lower(words)
	for from := 0; words != "" && from <= len(text); {
		i := strings.Index(text[from:], words)
		if i < 0 {
			return -1
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(words):])
		if !isWordRune(before) && !isWordRune(after) {
			return i
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		from = i + size
	}
	return -1
}

// lower folds the case of ASCII alone, so that every byte stays where it is.
func lower(text string) string {
	folded := []byte(text)
	for i, c := range folded {
		if c >= 'A' && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

// isWordRune is false for utf8.RuneError, which stands for the ends of a text.
func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// closes reports whether a cutline ends with a credit, as in "A fox. (Photo: Ann)" and "A fox. Photo by Ann", or is nothing
// else. "A portrait of Ann" is not credited to Ann: a credit that is shown twice is better than one that is lost.
func closes(cutline, credit string) bool {
	const ends = ".)]} \"”’»"
	cutline, credit = lower(strings.TrimRight(cutline, ends)), lower(strings.TrimRight(credit, ends))
	before, ok := strings.CutSuffix(cutline, credit)
	if !ok || credit == "" {
		return false
	}
	before = strings.TrimRight(before, " \"“‘«")
	last, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || strings.ContainsRune(".:;|/–—-([!?©”»", last) || strings.HasSuffix(before, " by") || before == "by"
}
