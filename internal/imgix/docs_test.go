package imgix

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of parameters into the documentation")

const (
	document = "../docs/imgix.md"
	marker   = "\n<!-- What follows is written by: go test ./internal/imgix -run Documentation -update -->\n"
)

// The documentation has the table of parameters as it is.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, got, ok := strings.Cut(string(text), marker)
	if !ok {
		t.Fatalf("%s: no marker before the table", document)
	}
	want := markdown()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s: its table is not that of Parameters: write it by go test ./internal/imgix -run Documentation -update", document)
	}
	if err := os.WriteFile(document, []byte(head+marker+want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// markdown is a table of what is read, and one of the rest, where parameters of one reason share a row.
func markdown() string {
	var b strings.Builder
	b.WriteString("\n| parameter | also | |\n|---|---|---|\n")
	var notes []string
	byNote := map[string][]string{}
	for _, k := range Parameters() {
		if k.Status == Implemented {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, code(k.Aliases), k.Note)
			continue
		}
		row := k.Status.String() + " | " + k.Note
		if byNote[row] == nil {
			notes = append(notes, row)
		}
		byNote[row] = append(byNote[row], k.Name)
	}
	b.WriteString("\n## The others\n\n| parameters | | why |\n|---|---|---|\n")
	for _, row := range notes {
		fmt.Fprintf(&b, "| %s | %s |\n", code(strings.Join(byNote[row], " ")), row)
	}
	return b.String()
}

func code(names string) string {
	if names == "" {
		return ""
	}
	return "`" + strings.Join(strings.Fields(names), "` `") + "`"
}

// The README names every parameter that is read.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The imgix dialect\n")
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, ok := strings.Cut(section, " are read.")
	if !ok {
		t.Fatal("no sentence of what is read")
	}
	for _, k := range Parameters() {
		if got := strings.Contains(section, "`"+k.Name+"`"); got != (k.Status == Implemented) {
			t.Errorf("%s is %s; among what is read: %v", k.Name, k.Status, got)
		}
	}
}
