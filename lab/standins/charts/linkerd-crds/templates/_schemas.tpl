{{- /* Pieces that several kinds share, each one JSON-like schema for use behind a key. */ -}}

{{- define "crds.metadata" -}}
labels:
  helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
  linkerd.io/control-plane-ns: {{ .Release.Namespace }}
annotations:
  mesh-expansion/stand-in: "true"
{{- end -}}

{{- define "crds.group" -}}
{type: string, maxLength: 253, pattern: '^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'{{ with . }}, default: {{ . | quote }}{{ end }}}
{{- end -}}

{{- define "crds.kind" -}}
{type: string, minLength: 1, maxLength: 63, pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$'{{ with . }}, default: {{ . | quote }}{{ end }}}
{{- end -}}

{{- define "crds.name" -}}
{type: string, minLength: 1, maxLength: 253}
{{- end -}}

{{- define "crds.namespace" -}}
{type: string, minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'}
{{- end -}}

{{- define "crds.port" -}}
{type: integer, format: int32, minimum: 1, maximum: 65535}
{{- end -}}

{{- define "crds.target" -}}
type: object
required: [kind, name]
properties:
  group: {{ include "crds.group" "" }}
  kind: {{ include "crds.kind" "" }}
  name: {{ include "crds.name" . }}
{{- end -}}

{{- /* Labels are text; a selector never carries other fields. */ -}}
{{- define "crds.selector" -}}
type: object
properties:
  matchLabels: {type: object, additionalProperties: {type: string}}
  matchExpressions:
    type: array
    items:
      type: object
      required: [key, operator]
      properties:
        key: {type: string}
        operator: {type: string, enum: [In, NotIn, Exists, DoesNotExist]}
        values: {type: array, items: {type: string}}
{{- end -}}

{{- define "crds.networks" -}}
type: array
items:
  type: object
  required: [cidr]
  properties:
    cidr: {type: string}
    except: {type: array, items: {type: string}}
{{- end -}}

{{- define "crds.conditionFields" -}}
lastTransitionTime: {type: string, format: date-time}
message: {type: string, maxLength: 32768}
reason: {type: string, minLength: 1, maxLength: 1024, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$'}
status: {type: string, enum: ["True", "False", Unknown]}
type: {type: string, maxLength: 316, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$'}
{{- end -}}
