{{- define "spire.metadata" -}}
annotations:
  mesh-expansion/stand-in: "true"
  {{- toYaml .Values.annotations | nindent 2 }}
{{- end -}}

{{- define "spire.head" -}}
apiVersion: {type: string}
kind: {type: string}
metadata: {type: object}
{{- end -}}

{{- define "spire.selector" -}}
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
        operator: {type: string}
        values: {type: array, items: {type: string}}
{{- end -}}
