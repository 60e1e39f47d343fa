package helm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

// program is the built cutline, which CUTLINE_PROGRAM names.
func program(t *testing.T) string {
	t.Helper()
	name := os.Getenv("CUTLINE_PROGRAM")
	if name == "" {
		t.Fatal("CUTLINE_PROGRAM: expected the built cutline, which is to take what the chart configures")
	}
	return name
}

// run runs cutline in an environment of its own and returns what it prints to standard output.
func run(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cutline %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return string(out)
}

// TestDeployHelmConfig: what the pods are given is a configuration that cutline takes, and means what the values say.
func TestDeployHelmConfig(t *testing.T) {
	want := map[string]map[string]string{
		"minimal": {"listen": `":8080"`, "admin": `"127.0.0.1:9091"`, "cache.dir": `"/var/cache/cutline"`, "cache.disk": `"3276MiB"`, "log": `"info json"`},
		"cluster": {
			"admin": `":9091"`, "public_url": `"https://img.example.org"`, "presets.hero": `"w1800"`, "presets.og": `"w1200-h630-cover"`, "limits.pixels": "60000000",
			"cache.bucket": `"s3://pictures?prefix=news&region=eu-central-1"`, "cache.redis": `"redis://:***@redis.data.svc:6379?prefix=news"`,
			"fetch.hosts": `["images.example.org","*.example.net"]`, "fetch.allow_private": `["10.20.0.0/16","fd00:20::/32"]`,
		},
		"single": {"cache.disk": `"80GiB"`, "keys": "[]"},
		"full": {
			"log": `"warn json"`, "cache.disk": `"16GiB"`, "cache.memory": `"256MiB"`, "cache.redis": `"redis://:***@other:6379?prefix=news"`, "lint.long-alt": `"off"`,
			"fetch.max_bytes": `"30MB"`, "content.fields.image": `["header.photo"]`, "widths": "[320,640,1280,2560]", "quality.jpg": "82",
		},
		"signed": {"cache.dir": `"off"`},
	}
	eachCase(t, func(t *testing.T, name string, rendered map[string]string) {
		d := deploy(t, rendered)
		files := folder(t, d)
		env := variables(t, d.server(t), files)
		args := translated(d.server(t).Args, files)
		run(t, env, append(slices.Clone(args), "--help")...) // every flag is one of serve's
		args = slices.DeleteFunc(args[1:], func(arg string) bool { return arg == "--watch" })
		run(t, env, slices.Concat([]string{"config", "--check"}, args)...)
		got := flat(t, run(t, env, append([]string{"config"}, args...)...))
		if len(want[name]) == 0 {
			t.Errorf("nothing is expected of %s", name)
		}
		for key, value := range want[name] {
			if got[key] != value {
				t.Errorf("%s is %s, expected %s", key, got[key], value)
			}
		}
		run(t, nil, append(slices.Clone(d.test.Spec.Containers[0].Args), "--help")...)
	})
}

// folder has the files that a pod has: its site, its configuration and its keys, each under its path in the pod.
func folder(t *testing.T, d deployed) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(d.server(t).Args[1]+"/index.md", "", 0o644)
	if d.config != nil {
		for name, text := range d.config.Data {
			write("/etc/cutline/"+name, text, 0o644)
		}
	}
	for _, name := range []string{"signing", "signing-old", "imgix", "admin"} {
		secret := sha256.Sum256([]byte(name)) // what could be guessed is refused
		write("/run/secrets/cutline/"+name, hex.EncodeToString(secret[:16]), 0o440)
	}
	return dir
}

// translated has the pod's paths under dir.
func translated(words []string, dir string) (all []string) {
	for _, word := range words {
		word = strings.ReplaceAll(word, "/etc/cutline/", dir+"/etc/cutline/")
		word = strings.ReplaceAll(word, "/run/secrets/cutline/", dir+"/run/secrets/cutline/")
		if strings.HasPrefix(word, "/s") { // /site and /srv/site
			word = dir + word
		}
		all = append(all, word)
	}
	return all
}

// variables are the container's as Kubernetes sets them, with secrets made up.
func variables(t *testing.T, c corev1.Container, dir string) []string {
	t.Helper()
	secrets := map[string]string{"redis/password": "hunter2", "cutline-redis/redis-url": "redis://:hunter2@other:6379?prefix=news"}
	env := map[string]string{}
	for _, v := range c.Env {
		value := v.Value
		if v.ValueFrom != nil {
			ref := v.ValueFrom.SecretKeyRef
			if value = secrets[ref.Name+"/"+ref.Key]; value == "" {
				t.Fatalf("%s: no secret %s has %s", v.Name, ref.Name, ref.Key)
			}
		}
		for name, of := range env {
			value = strings.ReplaceAll(value, "$("+name+")", of)
		}
		env[v.Name] = translated([]string{value}, dir)[0]
	}
	var all []string
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// flat has what `cutline config` prints by dotted key, as JSON; also each value of a map by itself.
func flat(t *testing.T, text string) map[string]string {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	var walk func(string, any)
	walk = func(at string, value any) {
		if below, ok := value.(map[string]any); ok {
			for key, v := range below {
				walk(strings.TrimPrefix(at+"."+key, "."), v)
			}
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		all[at] = strings.ReplaceAll(string(text), `\u0026`, "&")
	}
	walk("", tree)
	return all
}

// TestDeployHelmKeys: the schema's config has every key of cutline, but those that the chart sets by other values.
func TestDeployHelmKeys(t *testing.T) {
	own := []string{"admin", "cache.bucket", "cache.dir", "cache.disk", "cache.redis", "keys", "listen", "log", "public_url"}
	schema := readSchema(t)
	var got []string
	for key, p := range schema.Properties["config"].Properties {
		got = append(got, p.paths(key)...)
	}
	slices.Sort(got)
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(run(t, nil, "config", t.TempDir())), &tree); err != nil {
		t.Fatal(err)
	}
	var want []string
	for key, value := range tree {
		below, isMap := value.(map[string]any)
		if !isMap || schema.Properties["config"].Properties[key].Properties == nil { // a key, whose value may be a map
			want = append(want, key)
			continue
		}
		for name := range maps.Keys(below) {
			want = append(want, key+"."+name)
		}
	}
	slices.Sort(want)
	want = slices.DeleteFunc(want, func(key string) bool { return slices.Contains(own, key) })
	if !slices.Equal(got, want) {
		t.Errorf("config has %v\nexpected     %v", got, want)
	}
}

// A property is one of a JSON schema, as far as names of values go.
type property struct {
	AdditionalProperties any
	Properties           map[string]property
}

// paths are the values of p, which is at path: itself, or what is below it.
func (p property) paths(path string) []string {
	if p.Properties == nil {
		return []string{path}
	}
	var all []string
	for _, key := range slices.SortedFunc(maps.Keys(p.Properties), cmp.Compare) {
		all = append(all, p.Properties[key].paths(path+"."+key)...)
	}
	return all
}
