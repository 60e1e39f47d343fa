package images

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// exposure is what systemd-analyze makes of the unit at most, in tenths; internal/deploy/README.md says it.
const exposure = 15

// testUnit has systemd read the unit, and rate it. The program is elsewhere on this machine.
func testUnit(t *testing.T, program string) {
	text := string(read(t, "internal/deploy/systemd/cutline.service"))
	if n := strings.Count(text, "ExecStart=/usr/bin/cutline "); n != 1 {
		t.Fatalf("ExecStart stands there %d times", n)
	}
	unit := filepath.Join(t.TempDir(), "cutline.service")
	if err := os.WriteFile(unit, []byte(strings.Replace(text, "/usr/bin/cutline ", program+" ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := run(t, root, nil, "systemd-analyze", "verify", "--man=no", unit); said != "" {
		t.Errorf("systemd-analyze verify: %s", said)
	}
	said := run(t, root, nil, "systemd-analyze", "security", "--offline=true", "--no-pager", fmt.Sprintf("--threshold=%d", exposure), unit)
	rated := regexp.MustCompile(`Overall exposure level for \S+: (\S+)`).FindStringSubmatch(said)
	if rated == nil {
		t.Fatalf("systemd-analyze security: %s", said)
	}
	if says := string(read(t, "internal/deploy/README.md")); !strings.Contains(says, "an exposure of "+rated[1]+" ") {
		t.Errorf("README.md does not say that the exposure is %s", rated[1])
	}
}

// testComposeFiles has the program read the environment that Compose gives to it, and nginx the configuration that its container is
// started with.
func testComposeFiles(t *testing.T, program string) {
	project := compose(t, strings.Fields(composeEnv)...)
	for _, name := range project.ServiceNames() {
		s := project.Services[name]
		if s.Build == nil {
			continue
		}
		env := []string{"CUTLINE_LISTEN=:8080", "CUTLINE_CACHE_DIR=/var/cache/cutline"} // the image's
		for key, value := range s.Environment {
			env = append(env, key+"="+*value)
		}
		site := s.Volumes[slices.IndexFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == "/site" })].Source
		run(t, root, env, program, "config", "--check", site)
		if shown := run(t, root, env, program, "config", site); strings.Contains(shown, "redissecret") || !strings.Contains(shown, "s3://pictures") {
			t.Errorf("%s is configured by: %s", name, shown)
		}
	}
	front := project.Services["nginx"]
	dir := t.TempDir()
	here := strings.NewReplacer("/tmp/", dir+"/", "/var/cache/nginx/", dir+"/")
	script := front.Command[0]
	for _, v := range front.Volumes {
		if v.Source != "" && v.ReadOnly {
			if n := strings.Count(script, v.Target); n != 1 {
				t.Fatalf("%s stands in the command of nginx %d times", v.Target, n)
			}
			text, err := os.ReadFile(v.Source)
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(dir, "mounted-"+filepath.Base(v.Target))
			if err := os.WriteFile(copied, []byte(here.Replace(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
			script = strings.ReplaceAll(script, v.Target, copied)
		}
	}
	script = strings.NewReplacer("/tmp/cutline.conf", dir+"/cutline.conf", "cutline-1:8080", "127.0.0.1:1", "cutline-2:8080", "127.0.0.1:2", "exec nginx", "exec nginx -t").Replace(script)
	run(t, dir, nil, front.Entrypoint[0], append(front.Entrypoint[1:], script)...)
	made, err := os.ReadFile(filepath.Join(dir, "cutline.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"server 127.0.0.1:1 ", "server 127.0.0.1:2 ", "listen 8080;", "server_name _;", "max_size=2g"} {
		if strings.Count(string(made), want) != 1 {
			t.Errorf("the configuration of nginx has no %q", want)
		}
	}
}
