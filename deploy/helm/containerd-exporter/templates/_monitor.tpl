{{- /* SPDX-License-Identifier: Apache-2.0 */}}
{{- /* What ServiceMonitor and PodMonitor have in common. Arguments: root, values, kind, endpoints (the field's name).
The job has the name that the rules and the dashboard expect. The instance stays an address, because the links of the
dashboard lead there. */}}
{{- define "containerd-exporter.monitor" -}}
{{- $root := .root -}}
{{- $web := $root.Values.webConfig -}}
{{- $node := dict "sourceLabels" (list "__meta_kubernetes_pod_node_name") "targetLabel" "node" -}}
{{- $rules := list (dict "targetLabel" "job" "replacement" "containerd_exporter") $node -}}
{{- $endpoint := dict "port" "metrics" "path" "/metrics" "honorLabels" false "relabelings" (concat $rules (.values.relabelings | default list)) -}}
{{- $_ := set $endpoint "interval" .values.interval -}}
{{- $_ := set $endpoint "scrapeTimeout" .values.scrapeTimeout -}}
{{- with .values.metricRelabelings }}{{ $_ := set $endpoint "metricRelabelings" . }}{{ end -}}
{{- if $web.tlsSecret -}}
{{- $_ := set $endpoint "scheme" "https" -}}
{{- $name := printf "%s.%s.svc" (include "containerd-exporter.fullname" $root) (include "containerd-exporter.namespace" $root) -}}
{{- $ca := dict "secret" (dict "name" $web.tlsSecret "key" "ca.crt") -}}
{{- $_ := set $endpoint "tlsConfig" (.values.tlsConfig | default (dict "serverName" $name "ca" $ca)) -}}
{{- end -}}
{{- if $web.scrapeSecret -}}
{{- $user := dict "name" $web.scrapeSecret "key" "user" -}}
{{- $_ := set $endpoint "basicAuth" (dict "username" $user "password" (dict "name" $web.scrapeSecret "key" "password")) -}}
{{- end -}}
{{- include "containerd-exporter.overlay" (dict "base" $endpoint "over" (deepCopy (.values.endpoint | default dict))) -}}
{{- $labels := fromYaml (include "containerd-exporter.selectorLabels" $root) -}}
{{- $spec := dict "selector" (dict "matchLabels" $labels) .endpoints (list $endpoint) -}}
{{- if int .values.sampleLimit }}{{ $_ := set $spec "sampleLimit" .values.sampleLimit }}{{ end -}}
{{- $namespace := include "containerd-exporter.namespace" $root -}}
{{- if and .values.namespace (ne .values.namespace $namespace) -}}
{{- $_ := set $spec "namespaceSelector" (dict "matchNames" (list $namespace)) -}}
{{- end -}}
{{- include "containerd-exporter.overlay" (dict "base" $spec "over" (deepCopy (.values.spec | default dict))) -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ .kind }}
metadata:
  {{- include "containerd-exporter.metadata" (dict "root" $root "namespace" .values.namespace "labels" .values.additionalLabels) | nindent 2 }}
spec:
  {{- toYaml $spec | nindent 2 }}
{{- end }}
