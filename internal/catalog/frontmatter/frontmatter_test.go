package frontmatter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// outline writes a tree as one line, each value with the line it stands in: {a:"x"@2 b:[1@3]}.
func outline(n *Node) string {
	switch n.Kind {
	case Map:
		var parts []string
		for _, p := range n.Pairs {
			parts = append(parts, p.Key+":"+outline(p.Value))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case List:
		var parts []string
		for _, each := range n.List {
			parts = append(parts, outline(each))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case String:
		return fmt.Sprintf("%q@%d", n.Text, n.Line)
	case Null:
		return fmt.Sprintf("null@%d", n.Line)
	}
	return fmt.Sprintf("%s@%d", n.Text, n.Line)
}

func utf16Text(order binary.AppendByteOrder, text string) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, c := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, c)
	}
	return string(b)
}

func TestRead(t *testing.T) {
	hugo, hexo := Reader{LeadingBlanks: true}, Reader{Unfenced: true}
	for _, tt := range []struct {
		name   string
		reader Reader
		text   string
		want   string
	}{
		{name: "yaml", text: "---\na: b\n---\nbody\n", want: `{a:"b"@2}`},
		{name: "no line after the fence", text: "---\na: b\n---", want: `{a:"b"@2}`},
		{name: "carriage returns", text: "---\r\na: b\r\nc: 1\r\n---\r\nbody\r\n", want: `{a:"b"@2 c:1@3}`},
		{name: "byte order mark", text: "\ufeff---\n\na: b\n---\n", want: `{a:"b"@3}`},
		{name: "blanks after the fences", text: "--- \t\na: b\n---  \nbody", want: `{a:"b"@2}`},
		{name: "closed by dots", text: "---\na: b\n...\nbody", want: `{a:"b"@2}`},
		{name: "empty block", text: "---\n---\nbody", want: `{}`},
		{name: "comments only", text: "---\n# a: b\n---\n", want: `{}`},
		{name: "utf-16 little endian", text: utf16Text(binary.LittleEndian, "---\r\na: caf\u00e9 \U0001f4f7\r\n---\r\nbody"), want: `{a:"café 📷"@2}`},
		{name: "utf-16 big endian", text: utf16Text(binary.BigEndian, "---\na: b\n---\n"), want: `{a:"b"@2}`},
		{name: "block scalars", text: "---\na: >\n  b\n  c\nd: |\n  e\n---\n", want: `{a:"b c\n"@2 d:"e\n"@5}`},
		{name: "quoted over lines, continued at column 0", text: "---\na: \"b\nc\"\nd: e\n---\n", want: `{a:"b c"@2 d:"e"@4}`},
		{name: "alias", text: "---\nimage:\n  path: &i /a.jpg\n  feature: *i\n---\n", want: `{image:{path:"/a.jpg"@3 feature:"/a.jpg"@3}}`},
		{name: "merge keys", text: "---\nx: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n---\n", want: `{x:{a:1@2 b:2@2} y:{b:3@5 a:1@2}}`},
		{name: "alias of itself", text: "---\na: &a [*a, b]\n---\n", want: `{a:[null@2 "b"@2]}`},
		{name: "custom tags", text: "---\na: !ruby/object:X {b: c}\nd: !x e\n---\n", want: `{a:{b:"c"@2} d:"e"@3}`},
		{name: "duplicate key, last wins", text: "---\na: 1\nb: 2\na: 3\n---\n", want: `{a:3@4 b:2@3}`},
		{name: "template braces", text: "---\ntitle: {{ replace .Name \"-\" \" \" }}\nb: c\n---\n", want: `{title:{} b:"c"@3}`},
		{name: "named yaml", text: "---yaml\na: b\n---\n", want: `{a:"b"@2}`},
		{name: "named json", text: "---json\n{\"a\": [1, true,\n null, \"b\"]}\n---\n", want: `{a:[1@2 true@2 null@3 "b"@3]}`},
		{name: "named toml", text: "---toml\na = 1\n---\n", want: `{a:1@2}`},
		{name: "toml", text: "+++\na = \"b\"\ndate = 2020-01-01\n[extra]\nc = [\"d\", # e\n \"f\"]\nh.i = 'j'\n+++\nbody", want: `{a:"b"@2 date:2020-01-01@3 extra:{c:["d"@5 "f"@6] h:{i:"j"@7}}}`},
		{name: "toml tables", text: "+++\n[[r]]\nname = \"x\"\n[[r]]\nname = \"y\"\n[r.p]\nq = true\n[t]\nu = {v = 'w'}\n+++\n", want: `{r:[{name:"x"@3} {name:"y"@5 p:{q:true@7}}] t:{u:{v:"w"@9}}}`},
		{name: "toml, key twice", text: "+++\na = 1\na = 2\n+++\n", want: `{a:2@3}`},
		{name: "json", text: "{\n \"a\": \"}\\\"\",\n \"b\": {\"c\": 1.5}\n}\nbody {", want: `{a:"}\""@2 b:{c:1.5@3}}`},
		{name: "blanks before the fence, Hugo", reader: hugo, text: "\n \n---\na: b\n---\n", want: `{a:"b"@4}`},
		{name: "no opening fence, Hexo", reader: hexo, text: "title: x\nb: y\n---\nbody", want: `{title:"x"@1 b:"y"@2}`},
		{name: "tabs, Hexo", reader: hexo, text: "---\na:\n\t- b\n\t- c\n---\n", want: `{a:["b"@3 "c"@4]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text))} {
				doc, err := tt.reader.Read(src)
				if err != nil {
					t.Fatal(err)
				}
				if got := outline(doc.Root); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			}
		})
	}
}

func TestReadNone(t *testing.T) {
	for name, text := range map[string]string{
		"empty file": "", "prose": "Hello\n", "longer rule": "----\na: b\n---\n", "blanks first": "\n---\na: b\n---\n",
		"template": "{{ define }}\n", "liquid": "{% if %}\n", "mdx": "{/* x */}\n", "keys without fence": "a: b\n---\n", "heading": "--- x\na\n---\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := new(Reader).Read(strings.NewReader(text)); !errors.Is(err, ErrNone) {
				t.Errorf("got %v, want ErrNone", err)
			}
		})
	}
	hexo := Reader{Unfenced: true}
	for _, text := range []string{"note: this is prose\nand no end", "a: [\n---\n", "Hello\n---\n"} {
		if _, err := hexo.Read(strings.NewReader(text)); !errors.Is(err, ErrNone) {
			t.Errorf("%q: got %v, want ErrNone", text, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"yaml", "---\na: b\nbad: [\n---\n", 3, "did not find expected node content"},
		{"yaml, template braces", "---\ntitle: x\nlayout: y\nimage: {{ x }}/a\n---\n", 4, "did not find expected"},
		{"yaml, list less indented", "---\nt: x\nl:\n  - a\n - b\n---\n", 5, "did not find expected"},
		{"yaml, open bracket", "---\na: b\nx: [a, b\n---\n", 3, "did not find expected ',' or ']'"},
		{"yaml, open bracket in the first line", "---\nx: [a, b\n---\n", 2, "did not find expected ',' or ']'"},
		{"yaml, open brace", "---\na: b\nx: {y: z\n---\n", 3, "did not find expected ',' or '}'"},
		{"yaml, open brace in the first line", "---\nx: {y: z\na: b\n---\n", 2, "did not find expected ',' or '}'"},
		{"yaml, two values", "---\na: b\nc: d\ne: 'f' g\nh: i\n---\n", 4, "did not find expected"},
		{"yaml, unknown anchor", "---\na: b\nx: *y\n---\n", 3, "unknown anchor 'y'"},
		{"yaml, unknown anchor beside longer names", "---\na: \"*y2 *y-\"\nb: 2*y\nx: [*y]\n---\n", 4, "unknown anchor 'y'"},
		{"yaml, open quote in the first line", "---\na: \"b\nc: d\ne: f\n---\n", 2, "a quote that is opened is not closed"},
		{"yaml, open quote", "---\na: b\nc: 'd\ne: f\n---\n", 3, "a quote that is opened is not closed"},
		{"yaml, open quote in the last line", "---\na: b\nc: 'd\n---\n", 3, "a quote that is opened is not closed"},
		{"yaml, two colons", "---\nt: x\na: b: c\n---\n", 3, "mapping values are not allowed"},
		{"yaml, at sign", "---\nt: x\nimage: @/a.jpg\n---\n", 3, "put quotes around values that begin with @, % or `"},
		{"yaml, percent", "---\nt: x\nimage: %2Fa.jpg\n---\n", 3, "put quotes around values that begin with @, % or `"},
		{"long message", "---\na: *" + strings.Repeat("x", 900_000) + "\n---\n", 2, "unknown anchor 'xxx"},
		{"tab", "---\na:\n\t- b\n---\n", 3, "use blanks"},
		{"no closing fence", "---\na: b\n", 1, "closing --- is missing"},
		{"no closing fence, toml", "+++\na = 1\n", 1, "closing +++ is missing"},
		{"no closing brace", "{\"a\": 1\n", 1, "closing brace"},
		{"toml", "+++\na = 1\nb = \n+++\n", 3, "value"},
		{"toml, value and table", "+++\na = 1\n[a.b]\nc = 1\n+++\n", 3, `"a" is a number on line 2`},
		{"json", "---json\n{\"a\": 1,\n \"b\": }\n---\n", 3, "invalid character"},
		{"program", "---js\n{ title: 1 }\n---\n", 1, "is a program"},
		{"a list", "---\n- a\n---\n", 2, "key: value"},
		{"a word", "---\nhello\n---\n", 2, "key: value"},
		{"not utf-8", "---\na: b\nc: \xff\n---\n", 3, "UTF-8"},
		{"control character", "---\na: \x01\n---\n", 2, "control characters"},
		{"too long", "---\n" + strings.Repeat("a: 0123456789\n", maxBytes/10), 1, "1 MiB"},
		{"one endless line", "---\na: " + strings.Repeat("x", 3*maxBytes), 1, "1 MiB"},
		{"deep flow", "---\na: " + strings.Repeat("[", 20_000) + "\n---\n", 2, "depth"},
		{"merge bomb", mergeBomb(), 0, "merge keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := new(Reader).Read(strings.NewReader(tt.text))
			se, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if len(se.Message) > maxMessage+len("…") {
				t.Errorf("a message of %d bytes", len(se.Message))
			}
			if tt.line != 0 && se.Line != tt.line || !strings.Contains(se.Message, tt.want) {
				t.Errorf("got %v, want line %d: …%s…", se, tt.line, tt.want)
			}
		})
	}
	broken := errors.New("disk on fire")
	if _, err := new(Reader).Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's own error", err)
	}
}

