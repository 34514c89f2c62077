{{/* A port for callers. Both ports speak HTTP/1.1, HTTP/2 and gRPC; there are two because Triton has two. */}}
{{- define "genod.envoy.listener" -}}
{{- $envoy := .root.Values.envoy -}}
- name: {{ .name }}
  address: {socket_address: {address: {{ $envoy.listenAddress | quote }}, port_value: {{ .port }}, ipv4_compat: {{ eq $envoy.listenAddress "::" }}}}
  per_connection_buffer_limit_bytes: 1048576
  filter_chains:
    - filters:
        - name: envoy.filters.network.http_connection_manager
          typed_config:
            {{- include "genod.envoy.connectionManager" . | nindent 12 }}
      {{- if $envoy.tls.enabled }}
      transport_socket:
        {{- include "genod.envoy.downstreamTls" .root | nindent 8 }}
      {{- end }}
{{- end }}

{{/* Takes a dict: root, name. */}}
{{- define "genod.envoy.connectionManager" -}}
{{- $envoy := .root.Values.envoy -}}
{{- $timeouts := $envoy.timeouts -}}
"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
stat_prefix: {{ .name }}
codec_type: AUTO
use_remote_address: true
xff_num_trusted_hops: {{ $envoy.trustedProxies | int }}
# The allow-list of paths is only as good as the form in which paths reach it.
normalize_path: true
merge_slashes: true
path_with_escaped_slashes_action: REJECT_REQUEST
request_headers_timeout: 10s
stream_idle_timeout: {{ add ($timeouts.requestSeconds | int64) 5 }}s
# After the last request of a connection that has grown too old, one more may be under way.
drain_timeout: {{ add ($timeouts.requestSeconds | int64) 5 }}s
{{- if not $envoy.apis.streaming }}
# A body that trickles in is no reason to wait for it.
request_timeout: {{ $timeouts.requestSeconds }}s
{{- end }}
common_http_protocol_options:
  idle_timeout: {{ $timeouts.idleSeconds }}s
  {{- if $envoy.connectionAge.maxSeconds }}
  # Callers open a new connection now and then, and so find new Envoys.
  max_connection_duration: {{ $envoy.connectionAge.maxSeconds }}s
  {{- end }}
# HTTP/1.1 callers are told with an answer that the connection ends, instead of meeting a closed one.
http1_safe_max_connection_duration: true
http2_protocol_options:
  max_concurrent_streams: {{ $envoy.limits.streamsPerConnection | int64 }}
  # Photos are large: small windows make each a series of round trips.
  initial_stream_window_size: 1048576
  initial_connection_window_size: 16777216
local_reply_config:
  mappers:
    # What Envoy itself answers looks like what Triton answers; gRPC has its own form already.
    - filter:
        header_filter:
          header: {name: content-type, string_match: {prefix: application/grpc}, invert_match: true, treat_missing_header_as_empty: true}
      body_format_override:
        json_format: {error: "%LOCAL_REPLY_BODY%"}
{{- if ne $envoy.accessLog "none" }}
access_log:
  {{- include "genod.envoy.accessLog" .root | nindent 2 }}
{{- end }}
{{- with include "genod.tracing.envoyManager" .root | trim }}
{{ . }}
{{- end }}
rds:
  route_config_name: genod
  config_source:
    resource_api_version: V3
    path_config_source:
      path: /etc/envoy/config/routes.yaml
      watched_directory: {path: /etc/envoy/config}
http_filters:
  {{- include "genod.envoy.filters" .root | trim | nindent 2 }}
{{- end }}

{{/* What Prometheus and the kubelet see of the administration port, and nothing else of it. */}}
{{- define "genod.envoy.metricsListener" -}}
- name: metrics
  address: {socket_address: {address: {{ .Values.envoy.listenAddress | quote }}, port_value: 9902, ipv4_compat: {{ eq .Values.envoy.listenAddress "::" }}}}
  # Probes must get through when callers take every connection.
  ignore_global_conn_limit: true
  filter_chains:
    - filters:
        - name: envoy.filters.network.http_connection_manager
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            stat_prefix: metrics
            normalize_path: true
            route_config:
              name: metrics
              virtual_hosts:
                - name: metrics
                  domains: ["*"]
                  routes:
                    - match: {path: /stats/prometheus, headers: [{name: ":method", string_match: {exact: GET}}]}
                      route: {cluster: admin, timeout: 10s}
                    - match: {path: /ready, headers: [{name: ":method", string_match: {exact: GET}}]}
                      route: {cluster: admin, timeout: 1s}
                    - match: {path: /live, headers: [{name: ":method", string_match: {exact: GET}}]}
                      direct_response: {status: 200, body: {inline_string: "live\n"}}
            http_filters:
              - name: envoy.filters.http.router
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
{{- end }}

{{/* One line of JSON per request. */}}
{{- define "genod.envoy.accessLog" -}}
- name: envoy.access_loggers.stdout
  {{- if eq .Values.envoy.accessLog "errors" }}
  filter:
    or_filter:
      filters:
        - status_code_filter: {comparison: {op: GE, value: {default_value: 400, runtime_key: genod.access_log_from_status}}}
        - grpc_status_filter: {statuses: [OK], exclude: true}
        - response_flag_filter: {}
  {{- end }}
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
    log_format:
      json_format:
        time: "%START_TIME%"
        method: "%REQ(:METHOD)%"
        path: "%PATH(NQ)%"
        protocol: "%PROTOCOL%"
        status: "%RESPONSE_CODE%"
        grpc_status: "%GRPC_STATUS(SNAKE_STRING)%"
        flags: "%RESPONSE_FLAGS%"
        details: "%RESPONSE_CODE_DETAILS%"
        duration_ms: "%DURATION%"
        attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"
        upstream: "%UPSTREAM_HOST%"
        track: "%UPSTREAM_METADATA(genod:track)%"
        cluster: "%UPSTREAM_CLUSTER_RAW%"
        request_bytes: "%BYTES_RECEIVED%"
        response_bytes: "%BYTES_SENT%"
        caller: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
        request_id: "%REQ(X-REQUEST-ID)%"
        traceparent: "%REQ(TRACEPARENT)%"
{{- end }}
