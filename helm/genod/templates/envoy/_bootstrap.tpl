{{/*
What Envoy reads once, at its start: listeners, clusters, limits. The routes, and with them the weights of the tracks,
lie in a file of their own that Envoy reads again whenever it changes, so that moving weight closes no connection.
That is safe because the names of the clusters never depend on values: an Envoy that is older than the routes knows
every cluster that they can name.
*/}}
{{- define "genod.envoy.bootstrap" -}}
{{- $envoy := .Values.envoy -}}
node:
  # The pod's name comes by --service-node.
  locality:
    region: {{ .Values.regions.own | default "local" | quote }}
admin:
  # Only this pod: whoever reaches this port can stop Envoy.
  address: {socket_address: {address: 127.0.0.1, port_value: 9901}}
{{ include "genod.monitoring.envoyStats" . }}
overload_manager:
  refresh_interval: 0.25s
  resource_monitors:
    - name: envoy.resource_monitors.global_downstream_max_connections
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig
        max_active_downstream_connections: {{ $envoy.limits.connections | int64 }}
    - name: envoy.resource_monitors.fixed_heap
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig
        # Request bodies are held here until they are answered, so that they can be sent again.
        max_heap_size_bytes: {{ div (mul ($envoy.resources.memoryMiB | int64) 1048576 85) 100 }}
  actions:
    - name: envoy.overload_actions.shrink_heap
      triggers: [{name: envoy.resource_monitors.fixed_heap, threshold: {value: 0.9}}]
    - name: envoy.overload_actions.stop_accepting_requests
      triggers: [{name: envoy.resource_monitors.fixed_heap, threshold: {value: 0.97}}]
static_resources:
  listeners:
    {{- include "genod.envoy.listener" (dict "root" . "name" "http" "port" 8000) | nindent 4 }}
    {{- include "genod.envoy.listener" (dict "root" . "name" "grpc" "port" 8001) | nindent 4 }}
    {{- include "genod.envoy.metricsListener" . | nindent 4 }}
  clusters:
    {{- range $protocol := list "http" "grpc" }}
    {{- range $track := list "stable" "canary" }}
    {{- include "genod.envoy.trackCluster" (dict "root" $ "track" $track "protocol" $protocol) | nindent 4 }}
    {{- end }}
    {{- range $.Values.regions.failover }}
    {{- include "genod.envoy.regionCluster" (dict "root" $ "region" . "protocol" $protocol) | nindent 4 }}
    {{- end }}
    {{- range $track := list "stable" "canary" }}
    {{- include "genod.envoy.orderedCluster" (dict "root" $ "track" $track "protocol" $protocol) | nindent 4 }}
    {{- end }}
    {{- end }}
    - name: admin
      type: STATIC
      connect_timeout: 1s
      load_assignment:
        cluster_name: admin
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}}]}]
    {{- with include "genod.tracing.envoyCluster" . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- if and $envoy.jwt.enabled $envoy.jwt.remoteJwks.uri }}
    {{- include "genod.envoy.jwksCluster" . | nindent 4 }}
    {{- end }}
{{- end }}
