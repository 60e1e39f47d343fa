package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dd8bf596/cutline/internal/transform"
)

// wanted finds the messages that a bad file says about itself; $FORMATS in them stands for what the engine writes.
var wanted = regexp.MustCompile(`(?m)^# want: (.*)$`)

// Each testdata/config/bad-*.yaml holds one kind of mistake and begins with the exact messages that it must give, so that
// a reader sees both together.
func TestBadConfigFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/config/bad-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files found: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, m := range wanted.FindAllStringSubmatch(string(data), -1) {
				want = append(want, strings.ReplaceAll(m[1], "$FORMATS", formatNames()))
			}
			t.Chdir(filepath.Dir(file)) // messages begin with the name as it was given
			_, err = loadConfig(configSources{file: name})
			var bad *configError
			if !errors.As(err, &bad) {
				t.Fatalf("loadConfig = %v, want a configError", err)
			}
			if diff := cmp.Diff(want, strings.Split(bad.Error(), "\n")); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// writeSite makes a site folder whose configuration is yaml.
func writeSite(t *testing.T, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, configName), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestStrongerSourcesWin(t *testing.T) {
	dir := writeSite(t, "listen: 127.0.0.1:1\nfetch: {timeout: 1s, max_bytes: 1MB}\npresets: {big: w2000}\n")
	got, err := loadConfig(configSources{
		dir:   dir,
		env:   environ{"CUTLINE_LISTEN=127.0.0.1:2", "CUTLINE_FETCH_TIMEOUT=2s", "CUTLINE_LOG=", "CUTLINE_WIDTHS=640, 320"},
		flags: []flagValue{{"listen", []string{"127.0.0.1:3"}}, {"allow-private", []string{"10.0.0.0/8", "fd00::/8"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, configName)
	tests := []struct {
		key, origin string
		got, want   any
	}{
		{"listen", "--listen", got.Listen, "127.0.0.1:3"},
		{"fetch.timeout", "CUTLINE_FETCH_TIMEOUT", got.Fetch.Timeout, 2 * time.Second},
		{"fetch.max_bytes", file + ":2", got.Fetch.MaxBytes, int64(1_000_000)},
		{"fetch.allow_private", "--allow-private", len(got.Fetch.AllowPrivate), 2},
		{"widths", "CUTLINE_WIDTHS", got.Widths, []int{320, 640}},
		{"presets", file + ":3", sortedKeys(got.Presets), []string{"big", "card", "hero", "og", "square", "story", "thumb"}},
		{"log", "default", got.Log.String(), "info"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.key, diff)
		}
		if got.origin[tt.key] != tt.origin {
			t.Errorf("origin of %s = %q, want %q", tt.key, got.origin[tt.key], tt.origin)
		}
	}
}

func TestMistakesOfAllSourcesTogether(t *testing.T) {
	dir := writeSite(t, "listen: nowhere\n")
	_, err := loadConfig(configSources{
		dir: dir,
		env: environ{
			"CUTLINE_FECTH_TIMEOUT=2s", "CUTLINE_CACHE_FRESH=soon", "CUTLINE_PRESETS=big=w2000",
			"CUTLINE_SERVICE_HOST=10.0.0.1", "CUTLINE_PORT=tcp://10.0.0.1:80", "CUTLINE_PORT_80_TCP_ADDR=10.0.0.1",
		},
		flags: []flagValue{{"allow-private", []string{"10.0.0.0/8", "10.0.0.1"}}},
	})
	want := []string{
		filepath.Join(dir, configName) + `:1: listen: expected host:port such as 127.0.0.1:8080 or :8080 (got "nowhere")`,
		`CUTLINE_CACHE_FRESH: cache.fresh: expected a duration such as 15s, 2m or 24h (got "soon")`,
		`CUTLINE_FECTH_TIMEOUT: unknown variable; did you mean CUTLINE_FETCH_TIMEOUT?`,
		`CUTLINE_PRESETS: presets: can only be set in the file`,
		`--allow-private: fetch.allow_private[1]: expected a CIDR prefix; did you mean 10.0.0.1/32? (got "10.0.0.1")`,
	}
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestOtherSpellingOfTheFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "cutline.yml")
	if err := os.WriteFile(other, []byte("listen: :1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := loadConfig(configSources{dir: dir})
	if want := other + ": is not read; rename it to cutline.yaml"; err == nil || err.Error() != want {
		t.Errorf("loadConfig = %v, want %s", err, want)
	}
}

func TestFilesWithoutKeysGiveDefaults(t *testing.T) {
	for name, yaml := range map[string]string{
		"empty": "", "comments": "# nothing\n", "null": "~\n", "bom": "\ufeff# nothing\n", "empty group": "fetch:\n  # timeout: 15s\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := loadConfig(configSources{dir: writeSite(t, yaml)})
			if err != nil {
				t.Fatal(err)
			}
			if got.Listen != "127.0.0.1:8080" {
				t.Errorf("listen = %q, want the default", got.Listen)
			}
		})
	}
}

// What "cutline config" prints is a file that gives the same configuration.
func TestPrintedConfigReadsBack(t *testing.T) {
	dir := writeSite(t, `
content: {folders: [_posts, "on"], fields: {alt: [hero.alt, "1"]}, image_base: "https://img.example/{path}"}
fetch: {hosts: [images.example.org, "*.example.net", "2001:db8::1"], allow_private: [10.0.0.0/8], max_bytes: 20971520, timeout: 90s}
presets: {big: w2000-q70, square: w900-h900-cover-fp50x30-kb60-bgffffff-p3-sharpen-anim, plain: w900-h900-cover-center}
quality: {jpeg: 82, webp: auto}
formats: [jpg, webp]
limits: {workers: 3}
cache: {dir: "off"}
`)
	var printed [2]strings.Builder
	for i := range printed {
		effective, err := loadConfig(configSources{dir: dir})
		if err != nil {
			t.Fatalf("round %d: %v\n%s", i, err, printed[0].String())
		}
		if err := writeConfig(&printed[i], effective, false); err != nil {
			t.Fatal(err)
		}
		dir = writeSite(t, printed[0].String())
	}
	if diff := cmp.Diff(printed[0].String(), printed[1].String()); diff != "" {
		t.Errorf("second print (-first +second):\n%s", diff)
	}
}

func TestRelativeCacheFolder(t *testing.T) {
	dir, work := writeSite(t, "cache: {dir: kept}\n"), t.TempDir()
	t.Chdir(work)
	tests := []struct {
		name string
		src  configSources
		want string
	}{
		{"file: beside it", configSources{dir: dir}, filepath.Join(dir, "kept")},
		{"flag: here", configSources{dir: dir, flags: []flagValue{{"cache", []string{"mine"}}}}, filepath.Join(work, "mine")},
		{"environment: here", configSources{dir: dir, env: environ{"CUTLINE_CACHE_DIR=mine"}}, filepath.Join(work, "mine")},
		{"empty flag: off", configSources{dir: dir, flags: []flagValue{{"cache", []string{""}}}}, cacheOff},
		{"default", configSources{dir: t.TempDir(), env: environ{"XDG_CACHE_HOME=/var/cache"}}, "/var/cache/cutline"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := loadConfig(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			if got.Cache.Dir != tt.want {
				t.Errorf("cache.dir = %q, want %q", got.Cache.Dir, tt.want)
			}
		})
	}
}

// Every field has a key, and there are few enough to read them all.
func TestSettingsCoverTheConfig(t *testing.T) {
	c := &config{}
	table := settings(c)
	if len(table) > 30 {
		t.Errorf("%d keys, the budget is 30", len(table))
	}
	var leaves func(v reflect.Type) int
	leaves = func(v reflect.Type) int {
		n := 0
		for f := range v.Fields() {
			if f.Type.Kind() == reflect.Struct && f.Type.Name() == "" { // a group; named types are values
				n += leaves(f.Type)
			} else {
				n++
			}
		}
		return n
	}
	if got := leaves(reflect.TypeFor[config]()); got != len(table) {
		t.Errorf("%d settings for %d fields", len(table), got)
	}
}

func TestQuality(t *testing.T) {
	jpg, webp, avif := transform.JPEG, transform.WebP, transform.AVIF
	for _, tt := range []struct {
		yaml, env string
		want      map[transform.Format]int
		printed   string
	}{
		{"", "", nil, "quality: auto\n"},
		{"quality: auto", "", nil, "quality: auto\n"},
		{"quality: 82", "", map[transform.Format]int{jpg: 82, webp: 82, avif: 82}, "quality: 82\n"},
		{"quality: {jpeg: 82, webp: auto}", "", map[transform.Format]int{jpg: 82}, "quality:\n  jpg: 82\n  webp: auto\n  avif: auto\n"},
		{"quality: {jpg: 70, webp: 70, avif: 70}", "", map[transform.Format]int{jpg: 70, webp: 70, avif: 70}, "quality: 70\n"},
		{"quality: {jpg: 70}", "auto", nil, "quality: auto\n"},
		{"quality: {avif: 50}", "", map[transform.Format]int{avif: 50}, "quality:\n  jpg: auto\n  webp: auto\n  avif: 50\n"},
		{"quality: {}", "", nil, "quality: auto\n"},
	} {
		got, err := loadConfig(configSources{dir: writeSite(t, tt.yaml+"\n"), env: environ{"CUTLINE_QUALITY=" + tt.env}})
		if err != nil {
			t.Errorf("%s: %v", tt.yaml, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got.Quality, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s, CUTLINE_QUALITY=%s (-want +got):\n%s", tt.yaml, tt.env, diff)
		}
		var printed strings.Builder
		if err := writeConfig(&printed, got, false); err != nil || !strings.Contains(printed.String(), "\n"+tt.printed) {
			t.Errorf("%s: %v, printed as\n%s\nwant %s", tt.yaml, err, printed.String(), tt.printed)
		}
	}
}

func FuzzConfigFile(f *testing.F) {
	files, err := filepath.Glob("testdata/config/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("a: &a [*a]\nfetch: *a\nwidths: *a\n"))
	f.Add([]byte("? [x]\n: y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := defaultConfig(nil)
		l := &loader{effective: effective{config: c, settings: settings(c), origin: map[string]string{}}}
		(&fileReader{loader: l, name: configName}).read(data)
		if len(l.faults) > 0 {
			return
		}
		l.check()
		var printed strings.Builder
		if err := writeConfig(&printed, &l.effective, true); err != nil {
			t.Fatalf("print what was read: %v", err)
		}
	})
}
