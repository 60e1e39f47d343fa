package export

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

const (
	rssHead = `<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><link>https://a.test/</link>`
	rssTail = `</channel></rss>`
)

// item is an RSS item with an enclosure, and whatever else is in it.
func item(slug, inside string) string {
	return "<item><link>https://a.test/" + slug + "</link><enclosure type='image/png' url='https://a.test/" + slug + ".png'/>" + inside + "</item>\n"
}

func TestBrokenXML(t *testing.T) {
	two := item("one", "") + item("two", "")
	for _, tt := range []struct {
		name, text string
		posts      int
		fails      string // "" for not at all
	}{
		{"whole", rssHead + two + rssTail, 2, ""},
		{"cut off", rssHead + two + "<item><title>Thr", 2, "line 3: the file ends within an element: it was cut off"},
		{"cut off in CDATA", rssHead + two + "<item><title><![CDATA[Thr", 2, "line 3: "},
		{"no channel's end", rssHead + two, 2, "line 3: the file ends"},
		{"control characters", rssHead + item("one", "<title>a\x00\x08b&#8;&#x1F;&#xFFFE;\uFFFF</title>") + item("two", "") + rssTail, 2, ""},
		{"no UTF-8", rssHead + item("one", "<title>caf\xe9</title>") + item("two", "") + rssTail, 2, ""},
		{"ampersands", rssHead + item("one", "<title>R&D & co; &nbsp;&eacute; &unknown;</title>") + item("two", "") + rssTail, 2, ""},
		{"brackets in a text", rssHead + item("one", "<title>a < b ]]> c > d <3</title>") + item("two", "") + rssTail, 2, ""},
		{"an element that is not closed", rssHead + item("one", "<title><b>x</title>") + item("two", "") + rssTail, 2, ""},
		{"attributes without quotes", rssHead + item("one", "<guid isPermaLink=false>x</guid>") + item("two", "") + rssTail, 2, ""},
		{"a document type", `<!DOCTYPE rss [<!ENTITY a "` + strings.Repeat("b", 100) + `"><!ENTITY c SYSTEM "file:///etc/passwd">]>` + rssHead + item("one", "<title>&a;&c;</title>") + item("two", "") + rssTail, 2, ""},
		{"comments", "<!-- a -- > b --->" + rssHead + item("one", "<!-- <title> --->") + "<?php ?>" + item("two", "") + rssTail, 2, ""},
		{"deep", rssHead + item("one", "") + "<item>" + strings.Repeat("<a>", 300) + "</item>" + rssTail, 1, "line 2: elements are nested deeper than 256"},
		{"a long tag", rssHead + item("one", "") + "<item " + strings.Repeat("a='b' ", 20_000) + "/>" + rssTail, 1, "line 2: a tag is longer than 65536 bytes"},
		{"a long name", rssHead + item("one", "") + "<" + strings.Repeat("a", 100_000) + "/>" + rssTail, 1, "line 2: a tag is longer"},
		{"a long text", rssHead + item("one", "<description>"+strings.Repeat("é\n", 1<<20)+"</description>") + item("two", "<a>") + rssTail, 2, ""},
		{"long CDATA", rssHead + item("one", "<description><![CDATA["+strings.Repeat("]]é", 1<<20)+"]]></description>") + item("two", "") + rssTail, 2, ""},
		{"no tag", rssHead + item("one", "") + "< item>" + "<1>" + rssTail, 1, ""},
		{"XML 1.1", `<?xml version="1.1"?>` + rssHead + two + rssTail, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { checkBroken(t, tt.text, tt.posts, tt.fails) })
	}
}

func checkBroken(t *testing.T, text string, posts int, fails string) {
	t.Helper()
	f, err := Read(iotest.HalfReader(strings.NewReader(text)))
	if err == nil && fails != "" || err != nil && (fails == "" || !strings.HasPrefix(err.Error(), fails)) {
		t.Errorf("got %v, want %q", err, fails)
	}
	if err != nil {
		if _, ok := errors.AsType[*SyntaxError](err); !ok {
			t.Errorf("%T is no SyntaxError", err)
		}
	}
	if len(f.Posts) != posts {
		t.Errorf("%d posts, want %d", len(f.Posts), posts)
	}
	for _, p := range f.Posts {
		if p.Slug == "" || p.Line < 1 || p.Line > 1+strings.Count(text, "\n") {
			t.Errorf("post %q in line %d", p.Slug, p.Line)
		}
	}
}

