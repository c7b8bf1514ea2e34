{{- define "spire.labels" -}}
app.kubernetes.io/name: server
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "spire.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "spire.labels" . | nindent 2 }}
annotations:
  mesh-expansion/stand-in: "true"
{{- end -}}

{{- define "spire.selector" -}}
app.kubernetes.io/name: server
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* What the stand-in cannot be asked for: the real chart would run it. */ -}}
{{- define "spire.check" -}}
{{- range list "spire-agent" "spiffe-csi-driver" "spiffe-oidc-discovery-provider" }}
{{- if (index $.Values .).enabled }}{{ fail (printf "the stand-in has no %s: set %s.enabled to false" . .) }}{{ end }}
{{- end }}
{{- $server := index .Values "spire-server" }}
{{- $manager := $server.controllerManager }}
{{- if $server.nodeAttestor.k8sPSAT.enabled }}{{ fail "the stand-in has no k8s_psat: set nodeAttestor.k8sPSAT.enabled to false" }}{{ end }}
{{- if $server.bundlePublisher.k8sConfigMap.enabled }}{{ fail "the stand-in publishes no bundle: set bundlePublisher.k8sConfigMap.enabled to false" }}{{ end }}
{{- if not $server.unsupportedBuiltInPlugins.nodeAttestor }}{{ fail "the server would have no node attestor at all" }}{{ end }}
{{- if not $server.upstreamAuthority.disk.enabled }}{{ fail "the stand-in has no server without upstreamAuthority.disk" }}{{ end }}
{{- if $server.upstreamAuthority.disk.secret.create }}{{ fail "the stand-in makes no Secret of keys in values: set upstreamAuthority.disk.secret.create to false" }}{{ end }}
{{- if $manager.validatingWebhookConfiguration.enabled }}{{ fail "nothing would answer the stand-in's webhook: set controllerManager.validatingWebhookConfiguration.enabled to false" }}{{ end }}
{{- range $name, $identity := $manager.identities.clusterSPIFFEIDs }}
{{- if $identity.enabled }}{{ fail (printf "the stand-in has no ClusterSPIFFEIDs: set controllerManager.identities.clusterSPIFFEIDs.%s.enabled to false" $name) }}{{ end }}
{{- end }}
{{- end -}}
