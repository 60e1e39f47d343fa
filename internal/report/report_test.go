package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dd8bf596/cutline/internal/catalog"
)

var update = flag.Bool("update", false, "write the golden files")

// found is a run with everything that a format has to take care of.
func found() *Run {
	return &Run{
		Problems: []catalog.Problem{
			{File: "_posts/a b%é.md", Line: 4, Severity: catalog.Error, Code: "missing-file", Message: "no file \"x\": 100% sure", Value: "/x", Fix: "/X"},
			{File: "_posts/c,d:e.md", Severity: catalog.Warning, Code: "missing-alt", Message: "first\r\nsecond: <&>", Value: "/y"},
		},
		Posts: 3, PostsWithImage: 2, Known: 7, Prefix: "sites/news", Version: "1.2.3",
	}
}

func written(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteGitHub(t *testing.T) {
	got := written(t, func(b *bytes.Buffer) error { return found().WriteGitHub(b) })
	want := "::error file=sites/news/_posts/a b%25é.md,line=4,title=missing-file::no file \"x\": 100%25 sure\n" +
		"::warning file=sites/news/_posts/c%2Cd%3Ae.md,title=missing-alt::first%0D%0Asecond: <&>\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWriteGitHubInjects has what would be commands of its own.
func TestWriteGitHubInjects(t *testing.T) {
	run := &Run{Problems: []catalog.Problem{{
		File: "a\n::set-env name=X::y\n.md", Line: 1, Severity: catalog.Error, Code: "bad-url", Message: "x\n::stop-commands::y\r::add-mask::z",
	}}}
	got := written(t, func(b *bytes.Buffer) error { return run.WriteGitHub(b) })
	if strings.Count(got, "\n") != 1 || strings.Contains(got, "\r") {
		t.Errorf("more than one command: %q", got)
	}
}

func TestWriteJSON(t *testing.T) {
	got := written(t, func(b *bytes.Buffer) error { return found().WriteJSON(b) })
	want := `{
  "version": 1,
  "problems": [
    {
      "file": "_posts/a b%é.md",
      "line": 4,
      "severity": "error",
      "code": "missing-file",
      "message": "no file \"x\": 100% sure",
      "fix": "/X"
    },
    {
      "file": "_posts/c,d:e.md",
      "line": 0,
      "severity": "warning",
      "code": "missing-alt",
      "message": "first\r\nsecond: <&>"
    }
  ],
  "summary": {
    "posts": 3,
    "posts_with_image": 2,
    "errors": 1,
    "warnings": 1,
    "baseline": 7
  }
}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := written(t, func(b *bytes.Buffer) error { return new(Run).WriteJSON(b) }); !strings.Contains(got, `"problems": []`) {
		t.Errorf("nothing found is %s, want an empty list", got)
	}
}

// TestWriteSARIF holds a log against a golden file, and against the rules of SARIF's schema that concern what is written: the
// official schema allows nearly anything beside what it requires.
func TestWriteSARIF(t *testing.T) {
	const golden = "testdata/found.sarif"
	got := written(t, func(b *bytes.Buffer) error { return found().WriteSARIF(b) })
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got; -update writes it):\n%s", diff)
	}
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-2.1.0-essential.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"found": got, "nothing": written(t, func(b *bytes.Buffer) error { return new(Run).WriteSARIF(b) })} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The schema is one that can say no.
	for _, cut := range [][2]string{{`"version": "2.1.0"`, `"version": "2.0.0"`}, {`"text": "no file`, `"txt": "no file`}, {`"startLine": 4`, `"startLine": 0`}, {`"level": "error"`, `"level": "fatal"`}, {`sites/news/_posts/a%20b`, `/sites/a b`}} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(got, cut[0], cut[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("%s in place of %s is valid", cut[1], cut[0])
		}
	}
}

// TestSARIFBraces verifies that no text is taken for one with placeholders.
func TestSARIFBraces(t *testing.T) {
	run := Run{Problems: []catalog.Problem{{File: "a.md", Code: "bad-url", Severity: catalog.Error, Message: `"{{ site.url }}/{0}.jpg" is a template`}}}
	got := written(t, func(b *bytes.Buffer) error { return run.WriteSARIF(b) })
	for _, want := range []string{`"text": "\"{{{{ site.url }}}}/{{0}}.jpg\" is a template"`, `(cutline-lint: {{off: […]}})`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

// TestSARIFRules finds each result's rule where its index says.
func TestSARIFRules(t *testing.T) {
	var run Run
	for _, c := range catalog.Codes() {
		run.Problems = append(run.Problems, catalog.Problem{File: "a.md", Code: c.Name, Severity: c.Severity, Message: "m"})
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(written(t, func(b *bytes.Buffer) error { return run.WriteSARIF(b) })), &log); err != nil {
		t.Fatal(err)
	}
	rules := log.Runs[0].Tool.Driver.Rules
	for _, r := range log.Runs[0].Results {
		rule := rules[r.RuleIndex]
		if rule.ID != r.RuleID || !strings.HasSuffix(rule.Help.Text, ".") || !strings.HasSuffix(rule.ShortDescription.Text, ".") || strings.Contains(rule.ShortDescription.Text, "--online") {
			t.Errorf("%s: rule %+v", r.RuleID, rule)
		}
	}
}