func TestBrokenJSON(t *testing.T) {
	const head = `{"version":"https://jsonfeed.org/version/1","items":[` + "\n"
	const one = `{"id":"1","image":"https://a.test/1.png"},` + "\n"
	for _, tt := range []struct {
		name, text string
		posts      int
		fails      string
	}{
		{"whole", head + one + `{"id":"2"}]}`, 2, ""},
		{"cut off", head + one + `{"id":"2"`, 1, "line 3: the file ends within a value: it was cut off"},
		{"cut off between items", head + one, 1, "line "},
		{"items that are none", head + one + `null, 7, "x", [1,{"id":"3"}], {"id":{"a":[1,2]}}]}`, 2, ""},
		{"a line break in a string", head + one + "{\"id\":\"a\nb\"}]}", 2, ""},
		{"no JSON", head + one + `{"id":nil}]}`, 1, "line 3: invalid character"},
		{"two keys alike", head + one + `{"id":"2","image":"https://a.test/2.png","image":"https://a.test/3.png"}]}`, 2, ""},
		{"deep", head + one + strings.Repeat("[", 1000), 1, "line 3: values are nested deeper than 256"},
		{"a long word", head + one + strings.Repeat("7", 1<<20), 1, "line 3: a bare word is longer than 64 bytes"},
		{"a long string", head + one + `{"id":"2","content_html":"` + strings.Repeat(`a\ud83d\ude00\"`, 1<<18) + `"}]}`, 2, ""},
		{"long blanks", head + one + strings.Repeat(" \n", 1<<20) + `{"id":"2"}]}`, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { checkBroken(t, tt.text, tt.posts, tt.fails) })
	}
}

// TestMemory reads texts of 8 MiB, which must not be held whole, whatever they are.
func TestMemory(t *testing.T) {
	const size, most = 8 << 20, 3 << 20
	jsonHead := `{"db":[{"meta":{},"data":{"posts":[`
	for _, tt := range []struct{ name, head, unit string }{
		{"text", rssHead + "<item><title>", "abc &amp; \n"},
		{"CDATA", rssHead + "<item><title><![CDATA[", "abc ]] \n"},
		{"comment", rssHead + "<!--", "abc -- \n"},
		{"document type", rssHead + "<!DOCTYPE rss [", "<!ENTITY a 'b'>\n"},
		{"tag", rssHead + "<item ", "a='b' "},
		{"depth", rssHead, "<a>"},
		{"string", jsonHead + `{"html":"`, `abc\n`},
		{"number", jsonHead, "7"},
		{"blanks", jsonHead, " \n"},
		{"lists", jsonHead, "["},
		{"posts that are none", jsonHead, "{},"},
		{"keys", jsonHead + "{", `"a":"0123456789012345678901234567890123456789",`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := io.MultiReader(strings.NewReader(tt.head), io.LimitReader(&repeated{text: tt.unit}, size))
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			peak := &peakReader{src: src, base: before.HeapAlloc}
			if f, err := Read(peak); f == nil {
				t.Fatal(err)
			}
			if peak.most > most {
				t.Errorf("%d MiB were held", peak.most>>20)
			}
		})
	}
}

// A repeated reader is one text without end.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

// A peakReader looks at the heap every MiB, after a collection.
type peakReader struct {
	src        io.Reader
	read       int
	base, most uint64
}

func (p *peakReader) Read(b []byte) (int, error) {
	n, err := p.src.Read(b)
	const every = 1 << 20
	if (p.read+n)/every != p.read/every {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapAlloc > p.base {
			p.most = max(p.most, m.HeapAlloc-p.base)
		}
	}
	p.read += n
	return n, err
}

func TestEncodings(t *testing.T) {
	body := "<rss version=\"2.0\"><channel>\n<item><title>Gr\u00fc\u00dfe \u201aheute\u2018</title><link>https://a.test/x</link></item></channel></rss>"
	wide := func(order func(uint16) []byte, text string) []byte {
		var out []byte
		for _, u := range utf16.Encode([]rune(text)) {
			out = append(out, order(u)...)
		}
		return out
	}
	little := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }
	big := func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	narrow := strings.NewReplacer("\u00fc", "\xfc", "\u00df", "\xdf", "\u201a", "\x82", "\u2018", "\x91").Replace(body)
	for _, tt := range []struct {
		name string
		file []byte
	}{
		{"UTF-8", []byte(body)},
		{"declared", []byte(`<?xml version="1.0" encoding="utf-8"?>` + body)},
		{"byte order mark", []byte("\ufeff" + body)},
		{"Windows-1252", []byte(`<?xml version='1.0' encoding='windows-1252'?>` + narrow)},
		{"Latin-1, which is read as Windows-1252 is", []byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + narrow)},
		{"unknown encoding", []byte(`<?xml version="1.0" encoding="klingon"?>` + body)},
		{"UTF-16LE with a mark", wide(little, "\ufeff"+`<?xml version="1.0" encoding="utf-16"?>`+body)},
		{"UTF-16BE with a mark", wide(big, "\ufeff"+body)},
		{"UTF-16LE", wide(little, `<?xml version="1.0" encoding="utf-16"?>`+body)},
		{"UTF-16BE", wide(big, `<?xml version="1.0" encoding="utf-16"?>`+body)},
		{"UTF-8 that says UTF-16", []byte(`<?xml version="1.0" encoding="utf-16"?>` + body)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Read(bytes.NewReader(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Posts) != 1 || f.Posts[0].Title != "Gr\u00fc\u00dfe \u201aheute\u2018" || f.Posts[0].Line != 2 {
				t.Errorf("got %s", summary(f.Posts))
			}
		})
	}
}

