package frontmatter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// oldURL is what the table replaces by newURL.
const (
	oldURL = "https://wrapper.example/https%3A%2F%2Fa.example%2Fb.jpg&f=1"
	newURL = "https://a.example/b.jpg"
)

// texts are the nodes of a document that are text, each once, in order.
func texts(doc *Document) []*Node {
	var all []*Node
	seen := map[*Node]bool{}
	var walk func(*Node)
	walk = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.Kind == String {
			all = append(all, n)
		}
		for _, p := range n.Pairs {
			walk(p.Value)
		}
		for _, each := range n.List {
			walk(each)
		}
	}
	walk(doc.Root)
	return all
}

// textOf chooses the first node whose text, trimmed, is text.
func textOf(text string) func(*Document) *Node {
	return func(doc *Document) *Node {
		for _, n := range texts(doc) {
			if strings.TrimSpace(n.Text) == text {
				return n
			}
		}
		return nil
	}
}

// TestReplace has OLD where the value stands, and NEW or a spelling of it where it has to stand afterwards.
func TestReplace(t *testing.T) {
	hugo, hexo := Reader{LeadingBlanks: true}, Reader{Unfenced: true}
	for _, tt := range []struct {
		name   string
		reader Reader
		text   string
		new    string // "" is text with NEW for OLD
	}{
		{name: "plain", text: "---\ntitle: x # y\nimage: OLD\ncredit:  z\n---\nbody OLD\n", new: "---\ntitle: x # y\nimage: NEW\ncredit:  z\n---\nbody OLD\n"},
		{name: "plain, comment behind", text: "---\nimage:   OLD   # why\n---\n"},
		{name: "single quotes", text: "---\nimage: 'OLD'\n---\n"},
		{name: "double quotes", text: "---\nimage: \"OLD\" # why\n---\n"},
		{name: "double quotes, escapes", text: "---\nimage: \"https:\\x2f\\x2fwrapper.example/https%3A%2F%2Fa.example%2Fb.jpg\\x26f=1\"\n---\n", new: "---\nimage: \"NEW\"\n---\n"},
		{name: "double quotes over lines", text: "---\nimage: \"https://wrapper.example/\\\n   https%3A%2F%2Fa.example%2Fb.jpg&f=1\"\nalt: x\n---\n", new: "---\nimage: \"NEW\"\nalt: x\n---\n"},
		{name: "carriage returns", text: "---\r\nimage: OLD\r\nalt: \"x\"\r\n---\r\nbody\r\n"},
		{name: "byte order mark", text: "\ufeff---\nimage: OLD\n---\n"},
		{name: "folded block", text: "---\nimage: >-\n    OLD\n\nalt: x\n---\n"},
		{name: "literal block", text: "---\nimage: |\n  OLD\nalt: x\n---\n"},
		{name: "folded block with an indicator and a comment", text: "---\nimage: >2- # why\n\n  OLD\n# c\nalt: x\n---\n"},
		{name: "flow map", text: "---\nimage: {path: OLD, alt: x}\n---\n"},
		{name: "flow map over lines", text: "---\nimage: {alt: x,\n  path: OLD\n  , credit: y}\n---\n"},
		{name: "flow list", text: "---\nimages: [OLD, b.jpg] # c\n---\n"},
		{name: "JSON in YAML", text: "---\n{\"image\": {\"path\":\"OLD\"}}\n---\n"},
		{name: "anchor and alias", text: "---\nimage:\n  path: &p OLD\n  feature: *p\n---\n"},
		{name: "anchor on a line of its own", text: "---\nimage: &p\n  OLD\n---\n"},
		{name: "tag", text: "---\nimage: !!str OLD\n---\n"},
		{name: "merge key", text: "---\nbase: &b {path: OLD}\nimage:\n  <<: *b\n  alt: x\n---\n"},
		{name: "duplicate key", text: "---\nimage: a.jpg\nimage: OLD\n---\n"},
		{name: "list of maps", text: "---\nbigimg:\n- src: OLD\n  desc: x\n---\n"},
		{name: "on a line of its own", text: "---\nimage:\n  OLD\nalt: x\n---\n"},
		{name: "words of other scripts before it", text: "---\n\"größe 📷\": {\"ä\": \"ö\", path: OLD}\n---\n"},
		{name: "next line and line separator", text: "---\na: \"x\u0085 y\u2028 z\"\nimage: OLD\n---\n"},
		{name: "closed by dots, no line after", text: "---\nimage: OLD\n..."},
		{name: "leading blanks", reader: hugo, text: "\n \n---\nimage: OLD\n---\n"},
		{name: "no fence", reader: hexo, text: "image: OLD\nalt: x\n---\nbody"},
		{name: "toml", text: "+++\ntitle = \"x\" # c\nimage = \"OLD\"\n+++\nOLD\n", new: "+++\ntitle = \"x\" # c\nimage = \"NEW\"\n+++\nOLD\n"},
		{name: "toml, literal", text: "+++\nimage = 'OLD' # c\n+++\n"},
		{name: "toml, escapes", text: "+++\nimage = \"https://wrapper.example/https%3A%2F%2Fa.example%2Fb.jpg\\u0026f=1\"\n+++\n", new: "+++\nimage = \"NEW\"\n+++\n"},
		{name: "toml, multi-line", text: "+++\nimage = \"\"\"OLD\"\"\"\nb = '''x'''\n+++\n"},
		{name: "toml, multi-line literal", text: "+++\nimage = '''\nOLD'''\n+++\n", new: "+++\nimage = '''NEW'''\n+++\n"},
		{name: "toml, in tables", text: "+++\n[extra]\nimages = [\"a\", # b\n  \"OLD\"]\n[[x]]\ny = {z = 'OLD'}\n+++\n", new: "+++\n[extra]\nimages = [\"a\", # b\n  \"NEW\"]\n[[x]]\ny = {z = 'OLD'}\n+++\n"},
		{name: "json", text: "{\n \"title\": \"a\\u00e9\",\n\t\"image\" : {\"path\":\"OLD\", \"n\": 1.50}\n}\n\nbody"},
		{name: "json, escapes", text: "{\"image\": [\"x\", \"https:\\/\\/wrapper.example\\/https%3A%2F%2Fa.example%2Fb.jpg\\u0026f=1\"]}\r\n", new: "{\"image\": [\"x\", \"NEW\"]}\r\n"},
		{name: "json between dashes", text: "---json\n{\"a\": 1,\n \"image\": \"OLD\"}\n---\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.ReplaceAll(tt.text, "OLD", oldURL)
			want := strings.ReplaceAll(tt.new, "OLD", oldURL)
			if tt.new == "" {
				want = strings.ReplaceAll(tt.text, "OLD", newURL)
			}
			want = strings.ReplaceAll(want, "NEW", newURL)
			got, err := tt.reader.Replace([]byte(text), textOf(oldURL), newURL)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestReplaceQuotes writes values that mean something else as they are.
func TestReplaceQuotes(t *testing.T) {
	for _, tt := range []struct{ name, text, value, want string }{
		{"colon and blank", "---\na: OLD\n---\n", "b: c", "---\na: 'b: c'\n---\n"},
		{"comment", "---\na: OLD # x\n---\n", "b #c", "---\na: 'b #c' # x\n---\n"},
		{"number", "---\na: OLD\n---\n", "12", "---\na: '12'\n---\n"},
		{"boolean", "---\na: OLD\n---\n", "true", "---\na: 'true'\n---\n"},
		{"comma in a flow map", "---\na: {b: OLD, c: d}\n---\n", "x,y", "---\na: {b: 'x,y', c: d}\n---\n"},
		{"comma in a block map", "---\na: OLD\n---\n", "x,y", "---\na: x,y\n---\n"},
		{"quote in single quotes", "---\na: 'OLD'\n---\n", "it's", "---\na: 'it''s'\n---\n"},
		{"quote in double quotes", "---\na: \"OLD\"\n---\n", `say "x\y"`, "---\na: \"say \\\"x\\\\y\\\"\"\n---\n"},
		{"quote at the front", "---\na: OLD\n---\n", `"x`, "---\na: '\"x'\n---\n"},
		{"percent at the front", "---\na: OLD\n---\n", "%2Fa.jpg", "---\na: '%2Fa.jpg'\n---\n"},
		{"colon at the end", "---\na: OLD\n---\n", "http://a:", "---\na: 'http://a:'\n---\n"},
		{"quote in toml's literal", "+++\na = 'OLD'\n+++\n", "it's", "+++\na = \"it's\"\n+++\n"},
		{"backslash in toml", "+++\na = \"OLD\"\n+++\n", `a\b"c`, "+++\na = \"a\\\\b\\\"c\"\n+++\n"},
		{"quotes in json", `{"a": "OLD"}`, `a\b"c`, `{"a": "a\\b\"c"}`},
		{"accents", "---\na: OLD\n---\n", "é.jpg", "---\na: é.jpg\n---\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := new(Reader).Replace([]byte(tt.text), textOf("OLD"), tt.value)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestReplaceLeaves(t *testing.T) {
	hexo := Reader{Unfenced: true}
	for _, tt := range []struct {
		name, text, value string
		reader            Reader
		want              error
	}{
		{name: "utf-16", text: utf16Text(binary.LittleEndian, "---\na: OLD\n---\n"), value: "x", want: ErrLeft},
		{name: "no such text", text: "---\na: b\n---\n", value: "x", want: ErrLeft},
		{name: "a key", text: "---\nOLD: b\n---\n", value: "x", want: ErrLeft},
		{name: "two lines", text: "---\na: OLD\n---\n", value: "x\ny", want: ErrLeft},
		{name: "nothing", text: "---\na: OLD\n---\n", value: "", want: ErrLeft},
		{name: "blanks around", text: "---\na: OLD\n---\n", value: " x", want: ErrLeft},
		{name: "tabs", reader: hexo, text: "---\na:\n\t- OLD\n---\n", value: "x", want: ErrLeft},
		{name: "a block that would end", text: "---\na: |\n  OLD\n---\n", value: "---", want: nil}, // indented, it does not
		{name: "none", text: "prose\n", value: "x", want: ErrNone},
		{name: "a list in a block", text: "---\n- OLD\n---\n", value: "x", want: ErrNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.reader.Replace([]byte(tt.text), textOf("OLD"), tt.value); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// checkReplace replaces the text at every node of file, if that can be done, and looks at what came of it without Replace's
// own eyes.
func checkReplace(t *testing.T, r Reader, file []byte, value string) {
	doc, err := r.Read(bytes.NewReader(file))
	if err != nil {
		return
	}
	const most = 12 // each costs some readings
	for i, old := range texts(doc)[:min(most, len(texts(doc)))] {
		got, err := r.Replace(bytes.Clone(file), func(doc *Document) *Node { return texts(doc)[i] }, value)
		if err != nil {
			continue
		}
		again, err := r.Read(bytes.NewReader(got))
		if err != nil {
			t.Fatalf("%q became %q, which cannot be read: %v", file, got, err)
		}
		all, before := texts(again), texts(doc)
		if len(all) != len(before) {
			t.Fatalf("%q became %q: %d texts, want %d", file, got, len(all), len(before))
		}
		for j := range all {
			if want := before[j].Text; j != i && all[j].Text != want || j == i && strings.TrimSpace(all[j].Text) != value {
				t.Fatalf("%q became %q: text %d is %q, want %q", file, got, j, all[j].Text, want)
			}
		}
		// What was taken out is the old text, in whatever spelling, and nothing else: no comment, no other key. What is
		// spelled with escapes or over lines cannot be compared so.
		start := 0
		for start < len(file) && start < len(got) && file[start] == got[start] {
			start++
		}
		end := 0
		for end < len(file)-start && end < len(got)-start && file[len(file)-1-end] == got[len(got)-1-end] {
			end++
		}
		removed := string(file[start : len(file)-end])
		if bytes.ContainsRune(file, '\\') || strings.ContainsAny(removed, "\"'\r\n\u0085\u2028\u2029") || strings.Contains(old.Text, removed) {
			continue
		}
		t.Fatalf("%q became %q: %q was taken out, which is not in %q", file, got, removed, old.Text)
	}
}

// FuzzReplace changes one text after the other of any front matter: nothing else may change with it.
func FuzzReplace(f *testing.F) {
	for _, block := range []string{
		"---\na: b # c\nd: 'e''f'\ng: \"h\\n\"\n---\nbody", "---\na: >\n  b\n\n  c\nd: |+\n  e\n\nf: g\n---\n", "---\na: &x b\nc: *x\nd: {e: f, g: [h, i]}\n---\n",
		"---\r\na: b\r\n---\r\n", "\ufeff---\na: b\n---\n", "---\na: b\n  c\n# d\ne: f\n---\n", "---\n? a\n: b\n---\n", "---\n!x a: !!str b\n---\n",
		"+++\na = \"b\" # c\nd = 'e'\nf = '''g'''\n[h]\ni = [\"j\", {k = \"l\"}]\n+++\n", "{\"a\": \"b\\u0063\", \"d\": [\"e\", {\"f\": \"g\"}]}\nbody", "---json\n{\"a\":\"b\"}\n---\n", "a: b\n---\n",
		"---\na: \"b\\\n  c\"\nd: \"e\n\n  f\"\n---\n", "---\na: b\na: c\n---\n", "---\nx: &x {a: b}\ny: {<<: *x}\n---\n",
	} {
		f.Add([]byte(block), "https://a.example/b.jpg?c=d&e", false)
		f.Add([]byte(block), "x: 'y' #\"z\\", true)
	}
	f.Fuzz(func(t *testing.T, file []byte, value string, hexo bool) {
		if len(file) > 4096 || len(value) > 200 {
			return
		}
		checkReplace(t, Reader{Unfenced: hexo, LeadingBlanks: !hexo}, file, value)
	})
}
