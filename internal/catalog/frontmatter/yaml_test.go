package frontmatter

import (
	"testing"
	"unicode/utf8"
)

// FuzzPlainYAML compares the short way with yaml.v3: whatever it accepts, it must read alike, down to the lines.
func FuzzPlainYAML(f *testing.F) {
	for _, seed := range []string{
		"a: b\n", "title: One: two\n", "a: \"x\"\nb: 'y'\n", "a:\n  b: c\n  d:\n    e: f\ng: h\n", "a:\n- b\n- c\nd: e\n", "a:\n  - b\n  - 12\n",
		"a: [b, c d,e]\nf: []\n", "a: # no\n", "# c\na: b\n  # c\nc: d # e\n", "a: b\n c\n", "a: 'it''s'\n", "a: \"x\\n\"\n", "a: ~\nb: null\nc: True\nd: 0x1f\ne: 2023-01-02\nf: .5\ng: 1e3\nh: 1_000\n",
		"a:\nb:\n\n\nc: d\r\n", "a: b\n\n c\n", "a:\n  b: c\n d: e\n", "a: \u2028b\n", "a: caf\u00e9 \u00a9\n", "a: b\na: c\n", "a: -b\n", "a: b:\n", "a: b:c\n", "a: /x#y\n", "a:\n- b: c\n", "a: - b\n", "a:\n -\n", "a: [b,]\n",
		"a: [a b, -c]\n", "a:\n  - b\n c: d\n", "a:\n- b\n  c\n", "a:\n  b:\n  - c\n  d: e\n", "a-b_c: (x, y)\n", "a: $x\n", "a: 12:30:45\n", "y: n\n", "a: =\n", "a:  b  \n", "a: b#c\n", "a:\n# x\n  b: c\n", "a: [x y ]\n  \nb: c", "a: \"\"\nb: ''",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if utf8.Valid(text) {
			comparePlain(t, text)
		}
	})
}
