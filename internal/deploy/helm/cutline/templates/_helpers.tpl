{{- define "cutline.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 54 characters: "-headless" comes behind it, and a service has 63. */}}
{{- define "cutline.fullname" -}}
{{- $name := include "cutline.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "cutline.headless" -}}
{{- include "cutline.fullname" . }}-headless
{{- end -}}

{{/* What never changes of a release: selectors cannot. */}}
{{- define "cutline.selector" -}}
app.kubernetes.io/name: {{ include "cutline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{/* Labels of (dict "root" $ "component" NAME "more" LABELS); more may be absent. */}}
{{- define "cutline.labelsOf" -}}
{{- $chart := printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $own := dict
  "app.kubernetes.io/name" (include "cutline.name" .root)
  "app.kubernetes.io/instance" .root.Release.Name
  "app.kubernetes.io/component" .component
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "helm.sh/chart" $chart -}}
{{- toYaml (merge $own (default dict .more) .root.Values.commonLabels) -}}
{{- end -}}

{{- define "cutline.labels" -}}
{{- include "cutline.labelsOf" (dict "root" . "component" "server") -}}
{{- end -}}

{{- define "cutline.serviceAccount" -}}
{{- default (ternary (include "cutline.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "cutline.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What tells that a Redis is there: url, or a Secret that has it. */}}
{{- define "cutline.redis" -}}
{{- if or .Values.redis.url .Values.redis.existingSecret -}}yes{{- end -}}
{{- end -}}

{{- define "cutline.kind" -}}
{{- ternary "StatefulSet" "Deployment" (eq .Values.cache.type "persistent") -}}
{{- end -}}

{{/* CUTLINE_KEYS: files of a Secret that is mounted. */}}
{{- define "cutline.keys" -}}
{{- $keys := list -}}
{{- range .Values.keys.signing -}}
{{- $keys = append $keys (printf "file:/run/secrets/cutline/%s" .) -}}
{{- end -}}
{{- with .Values.keys.imgix -}}
{{- $keys = append $keys (printf "imgix:file:/run/secrets/cutline/%s" .) -}}
{{- end -}}
{{- with .Values.keys.admin -}}
{{- $keys = append $keys (printf "admin:file:/run/secrets/cutline/%s" .) -}}
{{- end -}}
{{- join "," $keys -}}
{{- end -}}

{{/* CUTLINE_CACHE_DISK: four fifths of cache.size. The rest is for what is being written, and for blocks that are not full. */}}
{{- define "cutline.disk" -}}
{{- $mebi := get (dict "Mi" 1 "Gi" 1024 "Ti" 1048576) (regexFind "[MGT]i$" .Values.cache.size) -}}
{{- div (mul (regexFind "^[0-9]+" .Values.cache.size | int64) $mebi 4) 5 }}MiB
{{- end -}}

{{- define "cutline.claimSpec" -}}
accessModes: [ReadWriteOnce]
{{- with .Values.cache.storageClass }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.cache.size }}
{{- end -}}
