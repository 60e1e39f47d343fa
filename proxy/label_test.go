package proxy

import (
	"bytes"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// readDisplayString parses a header value as a client would.
func readDisplayString(t testing.TB, value string) string {
	t.Helper()
	item, err := httpsfv.UnmarshalItem([]string{value})
	if err != nil {
		t.Fatalf("%q: %v", value, err)
	}
	text, ok := item.Value.(httpsfv.DisplayString)
	if !ok {
		t.Fatalf("%q is a %T, want a Display String", value, item.Value)
	}
	return string(text)
}

func TestDisplayString(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"plain", `%"plain"`},
		{"café", `%"caf%c3%a9"`},
		{`say "100%"`, `%"say %22100%25%22"`},
		{"Pošta “x” 日本語 🔥", `%"Po%c5%a1ta %e2%80%9cx%e2%80%9d %e6%97%a5%e6%9c%ac%e8%aa%9e %f0%9f%94%a5"`},
	}
	for _, tt := range tests {
		got := displayString(tt.in, maxWord)
		if got != tt.want {
			t.Errorf("displayString(%q) = %s, want %s", tt.in, got, tt.want)
		}
		if tt.in != "" && readDisplayString(t, got) != tt.in {
			t.Errorf("%s reads as %q, want %q", got, readDisplayString(t, got), tt.in)
		}
	}
}

func TestDisplayStringIsCutBetweenCharacters(t *testing.T) {
	family := "👩‍👩‍👧‍👦" // one character on screen, 25 bytes
	for _, unit := range []string{"a", "é", "日", "%", family, "e\u0301"} {
		text := strings.Repeat(unit, 8000/len(unit))
		value := displayString(text, maxWord)
		if len(value) > maxWord {
			t.Errorf("%q repeated: %d bytes on the wire, want at most %d", unit, len(value), maxWord)
		}
		got := readDisplayString(t, value)
		if rest := strings.ReplaceAll(got, unit, ""); rest != "" || got == "" {
			t.Errorf("%q repeated: cut inside a character: …%q", unit, got[max(len(got)-30, 0):])
		}
		if more := len(value) + wireLen(unit); more <= maxWord {
			t.Errorf("%q repeated: %d bytes on the wire, one more character fits", unit, len(value))
		}
	}
}

func FuzzDisplayString(f *testing.F) {
	for _, s := range []string{"", "a", "é\x00\r\n", "👩‍👩‍👧‍👦", `%"`, "\u202e", strings.Repeat("界", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		text := caption.Plain(in)
		value := displayString(text, maxWord)
		if value == "" {
			if text != "" && wireLen(text) <= 100 {
				t.Fatalf("no value for %q", text)
			}
			return
		}
		for i := range len(value) {
			if value[i] < ' ' || value[i] > '~' {
				t.Fatalf("%q: byte %#x on the wire", value, value[i])
			}
		}
		got := readDisplayString(t, value)
		if !utf8.ValidString(got) || !strings.HasPrefix(text, got) || len(value) > maxWord {
			t.Fatalf("%q became %q", text, got)
		}
		if wireLen(text)+3 <= maxWord && got != text {
			t.Fatalf("%q became %q although it fits", text, got)
		}
	})
}

func entry(t testing.TB, src string, w caption.Words, slugs ...string) *catalog.Entry {
	t.Helper()
	s, err := source.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	e := &catalog.Entry{ID: "0123456789abcdef", Source: s, Words: w}
	for _, slug := range slugs {
		e.Posts = append(e.Posts, catalog.Post{Path: "_posts/" + slug + ".md", Slug: slug})
	}
	return e
}

