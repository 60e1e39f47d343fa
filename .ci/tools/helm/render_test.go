package helm

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
)

var update = flag.Bool("update", false, "write the golden files and the table of values anew")

const (
	deployFolder = "../../../internal/deploy"
	chartFolder  = deployFolder + "/helm/cutline"
	goldenFolder = deployFolder + "/helm/testdata"
	release      = "news"
	namespace    = "web"
)

// cases are the value files of goldenFolder, each with the Kubernetes that it is rendered for.
func cases() map[string]string {
	return map[string]string{
		"minimal": "v1.35.0",
		"cluster": "v1.35.0",
		"single":  "v1.31.0",
		"full":    "v1.35.0",
		"signed":  "v1.27.0", // the oldest: pods cannot sleep there
	}
}

// eachCase runs a test for each of cases, with what is rendered.
func eachCase(t *testing.T, test func(t *testing.T, name string, rendered map[string]string)) {
	for _, name := range slices.Sorted(maps.Keys(cases())) {
		t.Run(name, func(t *testing.T) {
			rendered, err := render(t, readValues(t, name), cases()[name])
			if err != nil {
				t.Fatal(err)
			}
			test(t, name, rendered)
		})
	}
}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartFolder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readValues(t *testing.T, name string) chartutil.Values {
	t.Helper()
	values, err := chartutil.ReadValuesFile(filepath.Join(goldenFolder, name+".values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// render is what `helm template` does, with the schema checked: the chart's files by name, without what comes to nothing.
func render(t *testing.T, values chartutil.Values, kube string) (map[string]string, error) {
	t.Helper()
	version, err := chartutil.ParseKubeVersion(kube)
	if err != nil {
		t.Fatal(err)
	}
	c := loadChart(t)
	if !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, kube) {
		return nil, fmt.Errorf("the chart wants Kubernetes %s", c.Metadata.KubeVersion)
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = *version
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}, caps)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Render(c, all)
	if err != nil {
		return nil, err
	}
	short := map[string]string{}
	for name, text := range rendered {
		if strings.TrimSpace(text) != "" && path.Ext(name) != ".tpl" {
			short[strings.TrimPrefix(name, "cutline/templates/")] = strings.TrimSpace(text) + "\n"
		}
	}
	return short, nil
}

// TestDeployHelmGolden shows what becomes of a change.
func TestDeployHelmGolden(t *testing.T) {
	eachCase(t, func(t *testing.T, name string, rendered map[string]string) {
		var all strings.Builder
		for _, file := range slices.Sorted(maps.Keys(rendered)) {
			text := rendered[file]
			if path.Ext(file) != ".yaml" {
				text = "# " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n# ") + "\n"
			}
			fmt.Fprintf(&all, "---\n# %s\n%s", file, text)
		}
		golden(t, filepath.Join(goldenFolder, name+".yaml"), all.String())
	})
}

// golden compares got with a file, or writes it there.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is another one than what is rendered; look at it, and then -update. The first difference:\n%s", name, difference(got, string(want)))
	}
}

// difference is the first line in which two texts differ.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\n- %s\n+ %s", i+1, b[i], a[i])
		}
	}
	return fmt.Sprintf("%d lines, expected %d", len(a), len(b))
}

// TestDeployHelmLint is `helm lint`, which has nothing to say, of the chart alone and with each value file.
func TestDeployHelmLint(t *testing.T) {
	check := func(t *testing.T, values chartutil.Values, kube string) {
		version, err := chartutil.ParseKubeVersion(kube)
		if err != nil {
			t.Fatal(err)
		}
		log.SetOutput(t.Output()) // where what a template refuses is said, and is no fault when values are yet to come
		defer log.SetOutput(os.Stderr)
		for _, m := range lint.AllWithKubeVersion(chartFolder, values, namespace, version).Messages {
			t.Errorf("%v", m)
		}
	}
	t.Run("alone", func(t *testing.T) { check(t, chartutil.Values{}, "v1.35.0") })
	for name, kube := range cases() {
		t.Run(name, func(t *testing.T) { check(t, readValues(t, name), kube) })
	}
}

// TestDeployHelmAlerts holds the chart's copy of the alerts against what it is a copy of: a chart has to be whole by itself.
func TestDeployHelmAlerts(t *testing.T) {
	original := read(t, deployFolder+"/prometheus/alerts.yml")
	if own := read(t, chartFolder+"/files/alerts.yml"); own != original {
		t.Error("files/alerts.yml is another one than internal/deploy/prometheus/alerts.yml: copy it")
	}
}

// TestDeployHelmPackage has all that is rendered in the package too.
func TestDeployHelmPackage(t *testing.T) {
	c := loadChart(t)
	file, err := chartutil.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := loader.LoadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	names := func(files []*chart.File) (all []string) {
		for _, f := range files {
			all = append(all, f.Name)
		}
		slices.Sort(all)
		return all
	}
	if got, want := names(packed.Raw), names(c.Raw); !slices.Contains(got, "files/alerts.yml") || len(got) < len(want) {
		t.Errorf("packed are %v, expected %v", got, want)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
