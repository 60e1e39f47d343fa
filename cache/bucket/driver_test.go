package bucket

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

func TestCheck(t *testing.T) {
	for rawURL, want := range map[string]string{
		"s3://pictures?prefix=news": "",
		"s3://pictures?prefix=news/v.2&region=eu-central-1&endpoint=https://s3.example.net&use_path_style=true": "",
		"file:///var/lib/pictures?prefix=news&create_dir=1":                                                     "",
		"s3://pictures":                                         "expected prefix=SITE",
		"s3://pictures?prefix=../other":                         "expected prefix=SITE",
		"s3://pictures?prefix=a//b":                             "expected prefix=SITE",
		"s3://pictures?prefix=/a":                               "expected prefix=SITE",
		"s3://pictures/news?prefix=news":                        "without a path",
		"s3://?prefix=news":                                     "expected s3://BUCKET",
		"s3://id:secret@pictures?prefix=news":                   "no user or password",
		"s3://pictures?prefix=news&prefix=b":                    "stands twice",
		"s3://pictures?prefix=news&secret_key=xy":               `unknown parameter "secret_key"`,
		"s3://pictures?prefix=news&use_path_style=maybe":        "true or false",
		"s3://pictures?prefix=news&endpoint=localhost:9000":     "endpoint: expected",
		"s3://pictures?prefix=news&endpoint=http://id:secret@h": "endpoint: expected",
		"file://server/share?prefix=news":                       "three slashes",
		"file:relative?prefix=news":                             "such as s3://",
		"gs://pictures?prefix=news":                             "-tags gcs",
		"azblob://pictures?prefix=news":                         "-tags azure",
		"mem://?prefix=news":                                    "expected s3://BUCKET",
		"https://pictures.s3.amazonaws.com":                     "expected s3://BUCKET",
		"":                                                      "expected s3://BUCKET",
		"%zz":                                                   "expected a URL",
	} {
		if _, ok := gcsDriver(); ok && strings.HasPrefix(rawURL, "gs:") {
			want = ""
		}
		if _, ok := azureDriver(); ok && strings.HasPrefix(rawURL, "azblob:") {
			want = ""
		}
		err := Check(rawURL)
		switch {
		case want == "" && err != nil:
			t.Errorf("Check(%q) = %v", rawURL, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("Check(%q) = %v, want %q", rawURL, err, want)
		case err != nil && strings.Contains(err.Error(), "secret@"):
			t.Errorf("Check(%q) quotes the secret: %v", rawURL, err)
		}
	}
}

// FuzzCheck verifies that no text makes Check panic, and that what it lets pass has a prefix of its own.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"s3://pictures?prefix=news&region=eu-central-1", "file:///var/lib?prefix=a/b&create_dir=1", "s3://a:b@c?prefix=x",
		"gs://b?prefix=.", "azblob://c?prefix=a%2f..%2fb", "s3://b?prefix=a&endpoint=http%3A%2F%2F127.0.0.1%3A1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parse(s)
		if err != nil {
			return
		}
		if p.prefix == "" || strings.Contains(p.prefix, "..") && strings.Contains(p.prefix, "/.") || p.url.User != nil || p.url.Query().Has(prefixParam) {
			t.Errorf("parse(%q) = %q, %v", s, p.prefix, p.url)
		}
	})
}

