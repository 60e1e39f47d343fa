package images

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

func release(t *testing.T) config.Project {
	t.Helper()
	project, err := config.Load(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// TestDeployRelease runs what a release runs before it builds, in a copy of what git has, and looks at all that is packed.
func TestDeployRelease(t *testing.T) {
	project, tree := release(t), checkout(t)
	values := strings.NewReplacer("{{ .Tag }}", "v0.0.0-test", "{{ .CommitTimestamp }}", "1700000000")
	for _, hook := range project.Before.Hooks {
		line := values.Replace(hook)
		if strings.Contains(line, "{{") {
			t.Fatalf("%q has a value that this test does not know", line)
		}
		// Quotes and words are the shell's, as goreleaser's.
		run(t, tree, []string{"GOFLAGS=-buildvcs=false"}, "sh", "-c", line)
	}
	t.Run("files", func(t *testing.T) { testFiles(t, project, tree) })
	extra := filepath.Join(tree, "dist/extra")
	t.Run("manual", func(t *testing.T) {
		pages, err := filepath.Glob(filepath.Join(extra, "man/*.gz"))
		if err != nil || len(pages) < 10 {
			t.Fatalf("%d pages, %v", len(pages), err)
		}
		// Not by mandoc itself, which not every build of it can.
		run(t, tree, nil, "bash", append([]string{"-c", `gzip -dk "$@" && mandoc -T lint -W warning "${@%.gz}"`, "bash"}, pages...)...)
	})
	t.Run("completions", func(t *testing.T) { testCompletions(t, extra) })
	t.Run("unit", func(t *testing.T) { testUnit(t, filepath.Join(extra, "cutline")) })
	t.Run("compose", func(t *testing.T) { testComposeFiles(t, filepath.Join(extra, "cutline")) })
}

// run runs a command in a folder, which has to succeed.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// testFiles looks for all files that the configuration names.
func testFiles(t *testing.T, project config.Project, tree string) {
	var named []string
	for _, a := range project.Archives {
		for _, f := range a.Files {
			named = append(named, f.Source)
		}
	}
	for _, p := range project.NFPMs {
		for _, c := range p.Contents {
			named = append(named, c.Source)
		}
	}
	for _, d := range project.DockersV2 {
		named = append(append(named, d.ExtraFiles...), d.Dockerfile)
	}
	if len(named) < 20 {
		t.Errorf("%d files are named: expected more", len(named))
	}
	for _, pattern := range named {
		if found, err := filepath.Glob(filepath.Join(tree, filepath.FromSlash(pattern))); err != nil || len(found) == 0 {
			t.Errorf("%s: nothing of that name, %v", pattern, err)
		}
	}
}

// testCompletions has each shell read its script, and Bash complete a command by it.
func testCompletions(t *testing.T, extra string) {
	scripts := filepath.Join(extra, "completions")
	run(t, scripts, nil, "zsh", "-n", "_cutline")
	run(t, scripts, nil, "fish", "-n", "cutline.fish")
	for line, want := range map[string]string{"cutline se": "serve", "cutline lint --fail-on w": "warning"} {
		got := run(t, scripts, []string{"PATH=" + extra + ":" + os.Getenv("PATH"), "COMP_LINE=" + line}, "bash", "--norc", "-c",
			`. /usr/share/bash-completion/bash_completion && . ./cutline.bash
			compopt() { :; } # Bash has it for completions alone
			COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9
			$(complete -p cutline | sed 's/.*-F \([^ ]*\) .*/\1/') cutline "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
			printf '%s\n' "${COMPREPLY[@]}"`)
		if strings.TrimSpace(got) != want {
			t.Errorf("%q is completed to %q, want %q", line, got, want)
		}
	}
}

// checkout is a copy of the files that git has.
func checkout(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	run(t, root, nil, "sh", "-c", `git -c safe.directory='*' ls-files -z | tar --null -T - -c | tar -C "$1" -x`, "sh", tree)
	return tree
}

// TestDeployReleaseBuild holds that a released program is what "make build" and the Dockerfile build.
func TestDeployReleaseBuild(t *testing.T) {
	project := release(t)
	if len(project.Builds) != 1 {
		t.Fatalf("%d builds: expected one", len(project.Builds))
	}
	b := project.Builds[0]
	tags := regexp.MustCompile(`(?m)^build:.*\n\tCGO_ENABLED=0 go build -trimpath -tags (\S+) -o`).FindSubmatch(read(t, "Makefile"))
	if tags == nil || strings.Join(b.Tags, ",") != string(tags[1]) {
		t.Errorf("tags %v, those of make build are %q", b.Tags, tags)
	}
	if !slices.Equal(b.Flags, []string{"-trimpath"}) || !slices.Equal(b.Env, []string{"CGO_ENABLED=0"}) {
		t.Errorf("flags %v, environment %v", b.Flags, b.Env)
	}
	ldflags := strings.ReplaceAll(strings.Join(b.Ldflags, " "), "{{ .Tag }}", "${VERSION}")
	found := 0
	for _, s := range stages(t) {
		for _, command := range s.Commands {
			run, ok := command.(*instructions.RunCommand)
			if !ok || !strings.Contains(strings.Join(run.CmdLine, " "), "go build") {
				continue
			}
			found++
			line := strings.Join(run.CmdLine, " ")
			wants := "-tags " + string(tags[1])
			if s.Name == "build" {
				wants = "-tags nodynamic," + string(tags[1])
			}
			for _, part := range []string{"CGO_ENABLED=0 ", "-trimpath ", wants + " ", `-ldflags "` + ldflags + `" `} {
				if !strings.Contains(line, part) {
					t.Errorf("stage %s: %q has no %q", s.Name, line, part)
				}
			}
		}
	}
	if found != 2 {
		t.Errorf("%d stages build: expected 2", found)
	}
}

// TestDeployReleaseImages holds that the image can be built of what a release gives to Docker, which is all that .dockerignore leaves
// but what Go does not read.
func TestDeployReleaseImages(t *testing.T) {
	for _, d := range release(t).DockersV2 {
		tree := checkout(t)
		entries, err := os.ReadDir(tree)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			has, err := filepath.Glob(path.Join(tree, e.Name(), "*", "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			flat, err := filepath.Glob(path.Join(tree, e.Name(), "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			if len(has)+len(flat) > 0 && e.Name() != "testdata" && !slices.Contains(d.ExtraFiles, e.Name()) {
				t.Errorf("image %s is built without %s", d.ID, e.Name())
			}
		}
		if len(d.BuildArgs) != 1 || d.BuildArgs["VERSION"] != "{{ .Tag }}" {
			t.Errorf("image %s: build arguments %v", d.ID, d.BuildArgs)
		}
	}
}