func TestReadFails(t *testing.T) {
	disk := errors.New("disk")
	for _, tt := range []struct {
		name string
		src  io.Reader
		want error
	}{
		{"nothing", strings.NewReader(""), ErrUnknown},
		{"Markdown", strings.NewReader("---\ntitle: x\n---\n"), ErrUnknown},
		{"another XML", strings.NewReader("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'></urlset>"), ErrUnknown},
		{"another JSON", strings.NewReader(`{"name": "x", "version": "1.0.0", "items": []}`), ErrUnknown},
		{"a list", strings.NewReader(`[{"posts":[]}]`), ErrUnknown},
		{"a picture", strings.NewReader("\x89PNG\r\n\x1a\n"), ErrUnknown},
		{"a disk, first", iotest.ErrReader(disk), disk},
		{"a disk, later", io.MultiReader(strings.NewReader(rssHead+strings.Repeat(item("one", ""), 5000)), iotest.ErrReader(disk)), disk},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Read(tt.src)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if (f == nil) != (errors.Is(err, ErrUnknown) || tt.name == "a disk, first") {
				t.Errorf("file %v with %v", f, err)
			}
		})
	}
}

func FuzzGhost(f *testing.F)     { fuzzFormat(f, "ghost.json", Ghost) }
func FuzzWordPress(f *testing.F) { fuzzFormat(f, "wordpress.xml", WordPress) }
func FuzzRSS(f *testing.F)       { fuzzFormat(f, "feed.rss", RSS) }
func FuzzAtom(f *testing.F)      { fuzzFormat(f, "feed.atom", Atom) }
func FuzzJSONFeed(f *testing.F)  { fuzzFormat(f, "feed.json", JSONFeed) }

// fuzzFormat reads what a format becomes when it is broken, as that format, whatever its beginning says.
func fuzzFormat(f *testing.F, name string, format Format) {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add(bytes.ReplaceAll(text, []byte("<![CDATA["), []byte("<a><!--")))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := &File{Format: format}
		d := newDocument(bytes.NewReader(text))
		var err error
		switch format {
		case Ghost:
			err = d.json().ghost(file)
		case JSONFeed:
			err = d.json().feed(file)
		default:
			err = d.xml().read(file)
		}
		if _, ok := errors.AsType[*SyntaxError](err); err != nil && !ok {
			t.Errorf("%T: %v", err, err)
		}
		Join([]*File{file})
		for i := range file.Posts {
			checkPost(t, &file.Posts[i], text)
		}
	})
}

// checkPost checks what holds for every post, of whatever file.
func checkPost(t *testing.T, p *Post, text []byte) {
	t.Helper()
	lines := 1 + bytes.Count(text, []byte("\n"))
	inFile := func(line int) bool { return line >= 1 && line <= lines }
	if isWide := bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) || bytes.Contains(text, []byte{0}); isWide {
		inFile = func(int) bool { return true }
	}
	if p.Slug == "" || len(p.Slug) > maxSlug || strings.ContainsAny(p.Slug, "/\x00 \n") || p.Slug == "." || p.Slug == ".." || !inFile(p.Line) {
		t.Errorf("slug %q in line %d of %d", p.Slug, p.Line, lines)
	}
	i := &p.Image
	if i.Raw == "" {
		return
	}
	if strings.TrimSpace(i.Raw) != i.Raw || i.Field == "" || i.URL == "" || !inFile(i.Line) || len(i.Raw) > maxWord {
		t.Errorf("image %+v", i)
	}
	if strings.HasPrefix(i.Path, "/") || strings.Contains("/"+i.Path+"/", "/../") {
		t.Errorf("file %q", i.Path)
	}
	keys := map[string]bool{}
	for _, w := range i.Words {
		if strings.TrimSpace(w.Text) == "" || keys[w.Key] || !inFile(w.Line) || len(w.Text) > maxWord {
			t.Errorf("word %+v", w)
		}
		keys[w.Key] = true
	}
}
