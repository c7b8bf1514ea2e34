{{- /* The real chart takes the release's name for both where `emissary` is part of it; for the full name it can be told. */ -}}
{{- define "emissary.name" -}}
{{- if contains "emissary" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Values.nameOverride | default "emissary-ingress" }}{{ end }}
{{- end -}}

{{- define "emissary.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{- define "emissary.selector" -}}
app.kubernetes.io/name: {{ include "emissary.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "emissary.labels" -}}
{{ include "emissary.selector" . }}
app.kubernetes.io/part-of: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
product: aes
mesh-expansion/stand-in: "true"
{{- end -}}
