package catalog

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// unpublished reports whether the post in file is not for readers at this time: it says so itself, or the site's generator
// leaves it out for its date. until is the date that changes that; zero is never.
func (s *scanner) unpublished(root *frontmatter.Node, file string) (hidden bool, until time.Time) {
	if saysDraft(root) {
		return true, until
	}
	switch s.layout.name {
	case "jekyll":
		return s.jekyllFuture(root, file)
	case "hugo":
		// Hugo reads dates without a zone as UTC unless "timeZone" is set.
		at, ok := firstDate(root, time.UTC, "publishdate", "pubdate", "published", "date")
		end, ends := firstDate(root, time.UTC, "expirydate", "unpublishdate")
		switch {
		case ends && !end.After(s.now):
			return true, until
		case ok && at.After(s.now):
			return true, at
		case ends:
			until = end
		}
	}
	return false, until
}

// saysDraft reports whether the front matter says that the post is not for readers yet (Hugo and others: draft; Jekyll:
// published). Quoted words and YAML 1.1's yes and no count too: in doubt a story stays unannounced.
func saysDraft(root *frontmatter.Node) bool {
	says := func(key string, words ...string) bool {
		pair := lookup(root, key)
		return pair != nil && len(pair.Value.Text) <= maxKey && slices.Contains(words, strings.ToLower(strings.TrimSpace(pair.Value.Text)))
	}
	yes := []string{"true", "yes", "on"}
	return says("draft", yes...) || says("isdraft", yes...) || says("status", "draft") || says("published", "false", "no", "off")
}

// jekyllFuture follows Jekyll without "future: true": the date of the front matter goes before that of the file's name, and
// both hold for posts and other collections, whose folders begin with "_", not for pages. A publish date, which plug-ins
// read, holds too. Dates without a zone are of the clock's zone, as Jekyll takes them.
func (s *scanner) jekyllFuture(root *frontmatter.Node, file string) (hidden bool, until time.Time) {
	if !strings.HasPrefix(file, "_") && !strings.Contains(file, "/_") {
		return false, until
	}
	zone := s.now.Location()
	at, ok := firstDate(root, zone, "date")
	if !ok {
		at, ok = nameDate(path.Base(file), zone)
	}
	publish, planned := firstDate(root, zone, "publishdate")
	for _, date := range [...]struct {
		at time.Time
		ok bool
	}{{at, ok}, {publish, planned}} {
		if date.ok && date.at.After(s.now) && date.at.After(until) {
			hidden, until = true, date.at
		}
	}
	return hidden, until
}

// firstDate is the date of the first key that holds one. What cannot be read is no date: it never hides a post.
func firstDate(root *frontmatter.Node, zone *time.Location, keys ...string) (time.Time, bool) {
	for _, key := range keys {
		n := valueOf(lookup(root, key))
		if n == nil || n.Kind != frontmatter.String && n.Kind != frontmatter.Number {
			continue
		}
		if at, ok := parseDate(n.Text, zone); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

// nameDate reads the date that a post's file name begins with, "2023-09-18-kim.md", with two digits of the year too.
func nameDate(name string, zone *time.Location) (time.Time, bool) {
	stem := strings.TrimSuffix(name, path.Ext(name))
	rest := withoutDate(stem)
	if rest == stem {
		return time.Time{}, false
	}
	return parseDate(strings.TrimSuffix(stem, "-"+rest), zone)
}

// The forms in which front matter was met to write a date: any of dateForms, then any of clockForms, then any of zoneForms.
// Fractions of a second need no form of their own.
var (
	dateForms  = []string{"2006-1-2", "2006/1/2", "06-1-2", "2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "Mon, 2 Jan 2006"}
	clockForms = []string{"", " 15:04:05", " 15:04", "T15:04:05", "T15:04", " 3:04 PM", " 3:04PM"}
	zoneForms  = []string{"", "Z07:00", " -0700", " -07:00", "-0700", " UTC", " GMT"}
)

// maxDate is the longest date, in bytes: "Mon, 18 September 2023 10:09:00.000000000 +00:00".
const maxDate = 50

// parseDate reads a date as authors write it; without a zone of its own it is of zone.
func parseDate(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text[:min(len(text), maxDate+1)])
	if len(text) > maxDate || !strings.ContainsAny(text, "0123456789") {
		return time.Time{}, false
	}
	for _, date := range dateForms {
		for _, clock := range clockForms {
			for _, offset := range zoneForms {
				if clock == "" && offset != "" {
					break // a zone belongs to a time of day
				}
				if at, err := time.ParseInLocation(date+clock+offset, text, zone); err == nil {
					return at, true
				}
			}
		}
	}
	return time.Time{}, false
}
