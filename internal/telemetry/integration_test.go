//go:build integration

package telemetry

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDeployPrometheus has promtool read the alerts, run their cases, and read every query of the dashboard.
func TestDeployPrometheus(t *testing.T) {
	promtool := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	promtool("check", "rules", alertsFile)
	promtool("test", "rules", casesFile)
	var b strings.Builder
	b.WriteString("groups:\n- name: dashboard\n  rules:\n")
	queries := 0
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			queries++
			expr, err := json.Marshal(strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(q.Expr))
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString("  - record: panel" + strconv.Itoa(p.ID) + ":" + q.RefID + "\n    expr: " + string(expr) + "\n")
		}
	}
	if queries < 40 {
		t.Errorf("%d queries: this looks at nothing", queries)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool("check", "rules", file)
}
