package caption

import (
	"regexp"
	"strings"
)

// Escape is the inverse of Plain: it returns Markdown that means text, whatever stands in its at most 4 KiB.
func Escape(text string) string {
	if text = Clean(text); !hasMarkup(text) {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(markup, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// escaped is w, whose words are plain text, with the words that may hold markup escaped.
func (w Words) escaped() Words {
	w.Cutline, w.Credit, w.Creator, w.Copyright = Escape(w.Cutline), Escape(w.Credit), Escape(w.Creator), Escape(w.Copyright)
	if WebURL(w.License) == "" {
		w.License = Escape(w.License)
	}
	return w
}

// LicenseURL is where the licence stands: License where that is a URL of the web or the name of one of Creative Commons'
// ("CC BY-SA 4.0", "CC0"), else where the first link in it leads, as in
// "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)"; "" where it is another name alone.
func (w Words) LicenseURL() string {
	if target := WebURL(w.License); target != "" || w.License == "" {
		return target
	}
	if m := ccName.FindStringSubmatch(w.License); m != nil {
		return "https://creativecommons.org/licenses/" + strings.ToLower(m[1]) + "/" + m[2] + "/"
	}
	if ccZero.MatchString(w.License) {
		return "https://creativecommons.org/publicdomain/zero/1.0/"
	}
	if !hasMarkup(w.License) {
		return ""
	}
	for _, run := range Inline(w.License) {
		if target := WebURL(run.URL); target != "" {
			return target
		}
	}
	return ""
}

// The names of Creative Commons' licences that are in no country's version, and of its waiver (https://creativecommons.org/licenses/list.en).
var (
	ccName = regexp.MustCompile(`(?i)^CC[ -](BY(?:-(?:SA|ND|NC|NC-SA|NC-ND))?)[ -](1\.0|2\.0|2\.5|3\.0|4\.0)$`)
	ccZero = regexp.MustCompile(`(?i)^CC[ -]?0(?:[ -]1\.0)?$`)
)

// WebURL is raw as LinkTarget returns it where that is an http(s) URL, else "".
func WebURL(raw string) string {
	if target := LinkTarget(raw); strings.HasPrefix(target, "http") {
		return target
	}
	return ""
}
