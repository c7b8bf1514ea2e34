{{- define "plane.metadata" -}}
namespace: {{ .root.Release.Namespace }}
labels:
  linkerd.io/control-plane-component: {{ .component }}
  linkerd.io/control-plane-ns: {{ .root.Release.Namespace }}
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  mesh-expansion/stand-in: "true"
{{- end -}}

{{- define "plane.version" -}}
{{ .Values.linkerdVersion | default .Chart.AppVersion }}
{{- end -}}

{{- /* Arguments: root, component, name, ports (name, port, target, headless). */ -}}
{{- define "plane.service" -}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  {{- include "plane.metadata" . | nindent 2 }}
spec:
  {{- if .headless }}
  clusterIP: None
  {{- else }}
  type: ClusterIP
  {{- end }}
  selector:
    linkerd.io/control-plane-component: {{ .component }}
  ports:
  - name: {{ .port }}
    port: {{ .number }}
    targetPort: {{ .target }}
{{ end -}}

{{- /* Arguments: root, component, containers (name, ports, image, args, mounts), checksums, volumes. */ -}}
{{- define "plane.deployment" -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: linkerd-{{ .component }}
  {{- include "plane.metadata" . | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
{{- toYaml . | nindent 0 }}
{{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: linkerd-{{ .component }}
  {{- include "plane.metadata" . | nindent 2 }}
spec:
  replicas: {{ .root.Values.controllerReplicas }}
  selector:
    matchLabels:
      linkerd.io/control-plane-component: {{ .component }}
      linkerd.io/control-plane-ns: {{ .root.Release.Namespace }}
      linkerd.io/proxy-deployment: linkerd-{{ .component }}
  template:
    metadata:
      labels:
        linkerd.io/control-plane-component: {{ .component }}
        linkerd.io/control-plane-ns: {{ .root.Release.Namespace }}
        linkerd.io/proxy-deployment: linkerd-{{ .component }}
        linkerd.io/workload-ns: {{ .root.Release.Namespace }}
        {{- with .root.Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        linkerd.io/created-by: mesh-expansion stand-in
        linkerd.io/proxy-version: {{ .root.Values.proxy.image.version | default (include "plane.version" .root) | quote }}
        {{- range $name, $value := .checksums }}
        checksum/{{ $name }}: {{ $value | sha256sum }}
        {{- end }}
        {{- with .root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: linkerd-{{ .component }}
      {{- $root := .root }}
      {{- /* nothing runs in these pods, and a namespace waits as long as its pods may take */}}
      terminationGracePeriodSeconds: 0
      containers:
      {{- range .containers }}
      - name: {{ .name }}
        image: {{ .image | quote }}
        imagePullPolicy: {{ $root.Values.imagePullPolicy }}
        {{- with .args }}
        args:
        {{- toYaml . | nindent 8 }}
        {{- end }}
        ports:
        {{- range $name, $number := .ports }}
        - {name: {{ $name }}, containerPort: {{ $number }}}
        {{- end }}
        {{- with .mounts }}
        volumeMounts:
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with .volumes }}
      volumes:
      {{- toYaml . | nindent 6 }}
      {{- end }}
{{ end -}}
