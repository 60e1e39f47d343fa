package report

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/catalog"
)

func problem(file string, line int, code, value string) catalog.Problem {
	return catalog.Problem{File: file, Line: line, Severity: catalog.Warning, Code: code, Message: "in line " + strings.Repeat("i", line), Value: value}
}

// again is b, written and read.
func again(t *testing.T, b *Baseline) (*Baseline, string) {
	t.Helper()
	text := written(t, func(to *bytes.Buffer) error { return b.Write(to) })
	read, err := ReadBaseline(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return read, text
}

// TestBaseline follows findings through a site's life.
func TestBaseline(t *testing.T) {
	debt := []catalog.Problem{
		problem("b.md", 3, "missing-alt", "/b.jpg"), problem("a.md", 3, "missing-credit", "/a.jpg"), problem("a.md", 3, "missing-alt", "/a.jpg"),
		problem("a.md", 9, "duplicate-key", "title"), problem("a.md", 12, "duplicate-key", "title"), problem("b.md", 3, "origin-gone", "/b.jpg"),
	}
	b, text := again(t, NewBaseline(debt, &Baseline{}, true))
	shuffled := slices.Clone(debt)
	slices.Reverse(shuffled)
	if _, other := again(t, NewBaseline(shuffled, &Baseline{}, true)); other != text {
		t.Errorf("the order of findings changes the file:\n%s\n%s", text, other)
	}
	if b.Len() != len(debt) || strings.Contains(text, `"count": 1`) || !strings.Contains(text, `"count": 2`) {
		t.Errorf("%d findings in\n%s", b.Len(), text)
	}
	moved := slices.Clone(debt)
	for i := range moved {
		moved[i].Line += 40
		moved[i].Message = "said otherwise"
		moved[i].Severity = catalog.Error
	}
	if fresh, known, gone := b.Split(moved, true); len(fresh) > 0 || known != len(debt) || len(gone) > 0 {
		t.Errorf("moved: %v are new, %d known, %v gone", fresh, known, gone)
	}
	// The same finding once more, one about another picture, and one in another post are new.
	more := append(moved, problem("a.md", 20, "duplicate-key", "title"), problem("a.md", 3, "missing-alt", "/other.jpg"), problem("c.md", 3, "missing-alt", "/a.jpg"))
	if fresh, known, _ := b.Split(more, true); len(fresh) != 3 || known != len(debt) {
		t.Errorf("more: %v are new, %d known", fresh, known)
	}
	// What is paid off is said; what nobody could see without --online is not.
	_, known, gone := b.Split(debt[1:5], false)
	if want := []Known{{"b.md", "missing-alt", Fingerprint(debt[0]), 1}}; known != 4 || cmp.Diff(want, gone) != "" {
		t.Errorf("%d known, gone %v, want %v", known, gone, want)
	}
	if _, _, gone := b.Split(debt[1:4], true); len(gone) != 3 {
		t.Errorf("gone %v, want one of two of the same, and two others", gone)
	}
	// A run without --online keeps what it could not see, and drops what it did not find.
	kept, _ := again(t, NewBaseline(debt[1:3], b, false))
	if _, known, gone := kept.Split(append(debt[1:3:3], debt[5]), true); known != 3 || len(gone) > 0 || kept.Len() != 3 {
		t.Errorf("kept %+v", kept)
	}
	if dropped := NewBaseline(debt[1:3], b, true); dropped.Len() != 2 {
		t.Errorf("with --online: %+v, want two", dropped)
	}
	if _, text := again(t, &Baseline{}); text != "{\n  \"version\": 1,\n  \"findings\": []\n}\n" {
		t.Errorf("an empty baseline is\n%s", text)
	}
}

func TestFingerprint(t *testing.T) {
	a := problem("a.md", 3, "missing-alt", "/b.jpg")
	seen := map[string]bool{Fingerprint(a): true}
	for _, other := range []catalog.Problem{problem("a.m", 3, "dmissing-alt", "/b.jpg"), problem("a.md", 3, "missing-al", "t/b.jpg"), problem("a.md", 3, "missing-alt", "")} {
		if f := Fingerprint(other); len(f) != 32 || seen[f] {
			t.Errorf("%+v: %s", other, f)
		}
	}
}

func TestReadBaselineRefuses(t *testing.T) {
	for _, text := range []string{"", "x", "[]", `{"version": 2, "findings": []}`, `{"findings": []}`, `{"version": 1, "findings": [], "x": 1}`, `{"version": 1, "findings": []} {}`, `{"version": 1, "findings": [1]}`} {
		if b, err := ReadBaseline(strings.NewReader(text)); !errors.Is(err, ErrBaseline) {
			t.Errorf("%q: got %v, %v, want ErrBaseline", text, b, err)
		}
	}
}

// FuzzReadBaseline reads anything, and writes what it read so that it reads the same again.
func FuzzReadBaseline(f *testing.F) {
	f.Add([]byte(`{"version": 1, "findings": [{"file": "a.md", "code": "missing-alt", "fingerprint": "0f", "count": 2}]}`))
	f.Add([]byte(`{"version": 1, "findings": [{"count": -1}, {}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ReadBaseline(bytes.NewReader(text))
		if err != nil {
			return
		}
		if read, _ := again(t, b); !slices.Equal(read.known, b.known) {
			t.Errorf("%q: read %+v, then %+v", text, b.known, read.known)
		}
	})
}
