package helm

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
)

// TestDeployHelmRefused: what cannot work is refused before anything is installed, with a word about what was expected.
func TestDeployHelmRefused(t *testing.T) {
	for _, c := range []struct{ name, values, want string }{
		{"nothing to serve", `{}`, "there is nothing to serve"},
		{"an empty site", `{site: {path: /posts}}`, "there is nothing to serve"},
		{"two sites", `{site: {existingClaim: a, inImage: true}}`, "got site.existingClaim and site.inImage"},
		{"two volumes in one", `{site: {volume: {emptyDir: {}, nfs: {}}}}`, "volume"},
		{"a folder in nothing", `{site: {folder: a}, config: {fetch: {hosts: [a.example]}}}`, "site.folder: expected"},
		{"a folder outside", `{site: {folder: ../a, inImage: true}}`, "folder"},
		{"bucket without prefix", `{site: {inImage: true}, bucket: {url: "s3://pictures?region=eu-central-1"}}`, "bucket.url: expected ?prefix=SITE"},
		{"bucket of no kind", `{site: {inImage: true}, bucket: {url: "ftp://pictures?prefix=a"}}`, "url"},
		{"credentials without bucket", `{site: {inImage: true}, bucket: {existingSecret: a}}`, "bucket.url: expected it beside"},
		{"bucket in the cluster", `{site: {inImage: true}, bucket: {url: "s3://b?prefix=a&endpoint=https://s3.data.svc"}}`, "networkPolicy.bucketTo: expected"},
		{"bucket on its own port", `{site: {inImage: true}, bucket: {url: "s3://b?prefix=a&endpoint=http://s3.example:7070"}}`, "networkPolicy.bucketTo: expected"},
		{"bucket, escaped", `{site: {inImage: true}, bucket: {url: "s3://b?endpoint=http%3A%2F%2Fs3.example%3A7070&prefix=a"}}`, "networkPolicy.bucketTo: expected"},
		{"redis without prefix", `{site: {inImage: true}, redis: {url: "redis://r:6379"}}`, "redis.url: expected ?prefix=SITE"},
		{"redis with an empty prefix", `{site: {inImage: true}, redis: {url: "redis://r:6379?prefix="}}`, "redis.url: expected ?prefix=SITE"},
		{"redis with a password", `{site: {inImage: true}, redis: {url: "redis://u:secret@r:6379?prefix=a"}}`, "redis.url: expected no password"},
		{"redis with part of a password", `{site: {inImage: true}, redis: {url: "redis://:x$(A)@r:6379?prefix=a"}}`, "redis.url: expected no password"},
		{"redis with a password that has a slash", `{site: {inImage: true}, redis: {url: "redis://:a/b@r:6379?prefix=a"}}`, "redis.url: expected no password"},
		{"bucket with a password", `{site: {inImage: true}, bucket: {url: "s3://key:secret@pictures?prefix=a"}}`, "bucket.url: expected no user or password"},
		{"an address among the variables", `{site: {inImage: true}, env: [{name: CUTLINE_LISTEN, value: ":80"}]}`, "env: expected no CUTLINE_LISTEN"},
		{"two redis", `{site: {inImage: true}, redis: {url: "redis://r?prefix=a", existingSecret: b}}`, "redis: expected one of"},
		{"redis behind the policy", `{site: {inImage: true}, redis: {existingSecret: b}}`, "networkPolicy.redisTo: expected"},
		{"keys of no secret", `{site: {inImage: true}, keys: {admin: a}}`, "keys.existingSecret: expected"},
		{"a secret without keys", `{site: {inImage: true}, keys: {existingSecret: a}}`, "keys: expected the entries"},
		{"three keys", `{site: {inImage: true}, keys: {existingSecret: a, signing: [a, b, c]}}`, "signing"},
		{"metrics without token", `{site: {inImage: true}, metrics: {serviceMonitor: {enabled: true}}}`, "keys.admin: expected"},
		{"fewer at most than at least", `{site: {inImage: true}, autoscaling: {enabled: true, minReplicas: 8}}`, "autoscaling.maxReplicas: expected at least minReplicas, 8 (got 6)"},
		{"scaling by nothing", `{site: {inImage: true}, autoscaling: {enabled: true, targetCPU: 0}}`, "autoscaling: expected targetCPU or metrics"},
		{"percent of nothing", `{site: {inImage: true}, autoscaling: {enabled: true}, resources: {requests: {cpu: null}}}`, "resources.requests.cpu: expected"},
		{"a budget that nobody can drain", `{site: {inImage: true}, podDisruptionBudget: {maxUnavailable: 0}}`, "maxUnavailable"},
		{"an ingress of no host", `{site: {inImage: true}, ingress: {enabled: true}}`, "ingress.hosts: expected"},
		{"an address in the file", `{site: {inImage: true}, config: {listen: ":80"}}`, "config"},
		{"keys in the file", `{site: {inImage: true}, config: {keys: [a]}}`, "config"},
		{"a bucket in the file", `{site: {inImage: true}, config: {cache: {bucket: "file:///a?prefix=b"}}}`, "cache"},
		{"a key that is none", `{site: {inImage: true}, config: {fetch: {host: [a]}}}`, "fetch"},
		{"off, which YAML takes for false", `{site: {inImage: true}, config: {lint: {long-alt: off}}}`, "long-alt"},
		{"an address for a prefix", `{site: {inImage: true}, config: {fetch: {allow_private: [10.0.0.1]}}}`, "allow_private"},
		{"a value that is none", `{site: {inImage: true}, replicaCount: 3}`, "replicaCount"},
		{"a value that is none, below", `{site: {inImage: true, claim: a}}`, "claim"},
		{"text for a number", `{site: {inImage: true}, replicas: "3"}`, "replicas"},
		{"a size without unit", `{site: {inImage: true}, cache: {size: "20"}}`, "size"},
		{"a public address with a path", `{site: {inImage: true}, publicURL: "https://a.example/b"}`, "publicURL"},
		{"a Secret's name that is none", `{site: {inImage: true}, keys: {existingSecret: "A b"}}`, "existingSecret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			values, err := chartutil.ReadValues([]byte(c.values))
			if err != nil {
				t.Fatal(err)
			}
			switch rendered, err := render(t, values, "v1.35.0"); {
			case err == nil:
				t.Errorf("%d objects, expected an error with %q", len(rendered), c.want)
			case !strings.Contains(err.Error(), c.want):
				t.Errorf("%v\nexpected %q in it", err, c.want)
			}
		})
	}
}

