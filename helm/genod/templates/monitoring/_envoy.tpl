{{/* What Envoy must count for the rules; its bootstrap and its filters include these. */}}

{{/* Bootstrap: boundaries of the latency histograms, the target among them. Takes the root. */}}
{{- define "genod.monitoring.envoyStats" -}}
stats_config:
  histogram_bucket_settings:
    - match: {suffix: rq_time}
      buckets: {{ .Values.monitoring.slo.latency.bucketsMs | toJson }}
{{- end }}

{{/* HTTP filter: a failed gRPC call is HTTP status 200, so its own status must be counted. */}}
{{- define "genod.monitoring.envoyGrpcStats" -}}
- name: envoy.filters.http.grpc_stats
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig
    # One set of counters for all methods: nobody else may make series by inventing names.
    stats_for_all_methods: false
{{- end }}
