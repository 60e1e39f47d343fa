package helm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	corev1 "k8s.io/api/core/v1"
)

// TestDeployHelmPod runs the program as a pod of the chart has it, as far as that goes without a cluster (pod.sh): its user, a root folder with nothing
// in it that cannot be written, its volumes, variables and arguments. Its probes succeed, a picture is made, metrics want the token, what is run in
// the container by `kubectl exec` finds the server, and SIGTERM ends it.
func TestDeployHelmPod(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("expected root, for a network and mounts of the program's own")
	}
	values, err := chartutil.ReadValues([]byte(`{site: {existingClaim: site}, keys: {existingSecret: keys, signing: [signing], admin: admin}, config: {presets: {hero: w1800}}}`))
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := render(t, values, "v1.35.0")
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, rendered)
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	answers, err := os.Create(filepath.Join(dir, "answers"))
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	files := folder(t, d)
	c := d.server(t)
	cmd := exec.Command("unshare", append([]string{"-m", "-n", "bash", "pod.sh"}, c.Args...)...)
	cmd.ExtraFiles = []*os.File{answers} // descriptor 3
	cmd.Env = append(os.Environ(),
		"PROGRAM="+program(t), "ROOT="+root, fmt.Sprintf("USER_ID=%d", *d.pod.Spec.SecurityContext.RunAsUser),
		"MOUNTS="+mounts(t, d, files), "VARIABLES="+literals(c), "ASK="+questions(t, c, read(t, files+"/run/secrets/cutline/admin")))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "startup 200\nliveness 200\nreadiness 200\npicture 200\nstranger 401\nmetrics 200\nrescan 0\nended 0\n"
	if got := read(t, answers.Name()); got != want {
		t.Errorf("got\n%sexpected\n%s%s", got, want, out)
	}
	if got := strings.TrimSpace(read(t, filepath.Join(dir, "readiness"))); got != "ready" { // neither degraded nor else
		t.Errorf("/readyz says %q", got)
	}
}

// mounts are those of the container: the example site, the files that were made up for the rest, and an empty cache.
func mounts(t *testing.T, d deployed, files string) string {
	t.Helper()
	site, err := filepath.Abs("../../../testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	group := int(*d.pod.Spec.SecurityContext.FSGroup)
	for _, name := range []string{"signing", "admin"} { // as Kubernetes does: the volume's group, which may read
		if err := os.Chown(files+"/run/secrets/cutline/"+name, 0, group); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for _, m := range d.server(t).VolumeMounts {
		from, mode := files+m.MountPath, "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		switch m.Name {
		case "site":
			from = site
		case "cache":
			from = "empty"
		}
		all = append(all, m.MountPath+" "+from+" "+mode)
	}
	return strings.Join(all, "\n")
}

// literals are the variables of c, none of which is from a Secret.
func literals(c corev1.Container) string {
	var all []string
	for _, v := range c.Env {
		all = append(all, v.Name+"="+v.Value)
	}
	return strings.Join(all, "\n")
}

// questions are the probes of c, and what readers, strangers and Prometheus ask.
func questions(t *testing.T, c corev1.Container, token string) string {
	t.Helper()
	url := func(port, path string) string {
		i := slices.IndexFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port })
		if i < 0 {
			t.Fatalf("the container has no port %q", port)
		}
		return fmt.Sprintf("http://127.0.0.1:%d%s", c.Ports[i].ContainerPort, path)
	}
	probe := func(p *corev1.Probe) string { return url(p.HTTPGet.Port.StrVal, p.HTTPGet.Path) }
	return strings.Join([]string{
		"startup " + probe(c.StartupProbe),
		"liveness " + probe(c.LivenessProbe),
		"readiness " + probe(c.ReadinessProbe),
		"picture " + url("http", "/p/2025-10-25-clocks-go-back/card.webp"),
		"stranger " + url("admin", "/metrics"),
		"metrics " + url("admin", "/metrics") + " Authorization: Bearer " + token,
	}, "\n")
}