// TestDeployHelmTaken: the neighbours of what is refused.
func TestDeployHelmTaken(t *testing.T) {
	for _, values := range []string{
		`{site: {inImage: true}}`,
		`{config: {fetch: {hosts: [images.example.org]}}}`,
		`{keys: {existingSecret: a, imgix: token}}`,
		`{site: {inImage: true}, redis: {url: "rediss://r.example:6379?prefix=a"}, networkPolicy: {enabled: false}}`,
		`{site: {inImage: true}, redis: {url: "redis://user:$(PASSWORD)@r:6379?db=2&prefix=a"}, networkPolicy: {redisTo: [{podSelector: {}}]}, env: [{name: PASSWORD, value: a}]}`,
		`{site: {inImage: true}, bucket: {url: "s3://b?prefix=a&endpoint=https://s3.example.org&use_path_style=true"}}`,
		`{site: {inImage: true}, bucket: {url: "file:///shared?prefix=a"}, volumes: [{name: shared, nfs: {server: a, path: /b}}], volumeMounts: [{name: shared, mountPath: /shared}]}`,
		`{site: {inImage: true}, autoscaling: {enabled: true, targetCPU: 0, metrics: [{type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 80}}}]}}`,
		`{site: {inImage: true}, env: [{name: CUTLINE_FETCH_TIMEOUT, value: 5s}]}`,
		`{site: {inImage: true}, replicas: 0, global: {anything: goes}}`,
		`{site: {inImage: true}, resources: null, topologySpreadConstraints: []}`,
		`{site: {existingClaim: a}, preStopSeconds: 0}`,
	} {
		read, err := chartutil.ReadValues([]byte(values))
		if err != nil {
			t.Fatal(err)
		}
		rendered, err := render(t, read, "v1.35.0")
		if err != nil {
			t.Errorf("%s: %v", values, err)
			continue
		}
		deploy(t, rendered).checkPod(t)
	}
	if _, err := render(t, chartutil.Values{"site": map[string]any{"image": "a"}}, "v1.30.4"); err == nil || !strings.Contains(err.Error(), "site.image: expected Kubernetes 1.31") {
		t.Errorf("an image as a volume on Kubernetes 1.30: %v", err)
	}
}
