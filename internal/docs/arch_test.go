// Package docs holds no code but the tests of what the documents promise about the code: who may import whom
// (arch_test.go), what no source file contains (code_test.go), and that the documents themselves hold together
// (docs_test.go). They are tests and not lint rules because everybody runs `go test ./...`.
package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/dd8bf596/cutline"
	root   = "../.." // of the repository, from this folder
)

// layers says which of our packages each package may import in code that is not a test. Imports point down only. Suites
// and imagetest stand in no row but their own kind's: only tests may use them. A new package is a new row here and an ADR.
var layers = map[string][]string{
	"internal/source":              {},
	"internal/container":           {},
	"internal/caption":             {"internal/container"},
	"internal/markup":              {"internal/caption"},
	"internal/catalog/frontmatter": {},
	"internal/catalog/export":      {},
	"internal/catalog":             {"internal/source", "internal/caption", "internal/catalog/frontmatter", "internal/catalog/export"},
	"internal/report":              {"internal/catalog"},
	"internal/fetch":               {"internal/source"},
	"internal/transform":           {},
	"internal/imgix":               {"internal/transform"},
	"internal/srcset":              {"internal/transform"},
	"internal/sign":                {},
	"internal/watch":               {},
	"internal/cluster":             {},
	"internal/transform/goengine": {
		"internal/transform", "internal/container", "internal/transform/goengine/resample", "internal/transform/goengine/jpegscale",
		"internal/transform/goengine/saliency", "internal/transform/goengine/colour",
	},
	"internal/transform/goengine/colour":    {},
	"internal/transform/goengine/jpegscale": {},
	"internal/transform/goengine/resample":  {},
	"internal/transform/goengine/saliency":  {},
	"internal/transform/worker":             {"internal/transform"},
	"internal/transform/enginetest":         {"internal/transform", "internal/imagetest"},
	"internal/imagetest":                    {"internal/transform"},
	"cache":                                 {},
	"cache/cachetest":                       {"cache"},
	"cache/bucket":                          {"cache"},
	"internal/manifest":                     {},
	"internal/prefetch":                     {"internal/catalog", "internal/source", "internal/caption", "internal/fetch", "internal/transform", "internal/srcset", "internal/markup", "internal/render", "internal/manifest"},
	"internal/render":                       {"internal/source", "internal/caption", "internal/fetch", "internal/transform", "cache"},
	"proxy":                                 {"internal/catalog", "internal/markup", "internal/render", "internal/source", "internal/caption", "internal/transform", "internal/srcset", "internal/imgix", "internal/sign"},
	"internal/telemetry":                    {"cache", "internal/cluster", "internal/fetch", "internal/render", "internal/transform", "internal/transform/worker", "proxy"},
	"internal/docs":                         {},
	"cmd/cutline": {
		"internal/source", "internal/caption", "internal/catalog", "internal/report", "internal/fetch", "internal/transform", "internal/srcset",
		"internal/transform/goengine", "internal/transform/worker", "cache", "internal/cluster", "cache/bucket", "internal/render", "internal/sign", "internal/watch", "internal/manifest", "internal/prefetch", "internal/telemetry", "proxy",
	},
}

// shared names the third-party libraries that more than one package imports, each with its reason. Every other library
// has one import site, so that it can be replaced in one package.
var shared = map[string]string{
	"github.com/failsafe-go/failsafe-go": "circuit breakers: of each host in fetch, of the bucket",
	"github.com/dunglas/httpsfv":         "structured fields (RFC 9651): proxy writes them, fetch reads them",
	"golang.org/x/net/html":              "HTML: captions are pieces of it, the texts of feeds are documents of it",
	"golang.org/x/text/unicode/norm":     "Unicode's normal forms: as little to replace as package unicode",
	"gopkg.in/yaml.v3":                   "front matter and cutline.yaml are two strict readers of nodes with nothing else in common (ADR 0003); the manifest is written in it, too (ADR 0029)",
}

