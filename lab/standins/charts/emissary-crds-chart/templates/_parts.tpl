{{- /* Arguments: root, plural, kind. */ -}}
{{- define "emissary.head" -}}
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {{ .plural }}.getambassador.io
  labels:
    app.kubernetes.io/part-of: emissary-ingress
    emissary-ingress.dev/control-plane-ns: {{ .root.Release.Namespace }}
    helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
    mesh-expansion/stand-in: "true"
spec:
  group: getambassador.io
  scope: Namespaced
  names:
    kind: {{ .kind }}
    listKind: {{ .kind }}List
    plural: {{ .plural }}
    singular: {{ .kind | lower }}
    categories: [ambassador-crds]
{{- end -}}

{{- define "emissary.object" -}}
apiVersion: {type: string}
kind: {type: string}
metadata: {type: object}
{{- end -}}

{{- define "emissary.selector" -}}
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
