package images

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// The values of what example.env asks for.
const composeEnv = "REDIS_PASSWORD=redissecret\nS3_ACCESS_KEY=s3id\nS3_SECRET_KEY=s3secret\n"

// compose loads the Compose file by the library of Compose, which warns by its log.
func compose(t *testing.T, env ...string) *types.Project {
	t.Helper()
	var said strings.Builder
	logrus.SetOutput(&said)
	defer logrus.SetOutput(io.Discard)
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "internal/deploy/compose/compose.yaml")}, cli.WithEnv(env), cli.WithResolvedPaths(true), cli.WithConsistency(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if said.Len() > 0 {
		t.Errorf("warnings: %s", &said)
	}
	return project
}

func TestDeployComposeServices(t *testing.T) {
	project := compose(t, strings.Fields(composeEnv)...)
	names := project.ServiceNames()
	if want := []string{"cutline-1", "cutline-2", "nginx", "redis", "s3"}; !slices.Equal(names, want) {
		t.Fatalf("services %v, want %v", names, want)
	}
	for _, name := range names {
		s := project.Services[name]
		for what, ok := range map[string]bool{
			"a version of its image":  regexp.MustCompile(`:v?[0-9]`).MatchString(s.Image) || s.Build != nil,
			"a health check":          s.HealthCheck != nil && len(s.HealthCheck.Test) > 1 && s.HealthCheck.Interval != nil,
			"a read-only root":        s.ReadOnly,
			"no capability":           slices.Equal(s.CapDrop, []string{"ALL"}) && len(s.CapAdd) == 0 && !s.Privileged,
			"no new privileges":       slices.Contains(s.SecurityOpt, "no-new-privileges:true"),
			"a bound of memory":       s.MemLimit >= 64<<20 && s.MemLimit <= 2<<30,
			"a bound of processes":    s.PidsLimit > 0,
			"a bounded /tmp":          len(s.Tmpfs) == 1 && strings.Contains(s.Tmpfs[0], "size="),
			"a restart":               s.Restart == "unless-stopped",
			"a bounded log":           s.Logging != nil && s.Logging.Options["max-size"] != "",
			"the way in by nginx":     (len(s.Ports) > 0) == (name == "nginx"),
			"no network but these":    len(s.Networks) > 0 && s.NetworkMode == "",
			"what is shared, apart":   s.Networks["front"] == nil || name != "redis" && name != "s3",
			"a database without room": name != "redis" || strings.Contains(strings.Join(s.Command, " "), "noeviction"),
		} {
			if !ok {
				t.Errorf("%s: expected %s", name, what)
			}
		}
		for need, how := range s.DependsOn {
			if how.Condition != types.ServiceConditionHealthy {
				t.Errorf("%s depends on %s being %s: expected healthy", name, need, how.Condition)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
				t.Errorf("%s: %s: %v, read-only %v", name, v.Source, err, v.ReadOnly)
			}
		}
		if strings.HasPrefix(name, "cutline-") && (s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < 35*time.Second) {
			t.Errorf("%s has less than 35 s to end", name)
		}
	}
	if !project.Networks["back"].Internal {
		t.Error("the network of Redis and bucket has a way out")
	}
	if port := project.Services["nginx"].Ports[0]; port.HostIP != "127.0.0.1" {
		t.Errorf("nginx listens on %q without being told to", port.HostIP)
	}
}

// TestDeployComposeSecrets holds that none starts with a password that everybody knows, and that example.env names all.
func TestDeployComposeSecrets(t *testing.T) {
	for _, pair := range strings.Fields(composeEnv) {
		name, _, _ := strings.Cut(pair, "=")
		others := slices.DeleteFunc(strings.Fields(composeEnv), func(p string) bool { return p == pair })
		options, err := cli.NewProjectOptions([]string{filepath.Join(root, "internal/deploy/compose/compose.yaml")}, cli.WithEnv(append(others, name+"=")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := options.LoadProject(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	example := string(read(t, "internal/deploy/compose/example.env"))
	used := regexp.MustCompile(`\$\{([A-Z0-9_]+)`)
	for _, m := range used.FindAllSubmatch(read(t, "internal/deploy/compose/compose.yaml"), -1) {
		if !regexp.MustCompile(`(?m)^#?` + string(m[1]) + `=`).MatchString(example) {
			t.Errorf("example.env has no %s", m[1])
		}
	}
}
