package telemetry

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const (
	dashboardFile = "../deploy/grafana/cutline.json"
	alertsFile    = "../deploy/prometheus/alerts.yml"
	casesFile     = "../deploy/prometheus/alerts_test.yml"
	runbook       = "https://github.com/dd8bf596/cutline/blob/main/internal/docs/operations.md"
)

// A dashboard is what Grafana needs of one (schema 39), as far as it is used here.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Panels        []struct {
		ID         int
		Type       string
		Title      string
		GridPos    struct{ X, Y, W, H int }
		Datasource struct{ Type, UID string }
		Targets    []target
	}
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
}

type target struct {
	RefID string
	Expr  string
}

type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Record, Alert, Expr string
			Labels, Annotations map[string]string
		}
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func readRules(t *testing.T) (r rules) {
	t.Helper()
	text, err := os.ReadFile(alertsFile)
	if err == nil {
		err = yaml.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// promised are the metrics of the golden file, those of Prometheus itself, and what the rules record: by name, their labels and the
// values that these can have, where all are known.
func promised(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string][]string{"up": {}}
	for line := range strings.Lines(string(text)) {
		word := strings.Fields(line)
		labels := map[string][]string{}
		for _, label := range word[2:] {
			name, values, _ := strings.Cut(label, "=")
			labels[name] = nil
			if values != "" {
				labels[name] = strings.Split(values, "|")
			}
		}
		names := []string{word[0]}
		if word[1] == "histogram" {
			names = []string{word[0] + "_bucket", word[0] + "_sum", word[0] + "_count"}
		}
		for _, name := range names {
			all[name] = labels
		}
	}
	for _, g := range readRules(t).Groups {
		for _, r := range g.Rules {
			if r.Record != "" {
				all[r.Record] = map[string][]string{}
			}
		}
	}
	return all
}

var (
	metricUse  = regexp.MustCompile(`\b((?:cutline|go|process)_[a-z_]+|cutline:[a-z0-9_:]+|up)\b(?:\{([^}]*)\})?`)
	matcherUse = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
)

// checkUses verifies that an expression uses what is promised, and only labels and values that are there.
func checkUses(t *testing.T, where, expr string, all map[string]map[string][]string) {
	t.Helper()
	uses := metricUse.FindAllStringSubmatch(expr, -1)
	if len(uses) == 0 {
		t.Errorf("%s: %q uses no metric", where, expr)
	}
	for _, use := range uses {
		labels, ok := all[use[1]]
		if !ok {
			t.Errorf("%s: there is no metric %s in testdata/metrics.golden", where, use[1])
			continue
		}
		for _, m := range matcherUse.FindAllStringSubmatch(use[2], -1) {
			values, ok := labels[m[1]]
			if !ok && m[1] != "instance" && m[1] != "job" {
				t.Errorf("%s: %s has no label %s", where, use[1], m[1])
			}
			if m[1] == "tier" || len(values) == 0 {
				continue // a bucket is not in every stack
			}
			for value := range strings.SplitSeq(m[3], "|") {
				if !slices.Contains(values, value) {
					t.Errorf("%s: %s{%s} is never %q", where, use[1], m[1], value)
				}
			}
		}
	}
}

// TestDashboard verifies that the dashboard is one, that its panels do not lie on each other, and that all it asks for is there.
func TestDashboard(t *testing.T) {
	d, all := readDashboard(t), promised(t)
	if d.UID != "cutline" || d.Title == "" || d.SchemaVersion < 36 || len(d.Panels) < 20 {
		t.Errorf("uid %q, title %q, schema %d, %d panels", d.UID, d.Title, d.SchemaVersion, len(d.Panels))
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %d %q: no title, or an id that another has", p.ID, p.Title)
		}
		ids[p.ID] = true
		at := p.GridPos
		if at.W < 1 || at.H < 1 || at.X < 0 || at.X+at.W > 24 {
			t.Errorf("%s: %+v is not within 24 columns", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("%s: data source %+v, %d targets", p.Title, p.Datasource, len(p.Targets))
		}
		for _, q := range p.Targets {
			if q.RefID == "" {
				t.Errorf("%s: a query without refId", p.Title)
			}
			if !strings.Contains(q.Expr, `instance=~"$instance"`) {
				t.Errorf("%s: %q does not follow the choice of servers", p.Title, q.Expr)
			}
			checkUses(t, p.Title, strings.ReplaceAll(q.Expr, "$instance", ".*"), all)
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			checkUses(t, v.Name, v.Definition, all)
		}
	}
}

// TestAlerts verifies that alerts ask for what is there, say what is wrong, and lead to what to do; and that each has a case.
func TestAlerts(t *testing.T) {
	all := promised(t)
	operations, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, g := range readRules(t).Groups {
		for _, r := range g.Rules {
			checkUses(t, r.Alert+r.Record, r.Expr, all)
			if r.Alert == "" {
				continue
			}
			if names[r.Alert] || !strings.HasPrefix(r.Alert, "Cutline") {
				t.Errorf("%s: there twice, or of another name than the rest", r.Alert)
			}
			names[r.Alert] = true
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" ||
				!strings.Contains(r.Annotations["description"], "$labels.instance") {
				t.Errorf("%s: severity %q, %v", r.Alert, r.Labels["severity"], r.Annotations)
			}
			if got, want := r.Annotations["runbook_url"], runbook+"#"+strings.ToLower(r.Alert); got != want {
				t.Errorf("%s: runbook %q, want %q", r.Alert, got, want)
			}
			if !strings.Contains(string(operations), "\n### "+r.Alert+"\n") {
				t.Errorf("%s: no section of that name in operations.md", r.Alert)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^### (Cutline\w+)$`).FindAllStringSubmatch(string(operations), -1) {
		if !names[m[1]] {
			t.Errorf("operations.md has %s, which is no alert", m[1])
		}
	}
	cases, err := os.ReadFile(casesFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`series: '([^']+)'`).FindAllStringSubmatch(string(cases), -1) {
		checkUses(t, "alerts_test.yml", m[1], all)
	}
}

// TestMetricsAreDocumented verifies that operations.md has every metric of ours, and none that is not there.
func TestMetricsAreDocumented(t *testing.T) {
	operations, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "cutline_") && !strings.Contains(string(operations), "`"+name+"`") {
			t.Errorf("operations.md does not say what %s is", name)
		}
	}
	for _, m := range regexp.MustCompile("`(cutline_[a-z_]+)`").FindAllStringSubmatch(string(operations), -1) {
		if !strings.Contains("\n"+string(golden), "\n"+m[1]+" ") {
			t.Errorf("operations.md has %s, which there is not", m[1])
		}
	}
}
