{{- /* SPDX-License-Identifier: Apache-2.0 */}}
{{- /* Where the nodes of a distribution have containerd's socket and the folders with hosts.toml, and the folders that
are needed below /host besides /etc and /usr. */}}
{{- define "containerd-exporter.preset" -}}
{{- $preset := get (fromYaml (include "containerd-exporter.presets" .)) .Values.distribution -}}
{{- if not $preset }}{{ fail (printf "distribution %q: expected kubernetes, k3s, rke2, k0s, microk8s or docker" .Values.distribution) }}{{ end -}}
{{- toYaml $preset -}}
{{- end }}

{{- define "containerd-exporter.presets" -}}
kubernetes:
  address: /run/containerd/containerd.sock
  hostsDir: /etc/containerd/certs.d:/etc/docker/certs.d
docker:
  address: /run/containerd/containerd.sock
  hostsDir: /etc/containerd/certs.d:/etc/docker/certs.d
k3s:
  address: /run/k3s/containerd/containerd.sock
  hostsDir: /var/lib/rancher/k3s/agent/etc/containerd/certs.d
  folders: [{name: agent, path: /var/lib/rancher/k3s/agent/etc}]
rke2:
  address: /run/k3s/containerd/containerd.sock
  hostsDir: /var/lib/rancher/rke2/agent/etc/containerd/certs.d
  folders: [{name: agent, path: /var/lib/rancher/rke2/agent/etc}]
k0s:
  address: /run/k0s/containerd.sock
  hostsDir: /etc/containerd/certs.d:/etc/k0s/containerd/certs.d
microk8s:
  address: /var/snap/microk8s/common/run/containerd.sock
  hostsDir: /var/snap/microk8s/current/args/certs.d
  # `current` is a link that each update of the snap moves.
  folders: [{name: snap, path: /var/snap/microk8s, mountPropagation: HostToContainer}]
{{- end }}

{{- define "containerd-exporter.address" -}}
{{- .Values.runtime.address | default (fromYaml (include "containerd-exporter.preset" .)).address | trimPrefix "unix://" -}}
{{- end }}

{{- /* Folders of the node below /host. Docker's is that of the socket: a mounted socket would be a dead one after dockerd
has made a new one. */}}
{{- define "containerd-exporter.folders" -}}
{{- $folders := list (dict "name" "etc" "path" "/etc") (dict "name" "usr" "path" "/usr") -}}
{{- $folders = concat $folders ((fromYaml (include "containerd-exporter.preset" .)).folders | default list) -}}
{{- if include "containerd-exporter.docker" . -}}
{{- $folders = append $folders (dict "name" "run" "path" (dir .Values.docker.address) "mountPropagation" "HostToContainer") -}}
{{- end -}}
{{- toYaml (concat $folders (.Values.hostFolders | default list)) -}}
{{- end }}

{{- /* Lays one mapping over another, in place: mappings are merged, all else is replaced, false and 0 too. */}}
{{- define "containerd-exporter.overlay" -}}
{{- $base := .base -}}
{{- range $key, $value := .over -}}
{{- $below := get $base $key -}}
{{- if and (kindIs "map" $value) (kindIs "map" $below) -}}
{{- include "containerd-exporter.overlay" (dict "base" $below "over" $value) -}}
{{- else }}{{- $_ := set $base $key $value -}}{{- end -}}
{{- end -}}
{{- end }}

{{- /* The configuration: what the other values mean, then the sections with values of their own, then `config`. */}}
{{- define "containerd-exporter.config" -}}
{{- $preset := fromYaml (include "containerd-exporter.preset" .) -}}
{{- $hosts := .Values.runtime.hostsDir | default $preset.hostsDir -}}
{{- $made := dict "containerd" (dict "address" (include "containerd-exporter.address" .) "hosts_dir" $hosts) -}}
{{- if include "containerd-exporter.docker" . -}}
{{- $_ := set $made "docker" (dict "address" (printf "/host%s" .Values.docker.address)) -}}
{{- end -}}
{{- $others := dict -}}
{{- if .Values.kubeletCredentials.enabled -}}
{{- $plugins := dict "config" .Values.kubeletCredentials.config "bin_dir" .Values.kubeletCredentials.binDir -}}
{{- $_ := set $others "credential_provider" $plugins -}}
{{- end -}}
{{- if include "containerd-exporter.registrySecret" . -}}
{{- if .Values.kubeletCredentials.enabled -}}
{{- fail "registrySecret and kubeletCredentials.enabled: both set the credentials of the registries \"*\"; expected one of them" -}}
{{- end -}}
{{- $_ := set $others "docker_config" "/etc/containerd_exporter_registry/config.json" -}}
{{- end -}}
{{- if $others }}{{- $_ := set $made "registries" (dict "*" $others) }}{{ end -}}
{{- $sections := dict "probes" (.Values.probes | default list) -}}
{{- range $name := list "registries" "collectors" "defaults" -}}
{{- with get $.Values $name }}{{- $_ := set $sections $name (deepCopy .) }}{{ end -}}
{{- end -}}
{{- include "containerd-exporter.overlay" (dict "base" $made "over" $sections) -}}
{{- include "containerd-exporter.overlay" (dict "base" $made "over" (deepCopy (.Values.config | default dict))) -}}
{{- toYaml $made -}}
{{- end }}

{{- define "containerd-exporter.webConfig" -}}
{{- $made := dict "health_without_auth" true -}}
{{- if .Values.webConfig.tlsSecret -}}
{{- $files := dict "cert_file" "/etc/containerd_exporter_tls/tls.crt" "key_file" "/etc/containerd_exporter_tls/tls.key" -}}
{{- $_ := set $made "tls_server_config" (set $files "min_version" "TLS12") -}}
{{- end -}}
{{- with .Values.webConfig.users }}{{- $_ := set $made "basic_auth_users" . }}{{ end -}}
{{- include "containerd-exporter.overlay" (dict "base" $made "over" (deepCopy (.Values.webConfig.config | default dict))) -}}
{{- toYaml $made -}}
{{- end }}

{{- /* The Secret with the credentials of registries, as `kubectl create secret docker-registry` makes it. */}}
{{- define "containerd-exporter.dockerConfig" -}}
{{- $auths := dict -}}
{{- range $host, $login := .Values.registrySecret.auths -}}
{{- $pair := printf "%s:%s" (toString $login.username) (toString $login.password) | b64enc -}}
{{- $_ := set $auths $host (dict "username" (toString $login.username) "password" (toString $login.password) "auth" $pair) -}}
{{- end -}}
{{- dict "auths" $auths | toJson -}}
{{- end }}
