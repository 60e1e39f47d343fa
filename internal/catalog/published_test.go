package catalog

import (
	"testing"
	"time"
)

// noon is the time of these tests: 12:00 in New York, 16:00 UTC.
var noon = time.Date(2026, time.May, 10, 12, 0, 0, 0, time.FixedZone("EDT", -4*60*60))

func TestUnpublished(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		hidden           bool
	}{
		{"draft", "p.md", "draft: true", true},
		{"isDraft", "p.md", "isDraft: true", true},
		{"status", "p.md", "status: Draft", true},
		{"no draft", "p.md", "draft: false\nisDraft: no\nstatus: published\npublished: true", false},
		{"plain site, future", "p.md", "date: 2099-01-01", false},

		{"jekyll, future file name", "_posts/2099-01-01-embargo.md", "title: x", true},
		{"jekyll, two digits of the year", "_posts/27-1-1-embargo.md", "title: x", true},
		{"jekyll, today's file name", "_posts/2026-05-10-a.md", "title: x", false},
		{"jekyll, tomorrow's file name", "_posts/2026-05-11-a.md", "title: x", true},
		{"jekyll, no date in the file name", "_posts/2099-embargo.md", "title: x", false},
		{"jekyll, the date goes before the file name", "_posts/2099-01-01-a.md", "date: 2020-01-01", false},
		{"jekyll, future date", "_posts/2020-01-01-a.md", "date: 2099-01-01 10:00:00 +0100", true},
		{"jekyll, in a minute", "_posts/2020-01-01-a.md", "date: 2026-05-10 12:01", true},
		{"jekyll, a minute ago", "_posts/2020-01-01-a.md", "date: 2026-05-10 11:59", false},
		{"jekyll, a minute ago elsewhere", "_posts/2020-01-01-a.md", "date: 2026-05-10 17:59:00 +0200", false},
		{"jekyll, in a minute elsewhere", "_posts/2020-01-01-a.md", "date: 2026-05-10T18:01:00+02:00", true},
		{"jekyll, publish date", "_posts/2020-01-01-a.md", "publishDate: 2099-01-01", true},
		{"jekyll, collection", "_recipes/a.md", "date: 2099-01-01", true},
		{"jekyll, posts of a section", "news/_posts/2099-01-01-a.md", "title: x", true},
		{"jekyll, page", "events.md", "date: 2099-01-01", false},
		{"jekyll, expiry", "_posts/2020-01-01-a.md", "expiryDate: 2020-01-01", false},
		{"jekyll, no date", "_posts/2020-01-01-a.md", "date: sometime in 2099", false},
		{"jekyll, no such day", "_posts/2099-13-01-a.md", "title: x", false},

		{"hugo, future date", "content/a.md", "date: 2099-01-01", true},
		{"hugo, future date, toml", "content/a.md", "+++\ndate = 2099-01-01T10:00:00Z\nimage = \"https://example.org/a.jpg\"\n+++\n", true},
		{"hugo, text", "content/a.md", "date: \"January 2, 2099\"", true},
		{"hugo, in a minute of UTC", "content/a.md", "date: 2026-05-10T16:01:00", true},
		{"hugo, a minute ago of UTC", "content/a.md", "date: 2026-05-10T15:59:00.5", false},
		{"hugo, publish date goes first", "content/a.md", "date: 2099-01-01\npublishDate: 2020-01-01", false},
		{"hugo, future publish date", "content/a.md", "date: 2020-01-01\npublishdate: 2099-01-01", true},
		{"hugo, future pubdate", "content/a.md", "pubdate: 2099-01-01", true},
		{"hugo, expired", "content/a.md", "date: 2020-01-01\nexpiryDate: 2026-05-10", true},
		{"hugo, not expired", "content/a.md", "expiryDate: 2026-05-11", false},
		{"hugo, file name says nothing", "content/2099-01-01-a.md", "title: x", false},
		{"hugo, no date", "content/a.md", "date: [2099]\nexpiryDate: never", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.text
			if text[0] != '+' {
				text = "---\n" + text + "\nimage: " + remote + "\n---\n"
			}
			files := map[string]string{tt.file: text}
			switch tt.name[:4] {
			case "jeky":
				files["_config.yml"] = ""
			case "hugo":
				files["hugo.toml"] = ""
			}
			now := func() time.Time { return noon }
			if c := scanSite(t, files, Options{Now: now}); (c.Posts == 0) != tt.hidden || len(c.Problems) > 0 {
				t.Errorf("got %d posts, problems %v, want hidden: %t", c.Posts, c.Problems, tt.hidden)
			}
			if c := scanSite(t, files, Options{Now: now, Drafts: true}); c.Posts != 1 {
				t.Errorf("with drafts: got %d posts, want 1", c.Posts)
			}
		})
	}
}

// TestNowIsTheClock expects the present where the options name no other time.
func TestNowIsTheClock(t *testing.T) {
	past, future := time.Now().AddDate(0, 0, -3).Format(time.DateOnly), time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	c := scanSite(t, map[string]string{"hugo.toml": "", "content/a.md": "---\ndate: " + past + "\n---\n", "content/b.md": "---\ndate: " + future + "\n---\n"}, Options{})
	if c.Posts != 1 {
		t.Errorf("got %d posts, want the one of %s", c.Posts, past)
	}
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2026-05-10", "2026-5-1 10:09", "2026-05-10T10:09:00.5Z", "Mon, 11 May 2026 10:09:00 GMT", "May 10, 2026 3:04 PM", "26-1-2", "2026/01/02 15:04 -0700", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := parseDate(text, time.UTC)
		if again, same := parseDate(" "+text+"\t", time.UTC); len(text) < maxDate-2 && (ok != same || !at.Equal(again)) {
			t.Errorf("%q: got %v, %t, and with blanks around it %v, %t", text, at, ok, again, same)
		}
	})
}

func BenchmarkParseDate(b *testing.B) {
	for _, text := range []string{"2023-09-18 10:09", "2023-09-18T10:09:00Z", "sometime in 2099"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parseDate(text, time.UTC)
			}
		})
	}
}
