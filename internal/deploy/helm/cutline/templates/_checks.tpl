{{/* What the schema cannot say of values that do not go together. Each message names the value, and what was expected. */}}
{{- define "cutline.checks" -}}
{{- include "cutline.checkSite" . -}}
{{- include "cutline.checkShared" . -}}
{{- include "cutline.checkKeys" . -}}
{{- include "cutline.checkScale" . -}}
{{- range .Values.env -}}
{{- if has .name (list "CUTLINE_LISTEN" "CUTLINE_ADMIN" "CUTLINE_LOG" "CUTLINE_PUBLIC_URL" "CUTLINE_KEYS" "CUTLINE_CACHE_DIR" "CUTLINE_CACHE_DISK" "CUTLINE_CACHE_BUCKET" "CUTLINE_CACHE_REDIS") -}}
{{- fail (printf "env: expected no %s in it, which other values set" .name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts: expected at least one host, for ingress.enabled" -}}
{{- end -}}
{{- end -}}

{{- define "cutline.checkSite" -}}
{{- $site := .Values.site -}}
{{- $from := list -}}
{{- range $name := list "existingClaim" "image" "volume" "inImage" -}}
{{- if get $site $name -}}{{- $from = append $from (printf "site.%s" $name) -}}{{- end -}}
{{- end -}}
{{- if gt (len $from) 1 -}}
{{- fail (printf "site: expected one of existingClaim, image, volume and inImage (got %s)" (join " and " $from)) -}}
{{- end -}}
{{- $hosts := dig "fetch" "hosts" list (default dict .Values.config) -}}
{{- if not (or $from $hosts .Values.keys.signing .Values.keys.imgix) -}}
{{- fail "site: expected one of existingClaim, image, volume and inImage, or else config.fetch.hosts or keys.signing: there is nothing to serve" -}}
{{- end -}}
{{- if and $site.image (semverCompare "<1.31-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "site.image: expected Kubernetes 1.31 or newer (got %s)" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and $site.folder (not $from) -}}
{{- fail "site.folder: expected a claim, an image or a volume that it is in" -}}
{{- end -}}
{{- end -}}

{{- define "cutline.checkShared" -}}
{{- with .Values.bucket.url -}}
{{- if not (regexMatch "[?&]prefix=[^&]" .) -}}
{{- fail "bucket.url: expected ?prefix=SITE in it: sites with one prefix show each other's pictures" -}}
{{- end -}}
{{- if regexMatch "^[a-z0-9]+://[^?]*@" . -}}
{{- fail "bucket.url: expected no user or password in it: bucket.existingSecret" -}}
{{- end -}}
{{- $private := regexMatch "[?&]endpoint=https?(://|%3A%2F%2F)[^&]*(\\.svc|:[0-9]|%3A[0-9])" . -}}
{{- if and $private $.Values.networkPolicy.enabled (not $.Values.networkPolicy.bucketTo) -}}
{{- fail "networkPolicy.bucketTo: expected who the bucket is, since its endpoint is in the cluster or on a port of its own" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.bucket.existingSecret (not .Values.bucket.url) -}}
{{- fail "bucket.url: expected it beside bucket.existingSecret" -}}
{{- end -}}
{{- with .Values.redis.url -}}
{{- if $.Values.redis.existingSecret -}}
{{- fail "redis: expected one of url and existingSecret" -}}
{{- end -}}
{{- if not (regexMatch "[?&]prefix=[^&]" .) -}}
{{- fail "redis.url: expected ?prefix=SITE in it: sites that share a Redis may not hear each other" -}}
{{- end -}}
{{- if and (regexMatch "^[a-z]+://[^?]*:[^?]*@" .) (not (regexMatch "^[a-z]+://[^/?:]*:\\$\\([A-Za-z_][A-Za-z0-9_]*\\)@" .)) -}}
{{- fail "redis.url: expected no password in it, which everybody who may read the pod could: redis.existingSecret, or $(NAME) of env" -}}
{{- end -}}
{{- end -}}
{{- if and (include "cutline.redis" .) .Values.networkPolicy.enabled (not .Values.networkPolicy.redisTo) -}}
{{- fail "networkPolicy.redisTo: expected who the Redis is, or nobody could reach it" -}}
{{- end -}}
{{- end -}}

{{- define "cutline.checkKeys" -}}
{{- $named := include "cutline.keys" . -}}
{{- if and $named (not .Values.keys.existingSecret) -}}
{{- fail "keys.existingSecret: expected the Secret that has what keys.signing, keys.imgix and keys.admin name" -}}
{{- end -}}
{{- if and .Values.keys.existingSecret (not $named) -}}
{{- fail "keys: expected the entries of existingSecret in signing, imgix or admin" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.keys.admin) -}}
{{- fail "keys.admin: expected the entry with a token, for metrics.serviceMonitor: without one, metrics are for programs of the pod alone" -}}
{{- end -}}
{{- end -}}

{{- define "cutline.checkScale" -}}
{{- with .Values.autoscaling -}}
{{- if .enabled -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "autoscaling.maxReplicas: expected at least minReplicas, %d (got %d)" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- if not (or .targetCPU .metrics) -}}
{{- fail "autoscaling: expected targetCPU or metrics" -}}
{{- end -}}
{{- if and .targetCPU (not (dig "requests" "cpu" "" $.Values.resources)) -}}
{{- fail "resources.requests.cpu: expected it for autoscaling.targetCPU, which is in percent of it" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
