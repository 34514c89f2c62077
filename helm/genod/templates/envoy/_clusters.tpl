{{/* Triton's pods of one track, found by their headless Service. Takes a dict: root, track, protocol. */}}
{{- define "genod.envoy.trackCluster" -}}
{{- $envoy := .root.Values.envoy -}}
{{- $isCanary := eq .track "canary" -}}
{{- $host := printf "%s-triton-%s.%s.svc.%s" (include "genod.fullname" .root) .track .root.Release.Namespace $envoy.clusterDomain -}}
- name: {{ .track }}-{{ .protocol }}
  {{- include "genod.envoy.lookup" (dict "envoy" $envoy) | nindent 2 }}
  {{- include "genod.envoy.balancing" .root | nindent 2 }}
  {{- include "genod.envoy.circuitBreakers" .root | nindent 2 }}
  # One canary that fails is all of them: it may be ejected. Of the stable pods some must stay.
  {{- include "genod.envoy.outlierDetection" (dict "envoy" $envoy "maxEjectionPercent" (ternary 100 $envoy.outlierDetection.maxEjectionPercent $isCanary) "protocol" .protocol "isCanary" $isCanary) | nindent 2 }}
  health_checks:
    - timeout: {{ include "genod.envoy.milliseconds" $envoy.healthCheck.timeoutMs }}
      interval: {{ include "genod.envoy.milliseconds" $envoy.healthCheck.intervalMs }}
      no_traffic_interval: {{ include "genod.envoy.milliseconds" $envoy.healthCheck.intervalMs }}
      initial_jitter: {{ include "genod.envoy.milliseconds" (div ($envoy.healthCheck.intervalMs | int64) 4) }}
      unhealthy_threshold: {{ $envoy.healthCheck.unhealthyThreshold }}
      healthy_threshold: {{ $envoy.healthCheck.healthyThreshold }}
      # Triton counts open connections as work when it drains; a connection per question leaves none.
      reuse_connection: false
      http_health_check:
        path: {{ include "genod.envoy.healthPath" .root | quote }}
        codec_client_type: HTTP1
  {{- include "genod.envoy.protocol" (dict "protocol" .protocol) | nindent 2 }}
  load_assignment:
    cluster_name: {{ .track }}-{{ .protocol }}
    policy: {overprovisioning_factor: {{ .root.Values.regions.overprovisioningPercent | int64 }}}
    endpoints:
      - locality: {region: {{ .root.Values.regions.own | default "local" | quote }}}
        lb_endpoints:
          - metadata: {filter_metadata: {genod: {track: {{ .track }}, region: {{ .root.Values.regions.own | default "local" | quote }}}}}
            endpoint:
              address: {socket_address: {address: {{ $host | quote }}, port_value: {{ eq .protocol "http" | ternary 8000 8001 }}}}
              # HTTP also for gRPC: Triton's gRPC health knows only the whole server, and that turns red on every load.
              health_check_config: {port_value: {{ eq $envoy.healthCheck.via "probe" | ternary 8003 8000 }}}
{{- end }}

