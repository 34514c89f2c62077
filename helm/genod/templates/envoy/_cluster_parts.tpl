{{/* How names are looked up, every address of a name being a pod. Takes a dict: envoy. */}}
{{- define "genod.envoy.lookup" -}}
{{- $refreshMs := int64 .envoy.dns.refreshMs -}}
cluster_type:
  name: envoy.cluster.dns
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster
    dns_lookup_family: V4_PREFERRED
    # Often, whatever lifetime the answer has: a pod that ends must be forgotten during its preStop.
    dns_refresh_rate: {{ include "genod.envoy.milliseconds" $refreshMs }}
    respect_dns_ttl: false
    dns_failure_refresh_rate: {base_interval: {{ include "genod.envoy.milliseconds" $refreshMs }}, max_interval: {{ include "genod.envoy.milliseconds" (mul 5 $refreshMs) }}}
    typed_dns_resolver_config:
      name: envoy.network.dns_resolver.cares
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
        # Names are complete; the pod's search list would make five questions of one.
        dns_resolver_options: {no_default_search_domain: true}
connect_timeout: {{ include "genod.envoy.milliseconds" .envoy.timeouts.connectMs }}
# Without it Envoy goes on using a pod that has left DNS for as long as the pod answers health checks, that is, through its drain.
ignore_health_on_host_removal: true
upstream_connection_options:
  # No HTTP/2 pings instead: gRPC's server takes them for abuse and closes the connection.
  tcp_keepalive: {keepalive_probes: 3, keepalive_time: 30, keepalive_interval: 5}
{{- end }}

{{- define "genod.envoy.balancing" -}}
load_balancing_policy:
  policies:
    - typed_extension_config:
        name: envoy.load_balancing_policies.least_request
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest
          # Of two drawn by lot, not of all: a pod that just died has no requests, so it would be the least busy of all, for
          # retries too, until it is left out.
          choice_count: 2
common_lb_config:
  # Never send to pods that are known to be ill because there are many of them.
  healthy_panic_threshold: {value: 0}
  # What the main thread knows of a pod's health the workers know at once, not up to a second later.
  update_merge_window: 0s
{{- end }}

{{/*
Requests beyond what the pods can hold are refused here, at once. Retries: so many that the loss of one pod, with all that
was in flight on it, loses no answer; beyond that a share of the traffic, so that overload is not answered with more load.
*/}}
{{- define "genod.envoy.circuitBreakers" -}}
{{- $limits := .Values.envoy.limits -}}
{{- $inFlight := mul ($limits.inFlightPerPod | int64) (include "genod.envoy.maxPods" . | int64) -}}
circuit_breakers:
  thresholds:
    - max_requests: {{ $inFlight }}
      max_connections: {{ $inFlight }}
      max_pending_requests: {{ $inFlight }}
      retry_budget:
        budget_percent: {value: {{ .Values.envoy.retries.budgetPercent }}}
        min_retry_concurrency: {{ .Values.envoy.retries.minConcurrency | default $limits.inFlightPerPod | int64 }}
      track_remaining: true
{{- end }}

{{/*
Takes a dict: envoy, maxEjectionPercent, protocol, isCanary. Answers that are errors leave stable pods out over HTTP only: of
gRPC's statuses Envoy counts UNAVAILABLE, a full queue, like INTERNAL. A canary is left out for either; stable pods are there.
*/}}
{{- define "genod.envoy.outlierDetection" -}}
{{- $outlier := .envoy.outlierDetection -}}
outlier_detection:
  interval: {{ include "genod.envoy.milliseconds" $outlier.intervalMs }}
  base_ejection_time: {{ $outlier.ejectionSeconds }}s
  max_ejection_time: {{ mul 10 ($outlier.ejectionSeconds | int64) }}s
  max_ejection_percent: {{ .maxEjectionPercent | int64 }}
  # Connections that break, and answers that are errors, are counted apart.
  split_external_local_origin_errors: true
  consecutive_local_origin_failure: {{ $outlier.consecutiveLocalErrors | int64 }}
  enforcing_consecutive_local_origin_failure: 100
  consecutive_5xx: {{ $outlier.consecutiveErrors | int64 }}
  enforcing_consecutive_5xx: {{ ternary 100 0 (or .isCanary (eq .protocol "http")) }}
  enforcing_consecutive_gateway_failure: 0
  enforcing_success_rate: 0
  enforcing_local_origin_success_rate: 0
  # A dead Python stub passes every readiness check: it must not end the ejection.
  successful_active_health_check_uneject_host: false
{{- end }}

{{/* Takes a dict: protocol, marksHop (for clusters that routes name). */}}
{{- define "genod.envoy.protocol" -}}
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    common_http_protocol_options: {idle_timeout: 60s}
    explicit_http_config:
      {{- if eq .protocol "http" }}
      http_protocol_options: {}
      {{- else }}
      http2_protocol_options: {initial_stream_window_size: 1048576, initial_connection_window_size: 16777216}
      {{- end }}
    outlier_detection:
      # 503 says "my queue is full": leaving pods out for that would make overload worse. Envoy looks here at the cluster
      # that the route names, and only for HTTP.
      error_matcher:
        http_response_headers_match: {headers: [{name: ":status", string_match: {exact: "500"}}]}
    {{- if .marksHop }}
    http_filters:
      - name: envoy.filters.http.header_mutation
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
          mutations:
            request_mutations:
              # Tells the other region that this request has been sent on once and must not be again. Only hosts of other
              # regions have this entry; without it no header is written.
              - append: {header: {key: x-genod-hop, value: "%UPSTREAM_METADATA(genod:hop)%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
      - name: envoy.filters.http.upstream_codec
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec}
    {{- end }}
{{- end }}

{{/* Pods that there can be at most, of both tracks. */}}
{{- define "genod.envoy.maxPods" -}}
{{- if kindIs "invalid" .Values.envoy.limits.maxPods }}
{{- $stable := .Values.replicas | default 1 | int64 }}
{{- if (.Values.autoscaling).enabled }}
{{- $stable = .Values.autoscaling.maxReplicas | default 10 | int64 }}
{{- end }}
{{- add $stable (ternary (.Values.canary.replicas | int64) 0 .Values.canary.enabled) }}
{{- else }}
{{- .Values.envoy.limits.maxPods | int64 }}
{{- end }}
{{- end }}
