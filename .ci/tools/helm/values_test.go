package helm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chartutil"
)

// A value is one of values.yaml.
type value struct{ path, text, about string }

// values are those of the chart in their order, each with what values.yaml says of it. What the schema has no names in is one value.
func values(t *testing.T, schema property) (all []value) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, chartFolder+"/values.yaml")), &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(string, *yaml.Node, property)
	walk = func(at string, n *yaml.Node, p property) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, child := n.Content[i], n.Content[i+1]
			path := strings.TrimPrefix(at+"."+key.Value, ".")
			below, known := p.Properties[key.Value]
			if !known {
				t.Errorf("%s: the schema has no such value", path)
			}
			if below.Properties != nil && path != "config" {
				walk(path, child, below)
				continue
			}
			all = append(all, value{path, compact(t, child), strings.ReplaceAll(strings.ReplaceAll(key.HeadComment, "\n# ", " "), "# ", "")})
		}
	}
	walk("", doc.Content[0], schema)
	return all
}

// compact is a value in one line; "" where that is long.
func compact(t *testing.T, n *yaml.Node) string {
	t.Helper()
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 60 {
		return ""
	}
	return strings.Trim(string(text), `"`)
}

func readSchema(t *testing.T) (schema property) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, chartFolder+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestDeployHelmValues: every value has a comment and a place in the schema, which has no other.
func TestDeployHelmValues(t *testing.T) {
	schema := readSchema(t)
	strict(t, "", schema)
	all := values(t, schema)
	for _, v := range all {
		if v.about == "" {
			t.Errorf("%s: values.yaml does not say what it is", v.path)
		}
	}
	for name, p := range schema.Properties {
		for _, path := range p.paths(name) {
			if name != "global" && name != "config" && !slices.ContainsFunc(all, func(v value) bool { return v.path == path }) {
				t.Errorf("%s: is in the schema, and not in values.yaml", path)
			}
		}
	}
}

// strict has each level of the schema that names properties allow no others.
func strict(t *testing.T, at string, p property) {
	t.Helper()
	if p.Properties == nil {
		return
	}
	if p.AdditionalProperties != false {
		t.Errorf("schema: %q takes values that it does not name", at)
	}
	for name, below := range p.Properties {
		strict(t, at+"."+name, below)
	}
}

// TestDeployHelmReadme: README.md has the values as a table.
func TestDeployHelmReadme(t *testing.T) {
	const begin, end = "<!-- values -->\n", "<!-- end of values -->\n"
	name := chartFolder + "/README.md"
	text := read(t, name)
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("README.md: expected lines %q and %q around the table", begin, end)
	}
	var table strings.Builder
	table.WriteString("| value | default | |\n|---|---|---|\n")
	for _, v := range values(t, readSchema(t)) {
		text := ""
		if v.text != "" {
			text = "`" + v.text + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", v.path, text, strings.ReplaceAll(v.about, "|", `\|`))
	}
	golden(t, name, before+begin+table.String()+end+after)
}

// TestDeployHelmExample: what README.md begins with is what it says.
func TestDeployHelmExample(t *testing.T) {
	_, rest, found := strings.Cut(read(t, chartFolder+"/README.md"), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("README.md has no example")
	}
	values, err := chartutil.ReadValues([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := render(t, values, "v1.35.0")
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, rendered)
	d.checkPod(t)
	for _, o := range d.objects {
		d.checkObject(t, o)
	}
}