{{/* The Envoys of another region. Takes a dict: root, region, protocol. */}}
{{- define "genod.envoy.regionCluster" -}}
{{- $envoy := .root.Values.envoy -}}
{{- $regions := .root.Values.regions -}}
- name: region-{{ .region.name }}-{{ .protocol }}
  {{- include "genod.envoy.lookup" (dict "envoy" $envoy) | nindent 2 }}
  {{- include "genod.envoy.balancing" .root | nindent 2 }}
  {{- include "genod.envoy.circuitBreakers" .root | nindent 2 }}
  {{- include "genod.envoy.outlierDetection" (dict "envoy" $envoy "maxEjectionPercent" 100 "protocol" .protocol) | nindent 2 }}
  health_checks:
    - timeout: {{ include "genod.envoy.milliseconds" $regions.healthCheck.timeoutMs }}
      interval: {{ include "genod.envoy.milliseconds" $regions.healthCheck.intervalMs }}
      no_traffic_interval: {{ include "genod.envoy.milliseconds" $regions.healthCheck.intervalMs }}
      unhealthy_threshold: {{ $envoy.healthCheck.unhealthyThreshold }}
      healthy_threshold: {{ $regions.healthCheck.healthyThreshold }}
      http_health_check:
        path: /v2/models/{{ first .root.Values.release.ensembles }}/ready
        host: {{ .region.host | quote }}
        codec_client_type: HTTP1
        # Asks for that region's own pods: without it the other region would send the question on, perhaps back to here.
        request_headers_to_add: [{header: {key: x-genod-hop, value: {{ $regions.own | quote }}}}]
      {{- if $regions.tls.enabled }}
      tls_options: {alpn_protocols: [http/1.1]}
      {{- end }}
  {{- include "genod.envoy.protocol" (dict "protocol" .protocol) | nindent 2 }}
  {{- if $regions.tls.enabled }}
  transport_socket:
    {{- $ca := ternary "/etc/envoy/region-ca/ca.crt" "/etc/ssl/certs/ca-certificates.crt" (ne $regions.tls.caSecretName "") }}
    {{- include "genod.envoy.upstreamTls" (dict "sni" .region.host "ca" $ca "alpn" (eq .protocol "http" | ternary "http/1.1" "h2")) | nindent 4 }}
  {{- end }}
  load_assignment:
    cluster_name: region-{{ .region.name }}-{{ .protocol }}
    policy: {overprovisioning_factor: {{ $regions.overprovisioningPercent | int64 }}}
    endpoints:
      - locality: {region: {{ .region.name | quote }}}
        lb_endpoints:
          - metadata: {filter_metadata: {genod: {hop: {{ $regions.own | quote }}}}}
            endpoint:
              address: {socket_address: {address: {{ .region.host | quote }}, port_value: {{ eq .protocol "http" | ternary .region.httpPort .region.grpcPort | int64 }}}}
              hostname: {{ .region.host | quote }}
              health_check_config: {port_value: {{ .region.httpPort | int64 }}}
{{- end }}

{{/*
Where a track's requests go, in order: its own pods; for the canary the stable pods; then the other regions. The next one
gets requests as soon as too few pods of the one before are healthy. Takes a dict: root, track, protocol.
*/}}
{{- define "genod.envoy.orderedCluster" -}}
{{- $protocol := .protocol -}}
{{- $members := eq .track "canary" | ternary (list "canary" "stable") (list "stable") -}}
{{- range .root.Values.regions.failover }}
{{- $members = append $members (printf "region-%s" .name) }}
{{- end -}}
- name: to-{{ .track }}-{{ $protocol }}
  connect_timeout: {{ include "genod.envoy.milliseconds" .root.Values.envoy.timeouts.connectMs }}
  lb_policy: CLUSTER_PROVIDED
  # Retries are counted here, requests and connections at the members; what is an error is decided here too.
  {{- include "genod.envoy.circuitBreakers" .root | nindent 2 }}
  {{- include "genod.envoy.protocol" (dict "protocol" $protocol "marksHop" true) | nindent 2 }}
  cluster_type:
    name: envoy.clusters.aggregate
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig
      clusters:
        {{- range $members }}
        - {{ . }}-{{ $protocol }}
        {{- end }}
{{- end }}

{{/* What the kubelet asks for readiness too; by the sidecar it is a real inference. */}}
{{- define "genod.envoy.healthPath" -}}
{{- $model := first .Values.release.ensembles -}}
{{- if eq .Values.envoy.healthCheck.via "probe" -}}
/ready
{{- else -}}
/v2/models/{{ $model }}/ready
{{- end -}}
{{- end }}

{{/* A duration in protobuf's form, from milliseconds. */}}
{{- define "genod.envoy.milliseconds" -}}
{{ printf "%d.%03ds" (div (int64 .) 1000) (mod (int64 .) 1000) }}
{{- end }}
