package images

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/mod/modfile"
)

// root is the repository's, from this folder.
const root = "../../.."

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stages are the Dockerfile's.
func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	file, err := parser.Parse(bytes.NewReader(read(t, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := instructions.Parse(file.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// bareImages takes every image for one that sets nothing.
type bareImages struct{}

func (bareImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(ocispecs.Image{Platform: ocispecs.Platform{Architecture: "amd64", OS: "linux"}})
	return ref, digest.FromBytes(config), config, err
}

// TestDeployDockerfileLint has BuildKit's own linter, as of "docker build --check", find nothing.
func TestDeployDockerfileLint(t *testing.T) {
	text := read(t, "Dockerfile")
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	found, err := dockerfile2llb.DockerfileLint(t.Context(), text, dockerfile2llb.ConvertOpt{
		MetaResolver: bareImages{}, SourceMap: source,
		TargetPlatform: &ocispecs.Platform{Architecture: "amd64", OS: "linux"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if found.Error != nil {
		t.Error(found.Error.Message)
	}
	for _, w := range found.Warnings {
		t.Errorf("line %d: %s: %s", w.Location.Ranges[0].Start.Line, w.RuleName, w.Detail)
	}
}

// TestDeployDockerfileStages holds that all stages are part of an image, that bases have a version, that the version of Go is one that
// go.mod takes, and that images differ in what they are built from alone.
func TestDeployDockerfileStages(t *testing.T) {
	used := map[string]bool{"native": true, "static": true} // what operators build
	said := map[string]map[string][]string{}
	all := stages(t)
	for _, s := range all {
		said[s.Name] = map[string][]string{}
		used[s.BaseName] = true
		for _, command := range s.Commands {
			if c, ok := command.(*instructions.CopyCommand); ok {
				used[c.From] = true
			}
			switch command.Name() {
			case "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD":
				said[s.Name][command.Name()] = append(said[s.Name][command.Name()], instruction(command))
			}
		}
	}
	names := []string{"scratch"}
	for _, s := range all {
		if !slices.Contains(names, s.BaseName) && !regexp.MustCompile(`^[a-z]+:\d+\.\d+(\.\d+)?-[a-z]+$`).MatchString(s.BaseName) {
			t.Errorf("%s: expected a base with its version", s.BaseName)
		}
		if !used[s.Name] {
			t.Errorf("no image is made of stage %s", s.Name)
		}
		names = append(names, s.Name)
	}
	if diff := cmp.Diff(said["static"], said["native"]); diff != "" || len(said["static"]) != 8 {
		t.Errorf("(-static +native):\n%s", diff)
	}
	if last := all[len(all)-1].Name; last != "static" {
		t.Errorf("by default %s is built: expected static", last)
	}
	mod, err := modfile.ParseLax("go.mod", read(t, "go.mod"), nil)
	if err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(strings.TrimPrefix(all[0].BaseName, "golang:"), "-")
	if wanted := strings.Join(strings.Split(mod.Go.Version, ".")[:2], "."); !strings.HasPrefix(base, wanted+".") {
		t.Errorf("the image is built by Go %s: expected a %s, by go.mod", base, wanted)
	}
}

// instruction is a command without what is of its place in the file.
func instruction(command instructions.Command) string {
	return command.(interface{ String() string }).String()
}

// TestDeployDockerignore holds that the build has all that it needs, and nothing that changes without need.
func TestDeployDockerignore(t *testing.T) {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(read(t, ".dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	left, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		".git/config": true, ".ci/integration": true, "internal/deploy/compose/.env": true, "testdata/site/_config.yml": true, "README.md": true,
		"cmd/cutline/main_test.go": true, "cutline": true, "dist/x": true, "cover.out": true,
		"go.mod": false, "go.sum": false, "cmd/cutline/main.go": false, "proxy/proxy.go": false, "cache/bucket/s3.go": false, "internal/docs/docs.go": false,
	} {
		if got, err := left.MatchesOrParentMatches(name); got != want || err != nil {
			t.Errorf("%s is left out: %v, %v, want %v", name, got, err, want)
		}
	}
}
