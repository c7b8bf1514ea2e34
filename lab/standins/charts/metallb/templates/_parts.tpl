{{- define "metallb.selector" -}}
app.kubernetes.io/name: metallb
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "metallb.labels" -}}
{{ include "metallb.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
mesh-expansion/stand-in: "true"
{{- end }}
