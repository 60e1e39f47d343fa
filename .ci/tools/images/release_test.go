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

// TestDeployReleaseFiles runs what a release runs before it builds, in a copy of what git has, and looks for all files that it names.
func TestDeployReleaseFiles(t *testing.T) {
	project, tree := release(t), checkout(t)
	values := strings.NewReplacer("{{ .Tag }}", "v0.0.0-test", "{{ .CommitTimestamp }}", "1700000000")
	for _, hook := range project.Before.Hooks {
		line := values.Replace(hook)
		if strings.Contains(line, "{{") {
			t.Fatalf("%q has a value that this test does not know", line)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line) // quotes and words are the shell's, as goreleaser's
		cmd.Dir = tree
		cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
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
	for file, want := range map[string]string{"man/cutline.1.gz": "\x1f\x8b", "completions/_cutline": "#compdef cutline"} {
		got, err := os.ReadFile(filepath.Join(tree, "dist/extra", file))
		if err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: %.20q, %v", file, got, err)
		}
	}
}

// checkout is a copy of the files that git has.
func checkout(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `git -c safe.directory='*' ls-files -z | tar --null --ignore-failed-read -T - -c | tar -C "$1" -x`, "sh", tree)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
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
