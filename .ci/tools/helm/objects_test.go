package helm

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// A serviceMonitor is what the Prometheus operator takes of one, as far as the chart has it.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port          string `json:"port"`
			Path          string `json:"path"`
			Interval      string `json:"interval"`
			Authorization struct {
				Type        string                   `json:"type"`
				Credentials corev1.SecretKeySelector `json:"credentials"`
			} `json:"authorization"`
			Relabelings []struct {
				Action      string `json:"action"`
				TargetLabel string `json:"targetLabel"`
				Replacement string `json:"replacement"`
			} `json:"relabelings"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// A prometheusRule is the same of a PrometheusRule, and alerts.yml without what is around it.
type prometheusRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ruleGroups `json:"spec"`
}

type ruleGroups struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []struct {
			Record      string            `json:"record,omitempty"`
			Alert       string            `json:"alert,omitempty"`
			Expr        string            `json:"expr"`
			For         string            `json:"for,omitempty"`
			Labels      map[string]string `json:"labels,omitempty"`
			Annotations map[string]string `json:"annotations,omitempty"`
		} `json:"rules"`
	} `json:"groups"`
}

// An object is any of what is rendered.
type object interface{ GetName() string }

// decode reads a manifest as the type that it says it is. Fields that the type does not have, and fields that stand twice, are errors.
func decode(text string) (object, error) {
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(text), &meta); err != nil {
		return nil, err
	}
	var own object
	switch meta.Kind {
	case "ServiceMonitor":
		own = &serviceMonitor{}
	case "PrometheusRule":
		own = &prometheusRule{}
	default:
		strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Yaml: true, Strict: true})
		known, _, err := strict.Decode([]byte(text), nil, nil)
		if runtime.IsStrictDecodingError(err) || err != nil {
			return nil, err
		}
		return known.(object), nil
	}
	if meta.APIVersion != "monitoring.coreos.com/v1" {
		return nil, fmt.Errorf("%s of %q", meta.Kind, meta.APIVersion)
	}
	return own, yaml.UnmarshalStrict([]byte(text), own)
}

// A deployed is all that a release has.
type deployed struct {
	objects  []object
	kind     string // of the workload
	name     string
	selector *metav1.LabelSelector
	pod      corev1.PodTemplateSpec
	test     *corev1.Pod
	services []*corev1.Service
	config   *corev1.ConfigMap
}

func deploy(t *testing.T, rendered map[string]string) (d deployed) {
	t.Helper()
	for _, file := range slices.Sorted(maps.Keys(rendered)) {
		if path.Ext(file) != ".yaml" {
			continue
		}
		o, err := decode(rendered[file])
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		d.objects = append(d.objects, o)
		switch o := o.(type) {
		case *appsv1.Deployment:
			d.kind, d.name, d.selector, d.pod = "Deployment", o.Name, o.Spec.Selector, o.Spec.Template
		case *appsv1.StatefulSet:
			d.kind, d.name, d.selector, d.pod = "StatefulSet", o.Name, o.Spec.Selector, o.Spec.Template
			for _, claim := range o.Spec.VolumeClaimTemplates { // is a volume of the pod, by its name
				d.pod.Spec.Volumes = append(d.pod.Spec.Volumes, corev1.Volume{Name: claim.Name})
			}
		case *corev1.Pod:
			d.test = o
		case *corev1.Service:
			d.services = append(d.services, o)
		case *corev1.ConfigMap:
			d.config = o
		}
	}
	if d.kind == "" || d.test == nil || len(d.services) == 0 {
		t.Fatalf("expected a workload, a service and a test (got %v)", slices.Sorted(maps.Keys(rendered)))
	}
	return d
}

// server is the container that cutline is in.
func (d deployed) server(t *testing.T) corev1.Container {
	t.Helper()
	i := slices.IndexFunc(d.pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == "cutline" })
	if i < 0 {
		t.Fatal("no container is called cutline")
	}
	return d.pod.Spec.Containers[i]
}

// TestDeployHelmReferences: whatever names something names what is there.
func TestDeployHelmReferences(t *testing.T) {
	eachCase(t, func(t *testing.T, _ string, rendered map[string]string) {
		d := deploy(t, rendered)
		d.checkPod(t)
		for _, o := range d.objects {
			d.checkObject(t, o)
		}
	})
}

// selects has a selector select servers and nothing else.
func (d deployed) selects(t *testing.T, what string, by labels.Selector) {
	t.Helper()
	if by.Empty() || !by.Matches(labels.Set(d.pod.Labels)) {
		t.Errorf("%s: %q selects no server", what, by)
	}
	if by.Matches(labels.Set(d.test.Labels)) {
		t.Errorf("%s: %q selects the test", what, by)
	}
}

func (d deployed) selectsBy(t *testing.T, what string, by *metav1.LabelSelector) {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		t.Fatal(err)
	}
	d.selects(t, what, selector)
}

func (d deployed) checkObject(t *testing.T, o object) {
	t.Helper()
	switch o := o.(type) {
	case *corev1.Service:
		d.selects(t, "service "+o.Name, labels.SelectorFromSet(o.Spec.Selector))
		for _, p := range o.Spec.Ports {
			d.hasPort(t, "service "+o.Name, p.TargetPort.StrVal)
		}
	case *appsv1.StatefulSet:
		d.service(t, o.Spec.ServiceName)
	case *policyv1.PodDisruptionBudget:
		d.selectsBy(t, "budget", o.Spec.Selector)
	case *networkingv1.NetworkPolicy:
		d.selectsBy(t, "policy", &o.Spec.PodSelector)
		for _, rule := range o.Spec.Ingress {
			for _, p := range rule.Ports {
				d.hasPort(t, "policy", p.Port.StrVal)
			}
		}
	case *autoscalingv2.HorizontalPodAutoscaler:
		if at := o.Spec.ScaleTargetRef; at.Kind != d.kind || at.Name != d.name {
			t.Errorf("autoscaler of %s %s, expected %s %s", at.Kind, at.Name, d.kind, d.name)
		}
	case *networkingv1.Ingress:
		for _, rule := range o.Spec.Rules {
			for _, p := range rule.HTTP.Paths {
				s := d.service(t, p.Backend.Service.Name)
				if !slices.ContainsFunc(s.Spec.Ports, func(sp corev1.ServicePort) bool { return sp.Name == p.Backend.Service.Port.Name }) {
					t.Errorf("ingress: service %s has no port %s", s.Name, p.Backend.Service.Port.Name)
				}
			}
		}
	case *serviceMonitor:
		d.checkMonitor(t, o)
	case *prometheusRule:
		var original ruleGroups
		if err := yaml.UnmarshalStrict([]byte(read(t, deployFolder+"/prometheus/alerts.yml")), &original); err != nil {
			t.Fatal(err)
		}
		if len(original.Groups) == 0 || !reflect.DeepEqual(o.Spec, original) {
			t.Error("the rules are not those of alerts.yml")
		}
	}
}

func (d deployed) checkMonitor(t *testing.T, m *serviceMonitor) {
	t.Helper()
	by, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, s := range d.services {
		if by.Matches(labels.Set(s.Labels)) {
			found = append(found, s.Name)
			if !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == m.Spec.Endpoints[0].Port }) {
				t.Errorf("monitor: service %s has no port %s", s.Name, m.Spec.Endpoints[0].Port)
			}
		}
	}
	if len(found) != 1 {
		t.Errorf("monitor: %q finds %v, expected one service, or servers are counted twice", by, found)
	}
	if r := m.Spec.Endpoints[0].Relabelings; len(r) != 1 || r[0].TargetLabel != "job" || r[0].Replacement != "cutline" {
		t.Errorf("monitor: relabelings are %v; the alerts ask for the job cutline", r)
	}
}

func (d deployed) service(t *testing.T, name string) *corev1.Service {
	t.Helper()
	i := slices.IndexFunc(d.services, func(s *corev1.Service) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no service is called %q", name)
	}
	return d.services[i]
}

func (d deployed) hasPort(t *testing.T, what, name string) {
	t.Helper()
	if !slices.ContainsFunc(d.server(t).Ports, func(p corev1.ContainerPort) bool { return p.Name == name }) {
		t.Errorf("%s: the container has no port %q", what, name)
	}
}

func (d deployed) checkPod(t *testing.T) {
	t.Helper()
	c, spec := d.server(t), d.pod.Spec
	d.selectsBy(t, d.kind, d.selector)
	for _, spread := range spec.TopologySpreadConstraints {
		d.selectsBy(t, "spread", spread.LabelSelector)
	}
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		d.hasPort(t, "probe", probe.HTTPGet.Port.StrVal)
	}
	for _, each := range slices.Concat(spec.Containers, spec.InitContainers) {
		for _, m := range each.VolumeMounts {
			if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("container %s: no volume is called %q", each.Name, m.Name)
			}
		}
	}
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil && (d.config == nil || d.config.Name != v.ConfigMap.Name) {
			t.Errorf("volume %s: no ConfigMap is called %q", v.Name, v.ConfigMap.Name)
		}
		if v.Secret != nil && *v.Secret.DefaultMode != 0o440 {
			t.Errorf("volume %s: mode %o, expected 0440", v.Name, *v.Secret.DefaultMode)
		}
	}
	checkVariables(t, c.Env)
	d.checkHardening(t, c)
	d.checkEnd(t, c)
}

// checkVariables has each variable once, and behind those that it refers to: Kubernetes leaves $(NAME) of a later one as it is.
func checkVariables(t *testing.T, env []corev1.EnvVar) {
	t.Helper()
	seen := map[string]bool{}
	for _, v := range env {
		for _, ref := range regexp.MustCompile(`\$\(([^)]+)\)`).FindAllStringSubmatch(v.Value, -1) {
			if !seen[ref[1]] {
				t.Errorf("%s refers to %s, which does not stand before it", v.Name, ref[1])
			}
		}
		if seen[v.Name] {
			t.Errorf("%s stands twice", v.Name)
		}
		seen[v.Name] = true
	}
}

// checkHardening is what the Pod Security Standard "restricted" asks for, a root folder that cannot be written, and no token.
func (d deployed) checkHardening(t *testing.T, c corev1.Container) {
	t.Helper()
	for name, pod := range map[string]corev1.PodSpec{"server": d.pod.Spec, "test": d.test.Spec} {
		s := pod.SecurityContext
		if s == nil || !*s.RunAsNonRoot || *s.RunAsUser != 65532 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: security context is %+v", name, s)
		}
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
			t.Errorf("%s: has a token", name)
		}
		if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
			t.Errorf("%s: has variables of services, which may begin with CUTLINE_", name)
		}
	}
	for _, each := range []corev1.Container{c, d.test.Spec.Containers[0]} {
		s := each.SecurityContext
		if s == nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Errorf("%s: security context is %+v", each.Name, s)
		}
	}
}

// checkEnd: the way out of a server is 2 s, 20 s, 5 s for flights and 5 s for the bucket, behind whatever the pod sleeps before.
func (d deployed) checkEnd(t *testing.T, c corev1.Container) {
	t.Helper()
	var slept int64
	if c.Lifecycle != nil {
		slept = c.Lifecycle.PreStop.Sleep.Seconds
	}
	unit := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)s$`).FindStringSubmatch(read(t, deployFolder+"/systemd/cutline.service"))
	if unit == nil {
		t.Fatal("cutline.service says nothing of how long a server may take to end")
	}
	if got := fmt.Sprint(*d.pod.Spec.TerminationGracePeriodSeconds - slept); got != unit[1] {
		t.Errorf("a server has %s s to end, by systemd %s", got, unit[1])
	}
	if !strings.HasPrefix(c.Image, "registry.example/") && !strings.HasPrefix(c.Image, "ghcr.io/dd8bf596/cutline:") {
		t.Errorf("image %s", c.Image)
	}
}