// TestPublic verifies what others see of a rendition: its plain bytes, its type, for how long it is true, and its words, as much as
// there is room for, whole characters; and that of a pointer they see nothing.
func TestPublic(t *testing.T) {
	f := newFakeS3(t)
	s := openStore(t, Options{URL: f.url()})
	k := cache.NewKey(cache.Rendition, "public")
	o := cachetest.Object(k, 1, 2000)
	alt, credit := "Ein Café — "+strings.Repeat("\u65e5\u672c", 300), "\u00a9 Zoë"
	o.Public = &cache.Public{ContentType: "image/webp", Labels: map[string]string{"alt": alt, "credit": credit, "cutline": ""}}
	put(t, s, k, o)
	want(t, s, k, o)
	got := f.objects["/pictures/"+s.name(k)]
	if string(got.body) != string(o.Body) {
		t.Error("the body is not the picture's bytes")
	}
	if h := got.header; h.Get("Content-Type") != "image/webp" || h.Get("Cache-Control") != forever || h.Get("X-Amz-Meta-Credit") != url.PathEscape(credit) {
		t.Errorf("header %v", h)
	}
	total := 0
	for name, values := range got.header {
		if label, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			total += len(label) + len(values[0])
		}
	}
	if total > 2048 {
		t.Errorf("%d bytes of labels, S3 takes 2048", total)
	}
	cut, err := url.PathUnescape(got.header.Get("X-Amz-Meta-Alt"))
	if err != nil || len(cut) < 100 || !strings.HasPrefix(alt, cut) || !utf8.ValidString(cut) {
		t.Errorf("alt %q, %v: want a beginning of whole characters", cut, err)
	}
	pointer := cache.NewKey(cache.Pointer, "private")
	put(t, s, pointer, cachetest.Object(pointer, 1, 10))
	for name := range f.objects["/pictures/"+s.name(pointer)].header {
		if strings.HasPrefix(name, "X-Amz-Meta-") || name == "Cache-Control" {
			t.Errorf("a pointer has %s", name)
		}
	}
}

// TestSealed verifies where an object's head goes: among the labels while it has room there and the service keeps both together,
// else before the body; and that each way is read back.
func TestSealed(t *testing.T) {
	s, b := inMemory(t)
	framed := cache.NewKey(cache.Rendition, "inner")
	inner := append(cache.Head(framed, &cache.Object{}), "more"...)
	for name, c := range map[string]struct {
		o       *cache.Object
		content int // bytes more than the body has
	}{
		"small meta":                {&cache.Object{Meta: make([]byte, 100), Body: []byte("body")}, 0},
		"large meta":                {&cache.Object{Meta: make([]byte, 5000), Body: []byte("body")}, 5088},
		"a body that looks like us": {&cache.Object{Meta: make([]byte, 100), Body: inner}, 188},
		"no body":                   {&cache.Object{Meta: make([]byte, 100)}, 188},
	} {
		k := cache.NewKey(cache.Rendition, name)
		put(t, s, k, c.o)
		want(t, s, k, c.o)
		a, err := b.Attributes(t.Context(), s.name(k))
		if err != nil {
			t.Fatal(err)
		}
		if n := int(a.Size) - len(c.o.Body); n != c.content {
			t.Errorf("%s: %d bytes more than the body, want %d", name, n, c.content)
		}
	}
}

// TestVersionsAreApart verifies that what another build keeps in other formats is not read, and not touched.
func TestVersionsAreApart(t *testing.T) {
	s, b := inMemory(t)
	k := cache.NewKey(cache.Rendition, "kept")
	o := cachetest.Object(k, 1, 100)
	if name := s.name(k); !strings.HasPrefix(name, "site/v1/rendition/") {
		t.Errorf("name %q: expected the prefix, the layout's version, and the kind", name)
	}
	put(t, s, k, o)
	later := strings.Replace(s.name(k), "/v1/", "/v2/", 1)
	if err := b.WriteAll(t.Context(), later, []byte("of another layout"), nil); err != nil {
		t.Fatal(err)
	}
	head := cache.Head(k, o)
	head[7]++ // the frame's version
	if err := b.WriteAll(t.Context(), s.name(k), append(head, o.Body...), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), k); !errors.Is(err, cache.ErrMiss) || !errors.Is(err, cache.ErrVersion) {
		t.Errorf("Get = %v, want ErrMiss and ErrVersion", err)
	}
	for _, name := range []string{later, s.name(k)} {
		if there, err := b.Exists(t.Context(), name); err != nil || !there {
			t.Errorf("%s: %t, %v: want it untouched", name, there, err)
		}
	}
	if s.Stats().Corrupt != 0 {
		t.Error("another version counts as damage")
	}
}
