package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// readHook reads one of the definitions that others run from this repository.
func readHook(t *testing.T, name string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(to); err != nil {
		t.Fatal(err)
	}
}

// TestPreCommitHooks runs what each hook of .pre-commit-hooks.yaml says in the example site, as pre-commit would.
func TestPreCommitHooks(t *testing.T) {
	var hooks []struct {
		ID, Name, Description, Entry, Language, Files string
		PassFilenames                                 *bool `yaml:"pass_filenames"`
	}
	readHook(t, ".pre-commit-hooks.yaml", &hooks)
	t.Setenv("GITHUB_WORKSPACE", "")
	site := t.TempDir() // a copy: one of the hooks writes
	if err := os.CopyFS(site, os.DirFS("../../testdata/site")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(site)
	want := map[string]int{"cutline-lint": 0, "cutline-lint-strict": exitFailed, "cutline-lint-fix": 0}
	for _, h := range hooks {
		code, known := want[h.ID]
		delete(want, h.ID)
		words := strings.Fields(h.Entry)
		if !known || words[0] != "cutline" || h.Language != "golang" || h.PassFilenames == nil || *h.PassFilenames || h.Name == "" || h.Description == "" {
			t.Errorf("%+v", h)
			continue
		}
		files := regexp.MustCompile(h.Files)
		for name, matches := range map[string]bool{
			"_posts/2024-01-01-a.md": true, "content/x/index.MDX": true, "a.html": true, "static/b.JPEG": true, "cutline.yaml": true, "web/cutline.yaml": true,
			"main.go": false, "notcutline.yaml": false, "a.md.bak": false,
		} {
			if files.MatchString(name) != matches {
				t.Errorf("%s: files matches %s: %t", h.ID, name, !matches)
			}
		}
		var stdout, stderr bytes.Buffer
		p := program{stdout: &stdout, stderr: &stderr}
		if got := p.run(t.Context(), words[1:]); got != code {
			t.Errorf("%s: exit code %d, want %d; it said:\n%s%s", h.ID, got, code, &stdout, &stderr)
		}
	}
	if len(want) > 0 {
		t.Errorf("no hook for %v", want)
	}
}

// An action is GitHub's definition of a composite action, as far as ours uses it.
type action struct {
	Name, Description string
	Inputs, Outputs   map[string]struct{ Description, Default, Value string }
	Runs              struct {
		Using string
		Steps []struct {
			Name, ID, If, Uses, Shell, Run string
			With, Env                      map[string]string
		}
	}
}

// TestAction holds the action against the program: its flags exist, and all its inputs are described and used.
func TestAction(t *testing.T) {
	var a action
	readHook(t, ".github/actions/lint/action.yml", &a)
	if a.Runs.Using != "composite" || a.Name == "" || a.Description == "" {
		t.Errorf("%+v", a)
	}
	used := map[string]bool{}
	flags := new(program).lintCommand().Flags()
	seen := 0
	for _, step := range a.Runs.Steps {
		if strings.Contains(step.Run, "${{") {
			t.Errorf("step %s: an expression in a script is code that whoever sets it writes: pass it by env", step.Name)
		}
		if (step.Run != "") != (step.Shell == "bash") {
			t.Errorf("step %s: shell %q", step.Name, step.Shell)
		}
		for _, flag := range regexp.MustCompile(`\s"?\(?--([a-z-]+)`).FindAllStringSubmatch(step.Run, -1) {
			seen++
			if flags.Lookup(flag[1]) == nil {
				t.Errorf("step %s: lint has no flag --%s", step.Name, flag[1])
			}
		}
		for name, text := range step.Env {
			if strings.HasPrefix(name, envPrefix) {
				t.Errorf("%s: the program refuses such variables", name)
			}
			input := strings.TrimSuffix(strings.TrimPrefix(text, "${{ inputs."), " }}")
			if _, ok := a.Inputs[input]; !ok {
				t.Errorf("%s: %s is no input", name, text)
			}
			used[input] = true
		}
	}
	if seen < 5 {
		t.Errorf("%d flags: this test no longer reads the script", seen)
	}
	for name, input := range a.Inputs {
		if input.Description == "" || !used[name] {
			t.Errorf("input %s: described as %q, used: %t", name, input.Description, used[name])
		}
	}
}

// TestActionScript runs the action's script with inputs that are commands to a careless one, and looks at what reaches the
// program.
func TestActionScript(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("the action's script is for bash: ", err)
	}
	var a action
	readHook(t, ".github/actions/lint/action.yml", &a)
	script := ""
	for _, step := range a.Runs.Steps {
		if step.ID == "lint" {
			script = step.Run
		}
	}
	const hostile = "$(touch hacked) `touch hacked`; touch hacked\n\"' --fix"
	for _, tt := range []struct {
		online, sarif, baseline, config string
		want                            [][]string
	}{
		{"false", "false", "", "", [][]string{{"lint", "--format", "github", "--fail-on=" + hostile, "--", hostile}}},
		{hostile, hostile, hostile, hostile, [][]string{{"lint", "--baseline=" + hostile, "--config=" + hostile, "--format", "github", "--fail-on=" + hostile, "--", hostile}}},
		{"true", "true", "", "", [][]string{
			{"lint", "--online", "--format", "sarif", "--output", "TEMP/cutline.sarif", "--fail-on", "never", "--", hostile},
			{"lint", "--online", "--format", "github", "--fail-on=" + hostile, "--", hostile},
		}},
	} {
		temp := t.TempDir()
		// A program of that name that writes down its arguments, each with a NUL behind it.
		if err := os.WriteFile(filepath.Join(temp, "cutline"), []byte("#!/bin/sh\nprintf '%s\\0' \"$@\" END >>\"$RUNNER_TEMP/arguments\"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script) // as GitHub runs it
		cmd.Dir = temp
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "RUNNER_TEMP=" + temp, "GITHUB_OUTPUT=" + filepath.Join(temp, "output"), "LINT_DIR=" + hostile, "LINT_FAIL_ON=" + hostile,
			"LINT_ONLINE=" + tt.online, "LINT_SARIF=" + tt.sarif, "LINT_BASELINE=" + tt.baseline, "LINT_CONFIG=" + tt.config,
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got [][]string
		for run := range strings.SplitSeq(strings.ReplaceAll(content(t, filepath.Join(temp, "arguments")), temp, "TEMP"), "END\x00") {
			if run != "" {
				got = append(got, strings.Split(strings.TrimSuffix(run, "\x00"), "\x00"))
			}
		}
		if !slices.EqualFunc(got, tt.want, slices.Equal) {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
		if _, err := os.Stat(filepath.Join(temp, "hacked")); err == nil {
			t.Error("an input was run as a command")
		}
		if tt.sarif == "true" {
			if out := content(t, filepath.Join(temp, "output")); out != fmt.Sprintf("sarif-file=%s/cutline.sarif\n", temp) {
				t.Errorf("output %q", out)
			}
		}
	}
}
