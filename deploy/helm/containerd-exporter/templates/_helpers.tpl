{{- /* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "containerd-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- /* 50 characters, so that names with a suffix stay below 63. */}}
{{- define "containerd-exporter.fullname" -}}
{{- $name := include "containerd-exporter.name" . -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $both | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "containerd-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end }}

{{- define "containerd-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "containerd-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "containerd-exporter.labels" -}}
{{ include "containerd-exporter.selectorLabels" . }}
app.kubernetes.io/component: exporter
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Arguments: root, suffix of the name, namespace, labels and annotations; all but root may be left out. */}}
{{- define "containerd-exporter.metadata" -}}
name: {{ include "containerd-exporter.fullname" .root }}{{ .suffix }}
namespace: {{ .namespace | default (include "containerd-exporter.namespace" .root) }}
labels:
  {{- include "containerd-exporter.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "containerd-exporter.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- /* "true" where there is a web configuration file. */}}
{{- define "containerd-exporter.web" -}}
{{- with .Values.webConfig -}}
{{- if or .tlsSecret .users .config .existingSecret }}true{{ end -}}
{{- end -}}
{{- end }}

{{- define "containerd-exporter.docker" -}}
{{- if or .Values.docker.enabled (eq .Values.distribution "docker") }}true{{ end -}}
{{- end }}

{{- define "containerd-exporter.registrySecret" -}}
{{- with .Values.registrySecret -}}
{{- if .existingSecret }}{{ .existingSecret }}{{ else if .auths }}{{ include "containerd-exporter.fullname" $ }}-registry{{ end -}}
{{- end -}}
{{- end }}

{{- define "containerd-exporter.secretFiles" -}}
{{- with .Values.secretFiles -}}
{{- if .existingSecret }}{{ .existingSecret }}{{ else if .files }}{{ include "containerd-exporter.fullname" $ }}-files{{ end -}}
{{- end -}}
{{- end }}

{{- define "containerd-exporter.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "containerd-exporter.fullname" .) -}}
{{- else }}{{ .Values.serviceAccount.name }}{{ end -}}
{{- end }}