func TestLabel(t *testing.T) {
	tests := []struct {
		name  string
		entry *catalog.Entry
		want  map[string]string
	}{
		{"all words", entry(t, "https://Img.example.org/a%20b.jpg", caption.Words{
			Cutline: "A *fox*", Credit: "[Ann](https://example.org)", Alt: "A fox", License: "https://creativecommons.org/licenses/by/4.0/",
		}, "fox", "Ünicode post"), map[string]string{
			"Image-Cutline": `%"A fox"`, "Image-Credit": `%"Ann"`, "Image-Alt": `%"A fox"`,
			"Link":          `<https://creativecommons.org/licenses/by/4.0/>; rel="license", <https://img.example.org/a%20b.jpg>; rel="canonical"`,
			"Surrogate-Key": "img-0123456789abcdef host-img.example.org post-fox post--nicode-post-3e7dd2",
			"Cache-Tag":     "img-0123456789abcdef,host-img.example.org,post-fox,post--nicode-post-3e7dd2",
		}},
		{"no words", entry(t, "/img/a.jpg", caption.Words{}, "fox"), map[string]string{
			"Surrogate-Key": "img-0123456789abcdef post-fox", "Cache-Tag": "img-0123456789abcdef,post-fox",
		}},
		{"decorative", entry(t, "/img/a.jpg", caption.Words{Decorative: true}, "fox"), map[string]string{
			"Image-Alt": `%""`, "Surrogate-Key": "img-0123456789abcdef post-fox", "Cache-Tag": "img-0123456789abcdef,post-fox",
		}},
		{"injection", entry(t, "/img/a.jpg", caption.Words{Cutline: "x\r\nSet-Cookie: a=1"}, "fox"), map[string]string{
			"Image-Cutline": `%"x Set-Cookie: a=1"`, "Surrogate-Key": "img-0123456789abcdef post-fox", "Cache-Tag": "img-0123456789abcdef,post-fox",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := map[string]string{}
			for _, kv := range newLabel(tt.entry, tt.entry.Words, maxLabel).headers {
				got[kv.name] = kv.value[0]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDisplayStringOfOneHugeCharacter(t *testing.T) {
	if got := displayString("e"+strings.Repeat("\u0301", 1000), maxWord); got != "" {
		t.Errorf("got %q, want no value: an empty one means decorative", got)
	}
}

// The whole header of a picture has to fit into the 4 KiB that nginx reads by default, whatever the post says.
func TestLabelFitsIntoAProxysBuffer(t *testing.T) {
	slugs := make([]string, 200)
	for i := range slugs {
		slugs[i] = strings.Repeat("long", 30)
	}
	long := strings.Repeat("日本語 ", 3000)
	e := entry(t, "https://"+strings.Repeat("a.", 100)+"example/"+strings.Repeat("%22", 1000)+".jpg", caption.Words{
		Cutline: long, Credit: long, Alt: long, License: "https://example.org/" + strings.Repeat("\"", 500),
	}, slugs...)
	l := newLabel(e, e.Words, maxLabel)
	total := 0
	for _, kv := range l.headers {
		total += len(kv.name) + len(": \r\n") + len(kv.value[0])
		if len(kv.value[0]) > maxWord {
			t.Errorf("%s has %d bytes, want at most %d", kv.name, len(kv.value[0]), maxWord)
		}
	}
	if total > maxLabel {
		t.Errorf("the label has %d bytes, want at most %d", total, maxLabel)
	}
	for _, name := range []string{"Image-Alt", "Image-Credit", "Image-Cutline", "Surrogate-Key", "Cache-Tag"} {
		if !slices.ContainsFunc(l.headers, func(kv field) bool { return kv.name == name && len(kv.value[0]) > 100 }) {
			t.Errorf("%s is missing or next to nothing", name)
		}
	}
	short := newLabel(entry(t, "/a.jpg", caption.Words{}, "post"), caption.Words{Cutline: strings.Repeat("x", 2000), Credit: "Ann"}, maxLabel)
	for _, kv := range short.headers {
		if kv.name == "Image-Cutline" && len(kv.value[0]) != maxWord {
			t.Errorf("a long cutline beside a short credit has %d bytes, want %d", len(kv.value[0]), maxWord)
		}
	}
}

func TestTagsAreBounded(t *testing.T) {
	slugs := make([]string, 200)
	for i := range slugs {
		slugs[i] = strings.Repeat("long", 100)
	}
	got := tags(entry(t, "https://example.org/a.jpg", caption.Words{}, slugs...))
	if all := strings.Join(got, ","); len(all) > maxTags || len(got) < 4 {
		t.Errorf("%d tags in %d bytes, want some in at most %d", len(got), len(all), maxTags)
	}
}

func TestDisposition(t *testing.T) {
	spec := transform.Spec{Width: 800, Height: 533, Format: transform.WebP}
	tests := []struct{ src, want string }{
		{"/img/red fox.jpg", `inline; filename="red fox-800.webp"`},
		{"https://example.org/kim-putin.jpg?x=1", `inline; filename=kim-putin-800.webp`},
		{"https://example.org/", `inline; filename=post-800.webp`},
		{"https://example.org/caf%C3%A9.jpg", `inline; filename*=utf-8''caf%C3%A9-800.webp`},
		{"https://example.org/a%2fb.jpg", `inline; filename=b-800.webp`},
		{"https://example.org/a%22%0d%0aX%3Ab.jpg", `inline; filename=a-X-b-800.webp`},
	}
	for _, tt := range tests {
		l := newLabel(entry(t, tt.src, caption.Words{}, "post"), caption.Words{}, maxLabel)
		if got := l.disposition(spec); got != tt.want {
			t.Errorf("%s: disposition %s, want %s", tt.src, got, tt.want)
		}
	}
}

func TestWholeHeaderFitsIntoAProxysBuffer(t *testing.T) {
	long := strings.Repeat("日本語 ", 3000)
	post := func(host, file string) string {
		return "---\nfeatured-image:\n  path: https://" + host + "example/" + file + ".jpg\n  cutline: " + long + "\n  credit: " + long +
			"\n  alt-text: " + long + "\n  license: https://example.org/" + strings.Repeat("é", 100) + "\n---\n"
	}
	s, err := New(Options{Catalog: scan(t, map[string]string{
		"_posts/2026-01-01-long.md": post(strings.Repeat("a.", 100), strings.Repeat("é", 400)),
		// As long as its address in the dialect can stand in a header.
		"_posts/2026-01-01-mid.md": post("", strings.Repeat("x", 60)),
	}), Renderer: &stub{outcome: render.Filled, interim: true, kept: true, frames: 1000, moves: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	query := ".jpg?w=320&h=160&fit=crop&crop=top&auto=format&q=70&dl=" + strings.Repeat("%C3%A9", 100)
	for path, location := range map[string]bool{
		"/p/long/hero-anim.auto": true,
		"/https%3A%2F%2F" + strings.Repeat("a.", 100) + "example%2F" + strings.Repeat("%25C3%25A9", 400) + query: false,
		"/https%3A%2F%2Fexample%2F" + strings.Repeat("x", 60) + query:                                            true,
	} {
		header := rawHeader(t, server, path)
		if !bytes.HasPrefix(header, []byte("HTTP/1.0 200")) || !bytes.Contains(header, []byte("Image-Cutline")) || bytes.Contains(header, []byte("\r\nContent-Location: ")) != location {
			t.Fatalf("%.60s…: got %.900s…", path, header)
		}
		// Four more timings than the stub's, and a keep-alive line, may come on top.
		if size := len(header) + 150; size > 4<<10 {
			t.Errorf("%.60s…: a header of %d bytes, want at most 4096", path, size)
		}
	}
}

// rawHeader is a response's header, byte for byte.
func rawHeader(t *testing.T, server *httptest.Server, path string) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.0\r\nHost: x\r\nAccept: image/webp\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	header, _, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !ok {
		t.Fatalf("got %.200s…", answer)
	}
	return header
}