// mergeBomb is a block in which every map merges a large one many times.
func mergeBomb() string {
	var b strings.Builder
	b.WriteString("---\na: &a\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "  k%d: v\n", i)
	}
	for i := range 100 {
		fmt.Fprintf(&b, "m%d: {<<: *a}\n", i)
	}
	b.WriteString("---\n")
	return b.String()
}

func TestDuplicates(t *testing.T) {
	want := []Duplicate{{Key: "b", First: 4, Last: 5}, {Key: "a", First: 2, Last: 6}}
	doc, err := new(Reader).Read(strings.NewReader("---\na: 1\nm:\n  b: 1\n  b: 2\na: 3\n---\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, doc.Duplicates); diff != "" {
		t.Error(diff)
	}
	doc, err = new(Reader).Read(strings.NewReader("---\n" + strings.Repeat("a: 1\n", 1000) + "---\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(doc.Duplicates); got != maxDuplicates {
		t.Errorf("got %d duplicates, want %d", got, maxDuplicates)
	}
}

// TestHostile bounds what a small file can cost. A second is a hundred times what each of these takes.
func TestHostile(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("---\na0: &a0 [x, x]\n")
	for i := range 60 {
		fmt.Fprintf(&bomb, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	bomb.WriteString("---\n")
	for name, text := range map[string]string{
		"nested lists":      "---\na: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "\n---\n",
		"nested json":       "{\"a\": " + strings.Repeat("[", 40_000) + strings.Repeat("]", 40_000) + "}\n",
		"nested toml":       "+++\na = " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "\n+++\n",
		"toml tables":       "+++\n[" + strings.Repeat("a.", 60) + "b]\n+++\n",
		"aliases":           bomb.String(),
		"many keys":         "---\n" + manyKeys(49_000) + "---\n",
		"long line":         "---\na: " + strings.Repeat("x", 900_000) + "\n---\n",
		"nested block maps": "---\n" + nestedMaps(1_300) + "---\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := new(Reader).Read(strings.NewReader(text)); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestDepth has values nested twice as deep as is kept.
func TestDepth(t *testing.T) {
	open, shut := strings.Repeat("[", 2*maxDepth), strings.Repeat("]", 2*maxDepth)
	for name, text := range map[string]string{
		"yaml": "---\na: " + open + shut + "\n---\n", "json": "{\"a\": " + open + shut + "}\n", "toml": "+++\na = " + open + shut + "\n+++\n",
	} {
		doc, err := new(Reader).Read(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		depth := 0
		for n := doc.Root.Get("a"); n.Kind == List && len(n.List) > 0; n = n.List[0] {
			depth++
		}
		if depth < maxDepth-2 || depth > maxDepth {
			t.Errorf("%s: got %d levels, want %d", name, depth, maxDepth)
		}
	}
}

// TestTooManyValues has the shapes in which a megabyte holds the most values, and prose that holds few.
func TestTooManyValues(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		many bool
	}{
		"yaml, words":     {"---\na: [" + strings.Repeat("b,", 400_000) + "]\n---\n", true},
		"yaml, flow map":  {"---\na: {" + strings.Repeat("b,", 400_000) + "}\n---\n", true},
		"yaml, maps":      {"---\na: [" + strings.Repeat("{},", 300_000) + "]\n---\n", true},
		"yaml, list":      {"---\na:\n" + strings.Repeat("- b\n", 200_000) + "---\n", true},
		"yaml, one line":  {"---\na:\n" + strings.Repeat("- ", 60_000) + "b\n---\n", true},
		"yaml, odd keys":  {"---\n" + strings.Repeat("? a\n", 100_000) + "---\n", true},
		"yaml, keys":      {"---\n" + manyKeys(60_000) + "---\n", true},
		"toml":            {"+++\na = [" + strings.Repeat("1,", 400_000) + "]\n+++\n", true},
		"toml, keys":      {"+++\n" + strings.ReplaceAll(manyKeys(60_000), ": v", "=1") + "+++\n", true},
		"json":            {"{\"a\": [" + strings.Repeat("1,", 400_000) + "1]}\n", true},
		"json, maps":      {"{\"a\": [" + strings.Repeat("{},", 300_000) + "1]}\n", true},
		"prose":           {"---\na: |\n" + strings.Repeat("  The mayor - who was late - said, again: no; it's at https://x.test/a-b-c:80\n", 12_000) + "---\n", false},
		"an encoded file": {"---\na: \"data:image/png;base64," + strings.Repeat("-_+/=:Aq", 100_000) + "\"\n---\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := new(Reader).Read(strings.NewReader(tt.text))
			if !tt.many {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if se, ok := errors.AsType[*SyntaxError](err); !ok || !strings.Contains(se.Message, "more than 50000 values") || se.Line < 1 {
				t.Errorf("got %v, want too many values", err)
			}
		})
	}
}

// TestHeavy expects the hook around the parsing of large blocks, and around no others.
func TestHeavy(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want int
	}{
		"small":             {"---\na: b\n---\n" + strings.Repeat("body", heavyBytes), 0},
		"large":             {"---\na: " + strings.Repeat("b", heavyBytes) + "\n---\n", 1},
		"large and broken":  {"---\na: [" + strings.Repeat("b", heavyBytes) + "\n---\n", 1},
		"large, not closed": {"---\na: " + strings.Repeat("b", heavyBytes), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var calls, releases int
			r := Reader{Heavy: func() func() { calls++; return func() { releases++ } }}
			_, _ = r.Read(strings.NewReader(tt.text)) // whether it can be read is not asked here
			if calls != tt.want || releases != tt.want {
				t.Errorf("got %d calls, %d releases, want %d of each", calls, releases, tt.want)
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: v\n", i)
	}
	return b.String()
}

func nestedMaps(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// countingReader counts what is read of a post.
type countingReader struct {
	src io.Reader
	n   int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += n
	return n, err
}

func TestBodyIsNotRead(t *testing.T) {
	body := strings.Repeat("body\n", 1<<20)
	for name, head := range map[string]string{"front matter": "---\na: b\n---\n", "none": "Hello\n", "json": "{\"a\": 1}\n"} {
		t.Run(name, func(t *testing.T) {
			c := &countingReader{src: io.MultiReader(strings.NewReader(head), strings.NewReader(body))}
			if _, err := new(Reader).Read(c); err != nil && !errors.Is(err, ErrNone) {
				t.Fatal(err)
			}
			if c.n > 2*firstRead {
				t.Errorf("read %d bytes, want at most %d", c.n, 2*firstRead)
			}
		})
	}
}

// TestPlainYAMLRandom compares the short way with yaml.v3 over blocks put together from the lines that posts have: bytes
// that a fuzzer varies seldom hit indentation and lists at once.
func TestPlainYAMLRandom(t *testing.T) {
	lines := []string{
		"a: b", "title: Kim's trip - part 2", "path: \"https://x.test/?a=b&c=d#e\"", "b: 'c'", "c:", "d: ", "- x", "- 12", "- a: b", "-", "# note", "",
		"tags: [a, b c]", "e: [", "f: 2023-09-18 10:09", "g: true", "h: null", "i: >", "j: x: y", "k: é", "l: a #b", "m: \"x", "n: x:", "o: {a: b}", "p: *q", "r-s_t: 0o7", "u: .inf", "v: []", "w: ---",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	read := 0
	for range 30_000 {
		var b bytes.Buffer
		for range 1 + rng.IntN(7) {
			b.WriteString(strings.Repeat(" ", rng.IntN(3)*rng.IntN(3)) + lines[rng.IntN(len(lines))] + "\n")
		}
		if comparePlain(t, b.Bytes()) {
			read++
		}
	}
	if read < 1000 {
		t.Errorf("the short way read only %d blocks", read)
	}
}

// comparePlain checks that the short way reads text as yaml.v3 does, where it reads it at all.
func comparePlain(t *testing.T, text []byte) bool {
	t.Helper()
	p := &parser{line: 2, last: 2 + bytes.Count(text, []byte("\n"))}
	got, ok := p.plainYAML(text)
	if !ok {
		return false
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("yaml.v3 refuses what was read: %v\n%q", err, text)
	}
	c := yamlConverter{p: p}
	want, err := c.node(doc.Content[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q (-yaml.v3 +short way):\n%s", text, diff)
	}
	if len(p.duplicates) > 0 {
		t.Errorf("%q: duplicates %v", text, p.duplicates)
	}
	return true
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"---\na: b\n---\n", "+++\na = 1\n+++\n", "{\"a\": [1]}", "\xff\xfe-\x00-\x00-\x00\n\x00", "a: b\n---\n", "---json\n{}\n---", "\n---\na: &a [*a]\n...\n", "---\n\t- a\n---\n", "+++\n[[a]]\n[a.b]\n+++"} {
		f.Add([]byte(seed), true, true)
		f.Add([]byte(seed), false, false)
	}
	f.Fuzz(func(t *testing.T, text []byte, blanks, unfenced bool) {
		r := Reader{LeadingBlanks: blanks, Unfenced: unfenced}
		doc, err := r.Read(bytes.NewReader(text))
		lines := 2 + bytes.Count(text, []byte("\n"))
		if err != nil {
			if se, ok := errors.AsType[*SyntaxError](err); ok && (se.Line < 1 || se.Line > lines) {
				t.Errorf("line %d of %d: %v", se.Line, lines, err)
			}
			return
		}
		if doc.Root == nil || doc.Root.Kind != Map || doc.Line < 1 {
			t.Errorf("got %+v", doc)
		}
		for _, p := range doc.Root.Pairs {
			if p.Value == nil || p.Line < 1 || p.Line > lines {
				t.Errorf("key %q: line %d of %d, value %v", p.Key, p.Line, lines, p.Value)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	plain := "---\ntitle: Council votes on the bridge\nauthor: Mara Lind\nimage:\n  path: /img/bridge.jpg\n  alt: A bridge\ntags: [a, b]\n---\nbody\n"
	for name, text := range map[string]string{"plain": plain, "yaml.v3": strings.Replace(plain, "[a, b]", "{a: b}", 1), "toml": "+++\ntitle = \"x\"\n[extra]\nimage = \"a.jpg\"\n+++\n", "json": "{\"title\": \"x\", \"image\": \"a.jpg\"}\n"} {
		b.Run(name, func(b *testing.B) {
			var r Reader
			src := strings.NewReader(text)
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(text)
				if _, err := r.Read(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