// forbidden lists imports that no package of ours has, tests included, with the reason.
var forbidden = map[string]string{
	"C":                                 "cgo: CGO_ENABLED=0 must build everything (ADR 0001)",
	"unsafe":                            "untrusted bytes are read by code that the compiler checks",
	"math/rand":                         "seeded globally; math/rand/v2 where no secret is made",
	"io/ioutil":                         "deprecated",
	"net/http/pprof":                    "registers itself on http.DefaultServeMux",
	"expvar":                            "registers itself on http.DefaultServeMux",
	"golang.org/x/image/bmp":            "registers a decoder globally; not a format that is read",
	"golang.org/x/image/tiff":           "registers a decoder globally; not a format that is read",
	"golang.org/x/sync/singleflight":    "panics in a fresh goroutine, tied to its first caller (ADR 0006)",
	"github.com/spf13/viper":            "configuration is one strict file (ADR 0003)",
	"github.com/stretchr/testify":       "tests are plain got and want",
	"github.com/stretchr/testify/mock":  "no generated mocks",
	"github.com/stretchr/testify/suite": "suites are functions (cachetest, enginetest)",
}

// A listed package is what `go list` says about it.
type listed struct {
	ImportPath                         string
	Name                               string
	Dir                                string
	Standard, DepOnly                  bool
	Module                             *struct{ Path string }
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
}

// list returns our own packages by their path in the module, and the module of every package they are built from.
func list(t *testing.T) (ours map[string]listed, modules map[string]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps",
		"-json=ImportPath,Name,Dir,Standard,DepOnly,Module,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	ours, modules = map[string]listed{}, map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		if p.Module != nil {
			modules[p.ImportPath] = p.Module.Path
		}
		if !p.DepOnly {
			ours[strings.TrimPrefix(p.ImportPath, module+"/")] = p
		}
	}
	if len(ours) == 0 {
		t.Fatal("go list named no package: this test looks at nothing")
	}
	return ours, modules
}

func TestLayers(t *testing.T) {
	ours, _ := list(t)
	for _, path := range slices.Sorted(maps.Keys(ours)) {
		allowed, known := layers[path]
		if !known {
			t.Errorf("%s: no row in the table of layers; a new package needs one, and an ADR that says why", path)
			continue
		}
		for _, imp := range ours[path].Imports {
			if down, ok := strings.CutPrefix(imp, module+"/"); ok && !slices.Contains(allowed, down) {
				t.Errorf("%s imports %s: it may import %v", path, down, allowed)
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	ours, _ := list(t)
	for path, p := range ours {
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if why, ok := forbidden[imp]; ok {
				t.Errorf("%s imports %s: %s", path, imp, why)
			}
		}
	}
}

// TestOneImportSite counts a module as one library, but every package of the golang.org/x modules on its own: they are
// bundles of libraries that have nothing to do with each other.
func TestOneImportSite(t *testing.T) {
	ours, modules := list(t)
	sites := map[string][]string{}
	for path, p := range ours {
		for _, imp := range p.Imports {
			lib := modules[imp]
			if lib == "" || lib == module {
				continue
			}
			if strings.HasPrefix(lib, "golang.org/x/") {
				lib = imp
			}
			if !slices.Contains(sites[lib], path) {
				sites[lib] = append(sites[lib], path)
			}
		}
	}
	for lib, paths := range sites {
		slices.Sort(paths)
		if _, ok := shared[lib]; !ok && len(paths) > 1 {
			t.Errorf("%s is imported by %v: expected one import site", lib, paths)
		}
	}
	for lib := range shared {
		if len(sites[lib]) < 2 {
			t.Errorf("%s is excepted as shared, but imported by %v: remove the exception", lib, sites[lib])
		}
	}
}

func TestPackageNames(t *testing.T) {
	vague := []string{"api", "base", "common", "core", "global", "helper", "helpers", "lib", "misc", "model", "models", "pkg", "shared", "types", "util", "utils"}
	ours, _ := list(t)
	for path, p := range ours {
		for part := range strings.SplitSeq(path, "/") {
			if slices.Contains(vague, part) {
				t.Errorf("%s: the name %q says nothing about what is in it", path, part)
			}
		}
		if dir := path[strings.LastIndex(path, "/")+1:]; p.Name != "main" && p.Name != dir {
			t.Errorf("%s: package %s in a folder of another name", path, p.Name)
		}
	}
}
