package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// example has a picture with everything, and one with as little as there can be.
func example(t testing.TB) *Manifest {
	t.Helper()
	alt, none := "A fox, in <snow>: it's \"red\" & 'white'\u2028", ""
	file := func(format, name string, width int) File {
		url := "/cutline/" + name
		return File{
			Format: format, Width: width, Height: width / 2, URL: url, SourceType: "image/" + format, Srcset: url + " 320w",
			Filename: name, OutputPath: "static/cutline/" + name, Size: 1234,
		}
	}
	full := &Image{
		ID: "5va5i664hstyqywj", Source: "https://images.example.org/Hero%20Pic.jpg?v=2",
		Words: Words{
			Cutline: "[Fox](https://example.org) and friends", Credit: "Ann Ström", CreditURL: "https://example.org/ann", Alt: &alt, Creator: "Ann Ström",
			Copyright: "© 2026", License: "https://creativecommons.org/licenses/by/4.0/", Licensor: "Agency", LicensorURL: "https://agency.example/",
			SourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
		},
		Text: Text{"Fox and friends", "Ann Ström"}, Width: 640, Height: 320,
		Color: "#8a5a33", ThumbHash: "ofgRLYZ3iHd/iIiLeJd4iImAlqgJ", BlurHash: "L-H2s3oIaxkC_4oJoeoL%#j]ofoJ", Placeholder: "data:image/webp;base64,UklGRo4A",
		Original: Original{strings.Repeat("0d", 32), 558536, "jpg"}, Focus: &Focus{30, 70},
		Formats: map[string][]File{"webp": {file("webp", "fox-320-aabbccdd.webp", 320), file("webp", "fox-640-aabbccde.webp", 640)}, "jpeg": {file("jpeg", "fox-320-aabbccdd.jpg", 320)}},
		Presets: map[string]map[string]File{"hero": {"webp": file("webp", "fox-640-aabbccde.webp", 640)}},
		HTML:    `<figure class="cutline"></figure>`, Picture: `<picture></picture>`, Figcaption: `<a href="https://example.org">Fox</a> &amp; friends`,
		Transparent: true,
		JSONLD:      json.RawMessage(`{"@type":"ImageObject", "@context":"https://schema.org/","contentUrl":"/a.jpg","caption":"\u003cb\u003e"}`),
	}
	bare := &Image{
		ID: "aaaaaaaaaaaaaaaa", Source: "/img/yes.png", Words: Words{Alt: &none, Decorative: true}, Width: 1, Height: 1,
		Original: Original{strings.Repeat("00", 32), 1, "png"}, Formats: map[string][]File{"png": {file("png", "yes-2-00000000.png", 2)}},
		Presets: map[string]map[string]File{}, HTML: `<figure class="cutline"></figure>`, Picture: `<picture></picture>`,
		JSONLD: json.RawMessage(`{"@type":"ImageObject","@context":"https://schema.org/","contentUrl":"/a.png"}`),
	}
	silent := *bare
	silent.ID, silent.Words = "bbbbbbbbbbbbbbbb", Words{}
	for _, i := range []*Image{full, bare, &silent} {
		if err := i.Seal(strings.Repeat("ab", 16)); err != nil {
			t.Fatal(err)
		}
	}
	return &Manifest{
		Images: map[string]*Image{"https://images.example.org/Hero Pic.jpg?v=2": full, "yes": bare, "2026-01-02": &silent},
		Pages: map[string]Page{
			"_posts/2026-01-02-hello.md": {"https://images.example.org/Hero Pic.jpg?v=2"}, "posts/a.md": {"yes"}, "posts/a.html": {"2026-01-02"},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range []*Manifest{example(t), {Images: map[string]*Image{}, Pages: map[string]Page{}}} {
		var decoded []*Manifest
		for _, s := range []Syntax{JSON, YAML} {
			text, err := Encode(m, s)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(text, s)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(m, got); diff != "" {
				t.Errorf("what was read differs from what was written (-want +got):\n%s", diff)
			}
			again, err := Encode(got, s)
			if err != nil || !bytes.Equal(again, text) {
				t.Errorf("written again it has other bytes (error %v)", err)
			}
			for key, i := range got.Images {
				if recipe, ok := i.Sealed(); !ok || recipe != strings.Repeat("ab", 16) {
					t.Errorf("%s: its seal is broken", key)
				}
			}
			decoded = append(decoded, got)
		}
		if diff := cmp.Diff(decoded[0], decoded[1]); diff != "" {
			t.Errorf("YAML says something else than JSON:\n%s", diff)
		}
	}
}

func TestKeysAreSorted(t *testing.T) {
	text, err := Encode(example(t), JSON)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	var walk func()
	objects := 0
	walk = func() {
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		open, ok := token.(json.Delim)
		if !ok {
			return
		}
		var keys []string
		for dec.More() {
			if open == '{' {
				key, err := dec.Token()
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, key.(string))
			}
			walk()
		}
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
		if objects++; !slices.IsSorted(keys) {
			t.Errorf("keys in no order: %q", keys)
		}
	}
	if walk(); objects < 20 {
		t.Errorf("looked at %d objects only", objects)
	}
}

// TestSchema holds the published schema against what is written, and against what is not.
func TestSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	tree, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource(SchemaURL, tree); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	check := func(change func(doc, image map[string]any)) error {
		text, err := Encode(example(t), JSON)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		doc := tree.(map[string]any)
		change(doc, doc["images"].(map[string]any)["yes"].(map[string]any))
		return compiled.Validate(doc)
	}
	if err := check(func(_, _ map[string]any) {}); err != nil {
		t.Errorf("what is written does not meet the schema: %v", err)
	}
	for name, change := range map[string]func(doc, image map[string]any){
		"another version":   func(doc, _ map[string]any) { doc["version"] = json.Number("2") },
		"an unknown key":    func(doc, _ map[string]any) { doc["colour"] = "red" },
		"no pages":          func(doc, _ map[string]any) { delete(doc, "pages") },
		"no alt":            func(_, i map[string]any) { delete(i, "alt") },
		"no formats":        func(_, i map[string]any) { i["formats"] = map[string]any{} },
		"an unknown format": func(_, i map[string]any) { i["formats"] = map[string]any{"tiff": []any{}} },
		"an empty word":     func(_, i map[string]any) { i["credit"] = "" },
		"a wrong recipe":    func(_, i map[string]any) { i["recipe"] = "x" },
		"a width of 0":      func(_, i map[string]any) { i["width"] = json.Number("0") },
	} {
		if check(change) == nil {
			t.Errorf("%s meets the schema", name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Encode(example(t), JSON)
	if err != nil {
		t.Fatal(err)
	}
	with := func(old, new string) string {
		out := strings.Replace(string(good), old, new, 1)
		if out == string(good) {
			t.Fatalf("no %q in the example", old)
		}
		return out
	}
	for _, tt := range []struct {
		name, text string
		syntax     Syntax
		want       error
		says       string
	}{
		{"empty", "", JSON, ErrForeign, "unexpected end"},
		{"no manifest", `{"images": []}`, JSON, ErrForeign, "expected version 1 (got none)"},
		{"newer", with(`"version": 1`, `"version": 2`), JSON, ErrNewer, "expected version 1 (got 2)"},
		{"older", with(`"version": 1`, `"version": 0`), JSON, ErrForeign, "expected version 1 (got 0)"},
		{"a key that is not known", with(`"version": 1`, `"version": 1, "colour": 2`), JSON, ErrForeign, `unknown field "colour"`},
		{"a comma too few", with("},\n", "}\n"), JSON, ErrForeign, "line "},
		{"a text for a number", with(`"size": 1234`, `"size": "1234"`), JSON, ErrForeign, "size"},
		{"no picture", with(`"images": {`, `"images": {"x": null,`), JSON, ErrForeign, `"x": expected a picture (got null)`},
		{"a page of no picture", with(`"image": "yes"`, `"image": "no"`), JSON, ErrForeign, `expected the key of an image (got "no")`},
		{"a file elsewhere", with(`"filename": "fox-320-aabbccdd.jpg"`, `"filename": "../../fox.jpg"`), JSON, ErrForeign, "../../fox.jpg"},
		{"a file from the root", with(`"filename": "fox-320-aabbccdd.jpg"`, `"filename": "/etc/passwd"`), JSON, ErrForeign, "/etc/passwd"},
		{"no hash", with(strings.Repeat("0d", 32), "0d"), JSON, ErrForeign, "SHA-256"},
		{"something after it", string(good) + "{}", JSON, ErrForeign, "after top-level value"},
		{"no YAML", "images: [", YAML, ErrForeign, "yaml"},
		{"a list", "- a", YAML, ErrForeign, "cannot unmarshal"},
		{"newer YAML", "version: 7\n", YAML, ErrNewer, "(got 7)"},
		{"YAML that JSON has not", "version: 1\nimages: .inf\n", YAML, ErrForeign, "expected what JSON has too"},
	} {
		_, err := Decode([]byte(tt.text), tt.syntax)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %v with %q", tt.name, err, tt.want, tt.says)
		}
	}
}

func TestSealShowsChanges(t *testing.T) {
	for name, change := range map[string]func(*Image){
		"words":   func(i *Image) { i.Credit = "Somebody" },
		"alt":     func(i *Image) { i.Alt = nil },
		"a file":  func(i *Image) { i.Formats["jpeg"][0].Size++ },
		"markup":  func(i *Image) { i.HTML += " " },
		"recipe":  func(i *Image) { i.Recipe = strings.Repeat("cd", 16) },
		"JSON-LD": func(i *Image) { i.JSONLD = json.RawMessage(`{}`) },
	} {
		i := example(t).Images["https://images.example.org/Hero Pic.jpg?v=2"]
		if change(i); func() bool { _, ok := i.Sealed(); return ok }() {
			t.Errorf("%s: the seal does not show it", name)
		}
	}
}

func TestSplitAndJoin(t *testing.T) {
	m := example(t)
	parts := Split(m, JSON)
	want := []string{"_posts/2026-01-02-hello.json", "posts/a.html.json", "posts/a.md.json"}
	if got := slices.Sorted(maps.Keys(parts)); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for name, part := range parts {
		if len(part.Images) != 1 || len(part.Pages) != 1 || part.check() != nil {
			t.Errorf("%s: expected one page and its picture, got %v", name, part)
		}
	}
	if diff := cmp.Diff(m, Join(slices.Collect(maps.Values(parts))...)); diff != "" {
		t.Errorf("the parts together differ from the whole:\n%s", diff)
	}
}

func TestDiff(t *testing.T) {
	before, after := example(t), example(t)
	after.Images["new"] = before.Images["yes"]
	delete(after.Images, "2026-01-02")
	delete(after.Pages, "posts/a.html")
	after.Pages["posts/a.md"] = Page{"new"}
	after.Pages["posts/b.md"] = Page{"new"}
	words := after.Images["https://images.example.org/Hero Pic.jpg?v=2"]
	words.Credit = "Somebody"
	if err := words.Seal("00"); err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{"2026-01-02", "", "is gone"}, {"https://images.example.org/Hero Pic.jpg?v=2", "", "has other words"}, {"new", "", "is new"},
		{"", "posts/a.html", "is gone"}, {"", "posts/a.md", "shows another picture"}, {"", "posts/b.md", "is new"},
	}
	if got := Diff(before, after); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Diff(before, example(t)); got != nil {
		t.Errorf("of the same got %v", got)
	}
}

func TestSyntaxOf(t *testing.T) {
	for name, want := range map[string]Syntax{"a.json": JSON, "_data/a.YAML": YAML, "a.yml": YAML} {
		if got, err := SyntaxOf(name); err != nil || got != want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := SyntaxOf("a.toml"); err == nil {
		t.Error("a.toml: expected an error")
	}
}

// FuzzDecode has whatever is read be either refused or written again as the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []Syntax{JSON, YAML} {
		text, err := Encode(example(f), s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, s == YAML)
		f.Add(text[:len(text)/2], s == YAML)
	}
	f.Add([]byte("version: 1\nimages: &a {x: *a}\n"), true)
	f.Add([]byte(`{"version":1,"images":{"":{"jsonld":1e999}},"pages":{}}`), false)
	f.Fuzz(func(t *testing.T, text []byte, isYAML bool) {
		syntax := JSON
		if isYAML {
			syntax = YAML
		}
		m, err := Decode(text, syntax)
		if err != nil {
			if !errors.Is(err, ErrForeign) && !errors.Is(err, ErrNewer) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		once, err := Encode(m, JSON)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Decode(once, JSON)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once)
		}
		if twice, err := Encode(again, JSON); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("written twice it differs: %v\n%s\n%s", err, once, twice)
		}
	})
}
