{{/* The pod of a Deployment or a StatefulSet. */}}
{{- define "cutline.pod" -}}
metadata:
  labels:
    {{- include "cutline.labelsOf" (dict "root" . "component" "server" "more" .Values.podLabels) | nindent 4 }}
  {{- if or .Values.config .Values.podAnnotations }}
  annotations:
    {{- with .Values.config }}
    checksum/config: {{ toYaml . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "cutline.serviceAccount" . }}
  automountServiceAccountToken: false
  # Kubernetes' own variables for a Service may begin with CUTLINE_, and unknown ones of these are refused.
  enableServiceLinks: false
  # After SIGTERM: 2 s in which requests are still taken, 20 s for those under way, 5 s for what they make, and 5 s for the bucket to have it.
  terminationGracePeriodSeconds: {{ add 35 (include "cutline.preStop" . | int) }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    {{- include "cutline.container" . | nindent 4 }}
    {{- with .Values.sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $volumes := include "cutline.volumes" . | trim }}
  {{- with $volumes }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - labelSelector:
        matchLabels:
          {{- include "cutline.selector" $ | nindent 10 }}
      {{- toYaml (omit . "labelSelector") | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
{{- end -}}

{{/* preStopSeconds, where the cluster can sleep by itself: the image has no program that could. */}}
{{- define "cutline.preStop" -}}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version -}}{{ .Values.preStopSeconds }}{{- else -}}0{{- end -}}
{{- end -}}

{{- define "cutline.container" -}}
- name: cutline
  image: {{ include "cutline.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    - serve
    - {{ list .Values.site.path .Values.site.folder | compact | join "/" | quote }}
    {{- if .Values.config }}
    - --config=/etc/cutline/cutline.yaml
    {{- end }}
    {{- if .Values.site.watch }}
    - --watch
    {{- end }}
  env:
    {{- include "cutline.env" . | nindent 4 }}
  {{- with .Values.bucket.existingSecret }}
  envFrom:
    - secretRef:
        name: {{ . | quote }}
  {{- end }}
  ports:
    - name: http
      containerPort: 8080
    {{- if .Values.keys.admin }}
    - name: admin
      containerPort: 9091
    {{- end }}
  # Nothing listens before the posts are read.
  startupProbe:
    httpGet:
      path: /livez
      port: http
    periodSeconds: 2
    timeoutSeconds: 3
    failureThreshold: {{ div (add .Values.startupSeconds 1) 2 }}
  livenessProbe:
    httpGet:
      path: /livez
      port: http
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  readinessProbe:
    httpGet:
      path: /readyz
      port: http
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: 2
  {{- $preStop := include "cutline.preStop" . | int }}
  {{- if $preStop }}
  lifecycle:
    preStop:
      sleep:
        seconds: {{ $preStop }}
  {{- end }}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $mounts := include "cutline.mounts" . | trim }}
  {{- with $mounts }}
  volumeMounts:
    {{- . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* env comes first, so that what follows can refer to it by $(NAME). */}}
{{- define "cutline.env" -}}
{{- with .Values.env }}
{{- toYaml . }}
{{ end -}}
- name: CUTLINE_LISTEN
  value: ":8080"
- name: CUTLINE_ADMIN
  value: {{ ternary ":9091" "127.0.0.1:9091" (ne .Values.keys.admin "") | quote }}
- name: CUTLINE_LOG
  value: {{ .Values.log | quote }}
{{- with .Values.publicURL }}
- name: CUTLINE_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "cutline.keys" . }}
- name: CUTLINE_KEYS
  value: {{ . | quote }}
{{- end }}
{{- if eq .Values.cache.type "memory" }}
- name: CUTLINE_CACHE_DIR
  value: "off"
{{- else }}
- name: CUTLINE_CACHE_DIR
  value: /var/cache/cutline
- name: CUTLINE_CACHE_DISK
  value: {{ include "cutline.disk" . }}
{{- end }}
{{- with .Values.bucket.url }}
- name: CUTLINE_CACHE_BUCKET
  value: {{ . | quote }}
{{- end }}
{{- with .Values.redis.url }}
- name: CUTLINE_CACHE_REDIS
  value: {{ . | quote }}
{{- end }}
{{- if .Values.redis.existingSecret }}
- name: CUTLINE_CACHE_REDIS
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.existingSecret | quote }}
      key: {{ .Values.redis.key | quote }}
{{- end }}
{{- end -}}

{{- define "cutline.mounts" -}}
{{- if not .Values.site.inImage }}
- name: site
  mountPath: {{ .Values.site.path | quote }}
  readOnly: true
{{- end }}
{{- if ne .Values.cache.type "memory" }}
- name: cache
  mountPath: /var/cache/cutline
{{- end }}
{{- if .Values.config }}
- name: config
  mountPath: /etc/cutline
  readOnly: true
{{- end }}
{{- if .Values.keys.existingSecret }}
- name: keys
  mountPath: /run/secrets/cutline
  readOnly: true
{{- end }}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "cutline.volumes" -}}
{{- if not .Values.site.inImage }}
- name: site
  {{- include "cutline.siteVolume" . | nindent 2 }}
{{- end }}
{{- if eq .Values.cache.type "emptyDir" }}
- name: cache
  emptyDir:
    sizeLimit: {{ .Values.cache.size }}
{{- else if eq .Values.cache.type "ephemeral" }}
- name: cache
  ephemeral:
    volumeClaimTemplate:
      metadata:
        labels:
          {{- include "cutline.selector" . | nindent 10 }}
      spec:
        {{- include "cutline.claimSpec" . | nindent 8 }}
{{- end }}
{{- if .Values.config }}
- name: config
  configMap:
    name: {{ include "cutline.fullname" . }}
{{- end }}
{{- with .Values.keys.existingSecret }}
- name: keys
  secret:
    secretName: {{ . | quote }}
    # A file that everybody may read is refused.
    defaultMode: 0440
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "cutline.siteVolume" -}}
{{- with .Values.site -}}
{{- if .existingClaim -}}
persistentVolumeClaim:
  claimName: {{ .existingClaim | quote }}
  readOnly: true
{{- else if .image -}}
image:
  reference: {{ .image | quote }}
  pullPolicy: IfNotPresent
{{- else if .volume -}}
{{ toYaml .volume }}
{{- else -}}
emptyDir: {}
{{- end -}}
{{- end -}}
{{- end -}}
